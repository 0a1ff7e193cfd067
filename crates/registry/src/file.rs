//! Reading registry files (design §6): every fault at once, each with its place.

pub(crate) mod entry;
pub(crate) mod fault;
pub(crate) mod field;
pub(crate) mod table;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use saphyr_parser::Event;
use terms::limit;

pub use entry::Entries;
pub use fault::FileFault;
pub use table::Noun;

use entry::Entry;
use fault::{Findings, Spot};
use table::SECTIONS;
use tree::{Content, Key, Node, Reader, Stop};

/// Reads files as one set: names as they were given on the command line, and their bytes (UTF-8,
/// a byte order mark tolerated). What is wrong with their form goes along with the entries, so
/// that [`crate::apply`] tells it together with what is wrong between them.
pub fn read(files: &[(impl AsRef<str>, impl AsRef<[u8]>)]) -> Entries {
    let mut findings = Findings::default();
    let mut list = Vec::new();
    for (number, (name, bytes)) in files.iter().enumerate() {
        findings.files.push(Arc::from(name.as_ref()));
        let file = u32::try_from(number).unwrap_or(u32::MAX);
        // Why a text is none, or where its reading stopped, was noted where it happened.
        let read = decode(file, bytes.as_ref(), &mut findings).is_some_and(|text| {
            let mut reading = Reading { reader: Reader::new(text, file), list: &mut list };
            reading.document(&mut findings).is_ok()
        });
        findings.unread |= !read;
    }
    Entries { list, warnings: findings.warnings(), findings }
}

fn decode<'a>(file: u32, bytes: &'a [u8], findings: &mut Findings) -> Option<&'a str> {
    let start = Spot { file, line: 1, column: 1 };
    if bytes.len() as u64 > limit::REGISTRY_FILE_MAX {
        let mib = limit::REGISTRY_FILE_MAX >> 20;
        let vi = format!("tệp lớn hơn {mib} MiB");
        findings.fault(start, "file_too_large", vi, format!("the file is larger than {mib} MiB"));
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let read = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let vi = "tệp không phải UTF-8 từ chỗ này".to_owned();
            let en = "the file is not UTF-8 from here on".to_owned();
            findings.fault(end_of(&read, file), "not_utf8", vi, en);
            return None;
        }
    };
    // Not allowed in YAML (1.2.2, 5.1), and no scanner agrees on what it means.
    let Some(at) = text.find(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) else {
        return Some(text);
    };
    let vi = "ký tự điều khiển không được phép".to_owned();
    let en = "a control character may not stand here".to_owned();
    findings.fault(end_of(&text[..at], file), "control_character", vi, en);
    None
}

/// The place right after `text`, a lone carriage return being a line break too (YAML 1.2.2, 5.4).
fn end_of(text: &str, file: u32) -> Spot {
    let mut spot = Spot { file, line: 1, column: 1 };
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        let breaks = sign == '\n' || (sign == '\r' && signs.peek() != Some(&'\n'));
        if breaks {
            spot = Spot { file, line: spot.line.saturating_add(1), column: 1 };
        } else {
            spot.column = spot.column.saturating_add(1);
        }
    }
    spot
}

/// One file on its way into the list of entries.
struct Reading<'a, 'l> {
    reader: Reader<'a>,
    list: &'l mut Vec<Entry>,
}

impl<'a> Reading<'a, '_> {
    fn document(&mut self, findings: &mut Findings) -> Result<(), Stop> {
        let mut documents = 0;
        loop {
            match self.reader.next(findings)? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), spot) => {
                    documents += 1;
                    if documents > 1 {
                        let vi = "chỉ một tài liệu YAML trong một tệp".to_owned();
                        let en = "one YAML document a file, no more".to_owned();
                        findings.fault(spot, "yaml", vi, en);
                        return Err(Stop);
                    }
                }
                (Event::MappingStart(..), _) => self.sections(findings)?,
                (
                    event @ (Event::Scalar(..) | Event::SequenceStart(..) | Event::Alias(_)),
                    spot,
                ) => {
                    let node = self.reader.node(event, spot, 0, findings)?;
                    if !matches!(node.content, Content::Null) {
                        let sections = SECTIONS.join(", ");
                        field::type_wrong(&node, &sections, &sections, findings);
                    }
                }
                _ => {}
            }
        }
    }

    /// The top-level map. Its lists are read entry by entry, so that the tree of a large file never
    /// stands in memory as a whole.
    fn sections(&mut self, findings: &mut Findings) -> Result<(), Stop> {
        let mut seen: Vec<Box<str>> = Vec::new();
        loop {
            let (event, spot) = self.reader.next(findings)?;
            if event == Event::MappingEnd {
                return Ok(());
            }
            let key = self.reader.node(event, spot, 1, findings)?;
            let Content::Text(text) = key.content else {
                let vi = "khóa phải là một giá trị đơn".to_owned();
                findings.fault(spot, "key_form", vi, "a key must be a single value".to_owned());
                let (event, spot) = self.reader.next(findings)?;
                self.reader.node(event, spot, 1, findings)?;
                continue;
            };
            if seen.contains(&text) {
                tree::key_twice(spot, &text, findings);
            } else if SECTIONS.contains(&&*text) {
                seen.push(text.clone());
            }
            self.section(&Key { spot, text }, findings)?;
        }
    }

    fn section(&mut self, key: &Key, findings: &mut Findings) -> Result<(), Stop> {
        let (event, spot) = self.reader.next(findings)?;
        let mut name = Some(&*key.text);
        if !SECTIONS.contains(&&*key.text) {
            field::key_unknown(key, SECTIONS.into_iter(), findings);
            // Read as what was meant, so that nothing points to entries that seem not to be there.
            name = field::nearest(&key.text, SECTIONS.into_iter());
        }
        let Some(noun) = name.and_then(Noun::of_section) else {
            let node = self.reader.node(event, spot, 1, findings)?;
            if name == Some("format") {
                check_format(&node, findings);
            }
            return Ok(());
        };
        if !matches!(event, Event::SequenceStart(..)) {
            let node = self.reader.node(event, spot, 1, findings)?;
            match &node.content {
                Content::Null => {}
                // An alias of a list.
                Content::List(items) => {
                    items.iter().for_each(|item| entry::read(noun, item, self.list, findings));
                }
                _ => {
                    field::type_wrong(&node, "một danh sách", "a list", findings);
                    entry::salvage(noun, &node, None, self.list, findings);
                }
            }
            return Ok(());
        }
        loop {
            let (event, spot) = self.reader.next(findings)?;
            if event == Event::SequenceEnd {
                return Ok(());
            }
            let node = self.reader.node(event, spot, 1, findings)?;
            entry::read(noun, &node, self.list, findings);
        }
    }
}

fn check_format(node: &Node, findings: &mut Findings) {
    match &node.content {
        Content::Text(text) if &**text == "1" => {}
        Content::Null => {}
        _ => {
            let vi = "định dạng không biết; bản này đọc format: 1".to_owned();
            let en = "unknown format; this release reads format: 1".to_owned();
            findings.fault(node.spot, "format_unknown", vi, en);
        }
    }
}
