//! What is exported applies unchanged, on the same database and on an empty one.

use proptest::prelude::*;

use crate::export;
use crate::tests::world::{PROVINCE, World};

/// One registry out of a small alphabet of odd values, as a file.
fn registry() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("\"a: b #c\"".to_owned()),
        Just("\"null\"".to_owned()),
        Just("'it''s \"so\" \\ {x}'".to_owned()),
        Just("Sở Nội vụ".to_owned()),
        Just("1.0".to_owned()),
        Just("\"- x\"".to_owned()),
        "[a-zA-Z0-9 ]{0,20}[a-z]".prop_map(|text| format!("\"{text}\"")),
    ];
    let version = (
        prop_oneof![Just("trial"), Just("published"), Just("superseded"), Just("retired")],
        prop_oneof![Just("~"), Just("20s"), Just("1500ms"), Just("5m")],
        prop_oneof![Just("~"), Just("[GET]"), Just("[PUT, DELETE]")],
        prop_oneof![Just("~"), Just("64KiB"), Just("123"), Just("32MiB")],
        any::<bool>(),
        prop_oneof![Just("[]"), Just("[{ name: a, in: path, pattern: '^\\d{2}[\"\\\\]$' }]")],
    );
    let portal = prop_oneof![
        Just("~"),
        Just("{ user: \"u: #\", secret: \"env:LAND_KEY\", data: \"/g?a=[b]\", exists: update }"),
        Just(
            "{ user: u, secret: \"env:LAND_KEY\", login: /mapi/login, destination_in: query, names: { unit: MaDonVi, user: username }, session_refused: [\"-2\", \"no: #\"] }"
        ),
    ];
    let version = (version, portal);
    let facade = (
        prop_oneof![Just("~"), Just("[DongBoHoSoMC]"), Just("[on, \"1.0\", LayThuTuc]")],
        prop_oneof![Just("report"), Just("refuse"), Just("strict")],
    );
    let subscription = (
        prop_oneof![Just("~"), Just("10/s"), Just("600/min")],
        prop_oneof![Just("mon-fri"), Just("sat,mon"), Just("mon-sun")],
        prop_oneof![Just("22:00-06:00"), Just("00:00-24:00"), Just("07:30-11:30")],
        prop_oneof![Just("active"), Just("suspended"), Just("cancelled")],
    );
    let subscription = (subscription, facade);
    let service = (
        prop_oneof![Just("~"), Just("VN:GOV:000.00.00.G22:x"), Just("VN/GOV/a?b=(c)")],
        prop_oneof![Just("~"), Just("statistics")],
        prop_oneof![Just("~"), Just("modern"), Just("legacy")],
    );
    let all = (name, service, prop::collection::vec((version, subscription), 1..4));
    all.prop_map(|(name, (destination, role, errors), versions)| {
        let mut text = format!(
            "members: [{{ code: H01, name: {name}, contact: {{ name: {name} }} }}]\n\
             systems: [{{ code: s, member: H01, name: {name}, errors: {errors} }}]\n\
             services:\n- code: t\n  provider: H01\n  name: {name}\n  context: /t/u\n  \
             destination: {destination}\n  role: {role}\n  versions:\n"
        );
        for (number, (version, _)) in versions.iter().enumerate() {
            let ((state, timeout, methods, body, flag, parameters), portal) = version;
            let protocol = if *portal == "~" { "rest" } else { "portal" };
            text.push_str(&format!(
                "  - {{ version: {number}.0, aliases: [v{number}], state: {state}, timeout: \
                 {timeout}, methods: {methods}, body_max: {body}, bulk: {flag}, parameters: \
                 {parameters}, protocol: {protocol}, portal: {portal}, endpoints: {{ live: [\"http://h:1/b\"] }} }}\n"
            ));
        }
        text.push_str("subscriptions:\n");
        for (number, (_, (subscription, facade))) in versions.iter().enumerate() {
            let ((rate, days, hours, state), (operations, packets)) = (subscription, facade);
            text.push_str(&format!(
                "- {{ system: s, service: t, version: {number}.0, environment: live, rate: {rate}, \
                 days: \"{days}\", hours: \"{hours}\", state: {state}, until: 2027-12-31, \
                 operations: {operations}, packets: {packets} }}\n"
            ));
        }
        text.push_str("- { system: s, service: thong-ke, version: 1.0, environment: live }\n");
        text
    })
}

