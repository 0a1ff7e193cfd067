//! The canonical form of values: deterministic CBOR (RFC 8949, 4.2.1), written without allocation
//! and read strictly.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::ser::Serialize;
use terms::clock::Timestamp;
use terms::environment::Environment;
use terms::exchange::{Blame, ExchangeId, Facade, Kind, Mode, Outcome};

use super::{Digest, Document};

const NULL: u8 = 0xf6;

/// Bytes that are not a row in its canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a row: field {field}, byte {at}")]
pub struct RowFault {
    /// Field that was being read.
    pub field: &'static str,
    /// Bytes into the row.
    pub at: usize,
}

/// A value that stands in a row.
pub(crate) trait Field: Sized {
    /// Appends its canonical form.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads it back; `None` for anything but the canonical form.
    fn take(from: &mut Decoder<'_>) -> Option<Self>;
    /// Itself as JSON shows it.
    fn shown(&self) -> impl Serialize + '_;
}

/// Appends the head of a data item in its shortest form.
pub(crate) fn put_head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    let bytes = value.to_be_bytes();
    match value {
        0..24 => out.push(major | bytes[7]),
        24..0x100 => out.extend_from_slice(&[major | 24, bytes[7]]),
        0x100..0x1_0000 => out.extend_from_slice(&[major | 25, bytes[6], bytes[7]]),
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&bytes);
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_head(out, 3, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_head(out, 2, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads canonical forms one after another.
pub(crate) struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { bytes, at: 0 }
    }

    pub(crate) fn fault(&self, field: &'static str) -> RowFault {
        RowFault { field, at: self.at }
    }

    /// Reads one value, named for the fault.
    pub(crate) fn field<T: Field>(&mut self, name: &'static str) -> Result<T, RowFault> {
        let at = self.at;
        T::take(self).ok_or(RowFault { field: name, at })
    }

    /// Reads the head of an array that must have `len` items.
    pub(crate) fn array(&mut self, len: u64) -> Result<(), RowFault> {
        let fault = self.fault("row");
        (self.items() == Some(len)).then_some(()).ok_or(fault)
    }

    /// Reads the head of an array; gives how many items it has.
    pub(crate) fn items(&mut self) -> Option<u64> {
        match self.head()? {
            (4, len) => Some(len),
            _ => None,
        }
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), RowFault> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.fault("end")) }
    }

    fn raw(&mut self, len: u64) -> Option<&'a [u8]> {
        let end = self.at.checked_add(usize::try_from(len).ok()?)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    /// Major type and argument; only the shortest form is taken.
    fn head(&mut self) -> Option<(u8, u64)> {
        let first = *self.raw(1)?.first()?;
        let (size, least) = match first & 0x1f {
            small @ 0..24 => return Some((first >> 5, u64::from(small))),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return None,
        };
        let value = self.raw(size)?.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        (value >= least).then_some((first >> 5, value))
    }

    fn string(&mut self, major: u8) -> Option<&'a [u8]> {
        match self.head()? {
            (found, len) if found == major => self.raw(len),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string(3)?).ok()
    }

    fn skip_null(&mut self) -> bool {
        let null = self.bytes.get(self.at) == Some(&NULL);
        self.at += usize::from(null);
        null
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.put(out),
            None => out.push(NULL),
        }
    }
    fn take(from: &mut Decoder<'_>) -> Option<Self> {
        if from.skip_null() { Some(None) } else { T::take(from).map(Some) }
    }
    fn shown(&self) -> impl Serialize + '_ {
        self.as_ref().map(T::shown)
    }
}

/// An empty list is absent.
impl Field for Vec<Arc<str>> {
    fn put(&self, out: &mut Vec<u8>) {
        if self.is_empty() {
            out.push(NULL);
            return;
        }
        put_head(out, 4, self.len() as u64);
        for item in self {
            item.put(out);
        }
    }
    fn take(from: &mut Decoder<'_>) -> Option<Self> {
        if from.skip_null() {
            return Some(Vec::new());
        }
        match from.head()? {
            (4, len) if len > 0 => (0..len).map(|_| Field::take(from)).collect(),
            _ => None,
        }
    }
    fn shown(&self) -> impl Serialize + '_ {
        (!self.is_empty()).then_some(self)
    }
}

