//! The configuration: one table of keys, read from `lgsp.toml`, the environment and the flags.

mod file;
mod key;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use registry::network::Network;
use terms::code::SystemCode;
use terms::fault::{Language, Sentence};

use crate::host;
pub use key::{KEYS, Key};
use value::Reader;

/// What the program runs by: every value checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of this installation, for people.
    pub name: String,
    /// By which other platforms know this one (`Via`): unique among them. `None` takes it from the
    /// keyring, which is the same on all nodes and nowhere else.
    pub id: Option<String>,
    /// Name of this node in journal rows.
    pub node: String,
    /// Zone of calendar days: quotas, windows, dates on the command line.
    pub zone: jiff::tz::TimeZone,
    /// Folder of everything that is kept.
    pub data: PathBuf,
    /// Listeners of the live environment.
    pub live: Listen,
    /// Listeners of the trial environment.
    pub trial: Listen,
    /// Listeners for calls of the national side; off unless asked for.
    pub inbound: Listen,
    /// In whose name the national side calls; set whenever `inbound` listens.
    pub inbound_system: Option<SystemCode>,
    /// Destination code of inbound calls that bring none.
    pub inbound_destination: Option<String>,
    /// The paths of the façades.
    pub facade: Facade,
    /// Health and metrics; `None` when switched off.
    pub ops: Option<SocketAddr>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Calls in flight on this node.
    pub in_flight_max: u32,
    /// Threads of the data plane; 0 is one a core.
    pub threads: usize,
    /// `sqlite:PATH` or `postgres://…`; holds a password in the second form.
    pub database: String,
    /// The keyring's file.
    pub keyring: PathBuf,
    /// Folder of the journal's segments.
    pub journal: PathBuf,
    /// Months for which the journal is kept.
    pub retention_months: u32,
    /// Whether facts of each dossier are kept for statistics, on what ground, and when month and
    /// year packets leave.
    pub statistics: dossier::Config,
    /// In whose name, and for which unit, those packets are sent; `None` when they are not.
    pub statistics_sender: Option<StatisticsSender>,
    /// Least level of log lines.
    pub log: tracing::Level,
    settings: Vec<Setting>,
}

/// A listener pair: of one environment, or for calls of the national side.
#[derive(Clone, Debug, Default)]
pub struct Listen {
    /// Plain HTTP; `None` when switched off.
    pub http: Option<SocketAddr>,
    /// HTTPS; `None` when switched off or without a certificate.
    pub https: Option<SocketAddr>,
    /// Certificate chain (PEM).
    pub certificate: Option<PathBuf>,
    /// Private key of the certificate (PEM).
    pub key: Option<PathBuf>,
}

/// Paths by which real systems speak to the platform, beside plain calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facade {
    /// Session logins.
    pub login: Vec<String>,
    /// Data calls that name their operation in the body.
    pub data: Vec<String>,
    /// Prefixes of a path a packet, besides `/packets`.
    pub packet: Vec<String>,
    /// Destination code of calls that bring none.
    pub destination: Option<String>,
}

/// Who sends the month and year packets of statistics.
#[derive(Clone, Debug)]
pub struct StatisticsSender {
    /// The registered system; it subscribes to the portal.
    pub system: SystemCode,
    /// The unit of the figures.
    pub unit: dossier::Unit,
}

/// One key with its value in effect and where that came from.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key, `section.key`.
    pub key: &'static str,
    /// Its value as text, without secrets; `None` when nothing is set.
    pub value: Option<String>,
    /// Where it came from.
    pub source: Source,
}

/// Where a value came from; a later one wins over an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// `lgsp.toml`, this line and column.
    File(PathBuf, usize, usize),
    /// This environment variable.
    Environment(String),
    /// This flag of the command line.
    Flag(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File(path, line, column) => write!(f, "{}:{line}:{column}", path.display()),
            Source::Environment(name) => f.write_str(name),
            Source::Flag(name) => f.write_str(name),
        }
    }
}

