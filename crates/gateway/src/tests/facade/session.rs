//! The session protocol: one login, one URL, the operation in the body.

use simulator::portal::Trouble;
use terms::exchange::{Facade, Kind, Outcome};

use super::{Province, json, sample, told};
use crate::tests::consumer::Consumer;

#[test]
fn tolerance_06_login_and_calls_under_our_own_session() {
    let province = Province::start();
    let session = province.session();
    assert_eq!(session.len(), 60);
    let answer = province.post("/mapi/g", "", &sample("02", &session));
    assert_eq!((answer.status, told(&answer).0), (200, 0), "{}", answer.text());
    assert!(told(&answer).1.to_lowercase().contains("thành công"));
    let seen = province.portal.calls();
    assert_eq!(
        seen.iter().map(|call| &*call.service).collect::<Vec<_>>(),
        ["login", "DongBoHoSoMC"]
    );
    // the session was swapped, nothing else was touched
    let received = province.portal.received();
    let body = String::from_utf8(received[1].body().to_vec()).unwrap();
    assert!(!body.contains(&session));
    let at = body.find("\"session\"").unwrap();
    let end = at + body[at..].find(',').unwrap();
    let theirs = body[at..end].rsplit('"').nth(1).unwrap();
    assert_eq!(body.replace(theirs, &session), sample("02", &session), "byte for byte");
    assert_eq!(seen[1].dstcode_header.as_deref(), Some(super::PORTAL));

    let row = province.world.row(&answer);
    assert_eq!(row.facade, Some(Facade::Portal));
    assert_eq!(row.operation.as_deref(), Some("DongBoHoSoMC"));
    assert_eq!(row.service.as_deref(), Some("dvcqg-goi-tin"));
    assert_eq!(row.version.as_deref(), Some("1.0"));
    assert_eq!(row.consumer_system.as_deref(), Some("one-stop"));
    assert_eq!((row.outcome, row.status), (Some(Outcome::Answered), Some(200)));
    assert_eq!(row.request_bytes, Some(sample("02", &session).len() as u64));
    assert!(row.request_digest.is_some() && row.response_digest.is_some());
}

