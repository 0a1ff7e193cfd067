//! What a packet tells of dossiers, read from its body. Only the few fields that statistics need
//! are taken; everything about a person is passed over without being kept.

use std::fmt;
use std::ops::Range;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use terms::clock::Timestamp;
use unicode_normalization::UnicodeNormalization as _;

use crate::fact::{Channel, Progress, Record, Status, Tale};
use crate::moment::{Day, Moment};
use crate::unit::agency_of;

/// Wire names of the two packets that tell of dossiers.
pub const RECORD: &str = "DongBoHoSoMC";
/// The other one.
pub const PROGRESS: &str = "CapNhatTienDoHoSoMC";

/// Name of the field that holds a dossier's code.
const CODE: &str = "MaHoSo";
/// Longest code of a procedure or a domain that is kept.
const CODE_BYTES_MAX: usize = 64;
/// Longest value that is looked at; no date, code or status is longer.
const VALUE_BYTES_MAX: usize = 128;

/// Code of a dossier (`MaHoSo`). It is never stored or printed; only its keyed digest is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(String);

impl Code {
    /// Any text with something in it: a code is opaque, however long it is and whatever it is made
    /// of. Only what is certain is made one: blanks around it do not count, composed and decomposed
    /// letters are the same (NFC), and so are a to z and A to Z, as far as the form of the codes
    /// goes (`000.00.07.H99-240304-00017`). Other letters, and blanks within, stay as they are.
    pub fn parse(text: &str) -> Option<Code> {
        let text = text.trim();
        let mut code = if text.is_ascii() { text.to_owned() } else { text.nfc().collect() };
        code.make_ascii_uppercase();
        (!code.is_empty()).then_some(Code(code))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

/// What is told of one dossier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Of which one.
    pub code: Code,
    /// What.
    pub tale: Tale,
}

/// What a packet tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// One a record or step.
    pub messages: Vec<Message>,
    /// Records that cannot be counted as they should be: without a code that is text or a whole
    /// number, with a status of a step that is none of the ten, or accepted on a day that cannot be
    /// read.
    pub uncounted: u32,
}

/// The body is not JSON of a known shape. Where it breaks, without any of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a packet in JSON: line {line}, column {column}")]
pub struct Unreadable {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

/// Does this packet tell of dossiers? In any case of letters.
pub fn is_told_by(packet: &str) -> bool {
    [RECORD, PROGRESS].iter().any(|known| packet.eq_ignore_ascii_case(known))
}

/// Reads a packet: an envelope with `data` (a list or one record), a bare list, or one bare record.
/// Only its `records` are looked at, as they stand there. `sender` is the unit that sent it where
/// the envelope does not say (`madonvi`); `at` is when the platform carried it. Any other packet
/// tells nothing. An XML form is turned into JSON before.
///
/// # Errors
/// [`Unreadable`] when the body is not JSON of one of these shapes.
pub fn read(
    packet: &str,
    sender: &str,
    body: &[u8],
    records: Range<usize>,
    at: Timestamp,
    zone: &TimeZone,
) -> Result<Reading, Unreadable> {
    if !is_told_by(packet) {
        return Ok(Reading::default());
    }
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| Unreadable { line: error.line(), column: error.column() })?;
    let sender = body.sender.text().unwrap_or(sender).to_owned();
    let carried = Moment::at(at, zone);
    let reader = Reader { sender, at, carried, zone };
    let is_record = packet.eq_ignore_ascii_case(RECORD);
    let mut reading = Reading::default();
    for item in body.items.iter().take(records.end).skip(records.start) {
        let told = if is_record { reader.record(item) } else { reader.progress(item) };
        let code = item.code.0.text().and_then(Code::parse);
        if code.is_none() || !told.is_whole {
            reading.uncounted += 1;
        }
        if let Some((code, tale)) = code.zip(told.tale) {
            reading.messages.push(Message { code, tale });
        }
    }
    Ok(reading)
}

/// What a record or a step tells.
struct Told {
    /// `None`: nothing for the statistics.
    tale: Option<Tale>,
    /// All of it could be read.
    is_whole: bool,
}

struct Reader<'a> {
    sender: String,
    at: Timestamp,
    carried: Option<Moment>,
    zone: &'a TimeZone,
}

impl Reader<'_> {
    fn moment(&self, text: &Text) -> Option<Moment> {
        Moment::parse(text.text()?, self.zone)
    }

    fn day(&self, text: &Text) -> Option<Day> {
        self.moment(text).map(Moment::day)
    }

    fn record(&self, item: &Item) -> Told {
        let code = item.code.0.text().unwrap_or_default();
        let record = Record {
            at: self.at,
            agency: agency_of(code, &self.sender),
            procedure: item.procedure.code(|first| first.is_ascii_digit()),
            domain: item.domain.code(|first| first.is_ascii_alphabetic()),
            channel: item.channel.number().and_then(Channel::new),
            status: item.status.number().and_then(Status::new),
            received: self.day(&item.received),
            due: self.day(&item.due),
            finished: self.moment(&item.finished).or_else(|| self.moment(&item.returned)),
        };
        let is_whole = record.received.is_some() || item.received.is_blank();
        Told { tale: Some(Tale::Record { record, carried: self.carried }), is_whole }
    }

    /// A step without a status tells nothing.
    fn progress(&self, item: &Item) -> Told {
        let status = item.step.number().and_then(Status::new);
        // A time to come is a slip: it would keep out every later step.
        let moment = self.moment(&item.moment).filter(|moment| Some(*moment) <= self.carried);
        let told = status.zip(moment.or(self.carried));
        let tale =
            told.map(|(status, moment)| Tale::Progress(Progress { moment, at: self.at, status }));
        Told { is_whole: tale.is_some() || item.step.is_blank(), tale }
    }
}

