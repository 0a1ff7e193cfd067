//! The token endpoints: the only first segments of ours that are served here.

use std::rc::Rc;

use access::token::http::{Arrival, Endpoint};
use bytes::{Bytes, BytesMut};
use http::Response;
use http::request::Parts;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use terms::fault::FaultCode;
use terms::limit::TOKEN_BODY_MAX;
use tokio::time::timeout_at;

use crate::form;
use crate::peer::Peer;
use crate::record::Record;

/// Does an endpoint of ours stand at this path?
pub(crate) fn find(head: &Parts) -> Option<Endpoint> {
    Endpoint::find(head.uri.path())
}

/// Answers at a token endpoint. The row is written there, so the record is closed without one,
/// unless the request does not even come that far.
pub(crate) async fn answer(
    record: Box<Record>,
    peer: &Rc<Peer>,
    endpoint: Endpoint,
    head: Parts,
    body: Incoming,
) -> Response<Bytes> {
    if let Err(fault) = form::check(&head) {
        return record.refuse(fault.into()).await;
    }
    let limit = record.deadline().at().into();
    let body = match timeout_at(limit, read(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(Broken)) => return record.refuse(FaultCode::RequestInvalid.into()).await,
        Err(_) => return record.refuse(FaultCode::RequestTimeout.into()).await,
    };
    let arrival = Arrival {
        environment: peer.environment,
        client_address: record.client(),
        secure: peer.secure,
    };
    let lane = record.hand_over();
    let access = &lane.shared.access;
    access::token::http::answer(access, endpoint, &head, &body, arrival, |s| lane.terms(s)).await
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
