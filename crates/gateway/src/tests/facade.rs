//! Façades: calls in the dialects of the field, from the socket to the portal and back. A test whose
//! name begins with `tolerance_NN` shows what real clients need (`wire-protocols.md`, section 6).

mod adapter;
mod crowd;
mod inbound;
mod packet;
mod plain;
mod session;
mod statistic;

use serde_json::Value;
use simulator::fixture;
use simulator::portal::{Portal, Settings as PortalSettings};

use super::consumer::{Consumer, Seen};
use super::world::{Given, World};
use crate::{Inbound, Settings};

/// The portal's destination.
pub(crate) const PORTAL: &str = "VN:GOV:000.00.00.G22:vpcpdvcprovider";
/// A service of the province behind a destination.
pub(crate) const LOCAL: &str = "VN:GOV:H01:noi-bo";
/// The portal again, but reached by way of an adapter, with a session of the consumer's own.
pub(crate) const RELAY: &str = "VN:GOV:H01:chuyen-tiep";

/// A platform with a portal beside its provider.
pub(crate) struct Province {
    pub(crate) world: World,
    pub(crate) portal: Portal,
}

impl Province {
    pub(crate) fn start() -> Province {
        Province::with(Settings::default(), "")
    }

    /// With further fields of the subscription to the portal.
    pub(crate) fn given(subscription: &str) -> Province {
        Province::with(Settings::default(), subscription)
    }

    pub(crate) fn with(settings: Settings, subscription: &str) -> Province {
        let inbound = Inbound {
            system: terms::code::SystemCode::known("dvcqg"),
            destination: Some(LOCAL.to_owned()),
        };
        let settings = Settings { inbound: Some(inbound), ..settings };
        let world = World::with(Given::default(), settings);
        let account = ("000.00.00.H99".to_owned(), "provider-secret".to_owned());
        let settings = PortalSettings { accounts: vec![account], ..PortalSettings::default() };
        let portal = world.block_on(simulator::portal::start(settings)).unwrap();
        world.apply(&register(&portal.base(), &world.provider.address.to_string(), subscription));
        Province { world, portal }
    }

    /// A POST of JSON without a token; `headers` end with a line end each.
    pub(crate) fn post(&self, target: &str, headers: &str, body: &str) -> Seen {
        self.say("POST", target, headers, body)
    }

    /// The same with a token.
    pub(crate) fn post_known(&self, target: &str, body: &str) -> Seen {
        let token = format!("authorization: Bearer {}\r\n", self.world.token);
        self.say("POST", target, &token, body)
    }

    pub(crate) fn get_known(&self, target: &str) -> Seen {
        let token = format!("authorization: Bearer {}\r\n", self.world.token);
        self.say("GET", target, &token, "")
    }

    pub(crate) fn say(&self, method: &str, target: &str, headers: &str, body: &str) -> Seen {
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n{headers}\r\n{body}"
        );
        Consumer::connect(self.world.live).say(request).hear()
    }

    /// Logs in as the clients of the portal do.
    pub(crate) fn session(&self) -> String {
        let (key, secret) = &self.world.secret;
        let body = format!(r#"{{"username":"{key}","password":"{secret}"}}"#);
        let answer = json(&self.post("/mapi/login", "", &body));
        assert_eq!(answer["error_code"], 0, "{answer}");
        answer["session"].as_str().unwrap().to_owned()
    }

    /// Changes fields of the system that calls.
    pub(crate) fn legacy(&self) {
        self.world.apply("systems:\n  - { code: one-stop, errors: legacy }\n");
    }
}

/// The registry's entries for a portal, a local service and a relay.
fn register(portal: &str, provider: &str, subscription: &str) -> String {
    let one_stop = |service: &str, further: &str| {
        format!(
            "  - {{ system: one-stop, service: {service}, version: \"1.0\", \
             environment: live, {further} }}\n"
        )
    };
    format!(
        "systems:
  - {{ code: dvcqg, member: H01.009, name: Cổng quốc gia, addresses: [\"127.0.0.1/32\"] }}
services:
  - code: dvcqg-goi-tin
    provider: H01.013
    name: Cổng dịch vụ công quốc gia
    context: /dvcqg
    destination: \"{PORTAL}\"
    versions:
      - version: \"1.0\"
        protocol: portal
        endpoints: {{ live: [\"{portal}\"] }}
        portal: {{ user: 000.00.00.H99, secret: \"env:PORTAL\" }}
  - code: noi-bo
    provider: H01.013
    name: Nội bộ
    context: /noi-bo
    destination: \"{LOCAL}\"
    versions:
      - {{ version: \"1.0\", endpoints: {{ live: [\"http://{provider}/base\"] }} }}
  - code: chuyen-tiep
    provider: H01.013
    name: Chuyển tiếp
    context: /chuyen-tiep
    destination: \"{RELAY}\"
    versions:
      - version: \"1.0\"
        endpoints: {{ live: [\"{portal}/XrdAdapter/RestService/forward\"] }}
subscriptions:
{}{}{}  - {{ system: dvcqg, service: noi-bo, version: \"1.0\", environment: live }}
credentials:
  - {{ system: dvcqg, environment: live }}
",
        one_stop("dvcqg-goi-tin", subscription),
        one_stop("noi-bo", ""),
        one_stop("chuyen-tiep", ""),
    )
}

/// The request of a fixture under a session.
pub(crate) fn sample(start: &str, session: &str) -> String {
    fixture::find(start).unwrap().request_in(session).unwrap()
}

pub(crate) fn json(answer: &Seen) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()))
}

/// `error_code` and `message`.
pub(crate) fn told(answer: &Seen) -> (i64, String) {
    let value = json(answer);
    let code = match &value["error_code"] {
        Value::Number(number) => number.as_i64().unwrap(),
        other => other.as_str().unwrap().parse().unwrap(),
    };
    (code, value["message"].as_str().unwrap_or_default().to_owned())
}
