//! A body that is read whole before the call goes on, because it says what the header of a plain
//! call says.

use bytes::Bytes;
use hyper::body::Incoming;
use packet::{Document, Envelope, FormFault};
use terms::fault::{Fault, FaultCode};
use tokio::time::timeout_at;

use crate::body::{self, Intake, Place};
use crate::record::Record;

/// The body of a call.
pub(crate) enum Cargo<'a> {
    /// Passed on as it comes.
    Coming(Incoming),
    /// Read whole.
    Whole(Box<Whole<'a>>),
}

/// A body that was read whole.
pub(crate) struct Whole<'a> {
    /// As it came, or as a façade has made it.
    pub(crate) body: Bytes,
    /// What it says, when that was read before the call was granted.
    pub(super) seen: Option<Seen<'a>>,
    /// The operation that it names; empty until it has been looked at.
    pub(crate) operation: String,
    /// As it came, for the digest; `None` when that is the body itself.
    came: Option<Bytes>,
    room: Place,
}

impl<'a> Whole<'a> {
    /// A body as it came.
    pub(super) fn read(body: Bytes, room: Place) -> Box<Whole<'a>> {
        let operation = String::new();
        Box::new(Whole { body, seen: None, operation, came: None, room })
    }

    /// A body as it came, with what it says.
    pub(super) fn seen(body: Bytes, seen: Seen<'a>, room: Place) -> Box<Whole<'a>> {
        let mut whole = Whole::read(body, room);
        whole.seen = Some(seen);
        whole
    }

    /// It was looked at and goes on as `body`. What is made of it is counted as well: a body that
    /// differs from what came, and the one that a portal is sent, with a session of its own.
    pub(super) fn turn(
        &mut self,
        operation: String,
        body: Bytes,
        is_portal: bool,
    ) -> Result<(), Fault> {
        if body.as_ptr() != self.body.as_ptr() {
            self.room.grow(body.len())?;
        }
        if is_portal {
            self.room.grow(body.len())?;
        }
        self.operation = operation;
        self.came = Some(std::mem::replace(&mut self.body, body));
        Ok(())
    }

    /// Digests what the consumer sent: a session or an envelope of ours in it is no part of what
    /// consumer and provider can prove to one another.
    pub(crate) fn digest(&self, record: &Record) {
        if let Some(intake) = &record.intake {
            let came = self.came.as_ref().unwrap_or(&self.body);
            intake.digest_whole(came, record.digest_key.as_deref());
        }
    }
}

/// A body that was understood as an envelope.
pub(crate) struct Seen<'a> {
    pub(super) document: Document<'a>,
    pub(super) envelope: Envelope<'a>,
}

impl<'a> Seen<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Seen<'a>, FormFault> {
        let document = Document::read(body, None)?;
        let envelope = Envelope::of(&document)?;
        Ok(Seen { document, envelope })
    }
}

/// Reads a body within the time of its call; the record knows how far it came.
pub(super) async fn read(
    record: &mut Record,
    incoming: Incoming,
    bytes_max: u64,
    room: &mut Place,
) -> Result<Bytes, Fault> {
    let intake = Intake::whole(bytes_max);
    record.intake = Some(intake.clone());
    let limit = record.deadline().at().into();
    let read = timeout_at(limit, body::read_whole(incoming, &intake, room)).await;
    read.unwrap_or(Err(FaultCode::RequestTimeout.into()))
}
