//! A fault on the wire, in the consumer's language: `application/problem+json` (RFC 9457), or as
//! old clients read it.

pub(crate) mod legacy;

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use registry::system::Errors;
use terms::exchange::ExchangeId;
use terms::fault::{Fault, FaultCode, Language};

use crate::admit::Limits;
use crate::header::{self, RATE_LIMIT, RATE_LIMIT_POLICY};

#[cfg(test)]
mod tests;

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
/// What the check of a packet came to.
pub(crate) const LGSP_PACKET: HeaderName = HeaderName::from_static("lgsp-packet");

/// The language that `Accept-Language` prefers.
pub(crate) fn language(wanted: Option<&HeaderValue>) -> Language {
    wanted.and_then(|value| value.to_str().ok()).map_or(Language::Vi, Language::preferred)
}

/// What an answer says beside the fault itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub(crate) language: Language,
    /// Methods of the version, for `Allow`.
    pub(crate) allow: Option<HeaderValue>,
    pub(crate) limits: Limits,
    /// How the consumer wants to hear of faults.
    pub(crate) errors: Errors,
    /// It asked for XML; matters to [`Errors::Legacy`] only.
    pub(crate) xml: bool,
    /// What the check of its packet came to.
    pub(crate) packet: Option<HeaderValue>,
}

impl Context {
    /// The status as it is sent.
    pub(crate) fn status(&self, code: FaultCode) -> u16 {
        match self.errors {
            Errors::Modern => code.status(),
            Errors::Legacy => StatusCode::OK.as_u16(),
        }
    }
}

/// The whole answer; a HEAD answer is the same without its body, which hyper sees to.
pub(crate) fn answer(fault: &Fault, exchange: ExchangeId, context: Context) -> Response<Bytes> {
    let mut response = match context.errors {
        Errors::Modern => problem(fault, exchange, &context),
        Errors::Legacy => legacy::answer(fault, exchange, context.language, context.xml),
    };
    let headers = response.headers_mut();
    headers.insert(header::EXCHANGE_ID, header::exchange_id(exchange));
    // RFC 9110, 10.2.3: 429 and 503 always say when to come again
    let later = matches!(fault.code.status(), 429 | 503);
    let retry_after = fault.retry_after.or(later.then_some(1));
    insert(headers, RETRY_AFTER, retry_after.map(HeaderValue::from));
    insert(headers, LGSP_PACKET, context.packet);
    insert_limits(headers, context.limits);
    response
}

fn problem(fault: &Fault, exchange: ExchangeId, context: &Context) -> Response<Bytes> {
    let body = fault.problem(Some(exchange), context.language);
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() =
        StatusCode::from_u16(fault.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, PROBLEM);
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(context.language.as_str()));
    insert(headers, WWW_AUTHENTICATE, challenge(fault.code).map(HeaderValue::from_static));
    insert(headers, ALLOW, context.allow.clone());
    response
}

/// Adds what is known of the consumer's limits.
pub(crate) fn insert_limits(headers: &mut HeaderMap, limits: Limits) {
    insert(headers, RATE_LIMIT, limits.limit);
    insert(headers, RATE_LIMIT_POLICY, limits.policy);
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

/// RFC 6750, 3: an error code only where a token was given.
fn challenge(code: FaultCode) -> Option<&'static str> {
    match code {
        FaultCode::TokenMissing => Some("Bearer realm=\"lgsp\""),
        FaultCode::TokenInvalid => Some("Bearer realm=\"lgsp\", error=\"invalid_token\""),
        FaultCode::TokenExpired => {
            Some("Bearer realm=\"lgsp\", error=\"invalid_token\", error_description=\"expired\"")
        }
        _ => None,
    }
}
