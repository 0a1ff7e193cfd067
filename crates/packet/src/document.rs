//! A packet as it came, read once: JSON or XML, with names and values as they were written.

mod json;
mod value;
mod write;
mod xml;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use terms::fault::Sentence;
use terms::limit::{PACKET_BYTES_MAX, PACKET_MEMBERS_MAX};

use crate::fault::FormFault;
use crate::rule::Rule;

pub use value::{Shape, Value};
pub(crate) use write::push_json_text;

/// In what a packet is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// RFC 8259.
    Json,
    /// XML 1.0 in the shape of `docs/protocol/packet.md`.
    Xml,
}

/// A document read whole: one flat list of nodes over the text, 16 bytes a value, so that memory
/// stays in proportion to the body whatever it holds.
#[derive(Debug)]
pub struct Document<'a> {
    /// JSON: the body. XML: the decoded texts one after the other.
    text: Cow<'a, str>,
    nodes: Vec<Node>,
    syntax: Syntax,
}

/// A value, or the name before one.
#[derive(Clone, Copy, Debug)]
struct Node {
    shape: Shape,
    flags: u8,
    /// Where its text begins, without quotes; a JSON list or map: its bracket.
    start: u32,
    /// Bytes of its text; of a JSON map that is still open: its members so far.
    len: u32,
    /// The node after it and all that is in it.
    next: u32,
}

const _: () = assert!(size_of::<Node>() == 16, "limits and documents promise 16 bytes a value");

/// The text has backslashes to be resolved.
const ESCAPED: u8 = 1;
/// The text has bytes that may belong to combining marks or control characters.
const MARKED: u8 = 2;
/// The children of a list have names before them (XML).
const NAMED: u8 = 4;

impl<'a> Document<'a> {
    /// Reads a body. Its first sign says whether it is JSON or XML; `content_type` only helps to
    /// say what is wrong, since many clients send a wrong one. A byte order mark is tolerated.
    pub fn read(body: &'a [u8], content_type: Option<&str>) -> Result<Document<'a>, FormFault> {
        if body.len() > PACKET_BYTES_MAX {
            let mib = PACKET_BYTES_MAX >> 20;
            let sentence = Sentence::made(
                format!("Nội dung dài hơn {mib} MiB."),
                format!("The body is longer than {mib} MiB."),
            );
            return Err(FormFault::new(Rule::BodyTooLarge, PACKET_BYTES_MAX, sentence));
        }
        let text = match std::str::from_utf8(body) {
            Ok(text) => text,
            Err(error) => return Err(not_utf8(body, error.valid_up_to(), content_type)),
        };
        if text.contains('\0') && looks_like_utf16(body) {
            return Err(not_utf8(body, 0, content_type));
        }
        let begin = if text.starts_with('\u{feff}') { 3 } else { 0 };
        match first_sign(body) {
            None => {
                let sentence = Sentence::new("Không có nội dung.", "There is no body.");
                Err(FormFault::new(Rule::BodyMissing, body.len(), sentence))
            }
            Some(b'<') => xml::read(text, begin),
            Some(_) => json::read(text, begin),
        }
    }

    /// In what it was written.
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// Is it JSON that begins with a byte order mark? Readers may overlook it, and portals were
    /// seen not to (RFC 8259 §8.1); XML may have one.
    pub fn has_mark(&self) -> bool {
        self.syntax == Syntax::Json && self.text.starts_with('\u{feff}')
    }

    /// Its outermost value.
    pub fn root(&self) -> Value<'_> {
        Value::new(self, 0)
    }

    /// The body; `None` of XML.
    pub(crate) fn body(&self) -> Option<&'a str> {
        match self.text {
            Cow::Borrowed(text) if self.syntax == Syntax::Json => Some(text),
            _ => None,
        }
    }

    /// The same content as compact JSON. From JSON: names, order, numbers and texts unchanged.
    pub fn to_json(&self) -> String {
        write::json(self.root())
    }

    /// The same content in our XML form, with `root` as the name of the outermost element (the
    /// packet's name by custom).
    pub fn to_xml(&self, root: &str) -> String {
        write::xml(self.root(), root)
    }
}

/// The first byte that is neither mark nor white space.
fn first_sign(body: &[u8]) -> Option<u8> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.iter().copied().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// UTF-16 of mostly ASCII text, with or without its mark.
fn looks_like_utf16(body: &[u8]) -> bool {
    matches!(body, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
        || matches!(body, [first, 0, ..] if b"{[<\"".contains(first))
        || matches!(body, [0, first, ..] if b"{[<\"".contains(first))
}

/// An object has more members than any packet needs.
fn too_many_members() -> (Rule, Sentence) {
    let vi = format!("Một đối tượng có nhiều hơn {PACKET_MEMBERS_MAX} trường.");
    let en = format!("An object has more than {PACKET_MEMBERS_MAX} members.");
    (Rule::TooManyMembers, Sentence::made(vi, en))
}

fn not_utf8(body: &[u8], offset: usize, content_type: Option<&str>) -> FormFault {
    let declared = content_type
        .and_then(|kind| {
            kind.to_ascii_lowercase().split_once("charset=").map(|(_, c)| c.to_owned())
        })
        .map(|name| name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect())
        .filter(|name: &String| !name.is_empty() && name != "utf-8" && name.len() <= 20);
    if looks_like_utf16(body) {
        let sentence = Sentence::new(
            "Nội dung ở dạng UTF-16. Hãy gửi bằng UTF-8.",
            "The body is UTF-16. Send it as UTF-8.",
        );
        return FormFault::new(Rule::NotUtf8, 0, sentence);
    }
    let (vi, en) = match declared {
        Some(name) => (format!(" (khai báo là {name})"), format!(" (declared as {name})")),
        None => (
            " (có thể là windows-1258 hoặc TCVN3)".to_owned(),
            " (perhaps windows-1258 or TCVN3)".to_owned(),
        ),
    };
    let sentence = Sentence::made(
        format!("Từ byte {offset} nội dung không phải UTF-8{vi}. Hãy gửi bằng UTF-8."),
        format!("From byte {offset} on the body is not UTF-8{en}. Send it as UTF-8."),
    );
    let mut fault = FormFault::new(Rule::NotUtf8, offset, sentence);
    // As far as it can be read, the reading says in which value the strange byte stands.
    let readable = body.get(..offset).and_then(|part| std::str::from_utf8(part).ok());
    if let Some(Err(stop)) = readable.filter(|part| !part.is_empty()).map(|part| {
        let begin = if part.starts_with('\u{feff}') { 3 } else { 0 };
        match first_sign(body) {
            Some(b'<') => xml::read(part, begin),
            _ => json::read(part, begin),
        }
    }) {
        fault.path = stop.path;
    }
    fault
}
