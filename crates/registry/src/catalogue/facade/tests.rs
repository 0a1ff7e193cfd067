//! What façades find in the catalogue, and what is granted to them.

use std::cmp::Ordering;
use std::sync::atomic;

use store::testing;
use terms::code::{ServiceCode, SystemCode};
use terms::environment::Environment::{self, Live, Trial};
use terms::portal::{DestinationIn, Exists, PortalNames};

use crate::catalogue::Catalogue;
use crate::catalogue::facade::name_order;
use crate::service::STATISTICS;
use crate::system::Errors;
use crate::tests::world::{PROVINCE, World};

/// The national portal as a provider, two one-stop systems that give figures, and who may call.
const PORTAL: &str = "
systems:
  - { code: old-app, member: H01.009, errors: legacy }
services:
  - code: cong-dvc
    provider: H01.013
    context: /dvcqg
    destination: VN:GOV:000.00.00.G22:vpcpdvcprovider
    versions:
      - version: \"1.4\"
        protocol: portal
        endpoints: { live: [\"http://127.0.0.1:9301\"], trial: [\"http://127.0.0.1:9301\"] }
        portal: { user: 000.00.00.H01, secret: \"env:LAND_KEY\" }
  - code: mot-cua-1
    provider: H01.009
    context: /mc1
    role: statistics
    versions:
      - { version: \"1.9\", endpoints: { live: [\"http://h\"], trial: [\"http://h\"] } }
      - { version: \"1.10\", endpoints: { live: [\"http://h\"] } }
  - code: mot-cua-2
    provider: H01.009
    context: /mc2
    role: statistics
    versions: [ { version: v1, endpoints: { live: [\"http://h\"] } } ]
subscriptions:
  - { system: one-stop, service: cong-dvc, version: \"1.4\", environment: live, operations: [DongBoHoSoMC, LayThuTuc], packets: strict, methods: [GET] }
  - { system: old-app, service: cong-dvc, version: \"1.4\", environment: live }
  - { system: old-app, service: thong-ke, version: \"1.0\", environment: live, rate: 60/min }
";

async fn province() -> World {
    let world = World::sqlite().await;
    world.apply(PROVINCE).await;
    world.apply(PORTAL).await;
    world
}

/// The version that a façade of `system` means, and whether `operation` of it is granted.
fn granted(
    catalogue: &Catalogue,
    (system, environment): (&str, Environment),
    service: &str,
    operation: Option<&str>,
) -> String {
    let system = SystemCode::known(system);
    let service = catalogue.service(&ServiceCode::known(service)).expect("a service");
    let Some(version) = catalogue.newest_of(&system, service, environment) else {
        return "none".to_owned();
    };
    let grant = catalogue.grant_operation_to(&system, environment, service, version, operation);
    match grant {
        Ok(grant) => format!("{} {}", version.name, grant.subscription().packets),
        Err(fault) => format!("{} {}", version.name, fault.code),
    }
}

#[tokio::test]
async fn an_operation_is_granted_by_its_name_in_any_case() {
    let world = province().await;
    let registry = world.registry().await;
    let (one_stop, old_app) = (("one-stop", Live), ("old-app", Live));
    let table = [
        (one_stop, Some("DongBoHoSoMC"), "1.4 strict"),
        (one_stop, Some("dongbohosomc"), "1.4 strict"),
        (one_stop, Some("LayThuTuc"), "1.4 strict"),
        (one_stop, Some("DongBoHoSo"), "1.4 not_subscribed"),
        (one_stop, Some("DongBoHoSoMC "), "1.4 not_subscribed"),
        (one_stop, Some(""), "1.4 not_subscribed"),
        (one_stop, None, "1.4 strict"),
        (old_app, Some("DongBoHoSo"), "1.4 report"),
        (old_app, None, "1.4 report"),
        (("one-stop", Trial), Some("LayThuTuc"), "none"),
        (("nobody", Live), Some("LayThuTuc"), "none"),
    ];
    for (caller, operation, expected) in table {
        let found = granted(&registry.current(), caller, "cong-dvc", operation);
        assert_eq!(found, expected, "{caller:?} {operation:?}");
    }
    let key = "system: one-stop, service: cong-dvc, version: 1.4, environment: live";
    let version = |state: &str| {
        format!("services: [{{ code: cong-dvc, versions: [{{ version: 1.4, {state} }}] }}]")
    };
    let steps = [
        (format!("subscriptions: [{{ {key}, operations: [TraCuuHoSo] }}]"), "1.4 not_subscribed"),
        (format!("subscriptions: [{{ {key}, operations: ~, packets: ~ }}]"), "1.4 report"),
        (version("state: retired"), "1.4 version_retired"),
        (version("state: superseded"), "1.4 report"),
        (version("state: trial"), "none"),
        (version("state: ~"), "1.4 report"),
        (version("endpoints: { live: ~ }"), "none"),
        (version("endpoints: { live: [\"http://h\"] }"), "1.4 report"),
        ("systems: [{ code: one-stop, state: stopped }]".to_owned(), "1.4 token_invalid"),
        ("systems: [{ code: one-stop, state: ~ }]".to_owned(), "1.4 report"),
        (format!("subscriptions: [{{ {key}, state: suspended }}]"), "none"),
    ];
    for (text, expected) in steps {
        world.apply(&text).await;
        registry.refresh().await.unwrap();
        let found = granted(&registry.current(), one_stop, "cong-dvc", Some("LayThuTuc"));
        assert_eq!(found, expected, "{text}");
    }
}

#[tokio::test]
async fn the_newest_version_is_the_newest_published_one_subscribed_to() {
    let world = province().await;
    let versions: Vec<String> = ["1.9", "1.10", "2.0", "0.5"]
        .map(|name| {
            format!("{{ version: \"{name}\", endpoints: {{ live: [\"http://h\"], trial: [\"http://h\"] }} }}")
        })
        .into();
    let versions = versions.join(", ");
    world
        .apply(&format!(
            "services: [{{ code: s, provider: H01.013, context: /s, versions: [{versions}] }}]"
        ))
        .await;
    let registry = world.registry().await;
    let subscribe = |version: &str, state: &str| {
        format!(
            "subscriptions: [{{ system: one-stop, service: s, version: \"{version}\", \
             environment: trial, state: {state} }}]"
        )
    };
    let version = |name: &str, state: &str| {
        format!("services: [{{ code: s, versions: [{{ version: \"{name}\", state: {state} }}] }}]")
    };
    let steps = [
        (subscribe("1.9", "active"), "1.9"),
        (subscribe("0.5", "active"), "1.9"),
        (subscribe("1.10", "active"), "1.10"),
        (subscribe("1.10", "suspended"), "1.9"),
        (subscribe("1.10", "active"), "1.10"),
        (version("1.10", "superseded"), "1.9"),
        (version("1.9", "superseded"), "0.5"),
        (version("0.5", "retired"), "1.10"),
        (version("1.9", "trial"), "1.10"),
        (version("1.10", "retired"), "1.9"),
        (version("1.9", "retired"), "1.10"),
    ];
    let (system, service) = (SystemCode::known("one-stop"), ServiceCode::known("s"));
    for (text, expected) in steps {
        world.apply(&text).await;
        registry.refresh().await.unwrap();
        let catalogue = registry.current();
        let service = catalogue.service(&service).unwrap();
        let newest = catalogue.newest_of(&system, service, Trial);
        assert_eq!(newest.map(|v| v.name.as_str()), Some(expected), "{text}");
        assert!(catalogue.newest_of(&system, service, Live).is_none());
    }
}

#[test]
fn names_of_versions_are_ordered_by_their_numbers() {
    let ascending = ["", "0.9", "1", "1.0", "1.0.1", "1.9", "1.10", "v2", "2-rc", "v2.1", "10.0"];
    for pair in ascending.windows(2) {
        assert_eq!(name_order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        assert_eq!(name_order(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
    }
    assert_eq!(name_order("1.07", "1.7"), Ordering::Equal);
}

#[tokio::test]
async fn one_service_answers_to_a_destination() {
    let world = province().await;
    let registry = world.registry().await;
    let at = |dstcode: &str| {
        let catalogue = registry.current();
        catalogue.destination(dstcode).map(|service| service.code.to_string()).unwrap_or_default()
    };
    let table = [
        ("VN:GOV:000.00.00.G22:vpcpdvcprovider", "cong-dvc"),
        ("VN/GOV/000.00.00.G22/vpcpdvcprovider", "cong-dvc"),
        ("VN:GOV:000.00.00.G22", ""),
        ("vn:gov:000.00.00.g22:vpcpdvcprovider", ""),
        ("VN%3AGOV%3A000.00.00.G22%3Avpcpdvcprovider", ""),
        ("", ""),
    ];
    for (dstcode, expected) in table {
        assert_eq!(at(dstcode), expected, "{dstcode}");
    }
    let taken = "services:\n- code: mot-cua-1\n  destination: VN/GOV/000.00.00.G22/vpcpdvcprovider";
    assert_eq!(world.refuse(taken).await, "destination_taken 3:16", "slashes are colons");
    // It moves, both ways of the alphabet, in one set.
    for (from, to) in [("cong-dvc", "mot-cua-1"), ("mot-cua-1", "cong-dvc")] {
        let moved = format!(
            "services: [{{ code: {to}, destination: VN:GOV:000.00.00.G22:vpcpdvcprovider }}, \
             {{ code: {from}, destination: ~ }}]"
        );
        world.apply(&moved).await;
        registry.refresh().await.unwrap();
        assert_eq!(at("VN:GOV:000.00.00.G22:vpcpdvcprovider"), to);
        let whole = world.registry().await;
        assert_eq!(registry.current().difference(&whole.current()), None);
    }
    world.apply("services: [{ code: cong-dvc, destination: VN:GOV:H01 }]").await;
    registry.refresh().await.unwrap();
    assert_eq!(at("VN:GOV:000.00.00.G22:vpcpdvcprovider"), "", "the old one is nobody's");
    assert_eq!(at("VN:GOV:H01"), "cong-dvc");
}

#[tokio::test]
async fn sources_of_statistics_are_those_with_the_role() {
    let world = province().await;
    let registry = world.registry().await;
    let sources = |environment| {
        let catalogue = registry.current();
        let name = |(service, version): (
            &std::sync::Arc<crate::Service>,
            &std::sync::Arc<crate::Version>,
        )| { format!("{}/{}", service.code, version.name) };
        catalogue.statistics(environment).map(name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(sources(Live), "mot-cua-1/1.10 mot-cua-2/v1");
    assert_eq!(sources(Trial), "mot-cua-1/1.9");
    let steps = [
        (
            "{ code: mot-cua-1, versions: [{ version: \"1.10\", state: retired }] }",
            "mot-cua-1/1.9 mot-cua-2/v1",
        ),
        ("{ code: mot-cua-1, role: ~ }", "mot-cua-2/v1"),
        ("{ code: cong-dvc, role: statistics }", "cong-dvc/1.4 mot-cua-2/v1"),
        ("{ code: mot-cua-2, versions: [{ version: v1, state: retired }] }", "cong-dvc/1.4"),
    ];
    for (service, expected) in steps {
        world.apply(&format!("services: [{service}]")).await;
        registry.refresh().await.unwrap();
        assert_eq!(sources(Live), expected, "{service}");
        let whole = world.registry().await;
        assert_eq!(registry.current().difference(&whole.current()), None);
    }
}

#[tokio::test]
async fn the_platforms_own_service_is_subscribed_to_and_nothing_else() {
    let world = province().await;
    let registry = world.registry().await;
    let catalogue = registry.current();
    let service = catalogue.service(&ServiceCode::known(STATISTICS)).unwrap();
    assert!(service.is_built_in() && service.provider.as_str().is_empty());
    assert!(catalogue.services().all(|service| !service.is_built_in()));
    assert_eq!(granted(&catalogue, ("old-app", Live), STATISTICS, None), "1.0 report");
    assert_eq!(granted(&catalogue, ("old-app", Trial), STATISTICS, None), "none");
    assert_eq!(granted(&catalogue, ("one-stop", Live), STATISTICS, None), "none");
    for path in ["/thong-ke/1.0", "/thong-ke"] {
        assert!(catalogue.route(Live, path).is_none(), "{path}");
    }
    service.versions[0].in_flight(Live).fetch_add(2, atomic::Ordering::Relaxed);
    registry.rebuild().await.unwrap();
    let catalogue = registry.current();
    let service = catalogue.service(&ServiceCode::known(STATISTICS)).unwrap();
    assert_eq!(service.versions[0].in_flight(Live).load(atomic::Ordering::Relaxed), 2);
    let table = [
        ("services:\n- { code: thong-ke, name: a }", "code_reserved 2:11"),
        (
            "services: [{ code: thong-ke, provider: H01.013, context: /tk, versions: [{ version: v, endpoints: { live: [\"http://h\"] } }] }]",
            "code_reserved 1:20",
        ),
        (
            "subscriptions: [{ system: one-stop, service: thong-ke, version: \"1.1\", environment: live }]",
            "version_unknown 1:65",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(world.refuse(text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_portal_is_spoken_to_as_the_version_says() {
    let world = province().await;
    let registry = world.registry().await;
    let portal = || {
        let catalogue = registry.current();
        let version = catalogue.route(Live, "/dvcqg/1.4").unwrap().version;
        version.portal.clone().unwrap()
    };
    let access = portal();
    let texts = [&access.login, &access.data, &access.share, &access.user, &access.unit];
    let expected = ["/mapi/login", "/mapi/g", "/mapi/g", "000.00.00.H01", "000.00.00.H01"];
    assert_eq!(texts.map(|text| &**text), expected);
    assert_eq!(access.secret.reveal(), "s3cret-of-land");
    assert_eq!((access.destination_in, access.exists), (DestinationIn::Header, Exists::Pass));
    assert_eq!((access.names, access.session_refused.len()), (PortalNames::default(), 0));
    // The defaults of the file are those of the protocol.
    let names = "user: username, secret: password, session: session, unit: madonvi, service: \
                 service, updating: isUpdating, destination: dstcode";
    let defaults = format!(
        "services: [{{ code: cong-dvc, versions: [{{ version: 1.4, portal: {{ login: /mapi/login, \
         data: /mapi/g, destination_in: header, exists: pass, names: {{ {names} }} }} }}] }}]"
    );
    assert!(world.apply(&defaults).await.iter().all(|c| c["change"] == "unchanged"));
    let more = "services: [{ code: cong-dvc, versions: [{ version: 1.4, portal: { login: /a/login, \
                data: \"/a/g?x=1\", unit: H01, destination_in: both, exists: update, names: { unit: \
                MaDonVi, session: phien }, session_refused: [\"-2\", \"401\"] } }] }]";
    world.apply(more).await;
    registry.refresh().await.unwrap();
    let access = portal();
    let texts = [&access.login, &access.data, &access.share, &access.user, &access.unit];
    let expected = ["/a/login", "/a/g?x=1", "/a/g?x=1", "000.00.00.H01", "H01"];
    assert_eq!(texts.map(|text| &**text), expected, "fields not mentioned stay");
    assert_eq!((access.destination_in, access.exists), (DestinationIn::Both, Exists::Update));
    let names =
        PortalNames { unit: "MaDonVi".into(), session: "phien".into(), ..PortalNames::default() };
    assert_eq!(access.names, names);
    assert_eq!(access.session_refused.iter().map(|t| &**t).collect::<Vec<_>>(), ["-2", "401"]);
    let only = || registry.current().portal().map(|service| service.code.to_string());
    assert_eq!(only().as_deref(), Some("cong-dvc"));
    let second = |state: &str| {
        format!(
            "services: [{{ code: mot-cua-1, versions: [{{ version: \"1.9\", protocol: portal, \
             portal: {{ user: u, secret: \"env:LAND_KEY\" }}, state: {state} }}] }}]"
        )
    };
    for (state, expected) in [("published", None), ("retired", Some("cong-dvc"))] {
        world.apply(&second(state)).await;
        registry.refresh().await.unwrap();
        assert_eq!(only().as_deref(), expected, "{state}");
        let whole = world.registry().await;
        assert_eq!(registry.current().difference(&whole.current()), None);
    }
    let catalogue = registry.current();
    let errors = |code| catalogue.system(&SystemCode::known(code)).unwrap().errors;
    assert_eq!([errors("old-app"), errors("one-stop")], [Errors::Legacy, Errors::Modern]);
    let plain = catalogue.route(Live, "/datdai/v1").unwrap().version;
    assert!(plain.portal.is_none());
}

#[tokio::test]
async fn a_database_of_the_last_release_gains_the_portal() {
    for world in World::engines().await {
        world.apply(PROVINCE).await;
        let mut tx = world.store.write().await.unwrap();
        for sql in [
            "ALTER TABLE version DROP COLUMN portal_sealed",
            "DELETE FROM migration WHERE number = 6",
        ] {
            sqlx::query(sql).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        let migrated = testing::another(&world.store).await;
        let registry = crate::Registry::open(migrated, world.keyring.clone(), world.clock.clone());
        let catalogue = registry.await.unwrap().current().clone();
        let version = catalogue.route(Live, "/datdai/1.0").unwrap().version;
        assert!(version.auth.is_some() && version.portal.is_none(), "what was there lives on");
    }
}
