//! The first segments that are ours: the token endpoints, served here, and the façades.

use std::rc::Rc;

use access::token::http::{Arrival, Endpoint};
use access::token::{TokenRefusal, Unreadable};
use bytes::{Bytes, BytesMut};
use http::Response;
use http::request::Parts;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use registry::system::Errors;
use terms::fault::{Fault, FaultCode};
use terms::limit::{FAREWELL, HEAD_TIMEOUT, TOKEN_BODY_MAX};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, sleep, timeout_at};

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
    let arrival = Arrival {
        environment: peer.environment,
        client_address: record.client(),
        secure: peer.secure,
        xml: record.context.xml,
    };
    if let Err(fault) = form::check(&head) {
        let fault = Unread { fault: fault.into(), unreadable: Unreadable::Head, bytes: 0 };
        return refuse(record, endpoint, &head, arrival, fault).await;
    }
    let deadline = record.deadline();
    // the body is as short as a head, and has the time of one
    let limit = deadline.within(record.now(), HEAD_TIMEOUT);
    let body = match timeout_at(limit.at().into(), read(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(Broken(bytes))) => {
            // a consumer that is gone takes its request with it meanwhile
            sleep(FAREWELL).await;
            let (fault, unreadable) = (FaultCode::RequestInvalid.into(), Unreadable::Broken);
            let fault = Unread { fault, unreadable, bytes };
            return refuse(record, endpoint, &head, arrival, fault).await;
        }
        Err(_) => return record.refuse(FaultCode::RequestTimeout.into()).await,
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

/// Why a request was not read: in the words of a call, and in those of RFC 6749.
struct Unread {
    fault: Fault,
    unreadable: Unreadable,
    /// Of the body, as many as came.
    bytes: usize,
}

/// Refuses a request that could not be read: RFC 6749, 5.2 says how clients of the token endpoints
/// hear of it; those of a session login hear of it as they do of everything.
async fn refuse(
    record: Box<Record>,
    endpoint: Endpoint,
    head: &Parts,
    arrival: Arrival,
    why: Unread,
) -> Response<Bytes> {
    if matches!(endpoint, Endpoint::Login(_)) {
        return record.refuse(why.fault).await;
    }
    let lane = record.hand_over();
    let access = &lane.shared.access;
    access::token::http::refuse(access, endpoint, head, why.bytes, arrival, why.unreadable).await
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
        (_, _) => TokenRefusal::TemporarilyUnavailable.answer(false),
    }
}

/// The body ended before its end, after so many bytes.
struct Broken(usize);

/// Reads one byte more than is taken, so that a body that is too long shows.
async fn read(mut body: Incoming) -> Result<Bytes, Broken> {
    let mut read = BytesMut::new();
    while !body.is_end_stream() && read.len() <= TOKEN_BODY_MAX {
        match body.frame().await {
            None => break,
            Some(Err(_)) => return Err(Broken(read.len())),
            Some(Ok(frame)) => read.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
        }
    }
    read.truncate(TOKEN_BODY_MAX + 1);
    Ok(read.freeze())
}
