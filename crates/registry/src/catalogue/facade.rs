//! What a façade asks of the catalogue: the service behind a destination or an operation, not
//! behind a path.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::sync::Arc;

use access::token::Caller;
use terms::code::SystemCode;
use terms::environment::Environment;
use terms::fault::{Fault, FaultCode};

use crate::catalogue::{Catalogue, Grant, offered};
use crate::service::Service;
use crate::version::{Version, VersionState};

impl Catalogue {
    /// The service registered under an X-Road id (`dstcode`), in the form with colons or with
    /// slashes, percent coding taken off. There is one service a destination.
    pub fn destination(&self, dstcode: &str) -> Option<&Arc<Service>> {
        if dstcode.contains('/') {
            return self.destinations.get(dstcode.replace('/', ":").as_str());
        }
        self.destinations.get(dstcode)
    }

    /// The service behind façades that name no destination: the only one with a version of
    /// `protocol: portal` that is not retired; `None` when there is none, or more than one.
    pub fn portal(&self) -> Option<&Arc<Service>> {
        let mut portals = self.portals.values();
        portals.next().filter(|_| portals.next().is_none())
    }

    /// The services that give figures in `environment` (`role: statistics`), by code, each with the
    /// newest version offered there.
    pub fn statistics(
        &self,
        environment: Environment,
    ) -> impl Iterator<Item = (&Arc<Service>, &Arc<Version>)> {
        self.sources.values().filter_map(move |service| {
            let live = |v: &&Arc<Version>| v.state != VersionState::Retired;
            let offered = service.versions.iter().filter(|v| offered(service, v, environment));
            offered.filter(live).max_by(|a, b| order(a, b)).map(|version| (service, version))
        })
    }

    /// The version that a façade means when it names none: the newest published one to which the
    /// caller's system holds an active subscription; failing that a superseded one, a trial one, a
    /// retired one ([`Catalogue::grant_operation`] refuses it as such). `None` is `not_subscribed`.
    pub fn newest<'s>(
        &self,
        caller: &Caller,
        service: &'s Service,
        environment: Environment,
    ) -> Option<&'s Arc<Version>> {
        self.newest_of(caller.system(), service, environment)
    }

    pub(crate) fn newest_of<'s>(
        &self,
        system: &SystemCode,
        service: &'s Service,
        environment: Environment,
    ) -> Option<&'s Arc<Version>> {
        let held = |v: &&Arc<Version>| self.subscribed(system, v, environment).is_some();
        let offered = service.versions.iter().filter(|v| offered(service, v, environment));
        offered.filter(held).max_by(|a, b| order(a, b))
    }

    /// Checks a call of a façade, where the path says nothing of methods: the caller's system
    /// subscribed to the version, and to the operation that the façade names. `None` names none,
    /// so that every subscription fits. Faults: `token_invalid` for a system stopped meanwhile,
    /// `version_retired`, `no_such_route` for a version not offered in the caller's environment,
    /// `not_subscribed`.
    pub fn grant_operation(
        &self,
        caller: &Caller,
        service: &Arc<Service>,
        version: &Arc<Version>,
        operation: Option<&str>,
    ) -> Result<Grant, Fault> {
        self.grant_operation_to(caller.system(), caller.environment(), service, version, operation)
    }

    pub(crate) fn grant_operation_to(
        &self,
        system: &SystemCode,
        environment: Environment,
        service: &Arc<Service>,
        version: &Arc<Version>,
        operation: Option<&str>,
    ) -> Result<Grant, Fault> {
        let system = self.active(system)?;
        if version.state == VersionState::Retired {
            return Err(FaultCode::VersionRetired.into());
        }
        if !offered(service, version, environment) {
            return Err(FaultCode::NoSuchRoute.into());
        }
        let subscription = self.subscribed(&system.code, version, environment);
        let subscription = subscription.filter(|s| operation.is_none_or(|name| s.admits(name)));
        Ok(Grant {
            system: system.clone(),
            service: service.clone(),
            version: version.clone(),
            subscription: subscription.ok_or(FaultCode::NotSubscribed)?.clone(),
        })
    }
}

/// The better version is the greater: by its state first, then by its name.
fn order(a: &Version, b: &Version) -> Ordering {
    let rank = |version: &Version| match version.state {
        VersionState::Published => 3,
        VersionState::Superseded => 2,
        VersionState::Trial => 1,
        VersionState::Retired => 0,
    };
    rank(a).cmp(&rank(b)).then_with(|| name_order(a.name.as_str(), b.name.as_str()))
}

/// Compares names of versions with their numbers as numbers: 1.9 before 1.10, and v2 is 2.
fn name_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (bare(a), bare(b));
    loop {
        let (x, y) = (number(&mut a), number(&mut b));
        // Of two numbers without leading zeros the longer is the greater.
        let numbers = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
        if numbers.is_ne() {
            return numbers;
        }
        match (a.split_first(), b.split_first()) {
            (Some((x, rest_a)), Some((y, rest_b))) if x == y => (a, b) = (rest_a, rest_b),
            (x, y) => return x.map(|(sign, _)| sign).cmp(&y.map(|(sign, _)| sign)),
        }
    }
}

fn bare(name: &str) -> &[u8] {
    name.strip_prefix(['v', 'V']).unwrap_or(name).as_bytes()
}

/// Takes the digits at the beginning, without leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    &digits[digits.iter().take_while(|b| **b == b'0').count()..]
}
