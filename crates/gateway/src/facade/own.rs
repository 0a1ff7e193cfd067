//! An answer that the platform itself gives to a call: recorded like any other.

use std::collections::VecDeque;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, response};
use terms::fault::Fault;

use crate::fault;
use crate::header::{self, EXCHANGE_ID};
use crate::record::Record;
use crate::reply::{self, Held};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Closes a record that was begun with an answer of 200 in JSON and gives the answer.
pub(super) async fn answer(
    record: &mut Record,
    body: String,
) -> Result<(response::Parts, Held), Fault> {
    let (mut head, ()) = Response::new(()).into_parts();
    head.headers.insert(CONTENT_TYPE, JSON);
    head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    head.headers.insert(EXCHANGE_ID, header::exchange_id(record.id()));
    fault::insert_limits(&mut head.headers, std::mem::take(&mut record.context.limits));
    if let Some(packet) = record.context.packet.take() {
        head.headers.insert(fault::LGSP_PACKET, packet);
    }
    record.note_status(head.status);
    let held = VecDeque::from([Bytes::from(body)]);
    reply::release(record, &held).await?;
    Ok((head, Held::Whole(held)))
}
