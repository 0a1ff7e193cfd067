//! JSON, strictly (RFC 8259), into the flat list of nodes. One grammar for every reader here, so
//! that nothing is understood in two ways.

use std::borrow::Cow;
use std::ops::Range;

use terms::fault::Sentence;
use terms::limit::{PACKET_DEPTH_MAX, PACKET_MEMBERS_MAX, PACKET_VALUES_MAX};

use super::value::unescape;
use super::{Document, ESCAPED, MARKED, Node, Shape, Syntax, too_many_members};
use crate::fault::FormFault;
use crate::rule::Rule;

/// What a byte of a text asks for.
const PLAIN: u8 = 0;
const STOP: u8 = 1;
const MARK: u8 = 2;

/// By byte: the end, a backslash and what JSON wants escaped stop; the first bytes of the combining
/// marks (U+0300 to U+036F) and of the other control characters are noted.
static CLASS: [u8; 256] = {
    let mut class = [PLAIN; 256];
    let mut byte = 0;
    while byte < 0x20 {
        class[byte] = STOP;
        byte += 1;
    }
    class[b'"' as usize] = STOP;
    class[b'\\' as usize] = STOP;
    class[0x7f] = MARK;
    class[0xc2] = MARK;
    class[0xcc] = MARK;
    class[0xcd] = MARK;
    class
};

/// Reads `text` from `begin` to its end.
pub(super) fn read(text: &str, begin: usize) -> Result<Document<'_>, FormFault> {
    let nodes = Vec::with_capacity((text.len() / 24).min(1 << 16));
    let mut reader =
        Reader { bytes: text.as_bytes(), at: begin, nodes, open: Vec::new(), names: Vec::new() };
    match reader.value() {
        Ok(()) => {
            Ok(Document { text: Cow::Borrowed(text), nodes: reader.nodes, syntax: Syntax::Json })
        }
        Err((rule, sentence)) => {
            let path = reader.path(text);
            Err(FormFault { rule, path, offset: reader.at, sentence })
        }
    }
}

