//! The catalogue: an immutable snapshot of what a call needs, replaced whole, never asked of the
//! database.

pub(crate) mod build;
mod facade;

#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use access::token::Caller;
use http::Method;
use terms::code::{MemberCode, ServiceCode, SystemCode, VersionName};
use terms::environment::Environment;
use terms::fault::{Fault, FaultCode};

use crate::member::Member;
use crate::service::{CONTEXT_SEGMENTS_MAX, Service};
use crate::subscription::Subscription;
use crate::system::System;
use crate::version::{Version, VersionState};

/// An immutable snapshot of the registry. Cloning shares all but the pointers.
#[derive(Clone)]
pub struct Catalogue {
    pub(crate) revision: u64,
    pub(crate) members: imbl::HashMap<MemberCode, Arc<Member>>,
    pub(crate) systems: imbl::HashMap<SystemCode, Arc<System>>,
    pub(crate) services: imbl::HashMap<ServiceCode, Arc<Service>>,
    /// Context and version or alias (`/datdai/1.0`) of every version.
    pub(crate) routes: imbl::HashMap<Arc<str>, (Arc<Service>, Arc<Version>)>,
    /// Services by the X-Road id under which the adapter knows them.
    pub(crate) destinations: imbl::HashMap<Arc<str>, Arc<Service>>,
    /// Services that speak to the national portal.
    pub(crate) portals: imbl::OrdMap<ServiceCode, Arc<Service>>,
    /// Services with the role of statistics.
    pub(crate) sources: imbl::OrdMap<ServiceCode, Arc<Service>>,
    pub(crate) subscriptions: imbl::HashMap<SubscriptionKey, Arc<Subscription>>,
    /// The platform's own service, in no row of the database.
    pub(crate) built_in: Arc<Service>,
}

impl Default for Catalogue {
    fn default() -> Catalogue {
        Catalogue {
            revision: 0,
            members: imbl::HashMap::default(),
            systems: imbl::HashMap::default(),
            services: imbl::HashMap::default(),
            routes: imbl::HashMap::default(),
            destinations: imbl::HashMap::default(),
            portals: imbl::OrdMap::default(),
            sources: imbl::OrdMap::default(),
            subscriptions: imbl::HashMap::default(),
            built_in: Arc::new(Service::statistics()),
        }
    }
}

/// Where a call goes: found by its path alone, before anything is granted.
#[derive(Clone, Debug)]
pub struct Route<'a> {
    /// The service.
    pub service: Arc<Service>,
    /// The version.
    pub version: Arc<Version>,
    /// The path after context and version, byte for byte: empty, or beginning with a slash.
    pub rest: &'a str,
}

/// Proof that a caller holds an active subscription for a route and method.
#[derive(Clone, Debug)]
pub struct Grant {
    system: Arc<System>,
    service: Arc<Service>,
    version: Arc<Version>,
    subscription: Arc<Subscription>,
}

impl Grant {
    /// Who calls.
    pub fn system(&self) -> &Arc<System> {
        &self.system
    }

    /// Which service.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Which version.
    pub fn version(&self) -> &Arc<Version> {
        &self.version
    }

    /// What was granted.
    pub fn subscription(&self) -> &Arc<Subscription> {
        &self.subscription
    }
}

impl Catalogue {
    /// The revision of the database it shows.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// A member.
    pub fn member(&self, code: &MemberCode) -> Option<&Arc<Member>> {
        self.members.get(code)
    }

    /// A system; ask [`System::active`] before anything is granted to it.
    pub fn system(&self, code: &SystemCode) -> Option<&Arc<System>> {
        self.systems.get(code)
    }

    /// A service, also the platform's own ([`crate::service::STATISTICS`]).
    pub fn service(&self, code: &ServiceCode) -> Option<&Arc<Service>> {
        if *code == self.built_in.code {
            return Some(&self.built_in);
        }
        self.services.get(code)
    }

