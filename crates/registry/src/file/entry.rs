//! An entry of the file: what it says of one thing, field by field, and what stays unsaid.

use serde_json::{Map, Value};

use crate::file::fault::{FileFault, Findings, Spot};
use crate::file::field;
use crate::file::table::{Field, Form, Need, Noun};
use crate::file::tree::{Content, Node};
use crate::stated::Stated;

/// What a set of registry files says, and what is wrong with its form.
#[derive(Debug)]
pub struct Entries {
    pub(crate) list: Vec<Entry>,
    pub(crate) warnings: Vec<FileFault>,
    pub(crate) findings: Findings,
}

impl Entries {
    /// What is wrong with the form, in the order of the text; empty when nothing is.
    pub fn faults(&self) -> Vec<FileFault> {
        self.findings.faults()
    }

    /// What is doubtful: a secret in clear, an unknown level-1 code.
    pub fn warnings(&self) -> &[FileFault] {
        &self.warnings
    }

    /// How many things are mentioned.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Is nothing mentioned?
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// One mention of one thing.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) noun: Noun,
    pub(crate) spot: Spot,
    /// What can be read of the fields that are mentioned.
    pub(crate) given: Vec<Given>,
    /// Fields that are mentioned and not of their form, so that nothing can be said of them.
    pub(crate) wrong: Vec<&'static str>,
}

/// One field that the file mentions.
pub(crate) struct Given {
    pub(crate) field: &'static Field,
    /// In canonical form; `Null` clears.
    pub(crate) value: Value,
    pub(crate) spot: Spot,
}

/// Without its value: that may be a secret in clear.
impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Given({} at {:?})", self.field.name, self.spot)
    }
}

/// The service that a version stands in: given by the place, not by a key of the file.
static SERVICE_OF: Field =
    Field { name: "service", form: Form::Service, need: Need::Key, default: None };

impl Entry {
    /// A text that the file gives.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|g| g.field.name == name).and_then(|g| g.value.as_str())
    }

    /// Texts of a list that the file gives.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let given = self.given.iter().find(|g| g.field.name == name);
        let items = given.and_then(|g| g.value.as_array());
        items.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Is the field mentioned, but not of its form?
    pub(crate) fn is_wrong(&self, name: &str) -> bool {
        self.wrong.contains(&name)
    }

    /// Where a field stands; the entry itself when it is not mentioned.
    pub(crate) fn spot_of(&self, name: &str) -> Spot {
        self.given.iter().find(|g| g.field.name == name).map_or(self.spot, |g| g.spot)
    }

    /// What is stated once this is merged into what was: a field not mentioned keeps its value,
    /// null clears, lists are replaced whole, maps are merged field by field.
    pub(crate) fn merge(&self, before: Option<&Stated>) -> Stated {
        let mut map = before.map(|stated| stated.0.clone()).unwrap_or_default();
        for Given { field, value, .. } in &self.given {
            merge_field(&mut map, field, value);
        }
        Stated(map)
    }
}

fn merge_field(map: &mut Map<String, Value>, field: &Field, value: &Value) {
    let mut merged = value.clone();
    if let (Value::Object(new), Form::Map(inner)) = (value, &field.form) {
        let kind_stays = |old: &Map<String, Value>| {
            new.get("kind").is_none_or(|kind| old.get("kind").is_none_or(|k| k == kind))
        };
        let old = map.get(field.name).and_then(Value::as_object);
        // Another kind of credential has nothing in common with the one before.
        let mut whole = old.filter(|old| kind_stays(old)).cloned().unwrap_or_default();
        for (name, value) in new {
            if let Some(field) = inner.iter().find(|f| f.name == name) {
                merge_field(&mut whole, field, value);
            }
        }
        merged = Value::Object(whole);
    }
    if field.need != Need::Key && field.is_default(&merged) {
        map.remove(field.name);
    } else {
        map.insert(field.name.to_owned(), merged);
    }
}

/// Reads one entry of a section; a service brings its versions along.
pub(crate) fn read(noun: Noun, node: &Node, list: &mut Vec<Entry>, findings: &mut Findings) {
    read_within(noun, node, None, list, findings);
}

fn read_within(
    noun: Noun,
    node: &Node,
    service: Option<&Value>,
    list: &mut Vec<Entry>,
    findings: &mut Findings,
) {
    let Content::Map(pairs) = &node.content else {
        field::type_wrong(node, "một nhóm khóa: giá trị", "a map", findings);
        salvage(noun, node, service, list, findings);
        return;
    };
    let fields = noun.fields();
    let given = Vec::with_capacity(pairs.len() + 1);
    let mut entry = Entry { noun, spot: node.spot, given, wrong: Vec::new() };
    if let Some(service) = service {
        let value = service.clone();
        entry.given.push(Given { field: &SERVICE_OF, value, spot: node.spot });
    }
    let mut versions = None;
    for (key, value) in pairs {
        let Some(field) = fields.iter().find(|f| *f.name == *key.text) else {
            field::key_unknown(key, fields.iter().map(|f| f.name), findings);
            continue;
        };
        if matches!(field.form, Form::Entries) {
            versions = Some(value);
            continue;
        }
        let before = findings.count();
        let read = field::read(value, &field.form, findings);
        if read.as_ref().is_some_and(Value::is_null) && field.need != Need::Free {
            field::null_refused(value.spot, field.name, findings);
        } else if let Some(read) = read {
            entry.given.push(Given { field, value: read, spot: value.spot });
        }
        if findings.count() > before {
            entry.wrong.push(field.name);
        }
    }
    for field in fields.iter().filter(|f| f.need == Need::Key) {
        if !pairs.iter().any(|(key, _)| *key.text == *field.name) {
            field::key_missing(node.spot, field.name, findings);
        }
    }
    let code = entry.given.iter().find(|g| g.field.name == "code").map(|g| g.value.clone());
    let at = list.len();
    list.push(entry);
    if let Some(versions) = versions {
        let before = findings.count();
        read_versions(versions, &code.unwrap_or_default(), list, findings);
        if findings.count() > before {
            list[at].wrong.push("versions");
        }
    }
}

fn read_versions(node: &Node, service: &Value, list: &mut Vec<Entry>, findings: &mut Findings) {
    match &node.content {
        Content::Null => {}
        Content::List(items) => {
            for item in items {
                read_within(Noun::Version, item, Some(service), list, findings);
            }
        }
        _ => {
            field::type_wrong(node, "một danh sách", "a list", findings);
            salvage(Noun::Version, node, Some(service), list, findings);
        }
    }
}

/// Reads what stands where a list or an entry belongs and is none: one entry without its dash, as
/// far as one can see; anything else with something in it counts as unread.
pub(crate) fn salvage(
    noun: Noun,
    node: &Node,
    service: Option<&Value>,
    list: &mut Vec<Entry>,
    findings: &mut Findings,
) {
    match &node.content {
        Content::Map(pairs) => {
            let known = |name: &str| noun.fields().iter().any(|f| f.name == name);
            if pairs.iter().any(|(key, _)| known(&key.text)) {
                read_within(noun, node, service, list, findings);
            } else {
                findings.unread |= !pairs.is_empty();
            }
        }
        Content::List(items) => findings.unread |= !items.is_empty(),
        Content::Null | Content::Text(_) => {}
    }
}
