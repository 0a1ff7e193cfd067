//! The registry as rows for people and machines.

use access::credential::{Credential, Filter, list};
use serde_json::{Map, Value, json};
use store::{Store, StoreError};

use crate::export::stated;
use crate::file::table::{Field, Form, Noun};
use crate::stated::Stated;

/// Rows of `noun`, ordered by key, each an object with every field of the registry file in the
/// file's order of names (absent ones null, defaults filled in); of versions see their services.
/// `code` leaves those whose own code, or for subscriptions and credentials system (or service),
/// it is. No secrets.
pub async fn show(store: &Store, noun: Noun, code: Option<&str>) -> Result<Vec<Value>, StoreError> {
    let mut tx = store.pool.acquire().await?;
    if noun == Noun::Credential {
        let all = list(&mut *tx, &Filter::default()).await?;
        let ours = |c: &&Credential| code.is_none_or(|code| c.system.as_str() == code);
        return Ok(all.iter().filter(ours).map(credential).collect());
    }
    let ours = |stated: &Stated| {
        let names = ["code", "system", "service"];
        code.is_none_or(|code| names.iter().any(|name| stated.text(name) == Some(code)))
    };
    let mut rows = Vec::new();
    let versions = match noun {
        Noun::Service => stated(&mut tx, Noun::Version).await?,
        _ => Vec::new(),
    };
    for stated in stated(&mut tx, noun).await?.iter().filter(|s| ours(s)) {
        let mut row = fill(stated, noun);
        if noun == Noun::Service {
            let of = versions.iter().filter(|v| v.text("service") == stated.text("code"));
            let of: Vec<Value> = of.map(|v| fill(v, Noun::Version).into()).collect();
            row.insert("versions".to_owned(), of.into());
        }
        rows.push(row.into());
    }
    Ok(rows)
}

/// Every field, defaults filled in.
fn fill(stated: &Stated, noun: Noun) -> Map<String, Value> {
    let fields = noun.fields().iter().filter(|f| f.name != "versions");
    let value = |field: &Field| in_force(stated.get(field.name), field).unwrap_or_default();
    fields.map(|f| (f.name.to_owned(), value(f))).collect()
}

/// What is in force of a field: what is stated, else its default; within a map that is stated, each
/// of its fields that has a default.
fn in_force(stated: Option<&Value>, field: &Field) -> Option<Value> {
    match (stated, field.default, &field.form) {
        (Some(Value::Object(map)), _, Form::Map(fields)) => {
            let pair = |f: &Field| Some((f.name.to_owned(), in_force(map.get(f.name), f)?));
            Some(Value::Object(fields.iter().filter_map(pair).collect()))
        }
        (Some(value), ..) => Some(value.clone()),
        (None, Some("false"), _) => Some(false.into()),
        (None, Some(text), _) => {
            Some(text.parse::<u64>().map_or_else(|_| text.into(), Value::from))
        }
        (None, None, _) => None,
    }
}

fn credential(credential: &Credential) -> Value {
    json!({
        "system": credential.system,
        "environment": credential.environment,
        "consumer_key": credential.consumer_key,
        "state": if credential.revoked_at.is_some() { "revoked" } else { "active" },
        "created_at": credential.created_at,
        "revoked_at": credential.revoked_at,
        "weak_until": credential.weak_until,
        "last_used_at": credential.last_used_at,
    })
}
