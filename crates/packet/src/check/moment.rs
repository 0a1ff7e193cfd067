//! Dates as the portal writes them.

use jiff::civil::Date;

use crate::table::Format;

/// What a text is, read as a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A moment, comparable: yyyyMMddHHmmss as a number. A month is its first moment.
    Moment(u64),
    /// Written well, but there is no such day or time.
    Impossible(Why),
    /// Written in none of the forms.
    Strange,
}

/// Why a date cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The month does not exist.
    Month(u32),
    /// The month has no such day.
    Day { day: u32, month: u32, year: u32 },
    /// The day has no such time.
    Time,
}

/// Reads `text` in the first of `formats` that it fits.
pub(super) fn read(text: &str, formats: &[Format]) -> Reading {
    let mut impossible = None;
    for format in formats {
        let parts = match format {
            Format::Compact => compact(text),
            Format::DaySlash => day_slash(text),
            Format::MonthDash => month_dash(text),
            Format::Iso => iso(text),
        };
        let Some(parts) = parts else { continue };
        match moment(parts) {
            Ok(moment) => return Reading::Moment(moment),
            Err(why) => impossible = impossible.or(Some(why)),
        }
    }
    impossible.map_or(Reading::Strange, Reading::Impossible)
}

/// Year, month, day, hour, minute, second.
type Parts = [u32; 6];

fn digits(text: &str) -> Option<u32> {
    let fits = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn compact(text: &str) -> Option<Parts> {
    let bytes: &[u8; 14] = text.as_bytes().try_into().ok()?;
    if !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'))
    };
    Some([number(0, 4), number(4, 6), number(6, 8), number(8, 10), number(10, 12), number(12, 14)])
}

fn day_slash(text: &str) -> Option<Parts> {
    let mut parts = text.split('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || day.len() > 2 || month.len() > 2 {
        return None;
    }
    Some([digits(year)?, digits(month)?, digits(day)?, 0, 0, 0])
}

fn month_dash(text: &str) -> Option<Parts> {
    let (month, year) = text.split_once('-')?;
    if year.len() != 4 || month.len() > 2 {
        return None;
    }
    Some([digits(year)?, digits(month)?, 1, 0, 0, 0])
}

/// `2024-01-15`, `2024-01-15T00:00:00`, with fraction and offset; the offset is not applied.
fn iso(text: &str) -> Option<Parts> {
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, ""));
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let mut found = [digits(year)?, digits(month)?, digits(day)?, 0, 0, 0];
    if time.is_empty() {
        return (text.len() == date.len()).then_some(found);
    }
    let clock = time.trim_end_matches(['Z', 'z']);
    let clock = clock.rfind(['+', '-']).map_or(clock, |at| &clock[..at]);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    digits(&fraction[..fraction.len().min(9)])?;
    let mut parts = clock.split(':');
    for place in &mut found[3..] {
        match parts.next() {
            Some(part) if part.len() == 2 => *place = digits(part)?,
            Some(_) => return None,
            None => *place = 0,
        }
    }
    parts.next().is_none().then_some(found)
}

fn moment([year, month, day, hour, minute, second]: Parts) -> Result<u64, Why> {
    if !(1..=12).contains(&month) {
        return Err(Why::Month(month));
    }
    let small = |number: u32| i8::try_from(number).unwrap_or(i8::MAX);
    let exists = Date::new(i16::try_from(year).unwrap_or(i16::MAX), small(month), small(day));
    if exists.is_err() || year == 0 {
        return Err(Why::Day { day, month, year });
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(Why::Time);
    }
    let parts = [month, day, hour, minute, second];
    Ok(parts.iter().fold(u64::from(year), |sum, part| sum * 100 + u64::from(*part)))
}
