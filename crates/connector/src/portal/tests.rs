//! The connector against the portal simulator, and against portals that are broken or slow.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use simulator::portal::{CallSeen, Portal, Settings, Trouble};
use terms::clock::{Clock, Timestamp};
use terms::deadline::Deadline;
use terms::endpoint::Endpoint;
use terms::environment::Environment;
use terms::portal::{Exists, PortalAccess};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::tests::talk;
use crate::{
    Connector, Failure, FailureKind, PortalCall, PortalHolds, PortalParts, PortalReply, Portals,
};

mod order;
mod session;
mod text;

type Body = Full<Bytes>;

const USER: &str = "000.00.00.H99";
const SECRET: &str = "synthetic-not-a-secret";
const DESTINATION: &str = "VN:GOV:000.00.00.G22:vpcpdvcprovider";
const SYNC: &str = "DongBoHoSoMC";
const PROGRESS: &str = "CapNhatTienDoHoSoMC";

/// A platform with one thread, and a portal.
struct World {
    portal: Portal,
    clock: Clock,
    connector: Connector<Body>,
    endpoints: Vec<Endpoint>,
    access: PortalAccess,
}

impl World {
    async fn new() -> World {
        World::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> World {
        let portal = simulator::portal::start(settings).await.unwrap();
        let clock = Clock::manual(Timestamp::from_secs(1_709_539_200));
        World {
            endpoints: vec![endpoint(&portal.base())],
            portal,
            connector: Connector::new(clock.clone()),
            clock,
            access: PortalAccess::new(USER, SECRET),
        }
    }

    async fn send(&self, operation: &str, body: &str) -> Result<PortalReply<Body>, Failure> {
        self.send_within(operation, body, Duration::from_secs(10)).await
    }

    async fn send_within(
        &self,
        operation: &str,
        body: &str,
        limit: Duration,
    ) -> Result<PortalReply<Body>, Failure> {
        self.connector.send_portal(self.call(operation, body, limit)).await
    }

    fn call<'a>(&'a self, operation: &'a str, body: &str, limit: Duration) -> PortalCall<'a> {
        PortalCall {
            endpoints: &self.endpoints,
            tls: None,
            access: &self.access,
            destination: Some(DESTINATION),
            environment: Environment::Live,
            sender: "one-stop",
            operation,
            credential: None,
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            deadline: Deadline::new(Clock::system().instant(), limit),
        }
    }

    /// Sends and reads the answer.
    async fn ask(&self, operation: &str, body: &str) -> Told {
        Told::read(self.send(operation, body).await.unwrap()).await
    }

    async fn ask_new(&self, codes: &[&str]) -> Told {
        self.ask(SYNC, &sync(codes, "False")).await
    }

    fn calls(&self, service: &str) -> Vec<Arc<CallSeen>> {
        self.portal.calls().into_iter().filter(|call| call.service == service).collect()
    }

    fn logins(&self) -> usize {
        self.calls("login").len()
    }
}

const ALL: usize = usize::MAX;

fn holds(held: usize, doubt: usize) -> PortalHolds {
    PortalHolds { held, doubt }
}

/// An answer read to its end.
#[derive(Debug)]
struct Told {
    status: u16,
    /// By the head; `None` when it has none.
    length: Option<usize>,
    text: String,
    resent: bool,
    parts: PortalParts,
    holds: PortalHolds,
    attempts: u32,
}

impl Told {
    async fn read(reply: PortalReply<Body>) -> Told {
        let PortalReply { reply, resent, parts, holds } = reply;
        let length = reply.parts.headers.get("content-length");
        Told {
            status: reply.parts.status.as_u16(),
            length: length.map(|length| length.to_str().unwrap().parse().unwrap()),
            attempts: reply.trace.attempts,
            text: String::from_utf8(reply.body.collect().await.unwrap().to_bytes().into()).unwrap(),
            resent,
            parts,
            holds,
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// `error_code` as text.
    fn code(&self) -> String {
        self.json()["error_code"].to_string().trim_matches('"').to_owned()
    }

    fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }
}

fn endpoint(base: &str) -> Endpoint {
    Endpoint::parse(base).unwrap()
}

/// An endpoint where nobody listens.
async fn nowhere() -> Endpoint {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    endpoint(&format!("http://{}", listener.local_addr().unwrap()))
}

/// Dossiers to be made or updated, under a session that is not the portal's.
fn sync(codes: &[&str], updating: &str) -> String {
    let records: Vec<Value> =
        codes.iter().map(|code| json!({"MaHoSo": code, "TrangThaiHoSo": "2"})).collect();
    json!({"session": "of-the-platform", "service": SYNC, "isUpdating": updating, "data": records})
        .to_string()
}

fn progress(codes: &[&str]) -> String {
    let row = |(at, code): (usize, &&str)| json!({"MaHoSo": code, "NoiDungXuLy": at.to_string()});
    let rows: Vec<Value> = codes.iter().enumerate().map(row).collect();
    json!({"session": "of-the-platform", "service": PROGRESS, "data": rows}).to_string()
}

/// The body of a request as the portal received it.
fn received(world: &World, call: &CallSeen) -> String {
    let received = world.portal.received();
    let request = received.iter().find(|request| request.id == call.id).unwrap();
    String::from_utf8(request.body().to_vec()).unwrap()
}

fn cause(failure: &Failure) -> &str {
    failure.cause.as_ref().map_or("", |cause| &cause.en)
}

#[test]
fn only_the_session_and_an_absent_unit_are_put_in() {
    talk(|| async {
        let world = World::new().await;
        let body = "{ \"session\" : \"of-the-platform\",\n\t\"service\":\"DongBoHoSoMC\", \
                    \"isUpdating\":false,\"data\" :[ {\"MaHoSo\":\"A-1\" , \"La\":\"\\u0110 1.0e2\"} ] }";
        let told = world.ask(SYNC, body).await;
        assert_eq!((told.status, told.code().as_str(), told.attempts), (200, "0", 1), "{told:?}");
        assert_eq!(told.parts, PortalParts { taken: 1, count: 1 });
        let calls = world.calls(SYNC);
        let sent = received(&world, &calls[0]);
        let session = serde_json::from_str::<Value>(&sent).unwrap()["session"].to_string();
        let unit = format!("{{\"madonvi\":\"{USER}\", \"session\"");
        let expected = body.replace("\"of-the-platform\"", &session);
        assert_eq!(sent, expected.replace("{ \"session\"", &unit));
        assert_eq!(calls[0].unit, USER);

        let body = sync(&["A-2"], "False").replace("{\"data\"", "{\"MaDonVi\":\"H99.7\",\"data\"");
        assert_eq!(world.ask(SYNC, &body).await.code(), "0");
        assert_eq!(world.calls(SYNC)[1].unit, "H99.7", "a unit that is there stays");
        let raw = &world.portal.received()[0].raw;
        let head = String::from_utf8_lossy(raw).to_ascii_lowercase();
        for line in ["content-type: application/json\r\n", "charset: utf-8\r\n", "accept: "] {
            assert!(head.contains(line), "{head}");
        }
    });
}

#[test]
fn every_packet_passes_byte_for_byte() {
    use simulator::fixture::{ALL, SESSION};
    talk(|| async {
        let world = World::new().await;
        let mut services = std::collections::BTreeSet::new();
        for fixture in ALL {
            let Some(body) = fixture.request() else { continue };
            let Ok(Value::Object(envelope)) = serde_json::from_str(body) else { continue };
            let Some(service) = envelope.get("service").and_then(Value::as_str) else { continue };
            let told = world.ask(service, body).await;
            assert_eq!(told.status, 200, "{}", fixture.name);
            let call = world.calls(service).pop().unwrap();
            assert_eq!(told.json(), serde_json::from_slice::<Value>(&call.answer).unwrap());
            let sent = received(&world, &call);
            let session = serde_json::from_str::<Value>(&sent).unwrap()["session"].clone();
            if let Some(came) = envelope.get("session").and_then(Value::as_str) {
                assert_eq!(sent, body.replace(came, session.as_str().unwrap()), "{}", fixture.name);
                assert_eq!(came, SESSION);
            }
            services.insert(service.to_owned());
        }
        assert_eq!(world.logins(), 1);
        assert!(services.len() >= 14, "{services:?}");
    });
}

#[test]
fn the_destination_stands_where_it_is_wanted() {
    use terms::portal::DestinationIn::{Both, Header, Query};
    talk(|| async {
        for (place, in_header, in_query) in
            [(Header, true, false), (Query, false, true), (Both, true, true)]
        {
            let mut world = World::new().await;
            world.access.destination_in = place;
            world.endpoints =
                vec![endpoint(&format!("{}/VXPAdapter/RestService/forward", world.portal.base()))];
            world.ask_new(&["A-1"]).await;
            let calls = world.portal.calls();
            assert_eq!(calls.len(), 2, "a login and a call");
            for call in calls {
                let code = Some(DESTINATION.to_owned());
                assert_eq!(call.dstcode_header == code, in_header, "{place}: {call:?}");
                assert_eq!(call.dstcode_query == code, in_query, "{place}: {call:?}");
                assert_eq!(call.adapter, Some("VXPAdapter"));
            }
        }
    });
}

#[test]
fn paths_and_names_are_configured() {
    talk(|| async {
        let paths = simulator::portal::Paths {
            login: "/in".into(),
            data: "/packets".into(),
            share: "/lists".into(),
        };
        let mut world = World::with(Settings { paths, ..Settings::default() }).await;
        world.access.login = "/in".into();
        world.access.data = "/packets".into();
        world.access.share = "/lists?providerurl=http://10.0.0.1".into();
        world.access.destination_in = terms::portal::DestinationIn::Query;
        assert_eq!(world.ask_new(&["A-1"]).await.code(), "0");
        world.ask("LayDanhMucCoQuan", r#"{"service":"LayDanhMucCoQuan"}"#).await;
        let seen = world.portal.calls();
        let paths: Vec<&str> = seen.iter().map(|call| &*call.path).collect();
        assert_eq!(paths, ["/in", "/packets", "/lists"]);
        assert_eq!(seen[2].providerurl.as_deref(), Some("http://10.0.0.1"));
        assert_eq!(seen[2].dstcode_query.as_deref(), Some(DESTINATION));
    });
}

#[test]
fn what_the_portal_holds_is_passed_or_updated() {
    // kept before, the record's isUpdating, rule; code told, resent, sendings
    type Line = (
        &'static [&'static str],
        &'static [&'static str],
        &'static str,
        Exists,
        &'static str,
        bool,
        usize,
    );
    let table: &[Line] = &[
        (&["A"], &["A"], "False", Exists::Pass, "3", false, 1),
        (&["A"], &["A"], "False", Exists::Update, "0", true, 2),
        (&[], &["A"], "False", Exists::Update, "0", false, 1),
        (&["A"], &["A"], "True", Exists::Update, "0", false, 1),
        (&["A", "B"], &["A", "B"], "False", Exists::Update, "0", true, 2),
        // one call in which some are new: halved until each part is all new or all known
        (&["B"], &["A", "B", "C"], "False", Exists::Update, "0", true, 8),
        (&["B"], &["A", "B", "C"], "False", Exists::Pass, "3", false, 1),
        // a dossier the portal does not know cannot be updated
        (&[], &["A"], "True", Exists::Update, "-1", false, 1),
    ];
    for (kept, codes, updating, exists, code, resent, sendings) in table {
        talk(|| async {
            let mut world = World::new().await;
            if !kept.is_empty() {
                assert_eq!(world.ask_new(kept).await.code(), "0");
            }
            let before = world.calls(SYNC).len();
            world.access.exists = *exists;
            let told = world.ask(SYNC, &sync(codes, updating)).await;
            assert_eq!((told.code().as_str(), told.resent), (*code, *resent), "{told:?}");
            let calls = world.calls(SYNC);
            assert_eq!(calls.len() - before, *sendings, "{kept:?} {codes:?} {updating}");
            let all_known = *resent && kept.len() == codes.len();
            assert_eq!(calls.last().unwrap().update, *updating == "True" || all_known);
            if *code == "0" {
                let held = world.portal.dossiers();
                assert!(codes.iter().all(|code| held.iter().any(|d| d.code == **code)));
            }
        });
    }
}

#[test]
fn a_batch_that_was_taken_in_part_is_soon_through() {
    talk(|| async {
        let mut world = World::new().await;
        let codes: Vec<String> = (0..100).map(|at| format!("A-{at:03}")).collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        world.ask_new(&codes[..37]).await;
        world.access.exists = Exists::Update;
        let told = world.ask_new(&codes).await;
        assert_eq!((told.code().as_str(), told.resent), ("0", true), "{told:?}");
        assert_eq!(told.parts.taken, told.parts.count);
        assert_eq!(world.portal.dossiers().len(), 100);
        assert!(told.attempts < 25, "{} sendings", told.attempts);
        for code in codes {
            let dossier = world.portal.dossier(code).unwrap();
            let states: Vec<bool> = dossier.states.iter().map(|state| state.update).collect();
            assert!(matches!(states[..], [false] | [false, true]), "{code}: {states:?}");
        }

        // 40 more, 10 of them held: whole, half and quarter twice each, a quarter, and then silence
        world.portal.trouble(Trouble { delay_ms: 9_000, every: Some(8), ..Trouble::default() });
        let more: Vec<String> = (90..130).map(|at| format!("A-{at:03}")).collect();
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let (body, limit) = (sync(&more, "False"), Duration::from_secs(3));
        let failure = world.send_within(SYNC, &body, limit).await.err().unwrap();
        assert_eq!((failure.kind, failure.reached), (FailureKind::Timeout, true));
        assert!(cause(&failure).contains("the first 20 of 40 records; send again from 21"));
        assert_eq!(failure.holds.held, 20);
        world.portal.trouble(Trouble::default());
        assert_eq!(world.ask_new(&more).await.code(), "0");
        assert_eq!(world.portal.dossiers().len(), 130);
    });
}

#[test]
fn only_a_new_dossier_becomes_an_update() {
    talk(|| async {
        let mut world = World::new().await;
        world.access.exists = Exists::Update;
        world.ask_new(&["Z"]).await;
        let exists = Some(simulator::portal::Code::text("3"));
        world.portal.trouble(Trouble { error_code: exists, ..Trouble::default() });
        let answer = r#"{"service":"DongBoHoiDap","data":[{"HOIDAPID":"1"}]}"#.to_owned();
        for (operation, body) in [
            (SYNC, sync(&["A"], "True")),
            (SYNC, sync(&["A", "B"], "true")),
            (SYNC, sync(&["A"], "True").replace("\"True\"", "true")),
            ("DongBoHoiDap", answer),
        ] {
            let before = world.portal.count();
            let told = world.ask(operation, &body).await;
            assert_eq!((told.code().as_str(), told.resent), ("3", false), "{operation}");
            assert_eq!(world.portal.count() - before, 1, "{operation}");
        }
        // an update that the portal refuses so as well is not sent a third time
        let told = world.ask_new(&["A"]).await;
        assert_eq!((told.code().as_str(), told.resent, told.attempts), ("3", true, 2));
    });
}

#[test]
fn exists_is_known_by_number_text_and_words() {
    use simulator::portal::{Change, Code, Codes};
    for code in [Code::Number(3), Code::text("-3"), Code::text("3"), Code::text("17")] {
        talk(|| async {
            let mut world = World::new().await;
            world.access.exists = Exists::Update;
            let codes = Codes { exists: code.clone(), ..Codes::default() };
            world.portal.change(Change { codes: Some(codes), ..Change::default() });
            world.ask_new(&["A"]).await;
            let told = world.ask_new(&["A"]).await;
            assert!(told.resent && told.code() == "0", "{code}: {told:?}");
        });
    }
}

#[test]
fn progress_goes_in_groups_of_ten() {
    talk(|| async {
        let world = World::new().await;
        world.ask_new(&["A"]).await;
        let told = world.ask(PROGRESS, &progress(&["A"; 25])).await;
        assert_eq!((told.code().as_str(), told.parts.taken, told.parts.count), ("0", 3, 3));
        let sizes: Vec<usize> = world.calls(PROGRESS).iter().map(|call| call.records).collect();
        assert_eq!(sizes, [10, 10, 5]);
        let rows = world.portal.dossier("A").unwrap().progress;
        let row = |at: usize| json!({"MaHoSo": "A", "NoiDungXuLy": at.to_string()}).to_string();
        let sent: Vec<&str> = rows.iter().map(|row| row.get()).collect();
        assert_eq!(sent, (0..25).map(row).collect::<Vec<_>>(), "byte for byte, in order");

        let told = world.ask(PROGRESS, &progress(&["A"; 10])).await;
        assert_eq!(told.parts, PortalParts { taken: 1, count: 1 }, "ten are not cut");
    });
}

#[test]
fn a_group_that_is_refused_tells_what_was_taken() {
    talk(|| async {
        let world = World::new().await;
        world.ask_new(&["A"]).await;
        let mut codes = ["A"; 25];
        codes[12] = "unknown";
        let told = world.ask(PROGRESS, &progress(&codes)).await;
        assert_eq!((told.parts.taken, told.parts.count, told.code().as_str()), (1, 3, "-1"));
        assert_eq!(told.holds, holds(10, 10));
        let words = "Không tìm thấy hồ sơ unknown (Cổng đã nhận 10/25 bản ghi đầu; gửi lại từ bản \
                     ghi thứ 11)";
        assert_eq!(told.message(), words);
        assert_eq!(told.length, Some(told.text.len()));
        assert_eq!(world.portal.dossier("A").unwrap().progress.len(), 10, "the third is not sent");

        codes = ["A"; 25];
        codes[2] = "unknown";
        let told = world.ask(PROGRESS, &progress(&codes)).await;
        assert_eq!(told.parts, PortalParts { taken: 0, count: 3 });
        assert_eq!(told.holds, holds(0, 0));
        assert_eq!(told.message(), "Không tìm thấy hồ sơ unknown", "nothing to add");

        let trouble = Trouble { drop_answer: true, every: Some(2), ..Trouble::default() };
        world.portal.trouble(Trouble { service: Some(PROGRESS.into()), ..trouble });
        let failure = world.send(PROGRESS, &progress(&["A"; 25])).await.err().unwrap();
        assert_eq!((failure.kind, failure.reached), (FailureKind::Broken, true));
        assert!(cause(&failure).contains("the first 10 of 25"), "{failure:?}");
    });
}

/// Answers one request on a connection of its own.
async fn answer_once(listener: &tokio::net::TcpListener, body: &str) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut seen = Vec::new();
    let complete = |seen: &[u8]| {
        let text = String::from_utf8_lossy(seen).to_ascii_lowercase();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        (body.len() >= length.parse::<usize>().unwrap()).then_some(())
    };
    while complete(&seen).is_none() {
        stream.read_buf(&mut seen).await.unwrap();
    }
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).await.unwrap();
}

