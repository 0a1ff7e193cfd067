//! The source of statistics: what it answers is what a count by hand gives.

use serde_json::Value;

use super::{Holding, OneStop, Settings, figures, start, synthetic};
use crate::portal::{Case, Trouble};
use crate::tests::get;

async fn ask(system: &OneStop, query: &str) -> Value {
    let heard = get(system.address, &format!("/api/thong-ke?{query}")).await;
    serde_json::from_slice(heard.body()).unwrap_or_default()
}

#[tokio::test]
async fn it_counts_what_it_holds_for_any_period() {
    let holding = |code: &str, accepted: &str, finished: &str| Holding {
        code: code.to_owned(),
        case: Case {
            accepted: accepted.to_owned(),
            promised: "20240310".to_owned(),
            finished: finished.to_owned(),
        },
    };
    let holdings = vec![
        holding("A-1", "20240301", "20240310"),
        holding("A-2", "20240301", "20240311"),
        holding("B-1", "20240301", ""),
    ];
    let system = start(Settings { holdings, ..Settings::default() }).await.unwrap();
    // query, received, carried, done in time, done late, open in time, open late
    let table = [
        ("tu=2024-03-01&den=2024-03-31", ["3", "0", "1", "1", "0", "1"]),
        ("tu=20240302&den=20240310", ["0", "3", "1", "0", "2", "0"]),
        ("tu=20240301&den=20240301&donvi=A", ["2", "0", "0", "0", "2", "0"]),
        ("tu=20250101&den=20251231", ["0", "1", "0", "0", "0", "1"]),
    ];
    let names = [
        "SoNhanTrongKy",
        "SoTonKyTruoc",
        "TongXuLyDungHan",
        "TongXuLyTreHan",
        "TongChuaXuLyTrongHan",
        "TongChuaXuLyTreHan",
    ];
    for (query, expected) in table {
        let told = ask(&system, query).await;
        assert_eq!(told["error_code"], 0);
        let told = names.map(|name| told["result"][name].as_str().unwrap().to_owned());
        assert_eq!(told, expected, "{query}");
    }
    for query in ["tu=2024-03-01", "tu=x&den=20240310", "tu=2024-3-1&den=20240310"] {
        assert_eq!(ask(&system, query).await["error_code"], -1, "{query}");
    }
    system.hold(Vec::new());
    assert_eq!(ask(&system, "tu=20240301&den=20240331").await["result"]["TongSoXuLy"], "0");
    assert_eq!(system.received().len(), 8);
}

#[tokio::test]
async fn it_makes_trouble_on_demand() {
    let system = start(Settings::default()).await.unwrap();
    let query = "tu=20240301&den=20240331";
    system.trouble(Trouble { status: Some(500), ..Trouble::default() });
    assert_eq!(get(system.address, &format!("/?{query}")).await.status(), "500");
    system.trouble(Trouble { drop_answer: true, ..Trouble::default() });
    assert!(get(system.address, &format!("/?{query}")).await.bytes.is_empty());
    system.trouble(Trouble { body: Some("no JSON".to_owned()), ..Trouble::default() });
    assert_eq!(ask(&system, query).await, Value::Null);
    system.trouble(Trouble::default());
    assert_eq!(ask(&system, query).await["error_code"], 0);
    system.stop().await;
}

#[test]
fn made_up_dossiers_are_the_same_for_the_same_seed_and_add_up() {
    let holdings = synthetic(7, 500);
    assert_eq!((&holdings, holdings.len()), (&synthetic(7, 500), 500));
    assert_ne!(holdings, synthetic(8, 500));
    let whole = figures(&holdings, "20230101", "20261231", "");
    assert_eq!((whole.received, whole.carried), (500, 0));
    let kinds = [whole.done_in_time, whole.done_late, whole.open()];
    assert!(kinds.iter().all(|count| *count > 20), "of each kind some: {kinds:?}");
    for (from, until) in
        [("20230101", "20230131"), ("20240229", "20240229"), ("20230615", "20251102")]
    {
        let part = figures(&holdings, from, until, "");
        assert_eq!(part.total(), part.done() + part.open(), "{from} to {until}");
        let units =
            (1..=9).map(|unit| figures(&holdings, from, until, &format!("000.00.0{unit}.H99")));
        assert_eq!(units.map(|unit| unit.total()).sum::<u64>(), part.total());
    }
    assert!(holdings.iter().all(|holding| {
        let (code, accepted) = (&holding.code, &holding.case.accepted);
        code[14..20] == accepted[2..8]
    }));
}
