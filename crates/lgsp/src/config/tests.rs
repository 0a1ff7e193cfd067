//! Tables for the configuration: what is taken, what is refused, where and why.

use std::path::PathBuf;

use terms::fault::Language;

use super::{Config, KEYS, Origin, Source, environment_name};

fn origin(file: &str, environment: &[(&str, &str)]) -> Origin {
    Origin {
        file: (!file.is_empty()).then(|| (PathBuf::from("/etc/lgsp/lgsp.toml"), file.to_owned())),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        flags: Vec::new(),
    }
}

fn taken(file: &str, environment: &[(&str, &str)]) -> Config {
    Config::read(&origin(file, environment)).unwrap_or_else(|f| panic!("{file}: {f:?}"))
}

#[test]
fn without_a_file_the_defaults_of_the_contract_hold() {
    let config = taken("", &[]);
    assert_eq!(config.data, PathBuf::from("lgsp-data"));
    assert_eq!(config.database, "sqlite:lgsp-data/lgsp.db");
    assert_eq!(config.keyring, PathBuf::from("lgsp-data/keys/keyring.toml"));
    assert_eq!(config.journal, PathBuf::from("lgsp-data/journal"));
    let http = [config.live.http, config.trial.http, config.ops].map(|a| a.map(|a| a.to_string()));
    let expected = ["127.0.0.1:8280", "127.0.0.1:8281", "127.0.0.1:9090"];
    assert_eq!(http, expected.map(|a| Some(a.to_owned())));
    assert_eq!(config.live.https.or(config.trial.https), None, "no certificate, no HTTPS");
    assert_eq!(config.inbound.http.or(config.inbound.https), None, "inbound is off");
    assert_eq!(config.zone.iana_name(), Some("Asia/Ho_Chi_Minh"));
    assert_eq!(config.retention_months, 24);
    assert_eq!(config.in_flight_max, 4_096);
}

#[test]
fn every_key_of_the_table_is_read_and_shown_in_its_order() {
    let shown: Vec<&str> = taken("", &[]).settings().iter().map(|s| s.key).collect();
    let table: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(shown, table);
}

#[test]
fn the_manual_names_every_key_and_its_variable() {
    let manual = include_str!("../../../../docs/manual/configuration.md");
    for key in KEYS {
        let (_, last) = key.name.rsplit_once('.').unwrap();
        assert!(manual.contains(&format!("`{last}`")), "{}", key.name);
        let variable = environment_name(key.name);
        assert!(manual.contains(&format!("`{variable}`")), "{variable}");
    }
}

