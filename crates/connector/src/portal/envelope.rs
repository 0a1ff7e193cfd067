//! The envelope of a call as the consumer sent it, and as the portal gets it: session, unit and
//! mark of an update are put in, the rest stays byte for byte.

use std::ops::Range;

use bytes::Bytes;
use packet::envelope::name;
use terms::portal::PortalNames;
use unicode_normalization::UnicodeNormalization as _;

use super::scan::{Cursor, bare, is_name, quoted, text_of};

/// The name of the dossier's code in a record.
const DOSSIER: &str = "MaHoSo";

/// Spans of an envelope.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// Just behind the opening brace.
    inside: usize,
    /// It has members.
    filled: bool,
    sessions: Vec<Range<usize>>,
    unit: Option<Range<usize>>,
    updating: Option<Range<usize>>,
    data: Option<Range<usize>>,
    /// Names that the portal spells otherwise, with the quotes, and its spelling.
    renamed: Vec<(Range<usize>, String)>,
    /// The records of `data`.
    pub(super) items: Vec<Item>,
}

/// A record.
#[derive(Clone, Debug)]
pub(super) struct Item {
    span: Range<usize>,
    /// Where its MaHoSo stands.
    dossier: Option<Range<usize>>,
}

/// What the portal is to get.
pub(super) struct Shape<'a> {
    /// As JSON.
    pub(super) session: &'a str,
    pub(super) unit: &'a str,
    /// Marked as an update, whatever the consumer wrote.
    pub(super) updating: bool,
    /// These records instead of all.
    pub(super) items: Option<&'a [Item]>,
}

impl Envelope {
    /// Finds the parts; `None` when the body is not a JSON object.
    pub(super) fn read(body: &[u8], names: &PortalNames) -> Option<Envelope> {
        let start = if body.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let mut cursor = Cursor::new(body, start);
        cursor.peek()?;
        let mut envelope = Envelope { inside: cursor.place() + 1, ..Envelope::default() };
        cursor.enter((b'{', b'}'), |cursor| {
            let written = cursor.name()?;
            if is_name(&body[written.clone()], name::DATA) {
                return envelope.read_data(body, cursor);
            }
            let value = cursor.value()?;
            envelope.note(body, names, written, value);
            Some(())
        })?;
        Some(envelope)
    }

    /// A member other than the records.
    fn note(&mut self, body: &[u8], names: &PortalNames, span: Range<usize>, value: Range<usize>) {
        self.filled = true;
        let written = &body[span.clone()];
        let known =
            |name: &str, spelling: &str| is_name(written, spelling) || is_name(written, name);
        let (spelling, as_it_is) = if known(name::SESSION, &names.session) {
            self.sessions.push(value);
            // ours, in whatever case the consumer's stood
            (&names.session, bare(written) == names.session.as_bytes())
        } else if known(name::UNIT, &names.unit) {
            self.unit = Some(value);
            (&names.unit, is_name(written, &names.unit))
        } else if known(name::UPDATING, &names.updating) {
            self.updating = Some(value);
            (&names.updating, is_name(written, &names.updating))
        } else if known(name::SERVICE, &names.service) {
            (&names.service, is_name(written, &names.service))
        } else {
            return;
        };
        if !as_it_is {
            self.renamed.push((span, spelling.to_string()));
        }
    }

    /// The records: those of an array, or the one that stands in its place.
    fn read_data(&mut self, body: &[u8], cursor: &mut Cursor<'_>) -> Option<()> {
        self.filled = true;
        let first = cursor.peek()?;
        let from = cursor.place();
        match first {
            b'[' => cursor.enter((b'[', b']'), |cursor| self.read_item(body, cursor))?,
            b'{' => self.read_item(body, cursor)?,
            _ => {
                cursor.value()?;
            }
        }
        self.data = Some(from..cursor.place());
        Some(())
    }

    fn read_item(&mut self, body: &[u8], cursor: &mut Cursor<'_>) -> Option<()> {
        let mut dossier = None;
        let is_record = cursor.peek()? == b'{';
        let from = cursor.place();
        if is_record {
            cursor.enter((b'{', b'}'), |cursor| {
                let written = cursor.name()?;
                let value = cursor.value()?;
                if dossier.is_none() && is_name(&body[written], DOSSIER) {
                    dossier = Some(value);
                }
                Some(())
            })?;
        } else {
            cursor.value()?;
        }
        self.items.push(Item { span: from..cursor.place(), dossier });
        Some(())
    }

    /// Is it marked as an update?
    pub(super) fn is_updating(&self, body: &[u8]) -> bool {
        let value = self.updating.clone().and_then(|span| text_of(&body[span]));
        value.is_some_and(|value| {
            let value = value.trim();
            value.eq_ignore_ascii_case("true") || value == "1"
        })
    }

    /// The envelope as the portal gets it.
    pub(super) fn shape(&self, body: &[u8], shape: &Shape<'_>, names: &PortalNames) -> Bytes {
        let mut edits: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
        for span in &self.sessions {
            edits.push((span.clone(), shape.session.into()));
        }
        for (span, name) in &self.renamed {
            edits.push((span.clone(), quoted(name)));
        }
        if let (Some(items), Some(data)) = (shape.items, &self.data) {
            edits.push((data.clone(), joined(body, items)));
        }
        let mut front = Vec::new();
        if self.sessions.is_empty() {
            push_member(&mut front, &names.session, shape.session.as_bytes());
        }
        if self.unit.is_none() {
            push_member(&mut front, &names.unit, &quoted(shape.unit));
        }
        match &self.updating {
            _ if !shape.updating => {}
            Some(span) if body[span.start] == b'"' => {
                edits.push((span.clone(), b"\"True\"".into()))
            }
            Some(span) => edits.push((span.clone(), b"true".into())),
            None => push_member(&mut front, &names.updating, b"\"True\""),
        }
        if !self.filled {
            front.pop();
        }
        edits.push((self.inside..self.inside, front));
        edits.sort_by_key(|(span, _)| (span.start, span.end));
        let mut shaped = Vec::with_capacity(body.len() + 128);
        let mut from = 0;
        for (span, text) in edits {
            shaped.extend_from_slice(&body[from..span.start]);
            shaped.extend_from_slice(&text);
            from = span.end;
        }
        shaped.extend_from_slice(&body[from..]);
        shaped.into()
    }
}

impl Item {
    /// The code of its dossier, in one spelling: without escapes and blanks around it, composed, a
    /// to z as capitals; `None` when it names none.
    pub(super) fn dossier(&self, body: &[u8]) -> Option<String> {
        let value = &body[self.dossier.clone()?];
        // half of a pair of surrogates is no text, but one dossier
        let code = text_of(value).unwrap_or_else(|| String::from_utf8_lossy(value).into_owned());
        let code = code.trim();
        let mut code = if code.is_ascii() { code.to_owned() } else { code.nfc().collect() };
        code.make_ascii_uppercase();
        (!code.is_empty()).then_some(code)
    }
}

fn joined(body: &[u8], items: &[Item]) -> Vec<u8> {
    let mut text = vec![b'['];
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&body[item.span.clone()]);
    }
    text.push(b']');
    text
}

/// A member and the comma behind it.
fn push_member(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    to.extend_from_slice(&quoted(name));
    to.push(b':');
    to.extend_from_slice(value);
    to.push(b',');
}
