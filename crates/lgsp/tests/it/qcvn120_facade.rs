//! QCVN 120, the façades: whichever way a packet comes, the same is said of it and written of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use simulator::portal::{Delivery, Via};
use simulator::{fixture, portal};
use terms::random::Random;

use crate::art07_limits::found;
use crate::province::{DESTINATION, Province, UNIT};
use crate::wire::{Answer, Connection, request};
use crate::world::{json_lines, wait_until};

/// One-stop systems whose subscriptions differ in the mode of checking.
const SYSTEMS: [&str; 3] = ["one-stop", "refuse", "strict"];
/// Requests of the comparison.
const REQUESTS: usize = 2_000;

/// A request before it takes one of the ways.
#[derive(Clone, Debug)]
struct Sent {
    system: usize,
    service: String,
    updating: Option<String>,
    /// The records of a push.
    data: Option<Value>,
    /// The parameters of a pull.
    parameters: Map<String, Value>,
}

/// The ways by which the same request may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    Session,
    OldAdapter,
    NewAdapter,
    Packet,
}

const WAYS: [Way; 5] = [Way::Plain, Way::Session, Way::OldAdapter, Way::NewAdapter, Way::Packet];

impl Way {
    fn facade(self) -> Value {
        match self {
            Way::Plain => Value::Null,
            Way::Session => "portal".into(),
            Way::OldAdapter | Way::NewAdapter => "adapter".into(),
            Way::Packet => "packet".into(),
        }
    }

    /// The bytes of the request.
    fn request(self, sent: &Sent, token: &str) -> Vec<u8> {
        const JSON: (&str, &str) = ("Content-Type", "application/json");
        let bearer = format!("Bearer {token}");
        let bearer = ("Authorization", bearer.as_str());
        let session = if self == Way::Plain { fixture::SESSION } else { token };
        let envelope = sent.envelope(session);
        let (target, headers) = match self {
            Way::Plain => ("/cong-dvc/1.0/mapi/g".to_owned(), vec![JSON, bearer]),
            Way::Session => ("/mapi/g".to_owned(), vec![JSON]),
            Way::OldAdapter => {
                let path = "/XrdAdapter/RestService/forward/mapi/g";
                (format!("{path}?dstcode={DESTINATION}"), vec![JSON])
            }
            Way::NewAdapter => (
                "/VXPAdapter/RestService/forward/mapi/g".to_owned(),
                vec![JSON, ("dstcode", DESTINATION)],
            ),
            Way::Packet => return sent.by_packet_path(bearer),
        };
        request("POST", &target, &headers, envelope.as_bytes())
    }
}

impl Sent {
    fn envelope(&self, session: &str) -> String {
        let mut body = Map::new();
        body.insert("session".into(), session.into());
        body.insert("madonvi".into(), UNIT.into());
        body.insert("service".into(), self.service.as_str().into());
        body.extend(self.updating.iter().map(|u| ("isUpdating".to_owned(), u.as_str().into())));
        body.extend(self.parameters.clone());
        body.extend(self.data.iter().map(|data| ("data".to_owned(), data.clone())));
        Value::Object(body).to_string()
    }

    fn by_packet_path(&self, bearer: (&str, &str)) -> Vec<u8> {
        let mut target = format!("/packets/{}?destination={DESTINATION}", self.service);
        target.push_str(&format!("&madonvi={UNIT}"));
        if let Some(updating) = &self.updating {
            target.push_str(&format!("&isUpdating={updating}"));
        }
        // A pull may also come by GET, its parameters in the query; the row would tell the method.
        let parameters = Value::Object(self.parameters.clone());
        let body = self.data.as_ref().unwrap_or(&parameters).to_string();
        let headers = [("Content-Type", "application/json"), bearer];
        request("POST", &target, &headers, body.as_bytes())
    }
}

/// Draws numbers from one seed.
struct Draw(Random);

impl Draw {
    fn below(&self, bound: usize) -> usize {
        let drawn = u32::from_le_bytes(self.0.bytes()) as usize;
        drawn % bound
    }

