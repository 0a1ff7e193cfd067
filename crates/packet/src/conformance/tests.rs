//! The report of a system.

use jiff::civil::date;

use super::*;

#[test]
fn rows_are_counted_and_every_packet_is_on_the_page() {
    let tables = Tables::builtin();
    let mut tally = Tally::default();
    let rows = [
        ("one-stop", "DongBoHoSoMC", Verdict::Ok, "", 3),
        ("one-stop", "DongBoHoSoMC", Verdict::Refused, "required@data[0].MaHoSo", 1),
        ("one-stop", "DongBoHoSoMC", Verdict::Refused, "required@data[7].MaHoSo +3", 1),
        ("one-stop", "CapNhatTienDoHoSoMC", Verdict::Report, "group_size@data", 2),
        ("<b>", "Khac", Verdict::Ok, "", 1),
    ];
    for (system, packet, verdict, summary, count) in rows {
        tally.add(Row { system, packet, verdict, summary, count });
    }
    let count = tally.count("one-stop", "DongBoHoSoMC").unwrap();
    assert_eq!((count.calls, count.ok, count.report, count.refused), (5, 3, 0, 2));
    assert_eq!(count.findings["required@data[].MaHoSo"], 2, "records are not told apart");
    assert_eq!(count.verdict(), "fails");
    assert_eq!(tally.systems().collect::<Vec<_>>(), ["<b>", "one-stop"]);

    let on = date(2026, 11, 22);
    let json: serde_json::Value = serde_json::from_str(&tally.json(&tables, on)).unwrap();
    let packets = json["systems"][1]["packets"].as_array().unwrap();
    assert_eq!(packets.len(), 15);
    assert_eq!(packets[0]["verdict"], "fails");
    assert_eq!(packets[1]["verdict"], "findings");
    assert_eq!(packets[2]["verdict"], "not_seen");
    assert_eq!(packets[6]["known"], 0);
    assert_eq!(json["systems"][0]["packets"].as_array().unwrap().len(), 16, "what no table has");

    for language in [Language::Vi, Language::En] {
        let page = tally.html(&tables, on, language);
        assert_eq!(page.matches("<tr class=").count(), 31);
        assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"), "names are escaped");
        assert!(!page.contains("<script") && !page.contains("href"));
    }
}
