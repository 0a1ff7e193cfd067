//! Packet tables: what is known of each packet, as data. Built in are the 15 packets of QCVN 120;
//! files in the data folder replace them or add others.

mod builtin;
mod claim;
mod file;
mod level;
mod read;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;

pub use claim::Claim;
pub use file::TableFault;
pub use level::Level;
pub(crate) use level::Place;

use builtin::Auxiliary;

/// Defines an enum of words as table files write them.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident {
        $($(#[doc = $d:literal])* $variant:ident = $word:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[doc = $d])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// Its word in a table file.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The reverse of [`Self::as_str`].
            pub fn parse(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|found| found.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Which way a packet's records go.
    Direction {
        /// The province sends them.
        Push = "push",
        /// The province fetches them.
        Pull = "pull",
    }
}

words! {
    /// How a field's value is written.
    Form {
        /// Free text.
        Text = "text",
        /// A date or a moment, in one of the field's formats.
        Datetime = "datetime",
        /// A number, as number or as text.
        Number = "number",
        /// One of a list of codes.
        Code = "code",
        /// Objects or texts.
        List = "list",
        /// The address of a file.
        File = "file",
    }
}

words! {
    /// Must a field be there?
    Required {
        /// Yes.
        Yes = "yes",
        /// No.
        No = "no",
        /// Not known, so not checked.
        Unknown = "unknown",
    }
}

words! {
    /// From where a thing is known.
    Evidence {
        /// Seen in public source code.
        Code = "code",
        /// Seen on a public page.
        Page = "page",
        /// Somebody's memory.
        Memory = "memory",
        /// Reasoned, not seen.
        Inferred = "inferred",
        /// Not known.
        Unknown = "unknown",
    }
}

impl Evidence {
    /// May a rule of this evidence refuse a packet in the mode `refuse`?
    pub const fn is_firm(self) -> bool {
        matches!(self, Evidence::Code | Evidence::Page)
    }
}

words! {
    /// How dates are written.
    Format {
        /// `20240304081500`; a day alone, `20240304`, is not meant by it.
        Compact = "yyyyMMddHHmmss",
        /// `05/03/2024`.
        DaySlash = "dd/MM/yyyy",
        /// `3-2024`.
        MonthDash = "M-yyyy",
        /// `2024-01-15`, with or without a time (ISO 8601).
        Iso = "iso",
    }
}

/// A code of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Code {
    /// What is sent.
    pub value: Arc<str>,
    /// What it means; often empty.
    pub meaning: Arc<str>,
}

/// One field of a table: what is known of it, and from where.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    /// Its number in the standard, if known.
    pub position: Option<u16>,
    /// Its name as sent; `None`: unknown, so it is neither checked nor invented.
    pub name: Option<Arc<str>>,
    /// What it means, in Vietnamese.
    pub meaning: Arc<str>,
    /// The same in English.
    pub meaning_en: Arc<str>,
    /// How its value is written.
    pub form: Form,
    /// Of a date: the forms that are taken.
    pub formats: Vec<Format>,
    /// Characters at most.
    pub length: Option<u32>,
    /// The codes that are known.
    pub codes: Vec<Code>,
    /// There are other codes as well.
    pub codes_open: bool,
    /// Of a number: least and greatest.
    pub range: Option<(f64, f64)>,
    /// Of a number: a per cent sign may follow.
    pub percent: bool,
    /// `true` and `false` are taken as well.
    pub boolean: bool,
    /// Must it be there?
    pub required: Required,
    /// Though required it may be empty, as clients send it.
    pub blank: bool,
    /// One of the positions that the standard counts.
    pub counted: bool,
    /// Clients send its children beside it instead of in it.
    pub flattened: bool,
    /// From where its name is known.
    pub evidence: Evidence,
    /// From where its form is known.
    pub form_evidence: Evidence,
    /// From where its length is known.
    pub length_evidence: Evidence,
    /// From where its codes are known.
    pub codes_evidence: Evidence,
    /// From where it is known to be required.
    pub required_evidence: Evidence,
    /// From where it is known that it may not be empty.
    pub blank_evidence: Evidence,
    /// From where its range is known.
    pub range_evidence: Evidence,
    /// A synthetic value.
    pub example: Option<Arc<str>>,
    /// What else should be known.
    pub note: Arc<str>,
    /// The fields of its items.
    pub children: Level,
}

