//! The destination of a call: `dstcode` in header or query, resolved from the registry alone, and
//! what is taken out of both before the call goes on.

use std::borrow::Cow;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri};
use terms::endpoint::Endpoint;
use terms::fault::{Fault, FaultCode, Sentence};

use crate::parameter::decode;

/// The header and query parameter that names a destination.
pub(crate) const DSTCODE: &str = "dstcode";
/// The same at the packet paths.
const DESTINATION: &str = "destination";
/// Where the caller believes the provider to be.
const PROVIDERURL: &str = "providerurl";

/// What a request says of its destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// The destination code.
    pub(crate) destination: Option<Cow<'a, str>>,
    /// The provider's address that the caller gives.
    pub(crate) provider: Option<Cow<'a, str>>,
}

/// Which words of a request name its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// Those of a façade.
    Facade,
    /// Those that the national adapter reads in a plain call: `destination` may be a word of the
    /// provider's there.
    Plain,
}

/// Reads the destination from query and header; a value may be percent-coded in both. Said twice in
/// two ways, it is refused: the way that was checked must be the way that is gone.
pub(crate) fn read<'a>(
    headers: &'a HeaderMap,
    query: &'a str,
    words: Words,
) -> Result<Named<'a>, Fault> {
    let mut named = Named::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        // some readers end a pair at a semicolon: what they would find there is not for us to pass
        let (pair, more) = pair.split_once(';').map_or((pair, None), |(p, more)| (p, Some(more)));
        let hidden = more.into_iter().flat_map(|more| more.split(';'));
        if hidden.into_iter().any(|pair| role(name(pair), words).is_some()) {
            return Err(unreadable());
        }
        let place = match role(name(pair), words) {
            Some(Role::Destination) => &mut named.destination,
            Some(Role::Provider) => &mut named.provider,
            None => continue,
        };
        let value = pair.split_once('=').map_or("", |(_, value)| value);
        put(place, decode(value, true).ok_or_else(unreadable)?)?;
    }
    let alias = (DESTINATION, Role::Destination);
    let fields = [(DSTCODE, Role::Destination), (PROVIDERURL, Role::Provider), alias];
    for (name, role) in fields.into_iter().take(if words == Words::Plain { 2 } else { 3 }) {
        let place = match role {
            Role::Destination => &mut named.destination,
            Role::Provider => &mut named.provider,
        };
        for value in headers.get_all(name) {
            let text = value.to_str().map_err(|_| unreadable())?.trim();
            put(place, decode(text, false).ok_or_else(unreadable)?)?;
        }
    }
    Ok(named)
}

#[derive(Clone, Copy)]
enum Role {
    Destination,
    Provider,
}

/// The name of a pair, as it is written.
fn name(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

/// Is a query parameter of this name, decoded, for us?
pub(crate) fn is_ours(name: &str) -> bool {
    role_of(name, Words::Facade).is_some()
}

/// The role of a name as the query writes it: one that is percent-coded is the same name to whoever
/// reads it next.
fn role(name: &str, words: Words) -> Option<Role> {
    decode(name, true).and_then(|name| role_of(&name, words))
}

fn role_of(name: &str, words: Words) -> Option<Role> {
    if reads_as(name, DSTCODE) || words == Words::Facade && reads_as(name, DESTINATION) {
        Some(Role::Destination)
    } else {
        reads_as(name, PROVIDERURL).then_some(Role::Provider)
    }
}

/// May a reader take `name` for `expected`? Many drop what is blank around a name, some end it at a
/// bracket or a zero byte, and Java folds the case of more letters than ASCII has.
pub(crate) fn reads_as(name: &str, expected: &str) -> bool {
    let end = name.find(['[', '\0']).unwrap_or(name.len());
    let name = name[..end].trim_matches(|c: char| c <= ' ' || c.is_whitespace());
    if name.is_ascii() {
        return name.eq_ignore_ascii_case(expected);
    }
    const DOT_ABOVE: char = '\u{307}';
    let folded = name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.filter(|c| *c != DOT_ABOVE).eq(expected.chars().map(|c| c.to_ascii_lowercase()))
}

fn put<'a>(place: &mut Option<Cow<'a, str>>, value: Cow<'a, str>) -> Result<(), Fault> {
    match place {
        Some(known) if *known != value => {
            Err(Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
                "Mã đích (dstcode) hoặc providerurl được nêu hai lần khác nhau.",
                "The destination (dstcode) or providerurl is given twice and differs.",
            )))
        }
        _ if value.is_empty() => Ok(()),
        _ => {
            *place = Some(value);
            Ok(())
        }
    }
}

