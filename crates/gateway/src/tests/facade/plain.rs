//! Plain calls to providers that speak a dialect: no way in gets past what is granted.

use super::{LOCAL, PORTAL, Province, RELAY, json, sample};
use crate::tests::consumer::Seen;

/// Where plain calls to the adapter and to the local service begin.
const ADAPTER: &str = "/chuyen-tiep/1.0";
const OWN: &str = "/noi-bo/1.0";

fn limit(province: &Province, service: &str, fields: &str) {
    province.world.apply(&format!(
        "subscriptions:\n  - {{ system: one-stop, service: {service}, version: \"1.0\", \
         environment: live, {fields} }}\n"
    ));
}

/// A province whose service behind the adapter has the raw provider as its adapter.
fn adapter() -> Province {
    let province = Province::start();
    let endpoint =
        format!("http://{}/XrdAdapter/RestService/forward", province.world.provider.address);
    province.world.apply(&format!(
        "services: [{{ code: chuyen-tiep, versions: [{{ version: \"1.0\", \
         endpoints: {{ live: [\"{endpoint}\"] }} }}] }}]\n"
    ));
    province
}

fn fault(province: &Province, answer: &Seen) -> String {
    province.world.row(answer).fault.as_deref().unwrap_or_default().to_owned()
}

/// POSTs with a token; `headers` end with a line end each.
fn post(province: &Province, target: &str, headers: &str, body: &str) -> Seen {
    let headers = format!("authorization: Bearer {}\r\n{headers}", province.world.token);
    province.say("POST", target, &headers, body)
}

#[test]
fn a_plain_call_names_no_destination_but_its_own() {
    let province = adapter();
    let coded = PORTAL.replace(':', "%3A");
    let evil = "http://169.254.169.254/latest";
    let own = format!("http://{}/XrdAdapter/RestService/forward", province.world.provider.address);
    let table = [
        (format!("?dstcode={PORTAL}"), String::new(), "parameter_invalid"),
        (format!("?a=1&DSTCODE={coded}"), String::new(), "parameter_invalid"),
        (format!("?dst%63ode={coded}"), String::new(), "parameter_invalid"),
        (format!("?%20dstcode={coded}"), String::new(), "parameter_invalid"),
        (format!("?d%C5%BFtcode={coded}"), String::new(), "parameter_invalid"),
        (format!("?dstcode={RELAY}&dstcode={PORTAL}"), String::new(), "request_invalid"),
        (format!("?dstcode={PORTAL}&dstcode={RELAY}"), String::new(), "request_invalid"),
        (format!("?x=1;dstcode={PORTAL}"), String::new(), "request_invalid"),
        ("?dstcode=%zz".to_owned(), String::new(), "request_invalid"),
        (format!(";dstcode={PORTAL}"), String::new(), "request_invalid"),
        (String::new(), format!("dstcode: {PORTAL}\r\n"), "parameter_invalid"),
        (String::new(), format!("DSTCODE: {coded}\r\n"), "parameter_invalid"),
        (String::new(), format!("dstcode: {RELAY}, {PORTAL}\r\n"), "parameter_invalid"),
        (String::new(), format!("dstcode: {RELAY}\r\ndstcode: {PORTAL}\r\n"), "request_invalid"),
        (format!("?dstcode={RELAY}"), format!("dstcode: {PORTAL}\r\n"), "request_invalid"),
        (format!("?providerurl={evil}"), String::new(), "parameter_invalid"),
        (format!("?provider%75RL={evil}"), String::new(), "parameter_invalid"),
        (format!("?providerurl={own}&providerurl={evil}"), String::new(), "request_invalid"),
        (String::new(), format!("ProviderUrl: {evil}\r\n"), "parameter_invalid"),
        (format!("?dstcode={RELAY}&providerurl={evil}"), String::new(), "parameter_invalid"),
    ];
    let body = sample("13", "x");
    for (query, headers, expected) in &table {
        let answer = post(&province, &format!("{ADAPTER}/mapi/g{query}"), headers, &body);
        assert_eq!(fault(&province, &answer), *expected, "{query} {headers}");
    }
    // of a portal, and of a service that only has a destination, as well
    for base in ["/dvcqg/1.0/mapi/g", "/noi-bo/1.0/echo"] {
        for (query, headers) in [
            (format!("?DSTCODE={RELAY}"), String::new()),
            (format!("?provider%75RL={evil}"), String::new()),
            (String::new(), format!("dstcode: {RELAY}\r\n")),
            (String::new(), format!("ProviderUrl: {evil}\r\n")),
        ] {
            let answer = post(&province, &format!("{base}{query}"), &headers, &body);
            assert_eq!(fault(&province, &answer), "parameter_invalid", "{base} {query} {headers}");
        }
    }
    assert!(province.world.provider.seen().is_empty(), "nothing went on");
    assert_eq!(province.portal.count(), 0);
}

