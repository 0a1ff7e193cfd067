//! A civil time as packets write it, and its day.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use terms::clock::Timestamp;

/// Dates outside these years are fillers of programs (`00010101…`, `99991231…`), not dates.
const YEARS: std::ops::RangeInclusive<i16> = 1950..=2199;
/// What separates the day from the time of the day in the number.
const TIMES: i64 = 1_000_000;

/// A civil time of the platform's zone, as the number `yyyyMMddHHmmss` in which packets write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment(i64);

impl Moment {
    /// Reads `yyyyMMddHHmmss` (the rule of the packets) and what is met beside it: `yyyyMMdd`,
    /// `yyyyMMddHHmm`, `dd/MM/yyyy` with or without a time, ISO 8601 with or without a time and an
    /// offset (which is moved into `zone`). `None` for an empty text, an impossible date, a year
    /// before 1950 or after 2199.
    pub fn parse(text: &str, zone: &TimeZone) -> Option<Moment> {
        let text = text.trim();
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Moment::from_digits(text);
        }
        if text.contains('/') {
            return Moment::from_slashes(text);
        }
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Moment::new(instant.to_zoned(zone.clone()).datetime());
        }
        let date = || text.parse::<Date>().map(|date| date.to_datetime(Time::midnight()));
        text.parse::<DateTime>().or_else(|_| date()).ok().and_then(Moment::new)
    }

    fn from_digits(text: &str) -> Option<Moment> {
        let number: i64 = text.parse().ok()?;
        Moment::from_number(match text.len() {
            14 => number,
            12 => number * 100,
            8 => number * TIMES,
            _ => return None,
        })
    }

    /// `dd/MM/yyyy`, `dd/MM/yyyy HH:mm`, `dd/MM/yyyy HH:mm:ss`.
    fn from_slashes(text: &str) -> Option<Moment> {
        let (date, time) = text.split_once(' ').unwrap_or((text, ""));
        let part = |text: &str, digits: usize| -> Option<i64> {
            let right = (1..=digits).contains(&text.len());
            (right && text.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| text.parse().ok())
                .flatten()
        };
        let mut date = date.split('/');
        let (day, month) = (part(date.next()?, 2)?, part(date.next()?, 2)?);
        let year = part(date.next()?, 4)?;
        let mut times = [0; 3];
        if !time.trim().is_empty() {
            let parts: Vec<&str> = time.trim().split(':').collect();
            if parts.len() > times.len() {
                return None;
            }
            for (at, text) in parts.into_iter().enumerate() {
                times[at] = part(text, 2)?;
            }
        }
        let [hour, minute, second] = times;
        let day = (year * 100 + month) * 100 + day;
        Moment::from_number(((day * 100 + hour) * 100 + minute) * 100 + second)
            .filter(|_| date.next().is_none())
    }

    /// From the number; `None` when it is no civil time.
    pub fn from_number(number: i64) -> Option<Moment> {
        let part = |divisor: i64, modulus: i64| i8::try_from(number / divisor % modulus).ok();
        let year = i16::try_from(number / 10_000_000_000).ok()?;
        let date = Date::new(year, part(100_000_000, 100)?, part(TIMES, 100)?).ok()?;
        let time = Time::new(part(10_000, 100)?, part(100, 100)?, part(1, 100)?, 0).ok()?;
        Moment::new(date.to_datetime(time))
    }

    /// The civil time at `at` in `zone`.
    pub fn at(at: Timestamp, zone: &TimeZone) -> Option<Moment> {
        Moment::new(at.to_jiff().to_zoned(zone.clone()).datetime())
    }

    fn new(time: DateTime) -> Option<Moment> {
        let day = Day::from(time.date());
        let seconds = i64::from(time.hour()) * 10_000
            + i64::from(time.minute()) * 100
            + i64::from(time.second());
        YEARS.contains(&time.year()).then_some(Moment(day.0 * TIMES + seconds))
    }

    /// `yyyyMMddHHmmss`.
    pub fn number(self) -> i64 {
        self.0
    }

    /// Its day.
    pub fn day(self) -> Day {
        Day(self.0 / TIMES)
    }
}

/// A calendar day of the platform's zone, as the number `yyyyMMdd`: ordered as days are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// `yyyyMMdd`.
    pub fn number(self) -> i64 {
        self.0
    }

    /// From its number; `None` when it is no day.
    pub fn from_number(number: i64) -> Option<Day> {
        Moment::from_number(number.checked_mul(TIMES)?).map(Moment::day)
    }

    /// The day at `at` in `zone`.
    pub fn at(at: Timestamp, zone: &TimeZone) -> Day {
        Day::from(at.to_jiff().to_zoned(zone.clone()).date())
    }

    /// The day after it.
    pub fn next(self) -> Day {
        self.date().tomorrow().map_or(self, Day::from)
    }

    /// For calendar work.
    pub fn date(self) -> Date {
        let part = |divisor: i64| i8::try_from(self.0 / divisor % 100).unwrap_or(1);
        let year = i16::try_from(self.0 / 10_000).unwrap_or(1970);
        Date::new(year, part(100), part(1)).unwrap_or(Date::ZERO)
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Day {
        let month = i64::from(date.year()) * 100 + i64::from(date.month());
        Day(month * 100 + i64::from(date.day()))
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.date().fmt(f)
    }
}
