//! A fault as the clients of the portal's session protocol read it: HTTP 200, `error_code` and
//! `message`. Many of them lose the body of any other status, and show `message` to people.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response};
use serde::Serialize;
use terms::exchange::ExchangeId;
use terms::fault::{Fault, FaultCode, Language};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const XML: HeaderValue = HeaderValue::from_static("application/xml; charset=utf-8");
/// `error_code` of every fault: clients know 0 (done) and 3 or -3 (exists already), and take any
/// other for a failure.
const FAILED: i32 = -1;

#[derive(Serialize)]
struct Told<'a> {
    error_code: i32,
    message: &'a str,
    code: FaultCode,
    exchange: ExchangeId,
}

/// Does the consumer ask for XML and not for JSON?
pub(crate) fn wants_xml(headers: &HeaderMap) -> bool {
    let mut xml = false;
    for accepted in headers.get_all(ACCEPT) {
        let Ok(accepted) = accepted.to_str() else { return false };
        let accepted = accepted.to_ascii_lowercase();
        if ["json", "*/*", "application/*"].iter().any(|kind| accepted.contains(kind)) {
            return false;
        }
        xml |= accepted.contains("xml");
    }
    xml
}

/// The answer, without what stands in every fault's header.
pub(crate) fn answer(
    fault: &Fault,
    exchange: ExchangeId,
    language: Language,
    xml: bool,
) -> Response<Bytes> {
    let message = message(fault, language);
    let (kind, body) = if xml {
        (XML, write_xml(&message, fault.code, exchange))
    } else {
        let told = Told { error_code: FAILED, message: &message, code: fault.code, exchange };
        (JSON, serde_json::to_vec(&told).unwrap_or_default())
    };
    let mut response = Response::new(Bytes::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.as_str()));
    response
}

/// What happened and, when more is known, what exactly: in one line, for people.
fn message(fault: &Fault, language: Language) -> String {
    let title = fault.code.title(language);
    match &fault.detail {
        Some(detail) => format!("{title}: {}", detail.text(language)),
        None => title.to_owned(),
    }
}

fn write_xml(message: &str, code: FaultCode, exchange: ExchangeId) -> Vec<u8> {
    // XML 1.0, 2.2: no reader takes what is not among its characters
    let fits = |c: char| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let message: String = message.chars().filter(|c| fits(*c)).collect();
    let message = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response><error_code>{FAILED}</error_code>\
         <message>{message}</message><code>{code}</code><exchange>{exchange}</exchange></response>"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests;
