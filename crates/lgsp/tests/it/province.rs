//! A province with one-stop systems and the simulated national portal, for the packets of QCVN 120.

use simulator::portal::{self, Portal};

use crate::wire::{Answer, Connection, request};
use crate::world::{Making, World};

/// Where the portal is registered in the national exchange.
pub(crate) const DESTINATION: &str = "VN:GOV:000.00.00.G22:vpcpdvcprovider";
/// The province's unit code, and the user name of its account at the portal.
pub(crate) const UNIT: &str = "000.00.00.H99";

/// Each one-stop system holds the same subscription but for what its name says.
const PROVINCE: &str = r#"
format: 1
members:
  - { code: H99, name: UBND tỉnh Mẫu }
  - { code: H99.009, name: Văn phòng UBND tỉnh Mẫu, parent: H99 }
  - { code: G22, name: Văn phòng Chính phủ }
systems:
  - { code: one-stop, member: H99.009, name: Hệ thống một cửa }
  - { code: strict, member: H99.009, name: Hệ thống một cửa chặt chẽ }
  - { code: refuse, member: H99.009, name: Hệ thống một cửa từ chối }
  - { code: old, member: H99.009, name: Hệ thống một cửa đời cũ, errors: legacy }
  - { code: portal, member: G22, name: Cổng DVC quốc gia, addresses: ["127.0.0.1/32"] }
services:
  - code: cong-dvc
    provider: G22
    name: Cổng Dịch vụ công quốc gia
    context: /cong-dvc
    destination: "VN:GOV:000.00.00.G22:vpcpdvcprovider"
    versions:
      - version: "1.0"
        protocol: portal
        portal: { user: "000.00.00.H99", secret: "env:PORTAL_SECRET" }
        endpoints: { live: ["http://PORTAL"] }
SOURCES
subscriptions:
  - { system: one-stop, service: cong-dvc, version: "1.0", environment: live }
  - { system: strict, service: cong-dvc, version: "1.0", environment: live, packets: strict }
  - { system: refuse, service: cong-dvc, version: "1.0", environment: live, packets: refuse }
  - { system: old, service: cong-dvc, version: "1.0", environment: live, operations: [DongBoHoSoMC, CapNhatTienDoHoSoMC] }
  - { system: portal, service: thong-ke, version: "1.0", environment: live }
credentials:
  - { system: one-stop, environment: live }
  - { system: strict, environment: live }
  - { system: refuse, environment: live }
  - { system: old, environment: live }
  - { system: portal, environment: live }
"#;

pub(crate) struct Province {
    pub(crate) world: World,
    pub(crate) portal: Portal,
    /// Carries the portal; ends it when the province ends.
    pub(crate) runtime: tokio::runtime::Runtime,
}

impl Province {
    pub(crate) fn start() -> Province {
        Province::with("", &[])
    }

    /// The same with further services, and variables of `serve`.
    pub(crate) fn with(sources: &str, variables: &[(&str, &str)]) -> Province {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let portal = runtime.block_on(portal::start(portal::Settings::default())).unwrap();
        let province = PROVINCE
            .replace("PORTAL\"", &format!("{}\"", portal.address))
            .replace("SOURCES\n", sources);
        let secret = ("PORTAL_SECRET", "synthetic-not-a-secret");
        let environment = variables.iter().chain([&secret]);
        let environment =
            environment.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let world = World::make(Making { province, environment, ..Making::default() });
        Province { world, portal, runtime }
    }

    /// One request to the live listener on a connection of its own.
    pub(crate) fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let request = request(method, target, headers, body);
        Connection::open(self.world.listening.live).ask(request).expect("an answer")
    }

    /// The same in JSON under a token.
    pub(crate) fn post(&self, token: &str, target: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        self.ask("POST", target, &headers, body.as_bytes())
    }

    /// A session by the portal's own login, with key and secret of a system.
    pub(crate) fn session(&self, system: &str, path: &str) -> String {
        let key = self.world.credential(system, "live");
        let body = serde_json::json!({"username": key.consumer_key, "password": key.secret_key});
        let headers = [("Content-Type", "application/json")];
        let answer = self.ask("POST", path, &headers, body.to_string().as_bytes());
        assert_eq!((answer.status, &answer.json()["error_code"]), (200, &0.into()), "{answer:?}");
        answer.json()["session"].as_str().unwrap().to_owned()
    }
}
