//! The form of a token, and every way in which one is refused.

use std::collections::HashSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyring::Keyring;
use terms::clock::{Clock, Timestamp};
use terms::code::{ConsumerKey, SystemCode};
use terms::environment::Environment::{self, Live, Trial};
use terms::random::Random;

use super::client::Client;
use super::{Tag, TokenFault, issue, verify};
use crate::credential::{Credential, SecretHash};
use crate::snapshot::Snapshot;
use crate::tests::start;

const NUMBER: u64 = 0x0102_0304_0506_0708;
const HOUR: Duration = Duration::from_secs(3_600);

/// A keyring and a snapshot of one credential, without a database.
struct Desk {
    keyring: Keyring,
    random: Random,
    credential: Credential,
    revoked: Vec<(Tag, Timestamp)>,
    _folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let random = Random::system();
        let file = folder.path().join("keyring.toml");
        let keyring = Keyring::open(&file, &Clock::manual(start()), &random).unwrap();
        let credential = Credential {
            number: NUMBER,
            consumer_key: ConsumerKey::known("key"),
            system: SystemCode::known("one-stop"),
            environment: Live,
            secret: SecretHash::Keyed(keyring.current(), String::new()),
            previous: None,
            weak_until: None,
            valid_from: start(),
            revoked_at: None,
            created_at: start(),
            last_used_at: None,
        };
        Desk { keyring, random, credential, revoked: Vec::new(), _folder: folder }
    }

    fn issue_at(&self, seconds: i64, lifetime: Duration) -> String {
        let client = Client::known(self.credential.clone().into());
        let token = issue(&client, lifetime, &self.keyring, at(seconds), &self.random);
        token.unwrap().as_str().to_owned()
    }

    fn verify_at(
        &self,
        token: &str,
        environment: Environment,
        seconds: i64,
    ) -> Result<(), TokenFault> {
        let snapshot = Snapshot::new(0, vec![self.credential.clone()], self.revoked.clone());
        let checked = verify(token, environment, &snapshot, &self.keyring, at(seconds));
        checked.map(|v| assert_eq!(v.caller.system().as_str(), "one-stop"))
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(start().secs() + seconds)
}

