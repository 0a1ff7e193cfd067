//! Routes, grants and deltas.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Method;
use store::testing;
use terms::code::{MemberCode, SystemCode};
use terms::environment::Environment::{self, Live, Trial};
use terms::fault::FaultCode;
use terms::limit;

use crate::catalogue::Catalogue;
use crate::tests::world::{PROVINCE, World};

/// `SERVICE/VERSION REST`, or nothing.
fn route(catalogue: &Catalogue, environment: Environment, path: &str) -> String {
    let show = |r: crate::Route<'_>| format!("{}/{} {}", r.service.code, r.version.name, r.rest);
    catalogue.route(environment, path).map_or_else(String::new, show)
}

#[tokio::test]
async fn the_longest_context_and_version_wins() {
    let world = World::sqlite().await;
    world.apply(PROVINCE).await;
    let endpoints = "endpoints: { trial: [\"http://h\"], live: [\"http://h\"] }";
    let service = |code: &str, context: &str, versions: &[&str]| {
        let versions: Vec<String> =
            versions.iter().map(|v| format!("{{ version: {v}, {endpoints} }}")).collect();
        let versions = versions.join(", ");
        format!(
            "- {{ code: {code}, provider: H01.013, context: {context}, versions: [{versions}] }}\n"
        )
    };
    let text = format!(
        "services:\n{}{}{}",
        service("a", "/a", &["b", "1"]),
        service("ab", "/a/b", &["1"]),
        service("deep", "/a/b/c/d", &["1"]),
    );
    world.apply(&text).await;
    let registry = world.registry().await;
    let catalogue = registry.current();
    let table = [
        ("/datdai/1.0", "tra-cuu/1.0 "),
        ("/datdai/1.0/", "tra-cuu/1.0 /"),
        ("/datdai/1.0/x/y", "tra-cuu/1.0 /x/y"),
        ("/datdai/v1/x", "tra-cuu/1.0 /x"),
        ("/datdai/1.0.0", "tra-cuu/1.0 "),
        ("//datdai///1.0//x//y/", "tra-cuu/1.0 //x//y/"),
        ("/datdai/1.0/%2e%20", "tra-cuu/1.0 /%2e%20"),
        ("/Datdai/1.0", ""),
        ("/datdai/V1", ""),
        ("/datdai/1.00", ""),
        ("/datdai/1", ""),
        ("/datdai", ""),
        ("/datda%69/1.0", ""),
        ("datdai/1.0", ""),
        ("/", ""),
        ("", ""),
        ("///", ""),
        ("/a/1/b", "a/1 /b"),
        ("/a/b", "a/b "),
        ("/a/b/x", "a/b /x"),
        ("/a/b/1/x", "ab/1 /x"),
        ("/a/b/c/d/1", "deep/1 "),
        ("/a/b/c/d/2", "a/b /c/d/2"),
        ("/a//b/c//d/1//z", "deep/1 //z"),
    ];
    for (path, expected) in table {
        assert_eq!(route(&catalogue, Live, path), expected, "{path}");
    }
}

#[tokio::test]
async fn each_state_is_served_where_it_belongs() {
    let world = World::sqlite().await;
    world.apply(PROVINCE).await;
    let table = [
        ("trial", "both", "yes", ""),
        ("published", "both", "yes", "yes"),
        ("superseded", "both", "yes", "yes"),
        ("retired", "both", "retired", "retired"),
        ("published", "trial", "yes", ""),
        ("published", "live", "", "yes"),
        ("retired", "live", "retired", "retired"),
    ];
    for (state, endpoints, trial, live) in table {
        let list = |environment: &str| match endpoints == "both" || endpoints == environment {
            true => "[\"http://h\"]",
            false => "~",
        };
        let (t, l) = (list("trial"), list("live"));
        let text = format!(
            "services: [{{ code: tra-cuu, versions: [{{ version: 1.0, state: {state}, \
             endpoints: {{ trial: {t}, live: {l} }} }}] }}]"
        );
        world.apply(&text).await;
        let registry = world.registry().await;
        let catalogue = registry.current();
        for (environment, expected) in [(Trial, trial), (Live, live)] {
            let route = catalogue.route(environment, "/datdai/1.0");
            let system = SystemCode::known("one-stop");
            let found = match &route {
                None => "",
                Some(route) => {
                    match catalogue.grant_to(&system, environment, route, &Method::GET) {
                        Err(fault) if fault.code == FaultCode::VersionRetired => "retired",
                        _ => "yes",
                    }
                }
            };
            assert_eq!(found, expected, "{state} {endpoints} {environment}");
        }
    }
}

