//! Statistics on demand: several sources, one of them silent.

use serde_json::{Value, json as value};
use simulator::one_stop::{self, OneStop};
use simulator::portal::Trouble;
use terms::exchange::Outcome;

use super::{Province, json};

/// Two one-stop systems and what the registry says of them.
fn sources(province: &Province) -> [OneStop; 2] {
    let start = |seed| {
        let holdings = one_stop::synthetic(seed, 300);
        let settings = one_stop::Settings { holdings, ..one_stop::Settings::default() };
        province.world.block_on(one_stop::start(settings)).unwrap()
    };
    let both = [start(1), start(2)];
    let entries: String = both
        .iter()
        .zip(["so-lieu-a", "so-lieu-b"])
        .map(|(one, code)| {
            format!(
                "  - {{ code: {code}, provider: H01.009, name: Số liệu, context: /{code}, \
                 role: statistics, versions: [{{ version: \"1.0\", timeout: 2s, \
                 endpoints: {{ live: [\"{}/api/thong-ke\"] }} }}] }}\n",
                one.base()
            )
        })
        .collect();
    province.world.apply(&format!(
        "services:\n{entries}subscriptions:\n  - {{ system: one-stop, service: thong-ke, \
         version: \"1.0\", environment: live }}\n"
    ));
    both
}

fn figure(answer: &Value, name: &str) -> u64 {
    answer["result"][name].as_str().unwrap_or_else(|| panic!("{answer}")).parse().unwrap()
}

