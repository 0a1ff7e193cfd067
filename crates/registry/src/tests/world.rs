//! The world in which the registry is tested: a real database, keyring and clock.

use std::collections::HashMap;
use std::fmt::Write as _;

use access::credential::Issuer;
use jiff::tz::TimeZone;
use keyring::Keyring;
use serde_json::{Value, json};
use store::{Store, testing};
use terms::clock::{Clock, Timestamp};
use terms::random::Random;

use crate::file::{FileFault, read};
use crate::{ApplyError, Applying, Change, Registry, apply};

/// One database with its keyring.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) keyring: Keyring,
    pub(crate) clock: Clock,
    random: Random,
    /// The environment variables of whoever applies.
    pub(crate) variables: HashMap<String, String>,
    _folder: tempfile::TempDir,
}

/// The small province of most tests.
pub(crate) const PROVINCE: &str = "
members:
  - { code: H01.013, aliases: [\"000.00.13.H01\"], name: Sở NN&MT, parent: H01 }
  - { code: H01.009, name: Sở Nội vụ, contact: { name: An, email: an@example.vn } }
systems:
  - { code: one-stop, member: H01.009, name: Một cửa, addresses: [\"10.1.0.0/16\"] }
services:
  - code: tra-cuu
    provider: H01.013
    name: Tra cứu đất đai
    context: /datdai
    versions:
      - version: \"1.0\"
        aliases: [\"1.0.0\", v1]
        methods: [GET, POST]
        endpoints: { trial: [\"http://127.0.0.1:9101\"], live: [\"http://127.0.0.1:9101/base\"] }
        auth: { kind: header, name: ApiKey, secret: \"env:LAND_KEY\" }
        parameters: [ { name: maThua, in: query, required: true, pattern: \"^[0-9]{1,10}$\" } ]
      - version: \"2.0\"
        state: trial
        endpoints: { trial: [\"http://127.0.0.1:9101\"], live: [\"http://127.0.0.1:9101\"] }
subscriptions:
  - { system: one-stop, service: tra-cuu, version: \"1.0\", environment: live, methods: [GET], rate: 600/min }
";

impl World {
    pub(crate) fn new(store: Store) -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
        let random = Random::system();
        let keyring = Keyring::open(&folder.path().join("keyring.toml"), &clock, &random).unwrap();
        let variables = HashMap::from([("LAND_KEY".to_owned(), "s3cret-of-land".to_owned())]);
        World { store, keyring, clock, random, variables, _folder: folder }
    }

    /// A world on each engine.
    pub(crate) async fn engines() -> Vec<World> {
        testing::engines().await.into_iter().map(World::new).collect()
    }

    pub(crate) async fn sqlite() -> World {
        World::new(testing::sqlite().await)
    }

    async fn run(&self, text: &str, dry_run: bool) -> Result<Vec<Value>, Vec<FileFault>> {
        let entries = read(&[("f", text)]);
        let issuer = Issuer::new(self.keyring.clone(), self.clock.clone(), self.random.clone());
        let on = Applying {
            store: &self.store,
            keyring: &self.keyring,
            issuer: &issuer,
            clock: &self.clock,
            random: &self.random,
            zone: &TimeZone::get("Asia/Ho_Chi_Minh").unwrap(),
            variable: &|name| self.variables.get(name).cloned(),
            actor: "cli:test",
            dry_run,
        };
        match apply(&on, &entries).await {
            Ok(changes) => Ok(changes.iter().map(line).collect()),
            Err(ApplyError::Faults(faults)) => Err(faults),
            Err(error) => panic!("{error}: {error:?}"),
        }
    }

    /// Applies `text`, which must be right; gives the lines of output.
    pub(crate) async fn apply(&self, text: &str) -> Vec<Value> {
        self.run(text, false).await.unwrap_or_else(|faults| panic!("{text}\n{faults:#?}"))
    }

    /// The same without writing.
    pub(crate) async fn dry_run(&self, text: &str) -> Vec<Value> {
        self.run(text, true).await.unwrap_or_else(|faults| panic!("{text}\n{faults:#?}"))
    }

    /// `CODE LINE:COLUMN` of everything wrong with `text`.
    pub(crate) async fn refuse(&self, text: &str) -> String {
        let faults = self.run(text, false).await.err().unwrap_or_default();
        let mut out = String::new();
        for fault in faults {
            let _ = write!(out, " {} {}:{}", fault.code, fault.line, fault.column);
        }
        out.trim_start().to_owned()
    }

    pub(crate) async fn registry(&self) -> Registry {
        let (store, keyring) = (self.store.clone(), self.keyring.clone());
        Registry::open(store, keyring, self.clock.clone()).await.unwrap()
    }
}

/// `ENTRY KEY CHANGE [FIELDS]` of each line.
pub(crate) fn lines(changes: &[Value]) -> Vec<String> {
    let text = |change: &Value, name: &str| change[name].as_str().unwrap_or_default().to_owned();
    let line = |c: &Value| {
        let fields: Vec<&str> =
            c["fields"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        format!(
            "{} {} {} {}",
            text(c, "entry"),
            text(c, "key"),
            text(c, "change"),
            fields.join(",")
        )
    };
    changes.iter().map(line).map(|line| line.trim_end().to_owned()).collect()
}

/// A change as the program prints it (design §6), for comparing.
fn line(change: &Change) -> Value {
    let mut line = json!({
        "entry": change.entry.as_str(),
        "key": change.key,
        "change": change.change.as_str(),
        "fields": change.fields,
    });
    if let Some(issued) = &change.issued {
        line["system"] = issued.system.as_str().into();
        line["environment"] = issued.environment.as_str().into();
        line["consumer_key"] = issued.consumer_key.as_str().into();
        line["secret_key"] = issued.secret_key.as_str().into();
    }
    line
}
