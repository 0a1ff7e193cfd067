//! The registry as a file that applies unchanged: sorted, stable, without secrets.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use access::credential::{Filter, list};
use serde_json::{Map, Value};
use sqlx::AnyConnection;
use store::{Store, StoreError};

use crate::file::table::{Field, Form, Noun};
use crate::stated::Stated;
use crate::{member, service, subscription, system, version};

/// The whole registry in the format of design §6. References to secrets (`env:`, `file:`) are
/// printed, what they stand for never; of credentials only that a live one was issued.
pub async fn export(store: &Store) -> Result<String, StoreError> {
    let mut tx = store.pool.acquire().await?;
    let mut out = String::from("format: 1\n");
    section(&mut out, "members", Noun::Member, stated(&mut tx, Noun::Member).await?);
    section(&mut out, "systems", Noun::System, stated(&mut tx, Noun::System).await?);
    let versions = stated(&mut tx, Noun::Version).await?;
    services(&mut out, &stated(&mut tx, Noun::Service).await?, &versions);
    let subscriptions = stated(&mut tx, Noun::Subscription).await?;
    section(&mut out, "subscriptions", Noun::Subscription, subscriptions);
    let credentials = list(&mut *tx, &Filter::default()).await?;
    let alive = credentials.iter().filter(|c| c.revoked_at.is_none());
    let pairs: BTreeSet<(&str, &str)> =
        alive.map(|c| (c.system.as_str(), c.environment.as_str())).collect();
    if !pairs.is_empty() {
        out.push_str("credentials:\n");
    }
    for (system, environment) in pairs {
        let system = scalar(system);
        let _ = writeln!(out, "  - {{ system: {system}, environment: {environment} }}");
    }
    Ok(out)
}

/// Everything stated of one noun, ordered by its key.
pub(crate) async fn stated(tx: &mut AnyConnection, noun: Noun) -> Result<Vec<Stated>, sqlx::Error> {
    let mut all = Vec::new();
    let mut take = |body: &str| all.extend(Stated::parse(body));
    match noun {
        Noun::Member => member::store::list(tx, |_, body| take(body)).await?,
        Noun::System => system::store::list(tx, |_, body| take(body)).await?,
        Noun::Service => service::store::list(tx, |_, body| take(body)).await?,
        Noun::Version => version::store::list(tx, |row| take(&row.body)).await?,
        Noun::Subscription => subscription::store::list(tx, |_, body| take(body)).await?,
        Noun::Credential => {}
    }
    all.sort_by_cached_key(|stated| {
        let key = ["code", "system", "service", "version", "environment"];
        key.map(|part| stated.text(part).unwrap_or_default().to_owned())
    });
    Ok(all)
}

fn section(out: &mut String, name: &str, noun: Noun, all: Vec<Stated>) {
    if !all.is_empty() {
        let _ = writeln!(out, "{name}:");
    }
    for stated in all {
        let _ = writeln!(out, "  - {}", flow(&stated.0, noun.fields()));
    }
}

fn services(out: &mut String, services: &[Stated], versions: &[Stated]) {
    if !services.is_empty() {
        out.push_str("services:\n");
    }
    // Both are ordered by service: one pass.
    let mut versions = versions.iter().peekable();
    for stated in services {
        let code = stated.text("code").unwrap_or_default();
        let mut dash = "- ";
        for field in Noun::Service.fields() {
            if let Some(value) = stated.get(field.name) {
                let _ = writeln!(out, "  {dash}{}: {}", field.name, print(value, &field.form));
                dash = "  ";
            }
        }
        let before = |v: &&Stated| v.text("service").unwrap_or_default() < code;
        while versions.next_if(before).is_some() {}
        let ours = |v: &&Stated| v.text("service") == Some(code);
        let mut heading = "    versions:\n";
        while let Some(version) = versions.next_if(ours) {
            out.push_str(heading);
            heading = "";
            let mut dash = "- ";
            for field in Noun::Version.fields() {
                if let Some(value) = version.get(field.name) {
                    let printed = print(value, &field.form);
                    let _ = writeln!(out, "      {dash}{}: {printed}", field.name);
                    dash = "  ";
                }
            }
        }
    }
}

/// `{ code: a, name: "b" }`, the fields in the order of their table.
fn flow(map: &Map<String, Value>, fields: &[Field]) -> String {
    let present = fields.iter().filter_map(|f| map.get(f.name).map(|value| (f, value)));
    let pairs = present.map(|(f, value)| format!("{}: {}", f.name, print(value, &f.form)));
    format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}

fn print(value: &Value, form: &Form) -> String {
    match (value, form) {
        (Value::String(text), _) => scalar(text),
        (Value::Array(items), Form::List(inner, ..)) => {
            let items: Vec<String> = items.iter().map(|item| print(item, inner)).collect();
            format!("[{}]", items.join(", "))
        }
        (Value::Object(map), Form::Map(fields)) => flow(map, fields),
        (value, _) => value.to_string(),
    }
}

/// A plain scalar where it cannot be misread, else a double-quoted one: JSON's is YAML's (1.2.2,
/// 7.3.1), all our texts being free of control characters.
fn scalar(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
    let word = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && text.bytes().all(plain)
        && !matches!(text, "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
    if word { text.to_owned() } else { Value::from(text).to_string() }
}
