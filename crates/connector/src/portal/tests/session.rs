//! Sessions: made once, used by all, made anew when their time is over or the portal says so.

use super::*;
use crate::portal::session::{pause, shorts};
use simulator::portal::{Change, Code, Codes};

#[test]
fn one_login_serves_many_calls_for_ten_minutes() {
    talk(|| async {
        let world = World::new().await;
        for code in ["A", "B", "C"] {
            assert_eq!(world.ask_new(&[code]).await.code(), "0");
        }
        assert_eq!(world.logins(), 1);
        world.clock.advance(Duration::from_secs(599));
        world.ask_new(&["D"]).await;
        assert_eq!(world.logins(), 1, "at 9:59");
        world.clock.advance(Duration::from_secs(1));
        world.ask_new(&["E"]).await;
        assert_eq!(world.logins(), 2, "at 10:00");
    });
}

#[test]
fn a_refused_session_is_made_anew_and_the_call_sent_once_more() {
    talk(|| async {
        let world = World::new().await;
        world.ask_new(&["A"]).await;
        world.portal.end_sessions();
        let told = world.ask_new(&["B"]).await;
        assert_eq!((told.code().as_str(), told.attempts, told.resent), ("0", 2, false));
        assert_eq!((world.logins(), world.calls(SYNC).len()), (2, 3));

        // by a code without words
        let message = Some("Lỗi 401".to_owned());
        let refusal = Trouble {
            error_code: Some(Code::text("E-SESSION")),
            message,
            service: Some(SYNC.into()),
            requests: Some(1),
            ..Trouble::default()
        };
        world.portal.trouble(refusal.clone());
        assert_eq!(world.ask_new(&["C"]).await.code(), "E-SESSION", "not known to mean a session");
        let mut world = world;
        world.access.session_refused = ["E-SESSION".into()].into();
        world.portal.trouble(refusal);
        assert_eq!(world.ask_new(&["C"]).await.code(), "0");
        assert_eq!(world.logins(), 3);

        // by its status
        let service = Some(SYNC.into());
        world.portal.trouble(Trouble {
            status: Some(401),
            requests: Some(1),
            service,
            ..Trouble::default()
        });
        assert_eq!(world.ask_new(&["D"]).await.code(), "0");
        assert_eq!(world.logins(), 4);
    });
}

#[test]
fn every_form_of_a_refused_session_is_understood() {
    let forms = [
        Change { session_status: Some(403), ..Change::default() },
        Change { session_status: Some(401), ..Change::default() },
        Change { wrapped: Some(true), ..Change::default() },
    ];
    for form in forms {
        talk(|| async {
            let world = World::new().await;
            world.portal.change(form.clone());
            world.ask_new(&["A"]).await;
            world.portal.end_sessions();
            let told = world.ask_new(&["B"]).await;
            assert_eq!((told.status, told.parts.taken), (200, 1), "{form:?}: {told:?}");
            assert_eq!((world.logins(), world.portal.dossiers().len()), (2, 2), "{form:?}");
        });
    }
}

#[test]
fn a_late_refusal_does_not_end_the_session_made_meanwhile() {
    talk(|| async {
        let world = World::new().await;
        world.ask_new(&["A"]).await;
        world.portal.end_sessions();
        let late = Trouble { delay_ms: 1_000, dossiers: vec!["C".into()], ..Trouble::default() };
        world.portal.trouble(Trouble { requests: Some(1), ..late });
        let world = &world;
        let calls = ["B", "C"].map(|code| async move { world.ask_new(&[code]).await.code() });
        assert_eq!(futures_util::future::join_all(calls).await, ["0", "0"]);
        assert_eq!((world.logins(), world.calls(SYNC).len()), (2, 5));
    });
}

#[test]
fn a_portal_that_refuses_every_session_is_asked_three_times() {
    talk(|| async {
        let world = World::with(Settings {
            session_lifetime: Duration::ZERO,
            codes: Codes { session: Code::Number(-7), ..Codes::default() },
            ..Settings::default()
        })
        .await;
        let told = world.ask_new(&["A"]).await;
        assert_eq!(told.code(), "-7", "its answer passes");
        assert_eq!((world.logins(), world.calls(SYNC).len()), (3, 3));
    });
}

