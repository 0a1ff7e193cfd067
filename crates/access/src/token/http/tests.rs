//! The token endpoints, request by request, and the rows they leave.

use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use journal::Row;
use terms::environment::Environment::{self, Live, Trial};
use terms::exchange::{Facade, Kind, Outcome};
use terms::limit::{FAILURES_MAX, TOKEN_BODY_MAX};

use super::{Endpoint, SETTLE_MAX, is_durable};
use crate::credential::Carry;
use crate::tests::{Answer, OWNER, World, basic, carry, start, system, terms, with_basic};
use crate::token::TokenFault;

const HOUR: Duration = Duration::from_secs(3_600);
const ELSEWHERE: &str = "198.51.100.7";

async fn guess(w: &World, n: usize) -> Answer {
    w.ask("old-key", &format!("guess{n}"), ELSEWHERE).await
}

fn post(path: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

/// The words of a token row: event, outcome, fault, system, credential known or not.
fn words(row: &Row) -> (String, Outcome, Option<String>, Option<String>, bool) {
    (
        row.event.as_deref().unwrap().to_owned(),
        row.outcome.unwrap(),
        row.fault.as_deref().map(str::to_owned),
        row.consumer_system.as_deref().map(str::to_owned),
        row.credential.is_some(),
    )
}

fn refused(fault: &str) -> (String, Outcome, Option<String>, Option<String>, bool) {
    ("refused".to_owned(), Outcome::Denied, Some(fault.to_owned()), None, false)
}

#[test]
fn endpoints_stand_at_their_paths() {
    let table = [
        ("/token", Some(Endpoint::Token)),
        ("/token/", Some(Endpoint::Token)),
        ("//token", Some(Endpoint::Token)),
        ("/oauth2/token", Some(Endpoint::Token)),
        ("/oauth2//token", Some(Endpoint::Token)),
        ("/revoke", Some(Endpoint::Revoke)),
        ("/introspect", Some(Endpoint::Introspect)),
        ("/.well-known/oauth-authorization-server", Some(Endpoint::Metadata)),
        ("/oauth2", None),
        ("/token/x", None),
        ("/Token", None),
        ("/oauth2/revoke", None),
        ("/", None),
    ];
    for (path, endpoint) in table {
        assert_eq!(Endpoint::find(path), endpoint, "{path}");
    }
}

#[tokio::test]
async fn a_session_login_answers_as_the_portal_does() {
    let w = World::new().await;
    let issued = w.issue("one-stop", Live).await;
    let (key, secret) = (issued.consumer_key.as_str(), issued.secret_key.as_str());
    let login = Endpoint::Login(Facade::Portal);
    let right = format!(r#"{{"username":"{key}","password":"{secret}","client_id":7}}"#);
    let answer = w.send_to(login, post("/mapi/login", &[], &right), Live, OWNER).await;
    let session = &answer.body[27..87];
    assert_eq!(answer.body, format!(r#"{{"error_code":0,"session":"{session}"}}"#));
    assert!(w.access.verify(session, Live).is_ok());
    let table = [
        (format!(r#"{{"username":"{key}","password":"guess"}}"#), "invalid_client", "không đúng"),
        (format!(r#"{{"username":"{key}"}}"#), "invalid_request", "không đọc được"),
        (format!(r#"{{"client_id":"{key}","client_secret":"{secret}"}}"#), "invalid_request", ""),
        ("[]".to_owned(), "invalid_request", ""),
    ];
    for (body, fault, words) in table {
        let answer = w.send_to(login, post("/mapi/login", &[], &body), Live, OWNER).await;
        assert_eq!(answer.status, 200, "its clients lose every other body");
        assert!(answer.body.starts_with(r#"{"error_code":-1,"message":"#), "{}", answer.body);
        assert!(answer.body.contains(words), "{}", answer.body);
        let id = answer.header("exchange-id").unwrap();
        let row = w.rows().into_iter().find(|row| row.exchange_id.to_string() == id).unwrap();
        assert_eq!(row.fault.as_deref(), Some(fault));
        assert_eq!((row.facade, row.status), (Some(Facade::Portal), Some(200)), "as sent");
    }
}

#[tokio::test]
async fn a_listener_vouches_for_a_system_with_a_live_credential_only() {
    let w = World::new().await;
    let system = system("one-stop");
    assert!(w.access.vouch(&system, Live).is_none(), "none was issued");
    let issued = w.issue("one-stop", Live).await;
    let caller = w.access.vouch(&system, Live).expect("a caller");
    assert_eq!(caller.consumer_key(), &issued.consumer_key);
    assert!(w.access.vouch(&system, Trial).is_none(), "of one environment");
    w.revoke(&issued.consumer_key).await.unwrap();
    assert!(w.access.vouch(&system, Live).is_none(), "revoked");
}

#[tokio::test]
async fn the_answer_is_compact_and_in_the_order_that_old_clients_cut_by() {
    let w = World::new().await;
    let issued = w.issue("one-stop", Live).await;
    let key = issued.consumer_key.as_str();
    let answer = w.ask(key, &issued.secret_key, OWNER).await;
    assert_eq!(answer.status, 200);
    let token = &answer.body[17..77];
    let expected = format!(
        r#"{{"access_token":"{token}","scope":"default","token_type":"Bearer","expires_in":3600}}"#
    );
    assert_eq!(answer.body, expected);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    assert_eq!(w.verify(token).unwrap(), "one-stop");
    let caller = w.access.verify(token, Live).unwrap();
    assert_eq!((caller.consumer_key(), caller.environment()), (&issued.consumer_key, Live));
    w.clock.advance(Duration::from_secs(3_599));
    assert!(w.verify(token).is_ok());
    w.clock.advance(Duration::from_secs(2));
    assert_eq!(w.verify(token), Err(TokenFault::Expired));
}

#[tokio::test]
async fn each_way_to_ask_gives_a_token() {
    let w = World::new().await;
    let issued = w.issue("one-stop", Live).await;
    let (key, secret) = (issued.consumer_key.as_str(), issued.secret_key.as_str());
    let header = basic(key, secret);
    let headers = [("authorization", header.as_str())];
    let form = format!("grant_type=client_credentials&client_id={key}&client_secret={secret}");
    let json = format!(r#"{{"client_id":"{key}","client_secret":"{secret}","scope":"any"}}"#);
    let requests = [
        post("/token", &headers, "grant_type=client_credentials"),
        post("/token", &headers, "grant_type=client_credentials&scope=a%20b&other=1"),
        post("/token?grant_type=client_credentials", &headers, ""),
        post("/oauth2/token", &headers, ""),
        post("/token", &[], &form),
        post("/token", &[("content-type", "application/json")], &form),
        post("/token", &[("content-type", "application/x-www-form-urlencoded")], &json),
        post("/token", &[("content-type", "application/json; charset=utf-8")], &json),
    ];
    for request in requests {
        let shown = format!("{} {:?}", request.uri(), request.headers().get("content-type"));
        let answer = w.send(request, Live, OWNER).await;
        assert_eq!((answer.status, &answer.json()["scope"]), (200, &"default".into()), "{shown}");
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_its_code() {
    let w = World::new().await;
    let issued = w.issue("one-stop", Live).await;
    let (key, secret) = (issued.consumer_key.as_str(), issued.secret_key.as_str());
    let header = basic(key, secret);
    let headers = [("authorization", header.as_str())];
    let form = format!("client_id={key}&client_secret={secret}");
    let long = "x".repeat(TOKEN_BODY_MAX + 1);
    let table = [
        (post(&format!("/token?{form}"), &[], ""), 400, "invalid_request", "in the query"),
        (post("/token", &headers, &form), 400, "invalid_request", "Two ways"),
        (post("/token", &[], &format!("{form}&{form}")), 400, "invalid_request", "given twice"),
        (post("/token", &[], "{"), 400, "invalid_request", "UTF-8"),
        (post("/token", &headers, &long), 400, "invalid_request", "longer than 16 KiB"),
        (post("/token", &headers, "grant_type=password"), 400, "unsupported_grant_type", "only"),
        (post("/token", &[], &format!("{form}&grant_type=x")), 400, "unsupported_grant_type", ""),
        (post("/token", &[], ""), 401, "invalid_client", "not valid"),
        (post("/token", &[], "grant_type=client_credentials"), 401, "invalid_client", ""),
        (post("/token", &[("authorization", "Bearer x")], ""), 401, "invalid_client", ""),
        (post("/revoke", &headers, ""), 400, "invalid_request", "token is missing"),
        (post("/introspect", &headers, ""), 400, "invalid_request", "token is missing"),
        (post("/revoke", &[], "token=x"), 401, "invalid_client", ""),
        (post("/introspect", &[], "token=x"), 401, "invalid_client", ""),
    ];
    let mut expected = Vec::new();
    for (request, status, error, told) in table {
        let shown = format!("{} {:.60?}", request.uri(), request.body());
        let answer = w.send(request, Live, OWNER).await;
        assert_eq!((answer.status, answer.error().as_str()), (status, error), "{shown}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let description = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert!(
            description.is_ascii() && description.to_lowercase().contains(&told.to_lowercase())
        );
        expected.push(refused(error));
    }
    // The clock stands still, so that the order of the rows is left to chance.
    expected.sort();
    let mut found: Vec<_> = w.rows().iter().map(words).collect();
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn other_methods_are_told_which_one_is_taken() {
    let w = World::new().await;
    for (path, method, allow) in [
        ("/token", "GET", "POST"),
        ("/token", "OPTIONS", "POST"),
        ("/revoke", "DELETE", "POST"),
        ("/introspect", "PUT", "POST"),
        ("/.well-known/oauth-authorization-server", "POST", "GET, HEAD"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Bytes::new()).unwrap();
        let answer = w.send(request, Live, OWNER).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
        assert_eq!(answer.error(), "invalid_request");
    }
    let rows = w.rows();
    assert!(rows.iter().all(|row| row.status == Some(405)), "the row says what was sent");
}

#[tokio::test]
async fn a_method_that_is_too_long_is_not_journalled() {
    let w = World::new().await;
    for length in [Row::METHOD_BYTES_MAX, Row::METHOD_BYTES_MAX + 1, 60_000] {
        let method = "M".repeat(length);
        let request = Request::builder().method(method.as_str()).uri("/token");
        let answer = w.send(request.body(Bytes::new()).unwrap(), Live, OWNER).await;
        assert_eq!(answer.status, 405, "{length}");
    }
    let mut lengths: Vec<_> =
        w.rows().iter().map(|row| row.method.as_deref().map(str::len)).collect();
    lengths.sort();
    assert_eq!(lengths, [None, None, Some(Row::METHOD_BYTES_MAX)]);
}

#[tokio::test]
async fn one_refusal_hides_what_was_wrong() {
    let w = World::new().await;
    let good = w.issue("one-stop", Live).await;
    let revoked = w.issue("revoked", Live).await;
    let stopped = w.issue("stopped", Live).await;
    let unknown = w.issue("unknown", Live).await;
    let trial = w.issue("one-stop", Trial).await;
    w.revoke(&revoked.consumer_key).await.unwrap();
    w.set_terms("stopped", Some(terms(false, HOUR)));
    w.set_terms("unknown", None);
    let pairs = [
        ("no-such-key", good.secret_key.as_str()),
        (good.consumer_key.as_str(), "wrong"),
        (good.consumer_key.as_str(), ""),
        (revoked.consumer_key.as_str(), &revoked.secret_key),
        (stopped.consumer_key.as_str(), &stopped.secret_key),
        (unknown.consumer_key.as_str(), &unknown.secret_key),
        (trial.consumer_key.as_str(), &trial.secret_key),
    ];
    let shown = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        assert!(headers.remove("exchange-id").is_some());
        (answer.status, headers, answer.body.clone())
    };
    let mut answers = Vec::new();
    for (key, secret) in pairs {
        answers.push(shown(&w.ask(key, secret, OWNER).await));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, 401);
    let challenge = r#"Basic realm="lgsp", charset="UTF-8""#;
    assert_eq!(answers[0].1.get("www-authenticate").unwrap(), challenge);
    let form = post("/token", &[], "client_id=k&client_secret=s");
    let answer = w.send(form, Live, OWNER).await;
    assert_eq!(answer.header("www-authenticate"), None, "only for who used the header");
    assert_eq!(answer.body, answers[0].2);
    let mut verified: Vec<_> = w.rows().iter().filter_map(|row| words(row).3).collect();
    verified.sort();
    assert_eq!(verified, ["revoked", "stopped", "unknown"], "their secrets were right");
}

#[tokio::test]
async fn a_system_can_have_its_own_lifetime() {
    let w = World::new().await;
    w.set_terms("short", Some(terms(true, Duration::from_secs(600))));
    for (code, lifetime) in [("short", 600), ("one-stop", 3_600)] {
        let issued = w.issue(code, Live).await;
        let answer = w.ask(issued.consumer_key.as_str(), &issued.secret_key, OWNER).await;
        assert_eq!(answer.json()["expires_in"], lifetime, "{code}");
    }
}

#[tokio::test]
async fn both_secrets_work_during_the_overlap_and_tokens_live_on() {
    let w = World::new().await;
    let old = w.issue("one-stop", Live).await;
    let token = w.token(&old).await;
    let key = old.consumer_key.as_str();
    let new = w.rotate(&old.consumer_key, HOUR).await.unwrap();
    assert_eq!(new.consumer_key, old.consumer_key);
    let status = async |secret: &str| w.ask(key, secret, OWNER).await.status;
    assert_eq!((status(&old.secret_key).await, status(&new.secret_key).await), (200, 200));
    assert!(w.verify(&token).is_ok());
    w.clock.set(start().plus(Duration::from_secs(3_599)));
    assert_eq!((status(&old.secret_key).await, status(&new.secret_key).await), (200, 200));
    w.clock.set(start().plus(HOUR));
    assert_eq!((status(&old.secret_key).await, status(&new.secret_key).await), (401, 200));
    let newest = w.rotate(&old.consumer_key, Duration::ZERO).await.unwrap();
    assert_eq!((status(&new.secret_key).await, status(&newest.secret_key).await), (401, 200));
    w.revoke(&old.consumer_key).await.unwrap();
    assert_eq!(status(&newest.secret_key).await, 401);
    assert_eq!(w.verify(&token), Err(TokenFault::Invalid));
}

#[tokio::test]
async fn a_weak_secret_ends_on_its_day() {
    let w = World::new().await;
    let mut carried = carry("old-app", "old-key", "matkhau1");
    carried.weak_until = Some(start().plus(HOUR));
    assert_eq!(w.carry(carried).await.unwrap(), Carry::Created);
    let status = async |secret: &str| w.ask("old-key", secret, OWNER).await.status;
    assert_eq!((status("matkhau1").await, status("matkhau2").await), (200, 401));
    let key = terms::code::ConsumerKey::known("old-key");
    let new = w.rotate(&key, HOUR * 24).await.unwrap();
    w.clock.advance(Duration::from_secs(3_599));
    assert_eq!((status("matkhau1").await, status(&new.secret_key).await), (200, 200));
    w.clock.advance(Duration::from_secs(1));
    let ended = (status("matkhau1").await, status(&new.secret_key).await);
    assert_eq!(ended, (401, 200), "an overlap does not prolong a weak secret");
    let mut carried = carry("old-app", "other-key", "matkhau1");
    carried.weak_until = Some(w.clock.now());
    w.carry(carried).await.unwrap();
    assert_eq!(w.ask("other-key", "matkhau1", OWNER).await.status, 401);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_owner_is_never_locked_out() {
    let w = World::new().await;
    let issued = w.issue("one-stop", Live).await;
    let key = issued.consumer_key.as_str();
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(w.ask(key, "wrong", ELSEWHERE).await.status);
    }
    let limit = usize::try_from(FAILURES_MAX).unwrap();
    assert!(statuses[..limit].iter().all(|s| *s == 401), "{statuses:?}");
    assert!(statuses[limit..].iter().all(|s| *s == 429), "{statuses:?}");
    let answer = w.ask(key, "wrong", ELSEWHERE).await;
    assert_eq!(answer.body, r#"{"error":"slow_down"}"#);
    assert_eq!(answer.header("retry-after"), Some("60"));
    assert_eq!(w.ask("other-key", "wrong", ELSEWHERE).await.status, 429, "the address is limited");
    assert_eq!(w.ask("other-key", "wrong", OWNER).await.status, 401, "others are not");
    for address in [OWNER, ELSEWHERE] {
        assert_eq!(w.ask(key, &issued.secret_key, address).await.status, 200, "{address}");
    }
    w.clock.advance(Duration::from_secs(60));
    assert_eq!(w.ask(key, "wrong", ELSEWHERE).await.status, 401);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_no_guess() {
    let w = World::new().await;
    let header = basic("key", "wrong");
    for body in ["[1]", "\"abc\"", "<a/>", "c\0l\0=\0", "\u{feff}{}", "--x\r\na=b\r\n--x--"] {
        for headers in [&[][..], &[("authorization", header.as_str())]] {
            for _ in 0..FAILURES_MAX {
                let answer = w.send(post("/token", headers, body), Live, ELSEWHERE).await;
                assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"));
            }
        }
    }
    assert_eq!(w.ask("key", "wrong", ELSEWHERE).await.status, 401, "the address is not limited");
}

#[tokio::test]
async fn a_secret_that_might_be_guessed_is_not_tried_for_a_limited_address() {
    let w = World::new().await;
    w.carry(carry("old-app", "old-key", "matkhau1")).await.unwrap();
    for n in 0..FAILURES_MAX {
        assert_eq!(w.ask("old-key", &format!("guess{n}"), ELSEWHERE).await.status, 401);
    }
    assert_eq!(w.ask("old-key", "matkhau1", ELSEWHERE).await.status, 429, "even the right one");
    assert_eq!(w.ask("old-key", "matkhau1", OWNER).await.status, 200, "its owner goes on");
}

#[tokio::test]
async fn a_header_with_two_readings_is_two_guesses() {
    let w = World::new().await;
    w.carry(carry("old-app", "old-key", "mat khau1")).await.unwrap();
    for n in 0..FAILURES_MAX / 2 {
        assert_eq!(w.ask("old-key", &format!("guess+{n}"), ELSEWHERE).await.status, 401);
    }
    assert_eq!(w.ask("old-key", "mat+khau1", ELSEWHERE).await.status, 429, "even the right one");
    assert_eq!(w.ask("old-key", "mat+khau1", OWNER).await.status, 200, "form-encoded");
    assert_eq!(w.ask("old-key", "mat khau1", OWNER).await.status, 200, "as it is");
}

#[tokio::test]
async fn two_readings_on_many_connections_give_no_more_guesses() {
    let w = World::new().await;
    w.carry(carry("old-app", "old-key", "mat khau1")).await.unwrap();
    let secret = |n| if n == 29 { "mat+khau1".to_owned() } else { format!("guess+{n}") };
    let secrets: Vec<_> = (0..30).map(secret).collect();
    let asks = secrets.iter().map(|secret| Box::pin(w.ask("old-key", secret, ELSEWHERE)));
    let mut asked: Vec<_> = asks.collect();
    let mut statuses = Vec::new();
    std::future::poll_fn(|context| {
        asked.retain_mut(|ask| match ask.as_mut().poll(context) {
            Poll::Ready(answer) => {
                statuses.push(answer.status);
                false
            }
            Poll::Pending => true,
        });
        if asked.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    assert!(!statuses.contains(&200), "the last was tried before the first counted: {statuses:?}");
}

#[tokio::test]
async fn many_connections_at_once_give_no_more_guesses() {
    let w = World::new().await;
    w.carry(carry("old-app", "old-key", "matkhau1")).await.unwrap();
    let mut asked: Vec<_> = (0..30).map(|n| Box::pin(guess(&w, n))).collect();
    let mut refused = 0;
    std::future::poll_fn(|context| {
        asked.retain_mut(|ask| match ask.as_mut().poll(context) {
            Poll::Ready(answer) => {
                refused += u32::from(answer.status == 401);
                false
            }
            Poll::Pending => true,
        });
        if asked.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let most = FAILURES_MAX + u32::try_from(terms::limit::WEAK_CHECKS_MAX).unwrap();
    assert!((FAILURES_MAX..=most).contains(&refused), "{refused} guesses were tried");
}

#[tokio::test]
async fn an_own_token_is_revoked_and_no_other() {
    let w = World::new().await;
    let (one, other) = (w.issue("one", Live).await, w.issue("other", Live).await);
    let (mine, kept, foreign) = (w.token(&one).await, w.token(&one).await, w.token(&other).await);
    let revoke = async |token: &str| {
        let key = one.consumer_key.as_str();
        let body = format!("token={token}&token_type_hint=refresh_token");
        w.send(with_basic("/revoke", key, &one.secret_key, &body), Live, OWNER).await
    };
    let answer = revoke(&mine).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(w.verify(&mine), Err(TokenFault::Invalid));
    assert!(w.verify(&kept).is_ok());
    for dead in [mine.as_str(), "nonsense", &"x".repeat(10_000)] {
        assert_eq!(revoke(dead).await.status, 200, "what is dead is revoked (RFC 7009 2.2)");
    }
    let answer = revoke(&foreign).await;
    assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_grant"));
    assert!(w.verify(&foreign).is_ok());
    let revoked: Vec<_> = w.rows().iter().map(words).filter(|w| w.0 == "revoked").collect();
    let row = ("revoked".to_owned(), Outcome::Answered, None, Some("one".to_owned()), true);
    assert_eq!(revoked, [row]);
}

#[tokio::test]
async fn introspection_tells_of_own_tokens_only() {
    let w = World::new().await;
    let (one, other) = (w.issue("one", Live).await, w.issue("other", Live).await);
    let (mine, foreign) = (w.token(&one).await, w.token(&other).await);
    let introspect = async |token: &str| {
        let key = one.consumer_key.as_str();
        let body = format!("token={token}");
        let answer =
            w.send(with_basic("/introspect", key, &one.secret_key, &body), Live, OWNER).await;
        assert_eq!(answer.status, 200);
        answer.json()
    };
    let expected = serde_json::json!({
        "active": true,
        "scope": "default",
        "client_id": one.consumer_key,
        "token_type": "Bearer",
        "exp": start().secs() + 3_600,
        "iat": start().secs(),
        "sub": "one",
    });
    assert_eq!(introspect(&mine).await, expected);
    let inactive = serde_json::json!({ "active": false });
    assert_eq!(introspect(&foreign).await, inactive);
    assert_eq!(introspect("nonsense").await, inactive);
    w.clock.advance(HOUR);
    assert_eq!(introspect(&mine).await, inactive);
}

#[tokio::test]
async fn metadata_names_the_endpoints() {
    let w = World::new().await;
    let request = Request::get("/.well-known/oauth-authorization-server")
        .header("host", "lgsp.example.gov.vn:8280")
        .body(Bytes::new())
        .unwrap();
    let answer = w.send(request, Live, OWNER).await;
    let metadata = answer.json();
    assert_eq!(metadata["issuer"], "http://lgsp.example.gov.vn:8280");
    assert_eq!(metadata["token_endpoint"], "http://lgsp.example.gov.vn:8280/token");
    assert_eq!(metadata["grant_types_supported"], serde_json::json!(["client_credentials"]));
}

#[tokio::test]
async fn a_token_row_tells_who_and_never_the_token() {
    let w = World::new().await;
    let issued = w.issue("one-stop", Live).await;
    let answer = w.ask(issued.consumer_key.as_str(), &issued.secret_key, OWNER).await;
    let rows = w.rows();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(row.kind, Kind::Token);
    assert_eq!(answer.header("exchange-id"), Some(row.exchange_id.to_string().as_str()));
    let issued_words =
        ("issued".to_owned(), Outcome::Answered, None, Some("one-stop".to_owned()), true);
    assert_eq!(words(row), issued_words);
    assert_eq!(row.credential.as_deref(), Some(issued.consumer_key.as_str()));
    assert_eq!(row.consumer_member.as_deref(), Some("H01.013"));
    assert_eq!(row.environment, Some(Environment::Live));
    assert_eq!((row.status, row.method.as_deref()), (Some(200), Some("POST")));
    assert_eq!(row.client_address, Some(OWNER.parse().unwrap()));
    assert_eq!(row.response_bytes, Some(answer.body.len().try_into().unwrap()));
    assert!(!row.to_json().to_string().contains("lg1."));
}

#[tokio::test]
async fn nothing_is_answered_that_cannot_be_journalled() {
    let w = World::new().await;
    let issued = w.issue("one-stop", Live).await;
    let key = issued.consumer_key.as_str();
    w.journal.stop();
    for secret in [issued.secret_key.as_str(), "wrong"] {
        let answer = w.ask(key, secret, OWNER).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.body, r#"{"error":"temporarily_unavailable"}"#);
    }
}

#[tokio::test]
async fn a_row_is_waited_for_with_a_limit() {
    assert!(SETTLE_MAX <= Duration::from_secs(10), "a client waits no longer than that");
    assert!(is_durable(std::future::ready(Ok(())), Duration::ZERO).await);
    assert!(!is_durable(std::future::ready(Err(journal::Unavailable::Failed)), HOUR).await);
    // A disk that neither writes nor fails.
    assert!(!is_durable(std::future::pending(), Duration::ZERO).await);
}

#[tokio::test]
async fn many_tokens_side_by_side_across_a_rotation_of_the_keyring() {
    let w = World::new().await;
    let issued = w.issue("one-stop", Live).await;
    let mut tokens = Vec::new();
    for n in 0..50 {
        if n == 25 {
            w.keyring.rotate().unwrap();
        }
        tokens.push(w.token(&issued).await);
    }
    assert!(tokens.iter().all(|token| w.verify(token).is_ok()));
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 50);
}

mod fuzz;
