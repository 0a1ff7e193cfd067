//! A subscription (đăng ký khai thác): what a system may use of a version, how often and when.

pub(crate) mod store;

use std::sync::Arc;

use terms::code::{ServiceCode, SystemCode, VersionName};
use terms::environment::Environment;
use terms::quantity::{Quota, Rate};

use crate::method::Methods;
use crate::stated::{Broken, Stated};
use crate::window::Window;

/// A subscription as the catalogue holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its number, given once and never again: what counters are kept by.
    pub id: u64,
    /// Who may call.
    pub system: SystemCode,
    /// Which service.
    pub service: ServiceCode,
    /// Which version of it.
    pub version: VersionName,
    /// Where.
    pub environment: Environment,
    /// Which methods.
    pub methods: Methods,
    /// How often (RTE-14).
    pub rate: Option<Rate>,
    /// How many in a calendar period (RTE-14).
    pub quota: Option<Quota>,
    /// When (RTE-15).
    pub window: Window,
    /// Which operations a call may name, in its body or else by its path, in any case of letters;
    /// `None` = all.
    pub operations: Option<Box<[Arc<str>]>>,
    /// What the platform makes of a packet that does not conform.
    pub packets: packet::Mode,
    /// Does it count? Neither a suspended nor a cancelled one grants anything.
    pub active: bool,
}

impl Subscription {
    /// May a call name `operation`?
    pub fn admits(&self, operation: &str) -> bool {
        let named = |name: &Arc<str>| name.eq_ignore_ascii_case(operation);
        self.operations.as_ref().is_none_or(|names| names.iter().any(named))
    }

    pub(crate) fn read(id: u64, stated: &Stated) -> Result<Subscription, Broken> {
        let system = stated.text("system").and_then(|c| SystemCode::parse(c).ok());
        let service = stated.text("service").and_then(|c| ServiceCode::parse(c).ok());
        let version = stated.text("version").and_then(|c| VersionName::parse(c).ok());
        let environment = stated.text("environment").and_then(Environment::parse);
        let rate = stated.text("rate");
        let quota = stated.text("quota");
        let methods = stated.get("methods");
        let packets = stated.text("packets").map_or(Ok(packet::Mode::default()), str::parse);
        Ok(Subscription {
            id,
            system: system.ok_or_else(|| Broken::field("system"))?,
            service: service.ok_or_else(|| Broken::field("service"))?,
            version: version.ok_or_else(|| Broken::field("version"))?,
            environment: environment.ok_or_else(|| Broken::field("environment"))?,
            methods: methods.map_or(Methods::ALL, |_| Methods::named(stated.list("methods"))),
            rate: rate
                .map(|text| Rate::parse(text).ok_or_else(|| Broken::field("rate")))
                .transpose()?,
            quota: quota
                .map(|text| Quota::parse(text).ok_or_else(|| Broken::field("quota")))
                .transpose()?,
            window: Window::read(stated)?,
            operations: stated
                .get("operations")
                .map(|_| stated.list("operations").map(Arc::from).collect()),
            packets: packets.map_err(|_| Broken::field("packets"))?,
            active: stated.text("state").is_none(),
        })
    }
}