#[test]
fn its_own_destination_and_all_else_go_on_verbatim() {
    let province = adapter();
    let slashes = RELAY.replace(':', "%2F");
    let own = format!("http://{}/XrdAdapter/RestService/forward", province.world.provider.address);
    let table = [
        ("?a=%20b&&c;d=1;&e".to_owned(), "?a=%20b&&c;d=1;&e".to_owned()),
        (format!("?b=1&DstCode={RELAY}&"), format!("?b=1&DstCode={RELAY}&")),
        (format!("?dst%63ode={slashes}"), format!("?dst%63ode={slashes}")),
        (
            "?destination=Ha+Noi&provider%zz=1".to_owned(),
            "?destination=Ha+Noi&provider%zz=1".to_owned(),
        ),
        (format!("?a=1&providerurl={own}&b"), "?a=1&b".to_owned()),
        (format!("?providerurl={own}"), String::new()),
    ];
    let headers = format!("dstcode: {RELAY}\r\ndestination: dav\r\nproviderurl: {own}/\r\n");
    for (query, expected) in table {
        let headers = if query.contains("DstCode") { &headers } else { "" };
        let answer = post(&province, &format!("{ADAPTER}/a//echo{query}"), headers, "<a>ă</a>");
        assert_eq!((answer.status, answer.text()), (200, "<a>ă</a>".to_owned()), "{query}");
        let seen = province.world.provider.last();
        let path = "/XrdAdapter/RestService/forward/a//echo";
        assert_eq!(seen.head[0], format!("POST {path}{expected} HTTP/1.1"));
        if !headers.is_empty() {
            assert_eq!(seen.header("dstcode"), Some(RELAY));
            assert_eq!(seen.header("destination"), Some("dav"));
            assert_eq!(seen.header("providerurl"), None);
        }
    }
    // whose provider decides nothing by it is asked verbatim
    let query = format!("?dstcode={PORTAL}&providerurl=http://x&dstcode=2");
    assert_eq!(post(&province, &format!("/datdai/1.0/echo{query}"), "", "").status, 200);
    let line = province.world.provider.last().head[0].clone();
    assert_eq!(line, format!("POST /base/echo{query} HTTP/1.1"));
}

#[test]
fn an_adapter_without_a_registered_destination_is_told_none() {
    let province = adapter();
    province.world.apply("services: [{ code: chuyen-tiep, destination: null }]\n");
    let answer = post(&province, &format!("{ADAPTER}/echo?dstcode={PORTAL}"), "", "");
    assert_eq!(fault(&province, &answer), "parameter_invalid");
    assert_eq!(post(&province, &format!("{ADAPTER}/echo"), "", "").status, 200);
}

