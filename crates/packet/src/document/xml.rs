//! XML 1.0 in the shape of `docs/protocol/packet.md` into the same flat list of nodes. There is no
//! document type, so no entity can be defined; attributes are the few of our shape.

mod attribute;
mod sign;

use std::borrow::Cow;

use terms::fault::Sentence;
use terms::limit::{PACKET_DEPTH_MAX, PACKET_MEMBERS_MAX};

use super::json::{number_of, push_node};
use super::value::unescape;
use super::write::mark;
use super::{Document, NAMED, Node, Shape, Syntax, too_many_members};
use crate::fault::FormFault;
use crate::rule::Rule;

use attribute::Kind;
use sign::{check_signs, flags_of, is_json_inside, is_json_number, numbered};

/// Reads `text` from `begin` to its end.
pub(super) fn read(text: &str, begin: usize) -> Result<Document<'_>, FormFault> {
    let mut reader = Reader {
        text,
        at: begin,
        out: String::with_capacity(text.len() / 2),
        nodes: Vec::new(),
        open: Vec::new(),
    };
    match reader.document() {
        Ok(()) => {
            Ok(Document { text: Cow::Owned(reader.out), nodes: reader.nodes, syntax: Syntax::Xml })
        }
        Err((rule, sentence)) => {
            let path = reader.path();
            Err(FormFault { rule, path, offset: reader.at, sentence })
        }
    }
}

type Stop = (Rule, Sentence);

