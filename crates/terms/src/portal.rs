//! How the National Public Service Portal is spoken to: account, paths and names of its session
//! protocol, as a version with `protocol: portal` declares them.

use std::sync::Arc;

use crate::exchange::words;

/// Default of [`PortalAccess::login`].
pub const LOGIN_PATH: &str = "/mapi/login";
/// Default of [`PortalAccess::data`] and [`PortalAccess::share`]. Known from memory only: the
/// operator's guide decides.
pub const DATA_PATH: &str = "/mapi/g";

/// All that a call to the portal needs besides the endpoint. Paths begin with `/`, stand below the
/// endpoint's base and may carry a query (`/mapi/g?providerurl=…`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PortalAccess {
    /// Path of the login.
    pub login: Arc<str>,
    /// Path of the packets.
    pub data: Arc<str>,
    /// Path of the shared catalogues and identity look-ups.
    pub share: Arc<str>,
    /// The national account's user name.
    pub user: Arc<str>,
    /// Its password.
    pub secret: PortalSecret,
    /// `madonvi` of a call that brings none; by default the user name.
    pub unit: Arc<str>,
    /// Where the destination code stands.
    pub destination_in: DestinationIn,
    /// What becomes of a new dossier that the portal holds already.
    pub exists: Exists,
    /// The names the portal reads.
    pub names: PortalNames,
    /// Error codes that mean "this session is not valid", besides HTTP 401 and the words in
    /// `message`; no official list is known.
    pub session_refused: Arc<[Arc<str>]>,
}

impl PortalAccess {
    /// An account with everything else at its default.
    pub fn new(user: impl Into<Arc<str>>, secret: impl Into<Arc<str>>) -> PortalAccess {
        let user = user.into();
        PortalAccess {
            login: LOGIN_PATH.into(),
            data: DATA_PATH.into(),
            share: DATA_PATH.into(),
            unit: user.clone(),
            user,
            secret: PortalSecret(secret.into()),
            destination_in: DestinationIn::default(),
            exists: Exists::default(),
            names: PortalNames::default(),
            session_refused: Arc::default(),
        }
    }
}

/// The password of a national account: it can be sent, not printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PortalSecret(Arc<str>);

impl PortalSecret {
    /// Takes the opened secret.
    pub fn new(text: impl Into<Arc<str>>) -> PortalSecret {
        PortalSecret(text.into())
    }

    /// Its text, for the login.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PortalSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PortalSecret")
    }
}

words! {
    /// Where the destination code (`dstcode`) stands: both ways occur in the wild.
    #[derive(Default)]
    DestinationIn {
        /// In a header of that name.
        #[default]
        Header = "header",
        /// In the query.
        Query = "query",
        /// In both.
        Both = "both",
    }
}

words! {
    /// What becomes of a new dossier that the portal holds already (`error_code` 3).
    #[derive(Default)]
    Exists {
        /// The consumer gets the portal's answer and decides.
        #[default]
        Pass = "pass",
        /// It is sent again as an update.
        Update = "update",
    }
}

/// The names of the session protocol, as every public client writes them; a portal of another
/// spelling gets its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PortalNames {
    /// Of the user name in the login.
    pub user: Arc<str>,
    /// Of the password in the login.
    pub secret: Arc<str>,
    /// Of the session, in the login's answer and in each call.
    pub session: Arc<str>,
    /// Of the unit code in each call.
    pub unit: Arc<str>,
    /// Of the operation in each call.
    pub service: Arc<str>,
    /// Of the mark that tells an update from a new dossier.
    pub updating: Arc<str>,
    /// Of the destination code, as header and as query parameter.
    pub destination: Arc<str>,
}

impl Default for PortalNames {
    fn default() -> PortalNames {
        PortalNames {
            user: "username".into(),
            secret: "password".into(),
            session: "session".into(),
            unit: "madonvi".into(),
            service: "service".into(),
            updating: "isUpdating".into(),
            destination: "dstcode".into(),
        }
    }
}
