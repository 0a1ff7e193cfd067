//! What applying does and refuses to do, on both engines.

use serde_json::Value;

use crate::file::Noun;
use crate::tests::world::{PROVINCE, World, lines};
use crate::{export, show};

async fn audits(world: &World) -> Vec<(String, String, String)> {
    sqlx::query_as("SELECT verb, subject, COALESCE(state_before, '') || COALESCE(state_after, '') FROM audit ORDER BY id")
        .fetch_all(&world.store.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn applied_twice_is_unchanged() {
    for world in World::engines().await {
        let first = world.apply(PROVINCE).await;
        assert_eq!(
            lines(&first),
            [
                "member H01.013 created aliases,name,parent",
                "member H01.009 created name,contact",
                "system one-stop created member,name,addresses",
                "service tra-cuu created provider,name,context",
                "version tra-cuu/1.0 created aliases,methods,endpoints,auth,parameters",
                "version tra-cuu/2.0 created state,endpoints",
                "subscription one-stop/tra-cuu/1.0/live created methods,rate",
            ]
        );
        let revision = store::change::revision(&world.store).await.unwrap();
        let again = world.apply(PROVINCE).await;
        assert!(again.iter().all(|c| c["change"] == "unchanged" && c["fields"] == Value::from(Vec::<u8>::new())), "{again:?}");
        assert_eq!(store::change::revision(&world.store).await.unwrap(), revision);
        assert_eq!(audits(&world).await.len(), 7, "one row an entry, none when unchanged");
    }
}

#[tokio::test]
async fn merging_keeps_clears_and_replaces() {
    let world = World::sqlite().await;
    world.apply(PROVINCE).await;
    let table = [
        ("members: [{ code: H01.009, contact: { email: ~ } }]", "member H01.009 updated contact"),
        (
            "members: [{ code: H01.009, contact: { phone: \"1\" } }]",
            "member H01.009 updated contact",
        ),
        ("members: [{ code: H01.013, parent: ~ }]", "member H01.013 updated parent"),
        (
            "systems: [{ code: one-stop, addresses: [\"10.2.0.0/16\"] }]",
            "system one-stop updated addresses",
        ),
        ("systems: [{ code: one-stop, state: stopped }]", "system one-stop updated state"),
        ("systems: [{ code: one-stop, state: ~ }]", "system one-stop updated state"),
    ];
    for (text, line) in table {
        assert_eq!(lines(&world.apply(text).await), [line], "{text}");
        assert_eq!(world.apply(text).await[0]["change"], "unchanged", "{text}");
    }
    let rows = show(&world.store, Noun::Member, Some("H01.009")).await.unwrap();
    let contact = r#"{"name":"An","phone":"1"}"#;
    assert_eq!(rows[0]["contact"].to_string(), contact, "maps are merged field by field");
    let rows = show(&world.store, Noun::System, None).await.unwrap();
    assert_eq!(rows[0]["addresses"].to_string(), r#"["10.2.0.0/16"]"#, "lists are replaced whole");
    assert_eq!(rows[0]["state"], "active");
    assert_eq!(rows[0]["name"], "Một cửa");
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place_and_leaves_nothing() {
    let service = |code: &str, rest: &str| {
        format!(
            "services:\n  - {{ code: {code}, provider: H01.013, context: /x, versions: [ {{ version: v, {rest} }} ] }}\n"
        )
    };
    let endpoint = "endpoints: { live: [\"http://h\"] }";
    let table: Vec<(String, &str)> = vec![
        ("systems: [{ code: s, member: H01.099 }]".into(), "member_unknown 1:30"),
        ("systems: [{ code: s }]".into(), "key_missing 1:11"),
        ("systems: [{ code: one-stop, member: H01.013 }]".into(), "member_fixed 1:37"),
        ("services: [{ code: tra-cuu, provider: H01.009 }]".into(), "provider_fixed 1:39"),
        ("members: [{ code: H02, name: a, aliases: [H01.013] }]".into(), "member_taken 1:11"),
        ("members: [{ code: 000.00.13.H01, name: a }]".into(), "member_taken 1:11"),
        ("members: [{ code: H02, name: a }, { code: H02, name: a }]".into(), "entry_twice 1:35"),
        ("services: [{ code: s, provider: H01.013, context: /x }]".into(), "key_missing 1:12"),
        (service("s", ""), "key_missing 2:60"),
        (service("s", "endpoints: { live: [] }"), "key_missing 2:60"),
        (service("s", &format!("{endpoint}, auth: {{ kind: bearer }}")), "key_missing 2:115"),
        (service("s", &format!("{endpoint}, auth: {{ kind: header, secret: \"env:LAND_KEY\" }}")), "key_missing 2:115"),
        (service("s", &format!("{endpoint}, auth: {{ kind: header, name: Host, secret: \"env:LAND_KEY\" }}")), "header_invalid 2:115"),
        (service("s", &format!("{endpoint}, auth: {{ kind: basic, secret: \"env:LAND_KEY\" }}")), "secret_unsendable 2:115"),
        (service("s", &format!("{endpoint}, auth: {{ kind: bearer, secret: \"env:NONE\" }}")), "secret_unavailable 2:115"),
        (service("s", &format!("{endpoint}, tls: {{ ca: \"file:/nowhere\" }}")), "secret_unavailable 2:114"),
        (service("s", &format!("{endpoint}, tls: {{ ca: \"env:LAND_KEY\" }}")), "pem_invalid 2:114"),
        (service("s", &format!("{endpoint}, tls: {{ key: \"env:LAND_KEY\" }}")), "pem_invalid 2:114 key_missing 2:114"),
        (service("s", &format!("{endpoint}, parameters: [{{ name: A, in: header }}, {{ name: a, in: header }}]")), "parameter_twice 2:121"),
        (service("s", &format!("{endpoint}, aliases: [w] }}, {{ version: w, {endpoint}")), "route_taken 2:125"),
        (service("s", endpoint).replace("/x", "/datdai").replace("version: v", "version: v1"), "route_taken 2:65"),
        ("subscriptions: [{ system: s, service: t, version: v, environment: live }]".into(), "system_unknown 1:27 service_unknown 1:39"),
        ("subscriptions: [{ system: one-stop, service: tra-cuu, version: v, environment: live }]".into(), "version_unknown 1:64"),
        ("subscriptions:\n- &s { system: one-stop, service: tra-cuu, version: v1, environment: live }\n- { system: one-stop, service: tra-cuu, version: 1.0, environment: live }".into(), "entry_twice 3:3"),
        ("subscriptions: [{ system: one-stop, service: tra-cuu, version: v1, environment: live, from: 2027-01-02, until: 2027-01-01 }]".into(), "dates_crossed 1:112"),
        (service("s", &format!("{endpoint}, protocol: portal")), "key_missing 2:119"),
        (service("s", &format!("{endpoint}, protocol: portal, portal: {{ exists: update }}")), "key_missing 2:135 key_missing 2:135"),
        (service("s", &format!("{endpoint}, portal: {{ user: u, secret: \"env:LAND_KEY\" }}")), "portal_unused 2:117"),
        (service("s", &format!("{endpoint}, protocol: portal, portal: {{ user: u, secret: \"env:NONE\" }}")), "secret_unavailable 2:135"),
        (service("s", &format!("{endpoint}, protocol: portal, portal: {{ user: u, secret: \"env:LAND_KEY\", names: {{ destination: Host }} }}")), "header_invalid 2:135"),
        ("services:\n- { code: a, provider: H01.013, context: /a, destination: VN:GOV:a, versions: [{ version: v, endpoints: { live: [\"http://h\"] } }] }\n- { code: b, provider: H01.013, context: /b, destination: VN/GOV/a, versions: [{ version: v, endpoints: { live: [\"http://h\"] } }] }".into(), "destination_taken 3:59"),
        ("credentials: [{ system: none, environment: live }]".into(), "system_unknown 1:25"),
        ("credentials: [{ system: one-stop, environment: live, consumer_key: k }]".into(), "key_missing 1:15"),
        ("credentials: [{ system: one-stop, environment: live, secret_key: \"env:LAND_KEY\" }]".into(), "key_missing 1:15"),
        ("credentials: [{ system: one-stop, environment: live, consumer_key: k, secret_key: \"env:NONE\" }]".into(), "secret_unavailable 1:83"),
        ("credentials: [{ system: one-stop, environment: live }, { system: one-stop, environment: live }]".into(), "entry_twice 1:56"),
    ];
    let world = World::sqlite().await;
    world.apply(PROVINCE).await;
    let before = export(&world.store).await.unwrap();
    let mut wrong = Vec::new();
    for (text, expected) in table {
        let found = world.refuse(&text).await;
        if found != expected {
            wrong.push(format!("{text}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Right and wrong together: nothing of it is kept.
    let both = "members: [{ code: H05, name: a }]\nsystems: [{ code: s, member: H09 }]";
    assert_eq!(world.refuse(both).await, "member_unknown 2:30");
    assert_eq!(export(&world.store).await.unwrap(), before);
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table")]
async fn faults_of_form_and_of_reference_are_told_together() {
    let version = |rest: &str| {
        format!("services:\n- code: tra-cuu\n  versions:\n  - version: \"1.0\"\n    {rest}\n")
    };
    let table: Vec<(String, &str)> = vec![
        (
            "members: [{ code: H05, name: a, state: gone }]\nsystems: [{ code: s, member: H09 }]".into(),
            "word_unknown 1:40 member_unknown 2:30",
        ),
        // What an entry points to is looked at though its own key is none, or stands there twice.
        ("systems: [{ code: \"b d\", member: H09 }]".into(), "code_invalid 1:19 member_unknown 1:34"),
        ("systems: [{ member: H09 }]".into(), "key_missing 1:11 member_unknown 1:21"),
        (
            "systems:\n- { code: s, member: H01.009 }\n- { code: s, member: H09 }".into(),
            "entry_twice 3:3 member_unknown 3:22",
        ),
        (
            "services: [{ provider: H09, context: x, versions: [{ version: v, timeout: 1 }] }]".into(),
            "key_missing 1:12 member_unknown 1:24 context_invalid 1:38 duration_invalid 1:75",
        ),
        (
            "subscriptions: [{ system: s, service: t, version: v, environment: test }]".into(),
            "system_unknown 1:27 service_unknown 1:39 word_unknown 1:67",
        ),
        (
            "subscriptions: [{ system: one-stop, service: tra-cuu, version: v9, rate: x }]".into(),
            "key_missing 1:17 version_unknown 1:64 rate_invalid 1:74",
        ),
        ("credentials: [{ system: none, environment: x }]".into(), "system_unknown 1:25 word_unknown 1:44"),
        (
            version("timeout: soon\n    auth: { kind: bearer, secret: \"env:NONE\" }\n    tls: { ca: \"env:LAND_KEY\" }"),
            "duration_invalid 5:14 secret_unavailable 6:11 pem_invalid 7:10",
        ),
        (
            version("parameters: [{ name: a, in: query, pattern: \"(\" }, { name: a, in: query }]"),
            "parameter_twice 5:17 pattern_invalid 5:49",
        ),
        // What is there but wrong is not missing as well.
        (version("endpoints: { live: [\"ftp://h\"], trial: ~ }"), "url_invalid 5:25"),
        (version("auth: { kind: bearer, secret: hunter2 }"), "secret_form 5:35"),
        (version("tls: { certificate: x, key: \"env:LAND_KEY\" }"), "pem_invalid 5:10 secret_form 5:25"),
        ("systems: [{ code: s, member: h09 }]".into(), "code_invalid 1:30"),
        (
            "services: [{ code: s, provider: H01.013, context: /s, versions: [{ version: \"a b\", endpoints: { live: [\"http://h\"] } }] }]".into(),
            "code_invalid 1:77",
        ),
        ("services: [{ code: s, provider: H01.013, context: /s, versions: x }]".into(), "type_wrong 1:65"),
        (
            "credentials: [{ system: one-stop, environment: live, consumer_key: \"a:b\", secret_key: x }]".into(),
            "key_invalid 1:68",
        ),
        (
            "subscriptions: [{ system: one-stop, service: tra-cuu, version: v1, environment: live, from: 2027-01-01, until: x }]".into(),
            "date_invalid 1:112",
        ),
        // What is named by something that is wrong elsewhere is not unknown.
        (
            "members: [{ code: H05, name: a, aliases: [H05.1, h] }, { code: x, aliases: [H05.2] }]\nsystems: [{ code: s, member: H05.1 }, { code: t, member: H05.2 }]".into(),
            "code_invalid 1:50 code_invalid 1:64",
        ),
        (
            format!("{}    aliases: [v8]\nsubscriptions: [{{ system: one-stop, service: tra-cuu, version: v8, environment: live }}]", version("timeout: 1").replace("version: \"1.0\"", "methods: [GET]")),
            "key_missing 4:5 duration_invalid 5:14",
        ),
        ("member: [{ code: H05, name: a }]\nsystems: [{ code: s, member: H05 }]".into(), "key_unknown 1:1"),
        ("system: [{ code: s, member: H09 }]\nmembers: x".into(), "key_unknown 1:1 member_unknown 1:29 type_wrong 2:10"),
        // What lacks its dash is read none the less.
        ("members: { code: H05, name: a }\nsystems: [{ code: s, member: H05 }, { code: t, member: H09 }]".into(), "type_wrong 1:10 member_unknown 2:56"),
        (
            "services:\n- code: tra-cuu\n  versions: { version: v9, timeout: 1, endpoints: { live: [\"http://h\"] } }\nsubscriptions: [{ system: one-stop, service: tra-cuu, version: v9, environment: live }]".into(),
            "type_wrong 3:13 duration_invalid 3:37",
        ),
        ("members: { H05: { name: a } }\nsystems: [{ code: s, member: H05 }]".into(), "type_wrong 1:10"),
        ("members: [[{ code: H05 }]]\nsystems: [{ code: s, member: H05 }]".into(), "type_wrong 1:11"),
        ("members: {}\nsystems: [{ code: s, member: H05 }]".into(), "type_wrong 1:10 member_unknown 2:30"),
        // Nor is what may stand in the part that cannot be read.
        ("systems: [{ code: s, member: H09, kind: x }]\nmembers: [".into(), "word_unknown 1:41 yaml 2:11"),
        (
            "credentials: [{ system: s, environment: live }]\nsubscriptions: [{ system: s, service: t, version: v, environment: live }]\nsystems: [{ code: \u{7}".into(),
            "control_character 3:19",
        ),
        // A new member's fields, all of them.
        ("members: [{ code: H05, parent: x, contact: { phone: [] } }]".into(), "key_missing 1:11 code_invalid 1:32 type_wrong 1:53"),
    ];
    for world in World::engines().await {
        world.apply(PROVINCE).await;
        let (before, told) = (export(&world.store).await.unwrap(), audits(&world).await.len());
        let revision = store::change::revision(&world.store).await.unwrap();
        let mut wrong = Vec::new();
        for (text, expected) in &table {
            let found = world.refuse(text).await;
            if found != *expected {
                wrong.push(format!("{text}  expected {expected}\n  found    {found}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        // Of what is right beside it nothing is kept.
        let both = "members: [{ code: H05, name: a }, { code: H06, name: b, state: x }]\n\
                    systems: [{ code: s, member: H05 }, { code: t, member: H09 }]\n\
                    credentials: [{ system: s, environment: live }]";
        assert_eq!(world.refuse(both).await, "word_unknown 1:64 member_unknown 2:56");
        assert_eq!(export(&world.store).await.unwrap(), before);
        assert_eq!(audits(&world).await.len(), told);
        assert_eq!(store::change::revision(&world.store).await.unwrap(), revision);
    }
}

#[tokio::test]
async fn references_point_into_the_set_and_the_database_in_any_order() {
    let world = World::sqlite().await;
    let backwards = "
subscriptions: [{ system: s, service: t, version: alias, environment: trial }]
services: [{ code: t, provider: 000.00.13.H01, context: /t, versions: [{ version: v, aliases: [alias], endpoints: { trial: [\"http://h\"] } }] }]
systems: [{ code: s, member: H01.013 }]
members: [{ code: H01.013, name: a, aliases: [000.00.13.H01] }]
";
    let made = world.apply(backwards).await;
    assert_eq!(lines(&made)[4], "subscription s/t/v/trial created", "an alias names its version");
    let more = "subscriptions: [{ system: s, service: t, version: v, environment: live }]";
    assert_eq!(world.apply(more).await[0]["change"], "created");
    let same = "services: [{ code: t, provider: 000.00.13.H01 }]";
    assert_eq!(world.apply(same).await[0]["change"], "unchanged", "an alias is the same provider");
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    for world in World::engines().await {
        let text = format!("{PROVINCE}credentials: [{{ system: one-stop, environment: live }}]\n");
        let dry = world.dry_run(&text).await;
        assert_eq!(store::change::revision(&world.store).await.unwrap(), 0);
        assert!(audits(&world).await.is_empty());
        assert!(dry.iter().all(|c| c.get("secret_key").is_none()));
        assert_eq!(lines(&dry), lines(&world.apply(&text).await));
    }
}

#[tokio::test]
async fn credentials_are_issued_once_and_carried_over() {
    for mut world in World::engines().await {
        world.apply(PROVINCE).await;
        let plain = "credentials: [{ system: one-stop, environment: live }]";
        let issued = world.apply(plain).await;
        assert_eq!(lines(&issued), ["credential one-stop/live created"]);
        for name in ["system", "environment", "consumer_key", "secret_key"] {
            assert!(issued[0][name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
        assert_eq!(lines(&world.apply(plain).await), ["credential one-stop/live unchanged"]);

        world.variables.insert("OLD".to_owned(), "oldsecret".to_owned());
        let old = "credentials: [{ system: one-stop, environment: live, consumer_key: old, \
                   secret_key: \"env:OLD\", weak_until: 2030-12-31 }]";
        assert_eq!(lines(&world.apply(old).await), ["credential old created"]);
        assert_eq!(lines(&world.apply(old).await), ["credential old unchanged"]);
        let rows = show(&world.store, Noun::Credential, None).await.unwrap();
        let weak: Vec<&str> = rows.iter().filter_map(|r| r["weak_until"].as_str()).collect();
        assert_eq!(weak, ["2030-12-31T17:00:00.000000Z"], "to the end of the day in the zone");
        world.variables.insert("OLD".to_owned(), "another".to_owned());
        assert_eq!(world.refuse(old).await, "secret_differs 1:85");
        let taken = "systems: [{ code: b, member: H01.009 }]\ncredentials: [{ system: b, \
                     environment: live, consumer_key: old, secret_key: oldsecret }]";
        assert_eq!(world.refuse(taken).await, "consumer_key_taken 2:61");
    }
}

#[tokio::test]
async fn every_change_is_audited_without_secrets() {
    for world in World::engines().await {
        world.apply(PROVINCE).await;
        let key = "system: one-stop, service: tra-cuu, version: 1.0, environment: live";
        let mut created: Vec<String> = audits(&world).await.into_iter().map(|a| a.0).collect();
        created.sort();
        assert_eq!(created, ["create", "create", "create", "create", "create", "create", "grant"]);
        for state in ["suspended", "cancelled", "active", "suspended", "active"] {
            // Ids of audit rows are ordered by time.
            world.clock.advance(std::time::Duration::from_secs(1));
            world.apply(&format!("subscriptions: [{{ {key}, state: {state} }}]")).await;
        }
        let rows = audits(&world).await;
        let told: Vec<&str> = rows.iter().map(|(verb, ..)| verb.as_str()).collect();
        assert_eq!(told[7..], ["update", "update", "grant", "update", "update"]);
        assert_eq!(rows[7].1, "subscription one-stop/tra-cuu/1.0/live");
        assert!(rows.iter().all(|(.., text)| !text.contains("s3cret-of-land")));
    }
}

#[tokio::test]
async fn provider_secrets_are_sealed_and_renewed_when_they_change() {
    for mut world in World::engines().await {
        world.apply(PROVINCE).await;
        let sealed: String =
            sqlx::query_scalar("SELECT auth_sealed FROM version WHERE auth_sealed IS NOT NULL")
                .fetch_one(&world.store.pool)
                .await
                .unwrap();
        assert!(!sealed.contains("s3cret-of-land"));
        let text = export(&world.store).await.unwrap();
        assert!(text.contains("env:LAND_KEY") && !text.contains("s3cret"), "{text}");

        world.variables.insert("LAND_KEY".to_owned(), "renewed".to_owned());
        let line = "version tra-cuu/1.0 updated auth";
        assert!(lines(&world.apply(PROVINCE).await).iter().any(|l| l == line));
        world.variables.clear();
        assert!(world.apply(PROVINCE).await.iter().all(|c| c["change"] == "unchanged"));
        let registry = world.registry().await;
        let catalogue = registry.current();
        let route = catalogue.route(terms::environment::Environment::Live, "/datdai/v1").unwrap();
        let auth = route.version.auth.as_ref().unwrap();
        assert_eq!((auth.name.as_str(), auth.value.to_str().unwrap()), ("apikey", "renewed"));
        assert!(auth.value.is_sensitive());
        let none = "services: [{ code: tra-cuu, versions: [{ version: 1.0, auth: ~ }] }]";
        world.apply(none).await;
        let left: i64 =
            sqlx::query_scalar("SELECT count(*) FROM version WHERE auth_sealed IS NOT NULL")
                .fetch_one(&world.store.pool)
                .await
                .unwrap();
        assert_eq!(left, 0, "a secret no longer needed is gone");
    }
}

#[tokio::test]
async fn the_password_of_a_national_account_is_sealed_and_renewed() {
    for mut world in World::engines().await {
        let portal = "{ user: H01, secret: \"env:PORTAL\", unit: H01.1 }";
        let version = |fields: &str| {
            format!("services: [{{ code: tra-cuu, versions: [{{ version: 1.0, {fields} }}] }}]")
        };
        let stated = version(&format!("protocol: portal, portal: {portal}"));
        world.variables.insert("PORTAL".to_owned(), "p4ssword".to_owned());
        world.apply(PROVINCE).await;
        assert_eq!(
            lines(&world.apply(&stated).await)[1],
            "version tra-cuu/1.0 updated protocol,portal"
        );
        let sealed = |world: &World| {
            let sql = "SELECT portal_sealed FROM version WHERE version = '1.0'";
            let pool = world.store.pool.clone();
            async move { sqlx::query_scalar::<_, Option<String>>(sql).fetch_one(&pool).await.unwrap() }
        };
        let first = sealed(&world).await.unwrap();
        let text = export(&world.store).await.unwrap();
        let line = "portal: { user: \"H01\", secret: \"env:PORTAL\", unit: \"H01.1\" }\n";
        assert!(text.contains(&format!("        {line}")), "{text}");
        let shown = show(&world.store, Noun::Service, Some("tra-cuu")).await.unwrap();
        let shown_portal = &shown[0]["versions"][0]["portal"];
        assert_eq!(
            shown_portal.to_string(),
            "{\"data\":\"/mapi/g\",\"destination_in\":\"header\",\"exists\":\"pass\",\
             \"login\":\"/mapi/login\",\"secret\":\"env:PORTAL\",\"unit\":\"H01.1\",\"user\":\"H01\"}"
        );
        let told = format!("{first} {text} {shown:?} {:?}", audits(&world).await);
        assert!(!told.contains("p4ssword"), "{told}");

        assert_eq!(world.apply(&stated).await[1]["change"], "unchanged");
        world.variables.insert("PORTAL".to_owned(), "renewed".to_owned());
        let registry = world.registry().await;
        let again = world.apply(&version("portal: { secret: \"env:PORTAL\" }")).await;
        assert_eq!(lines(&again)[1], "version tra-cuu/1.0 updated portal");
        registry.refresh().await.unwrap();
        let live = terms::environment::Environment::Live;
        let version_now = registry.current().route(live, "/datdai/v1").unwrap().version;
        let access = version_now.portal.as_ref().unwrap();
        assert_eq!((access.secret.reveal(), &*access.unit), ("renewed", "H01.1"));
        assert!(version_now.auth.is_some(), "its other secret stays");
        world.apply(&version("protocol: ~, portal: ~")).await;
        assert_eq!(sealed(&world).await, None, "a secret no longer needed is gone");
    }
}