macro_rules! whole {
    ($($number:ty),+) => {$(
        impl Field for $number {
            fn put(&self, out: &mut Vec<u8>) {
                put_head(out, 0, u64::from(*self));
            }
            fn take(from: &mut Decoder<'_>) -> Option<Self> {
                match from.head()? {
                    (0, value) => value.try_into().ok(),
                    _ => None,
                }
            }
            fn shown(&self) -> impl Serialize + '_ {
                *self
            }
        }
    )+};
}
whole!(u16, u32, u64);

macro_rules! word {
    ($($word:ty),+) => {$(
        impl Field for $word {
            fn put(&self, out: &mut Vec<u8>) {
                put_text(out, self.as_str());
            }
            fn take(from: &mut Decoder<'_>) -> Option<Self> {
                <$word>::parse(from.text()?)
            }
            fn shown(&self) -> impl Serialize + '_ {
                *self
            }
        }
    )+};
}
word!(Kind, Mode, Facade, Outcome, Blame, Environment);

macro_rules! text {
    ($($text:ty),+) => {$(
        impl Field for $text {
            fn put(&self, out: &mut Vec<u8>) {
                put_text(out, self);
            }
            fn take(from: &mut Decoder<'_>) -> Option<Self> {
                from.text().map(|text| text.to_owned().into())
            }
            fn shown(&self) -> impl Serialize + '_ {
                self
            }
        }
    )+};
}
text!(Arc<str>, Cow<'static, str>);

impl Field for Document {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, self.as_str());
    }
    fn take(from: &mut Decoder<'_>) -> Option<Self> {
        from.text().map(Document::known)
    }
    fn shown(&self) -> impl Serialize + '_ {
        self
    }
}

impl Field for Timestamp {
    fn put(&self, out: &mut Vec<u8>) {
        let micros = self.micros();
        // A negative number n is major type 1 with the argument -1 - n, which is its complement.
        if micros < 0 {
            put_head(out, 1, (!micros).cast_unsigned());
        } else {
            put_head(out, 0, micros.cast_unsigned());
        }
    }
    fn take(from: &mut Decoder<'_>) -> Option<Self> {
        let micros = match from.head()? {
            (0, value) => i64::try_from(value).ok()?,
            (1, value) => !i64::try_from(value).ok()?,
            _ => return None,
        };
        Some(Timestamp::from_micros(micros))
    }
    fn shown(&self) -> impl Serialize + '_ {
        *self
    }
}

impl Field for ExchangeId {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.as_bytes());
    }
    fn take(from: &mut Decoder<'_>) -> Option<Self> {
        from.string(2)?.try_into().ok().map(ExchangeId::from_bytes)
    }
    fn shown(&self) -> impl Serialize + '_ {
        *self
    }
}

impl Field for Digest {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.as_bytes());
    }
    fn take(from: &mut Decoder<'_>) -> Option<Self> {
        from.string(2)?.try_into().ok().map(Digest::from_bytes)
    }
    fn shown(&self) -> impl Serialize + '_ {
        *self
    }
}

impl Field for IpAddr {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            IpAddr::V4(address) => put_bytes(out, &address.octets()),
            IpAddr::V6(address) => put_bytes(out, &address.octets()),
        }
    }
    fn take(from: &mut Decoder<'_>) -> Option<Self> {
        let bytes = from.string(2)?;
        <[u8; 4]>::try_from(bytes)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
            .ok()
    }
    fn shown(&self) -> impl Serialize + '_ {
        *self
    }
}

/// The exchange id of an encoded row, without reading the rest.
pub(crate) fn exchange_id(row: &[u8]) -> Option<ExchangeId> {
    let mut from = Decoder::new(row);
    from.head()?;
    from.text()?;
    Field::take(&mut from)
}

/// Exchange id and opening time of an encoded row, without reading the rest.
pub(crate) fn opened_at(row: &[u8]) -> Option<(ExchangeId, Timestamp)> {
    let mut from = Decoder::new(row);
    from.head()?;
    from.text()?;
    let id = Field::take(&mut from)?;
    let _parent: Option<ExchangeId> = Field::take(&mut from)?;
    let _count: u64 = Field::take(&mut from)?;
    Some((id, Field::take(&mut from)?))
}
