//! Raw texts become checked values; every fault names its key and its place.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use dossier::Unit;
use dossier::schedule::Rule;
use registry::network::Network;
use terms::code::SystemCode;
use terms::fault::Sentence;
use terms::limit;
use terms::portal::{DATA_PATH, LOGIN_PATH};

use super::key::KEYS;
use super::{Config, ConfigFault, Facade, Listen, Raws, Setting, Source, StatisticsSender};
use crate::host;

/// Reads each key once, collects faults, and remembers what is in effect.
pub(super) struct Reader<'a> {
    raws: &'a Raws,
    /// Folder of the file: paths written in it are relative to it.
    folder: Option<&'a Path>,
    faults: &'a mut Vec<ConfigFault>,
    settings: Vec<Setting>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        raws: &'a Raws,
        folder: Option<&'a Path>,
        faults: &'a mut Vec<ConfigFault>,
    ) -> Reader<'a> {
        Reader { raws, folder, faults, settings: Vec::new() }
    }

    pub(super) fn config(mut self) -> Config {
        let name = self.text("platform.name", "LGSP".to_owned());
        let id = self.label("platform.id", None);
        let node = self.label("platform.node", Some(host::name())).unwrap_or_default();
        let zone = self.zone();
        let data = self.path("platform.data", PathBuf::from("lgsp-data"));
        let live = self.listen("gateway.live", Some((8280, 8243)));
        let trial = self.listen("gateway.trial", Some((8281, 8244)));
        let inbound = self.listen("gateway.inbound", None);
        let inbound_system = self.inbound_system(&inbound);
        let inbound_destination = self.text_or_none("gateway.inbound.destination");
        let facade = self.facade();
        let trusted_proxies = self.networks("gateway.trusted_proxies");
        let records = u32::try_from(limit::RECORDS_MAX).unwrap_or(u32::MAX);
        let in_flight_max = self.number("gateway.in_flight_max", limit::IN_FLIGHT_MAX, 1, records);
        let threads = self.number("gateway.threads", 0, 0, 1_024) as usize;
        let ops = self.address("ops.listen", Some(loopback(9090)));
        let database = self.database(&data);
        let keyring = self.path("keyring.file", data.join("keys/keyring.toml"));
        let journal = self.path("journal.path", data.join("journal"));
        let least = limit::JOURNAL_RETENTION_MONTHS_MIN;
        let retention_months = self.number("journal.retention_months", least, least, 1_200);
        let (statistics, statistics_sender) = self.statistics(&name);
        let log = self.level();
        Config {
            name,
            id,
            node,
            zone,
            data,
            live,
            trial,
            inbound,
            inbound_system,
            inbound_destination,
            facade,
            ops,
            trusted_proxies,
            in_flight_max,
            threads,
            database,
            keyring,
            journal,
            retention_months,
            statistics,
            statistics_sender,
            log,
            settings: self.settings,
        }
    }

    /// The text in effect; an empty one counts as not set, so that a variable can be cleared.
    fn raw(&self, key: &str) -> Option<&'a str> {
        let raw = self.raws.get(key)?;
        Some(raw.text.as_str()).filter(|text| !text.is_empty())
    }

    fn source(&self, key: &str) -> Source {
        match self.raws.get(key) {
            Some(raw) if !raw.text.is_empty() => raw.source.clone(),
            _ => Source::Default,
        }
    }

    fn note(&mut self, key: &'static str, value: Option<String>) {
        debug_assert!(KEYS.iter().any(|k| k.name == key), "{key} is in the table");
        let source = self.source(key);
        self.settings.push(Setting { key, value, source });
    }

    fn fault(&mut self, key: &'static str, code: &'static str, sentence: Sentence) {
        let source = self.source(key);
        self.faults.push(ConfigFault { source, key: key.to_owned(), code, sentence });
    }

    fn text(&mut self, key: &'static str, default: String) -> String {
        let text = self.raw(key).map_or(default, str::to_owned);
        self.note(key, Some(text.clone()));
        text
    }

    fn text_or_none(&mut self, key: &'static str) -> Option<String> {
        let text = self.raw(key).map(str::to_owned);
        self.note(key, text.clone());
        text
    }

    fn path(&mut self, key: &'static str, default: PathBuf) -> PathBuf {
        let path = self.path_or_none(key).unwrap_or(default);
        self.note(key, Some(path.display().to_string()));
        path
    }

    fn path_or_none(&self, key: &str) -> Option<PathBuf> {
        let path = PathBuf::from(self.raw(key)?);
        match (self.source(key), self.folder) {
            (Source::File(..), Some(folder)) => Some(folder.join(path)),
            _ => Some(path),
        }
    }

    /// A name that fits a file name and a header.
    fn label(&mut self, key: &'static str, default: Option<String>) -> Option<String> {
        let label = self.raw(key).map(str::to_owned).or(default);
        self.note(key, label.clone());
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if label.as_ref().is_some_and(|l| l.len() > 64 || !l.bytes().all(fits)) {
            let (vi, en) = (
                "chỉ gồm chữ không dấu, số, - _ . và nhiều nhất 64 ký tự",
                "takes letters, digits, - _ . only, at most 64",
            );
            self.fault(key, "value", Sentence::new(vi, en));
        }
        label
    }

    fn zone(&mut self) -> jiff::tz::TimeZone {
        let name = self.text("platform.zone", "Asia/Ho_Chi_Minh".to_owned());
        jiff::tz::TimeZone::get(&name).unwrap_or_else(|_| {
            let sentence = Sentence::made(
                format!("không có múi giờ “{name}”"),
                format!("there is no zone “{name}”"),
            );
            self.fault("platform.zone", "value", sentence);
            jiff::tz::TimeZone::UTC
        })
    }

    fn number(&mut self, key: &'static str, default: u32, least: u32, most: u32) -> u32 {
        let number = match self.raw(key).map(|text| text.replace('_', "")) {
            None => Some(default),
            Some(text) => text.parse().ok().filter(|n| (least..=most).contains(n)),
        };
        if number.is_none() {
            let sentence = Sentence::made(
                format!("phải là số từ {least} đến {most}"),
                format!("must be a number from {least} to {most}"),
            );
            self.fault(key, "value", sentence);
        }
        let number = number.unwrap_or(default);
        self.note(key, Some(number.to_string()));
        number
    }

    fn address(&mut self, key: &'static str, default: Option<SocketAddr>) -> Option<SocketAddr> {
        let address = match self.raw(key) {
            None => default,
            Some("off") => None,
            Some(text) => {
                let address = parse_address(text);
                if address.is_none() {
                    let sentence = Sentence::made(
                        format!("“{text}” không phải IP:cổng hoặc off"),
                        format!("“{text}” is not IP:port or off"),
                    );
                    self.fault(key, "value", sentence);
                }
                address
            }
        };
        let shown = address.map_or_else(|| "off".to_owned(), |a| a.to_string());
        self.note(key, Some(shown));
        address
    }

    /// The pair of one section, with the ports it has by default, HTTP and HTTPS. HTTPS stands by
    /// itself once a certificate is configured; asked for without one, or with half of the pair, it
    /// is a fault.
    fn listen(&mut self, section: &str, ports: Option<(u16, u16)>) -> Listen {
        let [http_key, https_key, certificate_key, key_key] =
            ["http", "https", "certificate", "key"].map(|name| known(section, name));
        let http = self.address(http_key, ports.map(|(http, _)| loopback(http)));
        let certificate = self.path_or_none(certificate_key);
        let key = self.path_or_none(key_key);
        let default = ports.filter(|_| certificate.is_some()).map(|(_, https)| loopback(https));
        let https = self.address(https_key, default);
        for (key, path) in [(certificate_key, &certificate), (key_key, &key)] {
            self.note(key, path.as_ref().map(|p| p.display().to_string()));
        }
        match (&certificate, &key) {
            (None, Some(_)) => self.incomplete(certificate_key),
            (Some(_), None) => self.incomplete(key_key),
            (None, None) if https.is_some() => self.incomplete(certificate_key),
            _ => {}
        }
        Listen { http, https, certificate, key }
    }

    fn incomplete(&mut self, key: &'static str) {
        let (vi, en) = ("HTTPS cần cả certificate và key", "HTTPS needs both certificate and key");
        self.fault(key, "missing", Sentence::new(vi, en));
    }

    /// Whoever calls from the national side calls in the name of a registered system.
    fn inbound_system(&mut self, inbound: &Listen) -> Option<SystemCode> {
        let key = "gateway.inbound.system";
        let system = self.system(key);
        if self.raw(key).is_none() && inbound.http.or(inbound.https).is_some() {
            let (vi, en) = (
                "cổng nhận từ phía quốc gia cần mã hệ thống đứng tên",
                "the listener for the national side needs the system it calls in the name of",
            );
            self.fault(key, "missing", Sentence::new(vi, en));
        }
        system
    }

    fn facade(&mut self) -> Facade {
        Facade {
            login: self.paths("gateway.facade.login", LOGIN_PATH),
            data: self.paths("gateway.facade.data", DATA_PATH),
            packet: self.paths("gateway.facade.packet", ""),
            destination: self.text_or_none("gateway.facade.destination"),
        }
    }

    /// Paths of an address, each beginning with `/`, none ending with it.
    fn paths(&mut self, key: &'static str, default: &str) -> Vec<String> {
        let texts = self.raw(key).unwrap_or(default).split(',').map(str::trim);
        let paths: Vec<String> = texts.filter(|text| !text.is_empty()).map(str::to_owned).collect();
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
        for path in &paths {
            let whole = path.starts_with('/') && !path.ends_with('/') && !path.contains("//");
            if !(whole && path.bytes().all(fits)) {
                let sentence = Sentence::made(
                    format!("“{path}” không phải đường dẫn dạng /a/b"),
                    format!("“{path}” is not a path like /a/b"),
                );
                self.fault(key, "value", sentence);
            }
        }
        self.note(key, Some(paths.join(",")).filter(|text| !text.is_empty()));
        paths
    }

    /// The switch demands a written ground; the ground alone switches nothing on.
    fn statistics(&mut self, name: &str) -> (dossier::Config, Option<StatisticsSender>) {
        let (switch, ground) = ("statistics.keep_facts", "statistics.legal_ground");
        let text = self.text(switch, "false".to_owned());
        if !matches!(text.as_str(), "true" | "false") {
            let (vi, en) = ("phải là true hoặc false", "must be true or false");
            self.fault(switch, "value", Sentence::new(vi, en));
        }
        let legal_ground = self.text_or_none(ground);
        let complete_from = self.date("statistics.complete_from");
        let sender = self.statistics_sender(name);
        let day = self.number("statistics.packet_day", 2, 1, 28);
        let hour = self.number("statistics.packet_hour", 6, 0, 23);
        let rule = u8::try_from(day).ok().zip(u8::try_from(hour).ok());
        let config = dossier::Config {
            keep_facts: text == "true",
            legal_ground,
            complete_from,
            packets: rule.and_then(|(day, hour)| Rule::new(day, hour)).unwrap_or_default(),
        };
        if config.ground().is_err() {
            let (vi, en) = (
                "keep_facts cần căn cứ pháp lý bằng văn bản (10 đến 500 ký tự)",
                "keep_facts needs a written legal ground (10 to 500 characters)",
            );
            self.fault(ground, "missing", Sentence::new(vi, en));
        }
        (config, sender)
    }

    fn statistics_sender(&mut self, name: &str) -> Option<StatisticsSender> {
        let system = self.system("statistics.system");
        let unit = self.text_or_none("statistics.unit");
        let unit_name = self.text("statistics.unit_name", name.to_owned());
        if system.is_some() && unit.is_none() {
            let (vi, en) = ("gói thống kê cần mã đơn vị", "the packets need the code of a unit");
            self.fault("statistics.unit", "missing", Sentence::new(vi, en));
        }
        Some(StatisticsSender { system: system?, unit: Unit { code: unit?, name: unit_name } })
    }

    /// The code of a registered system.
    fn system(&mut self, key: &'static str) -> Option<SystemCode> {
        let system = self.text_or_none(key).map(|text| SystemCode::parse(&text));
        if matches!(system, Some(Err(_))) {
            let (vi, en) = ("không phải mã hệ thống", "is not the code of a system");
            self.fault(key, "value", Sentence::new(vi, en));
        }
        system?.ok()
    }

    fn date(&mut self, key: &'static str) -> Option<jiff::civil::Date> {
        let text = self.text_or_none(key)?;
        let date = text.parse().ok();
        if date.is_none() {
            let (vi, en) = ("phải là ngày YYYY-MM-DD", "must be a day like YYYY-MM-DD");
            self.fault(key, "value", Sentence::new(vi, en));
        }
        date
    }

    fn networks(&mut self, key: &'static str) -> Vec<Network> {
        let texts = self.raw(key).unwrap_or("").split(',').map(str::trim);
        let mut networks = Vec::new();
        for text in texts.filter(|text| !text.is_empty()) {
            match Network::parse(text) {
                Some(network) => networks.push(network),
                None => {
                    let sentence = Sentence::made(
                        format!("“{text}” không phải địa chỉ mạng (CIDR)"),
                        format!("“{text}” is not a network (CIDR)"),
                    );
                    self.fault(key, "value", sentence);
                }
            }
        }
        let shown = networks.iter().map(Network::to_string).collect::<Vec<_>>().join(",");
        self.note(key, Some(shown).filter(|text| !text.is_empty()));
        networks
    }

    fn database(&mut self, data: &Path) -> String {
        let key = "database.url";
        let url = match self.raw(key) {
            None => format!("sqlite:{}", data.join("lgsp.db").display()),
            Some(url) => self.rooted(url),
        };
        let known = ["sqlite:", "postgres://", "postgresql://"];
        if !known.iter().any(|scheme| url.starts_with(scheme)) {
            let (vi, en) = (
                "phải bắt đầu bằng sqlite: hoặc postgres://",
                "must begin with sqlite: or postgres://",
            );
            self.fault(key, "value", Sentence::new(vi, en));
        }
        self.note(key, Some(masked(&url)));
        url
    }

    /// A relative SQLite path in the file is relative to the file, as any path there.
    fn rooted(&self, url: &str) -> String {
        let path = url.strip_prefix("sqlite:").map(|p| p.trim_start_matches("//"));
        match (path, self.source("database.url"), self.folder) {
            (Some(_), _, _) if url.starts_with("sqlite:///") => {
                format!("sqlite:/{}", url["sqlite:///".len()..].trim_start_matches('/'))
            }
            (Some(path), Source::File(..), Some(folder)) => {
                format!("sqlite:{}", folder.join(path).display())
            }
            (Some(path), _, _) => format!("sqlite:{path}"),
            (None, _, _) => url.to_owned(),
        }
    }

    fn level(&mut self) -> tracing::Level {
        let text = self.text("log.level", "info".to_owned());
        match text.as_str() {
            "error" => tracing::Level::ERROR,
            "warn" => tracing::Level::WARN,
            "info" => tracing::Level::INFO,
            "debug" => tracing::Level::DEBUG,
            "trace" => tracing::Level::TRACE,
            _ => {
                let (vi, en) = (
                    "phải là error, warn, info, debug hoặc trace",
                    "must be error, warn, info, debug or trace",
                );
                self.fault("log.level", "value", Sentence::new(vi, en));
                tracing::Level::INFO
            }
        }
    }
}

/// The table's own text of a key: settings and faults live as long as the table.
fn known(section: &str, name: &str) -> &'static str {
    let full = format!("{section}.{name}");
    let key = KEYS.iter().find(|key| key.name == full);
    key.map_or("", |key| key.name)
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// `127.0.0.1:8280`, `[::1]:8280`, `localhost:8280`.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let port = |text: &str| text.parse().ok().map(loopback);
    match text.strip_prefix("localhost:") {
        Some(rest) => port(rest),
        None => text.parse().ok(),
    }
}

/// The URL without its password, and without parameters, which may hold one too.
pub(crate) fn masked(url: &str) -> String {
    let url = match url.split_once('?') {
        Some((plain, _)) if !plain.starts_with("sqlite:") => format!("{plain}?…"),
        _ => url.to_owned(),
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return url;
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let Some(at) = rest[..end].rfind('@') else {
        return url;
    };
    match rest[..at].split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:***@{}", &rest[at + 1..]),
        None => url,
    }
}
