//! Deciding what a set of entries changes: pure, from what stands to what will stand, with every
//! fault at once.

mod check;
pub(crate) mod state;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde_json::Value;

pub(crate) use check::unavailable as check_unavailable;

use crate::file::entry::Entry;
use crate::file::fault::{Findings, Spot};
use crate::file::field::{key_missing, shown};
use crate::file::table::{Need, Noun};
use crate::plan::state::{Held, Secrets, State};
use crate::stated::Stated;

/// What is done to one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It was not there.
    Created,
    /// Some fields of it are new.
    Updated,
    /// It stands as the file says.
    Unchanged,
}

impl Deed {
    /// The word in the output of `apply`.
    pub fn as_str(self) -> &'static str {
        match self {
            Deed::Created => "created",
            Deed::Updated => "updated",
            Deed::Unchanged => "unchanged",
        }
    }
}

/// One entry, decided.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) noun: Noun,
    pub(crate) key: String,
    pub(crate) deed: Deed,
    pub(crate) fields: Vec<&'static str>,
    pub(crate) before: Option<Stated>,
    pub(crate) after: Stated,
    /// The number of a subscription that is there already.
    pub(crate) id: Option<u64>,
    /// The secret of a version's `auth` and the files of its `tls`.
    pub(crate) secrets: Secrets,
}

/// Decides on all entries. What is found wrong goes to `findings`; the plan is worth something
/// only when nothing was. `resolved` gives the text behind a reference, if it can be had.
pub(crate) fn plan(
    state: State,
    entries: &[Entry],
    resolved: &HashMap<String, Option<String>>,
    findings: &mut Findings,
) -> (State, Vec<Planned>) {
    let mut planner = Planner {
        state,
        resolved,
        seen: HashMap::new(),
        planned: Vec::with_capacity(entries.len()),
        findings,
    };
    let of = |noun: Noun| entries.iter().filter(move |e| e.noun == noun);
    of(Noun::Member).for_each(|e| planner.member(e));
    planner.name_members();
    of(Noun::System).for_each(|e| planner.system(e));
    of(Noun::Service).for_each(|e| planner.service(e));
    of(Noun::Version).for_each(|e| planner.version(e));
    planner.claim_routes(entries);
    of(Noun::Subscription).for_each(|e| planner.subscription(e));
    (planner.state, planner.planned)
}

struct Planner<'a> {
    state: State,
    resolved: &'a HashMap<String, Option<String>>,
    /// Where each key was mentioned first.
    seen: HashMap<(Noun, String), Spot>,
    planned: Vec<Planned>,
    findings: &'a mut Findings,
}

