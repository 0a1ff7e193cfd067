//! Declared parameters of a version, checked before its provider is asked (TOK-07).

use std::borrow::Cow;

use http::HeaderMap;
use http::request::Parts;
use registry::version::{Parameter, Place};
use terms::fault::{Fault, FaultCode, Sentence};

#[cfg(test)]
mod tests;

/// Where parameters are looked for.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    /// The path after context and version.
    pub(crate) rest: &'a str,
    /// The query, verbatim.
    pub(crate) query: &'a str,
    /// The header.
    pub(crate) headers: &'a HeaderMap,
}

impl<'a> Places<'a> {
    /// Of a request whose path has its rest at `rest_at`.
    pub(crate) fn of(head: &'a Parts, rest_at: usize) -> Places<'a> {
        Places {
            rest: head.uri.path().get(rest_at..).unwrap_or_default(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
        }
    }
}

/// Checks every parameter that is declared; others pass. A value given twice must fit twice. Values
/// are never repeated in the fault: they carry personal numbers.
pub(crate) fn check(parameters: &[Parameter], places: Places<'_>) -> Result<(), Fault> {
    let mut segment = 0;
    for parameter in parameters {
        let values = match parameter.place {
            Place::Query => query_values(places.query, &parameter.name),
            Place::Header => header_values(places.headers, &parameter.name),
            Place::Path => {
                segment += 1;
                segment_value(places.rest, segment - 1)
            }
        };
        let values = values.ok_or_else(|| wrong(parameter))?;
        if values.is_empty() && parameter.required {
            return Err(missing(parameter));
        }
        if !values.iter().all(|value| parameter.fits(value)) {
            return Err(wrong(parameter));
        }
    }
    Ok(())
}

fn missing(parameter: &Parameter) -> Fault {
    let name = &parameter.name;
    Fault::new(FaultCode::ParameterInvalid).because(Sentence::made(
        format!("Thiếu tham số {name}."),
        format!("Parameter {name} is missing."),
    ))
}

fn wrong(parameter: &Parameter) -> Fault {
    invalid(&parameter.name, "sai khuôn dạng", "has the wrong form")
}

/// The fault of a parameter, by its name and what is wrong with it; never its value.
pub(crate) fn invalid(name: &str, vi: &str, en: &str) -> Fault {
    const CHARS_MAX: usize = 64;
    // a name that the caller made up is told to nobody but himself, and not at any length
    let name: String = name.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect();
    Fault::new(FaultCode::ParameterInvalid)
        .because(Sentence::made(format!("Tham số {name} {vi}."), format!("Parameter {name} {en}.")))
}

/// All values of a query field, decoded; `None` if one cannot be decoded.
fn query_values<'a>(query: &'a str, name: &str) -> Option<Vec<Cow<'a, str>>> {
    let mut values = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        // a key that cannot be decoded is not ours
        if decode(key, true).is_some_and(|key| key == name) {
            values.push(decode(value, true)?);
        }
    }
    Some(values)
}

fn header_values<'a>(headers: &'a HeaderMap, name: &str) -> Option<Vec<Cow<'a, str>>> {
    let values = headers.get_all(name).iter();
    values.map(|value| std::str::from_utf8(value.as_bytes()).ok().map(Cow::from)).collect()
}

/// One segment of the rest, decoded; an empty one is absent.
fn segment_value(rest: &str, index: usize) -> Option<Vec<Cow<'_, str>>> {
    let mut segments = rest.strip_prefix('/').unwrap_or_default().split('/');
    match segments.nth(index).filter(|segment| !segment.is_empty()) {
        Some(segment) => decode(segment, false).map(|value| vec![value]),
        None => Some(Vec::new()),
    }
}

/// Undoes percent coding, and `+` for a space in queries; `None` when it is broken or not UTF-8.
pub(crate) fn decode(text: &str, plus: bool) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|b| b == b'%' || plus && b == b'+') {
        return Some(text.into());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' if plus => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::from)
}