#[test]
fn tolerance_06_a_login_is_a_token_row_of_its_facade() {
    let province = Province::start();
    let (key, secret) = &province.world.secret;
    let table = [
        ("/mapi/login", "right", Facade::Portal),
        ("/VXPAdapter/RestService/forward/mapi/login?dstcode=x", "right", Facade::Adapter),
        ("/mapi/login", "wrong", Facade::Portal),
    ];
    for (path, which, facade) in table {
        let secret = if which == "right" { secret } else { "guess" };
        let body = format!(r#"{{"password":"{secret}","username":"{key}"}}"#);
        // whatever the content type says
        let answer = Consumer::connect(province.world.live)
            .say(format!(
                "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            ))
            .hear();
        let (code, message) =
            (json(&answer)["error_code"].as_i64(), json(&answer)["message"].clone());
        assert_eq!(answer.status, 200, "its clients lose every other body");
        assert_eq!(code == Some(0), which == "right", "{message}");
        let row = province.world.row(&answer);
        assert_eq!((row.kind, row.facade), (Kind::Token, Some(facade)));
        assert_eq!(row.status, Some(200), "as sent");
        assert_eq!(row.fault.is_some(), which == "wrong");
    }
    let get = province.say("GET", "/mapi/login", "", "");
    assert_eq!((get.status, told(&get).0), (200, -1));
}

#[test]
fn tolerance_06_the_session_stands_anywhere_in_the_envelope() {
    let province = Province::start();
    let session = province.session();
    let body = format!(
        r#"{{"data":[{{"MaHoSo":"x"}}],"MaDonVi":"000.00.00.H99","service":"TraCuuHoSo","mahoso":"1","SESSION":"{session}"}}"#
    );
    let answer = province.post("/mapi/g", "", &body);
    assert_eq!(answer.status, 200);
    assert_eq!(province.world.row(&answer).consumer_system.as_deref(), Some("one-stop"));
}

#[test]
fn tolerance_06_a_session_that_is_none_of_ours_is_told_as_the_portal_tells_it() {
    let province = Province::start();
    let table = [
        (sample("02", "lg1.nonsense"), "token_invalid"),
        (sample("95", ""), "token_missing"),
        (sample("02", ""), "token_missing"),
        ("{".to_owned(), "request_invalid"),
        ("[]".to_owned(), "request_invalid"),
        ("\u{feff}".to_owned(), "request_invalid"),
    ];
    for (body, fault) in table {
        let answer = province.post("/mapi/g", "", &body);
        assert_eq!((answer.status, told(&answer).0), (200, -1), "{body}");
        assert_eq!(json(&answer)["code"], fault, "{body}");
        assert!(answer.header("www-authenticate").is_none());
        let row = province.world.row(&answer);
        assert_eq!((row.fault.as_deref(), row.status), (Some(fault), Some(200)), "{body}");
        assert_eq!((row.outcome, row.consumer_system), (Some(Outcome::Denied), None));
    }
    assert_eq!(province.portal.count(), 0, "nothing was forwarded");
}

#[test]
fn tolerance_06_counted_by_the_service_that_the_body_names() {
    let province = Province::given("rate: 2/min, operations: [LayThuTuc, DongBoHoSoMC]");
    let session = province.session();
    let ask = |start: &str| province.post("/mapi/g", "", &sample(start, &session));
    assert_eq!(province.world.row(&ask("23")).fault.as_deref(), Some("not_subscribed"));
    let pulled = ask("13");
    assert_eq!(told(&pulled).0, 0, "{}", pulled.text());
    assert_eq!(pulled.header("ratelimit"), Some("\"rate\";r=1"), "a refused call does not count");
    assert_eq!(told(&ask("02")).0, 0);
    let refused = ask("13");
    assert_eq!(province.world.row(&refused).fault.as_deref(), Some("rate_exceeded"));
}

#[test]
fn tolerance_13_the_unit_of_subscription_is_destination_and_service() {
    let province = Province::given("operations: [LayThuTuc]");
    province.legacy();
    let session = province.session();
    let refused = province.post("/mapi/g", "", &sample("02", &session));
    assert_eq!((refused.status, told(&refused).0), (200, -1));
    assert!(told(&refused).1.contains("Chưa được cấp quyền"), "{}", refused.text());
    let row = province.world.row(&refused);
    assert_eq!(row.fault.as_deref(), Some("not_subscribed"));
    assert_eq!(row.operation.as_deref(), Some("DongBoHoSoMC"));
    // the same by a plain call and by a path per packet
    let plain = province.post_known("/dvcqg/1.0/mapi/g", &sample("02", "x"));
    assert_eq!(province.world.row(&plain).fault.as_deref(), Some("not_subscribed"));
    let path = province.post_known("/packets/DongBoHoSoMC", r#"[{"MaHoSo":"1"}]"#);
    assert_eq!(province.world.row(&path).fault.as_deref(), Some("not_subscribed"));
    // another destination is another subscription
    let body = sample("02", &session);
    let other = province.post("/mapi/g?dstcode=VN:GOV:H01:nobody", "", &body);
    assert_eq!(province.world.row(&other).fault.as_deref(), Some("no_such_route"));
    assert_eq!(province.portal.count(), 0);
    let granted = province.post("/mapi/g", "", &sample("13", &session));
    assert_eq!(told(&granted).0, 0, "{}", granted.text());
}

#[test]
fn tolerance_08_each_system_hears_of_faults_in_its_own_way() {
    let province = Province::start();
    let session = province.session();
    let down = Trouble { drop_answer: true, ..Trouble::default() };
    province.portal.trouble(down);
    let modern = province.post("/mapi/g", "", &sample("13", &session));
    assert_eq!(modern.status, 502, "{}", modern.text());
    assert_eq!(modern.header("content-type"), Some("application/problem+json"));
    province.legacy();
    let legacy = province.post("/mapi/g", "", &sample("13", &session));
    assert_eq!((legacy.status, told(&legacy).0), (200, -1));
    assert_eq!(legacy.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(json(&legacy)["exchange"].as_str(), legacy.header("exchange-id"));
    assert!(!told(&legacy).1.to_lowercase().contains("thành công"), "{}", legacy.text());
    let row = province.world.row(&legacy);
    assert_eq!((row.outcome, row.status), (Some(Outcome::Failed), Some(200)));
    assert_eq!(row.fault.as_deref(), Some("provider_error"));
    // a plain call of that system as well
    let plain = province.get_known("/nowhere/1.0");
    assert_eq!((plain.status, told(&plain).0), (200, -1));
    assert_eq!(province.world.row(&plain).fault.as_deref(), Some("no_such_route"));
    // in English, in XML
    let token = &province.world.token;
    let asked =
        format!("authorization: Bearer {token}\r\naccept: text/xml\r\naccept-language: en\r\n");
    let xml = province.say("POST", "/packets/LayThuTuc?dstcode=none", &asked, "");
    assert_eq!(xml.header("content-type"), Some("application/xml; charset=utf-8"));
    assert!(xml.text().contains("<message>No service at this path</message>"), "{}", xml.text());
}

#[test]
fn tolerance_08_every_path_that_is_asked_in_xml_tells_its_faults_in_xml() {
    let province = Province::start();
    province.legacy();
    let known = format!("authorization: Bearer {}\r\n", province.world.token);
    let adapter = "/VXPAdapter/RestService/forward";
    let table = [
        ("POST", "/mapi/login".to_owned(), ""),
        ("POST", "/mapi/login".to_owned(), r#"{"username":"a","password":"b"}"#),
        ("GET", "/mapi/login".to_owned(), ""),
        ("POST", format!("{adapter}/mapi/login"), "{"),
        ("POST", "/mapi/g".to_owned(), "{"),
        ("POST", format!("{adapter}/mapi/g"), r#"{"session":"x","service":"LayThuTuc"}"#),
        ("POST", format!("{adapter}/a?dstcode=nobody"), ""),
        ("POST", "/packets/DongBoHoSoMC".to_owned(), "{"),
        ("POST", "/packets/DongBoHoSoMC/check?mode=mild".to_owned(), "[]"),
        ("GET", "/thong-ke".to_owned(), ""),
        ("GET", "/nowhere/1.0".to_owned(), ""),
        ("PUT", "/datdai/2.0/x".to_owned(), ""),
    ];
    for (method, target, body) in table {
        let is_ours = target.ends_with("/login") || target.ends_with("/g");
        let token = if is_ours { "" } else { &known };
        for accept in ["application/xml", "TEXT/XML; q=0.5", "text/xml\r\naccept: text/html"] {
            let headers = format!("{token}accept: {accept}\r\n");
            let answer = province.say(method, &target, &headers, body);
            let kind = answer.header("content-type");
            assert_eq!(answer.status, 200, "{method} {target}");
            let text = answer.text();
            assert_eq!(kind, Some("application/xml; charset=utf-8"), "{target} {accept} {text}");
            let read = packet::Document::read(&answer.body, None).expect("XML");
            let code = read.root().get("error_code").and_then(packet::Value::text);
            assert_eq!(code.as_deref(), Some("-1"), "{text}");
            let row = province.world.row(&answer);
            assert_eq!(row.status, Some(200), "{target}");
            if row.kind == Kind::Token {
                assert_eq!(row.response_bytes, Some(answer.body.len() as u64), "as sent");
            }
        }
        let both = format!("{token}accept: text/xml\r\naccept: application/json\r\n");
        let answer = province.say(method, &target, &both, body);
        assert_eq!(told(&answer).0, -1, "{target}");
    }
}

#[test]
fn tolerance_11_doubled_missing_and_trailing_slashes() {
    let province = Province::start();
    let (key, secret) = &province.world.secret;
    let login = format!(r#"{{"username":"{key}","password":"{secret}"}}"#);
    let logins = [
        "///mapi/login",
        "/mapi//login/",
        "//web/guest/XrdAdapter/RestService/forward//mapi/login",
        "/VXPAdapter/RestService/forwardmapi/login",
        "/VXPAdapter/RestService/forwar/mapi/login",
    ];
    for path in logins {
        let answer = json(&province.post(path, "", &login));
        assert_eq!(answer["error_code"], 0, "{path} {answer}");
    }
    let session = province.session();
    let calls = [
        "//mapi//g",
        "/mapi/g/",
        "//web/guest/XrdAdapter/RestService/forward//mapi/g",
        "/XrdAdapter/RestService/forwardmapi/g",
    ];
    for path in calls {
        let answer = province.post(path, "", &sample("13", &session));
        assert_eq!(told(&answer).0, 0, "{path} {}", answer.text());
    }
    let answer = province.post_known("//packets//LayThuTuc/", r#"{"maTTHC":"9.000123"}"#);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn tolerance_08_a_time_out_is_told_in_time_and_in_200() {
    let province = Province::start();
    province.legacy();
    province.world.apply(
        "services:\n  - code: dvcqg-goi-tin\n    versions:\n      - { version: \"1.0\", timeout: 1s }\n",
    );
    let session = province.session();
    assert_eq!(told(&province.post("/mapi/g", "", &sample("13", &session))).0, 0);
    province.portal.trouble(Trouble { delay_ms: 5_000, ..Trouble::default() });
    let late = province.post("/mapi/g", "", &sample("02", &session));
    assert_eq!((late.status, told(&late).0), (200, -1), "{}", late.text());
    let row = province.world.row(&late);
    assert_eq!(row.fault.as_deref(), Some("provider_timeout"));
    assert_eq!((row.outcome, row.status), (Some(Outcome::Failed), Some(200)));
    assert!(row.total_us < Some(3_000_000), "{row:?}");
}

#[test]
fn a_long_answer_of_the_portal_streams() {
    let province = Province::start();
    let session = province.session();
    let body = format!(r#"{{"error_code":0,"result":"{}"}}"#, "x".repeat(3_000_000));
    let long = Trouble {
        body: Some(body.clone()),
        service: Some("LayTaiLieuPAKN".to_owned()),
        ..Trouble::default()
    };
    province.portal.trouble(long);
    let answer = province.post("/mapi/g", "", &sample("17", &session));
    assert_eq!((answer.whole, answer.body.len()), (true, body.len()));
    assert!(answer.header("lgsp-packet").is_some());
    let row = province.world.row(&answer);
    assert_eq!(row.response_bytes, Some(body.len() as u64));
    assert!(row.response_digest.is_some());
}

#[test]
fn a_portal_that_refuses_our_session_is_logged_into_again() {
    let province = Province::start();
    let session = province.session();
    assert_eq!(told(&province.post("/mapi/g", "", &sample("13", &session))).0, 0);
    province.portal.end_sessions();
    assert_eq!(told(&province.post("/mapi/g", "", &sample("13", &session))).0, 0);
}

#[test]
fn a_plain_call_to_a_portal_is_the_same_call() {
    let province = Province::given("packets: refuse");
    let session = province.session();
    for start in ["02", "13", "91", "96"] {
        let body = sample(start, &session);
        let rows = [
            province.post("/mapi/g", "", &body),
            province.post_known("/dvcqg/1.0/mapi/g", &body),
            province.post("/XrdAdapter/RestService/forward/mapi/g", "", &body),
            province.post_known("/VXPAdapter/RestService/forward/mapi/g", &body),
        ]
        .map(|answer| {
            let packet = answer.header("lgsp-packet").map(str::to_owned);
            let mut row = province.world.row(&answer);
            let facade = row.facade.take();
            let packet = (row.packet_verdict, row.packet_unchecked, row.packet_violations, packet);
            (row.fault, row.outcome, row.operation, row.service, row.version, row.blame, packet)
                .pipe(|fields| (fields, facade))
        });
        let [(portal, _), (plain, none), (adapter, _), (newer, _)] = &rows;
        assert_eq!(*none, None, "a plain call has no façade");
        assert!([portal, adapter, newer].into_iter().all(|row| row == plain), "{start} {rows:#?}");
    }
}

/// So that a row can be taken apart in one expression.
trait Pipe: Sized {
    fn pipe<T>(self, make: impl FnOnce(Self) -> T) -> T {
        make(self)
    }
}

impl<T> Pipe for T {}
