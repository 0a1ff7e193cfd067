//! The figures of Table 5, counted by the portal itself from the dossiers it holds.
//!
//! What each name counts is inferred from the names: the standard's own words were not at hand.

use serde::Serialize;

use super::Dossier;

/// The figures of Table 5, after unit, period and kind.
pub(super) const NAMES: [&str; 13] = [
    "SoNhanTrongKy",
    "SoTonKyTruoc",
    "TongSoXuLy",
    "TongDaXuLy",
    "TongXuLyDungHan",
    "PhanTramXuLyDungHan",
    "TongXuLyTreHan",
    "PhanTramXuLyTreHan",
    "TongChuaXuLy",
    "TongChuaXuLyTrongHan",
    "PhanTramChuaXuLyTrongHan",
    "TongChuaXuLyTreHan",
    "PhanTramChuaXuLyTreHan",
];

/// The counts of one period, both days included. Serialised under the names of Table 5, each value
/// as text, as in the samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// `SoNhanTrongKy`: accepted in the period.
    pub received: u64,
    /// `SoTonKyTruoc`: accepted before it and not finished before it.
    pub carried: u64,
    /// `TongXuLyDungHan`: finished in it, at the latest on the day promised.
    pub done_in_time: u64,
    /// `TongXuLyTreHan`: finished in it, later than promised.
    pub done_late: u64,
    /// `TongChuaXuLyTrongHan`: not finished by its last day, nor overdue.
    pub open_in_time: u64,
    /// `TongChuaXuLyTreHan`: not finished by its last day, and overdue on it.
    pub open_late: u64,
}

impl Serialize for Figures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.table())
    }
}

impl Figures {
    /// `TongSoXuLy`: all that was to be dealt with.
    pub fn total(&self) -> u64 {
        self.received + self.carried
    }

    /// `TongDaXuLy`
    pub fn done(&self) -> u64 {
        self.done_in_time + self.done_late
    }

    /// `TongChuaXuLy`
    pub fn open(&self) -> u64 {
        self.open_in_time + self.open_late
    }

    /// Each name of Table 5 with its value.
    pub fn table(&self) -> [(&'static str, String); 13] {
        let values = [
            self.received.to_string(),
            self.carried.to_string(),
            self.total().to_string(),
            self.done().to_string(),
            self.done_in_time.to_string(),
            percent(self.done_in_time, self.done()),
            self.done_late.to_string(),
            percent(self.done_late, self.done()),
            self.open().to_string(),
            self.open_in_time.to_string(),
            percent(self.open_in_time, self.open()),
            self.open_late.to_string(),
            percent(self.open_late, self.open()),
        ];
        let mut values = values.into_iter();
        NAMES.map(|name| (name, values.next().unwrap_or_default()))
    }

    /// Counts one dossier. Dates are `yyyyMMdd…`, compared as text; empty for none.
    pub fn count(&mut self, case: &Case, from: &str, until: &str) {
        let accepted = day(&case.accepted);
        if accepted.is_empty() || accepted > until {
            return;
        }
        let finished = Some(day(&case.finished)).filter(|day| !day.is_empty());
        if finished.is_some_and(|finished| finished < from) {
            return;
        }
        if accepted >= from {
            self.received += 1;
        } else {
            self.carried += 1;
        }
        let promised = Some(day(&case.promised)).filter(|day| !day.is_empty());
        match finished.filter(|finished| *finished <= until) {
            Some(finished) if promised.is_none_or(|promised| finished <= promised) => {
                self.done_in_time += 1;
            }
            Some(_) => self.done_late += 1,
            None if promised.is_none_or(|promised| until <= promised) => self.open_in_time += 1,
            None => self.open_late += 1,
        }
    }
}

/// The dates of a dossier that figures need, as sent; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// NgayTiepNhan
    pub accepted: String,
    /// NgayHenTra
    pub promised: String,
    /// NgayKetThucXuLy, or NgayTra where that is empty
    pub finished: String,
}

/// Two decimals, rounded half up; `0.00` of nothing.
fn percent(part: u64, whole: u64) -> String {
    let hundredths = (part * 10_000 + whole / 2).checked_div(whole).unwrap_or(0);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The first eight digits: `yyyyMMdd`.
fn day(text: &str) -> &str {
    text.get(..8).unwrap_or_default()
}

/// Counts `dossiers` whose code begins with `unit` (all, when it is empty) from the day `from` to
/// the day `until`, both `yyyyMMdd`.
pub(super) fn count<'a>(
    dossiers: impl Iterator<Item = &'a Dossier>,
    from: &str,
    until: &str,
    unit: &str,
) -> Figures {
    let mut figures = Figures::default();
    for dossier in dossiers.filter(|dossier| dossier.code.starts_with(unit)) {
        figures.count(&dossier.case(), from, until);
    }
    figures
}
