//! The consumer against the provider, and against a small gateway that hands out tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;

use super::load::due_after;
use super::report::quantile;
use super::{Account, Call, Failure, Pace, Settings, Shot, call, run, token};
use crate::provider;
use crate::received::Log;
use crate::server::Server;
use crate::wire::{Answer, Connection, Request};

async fn provider() -> provider::Provider {
    provider::start(provider::Settings::default()).await.unwrap()
}

fn brief(settings: Settings) -> Settings {
    Settings { timeout: Duration::from_secs(20), duration: Duration::from_secs(60), ..settings }
}

#[test]
fn quantiles_are_those_of_the_nearest_rank() {
    let hundred: Vec<u32> = (1..=100).collect();
    // values, percent, quantile
    let table: &[(&[u32], usize, u64)] = &[
        (&[], 50, 0),
        (&[7], 50, 7),
        (&[7], 100, 7),
        (&[1, 2], 50, 1),
        (&[1, 2], 95, 2),
        (&hundred, 50, 50),
        (&hundred, 99, 99),
        (&hundred, 100, 100),
    ];
    for (values, percent, expected) in table {
        assert_eq!(quantile(values, *percent), *expected, "{percent} of {}", values.len());
    }
}

#[test]
fn calls_are_due_at_their_rate() {
    for (number, per_second, millis) in [(0, 200.0, 0), (1, 200.0, 5), (300, 0.5, 600_000)] {
        assert_eq!(due_after(number, per_second), Duration::from_millis(millis));
    }
    for per_second in [0.0, -1.0, f64::NAN] {
        assert_eq!(due_after(0, per_second).max(due_after(1, per_second)), Duration::MAX);
    }
}

#[tokio::test]
async fn a_single_call_brings_status_headers_and_body() {
    let provider = provider().await;
    let base = provider.base();
    let reply = call(&Call::get(format!("{base}/tra-cuu?maThua=7"))).await.unwrap();
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.text().contains("Trần Văn Mẫu") && reply.cut.is_none());
    assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));

    let post = Call::post(format!("{base}/echo"), "text/x", "đất").bearer("t").header("X-A", "1");
    assert_eq!(call(&post).await.unwrap().text(), "đất");
    let seen = &provider.received()[1];
    for part in ["authorization: Bearer t\r\n", "x-a: 1\r\n", "content-type: text/x\r\n"] {
        assert!(seen.contains(part.as_bytes()), "{part}");
    }
}

#[tokio::test]
async fn failures_are_told_apart() {
    let provider = provider().await;
    let get = |path: &str| Call::get(format!("{}{path}", provider.base()));
    let quick = |path: &str| Call { timeout: Duration::from_millis(500), ..get(path) };
    assert_eq!(call(&quick("/hang")).await.unwrap_err(), Failure::Timeout);
    assert_eq!(call(&get("/reset")).await.unwrap_err().word(), "broken");
    assert_eq!(call(&get("/broken/garbage")).await.unwrap_err().word(), "broken");
    for url in ["/a", "ftp://a/", "https://a/", "http://"] {
        assert_eq!(call(&Call::get(url)).await.unwrap_err(), Failure::Url, "{url}");
    }
    let cut = call(&quick("/never-closes/5")).await.unwrap();
    assert_eq!((cut.cut, &cut.body[..]), (Some(Failure::Timeout), &b"abcde"[..]));
    let cut = call(&get("/broken/short")).await.unwrap();
    assert_eq!((cut.cut.unwrap().word(), &cut.body[..]), ("broken", &b"ten bytes."[..]));
    let base = provider.base();
    provider.stop().await;
    let gone = call(&Call::get(base)).await.unwrap_err();
    assert_eq!(gone.word(), "connect");
}

