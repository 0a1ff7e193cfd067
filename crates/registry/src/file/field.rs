//! Reading values: from what was written to canonical form, or to a fault that says what to do.

use http::HeaderName;
use serde_json::{Map, Value};
use terms::clock::Timestamp;
use terms::code::{ConsumerKey, MemberCode, ServiceCode, SystemCode, VersionName};
use terms::endpoint::Endpoint;
use terms::quantity::{Quota, Rate, parse_duration, parse_size, print_duration, print_size};

use crate::file::fault::{Findings, Spot};
use crate::file::table::{Field, Form, Need, expected};
use crate::file::tree::{Content, Key, Node};
use crate::method::NAMED;
use crate::network::Network;
use crate::service::{ContextFault, check_context};
use crate::version::compile;
use crate::window::{Days, Hours};

/// Reads `node` in the given form. `Null` clears the field. Where faults were noted, what can be
/// read of a list or a map is given none the less, so that what it names is known; `None` when
/// nothing can.
pub(crate) fn read(node: &Node, form: &Form, findings: &mut Findings) -> Option<Value> {
    match (&node.content, form) {
        (Content::Null, _) => Some(Value::Null),
        (Content::List(items), Form::List(inner, max, may_be_empty)) => {
            read_list(node.spot, items, (inner, *max, *may_be_empty), findings)
        }
        (Content::Map(pairs), Form::Map(fields)) => {
            Some(Value::Object(read_map(node.spot, pairs, fields, findings)))
        }
        (Content::Text(_), Form::List(..) | Form::Map(_) | Form::Entries)
        | (Content::List(_) | Content::Map(_), _) => {
            let (_, vi, en) = expected(form);
            type_wrong(node, &vi, &en, findings);
            None
        }
        (Content::Text(text), form) => read_text(node.spot, text, form, findings),
    }
}

/// Something of another type stands where `vi` / `en` belongs.
pub(crate) fn type_wrong(node: &Node, vi: &str, en: &str, findings: &mut Findings) {
    let (found_vi, found_en) = node.describe();
    let vi = format!("cần {vi}, gặp {found_vi}");
    findings.fault(node.spot, "type_wrong", vi, format!("expected {en}, found {found_en}"));
}

fn read_list(
    spot: Spot,
    items: &[Node],
    (inner, max, may_be_empty): (&Form, usize, bool),
    findings: &mut Findings,
) -> Option<Value> {
    if items.len() > max || (items.is_empty() && !may_be_empty) {
        let least = usize::from(!may_be_empty);
        let vi = format!("danh sách có {} phần tử; cho phép {least} đến {max}", items.len());
        let en = format!("the list has {} items; {least} to {max} may stand here", items.len());
        findings.fault(spot, "list_length", vi, en);
        return None;
    }
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        match read(item, inner, findings) {
            Some(Value::Null) => {
                let (_, vi, en) = expected(inner);
                type_wrong(item, &vi, &en, findings);
            }
            Some(Value::Object(mut map)) => {
                // A list is replaced whole: what is cleared in one of its maps is not there.
                if let Form::Map(fields) = inner {
                    map.retain(|name, value| {
                        let field = fields.iter().find(|f| f.name == name);
                        field.is_some_and(|f| f.need == Need::Key || !f.is_default(value))
                    });
                }
                values.push(Value::Object(map));
            }
            // Saying a thing twice says it once.
            Some(value) if !values.contains(&value) => values.push(value),
            Some(_) | None => {}
        }
    }
    Some(Value::Array(values))
}

fn read_map(
    spot: Spot,
    pairs: &[(Key, Node)],
    fields: &'static [Field],
    findings: &mut Findings,
) -> Map<String, Value> {
    let mut map = Map::new();
    for (key, node) in pairs {
        let Some(field) = fields.iter().find(|f| *f.name == *key.text) else {
            key_unknown(key, fields.iter().map(|f| f.name), findings);
            continue;
        };
        match read(node, &field.form, findings) {
            Some(Value::Null) if field.need == Need::Key => {
                null_refused(node.spot, field.name, findings);
            }
            Some(value) => drop(map.insert(field.name.to_owned(), value)),
            None => {}
        }
    }
    for field in fields.iter().filter(|f| f.need == Need::Key) {
        if !pairs.iter().any(|(key, _)| *key.text == *field.name) {
            key_missing(spot, field.name, findings);
        }
    }
    map
}

