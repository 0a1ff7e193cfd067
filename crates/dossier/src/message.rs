//! What a packet tells of dossiers, read from its body. Only the few fields that statistics need
//! are taken; everything about a person is passed over without being kept.

use std::fmt;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use terms::clock::Timestamp;

use crate::fact::{Channel, Progress, Record, Status, Tale};
use crate::moment::{Day, Moment};
use crate::unit::agency_of;

/// Wire names of the two packets that tell of dossiers.
pub const RECORD: &str = "DongBoHoSoMC";
/// The other one.
pub const PROGRESS: &str = "CapNhatTienDoHoSoMC";

/// Longest code that is read.
const CODE_BYTES_MAX: usize = 64;
/// Longest value that is looked at; no date, code or status is longer.
const VALUE_BYTES_MAX: usize = 128;

/// Code of a dossier (`MaHoSo`). It is never stored or printed; only its keyed digest is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(String);

impl Code {
    /// 1 to 64 visible ASCII characters around which blanks may stand; upper and lower case are
    /// one.
    pub fn parse(text: &str) -> Option<Code> {
        let text = text.trim();
        let right = (1..=CODE_BYTES_MAX).contains(&text.len());
        (right && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Code(text.to_uppercase()))
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
    /// Records without a code and steps without a status: they cannot be counted.
    pub skipped: u32,
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
/// `sender` is the unit that sent it where the envelope does not say (`madonvi`); `at` is when the
/// platform carried it. Any other packet tells nothing. An XML form is turned into JSON before.
///
/// # Errors
/// [`Unreadable`] when the body is not JSON of one of these shapes.
pub fn read(
    packet: &str,
    sender: &str,
    body: &[u8],
    at: Timestamp,
    zone: &TimeZone,
) -> Result<Reading, Unreadable> {
    if !is_told_by(packet) {
        return Ok(Reading::default());
    }
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| Unreadable { line: error.line(), column: error.column() })?;
    let sender = body.sender.0.as_deref().unwrap_or(sender).to_owned();
    let carried = Moment::at(at, zone);
    let reader = Reader { sender, at, carried, zone };
    let is_record = packet.eq_ignore_ascii_case(RECORD);
    let mut reading = Reading::default();
    for item in &body.items {
        let tale = if is_record { Some(reader.record(item)) } else { reader.progress(item) };
        match item.code.0.as_deref().and_then(Code::parse).zip(tale) {
            Some((code, tale)) => reading.messages.push(Message { code, tale }),
            None => reading.skipped += 1,
        }
    }
    Ok(reading)
}

struct Reader<'a> {
    sender: String,
    at: Timestamp,
    carried: Option<Moment>,
    zone: &'a TimeZone,
}

impl Reader<'_> {
    fn moment(&self, text: &Text) -> Option<Moment> {
        Moment::parse(text.0.as_deref()?, self.zone)
    }

    fn day(&self, text: &Text) -> Option<Day> {
        self.moment(text).map(Moment::day)
    }

    fn record(&self, item: &Item) -> Tale {
        let code = item.code.0.as_deref().unwrap_or_default();
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
        Tale::Record { record, carried: self.carried }
    }

    fn progress(&self, item: &Item) -> Option<Tale> {
        let status = item.step.number().and_then(Status::new)?;
        // A time to come is a slip: it would keep out every later step.
        let moment = self.moment(&item.moment).filter(|moment| Some(*moment) <= self.carried);
        let moment = moment.or(self.carried)?;
        Some(Tale::Progress(Progress { moment, at: self.at, status }))
    }
}

/// A value that is text or a number; anything else, and what is too long, is nothing.
#[derive(Default)]
struct Text(Option<String>);

impl Text {
    fn number(&self) -> Option<i64> {
        self.0.as_deref()?.trim().parse().ok()
    }

    /// A code: letters, digits, `.`, `-` and `_`, at least one digit, and a right first one. Other
    /// texts are not kept, so that no name gets in by the wrong field.
    fn code(&self, first: impl Fn(&u8) -> bool) -> Option<String> {
        let text = self.0.as_deref()?.trim();
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
        from.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text((text.len() <= VALUE_BYTES_MAX).then(|| text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Text, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

/// The fields of a record or a step that are read; names in any case.
#[derive(Default)]
struct Item {
    code: Text,
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
            ("MaHoSo", &mut self.code),
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