    /// All services that are registered, in no order.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.values()
    }

    /// All subscriptions, in no order.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Arc<Subscription>> {
        self.subscriptions.values()
    }

    /// Finds the longest registered context + version (or alias) that `path` begins with: whole
    /// segments, case-sensitive, not decoded. Slashes are collapsed before and within context and
    /// version only. `None` is `no_such_route`: nothing stands there, or what stands there is not
    /// offered in `environment`. A retired version is found; [`Catalogue::grant`] refuses it.
    pub fn route<'a>(&self, environment: Environment, path: &'a str) -> Option<Route<'a>> {
        let mut buffer = String::new();
        let (prefix, ends) = prefix(path, &mut buffer);
        for &(end_prefix, end_path) in ends.iter().rev().filter(|(end, _)| *end > 0) {
            let Some((service, version)) = self.routes.get(&prefix[..end_prefix]) else {
                continue;
            };
            return offered(service, version, environment).then(|| Route {
                service: service.clone(),
                version: version.clone(),
                rest: &path[end_path..],
            });
        }
        None
    }

    /// Checks what comes after the route, in the order of design §7: the version is not retired,
    /// it takes the method, the caller's system subscribed to it. Faults: `version_retired`,
    /// `method_not_allowed` (`Allow` is [`crate::method::Methods::allow`] of the version's
    /// methods), `not_subscribed`, and `token_invalid` for a system stopped meanwhile.
    pub fn grant(
        &self,
        caller: &Caller,
        route: &Route<'_>,
        method: &Method,
    ) -> Result<Grant, Fault> {
        self.grant_to(caller.system(), caller.environment(), route, method)
    }

    pub(crate) fn grant_to(
        &self,
        system: &SystemCode,
        environment: Environment,
        route: &Route<'_>,
        method: &Method,
    ) -> Result<Grant, Fault> {
        let system = self.active(system)?;
        if route.version.state == VersionState::Retired {
            return Err(FaultCode::VersionRetired.into());
        }
        if !route.version.methods.allows(method) {
            return Err(FaultCode::MethodNotAllowed.into());
        }
        let subscription = self.subscribed(&system.code, &route.version, environment);
        match subscription.filter(|s| s.methods.allows(method)) {
            Some(subscription) => Ok(Grant {
                system: system.clone(),
                service: route.service.clone(),
                version: route.version.clone(),
                subscription: subscription.clone(),
            }),
            None => Err(FaultCode::NotSubscribed.into()),
        }
    }

    /// The system, if it may call.
    fn active(&self, system: &SystemCode) -> Result<&Arc<System>, Fault> {
        let system = self.systems.get(system).filter(|system| system.active);
        system.ok_or_else(|| FaultCode::TokenInvalid.into())
    }

    /// The active subscription of a system to a version.
    fn subscribed(
        &self,
        system: &SystemCode,
        version: &Version,
        environment: Environment,
    ) -> Option<&Arc<Subscription>> {
        let key = (system.as_str(), version.service.as_str(), version.name.as_str(), environment);
        self.subscriptions.get(&key as &dyn KeyView).filter(|s| s.active)
    }
}

/// Is the version to be found in `environment`? A retired one is, so that it can be refused as
/// such; the platform's own needs no endpoint.
fn offered(service: &Service, version: &Version, environment: Environment) -> bool {
    let stands = !version.endpoints(environment).is_empty() || service.is_built_in();
    version.state.served(environment) && stands || version.state == VersionState::Retired
}

/// Ends of segments at the most: those of a context and one for the version.
const ENDS_MAX: usize = CONTEXT_SEGMENTS_MAX + 1;

/// The beginning of `path` with single slashes, and after each of its first segments how far it
/// reaches in that beginning and in `path`; unused places are zero. A route has two segments at
/// least, but one more look-up costs nothing.
fn prefix<'a>(path: &'a str, buffer: &'a mut String) -> (&'a str, [(usize, usize); ENDS_MAX]) {
    let mut ends = [(0, 0); ENDS_MAX];
    let bytes = path.as_bytes();
    let (mut at, mut collapsed) = (0, 0);
    for end in &mut ends {
        let slashes = bytes[at..].iter().take_while(|b| **b == b'/').count();
        let segment = &bytes[at + slashes..];
        let length = segment.iter().position(|b| *b == b'/').unwrap_or(segment.len());
        if slashes == 0 || length == 0 {
            break;
        }
        at += slashes + length;
        collapsed += 1 + length;
        *end = (collapsed, at);
    }
    if at == collapsed {
        return (&path[..at], ends);
    }
    for segment in path[..at].split('/').filter(|s| !s.is_empty()) {
        buffer.push('/');
        buffer.push_str(segment);
    }
    (buffer, ends)
}

/// The key of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubscriptionKey {
    pub(crate) system: SystemCode,
    pub(crate) service: ServiceCode,
    pub(crate) version: VersionName,
    pub(crate) environment: Environment,
}

/// The four parts of a subscription's key, so that a look-up builds nothing.
trait KeyView {
    fn parts(&self) -> (&str, &str, &str, Environment);
}

impl KeyView for SubscriptionKey {
    fn parts(&self) -> (&str, &str, &str, Environment) {
        let (system, service) = (self.system.as_str(), self.service.as_str());
        (system, service, self.version.as_str(), self.environment)
    }
}

impl KeyView for (&str, &str, &str, Environment) {
    fn parts(&self) -> (&str, &str, &str, Environment) {
        *self
    }
}

impl Hash for SubscriptionKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl Hash for dyn KeyView + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl PartialEq for dyn KeyView + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn KeyView + '_ {}

impl<'a> Borrow<dyn KeyView + 'a> for SubscriptionKey {
    fn borrow(&self) -> &(dyn KeyView + 'a) {
        self
    }
}
