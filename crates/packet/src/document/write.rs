//! A document written again, in the other form or in the same.

use super::{Shape, Syntax, Value};

/// Names of our XML form.
pub(super) mod mark {
    /// The element of one item of a list.
    pub(in crate::document) const ITEM: &str = "item";
    /// The element of a member whose name cannot be an element's name.
    pub(in crate::document) const MEMBER: &str = "member";
    /// The attribute that holds such a name, written as the inside of a JSON text.
    pub(in crate::document) const NAME: &str = "name";
    /// The attribute that tells what is not seen: number, boolean, null, list, object.
    pub(in crate::document) const TYPE: &str = "type";
    /// The attribute of a text that XML cannot carry: `json`.
    pub(in crate::document) const ESCAPE: &str = "escape";
}

/// Compact JSON.
pub(super) fn json(root: Value<'_>) -> String {
    let mut out = String::new();
    push_json(&mut out, root);
    out
}

fn push_json(out: &mut String, value: Value<'_>) {
    match value.shape() {
        Shape::Null => out.push_str("null"),
        Shape::Boolean | Shape::Number => out.push_str(value.raw_text()),
        Shape::Text => push_quoted(out, value),
        Shape::List => {
            out.push('[');
            for (place, item) in value.items().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                push_json(out, item);
            }
            out.push(']');
        }
        Shape::Map => {
            out.push('{');
            for (place, (name, member)) in value.pairs().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                push_quoted(out, name);
                out.push(':');
                push_json(out, member);
            }
            out.push('}');
        }
    }
}

/// A text from JSON keeps its own escapes.
fn push_quoted(out: &mut String, text: Value<'_>) {
    match text.syntax() {
        Syntax::Json => {
            out.push('"');
            out.push_str(text.raw_text());
            out.push('"');
        }
        Syntax::Xml => push_json_text(out, text.raw_text()),
    }
}

/// A text in quotes, with the escapes that JSON demands.
pub(crate) fn push_json_text(out: &mut String, text: &str) {
    out.push('"');
    for sign in text.chars() {
        match sign {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            sign if (sign as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", sign as u32)),
            sign => out.push(sign),
        }
    }
    out.push('"');
}

/// One more step of a path.
pub(super) fn push_path(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.extend(name.chars().take(64).map(|sign| if sign.is_control() { '?' } else { sign }));
}

/// XML 1.0 in our form.
pub(super) fn xml(root: Value<'_>, name: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    push_element(&mut out, name, root);
    out
}

fn push_element(out: &mut String, name: &str, value: Value<'_>) {
    let (element, named) = if is_element_name(name) { (name, false) } else { (mark::MEMBER, true) };
    out.push('<');
    out.push_str(element);
    if named {
        let mut quoted = String::new();
        push_json_text(&mut quoted, name);
        push_attribute(out, mark::NAME, &quoted[1..quoted.len() - 1]);
    }
    let text = value.text().unwrap_or_default();
    let kind = match value.shape() {
        Shape::Null => "null",
        Shape::Boolean => "boolean",
        Shape::Number => "number",
        Shape::Text if text.chars().all(is_xml_sign) => "",
        Shape::Text => {
            push_attribute(out, mark::ESCAPE, "json");
            ""
        }
        Shape::List if value.items().next().is_none() => "list",
        Shape::List => "",
        Shape::Map if value.pairs().all(|(name, _)| name.text().as_deref() == Some(mark::ITEM)) => {
            "object"
        }
        Shape::Map => "",
    };
    if !kind.is_empty() {
        push_attribute(out, mark::TYPE, kind);
    }
    out.push('>');
    match value.shape() {
        Shape::List => value.items().for_each(|item| push_element(out, mark::ITEM, item)),
        Shape::Map => value.members().for_each(|(name, member)| push_element(out, &name, member)),
        Shape::Text if !text.chars().all(is_xml_sign) => {
            let mut quoted = String::new();
            push_json_text(&mut quoted, &text);
            push_xml_text(out, &quoted[1..quoted.len() - 1]);
        }
        _ => push_xml_text(out, &text),
    }
    out.push_str("</");
    out.push_str(element);
    out.push('>');
}

fn push_attribute(out: &mut String, name: &str, text: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push_xml_text(out, text);
    out.push('"');
}

fn push_xml_text(out: &mut String, text: &str) {
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Readers turn a bare return into a line break (XML 1.0, 2.11).
            '\r' => out.push_str("&#13;"),
            sign => out.push(sign),
        }
    }
}

/// May this sign stand in XML 1.0 (2.2)? The noncharacters in between are left to the escape.
fn is_xml_sign(sign: char) -> bool {
    matches!(sign, '\t' | '\n' | '\r') || (sign >= ' ' && !matches!(sign, '\u{fffe}' | '\u{ffff}'))
}

/// Can this be an element's name without a prefix? ASCII only: all that a standard needs.
pub(super) fn is_element_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && !matches!(name, mark::MEMBER)
}
