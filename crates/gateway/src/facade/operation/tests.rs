//! Which names a row may keep.

use packet::Tables;

use super::{Operation, as_served, of_path};

#[test]
fn a_name_that_a_caller_made_up_is_none() {
    let (tables, on) = (Tables::builtin(), jiff::civil::date(2026, 1, 1));
    let table = [
        ("DongBoHoSoMC", Some("DongBoHoSoMC")),
        ("dongbohosomc", Some("DongBoHoSoMC")),
        ("TRACUUHOSO", Some("TraCuuHoSo")),
        ("NhanHsDvcqg", Some("nhanhsdvcqg")),
        ("NguyenVanAn", None),
        ("001099000001", None),
        ("mapi", None),
        ("DongBoHoSoMC ", None),
        ("", None),
    ];
    for (written, expected) in table {
        let known = Operation::known(&tables, on, None, written).map(Operation::text);
        assert_eq!(known.as_deref(), expected, "{written}");
    }
    // one that is not yet in force
    let early = jiff::civil::date(1999, 1, 1);
    let known = Operation::known(&tables, early, None, "dongbohosomc").map(Operation::text);
    assert_eq!(known.as_deref(), Some("DongBoHoSoMC"));
}

#[test]
fn a_path_names_its_first_segment() {
    assert_eq!(["//a/b", "a", "/", "", "/a;x/b"].map(of_path), ["a", "a", "", "", "a;x"]);
    assert_eq!(["a;x=1", "a", ";a"].map(as_served), ["a", "a", ""]);
}