type Stop = (Rule, Sentence);

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    /// The lists and maps that are open, outermost first.
    open: Vec<u32>,
    /// Room for the names of one map.
    names: Vec<(u64, u32)>,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<(), Stop> {
        loop {
            self.space();
            let descended = match self.bytes.get(self.at) {
                Some(b'{') => self.open(Shape::Map, b'}')?,
                Some(b'[') => self.open(Shape::List, b']')?,
                Some(b'"') => self.text().map(|()| false)?,
                Some(b'-' | b'0'..=b'9') => self.number().map(|()| false)?,
                Some(b't') => self.word(b"true", Shape::Boolean).map(|()| false)?,
                Some(b'f') => self.word(b"false", Shape::Boolean).map(|()| false)?,
                Some(b'n') => self.word(b"null", Shape::Null).map(|()| false)?,
                _ => return Err(self.unexpected("một giá trị", "a value")),
            };
            if !descended && self.after()? {
                return Ok(());
            }
        }
    }

    /// A bracket: true when a value is to follow, false when it closed at once.
    fn open(&mut self, shape: Shape, close: u8) -> Result<bool, Stop> {
        if self.open.len() >= PACKET_DEPTH_MAX {
            let vi = format!("Lồng sâu hơn {PACKET_DEPTH_MAX} mức.");
            let en = format!("Nested deeper than {PACKET_DEPTH_MAX} levels.");
            return Err((Rule::TooDeep, Sentence::made(vi, en)));
        }
        let number = self.push(shape, 0, self.at, 0)?;
        self.at += 1;
        self.open.push(number);
        self.space();
        if self.bytes.get(self.at) == Some(&close) {
            self.close()?;
            return Ok(false);
        }
        if shape == Shape::Map {
            self.name()?;
        }
        Ok(true)
    }

    /// After a value: commas and closing brackets; true at the end of the document.
    fn after(&mut self) -> Result<bool, Stop> {
        loop {
            self.space();
            let sign = self.bytes.get(self.at);
            let Some(&number) = self.open.last() else {
                if sign.is_some() {
                    return Err(self.unexpected("hết nội dung", "the end"));
                }
                return Ok(true);
            };
            match (self.nodes[number as usize].shape, sign) {
                (Shape::List, Some(b',')) => {
                    self.at += 1;
                    return Ok(false);
                }
                (Shape::Map, Some(b',')) => {
                    self.at += 1;
                    self.space();
                    self.name()?;
                    return Ok(false);
                }
                (Shape::List, Some(b']')) | (Shape::Map, Some(b'}')) => self.close()?,
                (Shape::List, _) => return Err(self.unexpected("`,` hoặc `]`", "`,` or `]`")),
                _ => return Err(self.unexpected("`,` hoặc `}`", "`,` or `}`")),
            }
        }
    }

    fn close(&mut self) -> Result<(), Stop> {
        self.at += 1;
        let Some(number) = self.open.pop() else { return Ok(()) };
        let next = self.count();
        let node = &mut self.nodes[number as usize];
        node.len = number_of(self.at) - node.start;
        node.next = next;
        if node.shape == Shape::Map
            && let Some(again) = self.repeated(number)
        {
            // The fault is told at the second of the two.
            self.open.push(number);
            self.at = self.nodes[again as usize].start as usize - 1;
            self.nodes.truncate(again as usize + 1);
            let sentence = Sentence::new(
                "Một tên xuất hiện hai lần trong cùng một đối tượng.",
                "A name stands twice in one object.",
            );
            return Err((Rule::DuplicateKey, sentence));
        }
        Ok(())
    }

    /// The first name that stands in a map a second time.
    fn repeated(&mut self, number: u32) -> Option<u32> {
        let end = self.nodes[number as usize].next;
        let mut names = std::mem::take(&mut self.names);
        names.clear();
        let mut at = number + 1;
        while at < end {
            names.push((self.fingerprint(at), at));
            at = self.nodes[at as usize + 1].next;
        }
        let found = if names.len() <= 48 {
            names.iter().enumerate().find_map(|(place, (print, at))| {
                let same = |(other, before): &(u64, u32)| {
                    other == print && self.name_at(*before) == self.name_at(*at)
                };
                names[..place].iter().any(same).then_some(*at)
            })
        } else {
            names.sort_unstable();
            let runs = names.chunk_by_mut(|a, b| a.0 == b.0).filter(|run| run.len() > 1);
            runs.filter_map(|run| self.repeated_in(run)).min()
        };
        self.names = names;
        found
    }

    /// Of names with one fingerprint: the first that is there a second time.
    fn repeated_in(&self, run: &mut [(u64, u32)]) -> Option<u32> {
        run.sort_unstable_by(|a, b| self.name_at(a.1).cmp(&self.name_at(b.1)).then(a.1.cmp(&b.1)));
        let same = |pair: &&[(u64, u32)]| self.name_at(pair[0].1) == self.name_at(pair[1].1);
        run.windows(2).filter(same).map(|pair| pair[1].1).min()
    }

    fn name_at(&self, at: u32) -> Cow<'_, [u8]> {
        let node = self.nodes[at as usize];
        let raw = &self.bytes[node.start as usize..(node.start + node.len) as usize];
        if node.flags & ESCAPED == 0 {
            return Cow::Borrowed(raw);
        }
        Cow::Owned(unescape(&String::from_utf8_lossy(raw)).into_bytes())
    }

    /// Equal for equal names; cheap to compare.
    fn fingerprint(&self, at: u32) -> u64 {
        let name = self.name_at(at);
        let mut print = name.len() as u64;
        for chunk in name.chunks(8) {
            let mut eight = [0; 8];
            eight[..chunk.len()].copy_from_slice(chunk);
            print = (print.rotate_left(5) ^ u64::from_le_bytes(eight))
                .wrapping_mul(0x517c_c1b7_2722_0a95);
        }
        print
    }

    fn name(&mut self) -> Result<(), Stop> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(self.unexpected("một tên trong dấu nháy kép", "a name in quotes"));
        }
        self.text()?;
        if let Some(&number) = self.open.last() {
            let members = &mut self.nodes[number as usize].len;
            *members += 1;
            if *members as usize > PACKET_MEMBERS_MAX {
                return Err(too_many_members());
            }
        }
        self.space();
        if self.bytes.get(self.at) != Some(&b':') {
            return Err(self.unexpected("`:`", "`:`"));
        }
        self.at += 1;
        Ok(())
    }

    fn text(&mut self) -> Result<(), Stop> {
        let start = self.at + 1;
        let mut at = start;
        let mut flags = 0;
        loop {
            match self.bytes.get(at) {
                Some(byte) if CLASS[*byte as usize] == PLAIN => at += 1,
                Some(byte) if CLASS[*byte as usize] == MARK => {
                    flags |= MARKED;
                    at += 1;
                }
                Some(b'"') => break,
                Some(b'\\') => {
                    flags |= ESCAPED;
                    self.at = at;
                    at = self.escape()?;
                }
                other => {
                    let ended = other.is_none();
                    self.at = at;
                    return Err(if ended {
                        self.unexpected("dấu nháy kép đóng", "a closing quote")
                    } else {
                        (
                            Rule::Syntax,
                            Sentence::new(
                                "Ký tự điều khiển trong chuỗi phải viết dạng \\u00XX.",
                                "A control character in a text is written \\u00XX.",
                            ),
                        )
                    });
                }
            }
        }
        self.at = at + 1;
        self.push(Shape::Text, flags, start, at - start)?;
        Ok(())
    }

    /// Checks the escape at the present place and gives the place after it.
    fn escape(&mut self) -> Result<usize, Stop> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(self.at + 2),
            Some(b'u') => {
                let whole = match self.unit(self.at + 2) {
                    Some(0xd800..=0xdbff) => {
                        let paired = self.bytes.get(self.at + 6..self.at + 8) == Some(b"\\u")
                            && matches!(self.unit(self.at + 8), Some(0xdc00..=0xdfff));
                        paired.then_some(12)
                    }
                    Some(0xdc00..=0xdfff) | None => None,
                    Some(_) => Some(6),
                };
                whole.map(|length| self.at + length).ok_or_else(|| self.bad_escape())
            }
            _ => Err(self.bad_escape()),
        }
    }

    fn unit(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 4)?;
        let text = std::str::from_utf8(digits).ok().filter(|t| !t.starts_with('+'))?;
        u32::from_str_radix(text, 16).ok()
    }

    fn bad_escape(&self) -> Stop {
        (
            Rule::Syntax,
            Sentence::new("Dãy thoát sau `\\` không hợp lệ.", "The escape after `\\` is none."),
        )
    }

    fn number(&mut self) -> Result<(), Stop> {
        let start = self.at;
        let mut at = self.at + usize::from(self.bytes[self.at] == b'-');
        let digits = |at: usize| {
            self.bytes[at.min(self.bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count()
        };
        let whole = digits(at);
        let mut fits = whole > 0 && (whole == 1 || self.bytes[at] != b'0');
        at += whole;
        if self.bytes.get(at) == Some(&b'.') {
            let part = digits(at + 1);
            fits &= part > 0;
            at += 1 + part;
        }
        if matches!(self.bytes.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(self.bytes.get(at + 1), Some(b'+' | b'-')));
            let part = digits(at);
            fits &= part > 0;
            at += part;
        }
        if !fits {
            let sentence = Sentence::new("Số viết sai dạng JSON.", "Not a number as JSON has it.");
            return Err((Rule::Syntax, sentence));
        }
        self.at = at;
        self.push(Shape::Number, 0, start, at - start)?;
        Ok(())
    }

    fn word(&mut self, word: &[u8], shape: Shape) -> Result<(), Stop> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.unexpected("một giá trị", "a value"));
        }
        self.push(shape, 0, self.at, word.len())?;
        self.at += word.len();
        Ok(())
    }

    fn push(&mut self, shape: Shape, flags: u8, start: usize, len: usize) -> Result<u32, Stop> {
        push_node(&mut self.nodes, shape, flags, start..start + len)
    }

    fn count(&self) -> u32 {
        number_of(self.nodes.len())
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn unexpected(&self, vi: &str, en: &str) -> Stop {
        let sentence = Sentence::made(
            format!("JSON sai cú pháp tại byte {}: cần {vi}.", self.at),
            format!("Broken JSON at byte {}: {en} is expected.", self.at),
        );
        (Rule::Syntax, sentence)
    }

    /// The path of the value at which the reading stands.
    fn path(&self, text: &str) -> String {
        let mut path = String::new();
        for (place, &number) in self.open.iter().enumerate() {
            let end = self.open.get(place + 1).map_or(self.count(), |inner| *inner);
            let node = self.nodes[number as usize];
            let mut at = number + 1;
            if node.shape == Shape::List {
                let mut index = 0;
                while at < end {
                    at = self.nodes[at as usize].next;
                    index += 1;
                }
                path.push_str(&format!("[{index}]"));
                continue;
            }
            let mut name = None;
            while at < end {
                name = Some(self.nodes[at as usize]);
                at = self.nodes.get(at as usize + 1).map_or(end, |value| value.next.max(at + 2));
            }
            if let Some(name) = name {
                let raw = &text[name.start as usize..(name.start + name.len) as usize];
                super::write::push_path(&mut path, raw);
            }
        }
        path
    }
}

/// Appends a node whose text stands there in the body, if there may be one more; gives its number.
pub(super) fn push_node(
    nodes: &mut Vec<Node>,
    shape: Shape,
    flags: u8,
    text: Range<usize>,
) -> Result<u32, Stop> {
    if nodes.len() >= PACKET_VALUES_MAX {
        let vi = format!("Nhiều hơn {PACKET_VALUES_MAX} tên và giá trị.");
        let en = format!("More than {PACKET_VALUES_MAX} names and values.");
        return Err((Rule::TooMany, Sentence::made(vi, en)));
    }
    let number = number_of(nodes.len());
    let (start, len) = (number_of(text.start), number_of(text.len()));
    nodes.push(Node { shape, flags, start, len, next: number + 1 });
    Ok(number)
}

/// A place in a body that is no longer than `PACKET_BYTES_MAX`.
pub(super) fn number_of(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
