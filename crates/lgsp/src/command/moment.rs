//! Points in time on the command line: RFC 3339, or a date in the platform's zone.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use terms::clock::Timestamp;

use crate::output::Failure;

/// Which end of a span a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A date begins with its first moment.
    From,
    /// A date is meant whole: the span ends with the first moment of the next day.
    To,
}

/// Reads `2026-11-21T08:00:00+07:00` or `2026-11-21`.
pub(super) fn read(text: &str, end: End, zone: &TimeZone) -> Result<Timestamp, Failure> {
    if let Some(at) = Timestamp::parse(text) {
        return Ok(at);
    }
    let day = text.parse::<Date>().ok().filter(|_| text.len() == "2026-11-21".len());
    let day = match end {
        End::From => day,
        End::To => day.and_then(|day| day.tomorrow().ok()),
    };
    day.and_then(|day| day.to_zoned(zone.clone()).ok())
        .map(|start| Timestamp::from_micros(start.timestamp().as_microsecond()))
        .ok_or_else(|| {
            Failure::usage(
                format!("“{text}” không phải thời điểm RFC 3339 hay ngày NĂM-THÁNG-NGÀY"),
                format!("“{text}” is neither RFC 3339 nor a date YEAR-MONTH-DAY"),
            )
        })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{End, read};

    #[test]
    fn a_date_is_a_day_of_the_zone() {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        for (text, end, expected) in [
            ("2026-11-21", End::From, Some("2026-11-20T17:00:00.000000Z")),
            ("2026-11-21", End::To, Some("2026-11-21T17:00:00.000000Z")),
            ("2026-11-21T08:00:00+07:00", End::To, Some("2026-11-21T01:00:00.000000Z")),
            ("2026-11-21T08:00:00.5Z", End::From, Some("2026-11-21T08:00:00.500000Z")),
            ("2026-11-31", End::From, None),
            ("20261121", End::From, None),
            ("2026-11-21T08:00:00", End::From, None),
            ("today", End::From, None),
            ("", End::From, None),
        ] {
            let read = read(text, end, &zone).ok().map(|at| at.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