#[test]
fn a_path_that_leads_to_an_adapter_is_one() {
    let province = adapter();
    let evil = "providerurl=http://169.254.169.254/latest";
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    // registered at the root of what is an adapter further down
    let provider = province.world.provider.address;
    province.world.apply(&format!(
        "services: [{{ code: tra-cuu, versions: [{{ version: \"1.0\", \
         endpoints: {{ live: [\"http://{provider}\"] }} }}] }}]\n"
    ));
    for path in [
        "/XrdAdapter/RestService/forward/echo",
        "/XrdAdapter/RestService/%66orward/echo",
        "/XrdAdapter//RestService;v=1//FORWARD",
    ] {
        let target = format!("/datdai/1.0{path}");
        let header = format!("dstcode: {PORTAL}\r\n");
        let refused = [
            post(&province, &format!("{target}?dstcode={PORTAL}"), "", ""),
            post(&province, &format!("{target}?{evil}"), "", ""),
            post(&province, &target, &header, ""),
            post(&province, &target, kind, &format!("a=1&{evil}")),
        ];
        for answer in refused {
            assert_eq!(fault(&province, &answer), "parameter_invalid", "{path}");
        }
        assert!(province.world.provider.seen().is_empty(), "{path}");
    }
    let target = "/datdai/1.0/XrdAdapter/RestService/forward/echo?a=1";
    assert_eq!(post(&province, target, kind, "a=1").text(), "a=1");
}