fn unreadable() -> Fault {
    Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
        "Không đọc được mã đích (dstcode) hoặc providerurl.",
        "The destination (dstcode) or providerurl cannot be read.",
    ))
}

/// A caller may say where the provider is, but not decide it: what it says must be what is
/// registered, else anyone with a token could have us call any address.
pub(crate) fn check_provider(named: &Named<'_>, endpoints: &[Endpoint]) -> Result<(), Fault> {
    let Some(given) = &named.provider else {
        return Ok(());
    };
    let given = given.trim_end_matches('/');
    let is_registered = endpoints.iter().any(|endpoint| {
        let (upstream, base) = (&*endpoint.upstream, endpoint.base.trim_end_matches('/'));
        let rest = given.get(upstream.len()..);
        rest == Some(base) && given[..upstream.len()].eq_ignore_ascii_case(upstream)
    });
    if is_registered {
        return Ok(());
    }
    Err(Fault::new(FaultCode::ParameterInvalid).because(Sentence::new(
        "providerurl không phải địa chỉ đã đăng ký của mã đích này.",
        "providerurl is not the registered address of this destination.",
    )))
}

/// A segment of a path may have parameters of its own behind a semicolon; none of them is for us.
pub(crate) fn check_path(path: &str) -> Result<(), Fault> {
    let mut parts = path.split('/').flat_map(|segment| segment.split(';').skip(1));
    let is_ours = |part: &str| role(name(part), Words::Plain).is_some();
    if parts.any(is_ours) { Err(unreadable()) } else { Ok(()) }
}

/// A plain call names no other destination than the one that its path leads to: the platform has
/// decided it, and the adapter behind would go wherever it is told.
pub(crate) fn check_named(
    named: &Named<'_>,
    is_resolved: impl FnOnce(&str) -> bool,
) -> Result<(), Fault> {
    match &named.destination {
        Some(code) if !is_resolved(code) => {
            Err(Fault::new(FaultCode::ParameterInvalid).because(Sentence::new(
                "dstcode không phải mã đích đã đăng ký của dịch vụ này.",
                "dstcode is not the destination that is registered for this service.",
            )))
        }
        _ => Ok(()),
    }
}

/// Is the endpoint itself an adapter, or a path behind one? Then the destination is for it, too.
pub(crate) fn is_adapter(endpoint: &Endpoint) -> bool {
    leads_to_adapter(endpoint, "")
}

/// Is it one where the rest of a call's path leads? As whoever serves it may read the path:
/// decoded, without what stands behind a semicolon, and without empty segments.
pub(crate) fn leads_to_adapter(endpoint: &Endpoint, rest: &str) -> bool {
    let decoded = if rest.contains('%') { Cow::Owned(undo(rest)) } else { rest.as_bytes().into() };
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    let segments = endpoint.base.as_bytes().split(is_slash).chain(decoded.split(is_slash));
    let mut follows = false;
    segments.map(without_parameters).filter(|segment| !segment.is_empty()).any(|segment| {
        let found = follows && segment.eq_ignore_ascii_case(b"forward");
        follows = segment.eq_ignore_ascii_case(b"RestService");
        found
    })
}

fn without_parameters(segment: &[u8]) -> &[u8] {
    segment.split(|byte| *byte == b';').next().unwrap_or_default()
}