    fn of<'a, T>(&self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Requests made of the fixtures: some as they are, most with a field damaged.
fn requests(seed: u64) -> Vec<Sent> {
    let draw = Draw(Random::seeded(seed));
    let bases: Vec<Sent> = fixture::ALL.iter().filter_map(base).collect();
    assert!(bases.len() > 20, "{}", bases.len());
    (0..REQUESTS)
        .map(|_| {
            let mut sent = draw.of(&bases).clone();
            sent.system = draw.below(SYSTEMS.len());
            if let Some(record) = sent.data.as_mut().and_then(|data| data.get_mut(0)) {
                let record = record.as_object_mut().unwrap();
                if let Some(code) = record.get_mut("MaHoSo") {
                    *code = format!("000.00.07.H99-240304-{:05}", draw.below(500)).into();
                }
                for _ in 0..draw.below(3) {
                    damage(&draw, record);
                }
            }
            sent
        })
        .collect()
}

/// What a fixture sends; `None` for the login, and for what lacks a session.
fn base(fixture: &fixture::Fixture) -> Option<Sent> {
    let mut body: Map<String, Value> = serde_json::from_str(fixture.request()?).unwrap();
    body.remove("session")?;
    let service = body.remove("service")?.as_str()?.to_owned();
    body.remove("madonvi");
    let updating = body.remove("isUpdating").and_then(|u| Some(u.as_str()?.to_owned()));
    let data = body.remove("data").filter(|data| data.get(0).is_some());
    Some(Sent { system: 0, service, updating, data, parameters: body })
}

fn damage(draw: &Draw, record: &mut Map<String, Value>) {
    let names: Vec<String> = record.keys().cloned().collect();
    let name = draw.of(&names);
    match draw.below(9) {
        0 => drop(record.remove(name)),
        1 => drop(record.insert(name.clone(), "".into())),
        2 => drop(record.insert(name.clone(), "20240230081500".into())),
        3 => drop(record.insert(name.clone(), "99".into())),
        4 => drop(record.insert(name.clone(), json!([]))),
        5 => drop(record.insert(name.clone(), json!({"a": 1}))),
        6 => drop(record.insert(name.clone(), Value::Null)),
        7 => drop(record.insert("TruongLa".into(), "Tệp lạ".into())),
        _ => {
            let value = record.remove(name).unwrap();
            record.insert(name.to_uppercase(), value);
        }
    }
}

/// What may differ between two ways: identity and times, how it came, and the bytes that the
/// envelope around the records takes.
const MAY_DIFFER: [&str; 11] = [
    "exchange_id",
    "opened_at",
    "closed_at",
    "forwarded_at",
    "answered_at",
    "total_us",
    "upstream_us",
    "mode",
    "facade",
    "request_bytes",
    "request_digest",
];

fn outcome(answer: &Answer) -> (u16, String, String, Vec<u8>) {
    let fault = answer.fault();
    let packet = answer.header("lgsp-packet").unwrap_or_default().to_owned();
    // A fault names its exchange; an answer of the portal is compared whole.
    let body = if fault.is_empty() { answer.body.clone() } else { Vec::new() };
    (answer.status, fault, packet, body)
}

#[test]
fn the_same_requests_get_the_same_verdict_and_the_same_row_by_every_way() {
    let seed = 120;
    println!("seed {seed}");
    let province = Province::start();
    let sent = requests(seed);
    let mut known: Option<Vec<(Answer, Value)>> = None;
    for way in WAYS {
        let began = std::time::Instant::now();
        forget_dossiers(&province);
        let answers = send_all(&province, way, &sent);
        let mut rows: BTreeMap<String, Value> = json_lines(
            &province.world.run(&["journal", "search", "--json", "--limit", "0", "--kind", "call"]),
        )
        .into_iter()
        .map(|row| (row["exchange_id"].as_str().unwrap().to_owned(), row))
        .collect();
        let seen: Vec<(Answer, Value)> = answers
            .into_iter()
            .map(|answer| {
                let row = rows.remove(&answer.exchange()).expect("each call has its row");
                (answer, row)
            })
            .collect();
        println!("{way:?}: {} calls in {:?}", seen.len(), began.elapsed());
        tell(&seen);
        if let Some(known) = &known {
            for ((sent, plain), this) in sent.iter().zip(known).zip(&seen) {
                compare(way, sent, plain, this);
            }
        }
        known.get_or_insert(seen);
    }
    conformance(&province, &known.unwrap());
}

/// The conformance report (QCV-20) adds up what the rows of all ways say.
fn conformance(province: &Province, seen: &[(Answer, Value)]) {
    let reports = json_lines(&province.world.run(&["packet", "report", "--json"]));
    let systems = reports[0]["systems"].as_array().unwrap();
    for system in systems {
        for line in system["packets"].as_array().unwrap() {
            let of = |verdict: &str| {
                let rows = seen.iter().map(|(_, row)| row).filter(|row| {
                    row["consumer_system"] == system["system"]
                        && row["operation"] == line["packet"]
                        && row["packet_verdict"] == verdict
                });
                (rows.count() * WAYS.len()) as u64
            };
            for verdict in ["ok", "report", "refused"] {
                assert_eq!(line[verdict].as_u64(), Some(of(verdict)), "{verdict}: {line}");
            }
        }
    }
    let names: Vec<&str> = systems.iter().map(|s| s["system"].as_str().unwrap()).collect();
    assert_eq!(names, ["one-stop", "refuse", "strict"]);
    let page = province.world.dir.path().join("report.html");
    let flags = ["packet", "report", "--system", "strict", "--out", page.to_str().unwrap()];
    assert!(province.world.run(&flags).status.success());
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("DongBoHoSoMC") && page.contains("strict") && !page.contains("refuse<"));
}