/// A rule over several fields of a record.
#[derive(Clone, Debug, Serialize)]
pub struct Relation {
    /// What is compared.
    pub kind: RelationKind,
    /// The fields, in the order that the kind gives them.
    pub fields: Vec<Arc<str>>,
    /// Where they stand in the table.
    #[serde(skip)]
    pub(crate) places: Vec<usize>,
    /// From where it is known.
    pub evidence: Evidence,
    /// It is told but refuses nothing.
    pub warning: bool,
    /// Of `dated`: the statuses that ask for the date.
    pub when: Vec<Arc<str>>,
    /// Of `group`: the most records.
    pub max: usize,
}

words! {
    /// The kinds of rules over several fields.
    RelationKind {
        /// Dates follow one another: earliest first.
        Order = "order",
        /// The first is the sum of the others.
        Sum = "sum",
        /// The first is the second in per cent of the third.
        Share = "share",
        /// These add up to a hundred per cent.
        Whole = "whole",
        /// Kind of period, month, year: a month or a year, nothing else.
        Period = "period",
        /// Key of the dossier, status: steps within one packet are usual ones.
        Step = "step",
        /// Status, date: with the statuses of `when` the date is there.
        Dated = "dated",
        /// The key is there once in a packet.
        Unique = "unique",
        /// At most `max` records.
        Group = "group",
    }
}

/// All that is known of one packet in one version.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The name on the wire.
    pub packet: Arc<str>,
    /// Its tables in the standard; two when what is sent has a table of its own.
    pub table: Vec<u16>,
    /// Which issue of the table this is.
    pub version: Arc<str>,
    /// First day on which it holds.
    #[serde(serialize_with = "as_text")]
    pub valid_from: Option<Date>,
    /// Last day on which it holds.
    #[serde(serialize_with = "as_text")]
    pub valid_until: Option<Date>,
    /// Which way the records go.
    pub direction: Direction,
    /// Positions of a record in the standard.
    pub count: u16,
    /// Positions of the parameters sent, where the standard has a table for them.
    pub count_sent: u16,
    /// Of a push: a packet without any record is one as well.
    pub blank: bool,
    /// From where it is known whether it is.
    pub blank_evidence: Evidence,
    /// How much of it is known, in words.
    pub note: Arc<str>,
    /// What stands beside `service` in a request.
    pub parameters: Level,
    /// The fields of a record.
    pub fields: Level,
    /// Rules over several fields.
    pub rules: Vec<Relation>,
    /// The file it came from; `None`: built in.
    pub file: Option<Arc<str>>,
    /// The table file, letter for letter: what a person copies to fill its gaps.
    #[serde(skip)]
    pub text: Arc<str>,
}

impl Table {
    /// Reads a table file; `file` is its name, for the faults, which are told all at once.
    pub fn read(file: &str, text: &str) -> Result<Table, Vec<TableFault>> {
        read::table(file, text)
    }

    /// Counted positions whose name is known.
    pub fn known(&self) -> u32 {
        self.fields.known() + if self.count_sent > 0 { self.parameters.known() } else { 0 }
    }

    /// Positions that the standard counts, sent and received.
    pub fn positions(&self) -> u32 {
        u32::from(self.count) + u32::from(self.count_sent)
    }

    /// Counted positions whose name is not known, so that nothing there is checked.
    pub fn unknown(&self) -> u32 {
        self.positions().saturating_sub(self.known())
    }

    /// Records' positions that are not checked.
    pub(crate) fn unknown_fields(&self) -> u32 {
        u32::from(self.count).saturating_sub(self.fields.known())
    }

    /// Parameters' positions that are not checked.
    pub(crate) fn unknown_parameters(&self) -> u32 {
        u32::from(self.count_sent).saturating_sub(self.parameters.known())
    }

