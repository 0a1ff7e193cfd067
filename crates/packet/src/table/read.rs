//! Reading a table file: everything that is wrong, each with its place.

mod value;

use std::collections::HashMap;
use std::sync::Arc;

use terms::fault::Sentence;
use terms::limit::{
    PACKET_TABLE_BYTES_MAX, PACKET_TABLE_FIELDS_MAX as FIELDS_MAX,
    PACKET_TABLE_LEVELS_MAX as LEVELS_MAX,
};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use value::Entry;

use super::builtin::Auxiliary;
use super::file::{TableFault, spot};
use super::{
    Code, Direction, Envelopes, Evidence, Field, Form, Format, Level, Relation, RelationKind,
    Required, Table,
};

/// Reads the table of one packet.
pub(super) fn table(file: &str, text: &str) -> Result<Table, Vec<TableFault>> {
    let mut reader = Reader::new(file, text);
    let root = reader.parse();
    let made = root.as_ref().and_then(|root| reader.table(&mut Entry::whole(root)));
    reader.done(made)
}

/// Reads the fields around the records.
pub(super) fn envelopes(file: &str, text: &str) -> Result<Envelopes, Vec<TableFault>> {
    let mut reader = Reader::new(file, text);
    let root = reader.parse();
    let made = root.as_ref().map(|root| {
        let mut entry = Entry::whole(root);
        let request = reader.level(&mut entry, "request", 0);
        let answer = reader.level(&mut entry, "answer", 0);
        Envelopes { request, answer }
    });
    reader.done(made)
}

/// Reads the services outside the tables.
pub(super) fn auxiliaries(file: &str, text: &str) -> Result<Vec<Auxiliary>, Vec<TableFault>> {
    let mut reader = Reader::new(file, text);
    let root = reader.parse();
    let made = root.as_ref().map(|root| {
        let mut entry = Entry::whole(root);
        let mut found = Vec::new();
        for mut service in reader.tables(&mut entry, "service") {
            let name = reader.text(&mut service, "name").unwrap_or_default();
            let parameters = reader.level(&mut service, "parameter", 0);
            found.push(Auxiliary { name, parameters });
        }
        found
    });
    reader.done(made)
}

