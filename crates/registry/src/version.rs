//! A version of a service: where its provider stands and how it wants to be called.

pub(crate) mod store;

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use http::{HeaderName, HeaderValue};
use keyring::Keyring;
use regex::Regex;
use serde_json::Value;
use terms::code::{ServiceCode, VersionName};
use terms::endpoint::{Endpoint, TlsMaterial};
use terms::environment::Environment;
use terms::limit;
use terms::portal::{DestinationIn, Exists, PortalAccess};

use crate::method::Methods;
use crate::stated::{Broken, Stated};

/// Where a version is in its life (article 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// Served on the trial listener only.
    Trial,
    /// Served on both.
    Published,
    /// Served on both; a newer one exists.
    Superseded,
    /// Answers `version_retired`.
    Retired,
}

impl VersionState {
    /// Reads the word of the registry file; `None` for anything else.
    pub fn parse(text: &str) -> Option<VersionState> {
        Some(match text {
            "trial" => VersionState::Trial,
            "published" => VersionState::Published,
            "superseded" => VersionState::Superseded,
            "retired" => VersionState::Retired,
            _ => return None,
        })
    }

    /// Is it served in `environment`, endpoints given?
    pub fn served(self, environment: Environment) -> bool {
        match self {
            VersionState::Trial => environment == Environment::Trial,
            VersionState::Published | VersionState::Superseded => true,
            VersionState::Retired => false,
        }
    }
}

/// A version as the catalogue holds it.
#[derive(Debug)]
pub struct Version {
    /// The service it belongs to.
    pub service: ServiceCode,
    /// Its name; what the journal says, also when an alias was called.
    pub name: VersionName,
    /// Further names in the path.
    pub aliases: Box<[VersionName]>,
    /// Where it is in its life.
    pub state: VersionState,
    /// The last day announced for it (article 13), for people: it stops nothing.
    pub sunset: Option<jiff::civil::Date>,
    /// The methods it takes.
    pub methods: Methods,
    /// The provider's trial addresses, tried in this order.
    pub endpoints_trial: Arc<[Endpoint]>,
    /// The provider's live addresses, tried in this order.
    pub endpoints_live: Arc<[Endpoint]>,
    /// The credential sent to the provider.
    pub auth: Option<Auth>,
    /// How the national portal behind it is spoken to; `None` = plain HTTP (`protocol: rest`).
    pub portal: Option<PortalAccess>,
    /// What speaking TLS to the provider needs beyond the public certificates.
    pub tls: Option<Arc<TlsMaterial>>,
    /// The provider is waited for at most this long.
    pub timeout: Option<Duration>,
    /// May a request be sent again though the provider may have acted on it?
    pub idempotent: bool,
    /// May a call take longer than 30 s?
    pub bulk: bool,
    /// The largest request body, bytes.
    pub body_max: u64,
    /// Calls in flight at the most.
    pub in_flight_max: u32,
    /// What must stand in the request.
    pub parameters: Box<[Parameter]>,
    /// Is `%2F` let through in the rest of the path?
    pub encoded_slash: bool,
    /// Calls in flight now; carried over from one catalogue to the next.
    pub(crate) in_flight: Arc<[AtomicU32; 2]>,
}

impl Version {
    /// The provider's addresses in `environment`; empty = not offered there.
    pub fn endpoints(&self, environment: Environment) -> &Arc<[Endpoint]> {
        match environment {
            Environment::Trial => &self.endpoints_trial,
            Environment::Live => &self.endpoints_live,
        }
    }

    /// The count of calls in flight in `environment`, the same through all catalogues.
    pub fn in_flight(&self, environment: Environment) -> &AtomicU32 {
        &self.in_flight[environment as usize]
    }

    /// A version of the platform's own: everything at its default, no endpoint.
    pub(crate) fn built_in(service: ServiceCode, name: VersionName) -> Version {
        Version {
            service,
            name,
            aliases: Box::default(),
            state: VersionState::Published,
            sunset: None,
            methods: Methods::named(std::iter::once("GET")),
            endpoints_trial: Arc::default(),
            endpoints_live: Arc::default(),
            auth: None,
            portal: None,
            tls: None,
            timeout: None,
            idempotent: false,
            bulk: false,
            body_max: limit::BODY_MAX,
            in_flight_max: limit::VERSION_IN_FLIGHT_MAX,
            parameters: Box::default(),
            encoded_slash: false,
            in_flight: Arc::default(),
        }
    }