fn send_all(province: &Province, way: Way, sent: &[Sent]) -> Vec<Answer> {
    let tokens: Vec<String> = SYSTEMS
        .iter()
        .map(|system| match way {
            Way::Session => province.session(system, "/mapi/login"),
            Way::OldAdapter => {
                let path = "/XrdAdapter/RestService/forward/mapi/login";
                province.session(system, &format!("{path}?dstcode={DESTINATION}"))
            }
            _ => province.world.token(system),
        })
        .collect();
    let mut connection = Connection::open(province.world.listening.live);
    let ask = |sent: &Sent| {
        let answer = connection.ask(way.request(sent, &tokens[sent.system]));
        answer.unwrap_or_else(|| panic!("{way:?}: no answer to {sent:?}"))
    };
    sent.iter().map(ask).collect()
}

fn compare(way: Way, sent: &Sent, plain: &(Answer, Value), this: &(Answer, Value)) {
    assert_eq!(outcome(&plain.0), outcome(&this.0), "{way:?}: {sent:?}");
    let (plain, this) = (plain.1.as_object().unwrap(), this.1.as_object().unwrap());
    assert_eq!(this["facade"], way.facade(), "{way:?}");
    for (field, value) in plain {
        if !MAY_DIFFER.contains(&field.as_str()) {
            assert_eq!(&this[field], value, "{way:?}: {field} of {sent:?}");
        }
    }
    assert_eq!(plain.len(), this.len());
}

/// The comparison is worth something only if there is something to compare.
fn tell(seen: &[(Answer, Value)]) {
    let mut kinds: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for (answer, row) in seen {
        let text = |field: &str| row[field].as_str().unwrap_or("–").to_owned();
        let verdict = answer.header("lgsp-packet").unwrap_or("–");
        let verdict = verdict.split(';').next().unwrap_or_default().to_owned();
        assert_eq!(row["packet_verdict"], verdict.as_str(), "{row}");
        assert!(verdict == "ok" || row["packet_violations"].is_string(), "{row}");
        let kind = (text("outcome"), text("fault"), verdict);
        *kinds.entry(kind).or_default() += 1;
    }
    println!("  {kinds:?}");
    assert!(kinds.len() >= 3 && kinds.values().all(|count| *count < REQUESTS), "{kinds:?}");
}

/// A service of the province that the national side calls through the adapter.
const INBOUND: &str = r#"
services:
  - code: nhan-ho-so
    provider: H99.009
    name: Nhận hồ sơ từ Cổng DVC quốc gia
    context: /nhan-ho-so
    destination: "VN:GOV:000.00.00.H99:motcua"
    versions:
      - { version: "1.0", endpoints: { live: ["http://PROVIDER/echo"] } }
subscriptions:
  - { system: portal, service: nhan-ho-so, version: "1.0", environment: live }
"#;

