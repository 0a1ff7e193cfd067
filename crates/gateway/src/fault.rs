//! A fault on the wire: `application/problem+json` in the consumer's language (RFC 9457).

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use terms::exchange::ExchangeId;
use terms::fault::{Fault, FaultCode, Language};

use crate::admit::Limits;
use crate::header::{self, RATE_LIMIT, RATE_LIMIT_POLICY};

#[cfg(test)]
mod tests;

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

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
}

/// The whole answer; a HEAD answer is the same without its body, which hyper sees to.
pub(crate) fn answer(fault: &Fault, exchange: ExchangeId, context: Context) -> Response<Bytes> {
    let body = fault.problem(Some(exchange), context.language);
    let mut response = Response::new(Bytes::from(body));
    let status = fault.code.status();
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, PROBLEM);
    let language = HeaderValue::from_static(context.language.as_str());
    headers.insert(CONTENT_LANGUAGE, language);
    headers.insert(header::EXCHANGE_ID, header::exchange_id(exchange));
    insert(headers, WWW_AUTHENTICATE, challenge(fault.code).map(HeaderValue::from_static));
    insert(headers, ALLOW, context.allow);
    // RFC 9110, 10.2.3: 429 and 503 always say when to come again
    let retry_after = fault.retry_after.or(matches!(status, 429 | 503).then_some(1));
    insert(headers, RETRY_AFTER, retry_after.map(HeaderValue::from));
    insert_limits(headers, context.limits);
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
