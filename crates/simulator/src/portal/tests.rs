//! Tables for the portal: its state driven by the fixtures, then the same over the wire.

use std::time::Duration;

use serde_json::Value;
use terms::clock::{Clock, Timestamp};
use terms::random::Random;

use super::envelope::Call;
use super::state::State;
use super::{CallSeen, Change, Portal, Settings, SuccessForm, Trouble, start};
use crate::fixture::{self, SESSION};
use crate::tests::{Heard, get, say};

const DOSSIER: &str = "000.00.07.H99-240304-00017";

fn settings() -> Settings {
    Settings {
        clock: Clock::manual(Timestamp::from_secs(1_709_539_200)),
        random: Random::seeded(7),
        ..Settings::default()
    }
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn log_in(state: &mut State, body: &[u8]) -> Vec<u8> {
    state.log_in(body, &mut CallSeen::default()).answer
}

fn sent(state: &mut State, body: &[u8]) -> Vec<u8> {
    state.take(Call::read(body), &mut CallSeen::default()).answer
}

fn login(state: &mut State) -> String {
    let body = fixture::find("01").unwrap().request().unwrap();
    let reply = parse(&log_in(state, body.as_bytes()));
    assert_eq!(reply["error_code"], 0);
    reply["session"].as_str().unwrap().to_owned()
}

/// Takes the request of a fixture under a live session.
fn take(state: &mut State, session: &str, number: &str) -> Value {
    let body = fixture::find(number).unwrap().request_in(session).unwrap();
    parse(&sent(state, body.as_bytes()))
}

/// `0`, `"0"` and `"00"` are one.
fn code(reply: &Value) -> i64 {
    let code = &reply["error_code"];
    let text = code.as_str().map(|text| text.parse().unwrap());
    text.or(code.as_i64()).unwrap()
}

#[test]
fn the_fixtures_have_the_effect_the_samples_tell() {
    // fixtures in turn on a fresh portal; code and words of the last
    let table: &[(&[&str], i64, &str)] = &[
        (&["02"], 0, "Thành công"),
        (&["02", "05"], 3, "Hồ sơ 000.00.07.H99-240304-00017 đã tồn tại"),
        (&["05", "02"], 3, "đã tồn tại"),
        (&["02", "03"], 0, "Thành công"),
        (&["02", "03", "04"], 0, "Thành công"),
        (&["02", "03", "04", "05"], 3, "đã tồn tại"),
        (&["03"], -1, "Không tìm thấy hồ sơ 000.00.07.H99-240304-00017"),
        (&["04"], -1, "Không tìm thấy"),
        (&["06"], 0, "Thành công"),
        (&["06", "06"], 3, "000.00.07.H99-240305-00101 đã tồn tại"),
        (&["07"], 0, "Thành công"),
        (&["02", "08"], 0, "Thành công"),
        (&["08"], -1, "Không tìm thấy"),
        (&["13"], 0, ""),
        (&["14"], 0, ""),
        (&["23"], 0, ""),
        (&["92"], -1, "thiếu MaHoSo"),
        (&["95"], -1, "Phiên làm việc"),
        (&["96"], -1, "KhongTonTai"),
    ];
    for (numbers, expected, words) in table {
        let mut state = State::new(settings()).unwrap();
        let session = login(&mut state);
        let mut reply = Value::Null;
        for number in *numbers {
            reply = take(&mut state, &session, number);
        }
        assert_eq!(code(&reply), *expected, "{numbers:?}: {reply}");
        let message = reply["message"].as_str().unwrap();
        assert!(message.contains(words), "{numbers:?}: {message}");
        // Clients look for these words; they must not come with a refusal.
        if *expected != 0 {
            assert!(!message.to_lowercase().contains("thành công"), "{message}");
        }
        if *expected != 3 {
            assert!(!message.contains("đã tồn tại"), "{message}");
        }
    }
}

#[test]
fn success_is_told_as_the_samples_tell_it() {
    for number in ["02", "07", "13", "14"] {
        let sample = parse(fixture::find(number).unwrap().response().unwrap().as_bytes());
        let mut state = State::new(settings()).unwrap();
        let session = login(&mut state);
        let reply = take(&mut state, &session, number);
        assert_eq!(reply.get("result"), sample.get("result"), "{number}");
        assert_eq!(code(&reply), code(&sample), "{number}");
    }
}

#[test]
fn a_dossier_keeps_every_state_and_its_record_as_sent() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    for number in ["02", "05", "03", "08", "04"] {
        take(&mut state, &session, number);
    }
    let dossier = state.dossier(DOSSIER).unwrap();
    let states: Vec<(&str, bool)> =
        dossier.states.iter().map(|seen| (seen.state.as_str(), seen.update)).collect();
    assert_eq!(states, [("2", false), ("5", true), ("10", true)]);
    assert_eq!(dossier.received, 4, "the duplicate counts");
    let rows: Vec<Value> = dossier.progress.iter().map(|row| parse(row.get().as_bytes())).collect();
    let times: Vec<&str> = rows.iter().map(|row| row["ThoiDiemXuLy"].as_str().unwrap()).collect();
    assert_eq!(times, ["20240304081500", "20240305101500"]);
    let sent = fixture::find("04").unwrap().request().unwrap();
    assert!(sent.contains(dossier.record.get()), "byte for byte");
}

