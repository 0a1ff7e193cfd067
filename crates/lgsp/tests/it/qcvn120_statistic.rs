//! QCVN 120, statistics: any period on demand, month and year by packet (QCV-04, QCV-05).

use std::time::Duration;

use jiff::civil::Date;
use jiff::{ToSpan, Zoned};
use serde_json::{Value, json};
use simulator::one_stop::{self, Holding, OneStop};
use simulator::portal;
use simulator::portal::{Figures, Key, Question};

use crate::province::{Province, UNIT};
use crate::wire::{Answer, Connection};
use crate::world::wait_until;

/// Five periods that are no month and no year, written in both forms.
const PERIODS: [(&str, &str); 5] = [
    ("2024-01-15", "2024-02-03"),
    ("20231231", "20240101"),
    ("2024-03-01", "2024-03-01"),
    ("2023-11-07", "20250519"),
    ("20250228", "2025-03-01"),
];

/// Two one-stop systems as sources of statistics; the second may take one second.
struct Sources {
    one: OneStop,
    two: OneStop,
    holdings: Vec<Holding>,
    runtime: tokio::runtime::Runtime,
}

impl Sources {
    fn start() -> Sources {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let holdings = one_stop::synthetic(5, 3_000);
        let (first, second) = holdings.split_at(1_700);
        let start = |holdings: &[Holding]| {
            let holdings = holdings.to_vec();
            let settings = one_stop::Settings { holdings, ..one_stop::Settings::default() };
            runtime.block_on(one_stop::start(settings)).unwrap()
        };
        let (one, two) = (start(first), start(second));
        Sources { one, two, holdings, runtime }
    }

    fn services(&self) -> String {
        let service = |code: &str, source: &OneStop| {
            format!(
                "  - code: {code}\n    provider: H99.009\n    context: /{code}\n    \
                 role: statistics\n    versions: [ {{ version: \"1.0\", timeout: 1s, \
                 endpoints: {{ live: [\"{}/thong-ke\"] }} }} ]\n",
                source.base()
            )
        };
        service("mot-cua-1", &self.one) + &service("mot-cua-2", &self.two)
    }
}

/// The portal knows where the province answers, and has its own key there.
fn introduce(province: &Province) {
    let key = province.world.credential("portal", "live");
    province.portal.set_province(portal::Province {
        live: Some(format!("http://{}", province.world.listening.live)),
        key: Some(Key { consumer_key: key.consumer_key, secret_key: key.secret_key }),
        ..portal::Province::default()
    });
}

/// The portal's own question, by token.
fn ask(province: &Province, from: &str, until: &str) -> Value {
    let question = Question { from: from.into(), until: until.into(), unit: None };
    let made = province.runtime.block_on(province.portal.ask_statistics(&question));
    assert_eq!((made.status, &made.failure), (Some(200), &None), "{made:?}");
    assert!(made.took_ms <= 30_000, "{made:?}");
    serde_json::from_slice(&made.answer).unwrap()
}

