//! Building a catalogue from rows: whole, or the last one plus what changed.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use keyring::Keyring;
use serde_json::Value;
use sqlx::AnyConnection;
use terms::code::{MemberCode, ServiceCode, SystemCode, VersionName};
use terms::endpoint::TlsMaterial;
use terms::environment::Environment;

use crate::catalogue::{Catalogue, SubscriptionKey};
use crate::member::{self, Member};
use crate::service::{self, Role, Service};
use crate::stated::{Broken, Stated};
use crate::subscription::{self, Subscription};
use crate::system::{self, System};
use crate::version::store::VersionRow;
use crate::version::{self, Opened, Version, VersionState};

/// A catalogue in the making. A row that cannot be read is left out and warned of, so that one bad
/// entry never takes the others down.
pub(crate) struct Builder<'a> {
    catalogue: Catalogue,
    /// Where counts of calls in flight are carried over from.
    previous: &'a Catalogue,
    keyring: &'a Keyring,
}

impl<'a> Builder<'a> {
    /// Begins with nothing.
    pub(crate) fn whole(previous: &'a Catalogue, keyring: &'a Keyring) -> Builder<'a> {
        // The counts of the platform's own service live on like those of any other.
        let built_in = previous.built_in.clone();
        let catalogue = Catalogue { built_in, ..Catalogue::default() };
        Builder { catalogue, previous, keyring }
    }

    /// Begins with `previous`, to which changes are brought.
    pub(crate) fn delta(previous: &'a Catalogue, keyring: &'a Keyring) -> Builder<'a> {
        Builder { catalogue: previous.clone(), previous, keyring }
    }

    /// The catalogue, standing at `revision`.
    pub(crate) fn finish(mut self, revision: u64) -> Catalogue {
        self.catalogue.revision = revision;
        self.catalogue
    }

    /// Takes everything from the database.
    pub(crate) async fn load(&mut self, tx: &mut AnyConnection) -> Result<(), sqlx::Error> {
        member::store::list(tx, |code, body| self.member(code, Some(body))).await?;
        system::store::list(tx, |code, body| self.system(code, Some(body))).await?;
        let mut versions: HashMap<String, Vec<VersionRow>> = HashMap::new();
        version::store::list(tx, |row| {
            versions.entry(row.service.clone()).or_default().push(row);
        })
        .await?;
        service::store::list(tx, |code, body| {
            self.service(code, Some(body), &versions.remove(code).unwrap_or_default());
        })
        .await?;
        subscription::store::list(tx, |id, body| {
            self.subscription(&id.to_string(), Some((id, body)));
        })
        .await
    }

    /// Takes over the row behind one change. Nouns of other crates are none of ours.
    pub(crate) async fn take(
        &mut self,
        tx: &mut AnyConnection,
        noun: &str,
        key: &str,
    ) -> Result<(), sqlx::Error> {
        match noun {
            "member" => {
                let body = member::store::find(tx, key).await?;
                self.member(key, body.as_deref());
            }
            "system" => {
                let body = system::store::find(tx, key).await?;
                self.system(key, body.as_deref());
            }
            "service" => {
                let body = service::store::find(tx, key).await?;
                let versions = version::store::list_of(tx, key).await?;
                self.service(key, body.as_deref(), &versions);
            }
            "subscription" => {
                let found = subscription::store::find(tx, parts(key)).await?;
                self.subscription(key, found.as_ref().map(|(id, body)| (*id, body.as_str())));
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn member(&mut self, code: &str, body: Option<&str>) {
        let read = body.map(|body| stated(body).and_then(|s| Member::read(&s)));
        let mut ended = false;
        match settle("member", code, read) {
            Some(member) => {
                ended = !member.active;
                self.catalogue.members.insert(member.code.clone(), Arc::new(member));
            }
            None => drop(self.catalogue.members.remove(&MemberCode::known(code))),
        }
        self.end_systems(code, ended);
    }

    /// Brings the systems of a member in line with it.
    fn end_systems(&mut self, member: &str, ended: bool) {
        let systems = self.catalogue.systems.values();
        let differ =
            |s: &&Arc<System>| s.member.as_str() == member && s.active != (!s.stopped && !ended);
        for system in systems.filter(differ).cloned().collect::<Vec<_>>() {
            let active = !system.stopped && !ended;
            let changed = Arc::new(System { active, ..(*system).clone() });
            self.catalogue.systems.insert(system.code.clone(), changed);
        }
    }

    pub(crate) fn system(&mut self, code: &str, body: Option<&str>) {
        let read = body.map(|body| stated(body).and_then(|s| System::read(&s)));
        let Some(mut system) = settle("system", code, read) else {
            self.catalogue.systems.remove(&SystemCode::known(code));
            return;
        };
        // A member that is broken or not there must not stop what is not its own.
        if let Some(member) = self.catalogue.members.get(&system.member) {
            system.active = !system.stopped && member.active;
            system.member = member.code.clone();
        }
        self.catalogue.systems.insert(system.code.clone(), Arc::new(system));
    }

    pub(crate) fn service(&mut self, code: &str, body: Option<&str>, versions: &[VersionRow]) {
        let code = ServiceCode::known(code);
        if let Some(old) = self.catalogue.services.remove(&code) {
            for path in old.versions.iter().flat_map(|version| paths(&old, version)) {
                let ours = |(service, _): &(Arc<Service>, _)| service.code == code;
                if self.catalogue.routes.get(path.as_str()).is_some_and(ours) {
                    self.catalogue.routes.remove(path.as_str());
                }
            }
            if let Some(destination) = &old.destination {
                let owner = self.catalogue.destinations.get(destination);
                if owner.is_some_and(|service| service.code == code) {
                    self.catalogue.destinations.remove(destination);
                }
            }
            self.catalogue.portals.remove(&code);
            self.catalogue.sources.remove(&code);
        }
        let read = body.map(|body| stated(body).and_then(|s| Service::read(&s)));
        let Some(mut service) = settle("service", code.as_str(), read) else {
            return;
        };
        let mut rows: Vec<&VersionRow> = versions.iter().collect();
        rows.sort_by(|a, b| a.version.cmp(&b.version));
        let mut print = DefaultHasher::new();
        body.hash(&mut print);
        for row in rows {
            (&row.body, &row.sealed).hash(&mut print);
            let key = format!("{}/{}", row.service, row.version);
            service.versions.extend(settle("version", &key, Some(self.version(row))).map(Arc::new));
        }
        service.print = print.finish();
        if let Some(member) = self.catalogue.members.get(&service.provider) {
            service.provider = member.code.clone();
        }
        let service = Arc::new(service);
        for version in &service.versions {
            for path in paths(&service, version) {
                let target = (service.clone(), version.clone());
                self.catalogue.routes.insert(path.into(), target);
            }
        }
        if let Some(destination) = &service.destination {
            self.catalogue.destinations.insert(destination.clone(), service.clone());
        }
        let speaks = |v: &Arc<Version>| v.portal.is_some() && v.state != VersionState::Retired;
        if service.versions.iter().any(speaks) {
            self.catalogue.portals.insert(service.code.clone(), service.clone());
        }
        if service.role == Some(Role::Statistics) {
            self.catalogue.sources.insert(service.code.clone(), service.clone());
        }
        self.catalogue.services.insert(service.code.clone(), service);
    }

    fn version(&self, row: &VersionRow) -> Result<Version, Broken> {
        let opened = Opened {
            secret: self.open(row, row.sealed.auth.as_deref(), "auth")?,
            portal: self.open(row, row.sealed.portal.as_deref(), "portal")?,
            tls: self.open(row, row.sealed.tls.as_deref(), "tls")?.map(|text| tls(&text)),
        };
        let mut version = Version::read(&stated(&row.body)?, &opened)?;
        if let Some(service) = self.previous.services.get(&version.service) {
            let old = service.versions.iter().find(|v| v.name == version.name);
            if let Some(old) = old {
                version.in_flight = old.in_flight.clone();
            }
        }
        Ok(version)
    }

    fn open(
        &self,
        row: &VersionRow,
        sealed: Option<&str>,
        field: &str,
    ) -> Result<Option<String>, Broken> {
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let opened = version::open(self.keyring, (&row.service, &row.version), field, sealed);
        opened.map(Some).ok_or_else(|| Broken(format!("what is sealed of {field} does not open")))
    }

    pub(crate) fn subscription(&mut self, key: &str, found: Option<(u64, &str)>) {
        let read = found.map(|(id, body)| stated(body).and_then(|s| Subscription::read(id, &s)));
        let Some(mut subscription) = settle("subscription", key, read) else {
            // Gone or broken: it grants nothing any more.
            let [system, service, version, environment] = parts(key);
            if let Some(environment) = Environment::parse(environment) {
                self.catalogue.subscriptions.remove(&SubscriptionKey {
                    system: SystemCode::known(system),
                    service: ServiceCode::known(service),
                    version: VersionName::known(version),
                    environment,
                });
            }
            return;
        };
        self.share_codes(&mut subscription);
        let key = SubscriptionKey {
            system: subscription.system.clone(),
            service: subscription.service.clone(),
            version: subscription.version.clone(),
            environment: subscription.environment,
        };
        self.catalogue.subscriptions.insert(key, Arc::new(subscription));
    }

    /// Keeps one text a code in memory, not one a subscription.
    fn share_codes(&self, subscription: &mut Subscription) {
        if let Some(system) = self.catalogue.systems.get(&subscription.system) {
            subscription.system = system.code.clone();
        }
        if let Some(service) = self.catalogue.service(&subscription.service) {
            subscription.service = service.code.clone();
            let version = service.versions.iter().find(|v| v.name == subscription.version);
            if let Some(version) = version {
                subscription.version = version.name.clone();
            }
        }
    }
}

/// The parts of a subscription's key: system, service, version, environment. Codes have no slash.
fn parts(key: &str) -> [&str; 4] {
    let mut parts = key.splitn(4, '/');
    [(); 4].map(|()| parts.next().unwrap_or_default())
}

fn stated(body: &str) -> Result<Stated, Broken> {
    Stated::parse(body).ok_or_else(|| Broken("body is no JSON object".to_owned()))
}

/// What was read of a row, or `None` when it is gone or, with a warning, broken.
fn settle<T>(noun: &str, key: &str, read: Option<Result<T, Broken>>) -> Option<T> {
    let warn = |broken: &Broken| {
        tracing::warn!(code = "registry_entry", entry = noun, key, "entry left out: {broken}");
    };
    read?.inspect_err(warn).ok()
}

fn tls(text: &str) -> Arc<TlsMaterial> {
    let parts: Value = serde_json::from_str(text).unwrap_or_default();
    let part = |name| parts.get(name).and_then(Value::as_str).map(Arc::from);
    Arc::new(TlsMaterial { ca: part("ca"), certificate: part("certificate"), key: part("key") })
}

/// Where a version stands, aliases included.
fn paths(service: &Service, version: &Version) -> Vec<String> {
    let names = std::iter::once(&version.name).chain(version.aliases.iter());
    names.map(|name| format!("{}/{name}", service.context)).collect()
}

impl Catalogue {
    /// The first thing in which two catalogues differ, in a word; `None` when they are the same.
    pub(crate) fn difference(&self, other: &Catalogue) -> Option<&'static str> {
        let prints = |c: &Catalogue| {
            c.services.values().fold(0_u64, |sum, service| sum.wrapping_add(service.print))
        };
        if self.members != other.members {
            return Some("members");
        }
        if self.systems != other.systems {
            return Some("systems");
        }
        if self.services.len() != other.services.len() || prints(self) != prints(other) {
            return Some("services");
        }
        if self.routes.len() != other.routes.len() {
            return Some("routes");
        }
        if self.destinations.len() != other.destinations.len() {
            return Some("destinations");
        }
        if !self.sources.keys().eq(other.sources.keys()) {
            return Some("sources");
        }
        if !self.portals.keys().eq(other.portals.keys()) {
            return Some("portals");
        }
        (self.subscriptions != other.subscriptions).then_some("subscriptions")
    }
}
