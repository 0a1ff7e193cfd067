//! Builds a registry of 10,000 services and 100,000 subscriptions and prints what it costs:
//! `cargo run --release -p registry --example scale`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement run by hand")]

use std::fmt::Write as _;
use std::time::Instant;

use access::credential::Issuer;
use jiff::tz::TimeZone;
use keyring::Keyring;
use registry::{Applying, Registry, apply, file};
use store::{Config, Store};
use terms::clock::Clock;
use terms::environment::Environment;
use terms::random::Random;

const SERVICES: usize = 10_000;
const SYSTEMS: usize = 1_000;
const SUBSCRIPTIONS_A_SERVICE: usize = 10;

fn province() -> String {
    let mut text = String::from("members:\n- { code: H01, name: Tỉnh }\nsystems:\n");
    for system in 0..SYSTEMS {
        let _ = writeln!(text, "- {{ code: sys-{system}, member: H01, name: Hệ thống {system} }}");
    }
    text.push_str("services:\n");
    for service in 0..SERVICES {
        let _ = writeln!(
            text,
            "- code: svc-{service}\n  provider: H01\n  name: Dịch vụ {service}\n  context: \
             /linh-vuc/{service}\n  versions:\n  - version: \"1.0\"\n    aliases: [v1]\n    \
             endpoints: {{ live: [\"http://127.0.0.1:9101/base\"] }}\n    parameters: [{{ name: \
             id, in: query, pattern: \"^[0-9]{{1,12}}$\" }}]"
        );
    }
    text.push_str("subscriptions:\n");
    for service in 0..SERVICES {
        for number in 0..SUBSCRIPTIONS_A_SERVICE {
            let system = (service + number * 97) % SYSTEMS;
            let _ = writeln!(
                text,
                "- {{ system: sys-{system}, service: svc-{service}, version: \"1.0\", environment: \
                 live, methods: [GET], rate: 600/min, hours: \"07:00-18:00\", until: 2027-12-31 }}"
            );
        }
    }
    text
}

/// Resident memory of this process and its highest so far, MiB.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name)).unwrap_or_default();
        let kib = line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok());
        kib.unwrap_or(0) / 1024
    };
    format!("resident {} MiB, highest {} MiB", line("VmRSS:"), line("VmHWM:"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let clock = Clock::system();
    let random = Random::system();
    let folder = std::env::args().nth(1);
    let load_only = folder.is_some();
    let scratch = tempfile::tempdir().unwrap();
    let folder = folder.map_or_else(|| scratch.path().to_owned(), std::path::PathBuf::from);
    let keyring = Keyring::open(&folder.join("keyring.toml"), &clock, &random).unwrap();
    let store =
        Store::open(&Config { url: format!("sqlite:{}/lgsp.db", folder.display()) }).await.unwrap();
    if !load_only || !folder.join("built").exists() {
        build(&store, &keyring, &clock, &random).await;
        std::fs::write(folder.join("built"), "").unwrap();
    }
    let begun: Instant = clock.instant();
    let registry = Registry::open(store, keyring, clock.clone()).await.unwrap();
    println!("load: {:?}; {}", begun.elapsed(), memory());
    let catalogue = registry.current();
    assert_eq!(catalogue.subscriptions().count(), SERVICES * SUBSCRIPTIONS_A_SERVICE);
    let begun = clock.instant();
    let mut found = 0_u32;
    for round in 0..1_000_000_usize {
        let path = ["/linh-vuc/77/v1/x", "/linh-vuc/9999/1.0", "/linh-vuc/none/1.0"][round % 3];
        found += u32::from(catalogue.route(Environment::Live, path).is_some());
    }
    println!("route: {:?} each; {found} found", begun.elapsed() / 1_000_000);
}

async fn build(store: &Store, keyring: &Keyring, clock: &Clock, random: &Random) {
    let text = province();
    let begun = clock.instant();
    let entries = file::read(&[("scale.yaml", &text)]);
    println!("read: {:?}; {} MiB, {} entries", begun.elapsed(), text.len() >> 20, entries.len());
    let issuer = Issuer::new(keyring.clone(), clock.clone(), random.clone());
    let on = Applying {
        store,
        keyring,
        issuer: &issuer,
        clock,
        random,
        zone: &TimeZone::UTC,
        variable: &|_| None,
        actor: "cli:scale",
        dry_run: false,
    };
    for round in ["apply", "apply again"] {
        let begun = clock.instant();
        let changes = apply(&on, &entries).await.unwrap_or_else(|error| panic!("{error:?}"));
        println!("{round}: {:?}; {} lines; {}", begun.elapsed(), changes.len(), memory());
    }
}
