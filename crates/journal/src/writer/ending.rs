//! How a record ends that its caller did not end: pure functions over rows and frames.

use std::borrow::Cow;

use terms::clock::Timestamp;
use terms::exchange::{Kind, Outcome};
use terms::fault::FaultCode;

use crate::frame::{self, HEAD, kind};
use crate::row::Row;

/// The platform stopped while the record was open.
pub(crate) fn stopped(row: &mut Row, at: Timestamp) {
    close(row, at, FaultCode::PlatformStopped);
}

/// Its caller broke off.
pub(crate) fn internal(row: &mut Row, at: Timestamp) {
    close(row, at, FaultCode::Internal);
}

/// A row that was opened with its outcome, a folded refusal, keeps it; any other has failed. What
/// the consumer was sent is not known: no status.
fn close(row: &mut Row, at: Timestamp, code: FaultCode) {
    row.closed_at = Some(at);
    if row.outcome.is_none() {
        row.status = None;
        set_fault(row, code);
    }
}

fn set_fault(row: &mut Row, code: FaultCode) {
    row.outcome = Some(Outcome::Failed);
    row.fault = Some(Cow::Borrowed(code.as_str()));
    row.blame = Some(code.blame());
}

/// Frames whose callers were told that the journal failed, as they are written later: what had
/// been answered was not. Changes are left out, since their outbox brings them again. `held`: where
/// rows of held answers begin, of which nothing has left.
pub(crate) fn lost(frames: &[u8], held: &[usize]) -> Vec<u8> {
    let mut out = Vec::with_capacity(frames.len());
    let mut at = 0;
    while at < frames.len() {
        let end = at + HEAD + frame::payload_len(frames, at);
        let bytes = &frames[at..end];
        match Row::decode(&bytes[HEAD..]) {
            Ok(mut row) if bytes[12] == kind::ROW => {
                if row.kind != Kind::Change {
                    tell(&mut row, held.contains(&at));
                    frame::push(&mut out, kind::ROW, |out| row.encode(out));
                }
            }
            _ => out.extend_from_slice(bytes),
        }
        at = end;
    }
    out
}

fn tell(row: &mut Row, held: bool) {
    if row.outcome != Some(Outcome::Answered) {
        return;
    }
    set_fault(row, FaultCode::JournalUnavailable);
    if held || row.kind == Kind::Token {
        row.status = Some(FaultCode::JournalUnavailable.status());
        row.response_bytes = row.response_bytes.map(|_| 0);
        row.response_digest = None;
    }
}