#[tokio::test]
async fn only_an_active_subscription_grants() {
    let world = World::sqlite().await;
    world.apply(PROVINCE).await;
    world.apply("systems: [{ code: other, member: H01.013 }]").await;
    let registry = world.registry().await;
    let check = |system: &str, environment, method: &Method| {
        let catalogue = registry.current();
        let route = catalogue.route(environment, "/datdai/v1").unwrap();
        let system = SystemCode::known(system);
        let granted = catalogue.grant_to(&system, environment, &route, method);
        granted.map(|g| g.subscription().rate).map_err(|f| f.code.as_str())
    };
    let rate = terms::quantity::Rate::parse("600/min");
    assert_eq!(check("one-stop", Live, &Method::GET), Ok(rate));
    assert_eq!(check("one-stop", Live, &Method::POST), Err("not_subscribed"), "not granted");
    assert_eq!(check("one-stop", Live, &Method::DELETE), Err("method_not_allowed"));
    assert_eq!(check("one-stop", Trial, &Method::GET), Err("not_subscribed"));
    assert_eq!(check("other", Live, &Method::GET), Err("not_subscribed"));
    assert_eq!(check("nobody", Live, &Method::GET), Err("token_invalid"));
    let key = "system: one-stop, service: tra-cuu, version: 1.0, environment: live";
    let steps = [
        (format!("subscriptions: [{{ {key}, state: suspended }}]"), Err("not_subscribed")),
        (format!("subscriptions: [{{ {key}, state: active }}]"), Ok(rate)),
        (format!("subscriptions: [{{ {key}, state: cancelled }}]"), Err("not_subscribed")),
        (format!("subscriptions: [{{ {key}, state: active, rate: ~ }}]"), Ok(None)),
        ("systems: [{ code: one-stop, state: stopped }]".to_owned(), Err("token_invalid")),
        ("systems: [{ code: one-stop, state: active }]".to_owned(), Ok(None)),
        ("members: [{ code: H01.009, state: ended }]".to_owned(), Err("token_invalid")),
        ("members: [{ code: H01.009, state: ~ }]".to_owned(), Ok(None)),
        (
            "services: [{ code: tra-cuu, versions: [{ version: 1.0, methods: [POST] }] }]"
                .to_owned(),
            Err("method_not_allowed"),
        ),
    ];
    for (text, expected) in steps {
        world.apply(&text).await;
        registry.refresh().await.unwrap();
        assert_eq!(check("one-stop", Live, &Method::GET), expected, "{text}");
        let whole = world.registry().await;
        let difference = registry.current().difference(&whole.current());
        assert_eq!(difference, None, "the delta is what a whole build gives: {text}");
    }
}

#[tokio::test]
async fn counts_in_flight_go_over_to_the_next_catalogue() {
    let world = World::sqlite().await;
    world.apply(PROVINCE).await;
    let registry = world.registry().await;
    let count = |step| {
        let catalogue = registry.current();
        let route = catalogue.route(Live, "/datdai/1.0").unwrap();
        route.version.in_flight(Live).fetch_add(step, Ordering::Relaxed)
    };
    count(3);
    world.apply("services: [{ code: tra-cuu, versions: [{ version: 1.0, timeout: 5s }] }]").await;
    registry.refresh().await.unwrap();
    assert_eq!(count(1), 3);
    registry.rebuild().await.unwrap();
    assert_eq!(count(0), 4);
}

