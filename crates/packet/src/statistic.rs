//! The statistics of dossiers: the known names of Table 5, and how the figures of several systems
//! become one.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};
use terms::fault::Sentence;

use crate::document::{Document, Syntax, Value as Node};
use crate::fault::FormFault;
use crate::rule::Rule;

/// Received in the period.
pub const RECEIVED: &str = "SoNhanTrongKy";
/// Carried over from before.
pub const CARRIED: &str = "SoTonKyTruoc";
/// To be processed: received and carried over.
pub const DUE: &str = "TongSoXuLy";
/// Processed.
pub const DONE: &str = "TongDaXuLy";
/// Processed in time.
pub const DONE_IN_TIME: &str = "TongXuLyDungHan";
/// Processed late.
pub const DONE_LATE: &str = "TongXuLyTreHan";
/// Not yet processed.
pub const OPEN: &str = "TongChuaXuLy";
/// Not yet processed, within time.
pub const OPEN_IN_TIME: &str = "TongChuaXuLyTrongHan";
/// Not yet processed, overdue.
pub const OPEN_LATE: &str = "TongChuaXuLyTreHan";

/// The figures that are counted, in the order of the known names.
pub const COUNTS: [&str; 9] =
    [RECEIVED, CARRIED, DUE, DONE, DONE_IN_TIME, DONE_LATE, OPEN, OPEN_IN_TIME, OPEN_LATE];

/// The percentages: name, part, whole.
pub const SHARES: [(&str, &str, &str); 4] = [
    ("PhanTramXuLyDungHan", DONE_IN_TIME, DONE),
    ("PhanTramXuLyTreHan", DONE_LATE, DONE),
    ("PhanTramChuaXuLyTrongHan", OPEN_IN_TIME, OPEN),
    ("PhanTramChuaXuLyTreHan", OPEN_LATE, OPEN),
];

/// Adds up the figures of several systems. Figures are read as number or text, names in any case.
/// A figure that one of them does not give is left out of the sum: nothing is guessed. Percentages
/// are computed from the sums. All values are texts, as the portal has them.
pub fn add(parts: &[Map<String, Value>]) -> Map<String, Value> {
    let mut total = Map::new();
    for name in COUNTS {
        let figures: Option<Vec<u64>> = parts.iter().map(|part| figure(part, name)).collect();
        let sum = figures
            .filter(|figures| !figures.is_empty())
            .and_then(|figures| figures.into_iter().try_fold(0_u64, u64::checked_add));
        if let Some(sum) = sum {
            total.insert(name.to_owned(), Value::String(sum.to_string()));
        }
    }
    fill_shares(&mut total);
    total
}

/// The figures as a map with the known names, percentages computed. `counts` in the order of
/// [`COUNTS`].
pub fn figures(counts: [u64; 9]) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, count) in COUNTS.into_iter().zip(counts) {
        map.insert(name.to_owned(), Value::String(count.to_string()));
    }
    fill_shares(&mut map);
    map
}

/// One figure of a map: a number or a text of digits, its name in any case. One that stands twice,
/// as [`fault`] tells, is none: nobody can say which of them counts.
pub fn figure(map: &Map<String, Value>, name: &str) -> Option<u64> {
    let mut found = map.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
    let (_, value) = found.next()?;
    if found.next().is_some() {
        return None;
    }
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Why the figures of an answer cannot be read in one way only: it is no JSON, a name stands twice
/// in one object, or a figure does in different case (both names are told). Looked at are the
/// object or list itself, and what stands in it one level down, as under `result`.
pub fn fault(body: &[u8]) -> Option<FormFault> {
    let document = match Document::read(body, None) {
        Ok(document) => document,
        Err(fault) => return Some(fault),
    };
    let root = document.root();
    if document.syntax() != Syntax::Json {
        return None;
    }
    let inner = root.pairs().map(|(_, value)| value).chain(root.items());
    let all = inner.flat_map(|value| std::iter::once(value).chain(value.items()));
    std::iter::once(root).chain(all).find_map(fault_of)
}

fn fault_of(map: Node<'_>) -> Option<FormFault> {
    COUNTS.into_iter().find_map(|name| {
        let mut found = map.pairs().map(|(name, _)| name).filter(|found| found.is_named(name));
        let (first, second) = (found.next()?, found.next()?);
        let [one, other] = [first, second].map(|name| name.text().unwrap_or_default());
        let sentence = Sentence::made(
            format!("`{one}` và `{other}` là một số liệu ghi hai lần, chỉ khác chữ hoa."),
            format!("`{one}` and `{other}` are one figure told twice, in different case."),
        );
        let (path, offset) = (name.to_owned(), second.span().start);
        Some(FormFault { rule: Rule::NameRepeated, path, offset, sentence })
    })
}

/// The comparisons that do not hold: total, and its parts.
pub fn mismatches(map: &Map<String, Value>) -> Vec<(&'static str, [&'static str; 2])> {
    let sums = [
        (DUE, [RECEIVED, CARRIED]),
        (DONE, [DONE_IN_TIME, DONE_LATE]),
        (OPEN, [OPEN_IN_TIME, OPEN_LATE]),
        (DUE, [DONE, OPEN]),
    ];
    let differs = |(total, [first, second]): &(&str, [&str; 2])| {
        let figures = (figure(map, total), figure(map, first), figure(map, second));
        match figures {
            (Some(total), Some(first), Some(second)) => first.checked_add(second) != Some(total),
            _ => false,
        }
    };
    sums.into_iter().filter(differs).collect()
}

fn fill_shares(map: &mut Map<String, Value>) {
    for (name, part, whole) in SHARES {
        if let (Some(part), Some(whole)) = (figure(map, part), figure(map, whole)) {
            map.insert(name.to_owned(), Value::String(percent(part, whole)));
        }
    }
}

/// Two decimals, rounded half up; of nothing it is `0.00`.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0.00".to_owned();
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    let hundredths = (part * 20_000 + whole) / (2 * whole);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
