//! The frame: how one thing stands in a segment, and how a segment is read back, whole or damaged.
//!
//! A frame is a head of 16 bytes and a payload. Head, little-endian: payload length 4 · number in
//! the segment 4 · CRC-32 of the payload 4 · kind 1 · low 24 bits of the CRC-32 of the 13 bytes
//! before 3. The head checks itself, so a changed length is never mistaken for an unfinished
//! frame; the number shows frames that were taken out or exchanged.

/// Bytes of a frame's head.
pub(crate) const HEAD: usize = 16;
/// A frame's payload may be this long; rows are some hundred bytes, changes some thousand.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a frame holds. Kinds not known here are skipped by readers.
pub(crate) mod kind {
    /// The beginning of a segment.
    pub(crate) const BEGIN: u8 = 1;
    /// A record was opened: the row as far as it is known.
    pub(crate) const OPEN: u8 = 2;
    /// The whole row.
    pub(crate) const ROW: u8 = 3;
    /// In memory only: a row whose answer is held back until the row is durable.
    pub(crate) const ROW_HELD: u8 = 0x43;
}

/// Appends a frame without number and head check, which [`seal`] adds.
pub(crate) fn push(out: &mut Vec<u8>, kind: u8, payload: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; HEAD]);
    payload(out);
    let len = u32::try_from(out.len() - at - HEAD).unwrap_or(u32::MAX);
    let crc = crc32fast::hash(&out[at + HEAD..]);
    let head = &mut out[at..at + HEAD];
    head[..4].copy_from_slice(&len.to_le_bytes());
    head[8..12].copy_from_slice(&crc.to_le_bytes());
    head[12] = kind;
}

/// Gives a frame its number and the check of its head.
pub(crate) fn seal(head: &mut [u8], number: u32) {
    head[4..8].copy_from_slice(&number.to_le_bytes());
    let check = crc32fast::hash(&head[..13]).to_le_bytes();
    head[13..16].copy_from_slice(&check[..3]);
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Payload length of the frame at `at`, checked by nothing: for frames still in memory.
pub(crate) fn payload_len(bytes: &[u8], at: usize) -> usize {
    word(bytes, at) as usize
}

/// A frame read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// Where it begins, bytes into the file.
    pub offset: usize,
    /// What it holds.
    pub kind: u8,
    /// The thing itself.
    pub payload: &'a [u8],
}

/// What a scanner finds, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A whole frame.
    Frame(Frame<'a>),
    /// Bytes that are not what was written; reading goes on behind them.
    Damage {
        /// Where it begins.
        offset: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The last frame is incomplete: the file ends within it.
    Torn {
        /// Where it begins.
        offset: usize,
    },
}

/// Reads frames from a segment's bytes. Never panics, whatever the bytes are.
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    number: Option<u32>,
    kept: Option<Found<'a>>,
}

enum Look<'a> {
    Whole(u32, Frame<'a>),
    /// The head is sound, the payload is not; its end is known.
    Payload(usize),
    Head,
    Cut,
}

impl<'a> Scanner<'a> {
    /// Begins at `at`, where frame number 0 stands.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Scanner<'a> {
        Scanner { bytes, at, number: Some(0), kept: None }
    }

    /// The frame here, if it is whole, whatever its number.
    pub(crate) fn whole(&self) -> Option<Frame<'a>> {
        match self.look(self.at) {
            Look::Whole(_, frame) => Some(frame),
            _ => None,
        }
    }

    fn look(&self, at: usize) -> Look<'a> {
        let rest = &self.bytes[at..];
        let Some(head) = rest.get(..HEAD) else {
            return Look::Cut;
        };
        let check = crc32fast::hash(&head[..13]).to_le_bytes();
        if head[13..] != check[..3] {
            return Look::Head;
        }
        let len = word(head, 0) as usize;
        if len > PAYLOAD_BYTES_MAX {
            return Look::Head;
        }
        let Some(payload) = rest.get(HEAD..HEAD + len) else {
            return Look::Cut;
        };
        if crc32fast::hash(payload) != word(head, 8) {
            return Look::Payload(at + HEAD + len);
        }
        let frame = Frame { offset: at, kind: head[12], payload };
        Look::Whole(word(head, 4), frame)
    }

    /// The next place behind damage where a whole frame stands; the end of the file if none.
    fn resume(&self, from: usize) -> usize {
        (from..self.bytes.len())
            .find(|at| matches!(self.look(*at), Look::Whole(..)))
            .unwrap_or(self.bytes.len())
    }

    fn damage(&mut self, offset: usize, reason: &'static str, next: usize) -> Found<'a> {
        self.at = next;
        self.number = None;
        Found::Damage { offset, reason }
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        if let Some(kept) = self.kept.take() {
            return Some(kept);
        }
        let at = self.at;
        if at >= self.bytes.len() {
            return None;
        }
        match self.look(at) {
            Look::Whole(number, frame) => {
                self.at = at + HEAD + frame.payload.len();
                let in_order = self.number.is_none_or(|expected| expected == number);
                self.number = Some(number.wrapping_add(1));
                if in_order {
                    return Some(Found::Frame(frame));
                }
                self.kept = Some(Found::Frame(frame));
                Some(Found::Damage {
                    offset: at,
                    reason: "frames before this one are missing or out of order",
                })
            }
            Look::Payload(end) => {
                let sound = end == self.bytes.len() || !matches!(self.look(end), Look::Head);
                let next = if sound { end } else { self.resume(at + 1) };
                Some(self.damage(at, "checksum of a frame is wrong", next))
            }
            // A file that grew without its bytes (a power cut) ends in zeros: nothing of that
            // frame arrived but its length.
            Look::Cut | Look::Head if self.bytes[at..].iter().all(|byte| *byte == 0) => {
                self.at = self.bytes.len();
                Some(Found::Torn { offset: at })
            }
            Look::Cut => {
                // Something whole behind a head that claims more than the file has is damage.
                let next = self.resume(at + 1);
                if next < self.bytes.len() {
                    return Some(self.damage(at, "frame runs into later ones", next));
                }
                self.at = self.bytes.len();
                Some(Found::Torn { offset: at })
            }
            Look::Head => {
                let next = self.resume(at + 1);
                Some(self.damage(at, "head of a frame is damaged", next))
            }
        }
    }
}