/// What is wrong with the configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// Where it stands.
    pub source: Source,
    /// The key in question; empty when the file cannot be read at all.
    pub key: String,
    /// `unknown_key`, `syntax`, `type`, `value` or `missing`.
    pub code: &'static str,
    /// What is wrong.
    pub sentence: Sentence,
}

impl ConfigFault {
    /// One line: `PLACE: code: key: text`.
    pub fn line(&self, language: Language) -> String {
        let key = if self.key.is_empty() { String::new() } else { format!("{}: ", self.key) };
        let text = self.sentence.text(language);
        format!("{}: {}: {key}{text}", self.source, self.code)
    }
}

/// A raw value on its way to being checked.
#[derive(Clone, Debug)]
struct Raw {
    text: String,
    source: Source,
}

/// Raw values by key.
type Raws = BTreeMap<&'static str, Raw>;

/// What the configuration is read from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The file's path and text, when there is one.
    pub file: Option<(PathBuf, String)>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// Flags: key, flag, value.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

impl Config {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// All faults that were found, in the order of the table of keys.
    pub fn read(origin: &Origin) -> Result<Config, Vec<ConfigFault>> {
        let mut faults = Vec::new();
        let mut raws = Raws::new();
        if let Some((path, text)) = &origin.file {
            file::read(path, text, &mut raws, &mut faults);
        }
        read_environment(&origin.environment, &mut raws, &mut faults);
        for (key, flag, value) in &origin.flags {
            let source = Source::Flag((*flag).to_owned());
            raws.insert(key, Raw { text: value.clone(), source });
        }
        let folder = origin.file.as_ref().and_then(|(path, _)| path.parent());
        let config = Reader::new(&raws, folder, &mut faults).config();
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }

    /// Every key with its value and where it came from, in the order of the table; no secrets.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }
}

/// The name of a key in the environment: `LGSP_GATEWAY_LIVE_HTTP`.
pub fn environment_name(key: &str) -> String {
    format!("LGSP_{}", key.replace('.', "_").to_uppercase())
}

/// Takes the variables that name a key. One that begins like a section of ours but names no key is
/// a fault, as in the file; other `LGSP_…` names belong to somebody else (a test, an orchestrator).
fn read_environment(
    variables: &[(String, String)],
    raws: &mut Raws,
    faults: &mut Vec<ConfigFault>,
) {
    for (name, value) in variables {
        if !name.starts_with("LGSP_") {
            continue;
        }
        let source = Source::Environment(name.clone());
        if let Some(key) = KEYS.iter().find(|k| environment_name(k.name) == *name) {
            let text = value.clone();
            raws.insert(key.name, Raw { text, source });
        } else if key::sections().any(|s| name.starts_with(&(environment_name(s) + "_"))) {
            faults.push(ConfigFault {
                source,
                key: name.clone(),
                code: "unknown_key",
                sentence: Sentence::new("không có khóa cấu hình này", "there is no such key"),
            });
        }
    }
}

/// The file to read: the one named, else `lgsp.toml` in the working folder when it is there.
pub fn choose_file(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(path) => Some(path.to_owned()),
        None => Some(PathBuf::from("lgsp.toml")).filter(|path| path.is_file()),
    }
}

/// The environment of this process; names and values that are not UTF-8 are left out.
#[allow(clippy::disallowed_methods, reason = "the one home of reading the environment")]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Who runs this process, for the audit's `cli:USER`: the system's name of its user; under `sudo`
/// the one who called it.
pub fn user() -> String {
    let uid = host::uid();
    let caller = environment().into_iter().find(|(name, _)| name == "SUDO_USER");
    let user = match caller {
        Some((_, caller)) if uid == Some(0) => Some(caller),
        _ => uid.and_then(host::user_name),
    };
    let fits = |c: &char| !c.is_control() && !c.is_whitespace();
    let user: String = user.unwrap_or_default().chars().filter(fits).take(64).collect();
    match (user.is_empty(), uid) {
        (false, _) => user,
        (true, Some(uid)) => format!("uid-{uid}"),
        (true, None) => "unknown".to_owned(),
    }
}
