//! The national adapter's path, as a consumer of the province uses it.

use terms::exchange::{Facade, Outcome};

use super::{LOCAL, PORTAL, Province, RELAY, json, sample, told};

const PATHS: [&str; 4] = [
    "/XrdAdapter/RestService/forward",
    "/VXPAdapter/RestService/forward",
    "/web/guest/XrdAdapter/RestService/forward",
    "/web/guest/VXPAdapter/RestService/forward",
];

#[test]
fn tolerance_05_both_names_dstcode_in_header_or_query() {
    let province = Province::start();
    let session = province.session();
    let coded = PORTAL.replace(':', "%3A");
    for path in PATHS {
        let ways = [
            (format!("{path}/mapi/g?dstcode={PORTAL}"), String::new()),
            (format!("{path}/mapi/g?dstcode={coded}"), String::new()),
            (format!("{path}/mapi/g"), format!("DstCode: {PORTAL}\r\n")),
            (format!("{path}/mapi/g"), format!("dstcode: {coded}\r\n")),
            (format!("{path}/mapi/g?dstcode={coded}"), format!("dstcode: {PORTAL}\r\n")),
            (format!("{path}/mapi/g"), "dstcode: VN/GOV/000.00.00.G22/vpcpdvcprovider\r\n".into()),
        ];
        for (target, headers) in ways {
            let answer = province.post(&target, &headers, &sample("13", &session));
            assert_eq!(told(&answer).0, 0, "{target} {headers} {}", answer.text());
            let row = province.world.row(&answer);
            assert_eq!(row.facade, Some(Facade::Adapter));
            assert_eq!(row.operation.as_deref(), Some("LayThuTuc"));
        }
    }
}

#[test]
fn tolerance_05_a_destination_named_in_two_ways_is_refused() {
    let province = Province::start();
    let target = format!("{}/mapi/g?dstcode={PORTAL}", PATHS[0]);
    let session = province.session();
    let headers = format!("dstcode: {LOCAL}\r\n");
    let answer = province.post(&target, &headers, &sample("13", &session));
    assert_eq!(province.world.row(&answer).fault.as_deref(), Some("request_invalid"));
    assert_eq!(province.portal.count(), 0);
}

#[test]
fn tolerance_05_what_is_forwarded() {
    let province = Province::start();
    let token = format!("authorization: Bearer {}\r\n", province.world.token);
    let theirs = "Charset: utf-8\r\nSENDER_CODE: a\r\nRECEIVER_CODE: \r\nTRAN_CODE: t\r\n\
                  from: VN:GOV:x\r\nTimestamp: 1767225600000\r\nApiKey: k\r\n\
                  X-Road-Client: VN/GOV/x\r\nX-Authentication-Token: u\r\n";
    let headers = format!("{token}{theirs}dstcode: {LOCAL}\r\n");
    let target = format!("{}/sub/echo?a=1&dstcode={LOCAL}&b=%20x&c", PATHS[1]);
    let answer = province.say("PUT", &target, &headers, "<a>ă</a>");
    assert_eq!((answer.status, answer.text()), (200, "<a>ă</a>".to_owned()));
    let seen = province.world.provider.last();
    assert_eq!(seen.head[0], "PUT /base/sub/echo?a=1&b=%20x&c HTTP/1.1");
    for line in theirs.lines() {
        let (name, value) = line.split_once(':').unwrap();
        assert_eq!(seen.header(name), Some(value.trim()), "{name}");
    }
    assert_eq!(seen.header("dstcode"), None, "that was for us");
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.header("lgsp-consumer"), Some("H01.009/one-stop"));
    let row = province.world.row(&answer);
    assert_eq!((row.facade, row.service.as_deref()), (Some(Facade::Adapter), Some("noi-bo")));
    assert_eq!(row.operation, None, "a name that nobody knows is not kept");
    assert!(row.request_digest.is_some());
}

