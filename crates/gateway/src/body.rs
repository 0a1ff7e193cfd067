//! The request body on its way to the provider: counted, digested, bounded, never kept.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use journal::Digest;

use crate::digest::{DigestKey, Digesting};

mod room;
mod whole;

pub(crate) use room::{Place, Room};
pub(crate) use whole::read_whole;

/// How far the request body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Not asked for yet, or the provider is taking what came.
    Flowing,
    /// The consumer is awaited.
    Awaited,
    /// Read to its end, or there is none.
    Ended,
    /// Larger than the version takes.
    TooLarge,
    /// Its framing is broken.
    Malformed,
    /// The consumer has ended its side before its end: it may still listen.
    Cut,
    /// The consumer is gone.
    Gone,
}

/// What is known of a request body, shared by the call and the body itself.
pub(crate) struct Intake {
    progress: Cell<Progress>,
    bytes: Cell<u64>,
    bytes_max: u64,
    digesting: RefCell<Option<Digesting>>,
    digest: Cell<Option<Digest>>,
    /// The call is over: what is still to come belongs to nothing.
    over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Intake {
    /// The record is closed. A body that has not come to its end breaks off, so that neither
    /// connection waits for the rest of it: its bytes would look like the next request.
    pub(crate) fn break_off(&self) {
        if self.progress.get() != Progress::Ended && !self.over.replace(true) {
            let waker = self.waker.borrow_mut().take();
            waker.into_iter().for_each(Waker::wake);
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.get()
    }

    /// Body bytes read from the consumer.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Digest of the whole body, once it has been read to its end.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.digest.get()
    }

    /// Of a body that is to be read whole.
    pub(crate) fn whole(bytes_max: u64) -> Rc<Intake> {
        Rc::new(Intake::new(bytes_max, None))
    }

    /// Digests a body that was read whole, as soon as it is known between whom it passes.
    pub(crate) fn digest_whole(&self, body: &[u8], key: Option<&DigestKey>) {
        let Some(key) = key.filter(|_| !body.is_empty()) else { return };
        let mut digesting = key.begin();
        digesting.update(body);
        self.digest.set(digesting.end());
    }

    fn new(bytes_max: u64, key: Option<&DigestKey>) -> Intake {
        Intake {
            progress: Cell::new(Progress::Flowing),
            bytes: Cell::new(0),
            bytes_max,
            digesting: RefCell::new(key.map(DigestKey::begin)),
            digest: Cell::new(None),
            over: Cell::new(false),
            waker: RefCell::new(None),
        }
    }

    fn take(&self, data: &[u8]) -> Result<(), BodyFault> {
        self.bytes.set(self.bytes.get() + data.len() as u64);
        if self.bytes.get() > self.bytes_max {
            self.progress.set(Progress::TooLarge);
            return Err(BodyFault);
        }
        if let Some(digesting) = self.digesting.borrow_mut().as_mut() {
            digesting.update(data);
        }
        self.progress.set(Progress::Flowing);
        Ok(())
    }

    fn end(&self) {
        if self.progress.replace(Progress::Ended) != Progress::Ended {
            let digesting = self.digesting.borrow_mut().take();
            let any = self.bytes.get() > 0;
            self.digest.set(digesting.filter(|_| any).and_then(Digesting::end));
        }
    }
}

/// The body broke off; why stands in its [`Intake`].
#[derive(Debug, thiserror::Error)]
#[error("the request body broke off")]
pub(crate) struct BodyFault;

/// A request body as the connector sends it.
pub(crate) struct RequestBody(Source);

enum Source {
    Empty,
    /// Passed on as it comes.
    Coming(Incoming, Rc<Intake>),
    /// Read whole before.
    Read(Bytes),
}

impl From<Bytes> for RequestBody {
    fn from(body: Bytes) -> RequestBody {
        RequestBody(if body.is_empty() { Source::Empty } else { Source::Read(body) })
    }
}

impl RequestBody {
    /// No body.
    pub(crate) const EMPTY: RequestBody = RequestBody(Source::Empty);

    /// The consumer's body; nothing is shared and nothing counted when there is none.
    pub(crate) fn new(
        incoming: Incoming,
        bytes_max: u64,
        key: Option<&DigestKey>,
    ) -> (RequestBody, Option<Rc<Intake>>) {
        if incoming.is_end_stream() {
            return (RequestBody::EMPTY, None);
        }
        let intake = Rc::new(Intake::new(bytes_max, key));
        (RequestBody(Source::Coming(incoming, intake.clone())), Some(intake))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let (incoming, intake) = match &mut self.0 {
            Source::Coming(incoming, intake) => (incoming, intake),
            Source::Empty => return Poll::Ready(None),
            Source::Read(body) => {
                let body = std::mem::take(body);
                self.0 = Source::Empty;
                return Poll::Ready(Some(Ok(Frame::data(body))));
            }
        };
        if intake.over.get() {
            return Poll::Ready(Some(Err(BodyFault)));
        }
        loop {
            match Pin::new(&mut *incoming).poll_frame(cx) {
                Poll::Pending => {
                    intake.progress.set(Progress::Awaited);
                    *intake.waker.borrow_mut() = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(None) => {
                    intake.end();
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(error))) => {
                    intake.progress.set(blame(&error));
                    return Poll::Ready(Some(Err(BodyFault)));
                }
                // trailers belong to one hop: they are not passed on
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let taken = intake.take(&data);
                    if taken.is_ok() && incoming.is_end_stream() {
                        intake.end();
                    }
                    return Poll::Ready(Some(taken.map(|()| Frame::data(data))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Empty => true,
            Source::Coming(incoming, _) => incoming.is_end_stream(),
            Source::Read(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Empty => SizeHint::with_exact(0),
            Source::Coming(incoming, _) => incoming.size_hint(),
            Source::Read(body) => SizeHint::with_exact(body.len() as u64),
        }
    }
}

/// Broken framing shows as invalid input, a consumer's own end as one that was not expected,
/// everything else is a connection that broke.
fn blame(error: &hyper::Error) -> Progress {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    let cause = std::error::Error::source(error).and_then(|c| c.downcast_ref::<std::io::Error>());
    match cause.map(std::io::Error::kind) {
        Some(InvalidData | InvalidInput) => Progress::Malformed,
        Some(UnexpectedEof) => Progress::Cut,
        _ => Progress::Gone,
    }
}