#[tokio::test]
async fn a_closed_run_sends_the_mix_on_its_connections() {
    let provider = provider().await;
    let shots = vec![
        Shot::get("/tra-cuu?maThua=1"),
        Shot::post("/echo", r#"{"a":1}"#),
        Shot::get("/status/503"),
        Shot::get("/reset-midway/3"),
    ];
    let settings =
        Settings { connections: 4, calls: Some(200), ..Settings::new(provider.base(), shots) };
    let report = run(brief(settings)).await.unwrap();
    assert_eq!(report.calls, 200);
    assert_eq!(
        report.status.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(),
        [(200, 100), (503, 50)]
    );
    assert_eq!(report.error.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(), [("cut", 50)]);
    assert_eq!((report.unnamed, provider.count()), (200, 200));
    assert!(report.exchanges.is_empty() && report.answers_per_second() > 0.0);
    let posts = provider.received().iter().filter(|r| r.contains(br#"{"a":1}"#)).count();
    assert_eq!(posts, 50);
    let mut connections: Vec<u64> = provider.received().iter().map(|r| r.connection).collect();
    connections.sort_unstable();
    connections.dedup();
    // One for each worker, and one after each cut answer.
    assert!(connections.len() <= 54, "{}", connections.len());
}

#[tokio::test]
async fn an_open_run_keeps_its_rate_and_times_from_when_a_call_was_due() {
    let provider = provider().await;
    let open = |path: &str, per_second, calls| {
        brief(Settings {
            connections: 1,
            calls: Some(calls),
            pace: Pace::Open { per_second },
            ..Settings::new(provider.base(), vec![Shot::get(path)])
        })
    };
    let steady = run(open("/size/1", 200.0, 40)).await.unwrap();
    assert_eq!(steady.status.get(&200), Some(&40));
    assert!(steady.elapsed_us >= 195_000, "39 gaps of 5 ms: {}", steady.elapsed_us);

    // One answer takes ten times the gap: the tenth call waits for nine others.
    let late = run(open("/delay/50", 200.0, 10)).await.unwrap();
    assert!(late.latency.max_us >= 500_000 - 45_000, "{:?}", late.latency);
    assert!(late.latency.p50_us >= 200_000, "{:?}", late.latency);
}

#[tokio::test]
async fn a_run_ends_with_its_time() {
    let provider = provider().await;
    let settings = Settings {
        duration: Duration::from_millis(50),
        ..Settings::new(provider.base(), vec![Shot::get("/delay/20")])
    };
    let report = run(settings).await.unwrap();
    assert!(report.elapsed_us >= 50_000 && report.calls >= 1, "{report:?}");
}

/// As much of a gateway as the consumer needs: tokens that die after so many calls, an id on every
/// answer, a fault in the platform's form.
#[derive(Debug)]
struct Gate {
    tokens: AtomicU64,
    calls: AtomicU64,
}

impl Gate {
    fn answer(&self, request: &Request) -> Answer {
        if request.path() == "/token" {
            // consumer-key:secret in Base64
            if request.header("authorization") != Some("Basic Y29uc3VtZXIta2V5OnNlY3JldA==") {
                return Answer::json(401, r#"{"error":"invalid_client"}"#);
            }
            assert_eq!(request.body, "grant_type=client_credentials");
            let number = self.tokens.fetch_add(1, Ordering::SeqCst) + 1;
            let body = format!(r#"{{"access_token":"t{number}","expires_in":3600}}"#);
            return Answer::json(200, body);
        }
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let token = format!("Bearer t{}", self.tokens.load(Ordering::SeqCst));
        // The fifth call finds its token dead, once.
        let refused = number == 5 || request.header("authorization") != Some(&token);
        let answer = if refused {
            let problem = r#"{"code":"token_expired"}"#;
            Answer::new(401, "application/problem+json", problem)
        } else {
            Answer::text(200, "ok")
        };
        answer.header("Exchange-Id", format!("id-{number}"))
    }
}

fn gate() -> (Server, Arc<Gate>) {
    let gate = Arc::new(Gate { tokens: AtomicU64::new(0), calls: AtomicU64::new(0) });
    let shared = gate.clone();
    let server = Server::start(([127, 0, 0, 1], 0).into(), move |stream, number| {
        let gate = shared.clone();
        async move {
            let mut connection = Connection::new(stream, number);
            let nothing = Log::nothing();
            while let Some(request) = connection.next(&nothing).await {
                connection.send(&gate.answer(&request).encode(true, false)).await.unwrap();
            }
        }
    });
    (server.unwrap(), gate)
}

fn account(secret: &str) -> Account {
    Account { consumer_key: "consumer-key".to_owned(), secret_key: secret.to_owned() }
}

#[tokio::test]
async fn tokens_are_fetched_and_renewed_and_ids_are_kept() {
    let (server, gate) = gate();
    let base = format!("http://{}", server.address);
    let settings = Settings {
        account: Some(account("secret")),
        connections: 1,
        calls: Some(8),
        exchanges: true,
        ..Settings::new(base, vec![Shot::get("/a")])
    };
    let report = run(brief(settings)).await.unwrap();
    assert_eq!(report.status.get(&401), Some(&1), "{report:?}");
    assert_eq!(report.status.get(&200), Some(&7), "{report:?}");
    assert_eq!(report.fault.get("token_expired"), Some(&1));
    assert_eq!(gate.tokens.load(Ordering::SeqCst), 2);
    let mut lines = Vec::new();
    report.write_exchanges(&mut lines).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let expected: Vec<String> =
        (1..=8).map(|n| format!("id-{n} {}\n", if n == 5 { 401 } else { 200 })).collect();
    assert_eq!(lines, expected.concat());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["fault"]["token_expired"], 1);
    assert_eq!(json["latency"]["max_us"], report.latency.max_us);
}

#[tokio::test]
async fn a_wrong_secret_ends_the_run_at_once() {
    let (server, gate) = gate();
    let base = format!("http://{}", server.address);
    let wrong = account("wrong");
    let refused = Failure::Token(401, "invalid_client".to_owned());
    let got = token(&format!("{base}/token"), &wrong).await.unwrap_err();
    assert_eq!(got, refused);
    let settings =
        Settings { account: Some(wrong.clone()), ..Settings::new(base, vec![Shot::get("/a")]) };
    assert_eq!(run(brief(settings)).await.unwrap_err(), refused);
    assert_eq!(gate.calls.load(Ordering::SeqCst), 0);
    assert_eq!(format!("{wrong:?}"), "Account(consumer-key)", "no secret in print");
}
