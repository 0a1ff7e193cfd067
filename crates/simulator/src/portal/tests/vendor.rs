//! What a vendor has of it: the calls as understood, the verdict, trouble, the page, and calls to
//! the province.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{
    Change, Code, Codes, Delivery, Demand, File, Key, Portal, Province, Question, Settings,
    Standing, Trouble, Via, start,
};
use super::{DOSSIER, code, parse, post, session, settings};
use crate::consumer::{self, Call};
use crate::fixture;
use crate::server::Server;
use crate::tests::{get, say};
use crate::wire::{Answer, Connection};

const DSTCODE: &str = "VN:GOV:000.00.00.G22:vpcpdvcprovider";

fn body(number: &str, session: &str) -> String {
    fixture::find(number).unwrap().request_in(session).unwrap()
}

/// Sends fixtures in turn on the data path; the last answer.
async fn send(portal: &Portal, session: &str, numbers: &[&str]) -> Value {
    let mut reply = Value::Null;
    for number in numbers {
        reply = parse(post(portal, "/mapi/g", &body(number, session)).await.body());
    }
    reply
}

async fn put(portal: &Portal, path: &str, body: &str) -> String {
    let length = body.len();
    let request = format!("PUT {path} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
    say(portal.address, request.as_bytes()).await.status().to_owned()
}

#[tokio::test]
async fn a_call_is_told_with_its_adapter_and_destination() {
    let portal = start(settings()).await.unwrap();
    let session = session(&portal).await;
    // path, header, adapter, header and query as told, errors, warnings
    let encoded = DSTCODE.replace(':', "%3A");
    let table = [
        ("/mapi/g".to_owned(), "", None, None, None, 0, 0),
        (
            format!(
                "/VXPAdapter/RestService/forward/mapi/g?dstcode={encoded}&providerurl=http%3A%2F%2Fx"
            ),
            "",
            Some("VXPAdapter"),
            None,
            Some(DSTCODE),
            0,
            0,
        ),
        (
            "/web/guest/XrdAdapter/RestService/forward//mapi/g/".to_owned(),
            DSTCODE,
            Some("XrdAdapter"),
            Some(DSTCODE),
            None,
            0,
            0,
        ),
        (
            "/XrdAdapter/RestService/forward/mapi/g".to_owned(),
            "",
            Some("XrdAdapter"),
            None,
            None,
            0,
            1,
        ),
        (
            format!("/mapi/g?dstcode={encoded}"),
            "VN:GOV:x",
            None,
            Some("VN:GOV:x"),
            Some(DSTCODE),
            1,
            0,
        ),
    ];
    for (path, header, adapter, in_header, in_query, errors, warnings) in table {
        let call = Call::post(
            format!("{}{path}", portal.base()),
            "application/json",
            body("13", &session),
        );
        let call = if header.is_empty() { call } else { call.header("DSTCODE", header) };
        assert_eq!(consumer::call(&call).await.unwrap().status, 200);
        let seen = portal.calls().last().unwrap().clone();
        let told = (seen.adapter, seen.dstcode_header.as_deref(), seen.dstcode_query.as_deref());
        assert_eq!(told, (adapter, in_header, in_query), "{path}");
        assert_eq!((seen.errors, seen.findings.len()), (errors, errors + warnings), "{path}");
        assert_eq!((seen.service.as_str(), seen.unit.as_str()), ("LayThuTuc", "000.00.00.H99"));
        assert_eq!(seen.providerurl.is_some(), path.contains("providerurl"));
        let received = portal.received();
        assert_eq!(received.last().unwrap().id, seen.id, "the same number in both lists");
        assert!(received.last().unwrap().body().ends_with(body("13", &session).as_bytes()));
    }
    let text = post(&portal, "/mapi/g", "").await;
    assert_eq!(code(&parse(text.body())), -1);
    assert_eq!(portal.calls().last().unwrap().findings[0].rule, "json");
}

#[tokio::test]
async fn calls_for_one_dossier_that_overlap_are_noticed() {
    let portal = start(settings()).await.unwrap();
    let session = session(&portal).await;
    send(&portal, &session, &["02", "08"]).await;
    assert!(!portal.dossier(DOSSIER).unwrap().overlapped(), "one after another");

    portal.trouble(Trouble { delay_ms: 300, requests: Some(2), ..Trouble::default() });
    let (first, second) = (body("08", &session), body("03", &session));
    let _ = tokio::join!(post(&portal, "/mapi/g", &first), post(&portal, "/mapi/g", &second));
    let dossier = portal.dossier(DOSSIER).unwrap();
    assert!(dossier.overlapped());
    let order: Vec<u64> = dossier.events.iter().map(|event| event.order).collect();
    assert_eq!(order, [1, 2, 3, 4, 5, 6], "one sync, two rows, two rows, one sync");
    let overlapping = portal.calls().iter().filter(|call| call.overlapping).count();
    assert_eq!(overlapping, 1, "the later one");
    send(&portal, &session, &["04"]).await;
    assert!(!portal.calls().last().unwrap().overlapping, "it is over");
}

#[tokio::test]
async fn codes_session_life_and_demand_can_be_changed_while_it_runs() {
    let clock = settings().clock;
    let portal = start(Settings { clock: clock.clone(), ..settings() }).await.unwrap();
    let change = r#"{"session_lifetime_s":60,"success":"padded","demand":"known",
        "codes":{"session":99,"exists":"-3"}}"#;
    assert_eq!(put(&portal, "/inspect/settings", change).await, "204");
    let session = session(&portal).await;
    assert_eq!(send(&portal, &session, &["02"]).await["error_code"], "00");
    assert_eq!(send(&portal, &session, &["02"]).await["error_code"], "-3");
    assert_eq!(send(&portal, &session, &["91"]).await["error_code"], "-1");
    clock.advance(Duration::from_secs(60));
    let refused = send(&portal, &session, &["13"]).await;
    assert_eq!(refused["error_code"], 99);
    let told = parse(get(portal.address, "/inspect/settings").await.body());
    assert_eq!((&told["session_lifetime_s"], &told["demand"]), (&json!(60), &json!("known")));
    assert_eq!(put(&portal, "/inspect/settings", r#"{"sucess":"text"}"#).await, "400");
    portal.change(Change {
        demand: Some(Demand::Key),
        codes: Some(Codes { session: Code::text("401"), ..Codes::default() }),
        ..Change::default()
    });
    assert_eq!(send(&portal, "none", &["13"]).await["error_code"], "401");
    assert_eq!(
        put(&portal, "/inspect/settings", r#"{"session_status":401,"wrapped":true}"#).await,
        "204"
    );
    let heard = post(&portal, "/mapi/g", &body("13", "none")).await;
    assert_eq!(heard.status(), "401");
    let wrapped = parse(heard.body());
    assert_eq!(wrapped.as_object().unwrap().len(), 1);
    assert_eq!(parse(wrapped["message"].as_str().unwrap().as_bytes())["error_code"], "401");
}

#[tokio::test]
async fn trouble_hits_what_it_is_meant_for() {
    let portal = start(settings()).await.unwrap();
    let session = session(&portal).await;
    let trouble = r#"{"error_code":"-1","message":"Cổng bận","every":3,"service":"LayThuTuc"}"#;
    assert_eq!(put(&portal, "/inspect/trouble", trouble).await, "204");
    assert_eq!(parse(get(portal.address, "/inspect/trouble").await.body())["every"], 3);
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(code(&send(&portal, &session, &["13"]).await));
    }
    assert_eq!(codes, [0, 0, -1, 0, 0, -1]);
    assert_eq!(code(&send(&portal, &session, &["02"]).await), 0, "another service");

    let dossiers = vec!["000.00.07.H99-240305-00102".to_owned()];
    let refusal = Some(Code::Number(-7));
    portal.trouble(Trouble { error_code: refusal, dossiers, ..Trouble::default() });
    assert_eq!(send(&portal, &session, &["06"]).await["error_code"], -7);
    assert_eq!(portal.dossiers().len(), 1, "nothing of it was done");
    assert_eq!(code(&send(&portal, &session, &["03"]).await), 0, "another dossier");

    portal.trouble(Trouble { body: Some("<html>502".to_owned()), ..Trouble::default() });
    let heard = post(&portal, "/mapi/g", &body("06", &session)).await;
    assert_eq!(heard.body(), b"<html>502");
    assert_eq!(portal.dossiers().len(), 4, "done, and answered with nonsense");

    portal.trouble(Trouble { cut_after: Some(5), ..Trouble::default() });
    let heard = post(&portal, "/mapi/g", &body("13", &session)).await;
    assert_eq!(heard.body(), b"{\"err");
    assert!(heard.head().contains("Content-Length: "), "more was promised");
    let seen = portal.calls();
    assert!(seen.last().unwrap().troubled && seen.last().unwrap().accepted);
}

#[tokio::test]
async fn the_verdict_grows_with_what_was_shown() {
    let portal = start(Settings { demand: Demand::Known, ..settings() }).await.unwrap();
    assert_eq!(portal.verdict().verdict, Standing::NotSeen);
    let step = |portal: &Portal, name: &str| {
        let steps = portal.verdict().steps;
        steps.into_iter().find(|step| step.step == name).unwrap().call.is_some()
    };
    let session = session(&portal).await;
    assert_eq!(portal.verdict().verdict, Standing::Incomplete);
    // fixture, the step it shows, whether it was shown before
    for (number, name) in
        [("02", "dossier_new"), ("08", "progress"), ("13", "procedure"), ("23", "look_up")]
    {
        assert!(!step(&portal, name), "{name}");
        send(&portal, &session, &[number]).await;
        assert!(step(&portal, name), "{name}");
    }
    assert!(step(&portal, "login") && step(&portal, "session_kept"));
    send(&portal, &session, &["05"]).await;
    assert!(!step(&portal, "exists_update"));
    assert_eq!(portal.verdict().verdict, Standing::Incomplete, "a duplicate is no error");
    send(&portal, &session, &["03"]).await;
    assert!(step(&portal, "exists_update") && step(&portal, "dossier_update"));
    assert_eq!(portal.verdict().verdict, Standing::Passed);

    portal.end_sessions();
    send(&portal, &session, &["13"]).await;
    assert!(!step(&portal, "session_renewed"));
    let again = super::session(&portal).await;
    send(&portal, &again, &["13"]).await;
    assert!(step(&portal, "session_renewed"));

    // Trouble of our own making is not the sender's fault; what is wrong beside it still is.
    let contrary =
        Call::post(format!("{}/mapi/g?dstcode=a", portal.base()), "application/json", "{}");
    let contrary = contrary.header("dstcode", "b");
    portal.trouble(Trouble { status: Some(503), ..Trouble::default() });
    consumer::call(&contrary).await.unwrap();
    assert_eq!(portal.calls().last().unwrap().errors, 1);
    assert_eq!(portal.verdict().verdict, Standing::Passed);
    portal.trouble(Trouble { delay_ms: 1, ..Trouble::default() });

    let petition = body("19", &again).replace("DongBoHoiDap", "DongBoPAKNDiaPhuong");
    post(&portal, "/mapi/g", &petition).await;
    assert_eq!(portal.verdict().services[6].standing, Standing::Unchecked, "no name is known");
    assert_eq!(portal.verdict().verdict, Standing::Passed);
    send(&portal, &again, &["91"]).await;
    let verdict = parse(get(portal.address, "/inspect/verdict").await.body());
    assert_eq!(verdict["verdict"], "failed");
    let dossier = &verdict["services"][0];
    assert_eq!(
        (&dossier["service"], &dossier["standing"]),
        (&json!("DongBoHoSoMC"), &json!("failed"))
    );
    let kind = &dossier["findings"][0];
    assert_eq!((&kind["path"], &kind["rule"]), (&json!("data[].NgayTiepNhan"), &json!("datetime")));
    assert_eq!(verdict["services"][6]["unchecked"], 23, "petitions cannot be checked");

    assert_eq!(
        say(portal.address, b"DELETE /inspect/calls HTTP/1.1\r\n\r\n").await.status(),
        "204"
    );
    assert_eq!(portal.verdict().verdict, Standing::NotSeen);
    assert_eq!(portal.dossiers().len(), 1, "the dossiers stay");
}

#[tokio::test]
async fn the_page_shows_what_came_and_lets_none_of_it_run() {
    let portal = start(settings()).await.unwrap();
    let session = session(&portal).await;
    let hostile = format!(
        r#"{{"session":"{session}","madonvi":"<b>'\"&","service":"<script>alert(1)</script>","data":[]}}"#
    );
    post(&portal, "/<img src=x>/mapi/g?dstcode=%3Cscript%3E", &hostile).await;
    let row = r#"{"MaHoSo":"<script>a</script>","TrangThaiHoSo":"<i>","La<u>":1}"#;
    let dossier = format!(
        r#"{{"session":"{session}","madonvi":"x","service":"DongBoHoSoMC","isUpdating":"False","data":[{row}]}}"#
    );
    post(&portal, "/mapi/g", &dossier).await;
    let before = portal.count();
    for path in
        ["/", "/?lang=en", "/inspect/", "/inspect/received/2", "/inspect/received/3?lang=en"]
    {
        let heard = get(portal.address, path).await;
        assert_eq!(heard.status(), "200", "{path}");
        assert!(heard.head().contains("Content-Security-Policy: default-src 'none'"));
        let page = String::from_utf8(heard.body().to_vec()).unwrap();
        for tag in ["<script", "<img", "<b>", "<i>", "<u>"] {
            assert!(!page.contains(tag), "{path}: {tag}");
        }
        assert!(page.contains("&lt;script&gt;"), "{path}");
    }
    assert_eq!(portal.count(), before, "the window is not counted");
    let page = String::from_utf8(get(portal.address, "/").await.body().to_vec()).unwrap();
    assert!(page.contains("Kết luận tuân thủ") && page.contains("DanhSachPAKNCongKhai"));
    let page = get(portal.address, "/inspect/received/3").await;
    let page = String::from_utf8(page.body().to_vec()).unwrap();
    assert!(page.contains("50 4f 53 54 20 2f 6d 61 70 69 2f 67 20 48 54 54  POST /mapi/g HTT"));
    assert_eq!(get(portal.address, "/inspect/received/99").await.status(), "404");
    assert_eq!(get(portal.address, "/favicon.ico").await.status(), "204");
}

#[tokio::test]
async fn what_it_holds_can_be_asked_for() {
    let portal = start(settings()).await.unwrap();
    let session = session(&portal).await;
    send(&portal, &session, &["02", "09", "13"]).await;
    let look = async |path: &str| parse(get(portal.address, path).await.body());
    assert_eq!(look("/inspect/records").await, json!({ "DongBoDanhGia": 1 }));
    let kept = look("/inspect/records/DongBoDanhGia").await;
    assert_eq!(kept[0]["record"]["TongSoNguoiDanhGia"], "120");
    assert_eq!(kept[0]["call"], 3);
    let calls = look("/inspect/calls").await;
    assert_eq!(calls.as_array().unwrap().len(), 4);
    assert_eq!(look("/inspect/calls/2").await["service"], "DongBoHoSoMC");
    let answer = get(portal.address, "/inspect/calls/4/answer").await;
    assert_eq!(parse(answer.body())["result"][0]["MATTHC"], "9.000123");
    assert_eq!(look("/inspect/figures?tu=2024-03-01&den=20240331").await["SoNhanTrongKy"], "1");
    assert_eq!(get(portal.address, "/inspect/figures?tu=x&den=20240331").await.status(), "400");
    assert_eq!(look("/inspect/tables").await[0]["known"], 27);
    let file = "packet = \"LayQDCB\"\ndirection = \"pull\"\n[[field]]\nname = \"A\"\n";
    assert_eq!(put(&portal, "/inspect/tables/LayQDCB.toml", file).await, "204");
    assert_eq!(put(&portal, "/inspect/tables/LayQDCB.toml", "packet = 1").await, "400");
    assert_eq!(look("/inspect/tables").await[5]["file"], "LayQDCB.toml");
    for path in ["/inspect/calls/9", "/inspect/calls/x", "/inspect/none", "/inspect/calls/1/2/3"] {
        assert_eq!(get(portal.address, path).await.status(), "404", "{path}");
    }
    let clear = |what: &str| format!("DELETE /inspect/{what} HTTP/1.1\r\n\r\n").into_bytes();
    assert_eq!(say(portal.address, &clear("records")).await.status(), "204");
    assert!(portal.records("DongBoDanhGia").is_empty() && portal.dossiers().is_empty());
    assert_eq!(say(portal.address, &clear("all")).await.status(), "404");
    portal.stop().await;
}

/// A province: a token endpoint, statistics behind it, and the inbound path.
fn province() -> Server {
    Server::start(([127, 0, 0, 1], 0).into(), |stream, number| async move {
        let mut connection = Connection::new(stream, number);
        let log = crate::received::Log::nothing();
        while let Some(request) = connection.next(&log).await {
            let answer = match request.path() {
                "/base/token" => Answer::json(200, r#"{"access_token":"lg1.t","expires_in":3600}"#),
                "/base/thong-ke" if request.header("authorization") == Some("Bearer lg1.t") => {
                    let told = json!({ "error_code": "00", "target": request.target });
                    Answer::json(200, told.to_string())
                }
                path if path.contains("nhanhsdvcqg") => {
                    let sent = parse(&request.body);
                    let told = json!({ "error_code": 0, "message": sent["data"][0]["MaHoSo"],
                        "path": path, "dstcode": request.header("dstcode") });
                    Answer::json(200, told.to_string())
                }
                "/web/guest/XrdAdapter/RestService/forward/downloadfile/1f"
                    if request.method == "GET" && request.header("dstcode").is_some() =>
                {
                    Answer::new(200, "application/pdf", "%PDF")
                }
                path if path.contains("addtthc") => Answer::json(200, r#"{"error_code":1}"#),
                _ => Answer::text(401, ""),
            };
            let _ = connection.send(&answer.encode(true, false)).await;
        }
    })
    .unwrap()
}

#[tokio::test]
async fn the_portal_calls_the_province_on_demand() {
    let server = province();
    let base = format!("http://{}", server.address);
    let portal = start(Settings {
        province: Province {
            inbound: Some(format!("{base}/")),
            live: Some(format!("{base}/base")),
            key: Some(Key { consumer_key: "k".to_owned(), secret_key: "s".to_owned() }),
            destination: Some("VN:GOV:000.00.00.H99:lgsp".to_owned()),
        },
        ..settings()
    })
    .await
    .unwrap();
    let delivery = |service: &str, via| Delivery { service: service.to_owned(), via, body: None };
    // service, way, success, path
    for (service, via, ok, path) in [
        ("nhanhsdvcqg", Via::XrdAdapter, true, "/XrdAdapter/RestService/forward/nhanhsdvcqg"),
        ("nhanhsdvcqg", Via::VxpAdapter, true, "/VXPAdapter/RestService/forward/nhanhsdvcqg"),
        (
            "nhanhsdvcqg",
            Via::WebGuest,
            true,
            "/web/guest/XrdAdapter/RestService/forward/nhanhsdvcqg",
        ),
        ("addtthcKhuyenMai", Via::Direct, false, "/addtthcKhuyenMai"),
    ] {
        let made = portal.deliver(&delivery(service, via)).await;
        assert_eq!(made.is_success(), ok, "{made:?}");
        assert!(made.url.ends_with(path), "{}", made.url);
        if ok {
            let told = parse(&made.answer);
            assert_eq!(
                (&told["path"], &told["dstcode"]),
                (&json!(path), &json!("VN:GOV:000.00.00.H99:lgsp"))
            );
        }
    }
    let file = File { path: "downloadfile/1f".to_owned(), via: Via::WebGuest };
    let made = portal.fetch(&file).await;
    assert_eq!((made.status, made.answer.as_ref()), (Some(200), &b"%PDF"[..]), "{made:?}");
    let question =
        Question { from: "2024-03-01".into(), until: "20240331".into(), unit: Some("H99".into()) };
    let made = portal.ask_statistics(&question).await;
    assert!(made.is_success(), "{made:?}");
    assert_eq!(
        parse(&made.answer)["target"],
        "/base/thong-ke?tu=2024-03-01&den=20240331&donvi=H99"
    );

    let ask = |kind: &str, body: &str| {
        format!(
            "POST /inspect/province/delivery HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let own =
        r#"{"service":"nhanhsdvcqg","via":"VXPAdapter","body":{"data":[{"MaHoSo":"của tôi"}]}}"#;
    let heard = say(portal.address, ask("application/json", own).as_bytes()).await;
    let told: Value = parse(heard.body());
    assert_eq!(parse(told["answer"].as_str().unwrap().as_bytes())["message"], "của tôi");
    // What a foreign page in a browser can send is not enough.
    let heard = say(portal.address, ask("text/plain", own).as_bytes()).await;
    assert_eq!(heard.status(), "415");
    let made = parse(get(portal.address, "/inspect/province/calls").await.body());
    assert_eq!(made.as_array().unwrap().len(), 7);
    let told =
        String::from_utf8(get(portal.address, "/inspect/province").await.body().to_vec()).unwrap();
    assert!(told.contains("consumer_key") && !told.contains("secret"), "{told}");

    server.stop().await;
    let made = portal.ask_statistics(&question).await;
    assert!(!made.is_success() && made.failure.is_some() && made.status.is_none());
    assert_eq!(put(&portal, "/inspect/province", r#"{"live":null}"#).await, "204");
    assert!(portal.ask_statistics(&question).await.failure.is_some(), "no province at all");
}
