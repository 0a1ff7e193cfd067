//! What came back from a provider, or why nothing did.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use terms::clock::Timestamp;
use terms::deadline::Deadline;
use terms::fault::Sentence;
use tokio::time::{Instant, timeout_at};

use crate::pool::Lease;
use crate::portal::PortalHolds;

/// A provider's answer: its head is complete, its body still streams.
pub struct Reply<B> {
    /// Status and headers as received.
    pub parts: http::response::Parts,
    /// The body; its connection goes back to the pool when it has been read to its end.
    pub body: ReplyBody<B>,
    /// What was tried on the way to this answer.
    pub trace: Trace,
    /// When the head was complete.
    pub answered_at: Timestamp,
    /// Path of the endpoint that answered, for mapping `Location` back.
    pub base: Arc<str>,
}

/// What the journal wants to know of the provider's side of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Scheme and authority last tried.
    pub upstream: Option<Arc<str>>,
    /// How often a connection was tried or a request sent.
    pub attempts: u32,
    /// When the last sending began.
    pub forwarded_at: Option<Timestamp>,
    /// Microseconds spent, connecting included, over all attempts, to the answer's head.
    pub upstream_us: u64,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection to any endpoint, or no TLS.
    Unreachable,
    /// The provider broke HTTP or closed midway.
    Broken,
    /// The time was over while the provider was awaited.
    Timeout,
}

/// A sending that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub kind: FailureKind,
    /// The provider may have acted on the request.
    pub reached: bool,
    /// Which records of the call a portal holds, as far as that is known.
    pub holds: PortalHolds,
    /// What was tried.
    pub trace: Trace,
    /// What exactly, for people, when a protocol of ours knows; nothing internal.
    pub cause: Option<Sentence>,
}

/// The body of an answer.
pub struct ReplyBody<B> {
    /// Read already, and still to be handed out; empty unless a protocol of ours had to look.
    ahead: Bytes,
    incoming: Incoming,
    lease: Option<Lease<B>>,
}

impl<B: Body<Data = Bytes> + 'static> ReplyBody<B> {
    pub(crate) fn new(incoming: Incoming, lease: Lease<B>) -> ReplyBody<B> {
        let mut body = ReplyBody { ahead: Bytes::new(), incoming, lease: Some(lease) };
        body.give_back_at_end();
        body
    }

    /// Puts other bytes in front of the rest than those that were read.
    pub(crate) fn put_ahead(&mut self, bytes: Bytes) {
        self.ahead = bytes;
    }

    /// Gives the connection back as soon as nothing more can come on it for this answer.
    fn give_back_at_end(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin + 'static> ReplyBody<B> {
    /// Reads the body's beginning, at most about `bytes_max`, and puts it in front of the rest
    /// again; `true` when it is the whole.
    pub(crate) async fn hold(
        &mut self,
        bytes_max: usize,
        deadline: Deadline,
    ) -> Result<(Bytes, bool), FailureKind> {
        let gathering = async {
            let mut held: Vec<Bytes> = Vec::new();
            let mut length = 0;
            while length <= bytes_max {
                match poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await {
                    None => return Ok((joined(&held, length), true)),
                    Some(Err(_)) => return Err(FailureKind::Broken),
                    Some(Ok(frame)) => {
                        let data = frame.into_data().unwrap_or_default();
                        length += data.len();
                        held.push(data);
                    }
                }
            }
            Ok((joined(&held, length), false))
        };
        let gathered = timeout_at(Instant::from_std(deadline.at()), gathering).await;
        let (held, whole) = gathered.unwrap_or(Err(FailureKind::Timeout))?;
        self.ahead = held.clone();
        Ok((held, whole))
    }
}

impl<B: Body<Data = Bytes> + Unpin + 'static> Body for ReplyBody<B> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if !self.ahead.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.ahead)))));
        }
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        match &polled {
            Poll::Ready(None) => {
                if let Some(lease) = self.lease.take() {
                    lease.give_back();
                }
            }
            Poll::Ready(Some(Ok(_))) => self.give_back_at_end(),
            Poll::Ready(Some(Err(_))) => self.lease = None,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.incoming.size_hint();
        let ahead = self.ahead.len() as u64;
        if ahead > 0 {
            hint.upper().into_iter().for_each(|upper| hint.set_upper(upper + ahead));
            hint.set_lower(hint.lower() + ahead);
        }
        hint
    }
}

fn joined(chunks: &[Bytes], length: usize) -> Bytes {
    match chunks {
        [only] => only.clone(),
        chunks => chunks
            .iter()
            .fold(Vec::with_capacity(length), |mut all, chunk| {
                all.extend_from_slice(chunk);
                all
            })
            .into(),
    }
}