    /// Its tables as the standard writes them, `11, 12`.
    pub fn table_text(&self) -> String {
        self.table.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Does it hold on this day?
    pub fn holds_on(&self, day: Date) -> bool {
        self.valid_from.is_none_or(|from| from <= day)
            && self.valid_until.is_none_or(|until| day <= until)
    }
}

/// The tables in force: immutable, cheap to clone, replaced whole.
#[derive(Clone, Debug)]
pub struct Tables {
    set: Arc<Set>,
}

#[derive(Debug)]
struct Set {
    /// By name, then by first day.
    tables: Vec<Table>,
    auxiliary: Arc<[Auxiliary]>,
    envelope: Arc<Envelopes>,
}

/// The fields around the records.
#[derive(Debug)]
pub(crate) struct Envelopes {
    pub(crate) request: Level,
    pub(crate) answer: Level,
}

impl Tables {
    /// The 15 packets of the standard.
    pub fn builtin() -> Tables {
        builtin::tables()
    }

    /// These tables with files over them: each replaces the table of the same packet and version or
    /// stands beside it. `files` are names, for the faults, and texts. Everything wrong is told at
    /// once, and then nothing is taken.
    pub fn with(&self, files: &[(String, String)]) -> Result<Tables, Vec<TableFault>> {
        let mut faults = Vec::new();
        let mut added: Vec<Table> = Vec::new();
        for (name, text) in files {
            match read::table(name, text) {
                Ok(table) => {
                    if let Some(other) = added.iter().find(|other| is_same(other, &table)) {
                        let other = other.file.as_deref().unwrap_or_default();
                        faults.push(TableFault::twice(name, other));
                    }
                    added.push(table);
                }
                Err(mut found) => faults.append(&mut found),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let kept = self.set.tables.iter().filter(|old| !added.iter().any(|new| is_same(old, new)));
        let tables = kept.cloned().chain(added.iter().cloned()).collect();
        let (auxiliary, envelope) = (self.set.auxiliary.clone(), self.set.envelope.clone());
        Ok(Tables::made(tables, auxiliary, envelope))
    }

    fn made(
        mut tables: Vec<Table>,
        auxiliary: Arc<[Auxiliary]>,
        envelope: Arc<Envelopes>,
    ) -> Tables {
        tables.sort_by_key(|t| (t.table.clone(), t.packet.to_ascii_lowercase(), t.valid_from));
        Tables { set: Arc::new(Set { tables, auxiliary, envelope }) }
    }

    /// The table of a packet, its name in any case, that holds on this day; of several the one
    /// that came into force last.
    pub fn find(&self, name: &str, on: Date) -> Option<&Table> {
        let found = self.set.tables.iter().filter(|table| is_named(table, name));
        found.filter(|table| table.holds_on(on)).max_by_key(|table| table.valid_from)
    }

    /// Is there a table of this packet, whatever the day?
    pub fn has(&self, name: &str) -> bool {
        self.set.tables.iter().any(|table| is_named(table, name))
    }

    /// Is this a known service outside the tables, like `TraCuuHoSo`?
    pub fn is_auxiliary(&self, name: &str) -> bool {
        self.auxiliary(name).is_some()
    }

    /// The names of the services outside the tables.
    pub fn auxiliaries(&self) -> impl Iterator<Item = &str> {
        self.set.auxiliary.iter().map(|service| service.name.as_ref())
    }

    pub(crate) fn auxiliary(&self, name: &str) -> Option<&Auxiliary> {
        self.set.auxiliary.iter().find(|service| service.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn envelopes(&self) -> &Envelopes {
        &self.set.envelope
    }

    /// Every table in every version, in the order of the standard.
    pub fn iter(&self) -> impl Iterator<Item = &Table> {
        self.set.tables.iter()
    }
}

fn as_text<S: serde::Serializer>(date: &Option<Date>, to: S) -> Result<S::Ok, S::Error> {
    date.map(|date| date.to_string()).serialize(to)
}

/// Is this the name of a field in a built-in table, in any case?
pub(crate) fn is_name(name: &str) -> bool {
    builtin::names().contains(&name.to_ascii_lowercase())
}

fn is_named(table: &Table, name: &str) -> bool {
    table.packet.eq_ignore_ascii_case(name)
}

fn is_same(a: &Table, b: &Table) -> bool {
    is_named(a, &b.packet) && a.version == b.version
}
