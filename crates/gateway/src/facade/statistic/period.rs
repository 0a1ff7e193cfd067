//! What is asked for: from when, until when, of which unit.

use jiff::civil::Date;
use terms::fault::{Fault, FaultCode, Sentence};

use crate::parameter::decode;

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

/// The one value of a parameter; two of them may be read in two ways.
fn value(query: &str, name: &'static str) -> Result<Option<String>, Fault> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(wrong(name, "được nêu hai lần", "given twice")),
        (None, None) => Ok(None),
        (Some(value), None) => match decode(value, true) {
            Some(value) => Ok(Some(value.into_owned())),
            None => Err(wrong(name, "không đọc được", "unreadable")),
        },
    }
}

fn wrong(name: &str, vi: &str, en: &str) -> Fault {
    Fault::new(FaultCode::ParameterInvalid).because(Sentence::made(
        format!("Tham số {name} {vi}."),
        format!("Parameter {name} is {en}."),
    ))
}
