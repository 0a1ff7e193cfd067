//! Article 12, steps 1 to 8: a key, a token for one hour, only the services subscribed to, and the
//! journal proves it.

use crate::wire::{Connection, request};
use crate::world::{Credential, World};

#[test]
fn a_consumer_gets_a_token_and_calls_what_it_subscribed_to() {
    let world = World::start();
    let token = world.token("one-stop");
    assert!(token.starts_with("lg1.") && token.len() == 60, "{token}");
    let answer = world.call(&token, "GET", "/datdai/1.0/tra-cuu?maThua=7", b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let row = world.row(&answer.exchange());
    let expected = [
        ("kind", "call"),
        ("outcome", "answered"),
        ("environment", "live"),
        ("mode", "direct"),
        ("consumer_member", "H01.009"),
        ("consumer_system", "one-stop"),
        ("provider_member", "H01.013"),
        ("service", "land"),
        ("version", "1.0"),
        ("method", "GET"),
        ("client_address", "127.0.0.1"),
    ];
    for (field, value) in expected {
        assert_eq!(row[field], value, "{field} of {row}");
    }
    assert_eq!((row["status"].as_u64(), row["attempts"].as_u64()), (Some(200), Some(1)));
    assert_eq!(row["response_bytes"].as_u64(), Some(answer.body.len() as u64));
    assert_eq!(row["credential"], world.credential("one-stop", "live").consumer_key.as_str());
    assert_eq!(row["upstream"], world.provider.base().as_str());
    for time in ["opened_at", "forwarded_at", "answered_at", "closed_at"] {
        assert!(row[time].is_string(), "{time} of {row}");
    }
    assert_eq!(row["response_digest"].as_str().map(str::len), Some(64), "{row}");
    world.verify();
}

#[test]
fn what_was_not_granted_is_refused_and_says_why() {
    let world = World::start();
    let token = world.token("one-stop");
    let table = [
        ("/khac/1.0/x", 403, "not_subscribed"),
        ("/datdai/9.9/x", 404, "no_such_route"),
        ("/nowhere", 404, "no_such_route"),
    ];
    for (target, status, fault) in table {
        let answer = world.call(&token, "GET", target, b"");
        assert_eq!((answer.status, answer.fault().as_str()), (status, fault), "{target}");
        let row = world.row(&answer.exchange());
        assert_eq!((row["outcome"].as_str(), row["fault"].as_str()), (Some("denied"), Some(fault)));
        assert_eq!(row["consumer_system"], "one-stop");
    }
    assert_eq!(world.provider.count(), 0, "no provider was asked");
}

#[test]
fn a_bad_token_is_refused_before_anything_else_is_told() {
    let world = World::start();
    let token = world.token("one-stop");
    let mut altered = token.clone().into_bytes();
    altered[30] = if altered[30] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    let live = world.listening.live;
    let headers: [(&str, Option<String>, &str); 4] = [
        ("none", None, "token_missing"),
        ("altered", Some(format!("Bearer {altered}")), "token_invalid"),
        ("nonsense", Some("Bearer x".into()), "token_invalid"),
        ("other scheme", Some("Basic abc".into()), "token_missing"),
    ];
    for (name, header, fault) in headers {
        let fields: Vec<(&str, &str)> =
            header.as_deref().map(|value| ("Authorization", value)).into_iter().collect();
        let answer =
            Connection::open(live).ask(request("GET", "/datdai/1.0/x", &fields, b"")).unwrap();
        assert_eq!((answer.status, answer.fault().as_str()), (401, fault), "{name}");
        assert!(
            answer.header("www-authenticate").is_some_and(|v| v.starts_with("Bearer")),
            "{name}"
        );
    }
    // A token of the trial environment opens nothing in the live one, and the reverse (TOK-08).
    let trial = world.ask_token(world.listening.trial, &world.credential("one-stop", "trial"));
    let trial = trial.json()["access_token"].as_str().unwrap().to_string();
    assert_eq!(world.call(&trial, "GET", "/datdai/1.0/echo", b"").fault(), "token_invalid");
    let crossed = world.ask_token(live, &world.credential("one-stop", "trial"));
    assert_eq!(crossed.status, 401);
}

#[test]
fn every_wrong_credential_gets_the_same_refusal() {
    let world = World::start();
    let good = world.credential("one-stop", "live");
    let wrong_key = Credential { consumer_key: "nobody".into(), ..good.clone() };
    let wrong_secret = Credential { secret_key: "guess".into(), ..good.clone() };
    let live = world.listening.live;
    let (a, b) = (world.ask_token(live, &wrong_key), world.ask_token(live, &wrong_secret));
    assert_eq!((a.status, b.status), (401, 401));
    assert_eq!(a.body, b.body);
    assert_eq!(a.json()["error"], "invalid_client");
    let rows = world.rows(&["--kind", "token"]);
    assert_eq!(rows.iter().map(|row| row["count"].as_u64().unwrap()).sum::<u64>(), 2);
    assert!(rows.iter().all(|row| row["credential"].is_null() && row["outcome"] == "denied"));
}

#[test]
fn the_token_answer_is_what_real_clients_cut_by_position() {
    let world = World::start();
    let answer = world.ask_token(world.listening.live, &world.credential("one-stop", "live"));
    let text = answer.text();
    assert!(text.starts_with(r#"{"access_token":"lg1."#), "{text}");
    assert!(
        text.ends_with(r#"","scope":"default","token_type":"Bearer","expires_in":3600}"#),
        "{text}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn bodies_pass_byte_for_byte_in_both_directions() {
    let world = World::start();
    let token = world.token("one-stop");
    let text = "Nguyễn Thị Thử — “đơn đề nghị” ".repeat(40);
    let binary: Vec<u8> = (0..=255u8).cycle().take(10 * 1024 * 1024).collect();
    for body in [b"".to_vec(), text.into_bytes(), binary[..1024 * 1024].to_vec(), binary] {
        let answer = world.call(&token, "POST", "/datdai/1.0/echo", &body);
        assert_eq!(answer.status, 200);
        assert!(answer.complete && answer.body == body, "{} bytes", body.len());
        let row = world.row(&answer.exchange());
        assert_eq!(row["request_bytes"].as_u64(), Some(body.len() as u64));
        assert_eq!(row["response_bytes"].as_u64(), Some(body.len() as u64));
        if !body.is_empty() {
            assert!(
                row["request_digest"].is_string() && row["response_digest"].is_string(),
                "{row}"
            );
        }
    }
}
