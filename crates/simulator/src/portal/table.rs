//! What the portal expects of each packet, and the helper services beside them: written down here
//! from the public material on QCVN 120, apart from the platform's own tables, so that the two can
//! be wrong in different ways.

mod expected;
mod file;

use std::collections::BTreeMap;

use serde::Serialize;

pub(super) use expected::{FURTHER, expected};

/// Which way the data of a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    /// To the portal, under `data`.
    Push,
    /// From the portal, under `result`.
    Pull,
}

/// The form of a value. A number may come as number or text, a list may come empty as `""`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    Text,
    /// `true`, `false`, or any text for it.
    Flag,
    /// `yyyyMMddHHmmss`, and what else this field is known to come as.
    Datetime(&'static [Dated]),
    Number,
    /// With `%` or without.
    Percent,
    /// One of these; none listed: any text.
    Code(Vec<String>),
    List,
    File,
}

/// Other ways to write a date that real senders have for single fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Dated {
    /// `dd/MM/yyyy`
    Slashes,
    /// `M-yyyy`
    Month,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Field {
    /// Wire name; `None` for a position whose name nobody could read.
    pub(super) name: Option<String>,
    pub(super) position: Option<u16>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) meaning: String,
    pub(super) form: Form,
    /// Characters at the most.
    pub(super) length: Option<usize>,
    pub(super) required: bool,
    /// May a required field come empty? Real senders do so with some.
    pub(super) may_be_empty: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) children: Vec<Field>,
}

impl Field {
    pub(super) fn of(name: &str, form: Form) -> Field {
        Field {
            name: Some(name.to_owned()),
            position: None,
            meaning: String::new(),
            form,
            length: None,
            required: false,
            may_be_empty: false,
            children: Vec::new(),
        }
    }

    pub(super) fn must(mut self) -> Field {
        self.required = true;
        self
    }

    pub(super) fn present(mut self) -> Field {
        self.required = true;
        self.may_be_empty = true;
        self
    }

    pub(super) fn up_to(mut self, characters: usize) -> Field {
        self.length = Some(characters);
        self
    }

    pub(super) fn with(mut self, children: Vec<Field>) -> Field {
        self.children = children;
        self
    }
}

/// One packet of Table 1.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Table {
    /// Wire name.
    pub(super) packet: String,
    /// Number of the table in the standard.
    pub(super) table: u16,
    pub(super) direction: Direction,
    /// Fields in the standard.
    pub(super) count: u16,
    /// `""` for the one built in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) file: String,
    /// Of one record (push), or of the parameters (pull).
    pub(super) sent: Vec<Field>,
    /// Names that real senders add to those of the standard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) later: Vec<Field>,
    /// Of one record of the answer (pull).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) answered: Vec<Field>,
}

impl Table {
    /// Positions of the table whose name is known.
    pub(super) fn known(&self) -> usize {
        let fields = match self.direction {
            Direction::Push => &self.sent,
            Direction::Pull => &self.answered,
        };
        fields.iter().filter(|field| field.name.is_some()).count()
    }

    /// Can a record be checked against it at all?
    pub(super) fn is_known(&self) -> bool {
        self.known() > 0
    }
}

/// All packets, by wire name.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    tables: BTreeMap<String, Table>,
}

impl Tables {
    pub(super) fn builtin() -> Tables {
        let tables = expected().into_iter().map(|table| (table.packet.clone(), table));
        Tables { tables: tables.collect() }
    }

    /// Reads a table file in the place of the table of its packet, or beside the others. Fails
    /// with a sentence that names file, line and column.
    pub(super) fn read(&mut self, name: &str, text: &str) -> Result<(), String> {
        let mut table = file::read(name, text)?;
        if let Some(before) = self.tables.get(&table.packet) {
            file::complete(&mut table, before);
        }
        self.tables.insert(table.packet.clone(), table);
        Ok(())
    }

    /// By wire name, in any case.
    pub(super) fn find(&self, packet: &str) -> Option<&Table> {
        let exact = self.tables.get(packet);
        exact.or_else(|| self.iter().find(|table| table.packet.eq_ignore_ascii_case(packet)))
    }

    /// In the order of Table 1, further ones after them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Table> {
        let mut tables: Vec<&Table> = self.tables.values().collect();
        tables.sort_by_key(|table| table.table);
        tables.into_iter()
    }
}
