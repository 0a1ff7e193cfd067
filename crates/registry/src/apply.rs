//! Bringing a set of entries into the database: everything in one transaction, or nothing.

mod reference;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use access::credential::issuer::{Carried, Carry, Issued, Issuer, Prepared};
use access::credential::{CredentialFault, ever_issued};
use jiff::tz::TimeZone;
use journal::{JournalError, audit};
use keyring::{Keyring, KeyringError};
use serde_json::Value;
use store::{Store, StoreError, Write};
use terms::clock::{Clock, Timestamp};
use terms::code::{ConsumerKey, SystemCode};
use terms::environment::Environment;
use terms::random::Random;

use crate::file::Entries;
use crate::file::entry::Entry;
use crate::file::fault::{FileFault, Findings, Spot};
use crate::file::field::{date, is_reference, key_missing};
use crate::file::table::Noun;
use crate::plan::state::{Secret, State};
use crate::plan::{Deed, Planned, check_unavailable, plan, unknown};
use crate::version::seal_context;
use crate::version::store::Sealed;
use crate::{member, service, subscription, system, version};

/// What applying needs beside the entries.
pub struct Applying<'a> {
    /// The database.
    pub store: &'a Store,
    /// Seals what providers are sent.
    pub keyring: &'a Keyring,
    /// Issues and carries over credentials.
    pub issuer: &'a Issuer,
    /// For the audit.
    pub clock: &'a Clock,
    /// For the ids of audit rows.
    pub random: &'a Random,
    /// The platform's zone: a `weak_until` date ends at its midnight.
    pub zone: &'a TimeZone,
    /// Gives the environment variable behind `env:NAME`.
    pub variable: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// Who applies: `cli:USER` or an officer.
    pub actor: &'a str,
    /// Say what would change, change and issue nothing.
    pub dry_run: bool,
}

/// What became of one entry, in the order members, systems, services, versions, subscriptions,
/// credentials, and within them in the order of the files.
pub struct Change {
    /// What it is.
    pub entry: Noun,
    /// Its key: `one-stop/tra-cuu/1.0/live`; of a credential its consumer key, or
    /// `system/environment` where the file gives none.
    pub key: String,
    /// What was done.
    pub change: Deed,
    /// The fields that differ from before; of a new entry those that differ from the defaults.
    pub fields: Vec<&'static str>,
    /// A credential issued for it, to be shown once.
    pub issued: Option<Issued>,
}

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The files say what cannot be: everything that is wrong, with its place.
    #[error("{} faults in the registry files", .0.len())]
    Faults(Vec<FileFault>),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keyring could not seal.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The audit row could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A credential could not be issued.
    #[error(transparent)]
    Credential(#[from] CredentialFault),
}

impl From<sqlx::Error> for ApplyError {
    fn from(error: sqlx::Error) -> ApplyError {
        ApplyError::Store(error.into())
    }
}

/// A mention under `credentials`.
struct Wanted<'e> {
    entry: &'e Entry,
    system: SystemCode,
    environment: Environment,
    /// Carried over, when the file gives its keys.
    carried: Option<(ConsumerKey, Prepared)>,
}

/// Applies `entries` in one transaction. Whatever is wrong, with the form of the files or between
/// them, is found before anything is kept, and told together.
pub async fn apply(on: &Applying<'_>, entries: &Entries) -> Result<Vec<Change>, ApplyError> {
    match try_apply(on, entries).await {
        // The files are to be mended first, whatever else fails.
        Err(error) if entries.findings.is_wrong() && !matches!(error, ApplyError::Faults(_)) => {
            Err(ApplyError::Faults(entries.faults()))
        }
        outcome => outcome,
    }
}