#[test]
fn the_next_login_waits_longer_after_each_short_session() {
    let pauses: Vec<u128> = (0..8).map(|short| pause(short).as_millis()).collect();
    assert_eq!(pauses, [0, 0, 250, 500, 1_000, 2_000, 2_000, 2_000]);
    assert_eq!(pause(u32::MAX), pause(7));
    for (before, age_ms, expected) in
        [(0, 0, 1), (3, 59_999, 4), (3, 60_000, 0), (0, 600_000, 0), (u32::MAX, 1, u32::MAX)]
    {
        assert_eq!(shorts(before, Duration::from_millis(age_ms)), expected, "{before} {age_ms}");
    }
}

/// Two nodes, each with its own sessions, and a portal that keeps one session a user: each login
/// ends the other node's session.
#[test]
fn nodes_that_end_each_others_session_do_not_take_turns_at_logging_in() {
    talk(|| async {
        let world = World::with(Settings { one_session: true, ..Settings::default() }).await;
        let node = |name: &'static str| {
            let (endpoints, access) = (&world.endpoints, &world.access);
            async move {
                let connector = Connector::<Body>::new(Clock::system());
                for at in 0..40 {
                    let call = PortalCall {
                        endpoints,
                        tls: None,
                        access,
                        destination: None,
                        environment: Environment::Live,
                        sender: name,
                        operation: SYNC,
                        credential: None,
                        headers: HeaderMap::new(),
                        body: sync(&[&format!("{name}-{at}")], "False").into(),
                        deadline: Deadline::new(Clock::system().instant(), Duration::from_secs(20)),
                    };
                    let told = Told::read(connector.send_portal(call).await.unwrap()).await;
                    assert_eq!(told.code(), "0", "{name} {at}");
                }
            }
        };
        let clock = Clock::system();
        let begun = clock.instant();
        futures_util::future::join(node("a"), node("b")).await;
        let spent = clock.instant() - begun;
        assert_eq!(world.portal.dossiers().len(), 80);
        // as many as have room between the pauses of two nodes, however slow this machine is;
        // without a pause each call would bring a login of its own, about 80
        let mut left = spent.as_millis();
        let mut has_room =
            |pause: &u128| left.checked_sub(*pause).map(|rest| left = rest).is_some();
        let pauses = [250, 500, 1_000].into_iter().chain(std::iter::repeat(2_000));
        let most = 2 * (3 + pauses.take_while(|pause| has_room(pause)).count());
        let (logins, calls) = (world.logins(), world.calls(SYNC).len());
        assert!(logins <= most, "{logins} logins in {spent:?}");
        assert!(calls <= 80 + logins, "{logins} logins, {calls} calls");
    });
}

/// Calls from two threads, each with its own connector; both share what they know of portals.
fn from_two_threads(world: &World, portals: &Arc<Portals>, calls: usize) -> Vec<String> {
    let lane = |lane: usize| {
        let (endpoints, access) = (world.endpoints.clone(), world.access.clone());
        let portals = portals.clone();
        std::thread::spawn(move || {
            let mut codes = Vec::new();
            talk(|| async {
                let connector = Connector::<Body>::with_portals(Clock::system(), portals);
                let send = |at: usize| {
                    let body = sync(&[&format!("{lane}-{at}")], "False");
                    let call = PortalCall {
                        endpoints: &endpoints,
                        tls: None,
                        access: &access,
                        destination: None,
                        environment: Environment::Live,
                        sender: "one-stop",
                        operation: SYNC,
                        credential: None,
                        headers: HeaderMap::new(),
                        body: body.into(),
                        deadline: Deadline::new(Clock::system().instant(), Duration::from_secs(15)),
                    };
                    connector.send_portal(call)
                };
                let sent = futures_util::future::join_all((0..calls).map(send)).await;
                for reply in sent {
                    codes.push(Told::read(reply.unwrap()).await.code());
                }
            });
            codes
        })
    };
    let lanes = [lane(0), lane(1)];
    lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
}

#[test]
fn never_more_than_one_login_is_under_way() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let portals = Arc::<Portals>::default();
    let slow = Trouble { delay_ms: 200, service: Some("login".into()), ..Trouble::default() };
    world.portal.trouble(slow);
    let codes = from_two_threads(&world, &portals, 40);
    assert_eq!((codes.len(), world.logins()), (80, 1));
    assert!(codes.iter().all(|code| code == "0"));

    world.portal.end_sessions();
    world.portal.change(Change::default());
    let codes = from_two_threads(&world, &portals, 40);
    assert!(codes.iter().all(|code| code == "3"), "they were there already: {codes:?}");
    assert_eq!(world.logins(), 2, "all were refused, one logged in");
}

