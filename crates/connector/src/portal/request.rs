//! The head of a request to the portal.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, request};
use terms::portal::{DestinationIn, PortalAccess};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const UTF_8: HeaderValue = HeaderValue::from_static("utf-8");
/// Sent by every public client beside the content type.
const CHARSET: HeaderName = HeaderName::from_static("charset");

/// Operations of the shared catalogues and of identity, besides those that begin with
/// `LayDanhMuc`.
const SHARED: [&str; 2] = ["LayDanhSachTTHC", "TraCuuTechID"];
/// How operations begin that only ask.
const ASKING: [&str; 4] = ["Lay", "DanhSach", "TraCuu", "getfile"];

/// The path on which this operation is served.
pub(super) fn path<'a>(access: &'a PortalAccess, operation: &str) -> &'a str {
    let shared = starts(operation, "LayDanhMuc")
        || SHARED.iter().any(|name| name.eq_ignore_ascii_case(operation));
    if shared { &access.share } else { &access.data }
}

/// May this operation be sent twice without harm?
pub(super) fn is_asking(operation: &str) -> bool {
    ASKING.iter().any(|start| starts(operation, start))
}

fn starts(operation: &str, start: &str) -> bool {
    operation.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// Method and headers: the consumer's or none, with those of the protocol.
pub(super) fn head(
    mut headers: HeaderMap,
    access: &PortalAccess,
    destination: Option<&str>,
    length: usize,
) -> request::Parts {
    for name in [TRANSFER_ENCODING, CONTENT_ENCODING] {
        headers.remove(name);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    for (name, fitting) in [(CONTENT_TYPE, &["json"][..]), (ACCEPT, &["json", "*/*"])] {
        let told = headers.get(&name).and_then(|told| told.to_str().ok());
        let told = told.unwrap_or_default().to_ascii_lowercase();
        if !fitting.iter().any(|kind| told.contains(kind)) {
            headers.insert(name, JSON);
        }
    }
    headers.entry(CHARSET).or_insert(UTF_8);
    // the answer is read here
    headers.insert(ACCEPT_ENCODING, IDENTITY);
    if let Ok(name) = HeaderName::try_from(&*access.names.destination) {
        headers.remove(&name);
        let told = destination.filter(|_| access.destination_in != DestinationIn::Query);
        if let Some(Ok(code)) = told.map(HeaderValue::from_str) {
            headers.insert(name, code);
        }
    }
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = Method::POST;
    head.headers = headers;
    head
}

/// Path and query.
pub(super) fn rest(path: &str, access: &PortalAccess, destination: Option<&str>) -> String {
    let mut rest = path.to_owned();
    if let Some(code) = destination.filter(|_| access.destination_in != DestinationIn::Header) {
        rest.push(if path.contains('?') { '&' } else { '?' });
        escape(&access.names.destination, &mut rest);
        rest.push('=');
        escape(code, &mut rest);
    }
    rest
}

/// Percent-codes what may not stand in a query; the colons of a destination code stay, as real
/// clients send them.
fn escape(text: &str, to: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            to.push(char::from(byte));
        } else {
            to.push('%');
            to.push(char::from(DIGITS[usize::from(byte >> 4)]));
            to.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}
