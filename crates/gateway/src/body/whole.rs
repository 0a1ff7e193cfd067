//! Reads a body to its end, in memory that is counted before it is taken.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body::Body as _;
use hyper::body::Incoming;
use terms::fault::{Fault, FaultCode, Sentence};
use terms::limit::HEAD_BYTES_MAX;
use tokio::time::{Instant, timeout_at};

use super::{BodyFault, Intake, Place, Progress, blame};

#[cfg(test)]
mod tests;

/// Reads a body to its end; why there is none stands in `intake` as well.
pub(crate) async fn read_whole(
    mut incoming: Incoming,
    intake: &Intake,
    place: &mut Place,
) -> Result<Bytes, Fault> {
    let promised = incoming.size_hint();
    if promised.lower() > intake.bytes_max {
        intake.progress.set(Progress::TooLarge);
        return Err(FaultCode::BodyTooLarge.into());
    }
    let mut pieces = Pieces::new(promised.exact());
    let begun = Instant::now();
    while !incoming.is_end_stream() {
        intake.progress.set(Progress::Awaited);
        let next = poll_fn(|cx| {
            place.check(cx)?;
            Pin::new(&mut incoming).poll_frame(cx).map(Ok::<_, Fault>)
        });
        let frame = match place.patience(intake.bytes()) {
            Some(patience) => timeout_at(begun + patience, next).await.map_err(|_| too_slow())?,
            None => next.await,
        };
        let Some(frame) = frame? else { break };
        let frame = frame.map_err(|error| {
            intake.progress.set(blame(&error));
            FaultCode::RequestInvalid
        })?;
        let Ok(data) = frame.into_data() else { continue };
        intake.take(&data).map_err(|BodyFault| FaultCode::BodyTooLarge)?;
        if pieces.is_empty() && incoming.is_end_stream() {
            // most bodies come in one piece, which is passed on as it is
            place.grow(data.len())?;
            intake.end();
            return Ok(data);
        }
        if pieces.is_empty() {
            place.grow(BESIDE)?;
        }
        pieces.add(data, place)?;
    }
    intake.end();
    let whole = pieces.join();
    place.shrink_to(whole.len());
    Ok(whole)
}

/// What has come of a body, copied: what hyper gives away holds on to a buffer many times its size.
struct Pieces {
    full: Vec<BytesMut>,
    last: BytesMut,
    length: usize,
    /// Of the whole, where that was announced.
    promised: Option<usize>,
}

/// What the connection of a body in several pieces holds beside it while it comes, as measured:
/// what hyper reads into is as long as a head may be, and a second one is often on its way.
const BESIDE: usize = 2 * HEAD_BYTES_MAX;
/// Pieces grow with what has come, between these: neither a drop nor an announced flood costs much.
const PIECE_MIN: usize = 4 * 1024;
const PIECE_MAX: usize = 256 * 1024;

impl Pieces {
    fn new(promised: Option<u64>) -> Pieces {
        let promised = promised.and_then(|bytes| usize::try_from(bytes).ok());
        Pieces { full: Vec::new(), last: BytesMut::new(), length: 0, promised }
    }

    fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Copies what came; further memory is counted before it is taken.
    fn add(&mut self, mut data: Bytes, place: &mut Place) -> Result<(), Fault> {
        while !data.is_empty() {
            let room = self.last.capacity() - self.last.len();
            if room == 0 {
                let size = self.next_size();
                place.grow(size)?;
                let full = std::mem::replace(&mut self.last, BytesMut::with_capacity(size));
                self.full.extend((!full.is_empty()).then_some(full));
                continue;
            }
            let taken = data.split_to(room.min(data.len()));
            self.length += taken.len();
            self.last.put(taken);
        }
        Ok(())
    }

    fn next_size(&self) -> usize {
        let size = self.length.clamp(PIECE_MIN, PIECE_MAX);
        let left = self.promised.map(|promised| promised.saturating_sub(self.length));
        left.filter(|left| *left > 0).map_or(size, |left| left.min(size))
    }

    /// One piece of exactly what came; the small ones go as it is filled.
    fn join(self) -> Bytes {
        if self.full.is_empty() {
            return self.last.freeze();
        }
        let mut whole = BytesMut::with_capacity(self.length);
        for piece in self.full.into_iter().chain([self.last]) {
            whole.extend_from_slice(&piece);
        }
        whole.freeze()
    }
}

fn too_slow() -> Fault {
    Fault::new(FaultCode::RequestTimeout).because(Sentence::new(
        "Nội dung chưa rõ người gửi phải đến với tốc độ từ 4 KiB/giây.",
        "The body of an unknown sender must come at 4 KiB a second or more.",
    ))
}