/// A value of a field.
#[derive(Default)]
enum Text {
    /// Not there, or `null`.
    #[default]
    Absent,
    /// Text, or a whole number.
    Read(String),
    /// Anything else, or longer than any value of the field is.
    Odd,
}

/// A value that may be of any length: a code.
#[derive(Default)]
struct Long(Text);

impl Text {
    fn text(&self) -> Option<&str> {
        match self {
            Text::Read(text) => Some(text),
            Text::Absent | Text::Odd => None,
        }
    }

    fn is_blank(&self) -> bool {
        match self {
            Text::Absent => true,
            Text::Read(text) => text.trim().is_empty(),
            Text::Odd => false,
        }
    }

    fn number(&self) -> Option<i64> {
        self.text()?.trim().parse().ok()
    }

    /// A code: letters, digits, `.`, `-` and `_`, at least one digit, and a right first one. Other
    /// texts are not kept, so that no name gets in by the wrong field.
    fn code(&self, first: impl Fn(&u8) -> bool) -> Option<String> {
        let text = self.text()?.trim();
        let right = text.len() <= CODE_BYTES_MAX
            && text.as_bytes().first().is_some_and(first)
            && text.bytes().any(|b| b.is_ascii_digit())
            && text.bytes().any(|b| !b.is_ascii_digit())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
        right.then(|| text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
        from.deserialize_any(TextVisitor { bytes_max: VALUE_BYTES_MAX })
    }
}

impl<'de> Deserialize<'de> for Long {
    /// As long as the body is: what becomes of it is a digest.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Long, D::Error> {
        from.deserialize_any(TextVisitor { bytes_max: usize::MAX }).map(Long)
    }
}

struct TextVisitor {
    bytes_max: usize,
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(if text.len() <= self.bytes_max { Text::Read(text.to_owned()) } else { Text::Odd })
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text::Read(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text::Read(number.to_string()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
        Ok(Text::Odd)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
        Ok(Text::Odd)
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Text, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::Odd)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::Odd)
    }
}

/// The fields of a record or a step that are read; names in any case.
#[derive(Default)]
struct Item {
    code: Long,
    procedure: Text,
    domain: Text,
    channel: Text,
    status: Text,
    received: Text,
    due: Text,
    finished: Text,
    returned: Text,
    step: Text,
    moment: Text,
}

impl Item {
    fn field(&mut self, name: &str) -> Option<&mut Text> {
        let fields = [
            ("MaTTHC", &mut self.procedure),
            ("MaLinhVuc", &mut self.domain),
            ("KenhThucHien", &mut self.channel),
            ("TrangThaiHoSo", &mut self.status),
            ("NgayTiepNhan", &mut self.received),
            ("NgayHenTra", &mut self.due),
            ("NgayKetThucXuLy", &mut self.finished),
            ("NgayTra", &mut self.returned),
            ("TrangThai", &mut self.step),
            ("ThoiDiemXuLy", &mut self.moment),
        ];
        let mut fields = fields.into_iter();
        fields.find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, field)| field)
    }

    /// Takes the value of one entry; tells whether it is one of ours.
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        if name.eq_ignore_ascii_case(CODE) {
            self.code = map.next_value()?;
            return Ok(true);
        }
        let Some(field) = self.field(name) else { return Ok(false) };
        *field = map.next_value()?;
        Ok(true)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Item, D::Error> {
        struct ItemVisitor;
        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
                let mut item = Item::default();
                while let Some(name) = map.next_key::<String>()? {
                    if !item.take(&name, &mut map)? {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(item)
            }
        }
        from.deserialize_map(ItemVisitor)
    }
}

/// A body in one of its shapes.
#[derive(Default)]
struct Body {
    sender: Text,
    items: Vec<Item>,
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Body, D::Error> {
        from.deserialize_any(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an envelope, a list or a record")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Body, A::Error> {
        let mut body = Body::default();
        while let Some(item) = list.next_element()? {
            body.items.push(item);
        }
        Ok(body)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
        let mut body = Body::default();
        let mut bare = Item::default();
        let (mut is_bare, mut is_envelope) = (false, false);
        while let Some(name) = map.next_key::<String>()? {
            if name.eq_ignore_ascii_case("data") {
                body.items = map.next_value::<Body>()?.items;
                is_envelope = true;
            } else if name.eq_ignore_ascii_case("madonvi") {
                body.sender = map.next_value()?;
            } else if bare.take(&name, &mut map)? {
                is_bare = true;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if is_bare && !is_envelope {
            body.items.push(bare);
        }
        Ok(body)
    }
}