    pub(crate) fn read(stated: &Stated, opened: &Opened) -> Result<Version, Broken> {
        let service = stated.text("service").and_then(|c| ServiceCode::parse(c).ok());
        let name = stated.text("version").and_then(|c| VersionName::parse(c).ok());
        let state = VersionState::parse(stated.text("state").unwrap_or("published"));
        let alias = |text| VersionName::parse(text).map_err(|_| Broken::field("aliases"));
        let methods = stated.get("methods");
        let parameters = stated.get("parameters").and_then(Value::as_array);
        Ok(Version {
            service: service.ok_or_else(|| Broken::field("service"))?,
            name: name.ok_or_else(|| Broken::field("version"))?,
            aliases: stated.list("aliases").map(alias).collect::<Result<_, _>>()?,
            state: state.ok_or_else(|| Broken::field("state"))?,
            sunset: stated.text("sunset").and_then(|text| text.parse().ok()),
            methods: methods.map_or(Methods::ALL, |_| Methods::named(stated.list("methods"))),
            endpoints_trial: endpoints(stated, "trial")?,
            endpoints_live: endpoints(stated, "live")?,
            auth: Auth::read(stated, opened.secret.as_deref())?,
            portal: portal(stated, opened.portal.as_deref())?,
            tls: opened.tls.clone(),
            timeout: stated.duration("timeout"),
            idempotent: stated.flag("idempotent"),
            bulk: stated.flag("bulk"),
            body_max: stated.size("body_max").unwrap_or(limit::BODY_MAX),
            in_flight_max: stated
                .number("in_flight_max")
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(limit::VERSION_IN_FLIGHT_MAX),
            parameters: parameters
                .into_iter()
                .flatten()
                .map(Parameter::read)
                .collect::<Result<_, _>>()?,
            encoded_slash: stated.text("encoded_slash") == Some("pass"),
            in_flight: Arc::default(),
        })
    }
}

/// What was sealed in a version's row, opened.
#[derive(Default)]
pub(crate) struct Opened {
    /// The secret of `auth`.
    pub(crate) secret: Option<String>,
    /// The secret of `portal`.
    pub(crate) portal: Option<String>,
    /// The files of `tls`.
    pub(crate) tls: Option<Arc<TlsMaterial>>,
}

/// The place to which what is sealed of a version is bound: it opens nowhere else.
pub(crate) fn seal_context((service, version): (&str, &str), field: &str) -> String {
    format!("registry/version/{service}/{version}/{field}")
}

/// Opens what is sealed of a version's `auth` or `tls`.
pub(crate) fn open(
    keyring: &Keyring,
    version: (&str, &str),
    field: &str,
    sealed: &str,
) -> Option<String> {
    let opened = keyring.open_sealed(&seal_context(version, field), sealed).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

fn endpoints(stated: &Stated, environment: &str) -> Result<Arc<[Endpoint]>, Broken> {
    let list = stated.part("endpoints", environment).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    let read = |text| Endpoint::parse(text).map_err(|_| Broken::field("endpoints"));
    texts.map(read).collect()
}

/// How the portal is spoken to, when the version says so.
fn portal(stated: &Stated, secret: Option<&str>) -> Result<Option<PortalAccess>, Broken> {
    if stated.text("protocol") != Some("portal") {
        return Ok(None);
    }
    let text = |name| stated.part("portal", name).and_then(Value::as_str);
    let shared = |name| text(name).map(Arc::<str>::from);
    let secret =
        secret.ok_or_else(|| Broken("the secret of portal cannot be opened".to_owned()))?;
    let user = text("user").ok_or_else(|| Broken::field("portal.user"))?;
    let mut access = PortalAccess::new(user, secret);
    access.login = shared("login").unwrap_or(access.login);
    access.data = shared("data").unwrap_or(access.data);
    // A portal with one address for everything names it once.
    access.share = shared("share").unwrap_or_else(|| access.data.clone());
    access.unit = shared("unit").unwrap_or(access.unit);
    if let Some(place) = text("destination_in") {
        let place = DestinationIn::parse(place);
        access.destination_in = place.ok_or_else(|| Broken::field("portal.destination_in"))?;
    }
    if let Some(exists) = text("exists") {
        let exists = Exists::parse(exists);
        access.exists = exists.ok_or_else(|| Broken::field("portal.exists"))?;
    }
    names(stated, &mut access);
    let refused = stated.part("portal", "session_refused").and_then(Value::as_array);
    let refused = refused.into_iter().flatten().filter_map(Value::as_str);
    access.session_refused = refused.map(Arc::from).collect();
    Ok(Some(access))
}

/// The names of a portal of another spelling.
fn names(stated: &Stated, access: &mut PortalAccess) {
    let Some(stated) = stated.part("portal", "names") else { return };
    let names = &mut access.names;
    for (name, place) in [
        ("user", &mut names.user),
        ("secret", &mut names.secret),
        ("session", &mut names.session),
        ("unit", &mut names.unit),
        ("service", &mut names.service),
        ("updating", &mut names.updating),
        ("destination", &mut names.destination),
    ] {
        if let Some(text) = stated.get(name).and_then(Value::as_str) {
            *place = text.into();
        }
    }
}

/// The credential sent to a provider, as one header field ready to send.
#[derive(Clone)]
pub struct Auth {
    /// `Authorization`, or the name the provider asked for.
    pub name: HeaderName,
    /// Its value, marked as sensitive.
    pub value: HeaderValue,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Auth({})", self.name)
    }
}

