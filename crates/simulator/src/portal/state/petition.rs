//! Petitions (PAKN): those waiting for the province, those made public, and their attachments.
//!
//! The names of Tables 9 and 12 could not be read anywhere, so these pulls answer an empty result
//! until a table file names the fields.

use serde_json::json;
use serde_json::value::RawValue;

use super::super::envelope::Fields;
use super::super::synthetic::{self, Petition};
use super::super::table::Table;
use super::raw;

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

    pub(super) fn waiting(&self, table: &Table) -> Vec<Box<RawValue>> {
        let rows = self.waiting.iter();
        rows.filter_map(|petition| petition.row(&table.answered, self.waiting.len())).collect()
    }

    /// One page of those that hold the word asked for.
    pub(super) fn public(&self, call: &Fields) -> Vec<Box<RawValue>> {
        let word = call.text("keyword").to_lowercase();
        let fits = |petition: &&Petition| {
            let text = format!("{} {}", petition.title, petition.content);
            text.to_lowercase().contains(&word)
        };
        let found: Vec<&Petition> = self.public.iter().filter(fits).collect();
        let number = |name, default| call.text(name).parse().unwrap_or(default);
        let (page, size) = (number("trangHienTai", 1).max(1), number("soBanGhiMoiTrang", PAGE));
        let rows = found.iter().skip((page - 1).saturating_mul(size)).take(size);
        let rows = rows.map(|petition| {
            json!({
                "Id": petition.id.to_string(),
                "Ten": petition.sender,
                "TieuDe": petition.title,
                "NoiDungPAKN": petition.content,
                "NgayGuiPAKN": petition.sent,
                "NoiDungTraLoi": petition.reply,
                "TrangThai": "2",
                "TongSo": found.len().to_string(),
            })
        });
        rows.filter_map(|row| raw(&row)).collect()
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
