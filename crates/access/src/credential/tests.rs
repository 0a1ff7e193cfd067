//! The deeds on credentials on both engines, and which secrets count as strong.

use std::time::Duration;

use terms::code::ConsumerKey;
use terms::environment::Environment::{Live, Trial};
use terms::random::Random;

use super::secret::{Strength, generate_key, generate_secret, judge};
use super::{Carry, CredentialFault, Filter, ever_issued, find, list};
use crate::tests::{World, carry, start, system};

const HEX: &str = "5f2b9c1e8a7d40631c9e2f5b8d7a6e03";
const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn generated_keys_and_secrets_are_long_and_plain() {
    let random = Random::seeded(7);
    let (key, secret) = (generate_key(&random), generate_secret(&random));
    assert_eq!((key.as_str().len(), secret.len()), (27, 43));
    assert!(key.as_str().bytes().chain(secret.bytes()).all(|b| b.is_ascii_alphanumeric()));
    assert!(ConsumerKey::parse(key.as_str()).is_ok());
    let mut counts = [0_u32; 128];
    for _ in 0..2_000 {
        for byte in generate_secret(&random).bytes() {
            counts[usize::from(byte)] += 1;
        }
    }
    let used: Vec<u32> = counts.into_iter().filter(|n| *n > 0).collect();
    let (least, most) = (used.iter().min().unwrap(), used.iter().max().unwrap());
    assert_eq!(used.len(), 62);
    assert!(*least > 1_200 && *most < 1_600, "{least} to {most} of some 1387");
}

#[test]
fn only_secrets_that_look_machine_made_are_strong() {
    let table = [
        (HEX, Strength::Strong),
        ("5f2b9c1e-8a7d-4063-1c9e-2f5b8d7a6e03", Strength::Strong),
        ("Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZkdISUpLTE1O", Strength::Strong),
        (&HEX[..31], Strength::Weak),
        ("00000000000000000000000000000000", Strength::Weak),
        ("1234512345123451234512345123451234512345", Strength::Weak),
        ("so tai nguyen va moi truong tinh an giang", Strength::Weak),
        ("passwordpasswordpasswordpassword", Strength::Weak),
        ("Sở Tài nguyên và Môi trường tỉnh An Giang 2019", Strength::Weak),
        ("x", Strength::Weak),
    ];
    for (secret, expected) in table {
        assert_eq!(judge(secret).unwrap(), expected, "{secret}");
    }
    for bad in ["", "a\0b", "a\nb", &"x".repeat(257)] {
        assert!(matches!(judge(bad), Err(CredentialFault::SecretForm)), "{bad:.10}");
    }
}

#[tokio::test]
async fn issuing_is_remembered_for_ever() {
    for w in World::each().await {
        let code = system("one-stop");
        let ever = || ever_issued(&w.store.pool, &code, Live);
        assert!(!ever().await.unwrap());
        let issued = w.issue("one-stop", Live).await;
        assert!(ever().await.unwrap());
        assert!(!ever_issued(&w.store.pool, &code, Trial).await.unwrap());
        assert!(w.revoke(&issued.consumer_key).await.unwrap());
        assert!(!w.revoke(&issued.consumer_key).await.unwrap(), "revoked before");
        assert!(ever().await.unwrap(), "a revoked one counts");
    }
}

