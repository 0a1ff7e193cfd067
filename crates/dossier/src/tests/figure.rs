//! The names and the arithmetic of Table 5.

use jiff::civil::date;
use serde_json::json;
use terms::random::Random;

use super::world::period;
use crate::figure::{Cut, NAMES, Sums};
use crate::mark::Counters;
use crate::{Day, Figures, Span, Unit};

/// The sample of the packet (11-DongBoThongKeHoSo.json): the same names, values and form.
#[test]
fn a_record_is_what_clients_send() {
    let figures = Figures {
        received: 200,
        carried: 50,
        finished_in_time: 199,
        finished_late: 11,
        pending_in_time: 36,
        pending_overdue: 4,
    };
    let unit = Unit { code: "000.00.00.H99".to_owned(), name: "UBND tỉnh Mẫu".to_owned() };
    let record = figures.to_record(&unit, Span::month(2024, 3).unwrap());
    let expected = json!({
        "Madonvi": "000.00.00.H99",
        "TenDonVi": "UBND tỉnh Mẫu",
        "Thang": "3",
        "Nam": "2024",
        "LoaiThongKe": "1",
        "SoNhanTrongKy": "200",
        "SoTonKyTruoc": "50",
        "TongSoXuLy": "250",
        "TongDaXuLy": "210",
        "TongXuLyDungHan": "199",
        "PhanTramXuLyDungHan": "94.76",
        "TongXuLyTreHan": "11",
        "PhanTramXuLyTreHan": "5.24",
        "TongChuaXuLy": "40",
        "TongChuaXuLyTrongHan": "36",
        "PhanTramChuaXuLyTrongHan": "90.00",
        "TongChuaXuLyTreHan": "4",
        "PhanTramChuaXuLyTreHan": "10.00"
    });
    assert_eq!(serde_json::Value::from(record.clone()), expected);
    assert!(NAMES.iter().all(|name| record.contains_key(*name)) && record.len() == NAMES.len());
    let year = figures.to_record(&unit, Span::year(2024).unwrap());
    assert_eq!(
        (&year["Thang"], &year["Nam"], &year["LoaiThongKe"]),
        (&json!(""), &json!("2024"), &json!("2"))
    );
    // for any other period the five names that say which unit and month are not there
    let free = figures.to_map();
    assert!(NAMES.iter().enumerate().all(|(at, name)| free.contains_key(*name) == (at >= 5)));
}

#[test]
fn shares_have_two_decimals() {
    for (first, second, expected) in [
        (0, 0, ("0.00", "0.00")),
        (0, 7, ("0.00", "100.00")),
        (7, 0, ("100.00", "0.00")),
        (1, 2, ("33.33", "66.67")),
        (2, 1, ("66.67", "33.33")),
        // half up, each by itself, as programs do
        (1, 31, ("3.13", "96.88")),
        (1, 19_999, ("0.01", "100.00")),
        (1, 31_999, ("0.00", "100.00")),
        (u64::MAX / 2, u64::MAX / 2, ("50.00", "50.00")),
    ] {
        let figures =
            Figures { pending_in_time: first, pending_overdue: second, ..Figures::default() };
        let map = figures.to_map();
        let shares = (&map["PhanTramChuaXuLyTrongHan"], &map["PhanTramChuaXuLyTreHan"]);
        assert_eq!(shares, (&json!(expected.0), &json!(expected.1)), "{first} {second}");
    }
}

