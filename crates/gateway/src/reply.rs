//! The provider's answer: held back while it is small, streamed when it is not, cut so that the
//! consumer sees it when it cannot be completed.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use connector::ReplyBody;
use http::response::Parts;
use http_body::{Body as _, SizeHint};
use http_body_util::BodyExt as _;
use journal::Durable;
use terms::deadline::Deadline;
use terms::fault::FaultCode;
use terms::limit::HELD_BYTES_MAX;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use crate::body::RequestBody;
use crate::digest::{DigestKey, Digesting};
use crate::pace::{Pace, TICK};
use crate::record::Record;

#[cfg(test)]
mod tests;

/// A provider's body.
pub(crate) type Source = ReplyBody<RequestBody>;

/// An answer that may leave.
pub(crate) enum Held {
    /// Complete, its row durable.
    Whole(VecDeque<Bytes>),
    /// More than is held back has come, the open frame is durable; the rest follows.
    Part(Box<Part>),
}

/// The time of an answer.
pub(crate) struct Time {
    /// Until when what is held back must have come.
    pub(crate) held: Deadline,
    /// Until when all of it must have come.
    pub(crate) whole: Deadline,
    /// How fast it must come, of a `bulk` version.
    pub(crate) pace: Option<Pace>,
}

/// The beginning of a long answer and where the rest of it comes from.
pub(crate) struct Part {
    held: VecDeque<Bytes>,
    source: Source,
    time: Time,
}

/// Holds the answer back until it is complete or more than 64 KiB of it have come, then waits for
/// the journal: for the whole row, or for the open frame of an answer that goes on.
pub(crate) async fn hold_back(
    record: &mut Record,
    head: &Parts,
    mut source: Source,
    time: Time,
) -> Result<Held, FaultCode> {
    let mut gathered = Gathered::default();
    let ended = timeout_at(time.held.at().into(), hold(&mut source, &mut gathered)).await;
    let ended = ended.unwrap_or(Err(FaultCode::ProviderTimeout))?;
    let held = gathered.end();
    record.note_status(head.status);
    if !ended {
        record.opened_durably().await?;
        return Ok(Held::Part(Box::new(Part { held, source, time })));
    }
    release(record, &held).await?;
    Ok(Held::Whole(held))
}

/// Closes the record of an answer that is complete and waits for its row.
pub(crate) async fn release(record: &mut Record, held: &VecDeque<Bytes>) -> Result<(), FaultCode> {
    let mut digesting = record.digest_key.as_deref().map(DigestKey::begin);
    let mut bytes = 0;
    for chunk in held {
        bytes += chunk.len() as u64;
        if let Some(digesting) = &mut digesting {
            digesting.update(chunk);
        }
    }
    let digest = digesting.filter(|_| bytes > 0).and_then(Digesting::end);
    let durable = record.close_answered(bytes, digest);
    // the provider is done: its place is free while the disk is awaited
    record.admission = None;
    record.settle(durable).await
}

/// What has come of an answer that is held back. Small chunks are joined: each chunk costs several
/// times the byte that it may carry.
#[derive(Default)]
struct Gathered {
    chunks: VecDeque<Bytes>,
    joined: BytesMut,
    length: usize,
}

/// A chunk below this is copied to the one before it; the copy costs less than to pass it on alone.
const CHUNK_MIN: usize = 2 * 1024;

impl Gathered {
    fn add(&mut self, data: Bytes) {
        self.length += data.len();
        // the first, most often the only one, is passed on as it is
        if data.len() < CHUNK_MIN && self.length > data.len() {
            self.joined.extend_from_slice(&data);
        } else if !data.is_empty() {
            self.settle();
            self.chunks.push_back(data);
        }
    }

    fn settle(&mut self) {
        if !self.joined.is_empty() {
            self.chunks.push_back(self.joined.split().freeze());
        }
    }

    fn end(mut self) -> VecDeque<Bytes> {
        self.settle();
        self.chunks
    }
}

/// Reads until the end (true) or until more than is held back has come (false).
async fn hold(source: &mut Source, gathered: &mut Gathered) -> Result<bool, FaultCode> {
    while !source.is_end_stream() {
        match source.frame().await {
            None => return Ok(true),
            Some(Err(error)) => {
                tracing::debug!(%error, "an answer broke off");
                return Err(FaultCode::ProviderError);
            }
            // trailers belong to one hop: they are not passed on
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    gathered.add(data);
                }
            }
        }
        if gathered.length > HELD_BYTES_MAX && !source.is_end_stream() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Why an answer ended before its end; the cause stands in the journal only.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut")]
pub(crate) struct Cut;

