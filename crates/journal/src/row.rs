//! A row of the journal: what passed, between whom, how it ended; never what was in it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};
use terms::clock::Timestamp;
use terms::environment::Environment;
use terms::exchange::{Blame, ExchangeId, Facade, Kind, Mode, Outcome};

mod encoding;

pub use encoding::RowFault;
pub(crate) use encoding::{Decoder, Field, exchange_id, opened_at, put_head};

/// A word that is usually fixed in the program (a fault's code, a method, an event).
pub type Word = Cow<'static, str>;

/// HMAC-SHA-256 of a body as it was passed on. In a row's canonical form a byte string of 32; in
/// JSON lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hex digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Digest> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Digest(bytes))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = [0; 64];
        hex::encode_to_slice(self.0, &mut text).map_err(|_| std::fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| std::fmt::Error)?)
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// The state of a thing before or after a change: JSON text, without secrets. In a row's canonical
/// form a text string; in JSON the value itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document(Arc<str>);

impl Document {
    /// The compact text of `value`.
    pub fn new(value: &serde_json::Value) -> Document {
        Document(value.to_string().into())
    }

    /// From text that was read back.
    pub(crate) fn known(text: impl Into<Arc<str>>) -> Document {
        Document(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<serde_json::Value>(&self.0) {
            Ok(value) => value.serialize(to),
            Err(_) => to.serialize_str(&self.0),
        }
    }
}

/// Defines the row once: its fields in the order of the canonical form, first those of form 1, then
/// those that form 2 appended; their encoding, decoding and JSON.
macro_rules! row {
    (
        form 1 { $($(#[$doc:meta])* $field:ident: $kind:ty,)+ }
        form 2 { $($(#[$doc2:meta])* $field2:ident: $kind2:ty,)+ }
    ) => {
        /// One row. Fields are only ever appended, raising [`Row::FORM`]; a row is read and
        /// encoded by its own form. Times are in UTC; absent values are `null`.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Row {
            $($(#[$doc])* pub $field: $kind,)+
            $($(#[$doc2])* pub $field2: $kind2,)+
            /// The form in which it was written: fields of a later one are absent.
            pub form: u64,
        }

        impl Row {
            /// Names of the fields, in order, without `form`.
            pub const FIELDS: &'static [&'static str] =
                &[$(stringify!($field),)+ $(stringify!($field2),)+];

            /// Items of the canonical array by form, `form` itself included.
            const ITEMS: [u64; 2] = [
                [$(stringify!($field),)+].len() as u64 + 1,
                Row::FIELDS.len() as u64 + 1,
            ];

            fn put_fields(&self, node: Option<&Arc<str>>, out: &mut Vec<u8>) {
                $(match node {
                    Some(node) if stringify!($field) == "node" => node.put(out),
                    _ => self.$field.put(out),
                })+
                if self.form > 1 {
                    $(self.$field2.put(out);)+
                }
            }

            fn take_fields(from: &mut Decoder<'_>, form: u64) -> Result<Row, RowFault> {
                Ok(Row {
                    $($field: from.field(stringify!($field))?,)+
                    $($field2: match form {
                        1 => Default::default(),
                        _ => from.field(stringify!($field2))?,
                    },)+
                    form,
                })
            }
        }

        impl Serialize for Row {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let mut object = to.serialize_struct("Row", Row::FIELDS.len() + 1)?;
                $(object.serialize_field(stringify!($field), &self.$field.shown())?;)+
                $(object.serialize_field(stringify!($field2), &self.$field2.shown())?;)+
                object.serialize_field("form", &self.form)?;
                object.end()
            }
        }
    };
}

row! {
    form 1 {
        /// What the row tells of.
        kind: Kind,
        /// UUIDv7 of the exchange; unique, but for the legs of one call each has its own.
        exchange_id: ExchangeId,
        /// Exchange id of the aggregated call this leg belongs to.
        parent: Option<ExchangeId>,
        /// How many events this row stands for: 1, more in a folded row.
        count: u64,
        /// When the request head had been read.
        opened_at: Timestamp,
        /// When the last part was released; in a row made by recovery, when that began.
        closed_at: Option<Timestamp>,
        /// When the last attempt left for the provider.
        forwarded_at: Option<Timestamp>,
        /// When the last attempt's answer came.
        answered_at: Option<Timestamp>,
        /// Which of the two environments.
        environment: Option<Environment>,
        /// Direct or deferred.
        mode: Option<Mode>,
        /// The dialect in which the call came.
        facade: Option<Facade>,
        /// Service named in the body, or packet.
        operation: Option<Arc<str>>,
        /// Ids of the peers before us; an empty list is absent.
        hops: Vec<Arc<str>>,
        /// Member of the consumer, once verified.
        consumer_member: Option<Arc<str>>,
        /// System of the consumer, once verified.
        consumer_system: Option<Arc<str>>,
        /// Consumer key, once verified.
        credential: Option<Arc<str>>,
        /// Member that provides the service.
        provider_member: Option<Arc<str>>,
        /// Service code.
        service: Option<Arc<str>>,
        /// Version name.
        version: Option<Arc<str>>,
        /// HTTP method; left out when longer than [`Row::METHOD_BYTES_MAX`].
        method: Option<Word>,
        /// HTTP status sent to the consumer; null if none.
        status: Option<u16>,
        /// How it ended.
        outcome: Option<Outcome>,
        /// Code of the fault; in token rows the RFC 6749 code.
        fault: Option<Word>,
        /// Whose turn it is.
        blame: Option<Blame>,
        /// Body bytes read from the consumer.
        request_bytes: Option<u64>,
        /// Body bytes released to the consumer.
        response_bytes: Option<u64>,
        /// Digest of the request body as passed on; null if none or not read to its end.
        request_digest: Option<Digest>,
        /// Digest of the answer's body as passed on; null if none or not read to its end.
        response_digest: Option<Digest>,
        /// `hmac-sha256:KEYID:YYYY-MM`.
        digest_key: Option<Arc<str>>,
        /// How often a provider was asked.
        attempts: Option<u32>,
        /// Scheme and authority last tried.
        upstream: Option<Arc<str>>,
        /// Microseconds spent with providers, all attempts together.
        upstream_us: Option<u64>,
        /// Microseconds from the request head to the last part released.
        total_us: Option<u64>,
        /// Address of the caller; in a row folded by address the network's own.
        client_address: Option<IpAddr>,
        /// The consumer's own reference.
        reference: Option<Arc<str>>,
        /// The provider's own reference.
        provider_reference: Option<Arc<str>>,
        /// Node that wrote the row; filled in by the journal when absent.
        node: Option<Arc<str>>,
        /// Token: issued, refused, revoked; change: its verb.
        event: Option<Word>,
        /// Who made the change: `cli:USER` or an officer.
        actor: Option<Arc<str>>,
        /// What was changed.
        subject: Option<Arc<str>>,
        /// The thing before the change.
        before: Option<Document>,
        /// The thing after the change.
        after: Option<Document>,
    }
    form 2 {
        /// What the check of its packet came to: `ok`, `report` or `refused`.
        packet_verdict: Option<Word>,
        /// Positions of the standard that the check left out, their names not being known.
        packet_unchecked: Option<u32>,
        /// Which rules were broken where, `RULE@PLACE …`, without values.
        packet_violations: Option<Arc<str>>,
    }
}

impl Row {
    /// The form in which this program writes rows.
    pub const FORM: u64 = 2;

    /// A longer method, in bytes, is not written: anyone may invent one as long as a request head.
    pub const METHOD_BYTES_MAX: usize = 32;

    /// A row of `kind` with all absent that may be; a call begins with no bytes and no attempt.
    pub fn new(kind: Kind, exchange_id: ExchangeId, opened_at: Timestamp) -> Row {
        let call = kind == Kind::Call;
        Row {
            kind,
            exchange_id,
            parent: None,
            count: 1,
            opened_at,
            closed_at: None,
            forwarded_at: None,
            answered_at: None,
            environment: None,
            mode: call.then_some(Mode::Direct),
            facade: None,
            operation: None,
            hops: Vec::new(),
            consumer_member: None,
            consumer_system: None,
            credential: None,
            provider_member: None,
            service: None,
            version: None,
            method: None,
            status: None,
            outcome: None,
            fault: None,
            blame: None,
            request_bytes: call.then_some(0),
            response_bytes: call.then_some(0),
            request_digest: None,
            response_digest: None,
            digest_key: None,
            attempts: call.then_some(0),
            upstream: None,
            upstream_us: None,
            total_us: None,
            client_address: None,
            reference: None,
            provider_reference: None,
            node: None,
            event: None,
            actor: None,
            subject: None,
            before: None,
            after: None,
            packet_verdict: None,
            packet_unchecked: None,
            packet_violations: None,
            form: Row::FORM,
        }
    }

    /// Items of the canonical array of its form.
    fn items(&self) -> u64 {
        if self.form > 1 { Row::ITEMS[1] } else { Row::ITEMS[0] }
    }

    /// Appends the canonical form: one deterministic CBOR array (RFC 8949, 4.2.1), fields in
    /// order, `form` last. Absent is null, ids are 16-byte strings, times integers of
    /// microseconds, digests 32-byte strings, addresses 4- or 16-byte strings, words and JSON
    /// documents text. Allocates nothing but room in `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_head(out, 4, self.items());
        self.put_fields(None, out);
        self.form.put(out);
    }

    /// The same, with `node` where the row names none and without a method that is too long.
    pub(crate) fn encode_at(&self, node: &Arc<str>, out: &mut Vec<u8>) {
        if self.method.as_ref().is_some_and(|method| method.len() > Row::METHOD_BYTES_MAX) {
            return Row { method: None, ..self.clone() }.encode_at(node, out);
        }
        put_head(out, 4, self.items());
        self.put_fields(self.node.is_none().then_some(node), out);
        self.form.put(out);
    }

    /// Reads the canonical form back; anything that is not exactly that is refused, so that
    /// one row has one form only.
    pub fn decode(bytes: &[u8]) -> Result<Row, RowFault> {
        let mut from = Decoder::new(bytes);
        let items = from.items();
        let form = (1..).zip(Row::ITEMS).find(|(_, known)| Some(*known) == items);
        let (form, _) = form.ok_or(RowFault { field: "row", at: 0 })?;
        let row = Row::take_fields(&mut from, form)?;
        if from.field::<u64>("form")? != form {
            return Err(from.fault("form"));
        }
        from.end()?;
        Ok(row)
    }

    /// The object that `journal search --json` prints.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Writes the object on one line, without the line's end.
    pub fn write_json(&self, to: impl std::io::Write) -> std::io::Result<()> {
        serde_json::to_writer(to, self).map_err(std::io::Error::from)
    }
}
