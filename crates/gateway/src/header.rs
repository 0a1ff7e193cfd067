//! The headers of a call: what goes to the provider, what comes back to the consumer, what is ours.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Version, request, response};
use terms::exchange::ExchangeId;
use terms::fault::FaultCode;
use terms::limit;

#[cfg(test)]
mod tests;

pub(crate) const EXCHANGE_ID: HeaderName = HeaderName::from_static("exchange-id");
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const CONSUMER: HeaderName = HeaderName::from_static("lgsp-consumer");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_ROAD_ID: HeaderName = HeaderName::from_static("x-road-id");
const X_ROAD_REQUEST_ID: HeaderName = HeaderName::from_static("x-road-request-id");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What this node writes into `Via`, made once (RFC 9110, 7.6.3).
pub(crate) struct Via {
    pseudonym: String,
    http_10: HeaderValue,
    http_11: HeaderValue,
}

impl Via {
    /// Of a pseudonym; characters that may not stand in a token become `-`.
    pub(crate) fn new(name: &str) -> Via {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let pseudonym: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
        let value = |version: &str| {
            HeaderValue::try_from(format!("{version} {pseudonym}"))
                .unwrap_or(HeaderValue::from_static("1.1 lgsp"))
        };
        Via { http_10: value("1.0"), http_11: value("1.1"), pseudonym }
    }

    /// Has the message come through this node before?
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(header::VIA)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|hop| hop.split_ascii_whitespace().nth(1) == Some(&self.pseudonym))
    }

    fn add(&self, headers: &mut HeaderMap, version: Version) {
        let value = match version {
            Version::HTTP_10 => &self.http_10,
            _ => &self.http_11,
        };
        headers.append(header::VIA, value.clone());
    }
}

/// An exchange's id as a header value.
pub(crate) fn exchange_id(id: ExchangeId) -> HeaderValue {
    let mut buffer = [0; 36];
    HeaderValue::from_str(id.encode(&mut buffer)).unwrap_or(HeaderValue::from_static(""))
}

/// What the platform says of itself and of the consumer to the provider.
pub(crate) struct Outward<'a> {
    pub(crate) exchange: &'a HeaderValue,
    pub(crate) id: ExchangeId,
    pub(crate) consumer: &'a HeaderValue,
    pub(crate) via: &'a Via,
    /// The version's own credential.
    pub(crate) credential: Option<(&'a HeaderName, &'a HeaderValue)>,
}

/// Turns the consumer's head into the provider's (design §7). `Host` is set by the connector.
pub(crate) fn turn_outward(head: &mut request::Parts, outward: &Outward<'_>) {
    let headers = &mut head.headers;
    let own = outward.credential.map(|(name, _)| name.as_str());
    strip(headers, |name| is_ours_outward(name) || own.is_some_and(|own| reads_like(name, own)));
    headers.insert(EXCHANGE_ID, outward.exchange.clone());
    headers.insert(CONSUMER, outward.consumer.clone());
    let traceparent = traceparent(headers.get(TRACEPARENT), outward.id);
    headers.insert(TRACEPARENT, traceparent);
    outward.via.add(headers, head.version);
    if let Some((name, value)) = outward.credential {
        headers.insert(name, value.clone());
    }
}

/// Turns the provider's head into the consumer's. `Location` is mapped by [`map_location`].
/// [`FaultCode::ProviderError`] when the body is coded for the hop in a way that we do not undo.
pub(crate) fn turn_inward(
    head: &mut response::Parts,
    exchange: &HeaderValue,
    via: &Via,
) -> Result<(), FaultCode> {
    settle_framing(&mut head.headers)?;
    strip(&mut head.headers, is_ours_inward);
    head.headers.insert(EXCHANGE_ID, exchange.clone());
    via.add(&mut head.headers, head.version);
    head.version = Version::HTTP_11;
    Ok(())
}

/// `Transfer-Encoding` overrides `Content-Length` (RFC 9112, 6.3): hyper read the body by the first
/// and leaves the second, which is untrue and would split the answer on the consumer's side.
fn settle_framing(headers: &mut HeaderMap) -> Result<(), FaultCode> {
    if !is_framed_plainly(headers) {
        return Err(FaultCode::ProviderError);
    }
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    Ok(())
}

/// No transfer coding, or chunks and nothing else: another coding would be taken off the frame and
/// left on the content, with nobody told.
pub(crate) fn is_framed_plainly(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// Removes what belongs to one connection only, what `Connection` names, and what `is_ours` claims.
fn strip(headers: &mut HeaderMap, is_ours: impl Fn(&str) -> bool) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
            .collect();
        named.iter().for_each(|name| drop(headers.remove(name)));
    }
    let gone = |name: &&HeaderName| is_hop_by_hop(name.as_str()) || is_ours(name.as_str());
    // a few at a time on the stack: no call needs more than one round
    loop {
        let mut doomed: [Option<HeaderName>; 8] = Default::default();
        let found = headers.keys().filter(gone).zip(&mut doomed);
        let count = found.map(|(name, place)| *place = Some(name.clone())).count();
        doomed.iter().flatten().for_each(|name| drop(headers.remove(name)));
        if count < doomed.len() {
            return;
        }
    }
}

fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-authentication-info"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Ours and every name that a provider may take for it: CGI, WSGI and PHP make one variable of
/// `Lgsp-Consumer` and `Lgsp_Consumer`.
fn is_ours_outward(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "authorization",
        "exchange-id",
        "expect",
        "forwarded",
        "host",
        "proxy-authorization",
        "x-real-ip",
    ];
    const BEGINNINGS: [&str; 2] = ["lgsp-", "x-forwarded-"];
    let begins = |with: &str| name.get(..with.len()).is_some_and(|start| reads_like(start, with));
    NAMES.iter().any(|own| reads_like(name, own)) || BEGINNINGS.iter().any(|with| begins(with))
}

/// Are the names, both in lower case, one to a provider that takes every mark for an underscore?
fn reads_like(name: &str, own: &str) -> bool {
    let same =
        |(a, b): (u8, u8)| a == b || !a.is_ascii_alphanumeric() && !b.is_ascii_alphanumeric();
    name.len() == own.len() && name.bytes().zip(own.bytes()).all(same)
}

fn is_ours_inward(name: &str) -> bool {
    name == "exchange-id"
}

/// W3C Trace Context: the consumer's trace goes on if it is valid; else one begins that can be
/// found from the exchange's id.
fn traceparent(given: Option<&HeaderValue>, id: ExchangeId) -> HeaderValue {
    let bytes = id.as_bytes();
    let mut text = [0; 55];
    match given.map(HeaderValue::as_bytes).filter(|g| is_traceparent(g)) {
        Some(given) => text.copy_from_slice(&given[..55]),
        None => {
            text.copy_from_slice(b"00-00000000000000000000000000000000-0000000000000000-01");
            write_hex(bytes, &mut text[3..35]);
        }
    }
    // the span is ours: the random half of the id
    write_hex(&bytes[8..], &mut text[36..52]);
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Version 00 of <https://www.w3.org/TR/trace-context/>: `00-{trace}-{span}-{flags}`.
fn is_traceparent(text: &[u8]) -> bool {
    let hex = |part: &[u8]| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |part: &[u8]| part.iter().all(|b| *b == b'0');
    text.len() == 55
        && text.starts_with(b"00-")
        && [text[35], text[52]] == *b"--"
        && hex(&text[3..35])
        && hex(&text[36..52])
        && hex(&text[53..])
        && !zero(&text[3..35])
        && !zero(&text[36..52])
}

fn write_hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// The consumer's own name for the call (design §9, `reference`).
pub(crate) fn reference(headers: &HeaderMap) -> Option<&str> {
    first(headers, &[IDEMPOTENCY_KEY, X_ROAD_ID, X_REQUEST_ID])
}

/// The provider's own name for the call (design §9, `provider_reference`).
pub(crate) fn provider_reference(headers: &HeaderMap) -> Option<&str> {
    first(headers, &[EXCHANGE_ID, X_ROAD_REQUEST_ID, X_REQUEST_ID])
}

/// The first present, when it is 1 to 128 visible ASCII characters: nothing that could forge a
/// line.
fn first<'a>(headers: &'a HeaderMap, names: &[HeaderName]) -> Option<&'a str> {
    let value = names.iter().find_map(|name| headers.get(name))?.as_bytes();
    let fits = (1..=limit::REFERENCE_CHARS_MAX).contains(&value.len())
        && value.iter().all(u8::is_ascii_graphic);
    fits.then(|| std::str::from_utf8(value).ok()).flatten()
}

/// Maps a `Location` under the endpoint's base back to the path the consumer called: `endpoint` is
/// `scheme://authority`, `base` its path, `prefix` our context and version. Others stay.
pub(crate) fn map_location(headers: &mut HeaderMap, upstream: &str, base: &str, prefix: &str) {
    let Some(location) = headers.get(header::LOCATION) else {
        return;
    };
    let Ok(text) = location.to_str() else { return };
    let path = match text.get(..upstream.len()) {
        Some(start) if start.eq_ignore_ascii_case(upstream) => &text[upstream.len()..],
        _ if text.starts_with('/') && !text.starts_with("//") => text,
        _ => return,
    };
    let Some(rest) = path.strip_prefix(base) else {
        return;
    };
    if !rest.is_empty() && !rest.starts_with(['/', '?', '#']) {
        return;
    }
    if let Ok(value) = HeaderValue::try_from([prefix, rest].concat()) {
        headers.insert(header::LOCATION, value);
    }
}