/// An answer that is passed on as it comes. One chunk is always kept back, so that the last byte
/// leaves only when the row is durable.
pub(crate) struct Streaming {
    record: Box<Record>,
    waiting: VecDeque<Bytes>,
    source: Source,
    /// Bytes that came from the provider, those kept back included.
    bytes: u64,
    released: u64,
    /// Length of the whole, when the provider said it.
    promised: Option<u64>,
    digesting: Option<Digesting>,
    time: Time,
    timer: Pin<Box<Sleep>>,
    /// The provider was asked for more and had none yet.
    awaited: bool,
    end: End,
}

enum End {
    /// More may come.
    Open,
    /// The last chunk waits for the row.
    Closing(Option<Durable>),
    /// All has left, or the answer was cut.
    Over,
}

impl Streaming {
    pub(crate) fn new(record: Box<Record>, part: Part) -> Streaming {
        let Part { held, source, time } = part;
        let tick = time.pace.as_ref().map(|_| Instant::now() + TICK);
        let come: u64 = held.iter().map(|chunk| chunk.len() as u64).sum();
        let rest = source.size_hint().exact();
        let mut streaming = Streaming {
            digesting: record.digest_key.as_deref().map(DigestKey::begin),
            record,
            waiting: VecDeque::new(),
            source,
            bytes: 0,
            released: 0,
            promised: rest.map(|rest| rest + come),
            timer: Box::pin(sleep_until(tick.unwrap_or(time.whole.at().into()))),
            time,
            awaited: false,
            end: End::Open,
        };
        for chunk in held {
            streaming.take(chunk);
        }
        streaming
    }

    /// What is still to come, when the provider promised a length.
    pub(crate) fn size_hint(&self) -> SizeHint {
        let left = |promised: u64| SizeHint::with_exact(promised.saturating_sub(self.released));
        self.promised.map_or_else(SizeHint::new, left)
    }

    /// The next chunk that may leave; an error cuts the connection.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        loop {
            if self.waiting.len() > 1 {
                return Poll::Ready(self.pass_on());
            }
            let step = match &mut self.end {
                End::Over => return Poll::Ready(None),
                End::Open => ready!(self.poll_source(cx)),
                End::Closing(durable) => {
                    let settled = match durable {
                        Some(durable) => ready!(Pin::new(durable).poll(cx)),
                        None => Ok(()),
                    };
                    self.end = End::Over;
                    match settled {
                        Ok(()) => return Poll::Ready(self.pass_on()),
                        Err(_) => Err(FaultCode::JournalUnavailable),
                    }
                }
            };
            if let Err(code) = step {
                self.end = End::Over;
                self.waiting.clear();
                self.record.close_cut(code);
                return Poll::Ready(Some(Err(Cut)));
            }
        }
    }

    /// Asks the provider for more; its end queues the row.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), FaultCode>> {
        let frame = match Pin::new(&mut self.source).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                let over = self.poll_time(cx);
                // a time that ended before the provider was awaited ended on the consumer's side
                let awaited = std::mem::replace(&mut self.awaited, true);
                ready!(over);
                return Poll::Ready(Err(if awaited {
                    FaultCode::ProviderTimeout
                } else {
                    FaultCode::DeadlineExceeded
                }));
            }
        };
        self.awaited = false;
        match frame {
            Some(Err(error)) => {
                tracing::debug!(%error, "an answer broke off");
                return Poll::Ready(Err(FaultCode::ProviderError));
            }
            Some(Ok(frame)) => {
                if let Ok(chunk) = frame.into_data() {
                    self.take(chunk);
                }
                if self.source.is_end_stream() {
                    self.close();
                }
            }
            None => self.close(),
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when the provider's time is over; of a `bulk` version its speed is looked at on the
    /// way.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = self.record.now();
            match &mut self.time.pace {
                Some(pace) if !self.time.whole.passed(now) => {
                    if pace.is_slow(now, self.bytes) {
                        return Poll::Ready(());
                    }
                    self.timer.as_mut().reset((now + TICK).into());
                }
                _ => return Poll::Ready(()),
            }
        }
    }

    fn take(&mut self, chunk: Bytes) {
        self.bytes += chunk.len() as u64;
        if let Some(digesting) = &mut self.digesting {
            digesting.update(&chunk);
        }
        if !chunk.is_empty() {
            self.waiting.push_back(chunk);
        }
    }

    fn close(&mut self) {
        let digest = self.digesting.take().and_then(Digesting::end);
        self.end = End::Closing(self.record.close_answered(self.bytes, digest));
    }

    fn pass_on(&mut self) -> Option<Result<Bytes, Cut>> {
        let chunk = self.waiting.pop_front()?;
        self.released += chunk.len() as u64;
        self.record.note_released(self.released);
        Some(Ok(chunk))
    }
}