#[test]
fn a_refused_login_says_so_and_is_not_repeated_at_once() {
    talk(|| async {
        let mut world = World::new().await;
        world.access.secret = terms::portal::PortalSecret::new("wrong");
        for _ in 0..5 {
            let failure = world.send(SYNC, &sync(&["A"], "False")).await.err().unwrap();
            assert_eq!((failure.kind, failure.reached), (FailureKind::Broken, false));
            assert!(cause(&failure).contains("refused the platform's account"), "{failure:?}");
            assert!(cause(&failure).contains("error_code -1"), "{failure:?}");
            assert!(!format!("{failure:?}").contains(USER));
        }
        assert!(!format!("{:?}{:?}", world.access, world.connector.portals()).contains("wrong"));
        assert_eq!((world.logins(), world.calls(SYNC).len()), (1, 0));
        world.access.secret = terms::portal::PortalSecret::new(SECRET);
        assert_eq!(world.ask_new(&["A"]).await.code(), "0", "the right one is tried at once");
    });
}

#[test]
fn a_broken_login_is_told_and_tried_again_by_the_next_call() {
    let login = || Trouble { service: Some("login".into()), ..Trouble::default() };
    let table = [
        (Trouble { status: Some(503), ..login() }, "not in form (HTTP 503)"),
        (Trouble { body: Some("<html>".into()), ..login() }, "not in form (HTTP 200)"),
        (Trouble { body: Some(r#"{"error_code":0}"#.into()), ..login() }, "not in form (HTTP 200)"),
        (Trouble { body: Some(r#"{"session":"x"}"#.into()), ..login() }, "not in form"),
        (
            Trouble { body: Some(r#"{"session":"","error_code":0}"#.into()), ..login() },
            "not in form",
        ),
        (Trouble { drop_answer: true, ..login() }, "broke off"),
        (Trouble { cut_after: Some(3), ..login() }, "broke off"),
    ];
    talk(|| async {
        let world = World::new().await;
        for (trouble, words) in table {
            world.portal.trouble(trouble.clone());
            let before = world.logins();
            let failure = world.send(SYNC, &sync(&["A"], "False")).await.err().unwrap();
            assert_eq!(
                (failure.kind, failure.reached),
                (FailureKind::Broken, false),
                "{trouble:?}"
            );
            assert!(cause(&failure).contains(words), "{trouble:?}: {failure:?}");
            assert!(failure.trace.attempts > 0 && failure.trace.upstream.is_some());
            assert!(world.logins() > before);
        }
        world.portal.trouble(Trouble::default());
        assert_eq!(world.ask_new(&["A"]).await.code(), "0");
    });
}

#[test]
fn a_login_goes_on_when_the_call_that_began_it_is_over() {
    talk(|| async {
        let world = World::new().await;
        let slow = Trouble { delay_ms: 700, service: Some("login".into()), ..Trouble::default() };
        world.portal.trouble(slow);
        let body = sync(&["A"], "False");
        let failure =
            world.send_within(SYNC, &body, Duration::from_millis(100)).await.err().unwrap();
        assert_eq!((failure.kind, failure.reached), (FailureKind::Timeout, false));
        assert!(cause(&failure).contains("did not answer the platform's login"), "{failure:?}");
        // another one is given up by its consumer
        let given_up = world.send(SYNC, &body);
        assert!(tokio::time::timeout(Duration::from_millis(100), given_up).await.is_err());
        assert_eq!(world.ask_new(&["A"]).await.code(), "0");
        assert_eq!(world.logins(), 1);
    });
}

#[test]
fn a_login_lost_with_its_thread_is_begun_by_another() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let portals = Arc::<Portals>::default();
    let slow = Trouble { delay_ms: 10_000, service: Some("login".into()), ..Trouble::default() };
    world.portal.trouble(slow);
    let (endpoints, access) = (world.endpoints.clone(), world.access.clone());
    let send = |portals: Arc<Portals>, limit: u64| {
        let mut outcome = None;
        let (endpoints, access) = (&endpoints, &access);
        talk(|| async {
            let connector = Connector::<Body>::with_portals(Clock::system(), portals);
            let call = PortalCall {
                endpoints,
                tls: None,
                access,
                destination: None,
                environment: Environment::Live,
                sender: "one-stop",
                operation: SYNC,
                credential: None,
                headers: HeaderMap::new(),
                body: sync(&["A"], "False").into(),
                deadline: Deadline::new(Clock::system().instant(), Duration::from_millis(limit)),
            };
            outcome = Some(connector.send_portal(call).await.map(|_| ()));
        });
        outcome.unwrap()
    };
    assert_eq!(send(portals.clone(), 200).unwrap_err().kind, FailureKind::Timeout);
    world.portal.trouble(Trouble::default());
    assert_eq!(send(portals, 5_000), Ok(()));
}

#[test]
fn the_first_endpoint_that_can_be_reached_serves() {
    talk(|| async {
        let mut world = World::new().await;
        let dead = nowhere().await;
        world.endpoints.insert(0, dead.clone());
        for code in ["A", "B", "C"] {
            assert_eq!(world.ask_new(&[code]).await.code(), "0");
        }
        assert_eq!(world.logins(), 1);
        world.endpoints = vec![dead.clone()];
        let failure = world.send(SYNC, &sync(&["A"], "False")).await.err().unwrap();
        assert_eq!((failure.kind, failure.reached), (FailureKind::Unreachable, false));
        assert_eq!(failure.trace.upstream, Some(dead.upstream));
        assert!(failure.trace.attempts > 0);
    });
}

#[test]
fn accounts_and_endpoints_have_sessions_of_their_own() {
    talk(|| async {
        let other = ("000.00.00.H98".to_owned(), "another".to_owned());
        let accounts = vec![(USER.to_owned(), SECRET.to_owned()), other];
        let mut world = World::with(Settings { accounts, ..Settings::default() }).await;
        world.ask_new(&["A"]).await;
        world.access = PortalAccess::new("000.00.00.H98", "another");
        world.ask_new(&["B"]).await;
        assert_eq!(world.calls(SYNC)[1].unit, "000.00.00.H98");
        world.endpoints = vec![endpoint(&format!("{}/b", world.portal.base()))];
        world.ask_new(&["C"]).await;
        assert_eq!(world.logins(), 3);
        world.access = PortalAccess::new(USER, SECRET);
        world.access.exists = Exists::Update;
        world.endpoints = vec![endpoint(&world.portal.base())];
        world.ask_new(&["D"]).await;
        assert_eq!(world.logins(), 3, "another rule for duplicates is no other account");
    });
}

#[test]
fn the_login_carries_the_versions_own_credential_and_nothing_of_the_consumers() {
    talk(|| async {
        let world = World::new().await;
        let (name, value) = ("apikey".parse().unwrap(), "k-1".parse().unwrap());
        let mut headers = HeaderMap::new();
        headers.insert(&name, http::HeaderValue::clone(&value));
        headers.insert("accept", "text/xml".parse().unwrap());
        headers.insert("x-mark", "consumer".parse().unwrap());
        headers.insert("dstcode", "VN:GOV:other".parse().unwrap());
        headers.insert("content-length", "3".parse().unwrap());
        headers.insert("accept-encoding", "gzip, br".parse().unwrap());
        headers.insert("content-type", "text/plain".parse().unwrap());
        let call = PortalCall {
            endpoints: &world.endpoints,
            tls: None,
            access: &world.access,
            destination: Some(DESTINATION),
            environment: Environment::Live,
            sender: "one-stop",
            operation: SYNC,
            credential: Some((&name, &value)),
            headers,
            body: sync(&["A"], "False").into(),
            deadline: Deadline::new(Clock::system().instant(), Duration::from_secs(5)),
        };
        let mut access = world.access.clone();
        access.destination_in = terms::portal::DestinationIn::Query;
        let call = PortalCall { access: &access, ..call };
        let told = Told::read(world.connector.send_portal(call).await.unwrap()).await;
        assert_eq!(told.code(), "0");
        let head =
            |at: usize| String::from_utf8_lossy(&world.portal.received()[at].raw).into_owned();
        let (login, call) = (head(0), head(1));
        assert!(login.contains("apikey: k-1\r\n") && call.contains("apikey: k-1\r\n"));
        assert!(!login.contains("x-mark") && call.contains("x-mark: consumer\r\n"));
        for line in ["accept-encoding: identity\r\n", "accept: application/json\r\n"] {
            assert!(call.contains(line), "the answer is read here: {call}");
        }
        assert!(!call.contains("VN:GOV:other") && call.contains("content-type: application/json"));
    });
}
