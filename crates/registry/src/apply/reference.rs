//! The texts behind `env:NAME` and `file:PATH`.

use std::collections::HashMap;
use std::io::Read;

use serde_json::Value;

use crate::file::entry::Entry;
use crate::file::field::is_reference;

/// A referred file may be this large: certificates and keys, no more.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Looks up every reference in `entries` once. `None` where the variable is not set, or the file
/// is absent, empty, too large or not UTF-8.
pub(crate) fn resolve(
    entries: &[Entry],
    variable: &(dyn Fn(&str) -> Option<String> + Sync),
) -> HashMap<String, Option<String>> {
    let mut resolved = HashMap::new();
    for given in entries.iter().flat_map(|e| &e.given) {
        let values: Vec<&Value> = match (given.field.name, &given.value) {
            ("auth" | "tls", Value::Object(map)) => map.values().collect(),
            ("portal", Value::Object(map)) => map.get("secret").into_iter().collect(),
            ("secret_key", value) => vec![value],
            _ => continue,
        };
        for text in values.into_iter().filter_map(Value::as_str).filter(|t| is_reference(t)) {
            if !resolved.contains_key(text) {
                resolved.insert(text.to_owned(), look_up(text, variable));
            }
        }
    }
    resolved
}

fn look_up(reference: &str, variable: &(dyn Fn(&str) -> Option<String> + Sync)) -> Option<String> {
    let text = match reference.split_once(':')? {
        ("env", name) => variable(name)?,
        (_, path) => {
            let mut text = String::new();
            let file = std::fs::File::open(path).ok()?;
            file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).ok()?;
            (text.len() as u64 <= FILE_BYTES_MAX).then_some(text)?
        }
    };
    // Editors end a file with a line break; it is no part of a secret.
    let text = text.trim_end_matches(['\r', '\n']);
    (!text.is_empty()).then(|| text.to_owned())
}
