//! When a subscription may be used (RTE-15): days of the week, hours, first and last day.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use terms::clock::Timestamp;

use crate::stated::{Broken, Stated};

/// Days of the week as the registry file names them, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// A span of minutes of the day, the end not included; over midnight when it ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    begin: u16,
    end: u16,
}

impl Hours {
    /// The whole day.
    pub const ALL: Hours = Hours { begin: 0, end: DAY_MINUTES };

    /// Reads `07:00-18:00`, `22:00-06:00` or `00:00-24:00`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Hours> {
        let (begin, end) = text.split_once('-')?;
        let hours = Hours {
            begin: minute(begin.trim()).filter(|m| *m < DAY_MINUTES)?,
            end: minute(end.trim()).filter(|m| *m > 0)?,
        };
        (hours.begin != hours.end).then_some(hours)
    }

    fn over_midnight(self) -> bool {
        self.end < self.begin
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (begin, end) = (self.begin, self.end);
        let (b, e) = ((begin / 60, begin % 60), (end / 60, end % 60));
        write!(f, "{:02}:{:02}-{:02}:{:02}", b.0, b.1, e.0, e.1)
    }
}

/// `07:30` as minutes after midnight; `24:00` is the end of the day.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY_MINUTES).then_some(total)
}

/// Days of the week, Monday the lowest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// Every day.
    pub const ALL: Days = Days(0x7f);

    /// Reads `mon-fri`, `sat`, `mon,wed-fri`, `fri-mon`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Days> {
        let day = |name: &str| DAYS.iter().position(|d| *d == name.trim());
        let mut days = 0;
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (day(first)?, day(last)?);
            let length = (last + 7 - first) % 7;
            for offset in 0..=length {
                days |= 1 << ((first + offset) % 7);
            }
        }
        Some(Days(days))
    }

    fn has(self, day: Weekday) -> bool {
        self.0 & 1 << day.to_monday_zero_offset() != 0
    }
}

impl std::fmt::Display for Days {
    /// Runs of days, so that the inverse of [`Days::parse`] is short: `mon-fri,sun`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut day = 0;
        let mut separator = "";
        while day < 7 {
            let length = (day..7).take_while(|d| self.0 & 1 << d != 0).count();
            match length {
                0 => {}
                1 => write!(f, "{separator}{}", DAYS[day])?,
                _ => write!(f, "{separator}{}-{}", DAYS[day], DAYS[day + length - 1])?,
            }
            if length > 0 {
                separator = ",";
            }
            day += length.max(1);
        }
        Ok(())
    }
}

/// When a subscription may be used, in the platform's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days on which its hours begin.
    pub days: Days,
    /// Its hours.
    pub hours: Hours,
    /// The first day.
    pub from: Option<Date>,
    /// The last day, which still counts.
    pub until: Option<Date>,
}

impl Window {
    /// Always open.
    pub const ALWAYS: Window =
        Window { days: Days::ALL, hours: Hours::ALL, from: None, until: None };

    pub(crate) fn read(stated: &Stated) -> Result<Window, Broken> {
        let days = stated.text("days").map_or(Some(Days::ALL), Days::parse);
        let hours = stated.text("hours").map_or(Some(Hours::ALL), Hours::parse);
        let date = |name| match stated.text(name) {
            Some(text) => text.parse().map(Some).map_err(|_| Broken::field(name)),
            None => Ok(None),
        };
        Ok(Window {
            days: days.ok_or_else(|| Broken::field("days"))?,
            hours: hours.ok_or_else(|| Broken::field("hours"))?,
            from: date("from")?,
            until: date("until")?,
        })
    }

    /// Is it open at `at`?
    pub fn open_at(&self, at: Timestamp, zone: &TimeZone) -> bool {
        *self == Window::ALWAYS || self.open_on(zone.to_datetime(at.to_jiff()))
    }

    fn open_on(&self, local: DateTime) -> bool {
        let date = local.date();
        if self.from.is_some_and(|from| date < from) || self.until.is_some_and(|u| date > u) {
            return false;
        }
        let now = local.hour().unsigned_abs() as u16 * 60 + local.minute().unsigned_abs() as u16;
        let Hours { begin, end } = self.hours;
        if !self.hours.over_midnight() {
            return begin <= now && now < end && self.days.has(date.weekday());
        }
        (now >= begin && self.days.has(date.weekday()))
            || (now < end && self.days.has(date.weekday().previous()))
    }

    /// When it opens next, `at` itself if it is open; `None` when it never opens again.
    pub fn next_open(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.open_at(at, zone) {
            return Some(at);
        }
        let today = zone.to_datetime(at.to_jiff()).date();
        let first = self.from.map_or(today, |from| from.max(today));
        // Every weekday comes within a week; one day more for the rest of a night begun before.
        for offset in 0..=8_i32 {
            let date = first.checked_add(offset.days()).ok()?;
            for minutes in [0, self.hours.begin] {
                let open = date
                    .to_datetime(Time::midnight())
                    .checked_add(SignedDuration::from_mins(i64::from(minutes)))
                    .ok()?;
                let opens = zone.to_timestamp(open).ok()?.as_microsecond();
                let opens = Timestamp::from_micros(opens);
                if opens > at && self.open_at(opens, zone) {
                    return Some(opens);
                }
            }
        }
        None
    }
}