impl Planner<'_> {
    /// Notes that `key` is mentioned here; false when it was mentioned before.
    fn mention(&mut self, entry: &Entry, key: &str) -> bool {
        let key = (entry.noun, key.to_owned());
        if let Some(first) = self.seen.get(&key) {
            let files = &self.findings.files;
            let file = files.get(first.file as usize).cloned().unwrap_or_else(|| "".into());
            let (noun, key, line) = (entry.noun.as_str(), shown(&key.1), first.line);
            let vi = format!("{noun} {key} đã được nêu ở {file}:{line}");
            let en = format!("{noun} {key} stands already at {file}:{line}");
            self.findings.fault(entry.spot, "entry_twice", vi, en);
            return false;
        }
        self.seen.insert(key, entry.spot);
        true
    }

    /// Compares what was with what will be and keeps the decision.
    fn decide(
        &mut self,
        entry: &Entry,
        key: String,
        before: Option<Stated>,
        after: Stated,
        secrets: Secrets,
    ) -> &mut Planned {
        let noun = entry.noun;
        for field in noun.fields().iter().filter(|f| f.need == Need::New) {
            if after.get(field.name).is_none() {
                key_missing(entry.spot, field.name, self.findings);
            }
        }
        let old = before.as_ref();
        let differs = |name: &str| after.get(name) != old.and_then(|b| b.get(name));
        let fields = noun.fields().iter().filter(|f| f.need != Need::Key);
        let fields = fields
            .map(|f| f.name)
            .filter(|name| differs(name) || secrets.changed(name))
            .collect::<Vec<_>>();
        let deed = match (&before, fields.is_empty()) {
            (None, _) => Deed::Created,
            (Some(_), false) => Deed::Updated,
            (Some(_), true) => Deed::Unchanged,
        };
        let planned = Planned { noun, key, deed, fields, before, after, id: None, secrets };
        self.planned.push(planned);
        let last = self.planned.len() - 1;
        &mut self.planned[last]
    }

    fn member(&mut self, entry: &Entry) {
        let Some(code) = entry.text("code").map(str::to_owned) else { return };
        if !self.mention(entry, &code) {
            return;
        }
        let before = self.state.members.get(&code).cloned();
        let after = entry.merge(before.as_ref());
        self.state.members.insert(code.clone(), after.clone());
        self.decide(entry, code, before, after, Secrets::default());
    }

    /// Gives every code and alias of members its one owner.
    fn name_members(&mut self) {
        let mut members: Vec<(&String, &Stated)> = self.state.members.iter().collect();
        members.sort_by_key(|(code, _)| *code);
        let mut names: HashMap<String, String> =
            members.iter().map(|(code, _)| ((*code).clone(), (*code).clone())).collect();
        for (code, stated) in members {
            for alias in stated.list("aliases") {
                let owner = names.entry(alias.to_owned()).or_insert_with(|| code.clone());
                if owner == code && alias != code {
                    continue;
                }
                let spot = |code: &String| self.seen.get(&(Noun::Member, code.clone())).copied();
                if let Some(spot) = spot(code).or_else(|| spot(owner)) {
                    let vi =
                        format!("mã {alias} đã thuộc về {owner}, không thể là bí danh của {code}");
                    let en =
                        format!("code {alias} belongs to {owner}, it cannot be an alias of {code}");
                    self.findings.fault(spot, "member_taken", vi, en);
                }
            }
        }
        self.state.member_names = names;
    }

    /// Puts the member's own code where the file may name an alias; a fault when there is none, or
    /// when it is another than before.
    fn owner(
        &mut self,
        entry: &Entry,
        field: &'static str,
        fixed: &'static str,
        before: Option<&Stated>,
        after: &mut Stated,
    ) {
        let Some(named) = after.text(field).map(str::to_owned) else { return };
        let spot = entry.spot_of(field);
        match self.state.member_names.get(&named) {
            Some(code) => drop(after.0.insert(field.to_owned(), Value::from(code.clone()))),
            None => {
                let vi = format!("không có đơn vị {named}");
                self.findings.fault(spot, "member_unknown", vi, format!("no member {named}"));
            }
        }
        let was = before.and_then(|b| b.text(field));
        if let Some(was) = was.filter(|was| Some(*was) != after.text(field)) {
            let vi = format!("{field} không đổi được (đang là {was})");
            self.findings.fault(spot, fixed, vi, format!("{field} cannot change (it is {was})"));
        }
    }

    fn system(&mut self, entry: &Entry) {
        let Some(code) = entry.text("code").map(str::to_owned) else { return };
        if !self.mention(entry, &code) {
            return;
        }
        let before = self.state.systems.get(&code).cloned();
        let mut after = entry.merge(before.as_ref());
        self.owner(entry, "member", "member_fixed", before.as_ref(), &mut after);
        self.state.systems.insert(code.clone(), after.clone());
        self.decide(entry, code, before, after, Secrets::default());
    }

    fn service(&mut self, entry: &Entry) {
        let Some(code) = entry.text("code").map(str::to_owned) else { return };
        if !self.mention(entry, &code) {
            return;
        }
        let before = self.state.services.get(&code).cloned();
        let mut after = entry.merge(before.as_ref());
        self.owner(entry, "provider", "provider_fixed", before.as_ref(), &mut after);
        self.state.services.insert(code.clone(), after.clone());
        self.decide(entry, code, before, after, Secrets::default());
    }

    fn version(&mut self, entry: &Entry) {
        let (Some(service), Some(name)) = (entry.text("service"), entry.text("version")) else {
            return;
        };
        let (service, name) = (service.to_owned(), name.to_owned());
        let key = format!("{service}/{name}");
        if !self.mention(entry, &key) {
            return;
        }
        let held = self.state.versions.get(&service).and_then(|v| v.get(&name)).cloned();
        let before = held.as_ref().map(|held| held.stated.clone());
        let after = entry.merge(before.as_ref());
        let secrets = self.secrets(entry, held.as_ref(), &after);
        check::version(entry, &after, &secrets, self.findings);
        let now = Held { stated: after.clone(), secrets: secrets.clone() };
        self.state.versions.entry(service).or_default().insert(name, now);
        self.decide(entry, key, before, after, secrets);
    }

    fn subscription(&mut self, entry: &Entry) {
        let text = |name| entry.text(name);
        let (Some(system), Some(service), Some(named), Some(environment)) =
            (text("system"), text("service"), text("version"), text("environment"))
        else {
            return;
        };
        if !self.state.systems.contains_key(system) {
            unknown(entry, "system", "system_unknown", system, self.findings);
        }
        let Some(versions) = self.state.versions.get(service) else {
            unknown(entry, "service", "service_unknown", service, self.findings);
            return;
        };
        let has_alias = |held: &Held| held.stated.list("aliases").any(|alias| alias == named);
        let version = match versions.get_key_value(named) {
            Some((name, _)) => name.clone(),
            None => match versions.iter().find(|(_, held)| has_alias(held)) {
                Some((name, _)) => name.clone(),
                None => {
                    unknown(entry, "version", "version_unknown", named, self.findings);
                    return;
                }
            },
        };
        let key = format!("{system}/{service}/{version}/{environment}");
        if !self.mention(entry, &key) {
            return;
        }
        let (id, before) = self.state.subscriptions.remove(&key).unzip();
        let mut after = entry.merge(before.as_ref());
        after.0.insert("version".to_owned(), version.into());
        check::subscription(entry, &after, self.findings);
        self.decide(entry, key, before, after, Secrets::default()).id = id;
    }
}

/// The file names a thing that stands neither in the set nor in the database.
pub(crate) fn unknown(
    entry: &Entry,
    field: &'static str,
    code: &'static str,
    named: &str,
    findings: &mut Findings,
) {
    let vi = format!("không có {field} {named}, cả trong tệp lẫn trong cơ sở dữ liệu");
    let en = format!("no {field} {named}, neither in the files nor in the database");
    findings.fault(entry.spot_of(field), code, vi, en);
}