async fn try_apply(on: &Applying<'_>, entries: &Entries) -> Result<Vec<Change>, ApplyError> {
    let mut findings = entries.findings.clone();
    let resolved = reference::resolve(&entries.list, on.variable);
    // Slow hashing and files come first: there is one writer at a time.
    let wanted = prepare(on, &entries.list, &resolved, &mut findings).await?;
    let mut tx = on.store.write().await?;
    let state = State::load(&mut tx, on.keyring).await?;
    let (state, planned) = plan(state, &entries.list, &resolved, &mut findings);
    for entry in entries.list.iter().filter(|e| e.noun == Noun::Credential) {
        if let Some(system) = entry.text("system").filter(|s| !state.systems.contains_key(*s)) {
            unknown(entry, "system", "system_unknown", system, &mut findings);
        }
    }
    drop(state);
    let carried = carry(on, &mut tx, &wanted, &mut findings).await?;
    if findings.is_wrong() {
        tx.rollback().await?;
        return Err(ApplyError::Faults(findings.faults()));
    }
    let mut changes = Vec::with_capacity(planned.len() + wanted.len());
    if !on.dry_run {
        write(on, &mut tx, &planned).await?;
    }
    changes.extend(planned.into_iter().map(|p| Change {
        entry: p.noun,
        key: p.key,
        change: p.deed,
        fields: p.fields,
        issued: None,
    }));
    for (wanted, carried) in wanted.iter().zip(carried) {
        changes.push(settle(on, &mut tx, wanted, carried).await?);
    }
    if on.dry_run {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(changes)
}

/// Reads what stands under `credentials`, and hashes what is carried over.
async fn prepare<'e>(
    on: &Applying<'_>,
    entries: &'e [Entry],
    resolved: &HashMap<String, Option<String>>,
    findings: &mut Findings,
) -> Result<Vec<Wanted<'e>>, ApplyError> {
    let mut list = Vec::new();
    let mut seen: HashMap<String, Spot> = HashMap::new();
    for entry in entries.iter().filter(|e| e.noun == Noun::Credential) {
        let (Some(system), Some(environment)) =
            (entry.text("system"), entry.text("environment").and_then(Environment::parse))
        else {
            continue;
        };
        let key = entry.text("consumer_key");
        let label = key.map_or_else(|| format!("{system}/{environment}"), str::to_owned);
        if let Some(first) = seen.insert(label, entry.spot) {
            let vi = format!("khóa này đã được nêu ở dòng {}", first.line);
            let en = format!("this credential stands already at line {}", first.line);
            findings.fault(entry.spot, "entry_twice", vi, en);
            continue;
        }
        let system = SystemCode::known(system);
        if ["consumer_key", "secret_key"].iter().any(|name| entry.is_wrong(name)) {
            continue;
        }
        let carried = match (key, entry.text("secret_key")) {
            (Some(key), Some(secret)) => {
                let key = ConsumerKey::known(key);
                let owner = (&system, environment, &key);
                let carried = read_carried(on, entry, owner, secret, resolved, findings);
                let Some(carried) = carried else { continue };
                match on.issuer.prepare(&on.store.pool, carried).await {
                    Ok(prepared) => Some((key, prepared)),
                    Err(fault) => {
                        refuse(entry, fault, findings)?;
                        continue;
                    }
                }
            }
            (None, None) => {
                if entry.text("weak_until").is_some() {
                    key_missing(entry.spot, "consumer_key", findings);
                }
                None
            }
            (key, _) => {
                let missing = if key.is_some() { "secret_key" } else { "consumer_key" };
                key_missing(entry.spot, missing, findings);
                continue;
            }
        };
        list.push(Wanted { entry, system, environment, carried });
    }
    Ok(list)
}

fn read_carried(
    on: &Applying<'_>,
    entry: &Entry,
    (system, environment, key): (&SystemCode, Environment, &ConsumerKey),
    secret: &str,
    resolved: &HashMap<String, Option<String>>,
    findings: &mut Findings,
) -> Option<Carried> {
    let secret_key = match resolved.get(secret).filter(|_| is_reference(secret)) {
        Some(Some(text)) => text.clone(),
        Some(None) => {
            check_unavailable(entry.spot_of("secret_key"), secret, findings);
            return None;
        }
        None => secret.to_owned(),
    };
    Some(Carried {
        system: system.clone(),
        environment,
        consumer_key: key.clone(),
        secret_key,
        weak_until: entry.text("weak_until").and_then(|text| moment(text, on.zone)),
    })
}

/// A point in time, or the end of a day in the platform's zone: the day named still counts.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let Some(date) = date(text) else {
        return Timestamp::parse(text);
    };
    let end = date.tomorrow().ok()?.to_datetime(jiff::civil::Time::midnight());
    zone.to_timestamp(end).ok().map(|t| Timestamp::from_micros(t.as_microsecond()))
}

/// A fault of a credential at its place; what is no fault of the file is an error.
fn refuse(
    entry: &Entry,
    fault: CredentialFault,
    findings: &mut Findings,
) -> Result<(), CredentialFault> {
    let (code, field) = match &fault {
        CredentialFault::SecretDiffers(_) => ("secret_differs", "secret_key"),
        CredentialFault::OwnerDiffers(_) => ("consumer_key_taken", "consumer_key"),
        CredentialFault::KeyForm => ("key_invalid", "consumer_key"),
        CredentialFault::SecretForm => ("secret_form", "secret_key"),
        _ => return Err(fault),
    };
    let sentence = fault.sentence();
    let (vi, en) = (sentence.vi.into_owned(), sentence.en.into_owned());
    findings.fault(entry.spot_of(field), code, vi, en);
    Ok(())
}

