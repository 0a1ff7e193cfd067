//! The first segments that are ours: the token endpoints, served here, and the façades.

use std::rc::Rc;

use access::token::TokenRefusal;
use access::token::http::{Arrival, Endpoint};
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use registry::system::Errors;
use terms::fault::FaultCode;
use terms::limit::{HEAD_TIMEOUT, TOKEN_BODY_MAX};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, timeout_at};

use crate::facade::dialect::{self, Dialect};
use crate::fault::legacy;
use crate::form;
use crate::lane::Lane;
use crate::peer::Peer;
use crate::record::Record;

#[cfg(test)]
mod tests;

/// Which way a request goes.
pub(crate) enum Way {
    /// That of a plain call.
    Plain,
    /// To a token endpoint.
    Token(Endpoint),
    /// Through a façade.
    Facade(Dialect),
    /// None: the listener of the national side has no other paths than the adapter's.
    Closed,
}

/// The way of a request. One look at the first segment tells a plain call.
pub(crate) fn find(lane: &Lane, inbound: bool, head: &Parts) -> Way {
    let path = head.uri.path();
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let facade = match first {
        "token" | "oauth2" | "revoke" | "introspect" | ".well-known" if !inbound => {
            return Endpoint::find(path).map_or(Way::Plain, Way::Token);
        }
        _ if dialect::FIRST.contains(&first) || lane.facades_elsewhere => {
            Dialect::find(path, &lane.shared.settings.facade)
        }
        _ => None,
    };
    match facade {
        Some(dialect @ Dialect::Adapter { .. }) if inbound => Way::Facade(dialect),
        _ if inbound => Way::Closed,
        Some(dialect) => match dialect.login(lane, head) {
            Some(facade) => Way::Token(Endpoint::Login(facade)),
            None => Way::Facade(dialect),
        },
        None => Way::Plain,
    }
}

/// Answers at a token endpoint. The row is written there, so the record is closed without one,
/// unless the request does not even come that far.
pub(crate) async fn answer(
    mut record: Box<Record>,
    peer: &Rc<Peer>,
    endpoint: Endpoint,
    head: Parts,
    body: Incoming,
) -> Response<Bytes> {
    if let Endpoint::Login(facade) = endpoint {
        record.note_facade(Some(facade));
        record.context.errors = Errors::Legacy;
        record.context.xml = legacy::wants_xml(&head.headers);
    }
    if let Err(fault) = form::check(&head) {
        return record.refuse(fault.into()).await;
    }
    let deadline = record.deadline();
    // the body is as short as a head, and has the time of one
    let limit = deadline.within(record.now(), HEAD_TIMEOUT);
    let body = match timeout_at(limit.at().into(), read(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(Broken)) => return record.refuse(FaultCode::RequestInvalid.into()).await,
        Err(_) => return record.refuse(FaultCode::RequestTimeout.into()).await,
    };
    let arrival = Arrival {
        environment: peer.environment,
        client_address: record.client(),
        secure: peer.secure,
        xml: record.context.xml,
    };
    let lane = record.hand_over();
    // in a task of its own: a guess is counted and recorded also when its consumer hangs up
    let answering = spawn_local(async move {
        let access = &lane.shared.access;
        access::token::http::answer(access, endpoint, &head, &body, arrival, |s| lane.terms(s))
            .await
    });
    wait(answering, deadline.at().into(), endpoint, arrival.xml).await
}

/// The answer if it comes in time; if not, what is told in its place while it goes on.
async fn wait(
    answering: JoinHandle<Response<Bytes>>,
    limit: Instant,
    endpoint: Endpoint,
    xml: bool,
) -> Response<Bytes> {
    match (timeout_at(limit, answering).await, endpoint) {
        (Ok(Ok(answer)), _) => answer,
        (_, Endpoint::Login(_)) => TokenRefusal::TemporarilyUnavailable.answer_login(xml),
        (_, _) => unavailable(),
    }
}

/// RFC 6749, 5.2 has no code for this; that of 4.1.2.1 says what is meant.
fn unavailable() -> Response<Bytes> {
    const BODY: &[u8] = br#"{"error":"temporarily_unavailable"}"#;
    let mut answer = Response::new(Bytes::from_static(BODY));
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

/// The body ended before its end.
struct Broken;

/// Reads one byte more than is taken, so that a body that is too long shows.
async fn read(mut body: Incoming) -> Result<Bytes, Broken> {
    let mut read = BytesMut::new();
    while !body.is_end_stream() && read.len() <= TOKEN_BODY_MAX {
        match body.frame().await {
            None => break,
            Some(Err(_)) => return Err(Broken),
            Some(Ok(frame)) => read.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
        }
    }
    read.truncate(TOKEN_BODY_MAX + 1);
    Ok(read.freeze())
}
