//! The listener of the national side.

use terms::exchange::{Facade, Outcome};

use super::{LOCAL, PORTAL, Province, told};
use crate::tests::consumer::{Consumer, Seen};

fn ask(province: &Province, line: &str, body: &str) -> Seen {
    let length = body.len();
    let request = format!("{line} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}");
    Consumer::connect(province.world.inbound).say(request).hear()
}

#[test]
fn tolerance_05_the_national_side_calls_the_province_on_the_same_paths() {
    let province = Province::start();
    let body = r#"{"MaHoSo":"000.00.07.H99-240304-00017"}"#;
    let paths = [
        "/XrdAdapter/RestService/forward/nhanhsdvcqg/echo",
        "/web/guest/VXPAdapter/RestService/forward/nhanhsdvcqg/echo",
    ];
    for path in paths {
        for named in ["", "?dstcode=VN%3AGOV%3AH01%3Anoi-bo"] {
            let answer = ask(&province, &format!("POST {path}{named}"), body);
            assert_eq!((answer.status, answer.text()), (200, body.to_owned()), "{path}");
            let line = province.world.provider.last().head[0].clone();
            assert_eq!(line, "POST /base/nhanhsdvcqg/echo HTTP/1.1");
            let row = province.world.row(&answer);
            assert_eq!(row.facade, Some(Facade::Adapter));
            assert_eq!(row.consumer_system.as_deref(), Some("dvcqg"));
            assert!(row.credential.is_some());
            assert_eq!(row.service.as_deref(), Some("noi-bo"));
            assert_eq!(row.operation.as_deref(), Some("nhanhsdvcqg"));
            assert_eq!(row.outcome, Some(Outcome::Answered));
        }
    }
    assert_eq!(province.world.provider.last().header("lgsp-consumer"), Some("H01.009/dvcqg"));
}

#[test]
fn tolerance_05_the_listener_serves_nothing_else() {
    let province = Province::start();
    let token = &province.world.token;
    let lines = [
        "GET /datdai/1.0/x".to_owned(),
        "POST /token".to_owned(),
        "POST /mapi/login".to_owned(),
        "POST /mapi/g".to_owned(),
        "POST /packets/LayThuTuc".to_owned(),
        "GET /thong-ke?tu=2024-01-01&den=2024-01-02".to_owned(),
    ];
    for line in lines {
        let request = format!(
            "{line} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
             content-length: 0\r\n\r\n"
        );
        let answer = Consumer::connect(province.world.inbound).say(request).hear();
        assert_eq!(answer.fault(), "no_such_route", "{line}");
    }
    // and what its system did not subscribe to
    let portal = format!("POST /XrdAdapter/RestService/forward/mapi/g?dstcode={PORTAL}");
    let answer = ask(&province, &portal, "{}");
    assert_eq!(province.world.row(&answer).fault.as_deref(), Some("not_subscribed"));
    assert_eq!(province.portal.count(), 0);
}

#[test]
fn a_login_comes_in_only_where_it_is_granted() {
    let province = Province::start();
    let line = "POST /XrdAdapter/RestService/forward/mapi/login";
    let body = r#"{"username":"a","password":"b"}"#;
    let passes = |operations: &str| {
        province.world.apply(&format!(
            "subscriptions:\n  - {{ system: dvcqg, service: noi-bo, version: \"1.0\", \
             environment: live, {operations} }}\n"
        ));
        province.world.row(&ask(&province, line, body)).fault
    };
    assert_eq!(passes(""), None, "no operations: all");
    assert_eq!(passes("operations: [nhanhsdvcqg]").as_deref(), Some("not_subscribed"));
    assert_eq!(passes("operations: [mapi]").as_deref(), Some("not_subscribed"));
    assert_eq!(passes("operations: [nhanhsdvcqg, login]"), None);
    let call = ask(&province, line, r#"{"service":"x"}"#);
    assert_eq!(province.world.row(&call).fault.as_deref(), Some("request_invalid"));
    assert_eq!(province.world.provider.seen().len(), 2);
}

#[test]
fn tolerance_05_only_registered_addresses_are_let_in() {
    let province = Province::start();
    let line = "POST /XrdAdapter/RestService/forward/nhanhsdvcqg";
    for addresses in ["[\"10.9.0.0/16\"]", "[]"] {
        province.world.apply(&format!("systems:\n  - {{ code: dvcqg, addresses: {addresses} }}\n"));
        let answer = ask(&province, line, "{}");
        assert_eq!((answer.status, told(&answer).0), (200, -1));
        let row = province.world.row(&answer);
        assert_eq!(row.fault.as_deref(), Some("address_refused"), "{addresses}");
        assert_eq!(row.consumer_system, None, "nothing speaks for it");
    }
    let open = "systems:\n  - { code: dvcqg, addresses: [\"127.0.0.0/8\"], state: stopped }\n";
    province.world.apply(open);
    assert_eq!(told(&ask(&province, line, "{}")).0, -1);
    assert!(province.world.provider.seen().is_empty());
    let _ = LOCAL;
}