#[test]
fn tolerance_05_what_a_caller_made_up_is_not_journalled() {
    let province = Province::start();
    let session = province.session();
    let named = |name: &str| {
        let envelope = format!(r#"{{"session":"{session}","service":"{name}","data":[]}}"#);
        let records = format!("/packets/{name}?dstcode={LOCAL}");
        [
            province.get_known(&format!("{}/{name}/x?dstcode={LOCAL}", PATHS[0])),
            province.post_known(&records, "[]"),
            province.post_known(&records, "{ broken"),
            province.post_known(&format!("/packets/{name}"), "[]"),
            province.post_known(&format!("/packets/{name}/check"), "[]"),
            province.post("/mapi/g", "", &envelope),
            province.post_known("/dvcqg/1.0/mapi/g", &envelope),
            province.post_known(&format!("/noi-bo/1.0/{name}/x"), &envelope),
            province.post_known(&format!("{}/{name}?dstcode={LOCAL}", PATHS[0]), &envelope),
        ]
    };
    for operations in ["null", "[DongBoHoSoMC, LayThuTuc]"] {
        limit(&province, "noi-bo", &format!("operations: {operations}"));
        for name in ["NguyenVanAn", "Nguyen_Van_An", "DongBoHoSoMCNguyenVanAn"] {
            for answer in named(name) {
                let row = province.world.row(&answer);
                assert_eq!(row.operation, None, "{operations} {name} {row:?}");
                let text = format!("{row:?}");
                assert!(!text.contains("Nguyen"), "{operations} {name} {text}");
            }
        }
    }
    let number = province.get_known(&format!("{}/001234567890/x?dstcode={LOCAL}", PATHS[0]));
    assert_eq!(province.world.row(&number).operation, None);
    // as the table, the list of services or the subscription writes it
    limit(&province, "noi-bo", "operations: [TraCuu_Rieng, tracuuhoso, dongbohosomc]");
    for (name, kept) in [
        ("tracuu_rieng", "TraCuu_Rieng"),
        ("TRACUUHOSO", "tracuuhoso"),
        ("DONGBOHOSOMC", "DongBoHoSoMC"),
    ] {
        let answer = province.get_known(&format!("{}/{name}/x?dstcode={LOCAL}", PATHS[0]));
        assert_eq!(province.world.row(&answer).operation.as_deref(), Some(kept));
    }
}

#[test]
fn tolerance_13_the_first_segment_is_the_operation_that_is_granted() {
    let province = Province::start();
    province.world.apply(
        "subscriptions:\n  - { system: one-stop, service: noi-bo, version: \"1.0\", \
         environment: live, operations: [nhanhsdvcqg] }\n",
    );
    let table = [
        ("nhanhsdvcqg/echo", 200),
        ("/NhanHsDvcqg/echo", 200),
        ("other/echo", 403),
        ("001234567890/echo", 403),
        ("%6ehanhsdvcqg/echo", 403),
        ("", 403),
    ];
    for (rest, status) in table {
        let target = format!("{}/{rest}?dstcode={LOCAL}", PATHS[0]);
        assert_eq!(province.get_known(&target).status, status, "{rest}");
    }
}

#[test]
fn tolerance_05_providerurl_is_what_is_registered_or_refused() {
    let province = Province::start();
    let own = format!("http://{}/base", province.world.provider.address);
    let coded = own.replace(':', "%3A").replace('/', "%2F");
    let elsewhere = format!("http://{}/", province.portal.address);
    let table = [
        (own.clone(), true),
        (format!("{own}/"), true),
        (coded, true),
        (String::new(), true),
        (elsewhere, false),
        (format!("{own}/deeper"), false),
        (format!("{own}x"), false),
        ("http://169.254.169.254/latest".to_owned(), false),
    ];
    for (given, passes) in table {
        let before = province.world.provider.seen().len();
        let target = format!("{}/echo?dstcode={LOCAL}&providerurl={given}&z=1", PATHS[0]);
        let answer = province.get_known(&target);
        let row = province.world.row(&answer);
        if passes {
            assert_eq!(answer.status, 200, "{given}");
            let line = province.world.provider.last().head[0].clone();
            assert_eq!(line, "GET /base/echo?z=1 HTTP/1.1", "{given}");
        } else {
            assert_eq!(row.fault.as_deref(), Some("parameter_invalid"), "{given}");
            assert_eq!(province.world.provider.seen().len(), before);
        }
    }
    assert_eq!(province.portal.count(), 0);
}

#[test]
fn a_coded_name_or_a_header_is_the_same_as_the_name_in_the_query() {
    let province = Province::start();
    let token = format!("authorization: Bearer {}\r\n", province.world.token);
    let own = format!("http://{}/base", province.world.provider.address);
    let evil = "http://169.254.169.254/latest";
    let coded = LOCAL.replace(':', "%3A");
    for path in [format!("{}/echo", PATHS[0]), "/packets/LayThuTuc".to_owned()] {
        let target = |more: &str| format!("{path}?dst%63ode={coded}{more}");
        let before = province.world.provider.seen().len();
        for (target, header) in [
            (target(&format!("&provider%75rl={evil}")), String::new()),
            (target(&format!("&%50ROVIDERURL={evil}")), String::new()),
            (target(""), format!("ProviderUrl: {evil}\r\n")),
        ] {
            let answer = province.say("GET", &target, &format!("{token}{header}"), "");
            assert_eq!(answer.fault(), "parameter_invalid", "{target} {header}");
        }
        let twice = province.get_known(&target(&format!("&dstcode={RELAY}")));
        assert_eq!(twice.fault(), "request_invalid");
        let header = format!("{token}destination: {RELAY}\r\n");
        let twice = province.say("GET", &target(""), &header, "");
        assert_eq!(twice.fault(), "request_invalid", "the header names a destination as well");
        assert_eq!(province.world.provider.seen().len(), before, "nothing went on");
        let header =
            format!("{token}providerurl: {own}\r\ndstcode: {LOCAL}\r\ndestination: {LOCAL}\r\n");
        let target = target(&format!("&provider%75rl={own}&%64estination={coded}&z=1"));
        assert_eq!(province.say("GET", &target, &header, "").status, 200, "{target}");
        let seen = province.world.provider.last();
        assert!(seen.head[0].ends_with("?z=1 HTTP/1.1"), "{}", seen.head[0]);
        for name in ["providerurl", "dstcode", "destination"] {
            assert_eq!(seen.header(name), None, "{name}");
        }
    }
}

#[test]
fn tolerance_05_a_get_with_a_body_and_no_content_type() {
    let province = Province::start();
    let token = &province.world.token;
    let request = format!(
        "GET {}/echo?dstcode={LOCAL} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         content-length: 4\r\n\r\nbody",
        PATHS[0]
    );
    let answer = province.world.consumer().say(request).hear();
    assert_eq!(answer.text(), "body");
}

#[test]
fn tolerance_06_relay_keeps_the_national_session() {
    let province = Province::start();
    // logins are not among the operations that are granted
    province.world.apply(
        "subscriptions:\n  - { system: one-stop, service: chuyen-tiep, version: \"1.0\", \
         environment: live, operations: [LayThuTuc] }\n",
    );
    // their account, their session: our token stands in the header
    let login = r#"{"username":"000.00.00.H99","password":"provider-secret"}"#;
    for prefix in [PATHS[1], PATHS[2], ""] {
        let answer = province.post_known(&format!("{prefix}/mapi/login?dstcode={RELAY}"), login);
        let session = json(&answer)["session"].as_str().expect("theirs").to_owned();
        assert!(!session.starts_with("lg1."));
        let body = sample("13", &session);
        let answer = province.post_known(&format!("{prefix}/mapi/g?dstcode={RELAY}"), &body);
        assert_eq!(told(&answer).0, 0, "{}", answer.text());
        let received = province.portal.received();
        let last = received.last().unwrap();
        assert_eq!(last.body().to_vec(), body.as_bytes(), "byte for byte");
        let call = province.portal.calls().last().unwrap().clone();
        assert_eq!(call.dstcode_query.as_deref(), Some(RELAY), "an adapter needs it");
        assert_eq!(call.path, "/XrdAdapter/RestService/forward/mapi/g");
        let row = province.world.row(&answer);
        assert_eq!(row.service.as_deref(), Some("chuyen-tiep"));
        assert_eq!(row.operation.as_deref(), Some("LayThuTuc"));
        assert_eq!(row.outcome, Some(Outcome::Answered));
        let other = sample("02", &session);
        let refused = province.post_known(&format!("{prefix}/mapi/g?dstcode={RELAY}"), &other);
        assert_eq!(refused.fault(), "not_subscribed");
    }
    // to a portal of ours the login is ours, whatever else it carries
    let (key, secret) = &province.world.secret;
    let own = format!(r#"{{"username":"{key}","password":"{secret}"}}"#);
    let answer = province.post_known(&format!("/mapi/login?dstcode={PORTAL}"), &own);
    assert_eq!(json(&answer)["error_code"], 0);
    let target = format!("{}/mapi/g?dstcode={RELAY}", PATHS[1]);
    let body = sample("13", "theirs");
    // our own session in the body would reach them
    let before = province.portal.count();
    for target in [format!("/mapi/g?dstcode={RELAY}"), target.clone()] {
        let refused = province.post(&target, "", &sample("13", &province.session()));
        assert_eq!(province.world.row(&refused).fault.as_deref(), Some("token_missing"));
    }
    assert_eq!(province.portal.count(), before, "no token of ours leaves");
    // without our token it is nobody's
    let refused = province.post(&target, "", &body);
    assert_eq!(province.world.row(&refused).fault.as_deref(), Some("token_invalid"));
}

/// Sets fields of a subscription of the consumer's.
fn limit(province: &Province, service: &str, fields: &str) {
    province.world.apply(&format!(
        "subscriptions:\n  - {{ system: one-stop, service: {service}, version: \"1.0\", \
         environment: live, {fields} }}\n"
    ));
}

#[test]
fn the_service_in_the_body_is_the_operation_whatever_the_path() {
    let province = Province::start();
    limit(&province, "noi-bo", "operations: [DongBoHoSoMC, nhanhsdvcqg]");
    let service = r#"{"service":"LayThuTuc","data":[]}"#;
    let own = r#"{"SERVICE":"dongbohosomc","data":[]}"#;
    let table = [
        ("DongBoHoSoMC", service, "not_subscribed"),
        ("nhanhsdvcqg/mapi/g", service, "not_subscribed"),
        ("nhanhsdvcqg", r#"{"serv\u0069ce":"LayThuTuc"}"#, "not_subscribed"),
        ("MAPI/G", service, "not_subscribed"),
        ("MAPI/G", "{}", "not_subscribed"),
        ("", service, "not_subscribed"),
        ("", "", "not_subscribed"),
        ("nhanhsdvcqg", r#"{"service":["LayThuTuc"]}"#, "request_invalid"),
        ("nhanhsdvcqg", r#"{"service":"nhanhsdvcqg","Service":"LayThuTuc"}"#, "request_invalid"),
        ("nhanhsdvcqg", r#"{"service":"LayThuTuc",}"#, "request_invalid"),
        ("nhanhsdvcqg", "/**/{\"service\":\"LayThuTuc\"}", "request_invalid"),
        ("MAPI/G", own, ""),
        ("", own, ""),
        ("nhanhsdvcqg/echo", r#"{"MaHoSo":"1"}"#, ""),
        ("nhanhsdvcqg/echo", "<a>ă</a>", ""),
        ("nhanhsdvcqg/echo", "a=1&b=2", ""),
        ("nhanhsdvcqg/echo", "", ""),
    ];
    for (rest, body, fault) in table {
        let before = province.world.provider.seen().len();
        let answer = province.post_known(&format!("{}/{rest}?dstcode={LOCAL}", PATHS[0]), body);
        let row = province.world.row(&answer);
        assert_eq!(row.fault.as_deref().unwrap_or_default(), fault, "{rest} {body}");
        let passed = province.world.provider.seen().len() - before;
        assert_eq!(passed == 1, fault.is_empty(), "{rest} {body}");
        if passed == 1 {
            assert_eq!(province.world.provider.last().body, body.as_bytes(), "byte for byte");
        }
    }
    let token = format!("authorization: Bearer {}\r\n", province.world.token);
    let coded = format!("{token}content-encoding: gzip\r\n");
    let target = format!("{}/nhanhsdvcqg?dstcode={LOCAL}", PATHS[0]);
    assert_eq!(province.say("POST", &target, &coded, "x").fault(), "request_invalid");
    // a packet path names the service once
    let target = format!("/packets/DongBoHoSoMC?dstcode={LOCAL}");
    for body in [service, r#"{"service":null}"#, r#"{"service":"LayThuTuc","data":[],}"#] {
        assert_eq!(province.post_known(&target, body).fault(), "request_invalid", "{body}");
    }
    assert_eq!(province.post_known(&target, own).status, 200);
}

#[test]
fn a_relayed_packet_is_checked_whatever_the_path() {
    for mode in ["refuse", "strict"] {
        let province = Province::start();
        limit(&province, "noi-bo", &format!("packets: {mode}"));
        let (good, bad) = (sample("02", "theirs"), sample("91", "theirs"));
        for rest in ["a/mapi/g", "LayThuTuc", "MAPI/G", "", "mapi/g", "%4dapi/g"] {
            let target = format!("{}/{rest}?dstcode={LOCAL}", PATHS[0]);
            let answer = province.post_known(&target, &bad);
            assert_eq!(answer.fault(), "packet_invalid", "{mode} {rest}");
            assert!(province.world.provider.seen().is_empty(), "{mode} {rest}");
        }
        let records: serde_json::Value = serde_json::from_str(&bad).unwrap();
        for name in ["DongBoHoSoMC", "%44ongBoHoSoMC"] {
            let target = format!("{}/{name}?dstcode={LOCAL}", PATHS[0]);
            let answer = province.post_known(&target, &records["data"].to_string());
            assert_eq!(answer.fault(), "packet_invalid", "{mode} {name}");
        }
        let target = format!("{}/a/mapi/g?dstcode={LOCAL}", PATHS[0]);
        assert_eq!(province.post_known(&target, &good).status, 200);
        assert_eq!(province.world.provider.last().body, good.as_bytes());
        let target = format!("{}/echo?dstcode={LOCAL}", PATHS[0]);
        assert_eq!(province.post_known(&target, r#"{"a":1}"#).status, 200, "no packet");
    }
}

#[test]
fn a_relayed_login_is_a_login_of_somebody_who_subscribed() {
    let province = Province::start();
    limit(&province, "chuyen-tiep", "operations: [LayThuTuc]");
    let target = format!("{}/mapi/login?dstcode={RELAY}", PATHS[0]);
    let before = province.portal.count();
    let call = sample("02", "theirs");
    for body in [&*call, r#"{"Service":"x"}"#, "[]", "", "a=1", "<a/>"] {
        assert_eq!(province.post_known(&target, body).fault(), "request_invalid", "{body}");
    }
    limit(&province, "chuyen-tiep", "state: suspended");
    let login = r#"{"username":"000.00.00.H99","password":"provider-secret"}"#;
    assert_eq!(province.post_known(&target, login).fault(), "not_subscribed");
    assert_eq!(province.portal.count(), before, "nothing went on");
}

#[test]
fn without_a_token_an_adapter_path_is_refused() {
    let province = Province::start();
    for body in ["", "x", "{}", "[1]"] {
        let answer = province.post(&format!("{}/echo?dstcode={LOCAL}", PATHS[0]), "", body);
        assert_eq!(answer.fault(), "token_missing", "{body}");
    }
    assert!(province.world.provider.seen().is_empty());
}

#[test]
fn a_path_that_is_no_facade_is_no_route() {
    let province = Province::start();
    let paths =
        ["/web", "/web/guest/x", "/XrdAdapter", "/XrdAdapter/RestService/x/mapi/g", "/mapi"];
    for path in paths {
        assert_eq!(province.get_known(path).fault(), "no_such_route", "{path}");
    }
}