/// A file on its way into a table.
struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    faults: Vec<TableFault>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a str, text: &'a str) -> Reader<'a> {
        Reader { file, text, faults: Vec::new() }
    }

    fn done<T>(self, made: Option<T>) -> Result<T, Vec<TableFault>> {
        match made {
            Some(made) if self.faults.is_empty() => Ok(made),
            _ => Err(self.faults),
        }
    }

    fn fault(&mut self, at: usize, vi: String, en: String) {
        let (line, column) = spot(self.text, at);
        let sentence = Sentence::made(vi, en);
        self.faults.push(TableFault { file: self.file.to_owned(), line, column, sentence });
    }

    fn parse(&mut self) -> Option<Spanned<DeTable<'a>>> {
        if self.text.len() > PACKET_TABLE_BYTES_MAX {
            let kib = PACKET_TABLE_BYTES_MAX >> 10;
            let vi = format!("tệp lớn hơn {kib} KiB");
            self.fault(0, vi, format!("the file is larger than {kib} KiB"));
            return None;
        }
        match DeTable::parse(self.text) {
            Ok(root) => Some(root),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                let said = error.message();
                let vi = format!("từ đây không đúng cú pháp TOML; bộ đọc TOML báo “{said}”");
                self.fault(at, vi, format!("broken TOML: {said}"));
                None
            }
        }
    }

    fn table(&mut self, entry: &mut Entry<'_>) -> Option<Table> {
        let packet = self.text(entry, "packet").unwrap_or_else(|| {
            self.missing(entry, "packet");
            Arc::default()
        });
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if packet.len() > 100 || !packet.chars().all(fits) {
            self.wrong(
                entry,
                "packet",
                "tên gói tin chữ và số",
                "a packet's name: letters, digits",
            );
        }
        let version = self.text(entry, "version").unwrap_or_else(|| {
            self.missing(entry, "version");
            Arc::default()
        });
        let (valid_from, valid_until) =
            (self.date(entry, "valid_from"), self.date(entry, "valid_until"));
        if valid_from.zip(valid_until).is_some_and(|(from, until)| until < from) {
            self.wrong(
                entry,
                "valid_until",
                "ngày không trước valid_from",
                "not before valid_from",
            );
        }
        let direction = self.word(entry, "direction", Direction::ALL, Direction::as_str);
        if direction.is_none() && entry.get("direction").is_none() {
            self.missing(entry, "direction");
        }
        let table = Table {
            packet,
            table: self.numbers(entry, "table"),
            version,
            valid_from,
            valid_until,
            direction: direction.unwrap_or(Direction::Push),
            count: self.number(entry, "count").unwrap_or(0),
            count_sent: self.number(entry, "count_sent").unwrap_or(0),
            blank: self.flag(entry, "blank"),
            blank_evidence: self
                .word(entry, "blank_evidence", Evidence::ALL, Evidence::as_str)
                .unwrap_or(Evidence::Inferred),
            note: self.text(entry, "note").unwrap_or_default(),
            parameters: self.level(entry, "parameter", 0),
            fields: self.level(entry, "field", 0),
            rules: Vec::new(),
            file: Some(self.file.into()),
            text: self.text.into(),
        };
        let rules = self.relations(entry, &table);
        self.count(entry, "count", table.count, &table.fields);
        self.count(entry, "count_sent", table.count_sent, &table.parameters);
        self.strangers(entry);
        Some(Table { rules, ..table })
    }

    /// No more counted fields than the standard counts.
    fn count(&mut self, entry: &mut Entry<'_>, key: &'static str, count: u16, level: &Level) {
        let counted = level.iter().filter(|field| field.counted).count();
        if (key == "count" || count > 0) && counted > usize::from(count) {
            let (vi, en) = (
                format!("{counted} trường được đếm, nhiều hơn {key} = {count}"),
                format!("{counted} fields are counted, more than {key} = {count}"),
            );
            let at = entry.get(key).map_or(entry.span.start, |value| value.span().start);
            self.fault(at, vi, en);
        }
    }

    /// Fields under a key.
    fn level(&mut self, entry: &mut Entry<'_>, key: &'static str, depth: usize) -> Level {
        let entries = self.tables(entry, key);
        if depth >= LEVELS_MAX && !entries.is_empty() {
            let (vi, en) = ("danh sách lồng quá sâu", "lists within lists too deep");
            self.fault(entry.span.start, vi.to_owned(), en.to_owned());
            return Level::default();
        }
        if entries.len() > FIELDS_MAX {
            let vi = format!("nhiều hơn {FIELDS_MAX} trường trong một mức");
            self.fault(entry.span.start, vi, format!("more than {FIELDS_MAX} fields on one level"));
            return Level::default();
        }
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut positions: HashMap<u16, usize> = HashMap::new();
        let mut fields = Vec::new();
        for mut entry in entries {
            let field = self.field(&mut entry, depth);
            let name = field.name.as_deref().map(str::to_ascii_lowercase);
            let again = name.is_some_and(|name| names.insert(name, 0).is_some());
            if again {
                self.wrong(&mut entry, "name", "tên chưa dùng ở mức này", "a name not used before");
            }
            if field.position.is_some_and(|position| positions.insert(position, 0).is_some()) {
                self.wrong(
                    &mut entry,
                    "position",
                    "vị trí chưa dùng",
                    "a position not used before",
                );
            }
            fields.push(field);
        }
        Level::new(fields)
    }

    fn field(&mut self, entry: &mut Entry<'_>, depth: usize) -> Field {
        let name = self.text(entry, "name");
        let fits = |c: char| !c.is_control() && !c.is_whitespace();
        if name.as_deref().is_some_and(|n| n.is_empty() || n.len() > 128 || !n.chars().all(fits)) {
            self.wrong(entry, "name", "tên trường không có khoảng trắng", "a name without spaces");
        }
        let evidence = self.word(entry, "evidence", Evidence::ALL, Evidence::as_str);
        if evidence.is_none() && entry.get("evidence").is_none() && name.is_some() {
            self.missing(entry, "evidence");
        }
        let evidence = evidence.unwrap_or(Evidence::Unknown);
        let of = |reader: &mut Reader<'_>, entry: &mut Entry<'_>, key| {
            reader.word(entry, key, Evidence::ALL, Evidence::as_str).unwrap_or(evidence)
        };
        let form_evidence = of(self, entry, "form_evidence");
        let length_evidence = of(self, entry, "length_evidence");
        let codes_evidence = of(self, entry, "codes_evidence");
        let required_evidence = of(self, entry, "required_evidence");
        let or_inferred = |reader: &mut Reader<'_>, entry: &mut Entry<'_>, key| {
            let stated = reader.word(entry, key, Evidence::ALL, Evidence::as_str);
            stated.unwrap_or(Evidence::Inferred)
        };
        let blank_evidence = or_inferred(self, entry, "blank_evidence");
        let range_evidence = or_inferred(self, entry, "range_evidence");
        let form = self.word(entry, "form", Form::ALL, Form::as_str).unwrap_or(Form::Text);
        let meaning = self.text(entry, "meaning").unwrap_or_default();
        let field = Field {
            position: self.number(entry, "position"),
            meaning_en: self.text(entry, "meaning_en").unwrap_or_else(|| meaning.clone()),
            meaning,
            form,
            formats: self.formats(entry, form),
            length: self.number(entry, "length"),
            codes: self.codes(entry),
            codes_open: self.flag(entry, "codes_open"),
            range: self.range(entry),
            percent: self.flag(entry, "percent"),
            boolean: self.flag(entry, "boolean"),
            required: self
                .word(entry, "required", Required::ALL, Required::as_str)
                .unwrap_or(Required::Unknown),
            blank: self.flag(entry, "blank"),
            counted: self.boolean(entry, "counted").unwrap_or(true),
            flattened: self.flag(entry, "flattened"),
            evidence,
            form_evidence,
            length_evidence,
            codes_evidence,
            required_evidence,
            blank_evidence,
            range_evidence,
            example: self.text(entry, "example"),
            note: self.text(entry, "note").unwrap_or_default(),
            children: self.level(entry, "children", depth + 1),
            name,
        };
        if field.form == Form::Code && field.codes.is_empty() {
            self.wrong(entry, "form", "codes cho form = \"code\"", "codes for form = \"code\"");
        }
        if field.form != Form::List && !field.children.is_empty() {
            self.wrong(
                entry,
                "form",
                "form = \"list\" khi có children",
                "form = \"list\" with children",
            );
        }
        self.strangers(entry);
        field
    }

    fn formats(&mut self, entry: &mut Entry<'_>, form: Form) -> Vec<Format> {
        let mut formats = Vec::new();
        for (at, word) in self.texts(entry, "formats") {
            match Format::parse(&word) {
                Some(format) => formats.push(format),
                None => self.not_one_of(at, "formats", Format::ALL, Format::as_str),
            }
        }
        if formats.is_empty() && form == Form::Datetime {
            formats.push(Format::Compact);
        }
        formats
    }

    fn codes(&mut self, entry: &mut Entry<'_>) -> Vec<Code> {
        let Some(value) = entry.get("codes") else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            return self
                .texts(entry, "codes")
                .into_iter()
                .map(|(_, value)| Code { value, meaning: Arc::default() })
                .collect();
        };
        let mut codes = Vec::new();
        for (key, meaning) in table {
            match meaning.get_ref().as_str() {
                Some(meaning) => codes
                    .push(Code { value: key.get_ref().as_ref().into(), meaning: meaning.into() }),
                None => {
                    let at = meaning.span().start;
                    self.fault(
                        at,
                        "nghĩa của mã phải là chuỗi".into(),
                        "a code's meaning is text".into(),
                    );
                }
            }
        }
        // A table has no order: numbers by value, then the others.
        codes.sort_by_key(|code| {
            (code.value.parse::<i64>().unwrap_or(i64::MAX), code.value.clone())
        });
        codes
    }

    fn range(&mut self, entry: &mut Entry<'_>) -> Option<(f64, f64)> {
        let value = entry.get("range")?;
        let numbers: Vec<f64> = value
            .get_ref()
            .as_array()?
            .iter()
            .filter_map(|item| match item.get_ref() {
                DeValue::Integer(number) => number.as_str().parse().ok(),
                DeValue::Float(number) => number.as_str().parse().ok(),
                _ => None,
            })
            .collect();
        match numbers[..] {
            [least, most] if least <= most => Some((least, most)),
            _ => {
                self.wrong(entry, "range", "hai số, nhỏ trước", "two numbers, the smaller first");
                None
            }
        }
    }

    fn relations(&mut self, entry: &mut Entry<'_>, table: &Table) -> Vec<Relation> {
        let mut relations = Vec::new();
        for mut entry in self.tables(entry, "rule") {
            let kind = self.word(&mut entry, "kind", RelationKind::ALL, RelationKind::as_str);
            let evidence = self.word(&mut entry, "evidence", Evidence::ALL, Evidence::as_str);
            let (mut fields, mut places) = (Vec::new(), Vec::new());
            for (at, name) in self.texts(&mut entry, "fields") {
                match table.fields.find(&name) {
                    Some(field) => {
                        fields.extend(field.name.clone());
                        places.extend(table.fields.position_of(&name));
                    }
                    None => {
                        let vi = format!("không có trường {name} trong bảng này");
                        self.fault(at, vi, format!("this table has no field {name}"));
                    }
                }
            }
            let Some(kind) = kind else {
                if entry.get("kind").is_none() {
                    self.missing(&entry, "kind");
                }
                continue;
            };
            let needed = match kind {
                RelationKind::Group => 0..=0,
                RelationKind::Unique => 1..=1,
                RelationKind::Dated | RelationKind::Step => 2..=2,
                RelationKind::Share | RelationKind::Period => 3..=3,
                RelationKind::Order | RelationKind::Sum | RelationKind::Whole => 2..=16,
            };
            if !needed.contains(&fields.len()) {
                let (least, most) = (needed.start(), needed.end());
                let vi = format!("{least} đến {most} trường cho {kind}");
                self.wrong(
                    &mut entry,
                    "fields",
                    &vi,
                    &format!("{least} to {most} fields for {kind}"),
                );
            }
            relations.push(Relation {
                kind,
                fields,
                places,
                evidence: evidence.unwrap_or(Evidence::Unknown),
                when: self.texts(&mut entry, "when").into_iter().map(|(_, value)| value).collect(),
                warning: self.flag(&mut entry, "warning"),
                max: self.number(&mut entry, "max").unwrap_or(usize::MAX),
            });
            self.strangers(&mut entry);
        }
        relations
    }
}