#[tokio::test]
async fn a_transaction_that_is_given_up_leaves_nothing() {
    for w in World::each().await {
        let mut tx = w.store.write().await.unwrap();
        let issued = w.issuer().issue(&mut tx, &system("one-stop"), Live, "cli:test").await;
        tx.rollback().await.unwrap();
        w.access.refresh().await.unwrap();
        let issued = issued.unwrap();
        let key = issued.consumer_key.as_str();
        assert_eq!(w.ask(key, &issued.secret_key, "192.0.2.1").await.status, 401);
        assert!(find(&w.store.pool, &issued.consumer_key).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn lists_are_filtered_and_in_order_of_issue() {
    for w in World::each().await {
        let mut expected = Vec::new();
        for (code, environment) in [("a", Live), ("b", Live), ("a", Trial)] {
            expected.push(w.issue(code, environment).await.consumer_key);
            w.clock.advance(Duration::from_secs(1));
        }
        let table = [
            (None, None, vec![0, 1, 2]),
            (Some("a"), None, vec![0, 2]),
            (None, Some(Live), vec![0, 1]),
            (Some("a"), Some(Trial), vec![2]),
            (Some("c"), None, vec![]),
        ];
        for (code, environment, places) in table {
            let filter = Filter { system: code.map(system), environment };
            let found = list(&w.store.pool, &filter).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|c| c.consumer_key).collect();
            let places: Vec<_> = places.into_iter().map(|n: usize| expected[n].clone()).collect();
            assert_eq!(found, places, "{code:?} {environment:?}");
        }
    }
}

#[tokio::test]
async fn carrying_over_is_done_once() {
    for w in World::each().await {
        assert_eq!(w.carry(carry("old-app", "k1", "matkhau1")).await.unwrap(), Carry::Created);
        assert_eq!(w.carry(carry("old-app", "k1", "matkhau1")).await.unwrap(), Carry::Unchanged);
        assert_eq!(w.carry(carry("old-app", "k2", HEX)).await.unwrap(), Carry::Created);
        assert_eq!(w.carry(carry("old-app", "k2", HEX)).await.unwrap(), Carry::Unchanged);
        let mut ending = carry("old-app", "k1", "matkhau1");
        ending.weak_until = Some(start().plus(DAY));
        assert_eq!(w.carry(ending).await.unwrap(), Carry::Updated);
        assert_eq!(w.carry(carry("old-app", "k1", "matkhau1")).await.unwrap(), Carry::Unchanged);
        let stored = find(&w.store.pool, &ConsumerKey::known("k1")).await.unwrap().unwrap();
        assert_eq!(stored.weak_until, Some(start().plus(DAY)));
        assert!(stored.is_weak());
        let stored = find(&w.store.pool, &ConsumerKey::known("k2")).await.unwrap().unwrap();
        assert!(!stored.is_weak());
    }
}

#[tokio::test]
async fn carrying_over_refuses_what_would_take_something_away() {
    for w in World::each().await {
        w.carry(carry("old-app", "k1", "matkhau1")).await.unwrap();
        let mut trial = carry("old-app", "k1", "matkhau1");
        trial.environment = Trial;
        let refused = [
            w.carry(carry("old-app", "k1", "matkhau2")).await.unwrap_err(),
            w.carry(carry("other-app", "k1", "matkhau1")).await.unwrap_err(),
            w.carry(trial).await.unwrap_err(),
            w.carry(carry("old-app", "k:1", "matkhau1")).await.unwrap_err(),
            w.carry(carry("old-app", "k3", "")).await.unwrap_err(),
        ];
        let shown: Vec<String> = refused.iter().map(|f| format!("{f:?}")).collect();
        let expected = [
            "SecretDiffers(ConsumerKey(k1))",
            "OwnerDiffers(ConsumerKey(k1))",
            "OwnerDiffers(ConsumerKey(k1))",
            "KeyForm",
            "SecretForm",
        ];
        assert_eq!(shown, expected);
        assert!(refused.iter().all(|f| !f.sentence().vi.is_empty()));
        w.revoke(&ConsumerKey::known("k1")).await.unwrap();
        let again = w.carry(carry("old-app", "k1", "matkhau1")).await.unwrap();
        assert_eq!(again, Carry::Unchanged, "a revoked one stays revoked");
        let stored = find(&w.store.pool, &ConsumerKey::known("k1")).await.unwrap().unwrap();
        assert!(stored.revoked_at.is_some());
    }
}

#[tokio::test]
async fn a_carry_that_another_process_overtook_still_compares() {
    for w in World::each().await {
        let issuer = w.issuer();
        let carried = || carry("old-app", "k1", "matkhau1");
        let early = issuer.prepare(&w.store.pool, carried()).await.unwrap();
        let wrong = carry("old-app", "k1", "matkhau2");
        let wrong = issuer.prepare(&w.store.pool, wrong).await.unwrap();
        w.carry(carried()).await.unwrap();
        let mut tx = w.store.write().await.unwrap();
        assert_eq!(issuer.carry(&mut tx, &early, "cli:test").await.unwrap(), Carry::Unchanged);
        let refused = issuer.carry(&mut tx, &wrong, "cli:test").await;
        assert!(matches!(refused, Err(CredentialFault::SecretDiffers(_))));
    }
}

#[tokio::test]
async fn rotation_and_revocation_need_a_living_credential() {
    for w in World::each().await {
        let unknown = ConsumerKey::known("unknown");
        let fault = w.rotate(&unknown, DAY).await.err().unwrap();
        assert!(matches!(fault, CredentialFault::Unknown(_)));
        let fault = w.revoke(&unknown).await.err().unwrap();
        assert!(matches!(fault, CredentialFault::Unknown(_)));
        let issued = w.issue("one-stop", Live).await;
        w.revoke(&issued.consumer_key).await.unwrap();
        let fault = w.rotate(&issued.consumer_key, DAY).await.err().unwrap();
        assert!(matches!(fault, CredentialFault::Revoked(_)));
    }
}

#[tokio::test]
async fn every_change_leaves_an_audit_row_without_a_secret() {
    for w in World::each().await {
        let issued = w.issue("one-stop", Live).await;
        let rotated = w.rotate(&issued.consumer_key, DAY).await.unwrap();
        w.revoke(&issued.consumer_key).await.unwrap();
        w.carry(carry("old-app", "k1", "matkhau1")).await.unwrap();
        let rows = w.audit_rows().await;
        let mut seen: Vec<_> = rows
            .iter()
            .map(|row| {
                let text =
                    |field: &Option<std::sync::Arc<str>>| field.as_deref().map(str::to_owned);
                (row.event.as_deref().unwrap().to_owned(), text(&row.subject), text(&row.actor))
            })
            .collect();
        let key = format!("credential/{}", issued.consumer_key);
        let mut expected = [
            ("issue", key.as_str()),
            ("rotate", &key),
            ("revoke", &key),
            ("carry", "credential/k1"),
        ]
        .map(|(verb, subject)| {
            (verb.to_owned(), Some(subject.to_owned()), Some("cli:test".to_owned()))
        });
        expected.sort();
        seen.sort();
        assert_eq!(seen, expected);
        let all = format!("{rows:?}");
        for secret in [&issued.secret_key, &rotated.secret_key, "matkhau1"] {
            assert!(!all.contains(secret));
        }
        assert!(!all.contains("argon2") && !all.contains("hmac:"));
    }
}