/// Undoes percent coding; what is no code stands for itself.
fn undo(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let code = digit(0).zip(digit(1)).filter(|_| *first == b'%');
        let code = code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    bytes
}

/// Could the body be read as a form? Whoever asks an adapter for `dstcode` may be given what stands
/// there, and then it is one more place that names a destination.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    kinds(headers).any(|kind| kind.contains("urlencoded"))
}

/// The content types, in lower case; a byte that is no text is none of theirs.
fn kinds(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let lower = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).to_lowercase();
    headers.get_all(CONTENT_TYPE).iter().map(lower)
}

/// Are the bytes of a form read as those of ASCII? In UTF-16 or EBCDIC they spell other names.
pub(crate) fn check_charset(headers: &HeaderMap) -> Result<(), Fault> {
    const FITTING: [&str; 3] = ["utf-8", "utf8", "us-ascii"];
    for kind in kinds(headers) {
        for (at, word) in kind.match_indices("charset") {
            let told = kind[at + word.len()..].trim_start().strip_prefix('=').unwrap_or_default();
            let told = told.split([';', ',']).next().unwrap_or_default();
            if !FITTING.contains(&told.trim_matches(|c: char| c == '"' || c.is_whitespace())) {
                return Err(Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
                    "Biểu mẫu (application/x-www-form-urlencoded) phải gửi bằng UTF-8.",
                    "A form (application/x-www-form-urlencoded) must be sent in UTF-8.",
                )));
            }
        }
    }
    Ok(())
}

/// Checks a body that could be read as a form: it goes on byte for byte, so nothing in it may name
/// another destination, nor any provider.
pub(crate) fn check_form(body: &[u8], is_resolved: impl FnOnce(&str) -> bool) -> Result<(), Fault> {
    let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
    let none = HeaderMap::new();
    let named = read(&none, text, Words::Plain)?;
    check_named(&named, is_resolved)?;
    check_provider(&named, &[])
}

/// The query without what was for us: `providerurl` never goes on, the destination only to another
/// adapter, and only where it says one. What stays, stays byte for byte.
pub(crate) fn clean(query: &str, keep_destination: bool, words: Words) -> Cow<'_, str> {
    let stays = |pair: &&str| match role(name(pair), words) {
        None => true,
        Some(Role::Destination) => {
            keep_destination && pair.split_once('=').is_some_and(|(_, value)| !value.is_empty())
        }
        Some(Role::Provider) => false,
    };
    if query.split('&').all(|pair| stays(&pair)) {
        return query.into();
    }
    query.split('&').filter(stays).collect::<Vec<_>>().join("&").into()
}

/// Takes what was for us out of a plain call, whose destination was checked: the rest of the query
/// stays byte for byte.
pub(crate) fn clean_plain(head: &mut Parts) -> Result<(), FaultCode> {
    head.headers.remove(PROVIDERURL);
    let query = head.uri.query().unwrap_or_default();
    let Cow::Owned(cleaned) = clean(query, true, Words::Plain) else { return Ok(()) };
    let mark = if cleaned.is_empty() { "" } else { "?" };
    let target = [head.uri.path(), mark, &cleaned].concat();
    let target = PathAndQuery::try_from(target).map_err(|_| FaultCode::RequestInvalid)?;
    head.uri = Uri::from(target);
    Ok(())
}

/// Takes out of the header what was for us: the same rule as for the query. `is_resolved` tells
/// whether a destination is the one that was called; no other goes on under any name.
pub(crate) fn clean_headers(
    headers: &mut HeaderMap,
    keep_destination: bool,
    is_resolved: impl Fn(&str) -> bool,
) {
    headers.remove(PROVIDERURL);
    for name in [DSTCODE, DESTINATION] {
        let said = |value: &HeaderValue| {
            let code = value.to_str().ok().and_then(|text| decode(text.trim(), false));
            code.is_some_and(|code| is_resolved(&code))
        };
        if !(keep_destination && headers.get_all(name).iter().all(said)) {
            headers.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