#[test]
fn a_portal_that_goes_away_between_two_groups_was_reached() {
    talk(|| async {
        let mut world = World::new().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        world.endpoints = vec![endpoint(&format!("http://{}", listener.local_addr().unwrap()))];
        let serve = async move {
            answer_once(&listener, r#"{"error_code":0,"session":"s-1"}"#).await;
            answer_once(&listener, r#"{"error_code":0,"message":"Thành công"}"#).await;
        };
        let body = progress(&["A"; 25]);
        let (sent, ()) = futures_util::future::join(world.send(PROGRESS, &body), serve).await;
        let failure = sent.err().unwrap();
        assert_eq!((failure.kind, failure.reached), (FailureKind::Unreachable, true));
        assert_eq!(failure.holds, holds(10, 10), "the second left for nowhere");
        assert!(cause(&failure).contains("the first 10 of 25"), "{failure:?}");
        assert_eq!(failure.trace.attempts, 2);
    });
}

#[test]
fn an_answer_that_was_looked_at_is_whole_again() {
    talk(|| async {
        let world = World::new().await;
        let reply = world.send(SYNC, &sync(&["A"], "False")).await.unwrap().reply;
        assert_eq!(world.connector.idle_count(), 1, "its connection is free");
        let length = http_body::Body::size_hint(&reply.body).exact().unwrap();
        assert!(!http_body::Body::is_end_stream(&reply.body));
        let mut body = reply.body;
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len() as u64, length);
        assert!(http_body::Body::is_end_stream(&body) && body.frame().await.is_none());
    });
}

#[test]
fn what_the_portal_holds_is_told_as_far_as_it_is_known() {
    talk(|| async {
        let world = World::new().await;
        assert_eq!(world.ask_new(&["A"]).await.holds, holds(ALL, ALL));
        let again = world.ask_new(&["A"]).await;
        assert_eq!((again.code().as_str(), again.holds), ("3", holds(ALL, ALL)), "it exists");
        let long = format!("{{\"error_code\":0,\"result\":\"{}\"}}", "Q".repeat(65 << 10));
        world.portal.trouble(Trouble { body: Some(long), ..Trouble::default() });
        assert_eq!(world.ask_new(&["B"]).await.holds, holds(0, ALL));
        let with = |status| Trouble { status: Some(status), ..Trouble::default() };
        for (status, expected) in [
            // an adapter that waited in vain: the portal may have acted
            (504, holds(0, ALL)),
            (503, holds(0, ALL)),
            (404, holds(0, 0)),
            (302, holds(0, 0)),
        ] {
            world.portal.trouble(with(status));
            assert_eq!(world.ask_new(&["C"]).await.holds, expected, "{status}");
        }
        // one of them exists: of the other nothing is said
        world.portal.trouble(Trouble::default());
        let told = world.ask_new(&["D", "A"]).await;
        assert_eq!((told.code().as_str(), told.holds), ("3", holds(0, ALL)));
        // in groups: the third is in doubt, those before it are not
        let service = Some(PROGRESS.to_owned());
        let third = |trouble| Trouble { every: Some(3), service: service.clone(), ..trouble };
        let body = progress(&["A"; 35]);
        world.portal.trouble(third(with(502)));
        assert_eq!(world.ask(PROGRESS, &body).await.holds, holds(20, 30));
        // the same where it breaks off; the fourth is never sent, and in no doubt
        world.portal.trouble(third(Trouble { drop_answer: true, ..Trouble::default() }));
        let failure = world.send(PROGRESS, &body).await.err().unwrap();
        assert_eq!((failure.reached, failure.holds), (true, holds(20, 30)), "{failure:?}");
        let failure = world.send(PROGRESS, &progress(&["A"; 30])).await.err().unwrap();
        assert_eq!(failure.holds, holds(20, ALL), "the last one");
    });
}

#[test]
fn a_long_answer_streams() {
    talk(|| async {
        let world = World::new().await;
        let long = format!("{{\"error_code\":0,\"result\":\"{}\"}}", "Q".repeat(3 << 20));
        world.portal.trouble(Trouble {
            body: Some(long.clone()),
            service: Some("LayTaiLieuPAKN".into()),
            ..Trouble::default()
        });
        let reply = world.send("LayTaiLieuPAKN", r#"{"service":"LayTaiLieuPAKN"}"#).await.unwrap();
        let hint = http_body::Body::size_hint(&reply.reply.body);
        assert_eq!(hint.exact(), Some(long.len() as u64));
        let held = world.connector.idle_count();
        assert_eq!(held, 0, "the answer is still on its way");
        let told = Told::read(reply).await;
        assert!(told.text == long && told.length == Some(long.len()));
        assert_eq!(world.connector.idle_count(), 1, "the connection is used again");
    });
}

#[test]
fn an_answer_that_breaks_off_is_a_failure_and_can_be_repeated() {
    talk(|| async {
        let mut world = World::new().await;
        world.access.exists = Exists::Update;
        world.ask_new(&["Z"]).await;
        let sync_only = || Trouble { service: Some(SYNC.into()), ..Trouble::default() };
        let table = [
            (Trouble { drop_answer: true, ..sync_only() }, FailureKind::Broken),
            (Trouble { cut_after: Some(7), ..sync_only() }, FailureKind::Broken),
            (Trouble { delay_ms: 5_000, ..sync_only() }, FailureKind::Timeout),
        ];
        for (at, (trouble, kind)) in table.into_iter().enumerate() {
            world.portal.trouble(trouble.clone());
            let code = format!("A-{at}");
            let body = sync(&[&code], "False");
            let limit = Duration::from_millis(500);
            let failure = world.send_within(SYNC, &body, limit).await.err().unwrap();
            assert_eq!((failure.kind, failure.reached), (kind, true), "{trouble:?}");
            assert_eq!(failure.trace.upstream.as_deref(), Some(&*world.portal.base()));
            world.portal.trouble(Trouble::default());
            let told = world.ask_new(&[&code]).await;
            assert!(told.resent && told.code() == "0", "it was taken before: {told:?}");
        }
    });
}

#[test]
fn answers_of_every_kind_pass_unchanged() {
    let table = [
        (Trouble { status: Some(503), ..Trouble::default() }, 503, None),
        (
            Trouble { status: Some(404), message: Some("<html>".into()), ..Trouble::default() },
            404,
            Some("<html>"),
        ),
        (Trouble { body: Some("[1,2".into()), ..Trouble::default() }, 200, Some("[1,2")),
        (
            Trouble {
                body: Some(r#"{"error_code":"77","message":null}"#.into()),
                ..Trouble::default()
            },
            200,
            Some(r#"{"error_code":"77","message":null}"#),
        ),
    ];
    talk(|| async {
        let mut world = World::new().await;
        world.access.exists = Exists::Update;
        world.ask_new(&["Z"]).await;
        for (trouble, status, text) in table {
            let before = world.portal.count();
            world.portal.trouble(trouble.clone());
            let told = world.ask_new(&["A"]).await;
            assert_eq!(told.status, status, "{trouble:?}");
            assert!(text.is_none_or(|text| text == told.text), "{told:?}");
            assert_eq!(told.parts, PortalParts { taken: 0, count: 1 });
            assert_eq!(world.portal.count() - before, 1, "sent once: {trouble:?}");
        }
    });
}

#[test]
fn a_body_that_is_no_object_is_not_sent() {
    talk(|| async {
        let world = World::new().await;
        for body in ["", "[]", "{\"service\":", "{\"data\":[{]}", "\u{0}"] {
            let failure = world.send(SYNC, body).await.err().unwrap();
            assert_eq!((failure.kind, failure.reached), (FailureKind::Broken, false), "{body}");
            assert!(cause(&failure).contains("no JSON object"));
        }
        assert_eq!(world.portal.count(), 0);
    });
}
