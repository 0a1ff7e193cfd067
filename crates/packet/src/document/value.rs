//! A look at one value of a document.

use std::borrow::Cow;

use super::{Document, ESCAPED, MARKED, NAMED, Node, Syntax};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number, kept as it was written.
    Number,
    /// A text.
    Text,
    /// An array.
    List,
    /// An object.
    Map,
}

/// One value; a copy costs nothing.
#[derive(Clone, Copy)]
pub struct Value<'d> {
    document: &'d Document<'d>,
    at: u32,
}

impl<'d> Value<'d> {
    pub(super) fn new(document: &'d Document<'d>, at: u32) -> Value<'d> {
        Value { document, at }
    }

    fn node(self) -> Node {
        self.document.nodes[self.at as usize]
    }

    /// Where it stands in its document.
    pub(crate) fn number(self) -> u32 {
        self.at
    }

    /// The value at another place of the same document.
    pub(crate) fn at(self, number: u32) -> Value<'d> {
        Value::new(self.document, number)
    }

    /// Were its texts escaped?
    pub(crate) fn is_escaped(self) -> bool {
        self.node().flags & ESCAPED != 0
    }

    /// What it is.
    pub fn shape(self) -> Shape {
        self.node().shape
    }

    /// In what the document is written.
    pub(crate) fn syntax(self) -> Syntax {
        self.document.syntax
    }

    /// The text of a scalar as it was written, without quotes and not yet unescaped; empty for a
    /// list, a map and null.
    pub(crate) fn raw_text(self) -> &'d str {
        let node = self.node();
        match node.shape {
            Shape::List | Shape::Map | Shape::Null => "",
            _ => &self.document.text[node.start as usize..(node.start + node.len) as usize],
        }
    }

    /// The text of a scalar (`true` and `12.50` as written); `None` for a list, a map and null.
    pub fn text(self) -> Option<Cow<'d, str>> {
        match self.shape() {
            Shape::List | Shape::Map | Shape::Null => None,
            _ if self.node().flags & ESCAPED != 0 => Some(Cow::Owned(unescape(self.raw_text()))),
            _ => Some(Cow::Borrowed(self.raw_text())),
        }
    }

    /// Has it no value: null, or a text of nothing but spaces?
    pub fn is_blank(self) -> bool {
        match self.shape() {
            Shape::Null => true,
            Shape::Text => self.raw_text().trim().is_empty(),
            _ => false,
        }
    }

    /// May its text hold combining marks or control characters?
    pub(crate) fn is_marked(self) -> bool {
        self.node().flags & (MARKED | ESCAPED) != 0
    }

    /// Bytes of the body in which a JSON value stands, quotes and brackets included.
    pub(crate) fn span(self) -> std::ops::Range<usize> {
        debug_assert_eq!(self.document.syntax, Syntax::Json);
        let node = self.node();
        let (start, end) = (node.start as usize, (node.start + node.len) as usize);
        if node.shape == Shape::Text { start - 1..end + 1 } else { start..end }
    }

    /// A JSON value as it was written; `None` from XML.
    pub fn raw(self) -> Option<&'d str> {
        (self.document.syntax == Syntax::Json).then(|| &self.document.text[self.span()])
    }

    /// The members of a map in their order, with their names; nothing for any other shape.
    pub fn members(self) -> impl Iterator<Item = (Cow<'d, str>, Value<'d>)> {
        self.pairs().map(|(name, value)| (name.text().unwrap_or_default(), value))
    }

    /// The members of a map as nodes.
    pub(crate) fn pairs(self) -> impl Iterator<Item = (Value<'d>, Value<'d>)> {
        let node = self.node();
        let end = if node.shape == Shape::Map { node.next } else { 0 };
        let mut at = self.at + 1;
        let document = self.document;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let (name, value) = (Value::new(document, at), Value::new(document, at + 1));
            at = value.node().next;
            Some((name, value))
        })
    }

    /// The items of a list in their order; nothing for any other shape.
    pub fn items(self) -> impl Iterator<Item = Value<'d>> {
        let node = self.node();
        let end = if node.shape == Shape::List { node.next } else { 0 };
        let named = u32::from(node.flags & NAMED != 0);
        let mut at = self.at + 1 + named;
        let document = self.document;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let item = Value::new(document, at);
            at = item.node().next + named;
            Some(item)
        })
    }

    /// The member of a map with this name, in any case (ASCII); the first if there are several.
    pub fn get(self, name: &str) -> Option<Value<'d>> {
        self.pairs().find(|(found, _)| found.is_named(name)).map(|(_, value)| value)
    }

    /// Is this name written so, in any case?
    pub(crate) fn is_named(self, name: &str) -> bool {
        if self.node().flags & ESCAPED == 0 {
            self.raw_text().eq_ignore_ascii_case(name)
        } else {
            self.text().is_some_and(|text| text.eq_ignore_ascii_case(name))
        }
    }
}

/// Resolves the backslashes of a JSON text whose form was checked when it was read.
pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let mut signs = rest[at + 1..].chars();
        let sign = signs.next();
        rest = signs.as_str();
        match sign {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('u') => {
                let unit = hex(rest);
                rest = rest.get(4..).unwrap_or_default();
                let sign = if (0xd800..0xdc00).contains(&unit) {
                    let low = hex(rest.get(2..).unwrap_or_default());
                    rest = rest.get(6..).unwrap_or_default();
                    0x1_0000 + ((unit - 0xd800) << 10) + (low & 0x3ff)
                } else {
                    unit
                };
                text.push(char::from_u32(sign).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    text.push_str(rest);
    text
}

fn hex(text: &str) -> u32 {
    text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0)
}
