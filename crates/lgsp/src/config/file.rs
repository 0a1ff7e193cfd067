//! `lgsp.toml`: keys with their lines, unknown ones refused.

use std::path::Path;

use terms::fault::Sentence;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{Form, KEYS, sections};
use super::{ConfigFault, Raw, Raws, Source};

/// Takes every key of the file; what cannot be taken becomes a fault with line and column.
pub(super) fn read(path: &Path, text: &str, raws: &mut Raws, faults: &mut Vec<ConfigFault>) {
    let mut reading = Reading { path, text, raws, faults };
    match DeTable::parse(text) {
        Ok(table) => reading.table("", table.get_ref()),
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            let message = error.message();
            reading.fault(
                offset,
                "",
                "syntax",
                Sentence::made(
                    format!("sai cú pháp TOML ({message})"),
                    format!("not valid TOML: {message}"),
                ),
            );
        }
    }
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    raws: &'a mut Raws,
    faults: &'a mut Vec<ConfigFault>,
}

impl Reading<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let full = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            let at = name.span().start;
            let known_section = sections()
                .any(|s| s == full || s.strip_prefix(&full).is_some_and(|r| r.starts_with('.')));
            match (value.get_ref(), KEYS.iter().find(|k| k.name == full)) {
                (DeValue::Table(inner), None) if known_section => self.table(&full, inner),
                (_, Some(key)) => self.value(key.name, key.form, value),
                _ if known_section => self.fault(
                    at,
                    &full,
                    "type",
                    Sentence::new("phải là một mục [..]", "must be a section [..]"),
                ),
                _ => self.fault(
                    at,
                    &full,
                    "unknown_key",
                    Sentence::new("không có khóa cấu hình này", "there is no such key"),
                ),
            }
        }
    }

    fn value(&mut self, name: &'static str, form: Form, value: &Spanned<DeValue<'_>>) {
        let text = match (form, value.get_ref()) {
            (Form::Text, DeValue::String(text)) => Some(text.to_string()),
            (Form::Number, DeValue::Integer(number)) if number.radix() == 10 => {
                Some(number.as_str().to_owned())
            }
            (Form::Flag, DeValue::Boolean(flag)) => Some(flag.to_string()),
            (Form::List, DeValue::Array(items)) => items
                .iter()
                .map(|item| item.get_ref().as_str())
                .collect::<Option<Vec<_>>>()
                .map(|items| items.join(",")),
            _ => None,
        };
        let at = value.span().start;
        let source = self.place(at);
        if let Some(text) = text {
            self.raws.insert(name, Raw { text, source });
            return;
        }
        let (vi, en) = match form {
            Form::Text => ("phải là chuỗi trong dấu nháy", "must be a string in quotes"),
            Form::Number => ("phải là số nguyên", "must be a whole number"),
            Form::Flag => ("phải là true hoặc false", "must be true or false"),
            Form::List => ("phải là danh sách chuỗi", "must be a list of strings"),
        };
        self.fault(at, name, "type", Sentence::new(vi, en));
    }

    fn place(&self, offset: usize) -> Source {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Source::File(self.path.to_owned(), line, column)
    }

    fn fault(&mut self, offset: usize, key: &str, code: &'static str, sentence: Sentence) {
        let source = self.place(offset);
        self.faults.push(ConfigFault { source, key: key.to_owned(), code, sentence });
    }
}
