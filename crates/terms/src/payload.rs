//! Content of an exchange: it can be carried and measured, never printed or serialised.

use bytes::Bytes;

/// Bytes that belong to the parties of an exchange. Neither `Debug` nor `Display` nor `Serialize`:
/// a payload has no way into a log line, a journal row or a metric (article 7.2).
#[derive(Clone, Default)]
pub struct Payload(Bytes);

impl Payload {
    /// Wraps bytes received from a party.
    pub fn new(bytes: Bytes) -> Payload {
        Payload(bytes)
    }

    /// Size in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there nothing in it?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes, to be passed on or digested.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, given away to whoever sends them on.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}