#[test]
fn a_token_has_the_form_of_the_contract() {
    let desk = Desk::new();
    let token = desk.issue_at(0, HOUR);
    assert_eq!(token.len(), 60);
    let rest = token.strip_prefix("lg1.").unwrap();
    assert!(rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    let bytes = URL_SAFE_NO_PAD.decode(rest).unwrap();
    assert_eq!(bytes.len(), 42);
    assert_eq!(bytes[0], desk.keyring.current().0, "key id");
    assert_eq!(bytes[1..9], NUMBER.to_be_bytes(), "credential number");
    assert_eq!(bytes[9..14], start().secs().to_be_bytes()[3..], "issued, Unix seconds");
    assert_eq!(bytes[14..17], [0, 0x0e, 0x10], "lifetime, 3600 s");
    let vouched = [b"lg1.live".as_slice(), &bytes[..26]].concat();
    let key = desk.keyring.token_key(desk.keyring.current()).unwrap();
    assert_eq!(bytes[26..], key.tag(&[&vouched]), "tag");
}

#[test]
fn any_altered_character_makes_a_token_invalid() {
    const OTHERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ";
    let desk = Desk::new();
    let token = desk.issue_at(0, HOUR);
    assert_eq!(desk.verify_at(&token, Live, 1), Ok(()));
    let snapshot = Snapshot::new(0, vec![desk.credential.clone()], []);
    for place in 0..60 {
        for other in OTHERS {
            let mut altered = token.clone().into_bytes();
            if altered[place] == *other {
                continue;
            }
            altered[place] = *other;
            let altered = String::from_utf8(altered).unwrap();
            let checked = verify(&altered, Live, &snapshot, &desk.keyring, at(1));
            assert_eq!(checked.err(), Some(TokenFault::Invalid), "place {place}: {altered}");
        }
    }
}

#[test]
fn what_has_not_the_form_is_refused() {
    let desk = Desk::new();
    let token = desk.issue_at(0, HOUR);
    let table = [
        (String::new(), TokenFault::Missing),
        (token[..59].to_owned(), TokenFault::Invalid),
        (format!("{token}A"), TokenFault::Invalid),
        (format!("{token}="), TokenFault::Invalid),
        (format!(" {token}"), TokenFault::Invalid),
        (token.replace("lg1.", "lg2."), TokenFault::Invalid),
        (token[4..].to_owned(), TokenFault::Invalid),
        ("x".to_owned(), TokenFault::Invalid),
        ("ộ".repeat(20), TokenFault::Invalid),
        (format!("lg1.{}", "A".repeat(56)), TokenFault::Invalid),
        ("l".repeat(1_000_000), TokenFault::Invalid),
    ];
    for (token, fault) in table {
        assert_eq!(desk.verify_at(&token, Live, 1), Err(fault), "{:.70}", token);
    }
}

#[test]
fn a_token_lives_for_its_lifetime_to_the_second() {
    let desk = Desk::new();
    let table = [
        (3_600, 0, Ok(())),
        (3_600, 3_599, Ok(())),
        (3_600, 3_600, Err(TokenFault::Expired)),
        (3_600, 3_601, Err(TokenFault::Expired)),
        (3_600, 1_000_000, Err(TokenFault::Expired)),
        (600, 599, Ok(())),
        (600, 601, Err(TokenFault::Expired)),
        (3_600, -60, Ok(())),
        (3_600, -61, Err(TokenFault::Invalid)),
        // No setting makes one live for longer than a day.
        (1_000_000, 86_399, Ok(())),
        (1_000_000, 86_401, Err(TokenFault::Expired)),
    ];
    for (lifetime, age, expected) in table {
        let token = desk.issue_at(0, Duration::from_secs(lifetime));
        let found = desk.verify_at(&token, Live, age);
        assert_eq!(found, expected, "lifetime {lifetime} s, age {age} s");
    }
}

#[test]
fn a_token_is_good_in_its_own_environment_only() {
    let mut desk = Desk::new();
    let token = desk.issue_at(0, HOUR);
    assert_eq!(desk.verify_at(&token, Live, 1), Ok(()));
    assert_eq!(desk.verify_at(&token, Trial, 1), Err(TokenFault::Invalid));
    desk.credential.environment = Trial;
    assert_eq!(desk.verify_at(&token, Live, 1), Err(TokenFault::Invalid));
    assert_eq!(desk.verify_at(&token, Trial, 1), Err(TokenFault::Invalid));
}

#[test]
fn a_token_dies_with_its_credential() {
    type Alter = fn(&mut Desk);
    let table: [(&str, Alter); 4] = [
        ("revoked", |desk| desk.credential.revoked_at = Some(at(0))),
        ("valid from later on", |desk| desk.credential.valid_from = at(1)),
        ("another number", |desk| desk.credential.number += 1),
        ("keyring entry retired", |desk| {
            let old = desk.keyring.current();
            desk.keyring.rotate().unwrap();
            desk.keyring.retire(old).unwrap();
        }),
    ];
    for (name, alter) in table {
        let mut desk = Desk::new();
        let token = desk.issue_at(0, HOUR);
        assert_eq!(desk.verify_at(&token, Live, 1), Ok(()), "{name}");
        alter(&mut desk);
        assert_eq!(desk.verify_at(&token, Live, 1), Err(TokenFault::Invalid), "{name}");
        // Dead is dead: it does not come back to life as "expired".
        assert_eq!(desk.verify_at(&token, Live, 9_999), Err(TokenFault::Invalid), "{name}");
    }
}

#[test]
fn a_revoked_token_dies_alone() {
    let mut desk = Desk::new();
    let (dead, alive) = (desk.issue_at(0, HOUR), desk.issue_at(0, HOUR));
    let bytes = URL_SAFE_NO_PAD.decode(&dead[4..]).unwrap();
    desk.revoked.push((bytes[26..].try_into().unwrap(), at(3_600)));
    assert_eq!(desk.verify_at(&dead, Live, 1), Err(TokenFault::Invalid));
    assert_eq!(desk.verify_at(&alive, Live, 1), Ok(()));
}

#[test]
fn tokens_live_through_a_rotation_of_the_keyring() {
    let desk = Desk::new();
    let before = desk.issue_at(0, HOUR);
    desk.keyring.rotate().unwrap();
    let after = desk.issue_at(0, HOUR);
    assert_eq!(desk.verify_at(&before, Live, 1), Ok(()));
    assert_eq!(desk.verify_at(&after, Live, 1), Ok(()));
    let first = |token: &str| URL_SAFE_NO_PAD.decode(&token[4..]).unwrap()[0];
    assert_ne!(first(&before), first(&after));
}

#[test]
fn many_tokens_of_one_credential_live_side_by_side() {
    let desk = Desk::new();
    let tokens: HashSet<String> = (0..1_000).map(|_| desk.issue_at(0, HOUR)).collect();
    assert_eq!(tokens.len(), 1_000);
    for token in &tokens {
        assert_eq!(desk.verify_at(token, Live, 1), Ok(()));
    }
}