/// A file, an environment, and the one line they must give, in English.
type Faulty = (&'static str, &'static [(&'static str, &'static str)], &'static str);

const FAULTY: &[Faulty] = &[
    (
        "[gateway]\nin_flight_max = 1\n\n[gateway.live]\nhtpp = \"127.0.0.1:1\"\n",
        &[],
        "/etc/lgsp/lgsp.toml:5:1: unknown_key: gateway.live.htpp: there is no such key",
    ),
    (
        "[gatway]\nin_flight_max = 1\n",
        &[],
        "/etc/lgsp/lgsp.toml:1:2: unknown_key: gatway: there is no such key",
    ),
    (
        "[console]\nlisten = \"off\"\n",
        &[],
        "/etc/lgsp/lgsp.toml:1:2: unknown_key: console: there is no such key",
    ),
    ("name = \"x\"\n", &[], "/etc/lgsp/lgsp.toml:1:1: unknown_key: name: there is no such key"),
    ("platform = 1\n", &[], "/etc/lgsp/lgsp.toml:1:1: type: platform: must be a section [..]"),
    (
        "[platform]\nname = \"đường\"\nzone = 7\n",
        &[],
        "/etc/lgsp/lgsp.toml:3:8: type: platform.zone: must be a string in quotes",
    ),
    (
        "[gateway]\nin_flight_max = \"many\"\n",
        &[],
        "/etc/lgsp/lgsp.toml:2:17: type: gateway.in_flight_max: must be a whole number",
    ),
    (
        "[journal]\nretention_months = 23\n",
        &[],
        "/etc/lgsp/lgsp.toml:2:20: value: journal.retention_months: \
         must be a number from 24 to 1200",
    ),
    (
        "",
        &[("LGSP_JOURNAL_RETENTION_MONTHS", "12")],
        "LGSP_JOURNAL_RETENTION_MONTHS: value: journal.retention_months: \
         must be a number from 24 to 1200",
    ),
    (
        "",
        &[("LGSP_GATEWAY_LIFE_HTTP", "off")],
        "LGSP_GATEWAY_LIFE_HTTP: unknown_key: LGSP_GATEWAY_LIFE_HTTP: there is no such key",
    ),
    (
        "",
        &[("LGSP_OPS_LISTEN", "9090")],
        "LGSP_OPS_LISTEN: value: ops.listen: “9090” is not IP:port or off",
    ),
    (
        "[gateway]\ntrusted_proxies = [\"10.0.0.0/8\", \"10.0.0.0/33\"]\n",
        &[],
        "/etc/lgsp/lgsp.toml:2:19: value: gateway.trusted_proxies: \
         “10.0.0.0/33” is not a network (CIDR)",
    ),
    (
        "[gateway.live]\ncertificate = \"a.pem\"\n",
        &[],
        "default: missing: gateway.live.key: HTTPS needs both certificate and key",
    ),
    (
        "[gateway.trial]\nhttps = \"127.0.0.1:0\"\n",
        &[],
        "default: missing: gateway.trial.certificate: HTTPS needs both certificate and key",
    ),
    (
        "[gateway.inbound]\nhttp = \"127.0.0.1:0\"\n",
        &[],
        "default: missing: gateway.inbound.system: \
         the listener for the national side needs the system it calls in the name of",
    ),
    (
        "[gateway.facade]\ndata = [\"/mapi/g\", \"mapi/g/\"]\n",
        &[],
        "/etc/lgsp/lgsp.toml:2:8: value: gateway.facade.data: \
         “mapi/g/” is not a path like /a/b",
    ),
    (
        "[statistics]\nkeep_facts = true\n",
        &[],
        "default: missing: statistics.legal_ground: keep_facts needs a written legal ground (10 to 500 characters)",
    ),
    (
        "[statistics]\nkeep_facts = \"true\"\n",
        &[],
        "/etc/lgsp/lgsp.toml:2:14: type: statistics.keep_facts: must be true or false",
    ),
    (
        "[statistics]\nsystem = \"one-stop\"\n",
        &[],
        "default: missing: statistics.unit: the packets need the code of a unit",
    ),
    (
        "[gateway.inbound]\nhttp = \"127.0.0.1:0\"\nsystem = \"một cửa\"\n",
        &[],
        "/etc/lgsp/lgsp.toml:3:10: value: gateway.inbound.system: is not the code of a system",
    ),
    (
        "[statistics]\ncomplete_from = \"1/1/2026\"\n",
        &[],
        "/etc/lgsp/lgsp.toml:2:17: value: statistics.complete_from: must be a day like YYYY-MM-DD",
    ),
    (
        "",
        &[("LGSP_STATISTICS_KEEP_FACTS", "yes")],
        "LGSP_STATISTICS_KEEP_FACTS: value: statistics.keep_facts: must be true or false",
    ),
    (
        "[platform]\nzone = \"Asia/Hue\"\n",
        &[],
        "/etc/lgsp/lgsp.toml:2:8: value: platform.zone: there is no zone “Asia/Hue”",
    ),
    (
        "[platform]\nnode = \"nút 1\"\n",
        &[],
        "/etc/lgsp/lgsp.toml:2:8: value: platform.node: \
             takes letters, digits, - _ . only, at most 64",
    ),
    (
        "[log]\nlevel = \"loud\"\n",
        &[],
        "/etc/lgsp/lgsp.toml:2:9: value: log.level: must be error, warn, info, debug or trace",
    ),
    (
        "[database]\nurl = \"mysql://h/d\"\n",
        &[],
        "/etc/lgsp/lgsp.toml:2:7: value: database.url: must begin with sqlite: or postgres://",
    ),
];

#[test]
fn faults_name_place_key_and_reason() {
    for (file, environment, line) in FAULTY {
        let faults = Config::read(&origin(file, environment)).unwrap_err();
        let lines: Vec<String> = faults.iter().map(|f| f.line(Language::En)).collect();
        assert_eq!(lines, [(*line).to_owned()], "{file}{environment:?}");
    }
}

#[test]
fn broken_toml_and_a_key_twice_have_a_line() {
    for (file, place) in [
        ("[log]\nlevel = \"info\n", ":2:"),
        ("[log]\nlevel = \"info\"\nlevel = \"warn\"\n", ":3:1"),
        ("[log\n", ":1:"),
    ] {
        let faults = Config::read(&origin(file, &[])).unwrap_err();
        let line = faults[0].line(Language::En);
        assert_eq!(faults[0].code, "syntax", "{line}");
        assert!(line.contains(place), "{line}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let file = "[log]\nlevel = \"loud\"\ncolour = 1\n[ops]\nlisten = 1\n";
    let codes: Vec<&str> =
        Config::read(&origin(file, &[])).unwrap_err().iter().map(|f| f.code).collect();
    assert_eq!(codes, ["unknown_key", "type", "value"]);
}

#[test]
fn the_environment_wins_over_the_file_and_flags_over_both() {
    let file =
        "[ops]\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n[platform]\nname = \"A\"\n";
    let mut origin = origin(
        file,
        &[("LGSP_OPS_LISTEN", "127.0.0.1:2"), ("LGSP_LOG_LEVEL", ""), ("LGSP_TEST_X", "1")],
    );
    origin.flags = vec![("platform.name", "--name", "B".to_owned())];
    let config = Config::read(&origin).unwrap();
    let setting = |key| config.settings().iter().find(|s| s.key == key).unwrap();
    let ops = setting("ops.listen");
    assert_eq!(ops.value.as_deref(), Some("127.0.0.1:2"));
    assert_eq!(ops.source, Source::Environment("LGSP_OPS_LISTEN".to_owned()));
    let name = setting("platform.name");
    assert_eq!((name.value.as_deref(), &name.source), (Some("B"), &Source::Flag("--name".into())));
    assert_eq!(config.log, tracing::Level::INFO, "an empty variable clears");
}

#[test]
fn a_certificate_brings_https_and_paths_stand_beside_the_file() {
    let file = "[gateway.live]\ncertificate = \"tls/a.pem\"\nkey = \"/run/a.key\"\n\
                [database]\nurl = \"sqlite:x.db\"\n";
    let config = taken(file, &[]);
    assert_eq!(config.live.https.map(|a| a.port()), Some(8243));
    assert_eq!(config.live.certificate, Some(PathBuf::from("/etc/lgsp/tls/a.pem")));
    assert_eq!(config.live.key, Some(PathBuf::from("/run/a.key")));
    assert_eq!(config.database, "sqlite:/etc/lgsp/x.db");
    let off = taken(&file.replace("[gateway.live]\n", "[gateway.live]\nhttps = \"off\"\n"), &[]);
    assert_eq!(off.live.https, None);
}

#[test]
fn facts_are_kept_only_by_switch_and_ground_together() {
    let ground = "legal_ground = \"QĐ 12/2026/QĐ-UBND\"\n";
    for (switch, kept) in [
        ("", None),
        ("keep_facts = false\n", None),
        ("keep_facts = true\n", Some("QĐ 12/2026/QĐ-UBND")),
    ] {
        let config = taken(&format!("[statistics]\n{switch}{ground}"), &[]);
        let ground = config.statistics.ground().unwrap();
        assert_eq!(ground.as_ref().map(|g| g.as_str()), kept, "{switch}");
    }
}

#[test]
fn a_password_is_never_shown() {
    for (url, shown) in [
        ("postgres://lgsp:s3cret@db/lgsp", "postgres://lgsp:***@db/lgsp"),
        ("postgres://lgsp:s3@cret@db/lgsp", "postgres://lgsp:***@db/lgsp"),
        ("postgres://db/lgsp?password=s3cret", "postgres://db/lgsp?…"),
        ("postgres://lgsp@db/lgsp", "postgres://lgsp@db/lgsp"),
        ("sqlite:a.db", "sqlite:a.db"),
    ] {
        let config = taken("", &[("LGSP_DATABASE_URL", url)]);
        let setting = config.settings().iter().find(|s| s.key == "database.url").unwrap();
        assert_eq!(setting.value.as_deref(), Some(shown), "{url}");
        assert_eq!(config.database, url);
    }
}

#[test]
fn the_database_file_is_named_plainly() {
    for (url, taken_as) in [
        ("sqlite:x.db", "sqlite:x.db"),
        ("sqlite://x.db", "sqlite:x.db"),
        ("sqlite:/var/x.db", "sqlite:/var/x.db"),
        ("sqlite:///var/x.db", "sqlite:/var/x.db"),
    ] {
        assert_eq!(taken("", &[("LGSP_DATABASE_URL", url)]).database, taken_as, "{url}");
    }
    let data = taken("", &[("LGSP_PLATFORM_DATA", "/srv/lgsp")]);
    assert_eq!(data.database, "sqlite:/srv/lgsp/lgsp.db");
    assert_eq!(data.journal, PathBuf::from("/srv/lgsp/journal"));
}