#[test]
fn the_national_side_calls_the_province_on_a_listener_of_its_own() {
    let province = Province::with(
        "",
        &[
            ("LGSP_GATEWAY_INBOUND_HTTP", "127.0.0.1:0"),
            ("LGSP_GATEWAY_INBOUND_SYSTEM", "portal"),
            ("LGSP_GATEWAY_INBOUND_DESTINATION", "VN:GOV:000.00.00.H99:motcua"),
        ],
    );
    let address = province.world.provider.address.to_string();
    province.world.apply(&INBOUND.replace("PROVIDER", &address));
    let inbound = province.world.listening.inbound.expect("the listener is on");
    province.portal.set_province(portal::Province {
        inbound: Some(format!("http://{inbound}")),
        ..portal::Province::default()
    });
    let deliver = |via: Via| {
        let delivery = Delivery { service: "nhanhsdvcqg".into(), via, body: None };
        province.runtime.block_on(province.portal.deliver(&delivery))
    };
    wait_until(Duration::from_secs(2), "the service is live", || {
        deliver(Via::XrdAdapter).status == Some(200)
    });
    for via in [Via::XrdAdapter, Via::VxpAdapter, Via::WebGuest] {
        province.world.provider.clear();
        let made = deliver(via);
        assert_eq!(made.status, Some(200), "{via:?}: {made:?}");
        let seen = province.world.provider.received();
        assert!(seen[0].line().starts_with("POST /echo/nhanhsdvcqg"), "{}", seen[0].line());
        assert_eq!(seen[0].body(), made.sent, "{via:?}: byte for byte");
    }
    let rows = province.world.rows(&["--system", "portal"]);
    let row = rows.last().unwrap();
    assert_eq!((&row["facade"], &row["outcome"]), (&"adapter".into(), &"answered".into()), "{row}");
    // The listener serves the adapter's paths only, and only the registered addresses.
    for target in ["/nhan-ho-so/1.0/x", "/token", "/packets/LayThuTuc"] {
        let ask = request("POST", target, &[], b"{}");
        let answer = Connection::open(inbound).ask(ask).unwrap();
        assert_ne!(answer.status, 200, "{target}: {answer:?}");
    }
    province
        .world
        .apply("systems: [ { code: portal, member: G22, addresses: [\"10.9.9.9/32\"] } ]");
    wait_until(Duration::from_secs(2), "the address is refused", || {
        let made = deliver(Via::XrdAdapter);
        made.status == Some(200) && String::from_utf8_lossy(&made.answer).contains("error_code")
    });
    let rows = province.world.rows(&["--fault", "address_refused"]);
    assert!(!rows.is_empty(), "the refusal is written");
}

/// Table 12 with names, so that the simulated portal has attachments to give (its own are unknown).
const ATTACHMENT: &str = r#"
packet = "LayTaiLieuPAKN"
table = [11, 12]
version = "2019"
direction = "pull"
count = 3
count_sent = 1

[[parameter]]
position = 1
name = "TepTinPhanAnh"
form = "text"
required = "yes"
evidence = "page"

[[field]]
position = 1
name = "DuongDan"
form = "text"
evidence = "inferred"

[[field]]
position = 2
name = "TenTaiLieu"
form = "text"
evidence = "inferred"

[[field]]
position = 3
name = "Base64"
form = "text"
evidence = "inferred"
"#;

#[test]
fn an_attachment_of_twenty_megabytes_passes_whole_and_leaves_nothing() {
    const SIZE: usize = 20_000_000;
    let province = Province::start();
    province.portal.read_table("LayTaiLieuPAKN.toml", ATTACHMENT).unwrap();
    let session = province.session("one-stop", "/mapi/login");
    let body = json!({
        "session": session, "madonvi": UNIT, "service": "LayTaiLieuPAKN",
        "TepTinPhanAnh": format!("/pakn/{SIZE}.bin"),
    });
    let json = [("Content-Type", "application/json")];
    let answer = province.ask("POST", "/mapi/g", &json, body.to_string().as_bytes());
    assert!(answer.complete && answer.status == 200, "{} {}", answer.status, answer.body.len());
    let told = answer.json();
    let content = told["result"][0]["Base64"].as_str().unwrap();
    println!("{} bytes of answer in {:?}", answer.body.len(), answer.took);
    assert_eq!(content.len(), SIZE.div_ceil(3) * 4, "base64 of the whole attachment");
    let row = province.world.row(&answer.exchange());
    assert_eq!(row["response_bytes"].as_u64(), Some(answer.body.len() as u64));
    // Nothing of it is kept: a piece from its middle is in no file (PAY-01).
    let piece = &content.as_bytes()[content.len() / 2..content.len() / 2 + 64];
    assert_eq!(found(province.world.dir.path(), piece), Vec::<String>::new());
}

/// What the portal holds would otherwise change its answers from one way to the next.
fn forget_dossiers(province: &Province) {
    let forget = request("DELETE", "/inspect/dossiers", &[], b"");
    let answer = Connection::open(province.portal.address).ask(forget).unwrap();
    assert_eq!(answer.status, 204, "{answer:?}");
}
