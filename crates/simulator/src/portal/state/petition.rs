//! Petitions (PAKN): those waiting for the province, those made public, and their attachments.
//!
//! The names of Tables 9 and 12 could not be read anywhere, so these pulls answer an empty result
//! until a table file names the fields.

use serde_json::value::RawValue;

use super::super::envelope::{Fields, Row};
use super::super::synthetic::{self, Petition, ordered};
use super::super::table::Table;

/// Rows of a page when the call does not say.
const PAGE: usize = 10;

#[derive(Debug)]
pub(super) struct Petitions {
    waiting: Vec<Petition>,
    public: Vec<Petition>,
}

impl Petitions {
    pub(super) fn synthetic() -> Petitions {
        Petitions { waiting: synthetic::petitions(5, 41_000), public: synthetic::public() }
    }

    /// One page of those that wait. Whether the real list has pages is not known.
    pub(super) fn waiting(&self, table: &Table, call: &Fields) -> Vec<Box<RawValue>> {
        let total = self.waiting.len();
        let rows = page(&self.waiting, call).iter();
        rows.filter_map(|petition| petition.row(&table.answered, total)).collect()
    }

    /// Results came: a petition whose id stands in any field of a row waits no longer (the name
    /// of the field that carries it is not known).
    pub(super) fn settle(&mut self, rows: &[Row]) {
        for row in rows {
            let names: Vec<&str> = row.fields.names().collect();
            let values: Vec<String> = names.iter().map(|name| row.fields.text(name)).collect();
            self.waiting.retain(|petition| !values.contains(&petition.id.to_string()));
        }
    }

    /// One page of those that hold the word asked for.
    pub(super) fn public(&self, call: &Fields) -> Vec<Box<RawValue>> {
        let word = call.text("keyword").to_lowercase();
        let fits = |petition: &&Petition| {
            let text = format!("{} {}", petition.title, petition.content);
            text.to_lowercase().contains(&word)
        };
        let found: Vec<&Petition> = self.public.iter().filter(fits).collect();
        let rows = page(&found, call).iter().map(|petition| {
            ordered(&[
                ("Id", petition.id.to_string().into()),
                ("Ten", petition.sender.clone().into()),
                ("TieuDe", petition.title.clone().into()),
                ("NoiDungPAKN", petition.content.clone().into()),
                ("NgayGuiPAKN", petition.sent.clone().into()),
                ("NoiDungTraLoi", petition.reply.clone().into()),
                ("TrangThai", "2".into()),
                ("TongSo", found.len().to_string().into()),
            ])
        });
        rows.collect()
    }

    /// The attachment at `path`. `/pakn/N.bin` is one of N bytes.
    pub(super) fn file(&self, table: &Table, path: &str) -> Vec<Box<RawValue>> {
        let known = self.waiting.iter().chain(&self.public).any(|one| one.attachment == path);
        let size = path.strip_prefix("/pakn/").and_then(|path| path.strip_suffix(".bin"));
        let content = match size.and_then(|size| size.parse().ok()) {
            Some(size) => synthetic::content(size),
            None if known => synthetic::content(1_024),
            None => return Vec::new(),
        };
        synthetic::file_row(&table.answered, path, &content).into_iter().collect()
    }
}

fn page<'a, T>(rows: &'a [T], call: &Fields) -> &'a [T] {
    let number = |name, default| call.text(name).parse::<usize>().unwrap_or(default);
    let (page, size) = (number("trangHienTai", 1).max(1), number("soBanGhiMoiTrang", PAGE));
    let from = (page - 1).saturating_mul(size).min(rows.len());
    &rows[from..from.saturating_add(size).min(rows.len())]
}
