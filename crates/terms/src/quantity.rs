//! Durations, sizes, rates and quotas as people write them: `20s`, `32MiB`, `600/min`,
//! `100000/day`.

use std::time::Duration;

use crate::exchange::words;

/// Reads `500ms`, `20s`, `5m` or `5min`, `24h`, `7d`; `None` for anything else, zero included.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let millis = match unit {
        "ms" => number,
        "s" => number.checked_mul(1_000)?,
        "m" | "min" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        "d" => number.checked_mul(86_400_000)?,
        _ => return None,
    };
    (millis > 0).then(|| Duration::from_millis(millis))
}

/// Prints a duration in the largest unit that is exact: the inverse of [`parse_duration`] but for
/// minutes, hours and days, which come out in seconds.
pub fn print_duration(duration: Duration) -> String {
    match u64::try_from(duration.as_millis()) {
        Ok(millis) if millis % 1_000 != 0 => format!("{millis}ms"),
        _ => format!("{}s", duration.as_secs()),
    }
}

/// Reads a size in bytes: `512`, `64KiB`, `32MiB`, `1GiB`, also `KB`, `MB`, `GB` (powers of 1000).
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// Prints a size in the largest binary unit that is exact: the inverse of [`parse_size`].
pub fn print_size(bytes: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes > 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}

words! {
    /// The window of a [`Rate`].
    RateWindow {
        /// One second.
        Second = "s",
        /// One minute.
        Minute = "min",
        /// One hour.
        Hour = "h",
    }
}

impl RateWindow {
    /// Its length.
    pub fn length(self) -> Duration {
        Duration::from_secs(match self {
            RateWindow::Second => 1,
            RateWindow::Minute => 60,
            RateWindow::Hour => 3_600,
        })
    }
}

/// Never more than `count` calls in any window of that length (RTE-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Calls; at least 1.
    pub count: u32,
    /// In any window of this length.
    pub window: RateWindow,
}

impl Rate {
    /// Reads `600/min`.
    pub fn parse(text: &str) -> Option<Rate> {
        let (count, window) = text.split_once('/')?;
        let count = count.trim().parse().ok().filter(|n| *n > 0)?;
        Some(Rate { count, window: RateWindow::parse(window.trim())? })
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.count, self.window)
    }
}

words! {
    /// The calendar period of a [`Quota`], in the platform's zone.
    QuotaPeriod {
        /// A day.
        Day = "day",
        /// A month.
        Month = "month",
    }
}

/// At most `count` calls in a calendar day or month of the platform's zone (RTE-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls; at least 1.
    pub count: u64,
    /// In this period.
    pub period: QuotaPeriod,
}

impl Quota {
    /// Reads `100000/day`.
    pub fn parse(text: &str) -> Option<Quota> {
        let (count, period) = text.split_once('/')?;
        let count = count.trim().parse().ok().filter(|n| *n > 0)?;
        Some(Quota { count, period: QuotaPeriod::parse(period.trim())? })
    }
}

impl std::fmt::Display for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.count, self.period)
    }
}