/// Carries over what the file gives with its keys; one answer for each that is wanted.
async fn carry(
    on: &Applying<'_>,
    tx: &mut Write<'_>,
    wanted: &[Wanted<'_>],
    findings: &mut Findings,
) -> Result<Vec<Option<Carry>>, ApplyError> {
    let mut answers = Vec::with_capacity(wanted.len());
    for Wanted { entry, carried, .. } in wanted {
        let Some((_, prepared)) = carried else {
            answers.push(None);
            continue;
        };
        match on.issuer.carry(tx, prepared, on.actor).await {
            Ok(carry) => answers.push(Some(carry)),
            Err(fault) => {
                refuse(entry, fault, findings)?;
                answers.push(None);
            }
        }
    }
    Ok(answers)
}

/// Issues a credential if none was ever issued; says what was done to one carried over.
async fn settle(
    on: &Applying<'_>,
    tx: &mut Write<'_>,
    wanted: &Wanted<'_>,
    carried: Option<Carry>,
) -> Result<Change, ApplyError> {
    let Wanted { system, environment, .. } = wanted;
    let mut change = Change {
        entry: Noun::Credential,
        key: format!("{system}/{environment}"),
        change: Deed::Unchanged,
        fields: Vec::new(),
        issued: None,
    };
    if let (Some((key, _)), Some(carried)) = (&wanted.carried, carried) {
        change.key = key.to_string();
        change.change = match carried {
            Carry::Created => Deed::Created,
            Carry::Updated => Deed::Updated,
            Carry::Unchanged => Deed::Unchanged,
        };
        if carried == Carry::Updated {
            change.fields.push("weak_until");
        }
    } else if !ever_issued(&mut **tx, system, *environment).await? {
        change.change = Deed::Created;
        if !on.dry_run {
            change.issued = Some(on.issuer.issue(tx, system, *environment, on.actor).await?);
        }
    }
    Ok(change)
}

async fn write(
    on: &Applying<'_>,
    tx: &mut Write<'_>,
    planned: &[Planned],
) -> Result<(), ApplyError> {
    let mut last_id = subscription::store::last_id(tx).await?;
    for planned in planned.iter().filter(|p| p.deed != Deed::Unchanged) {
        let new = planned.deed == Deed::Created;
        let after = &planned.after;
        match planned.noun {
            Noun::Member if new => member::store::insert(tx, after).await?,
            Noun::Member => member::store::update_body(tx, after).await?,
            Noun::System if new => system::store::insert(tx, after).await?,
            Noun::System => system::store::update_body(tx, after).await?,
            Noun::Service if new => service::store::insert(tx, after).await?,
            Noun::Service => service::store::update_body(tx, after).await?,
            Noun::Version => write_version(on, tx, planned).await?,
            Noun::Subscription => match planned.id {
                Some(id) => subscription::store::update_body(tx, id.cast_signed(), after).await?,
                None => {
                    last_id += 1;
                    subscription::store::insert(tx, last_id, after).await?;
                }
            },
            Noun::Credential => {}
        }
        note(on, tx, planned).await?;
    }
    Ok(())
}

async fn write_version(
    on: &Applying<'_>,
    tx: &mut Write<'_>,
    planned: &Planned,
) -> Result<(), ApplyError> {
    let after = &planned.after;
    let text = |name| after.text(name).unwrap_or_default();
    let place = (text("service"), text("version"));
    let sealed = |field, secret: &Secret| match &secret.text {
        Some(text) if secret.changed => {
            on.keyring.seal(&seal_context(place, field), text.as_bytes()).map(Some)
        }
        None if secret.changed => Ok(None),
        _ => Ok(secret.sealed.clone()),
    };
    let secrets = &planned.secrets;
    let sealed = Sealed {
        auth: sealed("auth", &secrets.auth)?,
        portal: sealed("portal", &secrets.portal)?,
        tls: sealed("tls", &secrets.tls)?,
    };
    if planned.deed == Deed::Created {
        version::store::insert(tx, after, &sealed).await?;
    } else {
        version::store::update_body(tx, after, &sealed).await?;
    }
    Ok(())
}

/// The audit row of a change, and the key by which catalogues find it.
async fn note(on: &Applying<'_>, tx: &mut Write<'_>, planned: &Planned) -> Result<(), ApplyError> {
    let state = |stated: &crate::stated::Stated| stated.text("state").map(str::to_owned);
    let was = planned.before.as_ref().map(state);
    // Back from cancelled is a new grant, and told as one.
    let granted = planned.noun == Noun::Subscription
        && planned.after.text("state").is_none()
        && was.is_none_or(|state| state.as_deref() == Some("cancelled"));
    let verb = match planned.deed {
        _ if granted => "grant",
        Deed::Created => "create",
        _ => "update",
    };
    let noun = planned.noun.as_str();
    let json = |stated: &crate::stated::Stated| Value::Object(stated.0.clone());
    let change = audit::Change {
        at: on.clock.now(),
        actor: on.actor.to_owned(),
        verb: verb.to_owned(),
        subject: format!("{noun} {}", planned.key),
        before: planned.before.as_ref().map(json),
        after: Some(json(&planned.after)),
    };
    audit::insert(tx, &change, on.random).await?;
    match planned.noun {
        // A version is loaded with its service.
        Noun::Version => tx.change("service", planned.after.text("service").unwrap_or_default()),
        _ => tx.change(noun, &planned.key),
    }
    Ok(())
}
