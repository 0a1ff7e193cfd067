//! The fields of one level, found by name in any case.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;

use super::{Field, Required};

/// Fields on one level of a packet; it can be read like a slice.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Level {
    fields: Vec<Field>,
    /// Place by name in small letters.
    #[serde(skip)]
    places: HashMap<Box<[u8]>, Place>,
    /// Names as they are written, by place of the field.
    #[serde(skip)]
    names: Vec<Option<Arc<str>>>,
    /// No name is longer.
    #[serde(skip)]
    longest: usize,
}

/// Where a name leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// To a field of this level.
    Own(u16),
    /// To a child of a list of this level that clients flatten.
    Child(u16, u16),
}

impl Level {
    /// A level of these fields; their names differ, in any case, and are at most
    /// [`PACKET_TABLE_FIELDS_MAX`](terms::limit::PACKET_TABLE_FIELDS_MAX).
    pub(crate) fn new(fields: Vec<Field>) -> Level {
        let mut places = HashMap::new();
        for (own, field) in (0_u16..).zip(&fields) {
            for (child, inner) in (0_u16..).zip(field.children.iter()) {
                if let Some(name) = inner.name.as_deref().filter(|_| field.flattened) {
                    places.entry(lower(name)).or_insert(Place::Child(own, child));
                }
            }
        }
        for (own, field) in (0_u16..).zip(&fields) {
            if let Some(name) = field.name.as_deref() {
                places.insert(lower(name), Place::Own(own));
            }
        }
        let longest = places.keys().map(|name| name.len()).max().unwrap_or(0);
        let names = fields.iter().map(|field| field.name.clone()).collect();
        Level { fields, places, names, longest }
    }

    /// Where a name leads; `expected` is the field that would come next if a record keeps the
    /// order of the table, which most do.
    pub(crate) fn place(&self, name: &str, expected: usize) -> Option<Place> {
        if let Some(Some(own)) = self.names.get(expected)
            && own.eq_ignore_ascii_case(name)
        {
            return u16::try_from(expected).ok().map(Place::Own);
        }
        if name.len() > self.longest {
            return None;
        }
        let mut small = [0; 128];
        let Some(small) = small.get_mut(..name.len()) else {
            return self.places.get(lower(name).as_ref()).copied();
        };
        small.copy_from_slice(name.as_bytes());
        small.make_ascii_lowercase();
        self.places.get(&*small).copied()
    }

    /// The field of this name, in any case.
    pub fn find(&self, name: &str) -> Option<&Field> {
        match self.place(name, usize::MAX)? {
            Place::Own(own) => self.fields.get(usize::from(own)),
            Place::Child(..) => None,
        }
    }

    /// Counted fields with a name.
    pub(crate) fn known(&self) -> u32 {
        let known = self.fields.iter().filter(|field| field.counted && field.name.is_some());
        u32::try_from(known.count()).unwrap_or(u32::MAX)
    }

    /// Has no field a name, so that there is nothing to check?
    pub(crate) fn is_blank(&self) -> bool {
        self.places.is_empty()
    }

    /// Where a field stands.
    pub(crate) fn position_of(&self, name: &str) -> Option<usize> {
        match self.place(name, usize::MAX)? {
            Place::Own(own) => Some(usize::from(own)),
            Place::Child(..) => None,
        }
    }

    /// Has it fields without a name, so that a strange name may be one of them?
    pub(crate) fn has_unknown(&self) -> bool {
        self.fields.iter().any(|field| field.name.is_none())
    }

    /// The fields that must be there, with their places.
    pub(crate) fn required(&self) -> impl Iterator<Item = (usize, &Field)> {
        let required = |field: &Field| field.required == Required::Yes && field.name.is_some();
        self.fields.iter().enumerate().filter(move |(_, field)| required(field))
    }
}

impl Deref for Level {
    type Target = [Field];

    fn deref(&self) -> &[Field] {
        &self.fields
    }
}

fn lower(name: &str) -> Box<[u8]> {
    name.to_ascii_lowercase().into_bytes().into_boxed_slice()
}