#[test]
fn a_form_names_no_destination_to_an_adapter() {
    let province = adapter();
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    let bodies = [
        format!("a=1&dst%63ode={PORTAL}"),
        format!("DSTCODE={PORTAL}"),
        "a=1&providerurl=http://169.254.169.254".to_owned(),
        format!(r#"{{"username":"&dstcode={PORTAL}&"}}"#),
    ];
    let facade = "/XrdAdapter/RestService/forward";
    let targets = [
        format!("{ADAPTER}/echo"),
        format!("{facade}/echo?dstcode={RELAY}"),
        format!("{facade}/mapi/login?dstcode={RELAY}"),
        format!("/packets/LayThuTuc?dstcode={RELAY}"),
    ];
    for target in &targets {
        for body in &bodies {
            let answer = post(&province, target, kind, body);
            assert_eq!(fault(&province, &answer), "parameter_invalid", "{target} {body}");
        }
        let coded = format!("{kind}content-encoding: gzip\r\n");
        let answer = post(&province, target, &coded, "x");
        assert_eq!(fault(&province, &answer), "request_invalid", "{target} coded");
        let wide = "content-type: application/x-www-form-urlencoded;charset=utf-16\r\n";
        let answer = post(&province, target, wide, "a=1");
        assert_eq!(fault(&province, &answer), "request_invalid", "{target} utf-16");
    }
    let body = format!("a=%20&dstcode={RELAY}");
    for target in &targets[..2] {
        assert_eq!(post(&province, target, kind, &body).text(), body, "{target}");
    }
    // a wrong type alone is no matter
    for target in ["/mapi/g", "/dvcqg/1.0"] {
        let answer = post(&province, target, kind, &sample("13", "x"));
        assert_eq!(json(&answer)["error_code"], 0, "{target} {}", answer.text());
    }
    // to a portal as well, whatever else the type says
    let mixed = "content-type: application/x-www-form-urlencoded; json\r\n";
    let body = format!(r#"{{"service":"LayThuTuc","x":"&dstcode={LOCAL}&"}}"#);
    assert_eq!(fault(&province, &post(&province, "/dvcqg/1.0", mixed, &body)), "parameter_invalid");
    assert_eq!(fault(&province, &post(&province, "/mapi/g", mixed, &body)), "parameter_invalid");
}

#[test]
fn a_plain_call_is_held_to_the_operations_of_its_subscription() {
    let province = adapter();
    let service = r#"{"service":"LayThuTuc","data":[]}"#;
    let own = r#"{"SERVICE":"dongbohosomc","data":[]}"#;
    let twice = "<a><service>DongBoHoSoMC</service><service>LayThuTuc</service></a>";
    let entity = "<!DOCTYPE a [<!ENTITY s \"LayThuTuc\">]><a><service>&s;</service></a>";
    let parts =
        "--x\r\nContent-Disposition: form-data; name=\"service\"\r\n\r\nLayThuTuc\r\n--x--\r\n";
    for (base, code) in [(ADAPTER, "chuyen-tiep"), (OWN, "noi-bo"), ("/datdai/1.0", "tra-cuu")] {
        limit(&province, code, "operations: [DongBoHoSoMC, nhanhsdvcqg]");
        let table = [
            ("/mapi/g", service, "not_subscribed"),
            ("/echo", "", "not_subscribed"),
            ("", "", "not_subscribed"),
            ("/DongBoHoSoMC", service, "not_subscribed"),
            ("/nhanhsdvcqg", r#"{"serv\u0069ce":"LayThuTuc"}"#, "not_subscribed"),
            ("//other/echo", "", "not_subscribed"),
            ("/%6ehanhsdvcqg/echo", "", "not_subscribed"),
            ("/nhanhsdvcqg;x/echo", "", "not_subscribed"),
            ("/nhanhsdvcqg", r#"{"\u017fervice":"LayThuTuc"}"#, "request_invalid"),
            ("/nhanhsdvcqg", r#"{"service":["LayThuTuc"]}"#, "request_invalid"),
            ("/nhanhsdvcqg", r#"{"service":"LayThuTuc",}"#, "request_invalid"),
            ("/nhanhsdvcqg", "<a><service>LayThuTuc</service></a>", "not_subscribed"),
            ("/nhanhsdvcqg", "<a><Service><b/></Service></a>", "request_invalid"),
            ("/nhanhsdvcqg", "a=1&serv%69ce=LayThuTuc", "not_subscribed"),
            ("/nhanhsdvcqg", "service=nhanhsdvcqg;service=LayThuTuc", "not_subscribed"),
            // whatever another reader finds in what ours does not read
            ("/nhanhsdvcqg", "<a id=\"1\"><service>LayThuTuc</service></a>", "request_invalid"),
            ("/nhanhsdvcqg", "<a>x<service>LayThuTuc</service></a>", "request_invalid"),
            ("/nhanhsdvcqg", twice, "request_invalid"),
            ("/nhanhsdvcqg", entity, "request_invalid"),
            ("/nhanhsdvcqg", parts, "request_invalid"),
            ("/nhanhsdvcqg?service=LayThuTuc", "", "not_subscribed"),
            ("/nhanhsdvcqg?a=1&SERV%69CE=LayThuTuc", "", "not_subscribed"),
            ("/nhanhsdvcqg?a=1;service=LayThuTuc", "<a/>", "not_subscribed"),
            ("/mapi/g?service=LayThuTuc", own, "not_subscribed"),
            ("/nhanhsdvcqg/echo?service=nhanhsdvcqg&services=x", "a - b\n-- c", "request_invalid"),
            ("/nhanhsdvcqg/echo?service=nhanhsdvcqg&services=x", "a - b\n - c", ""),
            ("/mapi/g", own, ""),
            ("/mapi/g", "<a><service>DongBoHoSoMC</service></a>", ""),
            ("/nhanhsdvcqg/echo", "a=1&service=nhanhsdvcqg", ""),
            ("/nhanhsdvcqg/echo", r#"{"MaHoSo":"1"}"#, ""),
            ("//NhanHsDvcqg/echo", "<a>ă</a>", ""),
            ("/nhanhsdvcqg/echo", "", ""),
        ];
        for (rest, body, expected) in table {
            let before = province.world.provider.seen().len();
            let answer = post(&province, &format!("{base}{rest}"), "", body);
            assert_eq!(fault(&province, &answer), expected, "{base}{rest} {body}");
            let passed = province.world.provider.seen().len() - before;
            assert_eq!(passed == 1, expected.is_empty(), "{base}{rest} {body}");
            if passed == 1 {
                assert_eq!(province.world.provider.last().body, body.as_bytes(), "byte for byte");
            }
        }
        // a document to us, a form to whoever goes by its type
        let kind = "content-type: application/x-www-form-urlencoded\r\n";
        for body in [r#"{"a":"&service=LayThuTuc&"}"#, r#"["&serv%69ce=LayThuTuc&"]"#] {
            let answer = post(&province, &format!("{base}/nhanhsdvcqg/echo"), kind, body);
            assert_eq!(fault(&province, &answer), "not_subscribed", "{base} {body}");
            let answer = post(&province, &format!("{base}/nhanhsdvcqg/echo"), "", body);
            assert_eq!((answer.status, answer.text().as_str()), (200, body), "{base}");
        }
        let coded = "content-encoding: gzip\r\n";
        let answer = post(&province, &format!("{base}/nhanhsdvcqg"), coded, "x");
        assert_eq!(fault(&province, &answer), "request_invalid", "{base}");
    }
}

#[test]
fn a_plain_call_is_checked_as_its_subscription_says() {
    let (good, bad) = (sample("02", "theirs"), sample("91", "theirs"));
    for mode in ["refuse", "strict"] {
        let province = adapter();
        for (base, code) in [(ADAPTER, "chuyen-tiep"), (OWN, "noi-bo")] {
            limit(&province, code, &format!("packets: {mode}"));
            for rest in ["/mapi/g", "/LayThuTuc", "", "//a"] {
                let answer = post(&province, &format!("{base}{rest}"), "", &bad);
                assert_eq!(answer.fault(), "packet_invalid", "{mode} {base}{rest}");
            }
            let records: serde_json::Value = serde_json::from_str(&bad).unwrap();
            for name in ["DongBoHoSoMC", "%44ongBoHoSoMC", "DongBoHoSoMC;v=1"] {
                let body = records["data"].to_string();
                let answer = post(&province, &format!("{base}/{name}"), "", &body);
                assert_eq!(answer.fault(), "packet_invalid", "{mode} {base} {name}");
            }
            let sent = province.world.provider.seen().len();
            assert_eq!(sent, usize::from(base == OWN), "{mode} {base}: the good one alone");
            let answer = post(&province, &format!("{base}/mapi/g"), "", &good);
            assert_eq!(answer.status, 200);
            assert_eq!(province.world.provider.last().body, good.as_bytes());
            let row = province.world.row(&answer);
            assert_eq!(row.operation.as_deref(), Some("DongBoHoSoMC"));
            assert_eq!((row.facade, row.packet_verdict.as_deref()), (None, Some("ok")));
        }
    }
}

#[test]
fn a_login_relayed_by_a_plain_call_is_a_login() {
    let province = Province::start();
    limit(&province, "chuyen-tiep", "operations: [LayThuTuc]");
    let login = r#"{"username":"000.00.00.H99","password":"provider-secret"}"#;
    let answer = post(&province, &format!("{ADAPTER}/mapi/login"), "", login);
    let session = json(&answer)["session"].as_str().expect("theirs").to_owned();
    let answer = post(&province, &format!("{ADAPTER}/mapi/g"), "", &sample("13", &session));
    assert_eq!(json(&answer)["error_code"], 0, "{}", answer.text());
    for body in [r#"{"service":"x"}"#, "[]", ""] {
        let answer = post(&province, &format!("{ADAPTER}/mapi/login"), "", body);
        assert_eq!(fault(&province, &answer), "request_invalid", "{body}");
    }
}

#[test]
fn a_legacy_system_that_asks_for_xml_hears_of_faults_in_xml_by_a_plain_call() {
    let province = Province::start();
    province.legacy();
    let accept = "Accept: Text/XML\r\n";
    for target in ["/nowhere/1.0", "/datdai/0.9/x", "/noi-bo/1.0/x?a=1"] {
        limit(&province, "noi-bo", "operations: [x1]");
        let answer = post(&province, target, accept, "");
        assert_eq!(answer.status, 200);
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/xml; charset=utf-8"), "{target} {}", answer.text());
    }
}
