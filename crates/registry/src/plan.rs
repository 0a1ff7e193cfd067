//! Deciding what a set of entries changes: pure, from what stands to what will stand, with every
//! fault at once.

mod check;
pub(crate) mod state;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

pub(crate) use check::unavailable as check_unavailable;

use crate::file::entry::Entry;
use crate::file::fault::{Findings, Spot};
use crate::file::field::{key_missing, shown};
use crate::file::table::{Need, Noun};
use crate::plan::state::{Held, Secrets, State};
use crate::service::STATISTICS;
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
        loose: HashSet::new(),
        planned: Vec::with_capacity(entries.len()),
        findings,
    };
    let of = |noun: Noun| entries.iter().filter(move |e| e.noun == noun);
    of(Noun::Member).for_each(|e| planner.member(e));
    planner.name_members();
    of(Noun::System).for_each(|e| planner.system(e));
    of(Noun::Service).for_each(|e| planner.service(e));
    planner.claim_destinations(entries);
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
    /// Aliases of entries whose own key cannot be read: what they name is not known, yet there.
    loose: HashSet<(Noun, String)>,
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

    /// The key of an entry that is mentioned for the first time. `None` when it cannot be read or
    /// stands there again: then only what the entry points to is looked at.
    fn key(&mut self, entry: &Entry, key: Option<String>) -> Option<String> {
        let key = key?;
        self.mention(entry, &key).then_some(key)
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
            if after.get(field.name).is_none() && !entry.is_wrong(field.name) {
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
        let named = entry.text("code").map(str::to_owned);
        if named.is_none() {
            let aliases = entry.list("aliases").map(|alias| (Noun::Member, alias.to_owned()));
            self.loose.extend(aliases);
        }
        let Some(code) = self.key(entry, named) else { return };
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
            None if self.findings.unread => {}
            None if self.loose.contains(&(Noun::Member, named.clone())) => {}
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
        let code = self.key(entry, entry.text("code").map(str::to_owned));
        let before = code.as_ref().and_then(|code| self.state.systems.get(code)).cloned();
        let mut after = entry.merge(before.as_ref());
        self.owner(entry, "member", "member_fixed", before.as_ref(), &mut after);
        let Some(code) = code else { return };
        self.state.systems.insert(code.clone(), after.clone());
        self.decide(entry, code, before, after, Secrets::default());
    }

    fn service(&mut self, entry: &Entry) {
        let mut code = self.key(entry, entry.text("code").map(str::to_owned));
        if code.take_if(|code| code == STATISTICS).is_some() {
            let vi = format!("{STATISTICS} là dịch vụ của chính nền tảng");
            let en = format!("{STATISTICS} is the platform's own service");
            self.findings.fault(entry.spot_of("code"), "code_reserved", vi, en);
        }
        let before = code.as_ref().and_then(|code| self.state.services.get(code)).cloned();
        let mut after = entry.merge(before.as_ref());
        self.owner(entry, "provider", "provider_fixed", before.as_ref(), &mut after);
        // Where it was to move is not known: it stands in nobody's way.
        for field in ["context", "destination"].iter().filter(|name| entry.is_wrong(name)) {
            after.0.remove(*field);
        }
        let Some(code) = code else { return };
        self.state.services.insert(code.clone(), after.clone());
        self.decide(entry, code, before, after, Secrets::default());
    }

    fn version(&mut self, entry: &Entry) {
        let names = entry.text("service").zip(entry.text("version"));
        let key = self.key(entry, names.map(|(service, name)| format!("{service}/{name}")));
        let names = names.filter(|_| key.is_some());
        let held =
            names.and_then(|(service, name)| self.state.versions.get(service)?.get(name)).cloned();
        let before = held.as_ref().map(|held| held.stated.clone());
        let after = entry.merge(before.as_ref());
        let secrets = self.secrets(entry, held.as_ref(), &after);
        check::parameters(entry, &after, self.findings);
        let (Some(key), Some((service, name))) = (key, names) else {
            if let (Some(service), None) = (entry.text("service"), entry.text("version")) {
                let alias = |alias| (Noun::Version, format!("{service}/{alias}"));
                self.loose.extend(entry.list("aliases").map(alias));
            }
            return;
        };
        check::version(entry, &after, &secrets, self.findings);
        let now = Held { stated: after.clone(), secrets: secrets.clone() };
        self.state.versions.entry(service.to_owned()).or_default().insert(name.to_owned(), now);
        self.decide(entry, key, before, after, secrets);
    }

    fn subscription(&mut self, entry: &Entry) {
        if let Some(system) = entry.text("system")
            && !self.state.systems.contains_key(system)
        {
            unknown(entry, "system", "system_unknown", system, self.findings);
        }
        let version = self.subscribed(entry);
        let parts = [entry.text("system"), entry.text("service"), version.as_deref()];
        let parts = parts.into_iter().chain([entry.text("environment")]);
        let key = parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/"));
        let key = self.key(entry, key);
        let held = key.as_ref().and_then(|key| self.state.subscriptions.remove(key));
        let (id, before) = held.unzip();
        let mut after = entry.merge(before.as_ref());
        check::subscription(entry, &after, self.findings);
        let (Some(key), Some(version)) = (key, version) else { return };
        after.0.insert("version".to_owned(), version.into());
        self.decide(entry, key, before, after, Secrets::default()).id = id;
    }

    /// The own name of the version that a subscription names, perhaps by an alias; a fault when
    /// there is no such service or version.
    fn subscribed(&mut self, entry: &Entry) -> Option<String> {
        let service = entry.text("service")?;
        let none = BTreeMap::new();
        let versions = self.state.versions.get(service);
        if versions.is_none() && !self.state.services.contains_key(service) {
            unknown(entry, "service", "service_unknown", service, self.findings);
            return None;
        }
        let versions = versions.unwrap_or(&none);
        let named = entry.text("version")?;
        let has_alias = |held: &Held| held.stated.list("aliases").any(|alias| alias == named);
        let found = versions.get_key_value(named);
        let found = found.or_else(|| versions.iter().find(|(_, held)| has_alias(held)));
        if found.is_none() && !self.loose.contains(&(Noun::Version, format!("{service}/{named}"))) {
            unknown(entry, "version", "version_unknown", named, self.findings);
        }
        found.map(|(name, _)| name.clone())
    }
}

/// The file names a thing that stands neither in the set nor in the database. Nothing is said
/// where part of the set could not be read: the thing may stand there.
pub(crate) fn unknown(
    entry: &Entry,
    field: &'static str,
    code: &'static str,
    named: &str,
    findings: &mut Findings,
) {
    if findings.unread {
        return;
    }
    let vi = format!("không có {field} {named}, cả trong tệp lẫn trong cơ sở dữ liệu");
    let en = format!("no {field} {named}, neither in the files nor in the database");
    findings.fault(entry.spot_of(field), code, vi, en);
}