impl Field {
    /// Is `value` what counts as absent?
    pub(crate) fn is_default(&self, value: &Value) -> bool {
        match (value, self.default) {
            (Value::String(text), Some(default)) => text == default,
            (Value::Bool(flag), Some(default)) => flag.to_string() == default,
            (Value::Number(number), Some(default)) => number.to_string() == default,
            (Value::Array(items), _) => items.is_empty(),
            (Value::Object(map), _) => map.is_empty(),
            (Value::Null, _) => true,
            _ => false,
        }
    }
}

/// A scalar in canonical form.
fn read_text(spot: Spot, text: &str, form: &Form, findings: &mut Findings) -> Option<Value> {
    let value = canonical(text, form);
    if value.is_none() {
        refuse(spot, text, form, findings);
    }
    if matches!(form, Form::Member) && value.is_some() {
        warn_level_1(spot, text, findings);
    }
    if matches!(form, Form::Secret) && value.is_some() && !is_reference(text) {
        let vi = "bí mật ghi trực tiếp trong tệp: nên dùng env: hoặc file:".to_owned();
        let en = "the secret stands in the file in clear: use env: or file:".to_owned();
        findings.warn(spot, "secret_clear", vi, en);
    }
    value
}

fn canonical(text: &str, form: &Form) -> Option<Value> {
    let same = |fits: bool| fits.then(|| Value::from(text));
    match form {
        Form::Text(max) => {
            let length = text.chars().count();
            same((1..=*max).contains(&length) && !text.chars().any(char::is_control))
        }
        Form::Member | Form::Owner => same(MemberCode::parse(text).is_ok()),
        Form::System => same(SystemCode::parse(text).is_ok()),
        Form::Service => same(ServiceCode::parse(text).is_ok()),
        Form::Version => same(VersionName::parse(text).is_ok() && text != "..."),
        Form::ConsumerKey => same(ConsumerKey::parse(text).is_ok()),
        Form::Word(words) => same(words.contains(&text)),
        Form::Flag => text.parse::<bool>().ok().map(Value::from),
        Form::Number(max) => {
            let number = text.parse::<u64>().ok().filter(|n| (1..=*max).contains(n));
            number.filter(|_| text.bytes().all(|b| b.is_ascii_digit())).map(Value::from)
        }
        Form::Duration(max) => {
            let duration = parse_duration(text).filter(|d| d.as_secs() <= *max);
            duration.map(|d| print_duration(d).into())
        }
        Form::Size => parse_size(text).map(|size| print_size(size).into()),
        Form::Rate => Rate::parse(text).map(|rate| rate.to_string().into()),
        Form::Quota => Quota::parse(text).map(|quota| quota.to_string().into()),
        Form::Date => date(text).map(|date| date.to_string().into()),
        Form::Moment => same(date(text).is_some() || Timestamp::parse(text).is_some()),
        Form::Days => Days::parse(text).map(|days| days.to_string().into()),
        Form::Hours => Hours::parse(text).map(|hours| hours.to_string().into()),
        Form::Network => Network::parse(text).map(|network| network.to_string().into()),
        Form::Method => same(NAMED.contains(&text)),
        Form::Endpoint => same(text.len() <= 2_048 && Endpoint::parse(text).is_ok()),
        Form::Pattern => same(text.len() <= 4_096 && compile(text).is_some()),
        Form::Context => same(check_context(text).is_ok()),
        Form::Destination => destination(text).map(Value::from),
        Form::Name => same(is_name(text)),
        Form::Path => same(is_path(text)),
        Form::Header => same(text.len() <= 128 && text.bytes().all(|b| b.is_ascii_graphic())),
        Form::Reference => same(is_reference(text)),
        Form::Secret => same((1..=256).contains(&text.chars().count())),
        Form::List(..) | Form::Map(_) | Form::Entries => None,
    }
}

/// `2026-12-31`, nothing more.
pub(crate) fn date(text: &str) -> Option<jiff::civil::Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// An X-Road id in the form with colons (instance, class, member, subsystem); slashes are taken as
/// well, since REST writes it so.
fn destination(text: &str) -> Option<String> {
    let fits = |part: &str| {
        let sign = |b: u8| b.is_ascii_alphanumeric() || b"'()+,-.=?_".contains(&b);
        !part.is_empty() && part.bytes().all(sign)
    };
    let id = text.replace('/', ":");
    let parts = id.split(':').count();
    ((3..=4).contains(&parts) && id.len() <= 255 && id.split(':').all(fits)).then_some(id)
}