#[test]
fn unknown_fields_and_odd_values_stay_as_they_came() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    let record = r#"{ "TruongLa" : 1.0, "SoLon":123456789012345678901234567890,"MaHoSo":17,
        "TrangThaiHoSo": 2,"GhiChu":"\u0111\/","Rong":null }"#;
    let body = format!(
        r#"{{"session":"{session}","Madonvi":1,"service":"DongBoHoSoMC","isUpdating":false,"data":[{record}]}}"#
    );
    assert_eq!(code(&parse(&sent(&mut state, body.as_bytes()))), 0);
    let dossier = state.dossier("17").unwrap();
    assert_eq!(dossier.record.get(), record);
    assert_eq!(dossier.states[0].state, "2");
}

#[test]
fn a_batch_is_taken_whole_or_not_at_all() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    let call = |update: &str, codes: &[&str]| {
        let rows: Vec<String> = codes.iter().map(|c| format!(r#"{{"MaHoSo":"{c}"}}"#)).collect();
        let rows = rows.join(",");
        format!(
            r#"{{"session":"{session}","service":"DongBoHoSoMC","isUpdating":"{update}","data":[{rows}]}}"#
        )
    };
    // update, codes, error code, dossiers held after
    let table: &[(&str, &[&str], i64, usize)] = &[
        ("False", &["a", "b"], 0, 2),
        ("False", &["c", "b"], 3, 2),
        ("False", &["d", "d"], 3, 2),
        ("True", &["a", "e"], -1, 2),
        ("True", &["a", "a"], 0, 2),
        ("", &["f"], 0, 3),
        ("True", &[], -1, 3),
    ];
    for (update, codes, expected, held) in table {
        let reply = parse(&sent(&mut state, call(update, codes).as_bytes()));
        assert_eq!(code(&reply), *expected, "{update} {codes:?}: {reply}");
        assert_eq!(state.dossiers().count(), *held, "{update} {codes:?}");
    }
    assert_eq!(state.dossier("a").unwrap().states.len(), 3);
}

#[test]
fn a_dossier_does_not_grow_without_end() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    assert_eq!(code(&take(&mut state, &session, "02")), 0);
    let row = format!(r#"{{"MaHoSo":"{DOSSIER}"}}"#);
    let rows = vec![row; 4_999].join(",");
    let body =
        format!(r#"{{"session":"{session}","service":"CapNhatTienDoHoSoMC","data":[{rows}]}}"#);
    for expected in [0, 0, 0, -1] {
        assert_eq!(code(&parse(&sent(&mut state, body.as_bytes()))), expected);
    }
    assert_eq!(code(&take(&mut state, &session, "03")), -1);
}

#[test]
fn calls_that_cannot_be_read_are_refused_in_words() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    let table = [
        ("", "JSON"),
        ("[]", "JSON"),
        ("{\"session\":", "JSON"),
        ("{}", "Phiên làm việc"),
        (r#"{"session":{},"service":[]}"#, "Phiên làm việc"),
        (r#"{"session":"S","service":"DongBoHoSoMC"}"#, "data trống"),
        (r#"{"session":"S","service":"DongBoHoSoMC","data":{}}"#, "không phải là mảng"),
        (r#"{"session":"S","service":"DongBoHoSoMC","data":[1]}"#, "không phải là đối tượng"),
        (r#"{"session":"S","service":"DongBoHoSoMC","data":[["a"]]}"#, "không phải là đối tượng"),
        (r#"{"session":"S","service":"DongBoHoSoMC","data":[{}]}"#, "Bản ghi 1 thiếu MaHoSo"),
        (r#"{"session":"S"}"#, "không được hỗ trợ"),
    ];
    for (body, words) in table {
        let body = body.replace("\"S\"", &format!("{session:?}"));
        let reply = parse(&sent(&mut state, body.as_bytes()));
        assert_eq!(code(&reply), -1, "{body}");
        assert!(reply["message"].as_str().unwrap().contains(words), "{body}: {reply}");
    }
    for body in ["", "{}", r#"{"username":"000.00.00.H99","password":"x"}"#] {
        let reply = parse(&log_in(&mut state, body.as_bytes()));
        assert_eq!(code(&reply), -1, "{body}");
        assert_eq!(reply.get("session"), None);
    }
}

#[test]
fn a_session_ends_by_the_clock_and_not_by_a_new_login() {
    let settings = settings();
    let clock = settings.clock.clone();
    let mut state = State::new(settings).unwrap();
    let first = login(&mut state);
    clock.advance(Duration::from_secs(20 * 60));
    let second = login(&mut state);
    assert_ne!(first, second);
    assert_eq!(first.len(), SESSION.len());
    // minutes onward, does the first live, does the second
    for (minutes, one, two) in
        [(0, true, true), (10, false, true), (19, false, true), (1, false, false)]
    {
        clock.advance(Duration::from_secs(minutes * 60));
        for (session, lives) in [(&first, one), (&second, two)] {
            let reply = take(&mut state, session, "13");
            assert_eq!(code(&reply) == 0, lives, "{minutes}: {reply}");
        }
    }
}

#[test]
fn where_a_user_has_one_session_a_login_ends_the_one_before() {
    let other = ("000.00.00.H98".to_owned(), "another".to_owned());
    let accounts = [Settings::default().accounts, vec![other]].concat();
    let settings = Settings { one_session: true, accounts, ..settings() };
    let mut state = State::new(settings).unwrap();
    let first = login(&mut state);
    let body = br#"{"username":"000.00.00.H98","password":"another"}"#;
    let others = parse(&log_in(&mut state, body))["session"].as_str().unwrap().to_owned();
    let second = login(&mut state);
    for (session, lives) in [(&first, false), (&others, true), (&second, true)] {
        assert_eq!(code(&take(&mut state, session, "13")) == 0, lives);
    }
    state.change(Change { one_session: Some(false), ..Change::default() });
    login(&mut state);
    assert_eq!(code(&take(&mut state, &second, "13")), 0, "turned off while it runs");
}

#[test]
fn success_is_written_in_each_form_seen() {
    for (success, expected) in [
        (SuccessForm::Number, Value::from(0)),
        (SuccessForm::Text, Value::from("0")),
        (SuccessForm::Padded, Value::from("00")),
    ] {
        let mut state = State::new(Settings { success, ..settings() }).unwrap();
        let body = fixture::find("01").unwrap().request().unwrap();
        let reply = parse(&log_in(&mut state, body.as_bytes()));
        assert_eq!(reply["error_code"], expected);
        let session = reply["session"].as_str().unwrap();
        assert_eq!(take(&mut state, session, "02")["error_code"], expected);
        assert_eq!(take(&mut state, session, "05")["error_code"], "3");
    }
}

async fn post(portal: &Portal, path: &str, body: &str) -> Heard {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    say(portal.address, request.as_bytes()).await
}

async fn session(portal: &Portal) -> String {
    let body = fixture::find("01").unwrap().request().unwrap();
    let reply = post(portal, "/XrdAdapter/RestService/forward/mapi/login?dstcode=x", body).await;
    parse(reply.body())["session"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn over_the_wire_the_state_can_be_seen() {
    let portal = start(settings()).await.unwrap();
    let session = session(&portal).await;
    for number in ["02", "08", "05"] {
        let body = fixture::find(number).unwrap().request_in(&session).unwrap();
        let reply = post(&portal, "/mapi/g", &body).await;
        assert_eq!(reply.status(), "200", "refusals too");
        assert!(reply.head().contains("application/json; charset=utf-8"));
    }
    let list = parse(get(portal.address, "/inspect/dossiers").await.body());
    let line = serde_json::json!([
        { "MaHoSo": DOSSIER, "TrangThaiHoSo": "2", "received": 2, "progress": 2 }
    ]);
    assert_eq!(list, line);
    let one = parse(get(portal.address, &format!("/inspect/dossiers/{DOSSIER}")).await.body());
    assert_eq!(one["record"]["ChuHoSo"], "Nguyễn Thị Thử");
    assert_eq!(one["states"][0]["TrangThaiHoSo"], "2");
    assert_eq!(one["states"][0]["at"], "2024-03-04T08:00:00.000000Z");
    assert_eq!(portal.dossiers().len(), 1);
    assert_eq!(portal.dossier(DOSSIER).unwrap().progress.len(), 2);

    let received = parse(get(portal.address, "/inspect/received").await.body());
    assert_eq!(received.as_array().unwrap().len(), 4, "the window is not counted");
    assert_eq!((portal.count(), portal.received().len()), (4, 4));
    let raw = get(portal.address, "/inspect/received/2/raw").await;
    let sent = fixture::find("02").unwrap().request_in(&session).unwrap();
    assert!(raw.body().ends_with(sent.as_bytes()), "byte for byte");

    for (path, status) in
        [("/mapi/x", "404"), ("/inspect/dossiers/none", "404"), ("/mapi/g", "405")]
    {
        assert_eq!(get(portal.address, path).await.status(), status, "{path}");
    }
    for what in ["dossiers", "received", "sessions"] {
        let request = format!("DELETE /inspect/{what} HTTP/1.1\r\n\r\n");
        assert_eq!(say(portal.address, request.as_bytes()).await.status(), "204");
    }
    assert_eq!((portal.dossiers().len(), portal.received().len()), (0, 0));
    let body = fixture::find("13").unwrap().request_in(&session).unwrap();
    assert_eq!(code(&parse(post(&portal, "/mapi/g", &body).await.body())), -1, "session ended");
}

#[tokio::test]
async fn trouble_comes_and_ends_on_demand() {
    let portal = start(settings()).await.unwrap();
    let session = session(&portal).await;
    let body = |number: &str| fixture::find(number).unwrap().request_in(&session).unwrap();

    portal.trouble(Trouble { status: Some(503), requests: Some(1), ..Trouble::default() });
    assert_eq!(post(&portal, "/mapi/g", &body("02")).await.status(), "503");
    assert!(portal.dossiers().is_empty(), "nothing was done");

    let request = r#"{"drop_answer":true,"requests":1}"#;
    let length = request.len();
    let put = format!("PUT /inspect/trouble HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{request}");
    assert_eq!(say(portal.address, put.as_bytes()).await.status(), "204");
    assert!(post(&portal, "/mapi/g", &body("02")).await.bytes.is_empty());
    assert_eq!(portal.dossiers().len(), 1, "done, though nobody was told");

    let clock = Clock::system();
    portal.trouble(Trouble { delay_ms: 50, requests: Some(1), ..Trouble::default() });
    let began = clock.instant();
    assert_eq!(post(&portal, "/mapi/g", &body("05")).await.status(), "200");
    assert!(clock.instant() - began >= Duration::from_millis(50));

    let bad = say(portal.address, &put.replace("drop_answer", "drop-answer").into_bytes()).await;
    assert_eq!(bad.status(), "400");
    assert_eq!(post(&portal, "/mapi/g", &body("13")).await.status(), "200");
    portal.stop().await;
}

mod packet;
mod vendor;
