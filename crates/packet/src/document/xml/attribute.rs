//! The few attributes of our XML form.

use terms::fault::Sentence;

use crate::document::value::unescape;
use crate::document::write::mark;
use crate::rule::Rule;

use super::sign::is_json_inside;
use super::{Reader, Stop};

/// What an element is said to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Seen,
    Null,
    Boolean,
    Number,
    List,
    Object,
}

/// The attributes of one element.
pub(super) struct Attributes {
    pub(super) name: Option<String>,
    pub(super) kind: Kind,
    pub(super) escaped: bool,
}

impl Reader<'_> {
    /// Up to, not including, `>` or `/>`.
    pub(super) fn attributes(&mut self) -> Result<Attributes, Stop> {
        let mut found = Attributes { name: None, kind: Kind::Seen, escaped: false };
        loop {
            let before = self.at;
            self.space();
            if self.rest().starts_with('>') || self.rest().starts_with("/>") {
                return Ok(found);
            }
            if before == self.at {
                return Err(self.broken("`>`", "`>`"));
            }
            let start = self.at;
            let name = self.tag_name()?;
            let text = self.attribute_text()?;
            let taken = match (name, text.as_str()) {
                (mark::NAME, text) if found.name.is_none() && is_json_inside(text) => {
                    found.name = Some(unescape(text));
                    true
                }
                (mark::TYPE, kind) if found.kind == Kind::Seen => {
                    found.kind = kind_of(kind).unwrap_or(Kind::Seen);
                    kind_of(kind).is_some()
                }
                (mark::ESCAPE, "json") => !std::mem::replace(&mut found.escaped, true),
                _ => name == "xmlns" || name.starts_with("xmlns:") || name.starts_with("xsi:"),
            };
            if !taken {
                self.at = start;
                return Err((
                    Rule::XmlForm,
                    Sentence::new(
                        "Thuộc tính XML này không có trong dạng XML của gói tin.",
                        "The XML form of packets has no such attribute.",
                    ),
                ));
            }
        }
    }

    fn attribute_text(&mut self) -> Result<String, Stop> {
        self.space();
        if !self.rest().starts_with('=') {
            return Err(self.broken("`=`", "`=`"));
        }
        self.at += 1;
        self.space();
        let quote = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => quote,
            _ => return Err(self.broken("dấu nháy", "a quote")),
        };
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.rest().chars().next() {
                Some(sign) if sign == quote => break,
                Some('&') => text.push(self.entity()?),
                Some('<') | None => return Err(self.broken("dấu nháy đóng", "a closing quote")),
                Some(sign) => {
                    text.push(sign);
                    self.at += sign.len_utf8();
                }
            }
        }
        self.at += 1;
        Ok(text)
    }
}

fn kind_of(word: &str) -> Option<Kind> {
    Some(match word {
        "text" => Kind::Seen,
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "number" => Kind::Number,
        "list" => Kind::List,
        "object" => Kind::Object,
        _ => return None,
    })
}
