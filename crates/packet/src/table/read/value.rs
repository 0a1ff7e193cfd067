//! Single values of a table file, each refused with its place when it is not what belongs there.

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Reader;

/// One table of the file, and which of its keys were asked for.
pub(super) struct Entry<'t> {
    pub(super) table: &'t DeTable<'t>,
    pub(super) span: Range<usize>,
    asked: Vec<&'static str>,
}

impl<'t> Entry<'t> {
    pub(super) fn whole(root: &'t Spanned<DeTable<'t>>) -> Entry<'t> {
        Entry { table: root.get_ref(), span: 0..0, asked: Vec::new() }
    }

    pub(super) fn get(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key);
        self.table.get(key)
    }
}

impl Reader<'_> {
    pub(super) fn missing(&mut self, entry: &Entry<'_>, key: &str) {
        self.fault(entry.span.start, format!("thiếu `{key}`"), format!("`{key}` is missing"));
    }

    pub(super) fn wrong(&mut self, entry: &mut Entry<'_>, key: &'static str, vi: &str, en: &str) {
        let at = entry.get(key).map_or(entry.span.start, |value| value.span().start);
        self.fault(at, format!("`{key}`: cần {vi}"), format!("`{key}`: {en} is expected"));
    }

    pub(super) fn not_one_of<T: Copy>(
        &mut self,
        at: usize,
        key: &str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) {
        let words: Vec<&str> = all.iter().map(|one| word(*one)).collect();
        let words = words.join(", ");
        self.fault(
            at,
            format!("`{key}`: cần một trong {words}"),
            format!("`{key}`: one of {words} is expected"),
        );
    }

    pub(super) fn word<T: Copy>(
        &mut self,
        entry: &mut Entry<'_>,
        key: &'static str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let value = entry.get(key)?;
        let text = value.get_ref().as_str().unwrap_or_default();
        let found = all.iter().copied().find(|one| word(*one) == text);
        if found.is_none() {
            self.not_one_of(value.span().start, key, all, word);
        }
        found
    }

    pub(super) fn text(&mut self, entry: &mut Entry<'_>, key: &'static str) -> Option<Arc<str>> {
        let text = entry.get(key)?.get_ref().as_str();
        if text.is_none() {
            self.wrong(entry, key, "chuỗi", "text");
        }
        text.map(Arc::from)
    }

    pub(super) fn flag(&mut self, entry: &mut Entry<'_>, key: &'static str) -> bool {
        self.boolean(entry, key).unwrap_or(false)
    }

    pub(super) fn boolean(&mut self, entry: &mut Entry<'_>, key: &'static str) -> Option<bool> {
        let flag = entry.get(key)?.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(entry, key, "true hoặc false", "true or false");
        }
        flag
    }

    pub(super) fn number<T: std::str::FromStr>(
        &mut self,
        entry: &mut Entry<'_>,
        key: &'static str,
    ) -> Option<T> {
        let value = entry.get(key)?;
        let number = value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        if number.is_none() {
            self.wrong(entry, key, "số nguyên không âm", "a whole number");
        }
        number
    }

    /// A number or several.
    pub(super) fn numbers(&mut self, entry: &mut Entry<'_>, key: &'static str) -> Vec<u16> {
        let Some(value) = entry.get(key) else { return Vec::new() };
        let list = match value.get_ref().as_array() {
            Some(list) => list.iter().map(Spanned::get_ref).collect(),
            None => vec![value.get_ref()],
        };
        let read = |value: &&DeValue<'_>| value.as_integer()?.as_str().parse().ok();
        let numbers: Vec<u16> = list.iter().filter_map(read).collect();
        if numbers.len() != list.len() {
            self.wrong(entry, key, "một hay nhiều số nguyên", "one or several whole numbers");
        }
        numbers
    }

    pub(super) fn texts(
        &mut self,
        entry: &mut Entry<'_>,
        key: &'static str,
    ) -> Vec<(usize, Arc<str>)> {
        let Some(value) = entry.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(entry, key, "mảng chuỗi", "an array of texts");
            return Vec::new();
        };
        let read = |item: &Spanned<DeValue<'_>>| {
            Some((item.span().start, Arc::from(item.get_ref().as_str()?)))
        };
        let texts: Vec<(usize, Arc<str>)> = list.iter().filter_map(read).collect();
        if texts.len() != list.len() {
            self.wrong(entry, key, "mảng chuỗi", "an array of texts");
        }
        texts
    }

    pub(super) fn date(&mut self, entry: &mut Entry<'_>, key: &'static str) -> Option<Date> {
        let value = entry.get(key)?;
        let text = match value.get_ref() {
            DeValue::Datetime(moment) => moment.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        let date = text.parse().ok();
        if date.is_none() {
            self.wrong(entry, key, "ngày dạng 2020-07-01", "a date like 2020-07-01");
        }
        date
    }

    /// The tables under `[[key]]`.
    pub(super) fn tables<'t>(
        &mut self,
        entry: &mut Entry<'t>,
        key: &'static str,
    ) -> Vec<Entry<'t>> {
        let Some(value) = entry.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(entry, key, "[[…]]", "[[…]]");
            return Vec::new();
        };
        let mut entries = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_table() {
                Some(table) => {
                    entries.push(Entry { table, span: item.span(), asked: Vec::new() });
                }
                None => self.wrong(entry, key, "[[…]]", "[[…]]"),
            }
        }
        entries
    }

    /// Keys that nobody asked for: a slip of the pen should not pass as silence.
    pub(super) fn strangers(&mut self, entry: &mut Entry<'_>) {
        for key in entry.table.keys() {
            let name = key.get_ref().as_ref();
            if !entry.asked.contains(&name) {
                let at = key.span().start;
                self.fault(
                    at,
                    format!("không có khóa `{name}` ở đây"),
                    format!("no key `{name}` here"),
                );
            }
        }
    }
}
