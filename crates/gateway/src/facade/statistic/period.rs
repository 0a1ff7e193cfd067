//! What is asked for: from when, until when, of which unit.

use jiff::civil::Date;
use terms::fault::Fault;

use crate::parameter::{decode, invalid};

/// A question for figures; both days are included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) unit: Option<String>,
}

/// A unit's code has no more characters.
const UNIT_CHARS_MAX: usize = 64;

impl Question {
    /// Reads `tu` and `den`, `YYYY-MM-DD` or `yyyyMMdd`, and `donvi`.
    pub(super) fn read(query: &str) -> Result<Question, Fault> {
        let from = read_date(query, "tu")?;
        let to = read_date(query, "den")?;
        if to < from {
            return Err(wrong("den", "trước ngày tu", "before tu"));
        }
        let unit = value(query, "donvi")?.filter(|unit| !unit.is_empty());
        let fits = |unit: &String| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            unit.len() <= UNIT_CHARS_MAX && unit.chars().all(fits)
        };
        if unit.as_ref().is_some_and(|unit| !fits(unit)) {
            return Err(wrong("donvi", "không phải mã đơn vị", "not a unit's code"));
        }
        Ok(Question { from, to, unit })
    }

    /// The same question as a source is asked it.
    pub(super) fn rest(&self) -> String {
        let unit = self.unit.as_ref().map_or(String::new(), |unit| format!("&donvi={unit}"));
        format!("?tu={}&den={}{unit}", self.from, self.to)
    }
}

fn read_date(query: &str, name: &'static str) -> Result<Date, Fault> {
    let text = value(query, name)?.ok_or_else(|| wrong(name, "bị thiếu", "missing"))?;
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let date = match text.len() {
        10 => text.parse().ok(),
        8 if digits => Date::strptime("%Y%m%d", &text).ok(),
        _ => None,
    };
    date.ok_or_else(|| {
        wrong(name, "không phải ngày YYYY-MM-DD hay yyyyMMdd", "not a date YYYY-MM-DD or yyyyMMdd")
    })
}

/// The one value of a parameter, its name in any case; two of them may be read in two ways.
fn value(query: &str, name: &'static str) -> Result<Option<String>, Fault> {
    let mut found = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let unreadable = || wrong(name, "không đọc được", "unreadable");
        // a name that cannot be read could be this one
        if !decode(key, true).ok_or_else(unreadable)?.eq_ignore_ascii_case(name) {
            continue;
        }
        let value = decode(value, true).ok_or_else(unreadable)?.into_owned();
        if found.replace(value).is_some() {
            return Err(wrong(name, "được nêu hai lần", "given twice"));
        }
    }
    Ok(found)
}

fn wrong(name: &str, vi: &str, en: &str) -> Fault {
    invalid(name, vi, &format!("is {en}"))
}