/// Each known name of Table 5 as a recount has it.
fn expect_figures(result: &Value, figures: &Figures, what: &str) {
    for (name, value) in figures.table() {
        let told = match &result[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(told, value, "{what}: {name} of {result}");
    }
}

#[test]
fn figures_of_any_period_equal_a_recount_and_a_silent_source_is_named() {
    let sources = Sources::start();
    let province = Province::with(&sources.services(), &[]);
    introduce(&province);
    let digits = |text: &str| text.replace('-', "");
    for (from, until) in PERIODS {
        let answer = ask(&province, from, until);
        let recount = one_stop::figures(&sources.holdings, &digits(from), &digits(until), "");
        println!("{from} to {until}: {}", answer["result"]);
        assert_eq!(answer["error_code"], 0, "{answer}");
        expect_figures(&answer["result"], &recount, from);
        assert!(recount.total() > 0, "{from}: nothing was counted");
        let told: Vec<(&str, &str)> = answer["sources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| (s["system"].as_str().unwrap(), s["state"].as_str().unwrap()))
            .collect();
        assert_eq!(told, [("mot-cua-1", "ok"), ("mot-cua-2", "ok")]);
    }
    only_the_portal_may_ask(&province);
    legs_are_rows(&province);
    // Late, then gone: the answer says which, and adds up the rest.
    let (from, until) = PERIODS[0];
    let of_one = sources.one.figures(&digits(from), &digits(until), "");
    sources.two.trouble(portal::Trouble { delay_ms: 5_000, ..portal::Trouble::default() });
    let answer = ask(&province, from, until);
    println!("{}", answer["message"]);
    assert_eq!(answer["sources"][1]["state"], "late", "{answer}");
    expect_figures(&answer["result"], &of_one, "one source is late");
    let Sources { two, runtime, .. } = sources;
    runtime.block_on(two.stop());
    let answer = ask(&province, from, until);
    println!("{}", answer["message"]);
    assert_eq!(answer["sources"][1]["state"], "missing", "{answer}");
    assert!(answer["sources"][1]["result"].is_null(), "nothing is guessed: {answer}");
    assert!(answer["message"].as_str().unwrap().contains("mot-cua-2"), "{answer}");
    expect_figures(&answer["result"], &of_one, "one source is gone");
}

fn only_the_portal_may_ask(province: &Province) {
    let get = |system: &str| -> Answer {
        let bearer = format!("Bearer {}", province.world.token(system));
        let target = "/thong-ke?tu=2024-01-15&den=2024-02-03";
        province.ask("GET", target, &[("Authorization", &bearer)], b"")
    };
    assert_eq!(get("portal").status, 200);
    let refused = get("one-stop");
    assert_eq!((refused.status, refused.fault().as_str()), (403, "not_subscribed"));
    let without = province.ask("GET", "/thong-ke?tu=2024-01-15&den=2024-02-03", &[], b"");
    assert_eq!((without.status, without.fault().as_str()), (401, "token_missing"));
}

/// The call is one row, each source asked another with the call as its parent.
fn legs_are_rows(province: &Province) {
    let rows = province.world.rows(&["--kind", "call"]);
    let call = rows.iter().rfind(|row| row["service"] == "thong-ke" && row["status"] == 200);
    let call = call.expect("the call has a row");
    let legs: Vec<&Value> = rows.iter().filter(|r| r["parent"] == call["exchange_id"]).collect();
    let mut asked: Vec<&str> = legs.iter().map(|leg| leg["service"].as_str().unwrap()).collect();
    asked.sort_unstable();
    assert_eq!(asked, ["mot-cua-1", "mot-cua-2"], "{legs:?}");
}

/// A dossier of the month before this one: accepted on a day, promised on another, finished on a
/// third or not at all.
fn dossier(month: Date, serial: usize) -> Value {
    let day = |day: usize| {
        let date = month.with().day(i8::try_from(day.clamp(1, 28)).unwrap()).build().unwrap();
        format!("{}081500", date.strftime("%Y%m%d"))
    };
    let accepted = 1 + serial % 20;
    let is_open = serial.is_multiple_of(4);
    let finished = if is_open { String::new() } else { day(accepted + serial % 7) };
    json!({
        "MaHoSo": format!("{UNIT}-{}-{serial:05}", month.strftime("%y%m%d")),
        "MaTTHC": "9.000123",
        "TenTTHC": "Cấp giấy xác nhận thử nghiệm",
        "MaLinhVuc": "G99-TN01",
        "TenLinhVuc": "Lĩnh vực thử nghiệm",
        "ChuHoSo": "Nguyễn Thị Thử",
        "LoaiDoiTuong": "1",
        "NgayTiepNhan": day(accepted),
        "NgayHenTra": day(accepted + 3),
        "NgayKetThucXuLy": finished,
        "TrangThaiHoSo": if is_open { "4" } else { "9" },
    })
}

#[test]
fn the_month_packet_equals_the_figures_on_demand_for_that_month() {
    let zone = jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let today = Zoned::now().with_time_zone(zone).date();
    let month = today.first_of_month().checked_sub(1.month()).unwrap();
    let ground = "Quyết định 01/2026/QĐ-UBND, điều 5 (thử nghiệm)";
    let mut province = Province::with(
        "",
        &[("LGSP_STATISTICS_KEEP_FACTS", "true"), ("LGSP_STATISTICS_LEGAL_GROUND", ground)],
    );
    let token = province.world.token("one-stop");
    let sent: Vec<Value> = (0..60).map(|serial| dossier(month, serial)).collect();
    for records in sent.chunks(20) {
        let body = Value::from(records).to_string();
        let target = "/packets/DongBoHoSoMC?isUpdating=False";
        let answer = province.post(&token, target, &body);
        assert_eq!((answer.status, &answer.json()["error_code"]), (200, &0.into()), "{answer:?}");
    }
    // From here on the facts count as complete from that month on, and its packet is due.
    assert_eq!(province.world.stop(), 0);
    let first = month.to_string();
    for (name, value) in [
        ("LGSP_STATISTICS_COMPLETE_FROM", first.as_str()),
        ("LGSP_STATISTICS_SYSTEM", "one-stop"),
        ("LGSP_STATISTICS_UNIT", UNIT),
        ("LGSP_STATISTICS_UNIT_NAME", "UBND tỉnh Mẫu"),
        ("LGSP_STATISTICS_PACKET_DAY", "1"),
        ("LGSP_STATISTICS_PACKET_HOUR", "0"),
    ] {
        province.world.set_variable(name, value);
    }
    province.world.restart();
    introduce(&province);
    let received = || province.portal.records("DongBoThongKeHoSo");
    wait_until(Duration::from_secs(20), "the month packet leaves by itself", || {
        received().iter().any(|kept| kept.record.get().contains("\"LoaiThongKe\":\"1\""))
    });
    let packets = received();
    let packet = packets.iter().find(|kept| kept.record.get().contains("\"LoaiThongKe\":\"1\""));
    let record: Value = serde_json::from_str(packet.unwrap().record.get()).unwrap();
    println!("{record}");
    assert_eq!(record["Madonvi"], UNIT);
    assert_eq!(record["Thang"], month.month().to_string());
    assert_eq!(record["Nam"], month.year().to_string());
    let until = month.last_of_month();
    let recount = province.portal.figures(
        &month.strftime("%Y%m%d").to_string(),
        &until.strftime("%Y%m%d").to_string(),
        "",
    );
    assert_eq!(recount.received, 60);
    expect_figures(&record, &recount, "the packet");
    let answer = ask(&province, &first, &until.to_string());
    assert_eq!(answer["sources"][0]["state"], "ok", "{answer}");
    expect_figures(&answer["result"], &recount, "on demand");
    // The packet is a call like any other, and the switch stands in the journal with its ground.
    let rows = province.world.rows(&["--kind", "call"]);
    let row = rows.iter().find(|row| row["operation"] == "DongBoThongKeHoSo").unwrap();
    assert_eq!((&row["consumer_system"], &row["facade"]), (&"one-stop".into(), &"packet".into()));
    let changes = province.world.rows(&["--kind", "change"]);
    assert!(changes.iter().any(|row| row.to_string().contains("01/2026/QĐ-UBND")), "{changes:?}");
}

/// A province that keeps facts, complete from the first of the month before this one on.
fn province_with_facts(month: Date) -> Province {
    let ground = "Quyết định 01/2026/QĐ-UBND, điều 5 (thử nghiệm)";
    let province = Province::with(
        "",
        &[
            ("LGSP_STATISTICS_KEEP_FACTS", "true"),
            ("LGSP_STATISTICS_LEGAL_GROUND", ground),
            ("LGSP_STATISTICS_COMPLETE_FROM", &month.to_string()),
        ],
    );
    introduce(&province);
    province
}

fn last_month() -> Date {
    let zone = jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let today = Zoned::now().with_time_zone(zone).date();
    today.first_of_month().checked_sub(1.month()).unwrap()
}

fn push(province: &Province, token: &str, record: &Value) -> Answer {
    let body = Value::from(vec![record.clone()]).to_string();
    province.post(token, "/packets/DongBoHoSoMC?isUpdating=False", &body)
}

/// The same without waiting for an answer.
fn start_push(province: &Province, token: &str, record: &Value) -> Connection {
    let body = Value::from(vec![record.clone()]).to_string();
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let target = "/packets/DongBoHoSoMC?isUpdating=False";
    let request = crate::wire::request("POST", target, &headers, body.as_bytes());
    let mut connection = Connection::open(province.world.listening.live);
    connection.send(request).unwrap();
    connection
}

/// One line of a command on the province's data folder, which a server is running on.
fn told(province: &Province, arguments: &[&str], exit: i32) -> Value {
    let output = province.world.run(arguments);
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {}", crate::world::text(&output));
    crate::world::json_lines(&output).pop().unwrap_or_default()
}

const STATUS: [&str; 3] = ["statistics", "status", "--json"];
const REASON: &str = "Đã đối chiếu với Cổng (thử nghiệm)";

/// Waits until the desk has written what is in doubt.
fn wait_for_doubts(province: &Province, count: u64) {
    wait_until(Duration::from_secs(20), "the doubts are known", || {
        told(province, &STATUS, 0)["in_doubt"] == count
    });
}

fn received(answer: &Value) -> (&Value, &Value) {
    (&answer["error_code"], &answer["result"]["SoNhanTrongKy"])
}

#[test]
fn a_push_nobody_knows_the_end_of_leaves_its_period_without_figures() {
    let month = last_month();
    let province = province_with_facts(month);
    let token = province.world.token("one-stop");
    let (from, until) = (month.to_string(), month.last_of_month().to_string());
    let ask = || ask(&province, &from, &until);
    // an odd code is a code
    let mut odd = dossier(month, 1);
    odd["MaHoSo"] = "Hồ sơ \"1\" / 2026".into();
    assert_eq!(push(&province, &token, &odd).json()["error_code"], 0);
    let counted = || received(&ask()) == (&0.into(), &"1".into());
    wait_until(Duration::from_secs(20), "it is counted", counted);

    // the portal takes it and breaks off
    let service = Some("DongBoHoSoMC".to_owned());
    let requests = Some(1);
    let trouble = portal::Trouble { service, requests, ..portal::Trouble::default() };
    province.portal.trouble(portal::Trouble { drop_answer: true, ..trouble.clone() });
    let lost = push(&province, &token, &dossier(month, 2));
    assert_eq!((lost.status, lost.fault().as_str()), (502, "provider_error"));
    wait_for_doubts(&province, 1);
    let answer = ask();
    assert_eq!(answer["error_code"], -1, "{answer}");
    assert!(answer["result"]["SoNhanTrongKy"].is_null(), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("lgsp"), "it is said: {answer}");
    wait_until(Duration::from_secs(5), "metric and alert", || {
        let request = crate::wire::request("GET", "/metrics", &[("Connection", "close")], b"");
        let ops = province.world.listening.ops;
        let metrics = Connection::open(ops).ask(request).unwrap().text();
        metrics.contains("lgsp_facts_missed 1")
            && metrics.contains("lgsp_alert{code=\"facts_missed\"} 1")
    });
    // sent again, as its system does: it exists, and that ends the doubt
    assert_eq!(push(&province, &token, &dossier(month, 2)).json()["error_code"], "3");
    wait_for_doubts(&province, 0);
    assert_eq!(received(&ask()), (&0.into(), &"2".into()));

    // the consumer leaves while the portal is at work
    province.portal.trouble(portal::Trouble { delay_ms: 60_000, ..trouble });
    let connection = start_push(&province, &token, &dossier(month, 3));
    wait_until(Duration::from_secs(10), "the portal has it", || {
        province.portal.dossiers().len() == 3
    });
    drop(connection);
    wait_for_doubts(&province, 1);
    settle_and_look(&province, &ask);
}

/// Of four groups of steps the third breaks off: two are counted, and the fourth was never sent.
#[test]
fn of_a_packet_in_groups_only_the_one_without_an_answer_is_in_doubt() {
    let month = last_month();
    let province = province_with_facts(month);
    let token = province.world.token("one-stop");
    let records: Vec<Value> = (0..35).map(|serial| dossier(month, 4 * serial)).collect();
    let ended = format!("{}160000", month.last_of_month().strftime("%Y%m%d"));
    let steps: Vec<Value> = records
        .iter()
        .map(|record| {
            let code = record["MaHoSo"].clone();
            json!({"MaHoSo": code, "NguoiXuLy": "Cán bộ thử nghiệm", "ChucDanh": "Chuyên viên",
                   "ThoiDiemXuLy": ended, "PhongBanXuLy": "Một cửa", "NoiDungXuLy": "Trả kết quả",
                   "TrangThai": "9", "NgayBatDau": ended, "NgayKetThucTheoQuyDinh": ended})
        })
        .collect();
    let post = |path, items| province.post(&token, path, &Value::from(items).to_string());
    let taken = post("/packets/DongBoHoSoMC?isUpdating=False", records);
    assert_eq!(taken.json()["error_code"], 0, "{}", taken.text());

    let service = Some("CapNhatTienDoHoSoMC".to_owned());
    let third = portal::Trouble { service, every: Some(3), ..portal::Trouble::default() };
    province.portal.trouble(portal::Trouble { drop_answer: true, ..third });
    let cut = post("/packets/CapNhatTienDoHoSoMC", steps);
    assert_eq!((cut.status, cut.fault().as_str()), (502, "provider_error"));
    wait_for_doubts(&province, 10);
    let settle = ["statistics", "settle", "refused", "--reason", REASON, "--json", "--yes"];
    assert_eq!(told(&province, &settle, 0)["count"], 10);
    let answer = ask(&province, &month.to_string(), &month.last_of_month().to_string());
    assert_eq!(received(&answer), (&0.into(), &"35".into()));
    assert_eq!(answer["result"]["TongDaXuLy"], "20", "{answer}");
}

/// An officer settles the doubt: first not confirmed, then as not taken.
fn settle_and_look(province: &Province, ask: &dyn Fn() -> Value) {
    let settle = ["statistics", "settle", "refused", "--reason", REASON, "--json"];
    assert_eq!(told(province, &settle, 1)["count"], 1);
    assert_eq!(ask()["error_code"], -1, "not without --yes");
    assert_eq!(told(province, &[&settle[..], &["--yes"]].concat(), 0)["count"], 1);
    assert_eq!(received(&ask()), (&0.into(), &"2".into()));
    wait_until(Duration::from_secs(5), "its row", || {
        let rows = province.world.rows(&["--kind", "change"]);
        rows.iter().any(|row| row["event"] == "settle" && row["after"]["reason"] == REASON)
    });
}

#[test]
fn an_officer_counts_anew_erases_and_sends_again_beside_the_running_server() {
    let month = last_month();
    let province = province_with_facts(month);
    let token = province.world.token("one-stop");
    for serial in 0..3 {
        assert_eq!(push(&province, &token, &dossier(month, serial)).json()["error_code"], 0);
    }
    let recount = ["statistics", "recount", "--json"];
    wait_until(Duration::from_secs(20), "facts are written", || {
        told(&province, &recount, 0)["dossiers"] == 3
    });
    assert_eq!(told(&province, &["statistics", "rebuild", "--json"], 1)["dossiers"], 3);
    let rebuilt = told(&province, &["statistics", "rebuild", "--json", "--yes"], 0);
    assert_eq!((&rebuilt["found_wrong"], &rebuilt["wrong"]), (&0.into(), &0.into()));

    // packets: nothing was sent yet, and only what is due and covered can be
    let span = month.strftime("%Y-%m").to_string();
    assert_eq!(told(&province, &["statistics", "list", "--json"], 0), Value::Null);
    let resend =
        |span: &str, exit| told(&province, &["statistics", "resend", span, "--json"], exit);
    assert_eq!(resend(&span, 0)["state"], "waiting");
    assert_eq!(told(&province, &["statistics", "list", "--json"], 0)["period"], span.as_str());
    let this_month = month.checked_add(1.month()).unwrap().strftime("%Y-%m").to_string();
    for refused in [this_month.as_str(), "2019-01", "2019"] {
        assert_eq!(resend(refused, 1), Value::Null, "{refused}");
    }
    assert_eq!(resend("2019-13", 2), Value::Null);

    // erasing: with a reason, a ground and --yes; the codes from a file
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.txt");
    let code = dossier(month, 1)["MaHoSo"].as_str().unwrap().to_owned();
    std::fs::write(&file, format!("\u{feff}{}\r\nKhông có\n\n", code.to_lowercase())).unwrap();
    let file = file.to_str().unwrap();
    let why = ["--reason", REASON, "--legal-ground", "Nghị định 13/2023/NĐ-CP", "--json"];
    let erase = |what: &[&str], exit| {
        told(&province, &[&["statistics", "erase"], what, &why[..]].concat(), exit)
    };
    let codes = ["--codes", file];
    assert_eq!(told(&province, &["statistics", "erase", "--codes", file, "--yes"], 2), Value::Null);
    assert_eq!(erase(&["--yes"], 2), Value::Null, "what is to be erased is said");
    let found = erase(&codes, 1);
    assert_eq!(
        (&found["named"], &found["known"], &found["erased"]),
        (&2.into(), &1.into(), &0.into())
    );
    assert_eq!(erase(&["--codes", file, "--yes"], 0)["erased"], 2);
    let (from, until) = (month.to_string(), month.last_of_month().to_string());
    assert_eq!(received(&ask(&province, &from, &until)), (&0.into(), &"2".into()));
    assert_eq!(erase(&["--all", "--yes"], 0)["erased"], 4);
    assert_eq!(told(&province, &STATUS, 0)["complete_from"], Value::Null);
    wait_until(Duration::from_secs(5), "their rows, without a code", || {
        let rows = province.world.rows(&["--kind", "change"]);
        assert!(rows.iter().all(|row| !row.to_string().contains(&code)));
        let done: Vec<&str> = rows.iter().filter_map(|row| row["event"].as_str()).collect();
        ["rebuild", "resend", "erase"].iter().all(|verb| done.contains(verb))
    });
}

#[test]
fn where_no_facts_were_kept_the_commands_say_so() {
    let province = Province::start();
    assert_eq!(told(&province, &STATUS, 0)["keep_facts"], false);
    for arguments in [["statistics", "recount"], ["statistics", "rebuild"]] {
        let output = province.world.run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("chưa từng giữ dữ kiện hồ sơ"), "{message}");
    }
}

#[test]
fn what_was_at_the_portal_when_the_server_was_killed_is_said_to_be_lost() {
    let month = last_month();
    let mut province = province_with_facts(month);
    let token = province.world.token("one-stop");
    province.portal.trouble(portal::Trouble {
        service: Some("DongBoHoSoMC".to_owned()),
        requests: Some(1),
        delay_ms: 60_000,
        ..portal::Trouble::default()
    });
    let mut connection = start_push(&province, &token, &dossier(month, 1));
    wait_until(Duration::from_secs(10), "the portal has it", || {
        province.portal.dossiers().len() == 1
    });
    province.world.kill();
    assert!(connection.answer(std::time::Instant::now()).is_none());
    province.world.restart();
    introduce(&province);
    let (from, until) = (month.to_string(), month.last_of_month().to_string());
    assert_eq!(ask(&province, &from, &until)["error_code"], -1);
    wait_until(Duration::from_secs(5), "it is lost", || told(&province, &STATUS, 0)["lost"] == 1);
    // its system sends it again; that all of it was, only people know
    let token = province.world.token("one-stop");
    assert_eq!(push(&province, &token, &dossier(month, 1)).json()["error_code"], "3");
    let settle = ["statistics", "settle", "brought-in", "--reason", REASON, "--yes", "--json"];
    assert_eq!(told(&province, &settle, 0)["count"], 1);
    wait_until(Duration::from_secs(5), "figures", || {
        received(&ask(&province, &from, &until)) == (&0.into(), &"1".into())
    });
}