/// An element that is open.
struct Open<'a> {
    /// Its name as written, with its prefix.
    tag: &'a str,
    /// Its name for the path.
    name: String,
    number: u32,
    /// What its attribute says it is.
    kind: Kind,
    escaped: bool,
    children: u32,
    /// Every child so far is an `item`.
    items_only: bool,
    /// Its text, as a place in `out`.
    begin: usize,
    /// It has text that is not white space.
    spoken: bool,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    out: String,
    nodes: Vec<Node>,
    open: Vec<Open<'a>>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn document(&mut self) -> Result<(), Stop> {
        if self.rest().starts_with("<?xml") {
            self.declaration()?;
        }
        loop {
            let rest = self.rest();
            if self.open.is_empty() {
                self.space();
                if self.rest().is_empty() {
                    if self.nodes.is_empty() {
                        return Err(self.broken("một phần tử", "an element"));
                    }
                    return Ok(());
                }
            } else if !rest.starts_with('<') {
                self.words()?;
                continue;
            }
            let rest = self.rest();
            if rest.starts_with("<!--") {
                self.skip("<!--", "-->")?;
            } else if rest.starts_with("<![CDATA[") && !self.open.is_empty() {
                self.cdata()?;
            } else if rest.starts_with("<!") {
                return Err((
                    Rule::Doctype,
                    Sentence::new(
                        "Không nhận khai báo DOCTYPE hoặc thực thể.",
                        "A DOCTYPE or an entity declaration is not taken.",
                    ),
                ));
            } else if rest.starts_with("<?") {
                self.skip("<?", "?>")?;
            } else if rest.starts_with("</") {
                self.close()?;
            } else if rest.starts_with('<') && (!self.open.is_empty() || self.nodes.is_empty()) {
                self.element()?;
            } else {
                return Err(self.broken("hết nội dung", "the end"));
            }
        }
    }

    fn declaration(&mut self) -> Result<(), Stop> {
        let Some(end) = self.rest().find("?>") else {
            return Err(self.broken("`?>`", "`?>`"));
        };
        let declaration = self.rest()[..end].to_ascii_lowercase();
        if let Some((_, encoding)) = declaration.split_once("encoding")
            && !encoding.contains("utf-8")
            && !encoding.contains("us-ascii")
        {
            return Err((
                Rule::NotUtf8,
                Sentence::new(
                    "Khai báo XML ghi bảng mã khác UTF-8. Hãy gửi bằng UTF-8.",
                    "The XML declaration names an encoding other than UTF-8. Send it as UTF-8.",
                ),
            ));
        }
        self.at += end + 2;
        Ok(())
    }

    fn skip(&mut self, opening: &str, closing: &str) -> Result<(), Stop> {
        match self.rest()[opening.len()..].find(closing) {
            Some(end) => {
                self.at += opening.len() + end + closing.len();
                Ok(())
            }
            None => Err(self.broken(&format!("`{closing}`"), &format!("`{closing}`"))),
        }
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    /// Text between tags.
    fn words(&mut self) -> Result<(), Stop> {
        let rest = self.rest();
        let end = rest.find('<').unwrap_or(rest.len());
        if end == rest.len() {
            return Err(self.broken("thẻ đóng", "a closing tag"));
        }
        let before = self.out.len();
        let stop = self.at + end;
        while self.at < stop {
            let piece = &self.text[self.at..stop];
            match piece.find(['&', '\r']) {
                None => self.take(piece)?,
                Some(0) if piece.starts_with('\r') => {
                    // White space as XML 1.0, 2.11 has it.
                    self.at += if piece.starts_with("\r\n") { 2 } else { 1 };
                    self.out.push('\n');
                }
                Some(0) => {
                    let sign = self.entity()?;
                    self.out.push(sign);
                }
                Some(at) => self.take(&piece[..at])?,
            }
        }
        self.said(before)
    }

    fn take(&mut self, piece: &str) -> Result<(), Stop> {
        check_signs(piece)?;
        self.out.push_str(piece);
        self.at += piece.len();
        Ok(())
    }

    fn cdata(&mut self) -> Result<(), Stop> {
        let begin = self.at + "<![CDATA[".len();
        self.skip("<![CDATA[", "]]>")?;
        let before = self.out.len();
        let piece = &self.text[begin..self.at - 3];
        check_signs(piece)?;
        self.out.push_str(&piece.replace("\r\n", "\n").replace('\r', "\n"));
        self.said(before)
    }

    /// Text stands in an element without child elements only.
    fn said(&mut self, before: usize) -> Result<(), Stop> {
        let spoken = !self.out[before..].trim().is_empty();
        if let Some(open) = self.open.last_mut() {
            open.spoken |= spoken;
            if open.children > 0 {
                if spoken {
                    return Err(mixed());
                }
                self.out.truncate(before);
            }
        }
        Ok(())
    }

    /// The sign behind `&…;` at the present place.
    fn entity(&mut self) -> Result<char, Stop> {
        let rest = self.rest();
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        let name = end.and_then(|end| rest.get(1..end)).unwrap_or_default();
        let sign = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name.strip_prefix('#').and_then(numbered),
        };
        match (sign, end) {
            (Some(sign), Some(end)) => {
                self.at += end + 1;
                Ok(sign)
            }
            _ => Err((
                Rule::Entity,
                Sentence::new(
                    "Chỉ nhận năm thực thể &amp; &lt; &gt; &quot; &apos; và ký tự đánh số.",
                    "Only the five entities &amp; &lt; &gt; &quot; &apos; and numbered signs are taken.",
                ),
            )),
        }
    }

    fn element(&mut self) -> Result<(), Stop> {
        if self.open.len() >= PACKET_DEPTH_MAX {
            let vi = format!("Lồng sâu hơn {PACKET_DEPTH_MAX} mức.");
            let en = format!("Nested deeper than {PACKET_DEPTH_MAX} levels.");
            return Err((Rule::TooDeep, Sentence::made(vi, en)));
        }
        let start = self.at;
        self.at += 1;
        let tag = self.tag_name()?;
        let attributes = self.attributes()?;
        let local = tag.rsplit(':').next().unwrap_or(tag);
        let name = attributes.name.unwrap_or_else(|| local.to_owned());
        self.descend(&name, start)?;
        let number = self.push(Shape::Text, 0, 0, 0)?;
        let empty = self.rest().starts_with("/>");
        self.at += if empty { 2 } else { 1 };
        self.open.push(Open {
            tag,
            name,
            number,
            kind: attributes.kind,
            escaped: attributes.escaped,
            children: 0,
            items_only: true,
            begin: self.out.len(),
            spoken: false,
        });
        if empty { self.end() } else { Ok(()) }
    }

    /// Writes the name of a child before it.
    fn descend(&mut self, name: &str, start: usize) -> Result<(), Stop> {
        let Some(parent) = self.open.last_mut() else { return Ok(()) };
        let scalar = matches!(parent.kind, Kind::Null | Kind::Boolean | Kind::Number);
        if parent.spoken || parent.escaped || scalar {
            self.at = start;
            return Err(mixed());
        }
        if parent.children == 0 {
            self.out.truncate(parent.begin);
        }
        parent.children += 1;
        parent.items_only &= name == mark::ITEM;
        let is_map = !parent.items_only || matches!(parent.kind, Kind::Object);
        if is_map && parent.children as usize > PACKET_MEMBERS_MAX {
            self.at = start;
            return Err(too_many_members());
        }
        let begin = self.out.len();
        self.out.push_str(name);
        self.push(Shape::Text, flags_of(name), begin, name.len())?;
        Ok(())
    }

    fn tag_name(&mut self) -> Result<&'a str, Stop> {
        let rest = self.rest();
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') || name.ends_with(':') {
            return Err(self.broken("tên phần tử", "the name of an element"));
        }
        self.at += end;
        Ok(name)
    }

    fn close(&mut self) -> Result<(), Stop> {
        let start = self.at;
        self.at += 2;
        let tag = self.tag_name()?;
        self.space();
        if !self.rest().starts_with('>') {
            return Err(self.broken("`>`", "`>`"));
        }
        self.at += 1;
        if self.open.last().is_none_or(|open| open.tag != tag) {
            self.at = start;
            let expected = self.open.last().map_or("", |open| open.tag).to_owned();
            let tag = format!("`</{expected}>`");
            return Err(self.broken(&tag, &tag));
        }
        self.end()
    }

    /// The innermost element is whole: now it is known what it is.
    fn end(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let number = open.number as usize;
        if open.escaped && open.children == 0 {
            let inside = self.out.split_off(open.begin);
            if !is_json_inside(&inside) {
                return Err((
                    Rule::XmlForm,
                    Sentence::new(
                        "Nội dung có escape=\"json\" không phải phần trong của chuỗi JSON.",
                        "With escape=\"json\" the text is the inside of a JSON text; this is none.",
                    ),
                ));
            }
            self.out.push_str(&unescape(&inside));
        }
        let text = &self.out[open.begin..];
        let shape = match open.kind {
            Kind::Seen if open.children == 0 => Some(Shape::Text),
            Kind::Seen if open.items_only => Some(Shape::List),
            Kind::Seen | Kind::Object => (!open.spoken).then_some(Shape::Map),
            Kind::List => (!open.spoken && open.items_only).then_some(Shape::List),
            Kind::Null => (!open.spoken).then_some(Shape::Null),
            Kind::Boolean => matches!(text, "true" | "false").then_some(Shape::Boolean),
            Kind::Number => is_json_number(text).then_some(Shape::Number),
        };
        let Some(shape) = shape else {
            return Err((
                Rule::XmlForm,
                Sentence::new(
                    "Nội dung không khớp với thuộc tính type của phần tử.",
                    "The content does not fit the type attribute of the element.",
                ),
            ));
        };
        let next = number_of(self.nodes.len());
        let (begin, len, flags) = (open.begin, text.len(), flags_of(text));
        let node = &mut self.nodes[number];
        node.shape = shape;
        node.next = next;
        if matches!(shape, Shape::List | Shape::Map) {
            node.flags = if shape == Shape::List { NAMED } else { 0 };
            if shape == Shape::Map
                && let Some(name) = self.repeated(number)
            {
                if let Some(open) = self.open.last_mut() {
                    open.name = format!("{}.{name}", open.name);
                }
                return Err((
                    Rule::DuplicateKey,
                    Sentence::new(
                        "Một tên xuất hiện hai lần trong cùng một phần tử; danh sách dùng <item>.",
                        "A name stands twice in one element; a list is written with <item>.",
                    ),
                ));
            }
        } else {
            node.start = number_of(begin);
            node.len = number_of(len);
            node.flags = flags;
        }
        self.open.pop();
        Ok(())
    }

    fn repeated(&self, number: usize) -> Option<String> {
        let end = self.nodes[number].next as usize;
        let mut names = Vec::new();
        let mut at = number + 1;
        while at < end {
            let node = self.nodes[at];
            names.push(&self.out[node.start as usize..(node.start + node.len) as usize]);
            at = self.nodes[at + 1].next as usize;
        }
        names.sort_unstable();
        names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_owned())
    }

    fn push(&mut self, shape: Shape, flags: u8, start: usize, len: usize) -> Result<u32, Stop> {
        push_node(&mut self.nodes, shape, flags, start..start + len)
    }

    fn broken(&self, vi: &str, en: &str) -> Stop {
        let sentence = Sentence::made(
            format!("XML sai cú pháp tại byte {}: cần {vi}.", self.at),
            format!("Broken XML at byte {}: {en} is expected.", self.at),
        );
        (Rule::Syntax, sentence)
    }

    /// Where the reading stands: the names of the elements that are open, without the outermost.
    fn path(&self) -> String {
        let mut path = String::new();
        for pair in self.open.windows(2) {
            let (outer, inner) = (&pair[0], &pair[1]);
            if outer.items_only && inner.name == mark::ITEM {
                path.push_str(&format!("[{}]", outer.children.saturating_sub(1)));
            } else {
                super::write::push_path(&mut path, &inner.name);
            }
        }
        path
    }
}

fn mixed() -> Stop {
    let sentence = Sentence::new(
        "Văn bản đứng cạnh phần tử con: gói tin không có dạng này.",
        "Text stands beside child elements: packets have no such form.",
    );
    (Rule::XmlForm, sentence)
}
