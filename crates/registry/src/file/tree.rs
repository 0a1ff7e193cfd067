//! YAML as a tree that knows where each node stands and keeps scalars as they were written.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::file::end_of;
use crate::file::fault::{Findings, Spot};

/// Nodes within nodes at the most.
const DEPTH_MAX: usize = 16;
/// Nodes that aliases may copy in one file: no bombs.
const ALIAS_NODES_MAX: usize = 100_000;

/// A node and where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) spot: Spot,
    pub(crate) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Nothing: absent text, `~` or `null`, not in quotes.
    Null,
    /// A scalar, as written.
    Text(Box<str>),
    /// A list.
    List(Vec<Node>),
    /// A map, its keys in order, each once.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) spot: Spot,
    pub(crate) text: Box<str>,
}

impl Node {
    /// What it is, for people: Vietnamese, English.
    pub(crate) fn describe(&self) -> (&'static str, &'static str) {
        match self.content {
            Content::Null => ("giá trị rỗng", "nothing"),
            Content::Text(_) => ("một giá trị đơn", "a single value"),
            Content::List(_) => ("một danh sách", "a list"),
            Content::Map(_) => ("một nhóm khóa: giá trị", "a map"),
        }
    }

    fn size(&self) -> usize {
        match &self.content {
            Content::Null | Content::Text(_) => 1,
            Content::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Content::Map(pairs) => 1 + pairs.iter().map(|(_, n)| 1 + n.size()).sum::<usize>(),
        }
    }
}

/// The rest of the file cannot be read; the reason was noted.
#[derive(Debug)]
pub(crate) struct Stop;

/// Reads one file, node by node.
pub(crate) struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    file: u32,
    /// Where the text ends: there the scanner is a line ahead of it.
    end: Spot,
    /// Nodes with an anchor, by its number.
    anchors: HashMap<usize, Node>,
    alias_nodes: usize,
}

impl<'a> Reader<'a> {
    /// A reader of `text`, the file numbered `file`.
    pub(crate) fn new(text: &'a str, file: u32) -> Reader<'a> {
        let parser = Parser::new_from_str(text);
        Reader { parser, file, end: end_of(text, file), anchors: HashMap::new(), alias_nodes: 0 }
    }

    /// The next event and where it begins.
    pub(crate) fn next(&mut self, findings: &mut Findings) -> Result<(Event<'a>, Spot), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, Span { start, .. }))) => Ok((event, self.spot(&start))),
            Some(Err(error)) => Err(self.broken(&error, findings)),
            None => Ok((Event::StreamEnd, Spot { file: self.file, line: 1, column: 1 })),
        }
    }

    fn spot(&self, marker: &Marker) -> Spot {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (line, column) = (number(marker.line()), number(marker.col()).saturating_add(1));
        Spot { file: self.file, line: line.max(1), column }.min(self.end)
    }

    fn broken(&self, error: &ScanError, findings: &mut Findings) -> Stop {
        let spot = self.spot(error.marker());
        let info = error.info();
        let vi = format!("sai cú pháp YAML ({info})");
        findings.fault(spot, "yaml", vi, format!("this is no YAML: {info}"));
        Stop
    }

    /// The node that begins with `event`.
    pub(crate) fn node(
        &mut self,
        event: Event<'a>,
        spot: Spot,
        depth: usize,
        findings: &mut Findings,
    ) -> Result<Node, Stop> {
        if depth > DEPTH_MAX {
            let vi = format!("lồng nhau quá {DEPTH_MAX} tầng");
            findings.fault(spot, "too_deep", vi, format!("nested deeper than {DEPTH_MAX}"));
            return Err(Stop);
        }
        let (content, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if tag.is_some() {
                    let vi = "không dùng nhãn kiểu (!) của YAML".to_owned();
                    findings.fault(spot, "tag", vi, "YAML tags (!) are not used here".to_owned());
                }
                let null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                let text = || Content::Text(text.as_ref().into());
                (if null { Content::Null } else { text() }, anchor)
            }
            Event::SequenceStart(anchor, _) => (self.list(depth, findings)?, anchor),
            Event::MappingStart(anchor, _) => (self.map(depth, findings)?, anchor),
            Event::Alias(anchor) => return self.alias(anchor, spot, findings),
            _ => (Content::Null, 0),
        };
        let node = Node { spot, content };
        if anchor > 0 {
            self.copied(&node, findings)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize, findings: &mut Findings) -> Result<Content, Stop> {
        let mut items = Vec::new();
        loop {
            match self.next(findings)? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, spot) => items.push(self.node(event, spot, depth + 1, findings)?),
            }
        }
    }

    fn map(&mut self, depth: usize, findings: &mut Findings) -> Result<Content, Stop> {
        let mut pairs: Vec<(Key, Node)> = Vec::new();
        let mut seen = HashSet::new();
        loop {
            let (event, spot) = match self.next(findings)? {
                (Event::MappingEnd, _) => return Ok(Content::Map(pairs)),
                next => next,
            };
            let key = self.node(event, spot, depth + 1, findings)?;
            let (event, at) = self.next(findings)?;
            let value = self.node(event, at, depth + 1, findings)?;
            let Content::Text(text) = key.content else {
                let vi = "khóa phải là một giá trị đơn".to_owned();
                findings.fault(spot, "key_form", vi, "a key must be a single value".to_owned());
                continue;
            };
            if seen.insert(text.clone()) {
                pairs.push((Key { spot, text }, value));
            } else {
                key_twice(spot, &text, findings);
            }
        }
    }

    fn alias(&mut self, anchor: usize, spot: Spot, findings: &mut Findings) -> Result<Node, Stop> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            // The scanner refuses unknown names; what is left is an alias within its own anchor.
            let vi = "bí danh trỏ vào chính nó".to_owned();
            findings.fault(spot, "alias_circle", vi, "an alias within its own anchor".to_owned());
            return Err(Stop);
        };
        self.copied(&node, findings)?;
        Ok(Node { spot, ..node })
    }

    /// Counts what is copied for anchors and aliases.
    fn copied(&mut self, node: &Node, findings: &mut Findings) -> Result<(), Stop> {
        self.alias_nodes += node.size();
        if self.alias_nodes <= ALIAS_NODES_MAX {
            return Ok(());
        }
        let vi = "bí danh của YAML sao chép quá nhiều".to_owned();
        findings.fault(node.spot, "alias_limit", vi, "YAML aliases copy too much".to_owned());
        Err(Stop)
    }
}

/// The key stands there twice.
pub(crate) fn key_twice(spot: Spot, text: &str, findings: &mut Findings) {
    let shown = crate::file::field::shown(text);
    let vi = format!("khóa {shown} lặp lại trong cùng một nhóm");
    findings.fault(spot, "key_twice", vi, format!("key {shown} stands here twice"));
}