fn is_name(text: &str) -> bool {
    let sign = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(sign)
}

fn is_path(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default();
    // The base of an endpoint is held to the same rules.
    text.starts_with('/')
        && text.len() <= 2_048
        && !text.contains('#')
        && Endpoint::parse(&format!("http://portal{path}")).is_ok()
        && text.parse::<http::uri::PathAndQuery>().is_ok()
}

/// Is it `env:NAME` or `file:PATH`?
pub(crate) fn is_reference(text: &str) -> bool {
    let name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let path = |path: &str| !path.is_empty() && !path.chars().any(char::is_control);
    text.strip_prefix("env:").is_some_and(name) || text.strip_prefix("file:").is_some_and(path)
}

/// May `name` carry a provider's credential? Neither what frames a message nor what the platform
/// sets itself.
pub(crate) fn is_sendable(name: &str) -> bool {
    const OURS: [&str; 14] = [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "forwarded",
        "via",
        "x-real-ip",
        "exchange-id",
        "traceparent",
    ];
    let Ok(name) = HeaderName::try_from(name) else {
        return false;
    };
    let name = name.as_str();
    let prefixed = ["x-forwarded-", "lgsp-", "proxy-"].iter().any(|p| name.starts_with(p));
    !prefixed && !OURS.contains(&name)
}

fn refuse(spot: Spot, text: &str, form: &Form, findings: &mut Findings) {
    if matches!(form, Form::Context) && check_context(text) == Err(ContextFault::Reserved) {
        let shown = shown(text);
        let vi = format!("{shown}: đoạn đầu là từ dành riêng của nền tảng");
        let en = format!("{shown}: the first segment is reserved for the platform");
        findings.fault(spot, "context_reserved", vi, en);
        return;
    }
    let (code, vi, en) = expected(form);
    // What stands where a secret belongs may be one: never shown.
    let secret = matches!(form, Form::Reference | Form::Secret | Form::ConsumerKey);
    let shown = if secret { String::new() } else { format!("{}: ", shown(text)) };
    findings.fault(spot, code, format!("{shown}cần {vi}"), format!("{shown}expected {en}"));
}

/// `text` in quotes, cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{dots}")
}

/// The key is none of those that may stand here.
pub(crate) fn key_unknown(
    key: &Key,
    known: impl Iterator<Item = &'static str>,
    findings: &mut Findings,
) {
    let shown = shown(&key.text);
    let (vi, en) = match nearest(&key.text, known) {
        Some(name) => (
            format!("khóa {shown} không có; có phải {name:?}?"),
            format!("key {shown} is unknown; did you mean {name:?}?"),
        ),
        None => (format!("khóa {shown} không có"), format!("key {shown} is unknown")),
    };
    findings.fault(key.spot, "key_unknown", vi, en);
}

/// The known key that is nearly `text`.
pub(crate) fn nearest(
    text: &str,
    known: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let nearest = known.map(|name| (distance(text, name), name)).min();
    let (_, name) = nearest.filter(|(distance, name)| *distance <= 1 + name.len() / 4)?;
    Some(name)
}

/// A field that must be there is not.
pub(crate) fn key_missing(spot: Spot, name: &str, findings: &mut Findings) {
    let vi = format!("thiếu {name:?}");
    findings.fault(spot, "key_missing", vi, format!("{name:?} is missing"));
}

/// A field that must be there was to be cleared.
pub(crate) fn null_refused(spot: Spot, name: &str, findings: &mut Findings) {
    let vi = format!("{name:?} bắt buộc, không xóa được");
    findings.fault(spot, "null_refused", vi, format!("{name:?} is required, it cannot be cleared"));
}

fn warn_level_1(spot: Spot, text: &str, findings: &mut Findings) {
    const KNOWN: &str = include_str!("../member/level_1.txt");
    let code = MemberCode::known(text);
    let Some(level_1) = code.level_1() else {
        return;
    };
    if !KNOWN.lines().any(|line| line == level_1) {
        let vi = format!("mã cấp 1 {level_1} không có trong danh sách đã biết");
        let en = format!("level-1 code {level_1} is not in the list known here");
        findings.warn(spot, "agency_unknown", vi, en);
    }
}

/// Edits from one word to the other (Levenshtein), for the nearest known key. Long keys are far
/// from all.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 40 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