impl Auth {
    fn read(stated: &Stated, secret: Option<&str>) -> Result<Option<Auth>, Broken> {
        let part = |name| stated.part("auth", name).and_then(Value::as_str);
        let (Some(kind), Some(secret)) = (part("kind"), secret) else {
            return match part("kind") {
                None | Some("none") => Ok(None),
                Some(_) => Err(Broken("the secret of auth cannot be opened".to_owned())),
            };
        };
        Auth::new(kind, part("name"), secret).ok_or_else(|| Broken::field("auth"))
    }

    /// The field for `kind` (none, header, basic, bearer); `None` when it cannot be sent. For
    /// `basic`, `name` is the user; without it the secret itself reads `user:password`.
    pub(crate) fn new(kind: &str, name: Option<&str>, secret: &str) -> Option<Option<Auth>> {
        let (name, text) = match kind {
            "none" => return Some(None),
            "header" => (HeaderName::try_from(name?).ok()?, secret.to_owned()),
            "bearer" => (http::header::AUTHORIZATION, format!("Bearer {secret}")),
            "basic" => {
                let pair = match name {
                    Some(user) => format!("{user}:{secret}"),
                    None => secret.contains(':').then(|| secret.to_owned())?,
                };
                let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                (http::header::AUTHORIZATION, format!("Basic {encoded}"))
            }
            _ => return None,
        };
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(Some(Auth { name, value }))
    }
}

/// Where a parameter stands in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A segment of the rest of the path: the first path parameter is the first segment, and so on
    /// in the order of the list.
    Path,
    /// A field of the query.
    Query,
    /// A header field.
    Header,
}

/// A declared parameter of a version.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: Arc<str>,
    /// Where it stands.
    pub place: Place,
    /// Must it be there?
    pub required: bool,
    pattern: Option<Pattern>,
}

/// A regular expression, compiled when first needed: ten thousand services declare many and use
/// few.
#[derive(Debug)]
struct Pattern {
    text: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

/// Compiles the pattern of a parameter with a limit on its size.
pub(crate) fn compile(pattern: &str) -> Option<Regex> {
    let mut builder = regex::RegexBuilder::new(pattern);
    builder.size_limit(PATTERN_BYTES_MAX).nest_limit(32).build().ok()
}

/// A compiled pattern may take this much memory.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

impl Parameter {
    /// Is `value` of the form declared? Without a pattern every value is.
    pub fn fits(&self, value: &str) -> bool {
        let Some(pattern) = &self.pattern else {
            return true;
        };
        let compiled = pattern.compiled.get_or_init(|| compile(&pattern.text));
        compiled.as_ref().is_some_and(|regex| regex.is_match(value))
    }

    fn read(value: &Value) -> Result<Parameter, Broken> {
        let text = |name| value.get(name).and_then(Value::as_str);
        let place = match text("in") {
            Some("path") => Place::Path,
            Some("query") => Place::Query,
            Some("header") => Place::Header,
            _ => return Err(Broken::field("parameters")),
        };
        Ok(Parameter {
            name: text("name").ok_or_else(|| Broken::field("parameters"))?.into(),
            place,
            required: value.get("required").and_then(Value::as_bool).unwrap_or(false),
            pattern: text("pattern")
                .map(|text| Pattern { text: text.into(), compiled: OnceLock::new() }),
        })
    }
}
