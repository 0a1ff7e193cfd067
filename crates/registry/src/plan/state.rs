//! What stands in the registry before a set of entries is applied.

use std::collections::{BTreeMap, HashMap};

use keyring::Keyring;
use sqlx::AnyConnection;

use crate::service::{STATISTICS, STATISTICS_VERSION};
use crate::stated::Stated;
use crate::version::{self, store::VersionRow};
use crate::{member, service, subscription, system};

/// The whole registry, as stated.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) members: HashMap<String, Stated>,
    /// Owner of each code and alias.
    pub(crate) member_names: HashMap<String, String>,
    pub(crate) systems: HashMap<String, Stated>,
    pub(crate) services: HashMap<String, Stated>,
    /// By service, then by name.
    pub(crate) versions: HashMap<String, BTreeMap<String, Held>>,
    /// By `system/service/version/environment`, with their numbers.
    pub(crate) subscriptions: HashMap<String, (u64, Stated)>,
}

/// A version and what is sealed of it.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) stated: Stated,
    pub(crate) secrets: Secrets,
}

/// The sealed texts of a version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets {
    pub(crate) auth: Secret,
    pub(crate) portal: Secret,
    pub(crate) tls: Secret,
}

/// A text that stands sealed in the database, opened.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret {
    pub(crate) text: Option<String>,
    /// To be sealed and written, since it is not what stands there.
    pub(crate) changed: bool,
    /// As it stands there.
    pub(crate) sealed: Option<String>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret(changed: {})", self.changed)
    }
}

impl Secrets {
    /// Is what is sealed of the field new?
    pub(crate) fn changed(&self, field: &str) -> bool {
        match field {
            "auth" => self.auth.changed,
            "portal" => self.portal.changed,
            "tls" => self.tls.changed,
            _ => false,
        }
    }
}

impl State {
    /// Reads everything, within the transaction that will write.
    pub(crate) async fn load(
        tx: &mut AnyConnection,
        keyring: &Keyring,
    ) -> Result<State, sqlx::Error> {
        let mut state = State::default();
        // A body that cannot be read counts as nothing stated; applying the entry mends it.
        let read = |body: &str| Stated::parse(body).unwrap_or_default();
        member::store::list(tx, |code, body| {
            state.members.insert(code.to_owned(), read(body));
        })
        .await?;
        system::store::list(tx, |code, body| {
            state.systems.insert(code.to_owned(), read(body));
        })
        .await?;
        service::store::list(tx, |code, body| {
            state.services.insert(code.to_owned(), read(body));
        })
        .await?;
        version::store::list(tx, |row| {
            let held = Held { stated: read(&row.body), secrets: opened(&row, keyring) };
            state.versions.entry(row.service).or_default().insert(row.version, held);
        })
        .await?;
        subscription::store::list(tx, |id, body| {
            let stated = read(body);
            let parts = ["system", "service", "version", "environment"];
            let key = parts.map(|part| stated.text(part).unwrap_or_default()).join("/");
            state.subscriptions.insert(key, (id, stated));
        })
        .await?;
        state.offer_built_in();
        Ok(state)
    }

    /// The platform's own service can be subscribed to, though no row tells of it.
    fn offer_built_in(&mut self) {
        let fields = [("service", STATISTICS), ("version", STATISTICS_VERSION)];
        let stated = fields.map(|(name, text)| (name.to_owned(), text.into()));
        let held =
            Held { stated: Stated(stated.into_iter().collect()), secrets: Secrets::default() };
        let versions = BTreeMap::from([(STATISTICS_VERSION.to_owned(), held)]);
        self.versions.insert(STATISTICS.to_owned(), versions);
    }
}

fn opened(row: &VersionRow, keyring: &Keyring) -> Secrets {
    let open = |field, sealed: &Option<String>| {
        let opened = sealed
            .as_deref()
            .and_then(|sealed| version::open(keyring, (&row.service, &row.version), field, sealed));
        Secret { text: opened, changed: false, sealed: sealed.clone() }
    };
    let sealed = &row.sealed;
    Secrets {
        auth: open("auth", &sealed.auth),
        portal: open("portal", &sealed.portal),
        tls: open("tls", &sealed.tls),
    }
}