#[tokio::test]
async fn a_moved_context_frees_its_old_path() {
    let world = World::sqlite().await;
    world.apply(PROVINCE).await;
    let registry = world.registry().await;
    world.apply("services: [{ code: tra-cuu, context: /land }]").await;
    registry.refresh().await.unwrap();
    let catalogue = registry.current();
    assert_eq!(route(&catalogue, Live, "/land/v1"), "tra-cuu/1.0 ");
    assert_eq!(route(&catalogue, Live, "/datdai/v1"), "");
}

#[tokio::test]
async fn a_broken_row_is_left_out_and_the_others_live_on() {
    for world in World::engines().await {
        world.apply(PROVINCE).await;
        let mut tx = world.store.write().await.unwrap();
        for sql in [
            "INSERT INTO member (code, state, body) VALUES ('H09', 'active', '{')",
            "INSERT INTO system (code, member, state, body) VALUES ('b', 'H09', 'active', '[]')",
            "INSERT INTO service (code, provider, body) VALUES ('b', 'H09', '{\"code\":\"b\"}')",
            "UPDATE version SET auth_sealed = '1:bm9uZQ==' WHERE version = '1.0'",
            "INSERT INTO subscription (id, system, service, version, environment, state, body) \
             VALUES (99, 'b', 'b', 'b', 'live', 'active', '{\"rate\":\"many\"}')",
        ] {
            sqlx::query(sql).execute(&mut *tx).await.unwrap();
        }
        tx.change("member", "H09");
        tx.change("service", "tra-cuu");
        tx.commit().await.unwrap();
        let registry = world.registry().await;
        let catalogue = registry.current();
        assert!(catalogue.member(&MemberCode::known("H01.013")).is_some());
        assert!(catalogue.system(&SystemCode::known("b")).is_none());
        assert_eq!(route(&catalogue, Live, "/datdai/1.0"), "", "its credential does not open");
        assert_eq!(route(&catalogue, Trial, "/datdai/2.0"), "tra-cuu/2.0 ");
    }
}

#[tokio::test]
async fn changes_of_another_process_are_live_within_a_second() {
    for world in World::engines().await {
        world.apply(PROVINCE).await;
        let other = testing::another(&world.store).await;
        let (keyring, clock) = (world.keyring.clone(), world.clock.clone());
        let registry = crate::Registry::open(other, keyring, clock).await.unwrap();
        let follow = registry.follow();
        let mut told = registry.watch();
        let mut path = "/datdai/1.0".to_owned();
        for number in 0..3 {
            let context = format!("/moved{number}");
            let text = format!(
                "services: [{{ code: tra-cuu, context: {context}, destination: VN:GOV:d{number} }}]\n\
                 subscriptions: [{{ system: one-stop, service: tra-cuu, version: 1.0, environment: \
                 live, operations: [Op{number}], packets: strict }}]"
            );
            world.apply(&text).await;
            let applied = world.clock.instant();
            let now = format!("{context}/1.0");
            let live = told.wait_for(|_| !route(&registry.current(), Live, &now).is_empty());
            // A second is the contract, ten the end of patience here.
            tokio::time::timeout(Duration::from_secs(10), live).await.expect("never live").unwrap();
            let took = world.clock.instant().duration_since(applied);
            let bound = limit::CHANGE_LOOK_POSTGRES + Duration::from_secs(1);
            assert!(took < bound, "{took:?}");
            let catalogue = registry.current();
            assert_eq!(route(&catalogue, Live, &path), "");
            assert!(catalogue.destination(&format!("VN:GOV:d{number}")).is_some());
            let subscription = catalogue.subscriptions().next().unwrap();
            assert!(subscription.admits(&format!("op{number}")));
            assert!(!subscription.admits(&format!("Op{}", number + 1)));
            assert_eq!(subscription.packets, packet::Mode::Strict);
            path = now;
        }
        follow.abort();
    }
}
