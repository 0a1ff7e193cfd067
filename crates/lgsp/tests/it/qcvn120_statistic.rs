//! QCVN 120, statistics: any period on demand, month and year by packet (QCV-04, QCV-05).

use std::time::Duration;

use jiff::civil::Date;
use jiff::{ToSpan, Zoned};
use serde_json::{Value, json};
use simulator::one_stop::{self, Holding, OneStop};
use simulator::portal;
use simulator::portal::{Figures, Key, Question};

use crate::province::{Province, UNIT};
use crate::wire::Answer;
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