#[test]
fn each_figure_is_its_sum() {
    let day = |day| Day::from(date(2026, 3, day));
    let counters = |received, in_time, late, opened, closed| Counters {
        received,
        finished_in_time: in_time,
        finished_late: late,
        overdue_opened: opened,
        overdue_closed: closed,
    };
    // 10 accepted on the 2nd; 3 finished in time on the 5th; the others overdue from the 9th on;
    // 2 of them finished on the 10th; 1 more accepted on the 12th, overdue from the 16th on
    let days = [
        (day(2), counters(10, 0, 0, 0, 0)),
        (day(5), counters(0, 3, 0, 0, 0)),
        (day(9), counters(0, 0, 0, 7, 0)),
        (day(10), counters(0, 0, 2, 0, 2)),
        (day(12), counters(1, 0, 0, 0, 0)),
        (day(16), counters(0, 0, 0, 1, 0)),
    ];
    let figures = |from, to, today| {
        let cut = Cut::new(period(date(2026, 3, from), date(2026, 3, to)), day(today));
        let mut sums = Sums::default();
        days.iter().for_each(|(day, counters)| sums.add_day(cut, *day, counters));
        let f = sums.figures().unwrap();
        let finished = (f.finished_in_time, f.finished_late);
        ((f.carried, f.received), finished, (f.pending_in_time, f.pending_overdue))
    };
    for (from, to, today, expected) in [
        (1, 31, 31, ((0, 11), (3, 2), (0, 6))),
        (1, 1, 31, ((0, 0), (0, 0), (0, 0))),
        (2, 4, 31, ((0, 10), (0, 0), (10, 0))),
        (3, 8, 31, ((10, 0), (3, 0), (7, 0))),
        (3, 9, 31, ((10, 0), (3, 0), (0, 7))),
        (9, 9, 31, ((7, 0), (0, 0), (0, 7))),
        (10, 14, 31, ((7, 1), (0, 2), (1, 5))),
        // a period that reaches beyond today shows today
        (10, 31, 13, ((7, 1), (0, 2), (1, 5))),
        // one that is wholly to come: what is carried into it
        (20, 31, 13, ((6, 0), (0, 0), (1, 5))),
    ] {
        assert_eq!(figures(from, to, today), expected, "{from} to {to}, asked on {today}");
    }
    let broken = Sums { in_time: 1, ..Sums::default() };
    assert_eq!(broken.figures(), None, "below zero is never a figure");
}

/// The names are those of the packet's table, in its order, and what is made of any figures passes
/// the platform's own check, strictest mode; what adds up the figures of several systems computes
/// the same map.
#[test]
fn the_platforms_own_check_takes_the_packets() {
    let tables = packet::Tables::builtin();
    let on = date(2026, 3, 15);
    let table = tables.find(crate::packet::STATISTICS, on).unwrap();
    let counted = table.fields.iter().filter(|field| field.counted);
    let names: Vec<_> = counted.map(|field| field.name.as_deref().unwrap()).collect();
    assert_eq!(names, NAMES);
    let seed = 5;
    println!("seed {seed}");
    let random = Random::seeded(seed);
    let unit = Unit { code: "000.00.00.H99".to_owned(), name: "UBND tỉnh Mẫu".to_owned() };
    for round in 0..200 {
        let number = || match random.bytes::<2>() {
            [0..100, _] => 0,
            [100..200, low] => u64::from(low),
            [_, low] => u64::from(low) << 24 | round,
        };
        let figures = Figures {
            received: number(),
            carried: number(),
            finished_in_time: number(),
            finished_late: number(),
            ..Figures::default()
        };
        let pending = figures.total().saturating_sub(figures.finished());
        let overdue = pending / 3;
        let figures =
            Figures { pending_in_time: pending - overdue, pending_overdue: overdue, ..figures };
        if figures.total() != figures.finished() + figures.pending() {
            continue;
        }
        assert_eq!(packet::statistic::add(&[figures.to_map()]), figures.to_map());
        for span in [Span::month(2026, 2).unwrap(), Span::year(2025).unwrap()] {
            let data = json!({
                "session": "s",
                "madonvi": unit.code,
                "service": crate::packet::STATISTICS,
                "data": [figures.to_record(&unit, span)],
            });
            let body = data.to_string();
            let report = packet::judge(
                &tables,
                crate::packet::STATISTICS,
                packet::Side::Request,
                body.as_bytes(),
                Some("application/json"),
                on,
            );
            assert!(report.violations.is_empty(), "{body}: {:?}", report.violations);
        }
    }
}