#[test]
fn the_sum_of_all_sources_for_odd_periods() {
    let province = Province::start();
    let both = sources(&province);
    let periods = [
        ("2024-02-28", "2024-03-01"),
        ("2023-01-01", "2025-12-31"),
        ("20240704", "20240704"),
        ("2024-06-15", "20250203"),
        ("2030-01-01", "2030-01-02"),
    ];
    for (from, until) in periods {
        let answer = province.get_known(&format!("/thong-ke?tu={from}&den={until}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = json(&answer);
        assert_eq!(told["error_code"], 0);
        assert_eq!(told["message"], "Thành công");
        let (from, until) = (from.replace('-', ""), until.replace('-', ""));
        let counted = both.each_ref().map(|one| one.figures(&from, &until, ""));
        let text = serde_json::to_value(counted[0]).unwrap();
        for name in ["SoNhanTrongKy", "TongDaXuLy", "TongChuaXuLyTreHan"] {
            let sum: u64 = counted
                .iter()
                .map(|one| {
                    let one = serde_json::to_value(one).unwrap();
                    one[name].as_str().unwrap_or_else(|| panic!("{text}")).parse::<u64>().unwrap()
                })
                .sum();
            assert_eq!(figure(&told, name), sum, "{from} {until} {name}");
        }
        assert_eq!(told["sources"][0]["system"], "so-lieu-a");
        assert_eq!(told["sources"][1]["state"], "ok");
    }
}

#[test]
fn each_source_is_a_leg_of_the_call() {
    let province = Province::start();
    let both = sources(&province);
    let target = "/thong-ke?tu=2024-01-01&den=20240131&donvi=000.00.01.H99";
    let answer = province.get_known(target);
    let row = province.world.row(&answer);
    assert_eq!((row.service.as_deref(), row.version.as_deref()), (Some("thong-ke"), Some("1.0")));
    assert_eq!((row.facade, row.provider_member.as_deref()), (None, None));
    assert_eq!((row.outcome, row.status), (Some(Outcome::Answered), Some(200)));
    let legs: Vec<_> = province
        .world
        .rows(&journal::Filter::default())
        .into_iter()
        .filter(|leg| leg.parent == Some(row.exchange_id))
        .collect();
    assert_eq!(legs.len(), 2);
    for leg in legs {
        assert_eq!(leg.consumer_system.as_deref(), Some("one-stop"));
        assert_eq!(leg.provider_member.as_deref(), Some("H01.009"));
        assert!(leg.service.as_deref().is_some_and(|code| code.starts_with("so-lieu-")));
        assert_eq!((leg.outcome, leg.attempts), (Some(Outcome::Answered), Some(1)));
        assert!(leg.upstream.is_some() && leg.response_bytes > Some(0));
    }
    let asked = both[0].received()[0].clone();
    let asked = format!("{asked:?}");
    assert!(asked.contains("tu=2024-01-01&den=2024-01-31&donvi=000.00.01.H99"), "{asked}");
}

#[test]
fn a_silent_source_is_named_and_nothing_is_guessed_for_it() {
    let province = Province::start();
    let both = sources(&province);
    let target = "/thong-ke?tu=2024-01-01&den=20241231";
    let alone = both[0].figures("20240101", "20241231", "");
    let alone = serde_json::to_value(alone).unwrap()["SoNhanTrongKy"].clone();
    let troubles = [
        (Trouble { status: Some(503), ..Trouble::default() }, "missing"),
        (Trouble { body: Some("<p>soon</p>".to_owned()), ..Trouble::default() }, "missing"),
        (
            Trouble { body: Some("{\"error_code\":\"-1\"}".to_owned()), ..Trouble::default() },
            "missing",
        ),
        (Trouble { drop_answer: true, ..Trouble::default() }, "missing"),
        (Trouble { delay_ms: 4_000, ..Trouble::default() }, "late"),
    ];
    for (trouble, state) in troubles {
        both[1].trouble(trouble.clone());
        let told = json(&province.get_known(target));
        assert_eq!(told["error_code"], 0, "{trouble:?}");
        assert_eq!(told["sources"][1]["state"], state, "{trouble:?} {told}");
        assert_eq!(told["sources"][1]["result"], Value::Null);
        assert_eq!(told["sources"][0]["state"], "ok");
        assert!(told["message"].as_str().unwrap().contains("so-lieu-b"), "{told}");
        assert_eq!(told["result"]["SoNhanTrongKy"], alone);
    }
    both[0].trouble(Trouble { status: Some(500), ..Trouble::default() });
    both[1].trouble(Trouble { status: Some(500), ..Trouble::default() });
    let told = json(&province.get_known(target));
    assert_eq!((&told["error_code"], &told["result"]), (&value!(-1), &value!({})));
}

#[test]
fn who_may_ask_and_what() {
    let province = Province::start();
    let target = "/thong-ke?tu=2024-01-01&den=2024-01-31";
    assert_eq!(province.get_known(target).fault(), "not_subscribed");
    assert_eq!(province.say("GET", target, "", "").fault(), "token_missing");
    let _both = sources(&province);
    assert_eq!(province.post_known(target, "").fault(), "method_not_allowed");
    let table = [
        "?den=2024-01-31",
        "?tu=2024-01-01",
        "?tu=2024-02-30&den=2024-03-01",
        "?tu=2024-1-1&den=2024-03-01",
        "?tu=01012024&den=2024-03-01",
        "?tu=2024-03-02&den=2024-03-01",
        "?tu=2024-03-01&tu=2024-03-02&den=2024-03-03",
        "?tu=2024-03-01&den=2024-03-03&donvi=a%26tu=1",
        "?tu=2024-03-01&den=2024-03-03&donv%69=a%26b",
        "?tu=2024-03-01&den=2024-03-03&donvi=a&DONVI=b",
        "?tu=2024-03-01&den=2024-03-03&donvi=%ff",
        "?tu=2024-03-01&den=2024-03-03&%ff=a",
        "",
    ];
    for query in table {
        let answer = province.get_known(&format!("/thong-ke{query}"));
        assert_eq!(answer.fault(), "parameter_invalid", "{query}");
    }
    assert_eq!(json(&province.get_known("//thong-ke/?tu=20240101&den=20240101"))["error_code"], 0);
}