#[test]
fn an_export_applies_unchanged() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // A failure prints its seed and the smallest registry that shows it.
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() };
    proptest!(config, |(text in registry())| {
        runtime.block_on(async {
            let world = World::sqlite().await;
            world.apply(&text).await;
            let exported = export(&world.store).await.unwrap();
            let again = world.apply(&exported).await;
            assert!(again.iter().all(|c| c["change"] == "unchanged"), "{exported}\n{again:?}");
            let empty = World::sqlite().await;
            empty.apply(&exported).await;
            assert_eq!(export(&empty.store).await.unwrap(), exported, "stable");
        });
    });
}

#[tokio::test]
async fn the_province_is_exported_sorted_and_without_secrets() {
    for world in World::engines().await {
        let text = format!("{PROVINCE}credentials: [{{ system: one-stop, environment: live }}]");
        let issued = world.apply(&text).await;
        let secret = issued.last().unwrap()["secret_key"].as_str().unwrap().to_owned();
        let exported = export(&world.store).await.unwrap();
        let expected = "format: 1
members:
  - { code: \"H01.009\", name: \"Sở Nội vụ\", contact: { name: \"An\", email: \"an@example.vn\" } }
  - { code: \"H01.013\", aliases: [\"000.00.13.H01\"], name: \"Sở NN&MT\", parent: \"H01\" }
systems:
  - { code: one-stop, member: \"H01.009\", name: \"Một cửa\", addresses: [\"10.1.0.0/16\"] }
services:
  - code: tra-cuu
    provider: \"H01.013\"
    name: \"Tra cứu đất đai\"
    context: \"/datdai\"
    versions:
      - version: \"1.0\"
        aliases: [\"1.0.0\", v1]
        methods: [\"GET\", \"POST\"]
        endpoints: { trial: [\"http://127.0.0.1:9101\"], live: [\"http://127.0.0.1:9101/base\"] }
        auth: { kind: header, name: \"ApiKey\", secret: \"env:LAND_KEY\" }
        parameters: [{ name: maThua, in: query, required: true, pattern: \"^[0-9]{1,10}$\" }]
      - version: \"2.0\"
        state: trial
        endpoints: { trial: [\"http://127.0.0.1:9101\"], live: [\"http://127.0.0.1:9101\"] }
subscriptions:
  - { system: one-stop, service: tra-cuu, version: \"1.0\", environment: live, methods: [\"GET\"], rate: \"600/min\" }
credentials:
  - { system: one-stop, environment: live }
";
        assert_eq!(exported, expected);
        assert!(!exported.contains(&secret));
        assert!(world.apply(&exported).await.iter().all(|c| c["change"] == "unchanged"));
    }
}

/// The page that tells officers and vendors of the format.
const PAGE: &str = include_str!("../../../../docs/protocol/registry.md");

#[tokio::test]
async fn the_documented_example_applies_and_comes_back() {
    let (_, rest) = PAGE.split_once("```yaml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    for mut world in World::engines().await {
        world.variables.insert("PORTAL_PASSWORD".to_owned(), "p".to_owned());
        world.apply(example).await;
        assert!(world.apply(example).await.iter().all(|c| c["change"] == "unchanged"));
        let exported = export(&world.store).await.unwrap();
        assert!(world.apply(&exported).await.iter().all(|c| c["change"] == "unchanged"));
        for line in [
            "destination: \"VN:GOV:000.00.00.G22:vpcpdvcprovider\"",
            "role: statistics",
            "protocol: portal",
            // What stands at its default is not printed.
            "portal: { share: \"/mapi/g\", user: \"000.00.13.H01\", secret: \"env:PORTAL_PASSWORD\", unit: \"000.00.13.H01\", session_refused: [\"-2\"] }",
            "service: thong-ke, version: \"1.0\"",
            "operations: [\"DongBoHoSoMC\", \"LayThuTuc\"]",
        ] {
            assert!(exported.contains(line), "{line}\n{exported}");
        }
        assert!(!exported.contains("code: thong-ke"), "the platform's own service is not exported");
    }
}
