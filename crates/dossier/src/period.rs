//! Periods of statistics: any span of days, and the months and years for which packets are sent.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::moment::Day;

/// From one day to another, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    from: Day,
    to: Day,
}

impl Period {
    /// `None` when it ends before it begins.
    pub fn new(from: Date, to: Date) -> Option<Period> {
        (from <= to).then(|| Period { from: from.into(), to: to.into() })
    }

    /// Its first day.
    pub fn from(self) -> Day {
        self.from
    }

    /// Its last day.
    pub fn to(self) -> Day {
        self.to
    }
}

/// A month or a year: the only periods for which `DongBoThongKeHoSo` is sent (QCV-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First, so that spans are ordered by time.
    year: i16,
    /// 1 to 12; 13 for the whole year, which ends with its last month and comes after it.
    part: i8,
}

/// Stands for the whole year.
const YEAR: i8 = 13;
/// Years that can be asked for.
const YEARS: std::ops::RangeInclusive<i16> = 1950..=2199;

impl Span {
    /// A month; `None` when there is no such one.
    pub fn month(year: i16, month: i8) -> Option<Span> {
        ((1..=12).contains(&month) && YEARS.contains(&year)).then_some(Span { year, part: month })
    }

    /// A year; `None` outside 1950 to 2199.
    pub fn year(year: i16) -> Option<Span> {
        YEARS.contains(&year).then_some(Span { year, part: YEAR })
    }

    /// Reads what is printed: `2026-03`, `2026`.
    pub fn parse(text: &str) -> Option<Span> {
        let digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
        match text.split_once('-') {
            Some((year, month)) if digits(year, 4) && digits(month, 2) => {
                Span::month(year.parse().ok()?, month.parse().ok()?)
            }
            None if digits(text, 4) => Span::year(text.parse().ok()?),
            _ => None,
        }
    }

    /// Its year.
    pub fn of_year(self) -> i16 {
        self.year
    }

    /// Its month; `None` for a whole year.
    pub fn of_month(self) -> Option<i8> {
        (self.part != YEAR).then_some(self.part)
    }

    /// Its first day.
    pub fn first(self) -> Date {
        let month = if self.part == YEAR { 1 } else { self.part };
        Date::new(self.year, month, 1).unwrap_or(Date::ZERO)
    }

    /// The first day after it.
    pub fn after(self) -> Date {
        let length = if self.part == YEAR { 1.year() } else { 1.month() };
        self.first().saturating_add(length)
    }

    /// Its days.
    pub fn period(self) -> Period {
        let last = self.after().saturating_sub(1.day());
        Period { from: self.first().into(), to: last.into() }
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.of_month() {
            Some(month) => write!(f, "{:04}-{month:02}", self.year),
            None => write!(f, "{:04}", self.year),
        }
    }
}
