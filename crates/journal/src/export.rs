//! Rows for other programs.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::JournalError;
use crate::filter::Filter;
use crate::row::Row;
use crate::search::search;

/// In which form rows are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, as `search --json`.
    Jsonl,
    /// RFC 4180, UTF-8, a header line; absent is empty, lists and documents are JSON. A value that
    /// a spreadsheet would take for a formula gets an apostrophe before it.
    Csv,
}

impl Format {
    /// Reads the word of `--format`.
    pub fn parse(text: &str) -> Option<Format> {
        match text {
            "jsonl" => Some(Format::Jsonl),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }
}

/// Writes the rows that `filter` takes; gives how many.
pub fn export(
    dir: &Path,
    filter: &Filter,
    format: Format,
    to: &mut dyn Write,
) -> Result<u64, JournalError> {
    let fail = |e| JournalError::io(Path::new("export"), e);
    let mut to = BufWriter::new(to);
    let mut rows = 0;
    if format == Format::Csv {
        write!(to, "{},form\r\n", Row::FIELDS.join(",")).map_err(fail)?;
    }
    for row in search(dir, filter)? {
        let row = row?;
        match format {
            Format::Jsonl => row.write_json(&mut to).and_then(|()| to.write_all(b"\n")),
            Format::Csv => write_csv(&row, &mut to),
        }
        .map_err(fail)?;
        rows += 1;
    }
    to.flush().map_err(fail)?;
    Ok(rows)
}

fn write_csv(row: &Row, to: &mut impl Write) -> io::Result<()> {
    let object = row.to_json();
    for (at, field) in Row::FIELDS.iter().chain(&["form"]).enumerate() {
        if at > 0 {
            to.write_all(b",")?;
        }
        match &object[*field] {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => write_cell(text, to)?,
            value @ serde_json::Value::Number(_) => write!(to, "{value}")?,
            value => write_cell(&value.to_string(), to)?,
        }
    }
    to.write_all(b"\r\n")
}

fn write_cell(text: &str, to: &mut impl Write) -> io::Result<()> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) {
        write!(to, "\"{}\"", text.replace('"', "\"\""))
    } else {
        to.write_all(text.as_bytes())
    }
}
