//! The figures of Table 5 of QCVN 120:2019 and how each is made of sums over daily counters.
//!
//! The text of the standard was not at hand. The 18 names are those that two independent public
//! programs share; their meanings are read from the names, and the rules that the totals are sums
//! of their parts are inferred. What is less certain stands at the function that makes it.

use serde_json::{Map, Value};

use crate::mark::Counters;
use crate::moment::Day;
use crate::period::{Period, Span};

/// The 18 names, in the order in which two programs send them (the official order is unknown).
pub const NAMES: [&str; 18] = [
    "Madonvi",
    "TenDonVi",
    "Thang",
    "Nam",
    "LoaiThongKe",
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

/// Which days count for what. The figures show the state at the end of the period, or as it is
/// today when the period ends later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Before this day: carried over.
    pub from: Day,
    /// The last day that counts.
    pub end: Day,
}

impl Cut {
    /// The period, cut at `today`.
    pub fn new(period: Period, today: Day) -> Cut {
        Cut { from: period.from(), end: period.to().min(today) }
    }
}

/// The five sums from which all figures follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Accepted minus finished before the period: `SoTonKyTruoc`.
    pub carried: i64,
    /// Accepted in the period: `SoNhanTrongKy`.
    pub received: i64,
    /// Finished in the period, in time: `TongXuLyDungHan`.
    pub in_time: i64,
    /// Finished in the period, late: `TongXuLyTreHan`.
    pub late: i64,
    /// Overdue opened minus overdue closed up to its end: `TongChuaXuLyTreHan`.
    pub overdue: i64,
}

impl Sums {
    /// Adds the counters of one day. The statement in `store.rs` says the same in SQL.
    pub fn add_day(&mut self, cut: Cut, day: Day, counters: &Counters) {
        let finished = counters.finished_in_time + counters.finished_late;
        if day > cut.end {
            return;
        }
        if day < cut.from {
            self.carried += counters.received - finished;
        } else {
            self.received += counters.received;
            self.in_time += counters.finished_in_time;
            self.late += counters.finished_late;
        }
        self.overdue += counters.overdue_opened - counters.overdue_closed;
    }

    /// Adds the sums of another agency.
    pub fn add(&mut self, other: &Sums) {
        self.carried += other.carried;
        self.received += other.received;
        self.in_time += other.in_time;
        self.late += other.late;
        self.overdue += other.overdue;
    }

    /// `None` when a figure would be below zero: the counters are damaged.
    pub fn figures(&self) -> Option<Figures> {
        let pending = self.carried + self.received - self.in_time - self.late;
        let figure = |sum: i64| u64::try_from(sum).ok();
        Some(Figures {
            received: figure(self.received)?,
            carried: figure(self.carried)?,
            finished_in_time: figure(self.in_time)?,
            finished_late: figure(self.late)?,
            pending_in_time: figure(pending - self.overdue)?,
            pending_overdue: figure(self.overdue)?,
        })
    }
}

/// The six independent figures of Table 5; the others are their sums and shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// `SoNhanTrongKy`: accepted in the period.
    pub received: u64,
    /// `SoTonKyTruoc`: accepted before it and not finished before it.
    pub carried: u64,
    /// `TongXuLyDungHan`: finished in it, at the latest on the day of `NgayHenTra` (whether the
    /// hour counts is not certain: days are compared). A dossier without a limit is in time.
    pub finished_in_time: u64,
    /// `TongXuLyTreHan`: finished in it, after the day of `NgayHenTra`.
    pub finished_late: u64,
    /// `TongChuaXuLyTrongHan`: pending at its end, its last day not after that of `NgayHenTra`.
    pub pending_in_time: u64,
    /// `TongChuaXuLyTreHan`: pending at its end, its last day after that of `NgayHenTra`.
    pub pending_overdue: u64,
}

impl Figures {
    /// `TongSoXuLy` = `SoNhanTrongKy` + `SoTonKyTruoc` (inferred).
    pub fn total(&self) -> u64 {
        self.received + self.carried
    }

    /// `TongDaXuLy` = in time + late (inferred).
    pub fn finished(&self) -> u64 {
        self.finished_in_time + self.finished_late
    }

    /// `TongChuaXuLy` = in time + overdue (inferred).
    pub fn pending(&self) -> u64 {
        self.pending_in_time + self.pending_overdue
    }

    /// The 13 names of Table 5 that hold figures, each as text, as clients send numbers: counts in
    /// full, shares in per cent with two decimals. Of nothing both shares are `0.00` (not certain:
    /// no program was seen to send a period without dossiers).
    pub fn to_map(&self) -> Map<String, Value> {
        let count = |figure: u64| figure.to_string();
        let values = [
            count(self.received),
            count(self.carried),
            count(self.total()),
            count(self.finished()),
            count(self.finished_in_time),
            share(self.finished_in_time, self.finished()),
            count(self.finished_late),
            share(self.finished_late, self.finished()),
            count(self.pending()),
            count(self.pending_in_time),
            share(self.pending_in_time, self.pending()),
            count(self.pending_overdue),
            share(self.pending_overdue, self.pending()),
        ];
        let names = NAMES[NAMES.len() - values.len()..].iter();
        names.zip(values).map(|(name, value)| ((*name).to_owned(), value.into())).collect()
    }

    /// One record of `DongBoThongKeHoSo`, the 18 names: of this unit for this month or year. That
    /// `LoaiThongKe` is 1 for a month is seen in a client; that it is 2 for a year, and that
    /// `Thang` is then the empty text (the packets' form of "no value"), is inferred.
    pub fn to_record(&self, unit: &Unit, span: Span) -> Map<String, Value> {
        let month = span.of_month().map(|month| month.to_string()).unwrap_or_default();
        let kind = if month.is_empty() { "2" } else { "1" };
        let head = [
            unit.code.clone(),
            unit.name.clone(),
            month,
            span.of_year().to_string(),
            kind.to_owned(),
        ];
        let head = NAMES.iter().zip(head).map(|(name, value)| ((*name).to_owned(), value.into()));
        head.chain(self.to_map()).collect()
    }
}

/// A unit for which a record is sent: `Madonvi` and `TenDonVi`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its code, as the portal knows it; it covers the agencies below it
    /// ([`crate::unit::covers`]).
    pub code: String,
    /// Its name.
    pub name: String,
}

/// The share of a part, in per cent with two decimals, rounded half up; of nothing `0.00`.
fn share(part: u64, whole: u64) -> String {
    let (part, whole) = (u128::from(part), u128::from(whole));
    let share = (part * 20_000 + whole).checked_div(2 * whole).unwrap_or(0);
    format!("{}.{:02}", share / 100, share % 100)
}
