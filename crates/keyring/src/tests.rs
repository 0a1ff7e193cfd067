//! The keyring and what is derived from it.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use store::testing::engines;
use terms::clock::{Clock, Timestamp};
use terms::random::Random;

use crate::{KeyId, Keyring, KeyringError, State};

/// The bytes 0 to 31 in base64.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

const FIRST: KeyId = KeyId(1);
const SECOND: KeyId = KeyId(2);

fn clock() -> Clock {
    Clock::manual(Timestamp::from_secs(1_795_302_127))
}

fn open(path: &Path) -> Keyring {
    open_seeded(path, 1)
}

fn open_seeded(path: &Path, seed: u64) -> Keyring {
    Keyring::open(path, &clock(), &Random::seeded(seed)).unwrap()
}

/// A folder and the path of a keyring in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/keyring.toml");
    (folder, path)
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    allow(path, 0o600);
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn entry(id: u8, key: &str) -> String {
    format!("[[entry]]\nid = {id}\ncreated = \"2026-11-21T23:02:07Z\"\nkey = \"{key}\"\n")
}

fn ring(current: u8, entries: &[String]) -> String {
    format!("format = 1\ncurrent = {current}\n{}", entries.concat())
}

/// Made with the Python of `derived.rs` (and `cryptography` for AES-256-GCM), not with this code.
#[test]
fn published_vectors_hold() {
    let (_folder, path) = place();
    write(&path, &ring(1, &[entry(1, KEY)]));
    let keyring = open(&path);

    let parts: [&[u8]; 3] = [b"lg1.", b"live", &[0; 26]];
    let token_key = keyring.token_key(FIRST).unwrap();
    assert_eq!(hex::encode(token_key.tag(&parts)), "7fb1e10086a7bda0ab5eecd3e1c5075e");
    assert_eq!(
        keyring.secret_hash(FIRST, "key:secret").unwrap(),
        "62ed63dcee20a23928dd60b62dda587536ea3dffd9bfb7a1de9d851a6ca01aa1"
    );
    let digest_key = keyring.digest_key(FIRST, "one-stop", "H01.013", "2026-11").unwrap();
    let digests = [
        (r#"{"maThua":"12"}"#, "348dd58ae3953a7a7511a050a475ba5d46c6a3708b6acf1768370b08a15f4b8c"),
        ("", "cc03930e22aab165bed7f09297259f038b77a3c898a6e9d81dcf6e31a9b79611"),
    ];
    for (body, digest) in digests {
        assert_eq!(hex::encode(hmac::sign(&digest_key, body.as_bytes())), digest, "{body}");
    }
    let sealed = "1:AAECAwQFBgcICQoLNCwgN54cCp96OnSgLsb/ay69yZRqPF5T3as=";
    let opened = keyring.open_sealed("provider/tra-cuu/1.0", sealed).unwrap();
    assert_eq!(opened.as_slice(), b"ApiKey 123");
}

#[test]
fn the_first_start_makes_a_file_for_its_owner_only() {
    let (_folder, path) = place();
    let keyring = open(&path);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(keyring.current(), FIRST);
    let again = open_seeded(&path, 2);
    assert_eq!(keyring.secret_hash(FIRST, "s"), again.secret_hash(FIRST, "s"));
    let (_other_folder, other) = place();
    assert_ne!(keyring.secret_hash(FIRST, "s"), open_seeded(&other, 2).secret_hash(FIRST, "s"));

    let text = std::fs::read_to_string(&path).unwrap();
    let key = text.split("key = \"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(key.len(), 44);
    let shown = format!("{keyring:?} {:?}", keyring.token_key(FIRST));
    assert!(!shown.contains(&key[..8]), "{shown}");
}

#[test]
fn a_file_others_may_touch_is_refused() {
    let (_folder, path) = place();
    let keyring = open(&path);
    for (mode, accepted) in [
        (0o600, true),
        (0o400, true),
        (0o640, false),
        (0o604, false),
        (0o620, false),
        (0o602, false),
        (0o610, false),
        (0o666, false),
    ] {
        allow(&path, mode);
        let opened = Keyring::open(&path, &clock(), &Random::seeded(1));
        match opened {
            Ok(_) => assert!(accepted, "{mode:o}"),
            Err(KeyringError::Exposed { mode: found, .. }) => {
                assert!(!accepted && found == mode, "{mode:o}");
            }
            Err(other) => panic!("{mode:o}: {other}"),
        }
    }
    assert!(matches!(keyring.rotate(), Err(KeyringError::Exposed { .. })), "nor is it rewritten");
    assert_eq!(keyring.current(), FIRST);
}

#[test]
fn damage_is_named_by_line_and_shows_no_key() {
    let short = &KEY[..40];
    let table = [
        ("", 1),
        ("format = 1\ncurrent = 1\n", 1),
        (&ring(1, &[]), 1),
        (&ring(2, &[entry(1, KEY)]), 1),
        (&ring(1, &[entry(1, short)]), 4),
        (&ring(1, &[entry(1, "")]), 4),
        (&ring(1, &[entry(1, &KEY.replace('=', "!"))]), 4),
        (&ring(0, &[entry(0, KEY)]), 4),
        (&ring(1, &[entry(1, KEY), entry(1, KEY)]), 4),
        (&ring(1, &[entry(1, KEY).replace("key =", "retired = true\nkey =")]), 4),
        (&ring(1, &[entry(1, KEY).replace("2026-11-21T23:02:07Z", "today")]), 4),
        (&ring(1, &[entry(1, KEY).replace("key =", "kex =")]), 6),
        (&ring(1, &[entry(1, KEY).replace("id = 1", &format!("id = \"{KEY}\""))]), 4),
        (&ring(1, &[entry(1, KEY).replace("=\"", "=")]), 6),
        (&ring(1, &[entry(1, KEY)]).replace("format = 1", "format = 2"), 1),
        (&ring(1, &[entry(1, KEY)]).replace("current = 1", "current = 256"), 2),
    ];
    for (text, expected) in table {
        let (_folder, path) = place();
        write(&path, text);
        let error = Keyring::open(&path, &clock(), &Random::seeded(1)).unwrap_err();
        let KeyringError::Damaged { line, .. } = &error else { panic!("{text}\n{error:?}") };
        assert_eq!(*line, expected, "{text}\n{error}");
        let said = format!("{error} {error:?} {:?}", error.sentence());
        assert!(!said.contains(&KEY[..8]), "{said}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "a damaged file is left alone");
    }
}

#[test]
fn rotation_and_retirement_decide_what_holds() {
    let (_folder, path) = place();
    let keyring = open(&path);
    let states = |keyring: &Keyring| -> Vec<(u8, State)> {
        keyring.list().iter().map(|entry| (entry.id.0, entry.state)).collect()
    };
    let sealed = keyring.seal("here", b"text").unwrap();
    let hash = keyring.secret_hash(FIRST, "secret").unwrap();
    let tag = keyring.token_key(FIRST).unwrap().tag(&[b"body"]);
    assert!(matches!(keyring.retire(FIRST), Err(KeyringError::Current { id: FIRST })));
    assert!(matches!(keyring.retire(KeyId(9)), Err(KeyringError::Unknown { id: KeyId(9) })));
    assert_eq!(states(&keyring), [(1, State::Current)]);

    assert_eq!(keyring.rotate().unwrap(), SECOND);
    for keyring in [&keyring, &keyring.clone(), &open(&path)] {
        assert_eq!(states(keyring), [(1, State::Former), (2, State::Current)]);
        assert_eq!((keyring.current(), keyring.ids()), (SECOND, vec![FIRST, SECOND]));
        assert!(keyring.token_key(FIRST).unwrap().verify(&[b"bo", b"dy"], &tag));
        assert!(!keyring.token_key(SECOND).unwrap().verify(&[b"body"], &tag));
        assert!(!keyring.token_key(FIRST).unwrap().verify(&[b"body"], &tag[..15]));
        assert!(keyring.verify_secret(FIRST, "secret", &hash));
        assert!(!keyring.verify_secret(FIRST, "Secret", &hash));
        assert!(!keyring.verify_secret(SECOND, "secret", &hash));
        assert_eq!(keyring.sealed_by(&sealed), Some(FIRST));
        assert_eq!(keyring.sealed_by(&keyring.seal("", b"").unwrap()), Some(SECOND));
    }

    for _ in 0..2 {
        keyring.retire(FIRST).unwrap();
    }
    for keyring in [&keyring, &open(&path)] {
        assert_eq!(states(keyring), [(1, State::Retired), (2, State::Current)]);
        assert_eq!(keyring.ids(), [SECOND]);
        assert!(keyring.token_key(FIRST).is_none());
        assert!(keyring.secret_hash(FIRST, "secret").is_none());
        assert!(!keyring.verify_secret(FIRST, "secret", &hash));
        assert_eq!(keyring.open_sealed("here", &sealed).unwrap().as_slice(), b"text");
        assert!(keyring.digest_key(FIRST, "a", "b", "2026-11").is_some());
        assert!(keyring.digest_key(KeyId(3), "a", "b", "2026-11").is_none());
    }
}

#[test]
fn a_keyring_ends_with_255_entries() {
    let (_folder, path) = place();
    write(&path, &ring(254, &[entry(254, KEY)]));
    let keyring = open(&path);
    assert_eq!(keyring.rotate().unwrap(), KeyId(255));
    assert!(matches!(keyring.rotate(), Err(KeyringError::Full)));
    assert_eq!(keyring.current(), KeyId(255));
}

#[test]
fn a_sealed_text_opens_in_its_place_only() {
    let (_folder, path) = place();
    let keyring = open(&path);
    for plain in [&b""[..], b"ApiKey 123", "mật khẩu".as_bytes(), &[7; 100_000]] {
        let sealed = keyring.seal("here", plain).unwrap();
        assert_ne!(sealed, keyring.seal("here", plain).unwrap(), "one nonce, twice");
        assert_eq!(keyring.open_sealed("here", &sealed).unwrap().as_slice(), plain);
        assert!(keyring.open_sealed("there", &sealed).is_err(), "moved");
    }
    let sealed = keyring.seal("here", b"ApiKey 123").unwrap();
    for at in 0..sealed.len() {
        let mut altered = sealed.clone().into_bytes();
        altered[at] ^= 1;
        let Ok(altered) = String::from_utf8(altered) else { continue };
        assert!(keyring.open_sealed("here", &altered).is_err(), "byte {at}: {altered}");
        assert!(keyring.open_sealed("here", &sealed[..at]).is_err(), "cut at {at}");
    }
    for text in ["", ":", "1:", "2:AAAA", "x:AAAA", "1:AAAAAAAAAAAAAAAA", "256:AAAA"] {
        assert!(keyring.open_sealed("here", text).is_err(), "{text}");
    }
    let long = vec![0; 1024 * 1024 + 1];
    assert!(matches!(keyring.seal("here", &long), Err(KeyringError::Long)));
}

#[test]
fn each_party_and_month_has_a_key_of_its_own() {
    let (_folder, path) = place();
    let keyring = open(&path);
    keyring.rotate().unwrap();
    let table = [
        (FIRST, "one-stop", "H01.013", "2026-11"),
        (SECOND, "one-stop", "H01.013", "2026-11"),
        (FIRST, "one-stop", "H01.013", "2026-12"),
        (FIRST, "one-stop", "H01.014", "2026-11"),
        (FIRST, "one-stop-2", "H01.013", "2026-11"),
        (FIRST, "H01.013", "one-stop", "2026-11"),
    ];
    let digest = |(id, consumer, provider, month)| {
        let key = keyring.digest_key(id, consumer, provider, month).unwrap();
        hex::encode(hmac::sign(&key, b"body"))
    };
    let digests: BTreeSet<String> = table.into_iter().map(digest).collect();
    assert_eq!(digests.len(), table.len());
}

#[test]
fn what_another_process_wrote_is_taken_over() {
    let (_folder, path) = place();
    let (own, other) = (open_seeded(&path, 1), open_seeded(&path, 2));
    assert!(!own.reload_if_changed().unwrap());
    other.rotate().unwrap();
    assert_eq!(own.current(), FIRST);
    assert!(own.reload_if_changed().unwrap());
    assert!(!own.reload_if_changed().unwrap());
    assert_eq!(own.current(), SECOND);
    assert_eq!(own.secret_hash(SECOND, "s"), other.secret_hash(SECOND, "s"));
    other.retire(FIRST).unwrap();
    assert!(own.reload_if_changed().unwrap());
    assert!(own.token_key(FIRST).is_none());
}

#[test]
fn a_faulty_file_does_not_replace_the_ring_in_use() {
    let (_folder, path) = place();
    let keyring = open(&path);
    keyring.rotate().unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    let hash = keyring.secret_hash(SECOND, "s");
    let first = good.split("[[entry]]").nth(1).unwrap();
    let lacking = ring(1, &[format!("[[entry]]{first}")]);
    let foreign = ring(2, &[entry(1, KEY), entry(2, KEY)]);
    for text in ["", "format = 1", &lacking, &foreign] {
        write(&path, text);
        assert!(keyring.reload_if_changed().is_err(), "{text}");
        assert!(keyring.rotate().is_err(), "{text}");
        assert_eq!((keyring.current(), keyring.secret_hash(SECOND, "s")), (SECOND, hash.clone()));
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(keyring.reload_if_changed(), Err(KeyringError::File { .. })));
    assert!(keyring.rotate().is_err() && !path.exists(), "a lost file is not made anew");
    write(&path, &good);
    assert!(keyring.reload_if_changed().unwrap());
    assert_eq!(keyring.secret_hash(SECOND, "s"), hash);
}

#[test]
fn processes_that_write_together_lose_nothing() {
    let (_folder, path) = place();
    std::thread::scope(|scope| {
        for seed in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let keyring = open_seeded(path, seed);
                for _ in 0..5 {
                    keyring.rotate().unwrap();
                }
            });
        }
    });
    let keyring = open(&path);
    assert_eq!(keyring.list().len(), 41, "one of the first start, 40 of rotations");
    assert_eq!(keyring.current(), KeyId(41));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left");
}

#[test]
fn what_a_killed_process_left_does_not_hinder() {
    let (_folder, path) = place();
    let keyring = open(&path);
    let left = path.with_extension("new");
    std::fs::write(&left, "format = 1\ncurr").unwrap();
    allow(&left, 0o644);
    assert_eq!(keyring.rotate().unwrap(), SECOND);
    assert!(!left.exists());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(open(&path).current(), SECOND);
}

#[tokio::test]
async fn a_node_with_another_keyring_refuses_to_start() {
    for store in engines().await {
        let (_folder, path) = place();
        let keyring = open_seeded(&path, 1);
        keyring.check(&store).await.unwrap();
        let older = std::fs::read_to_string(&path).unwrap();
        keyring.rotate().unwrap();
        for _ in 0..2 {
            keyring.check(&store).await.unwrap();
        }
        keyring.retire(FIRST).unwrap();
        open(&path).check(&store).await.unwrap();

        let (_other_folder, other_path) = place();
        let other = open_seeded(&other_path, 2);
        let error = other.check(&store).await.unwrap_err();
        assert!(matches!(error, KeyringError::Foreign { id: FIRST }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "entry 1 is of another keyring: put back the file this database was begun with"
        );
        write(&other_path, &older);
        let error = open(&other_path).check(&store).await.unwrap_err();
        assert!(matches!(error, KeyringError::Lacking { id: SECOND }), "{error:?}");
    }
}

#[tokio::test]
async fn of_two_keyrings_at_a_new_database_one_wins() {
    for store in engines().await {
        let places = [place(), place()];
        let rings = [open_seeded(&places[0].1, 1), open_seeded(&places[1].1, 2)];
        let (first, second) = tokio::join!(rings[0].check(&store), rings[1].check(&store));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let lost = first.err().or(second.err()).unwrap();
        assert!(matches!(lost, KeyringError::Foreign { id: FIRST }), "{lost:?}");
    }
}

#[tokio::test]
async fn the_check_value_is_the_published_one_and_no_key() {
    let (_folder, path) = place();
    write(&path, &ring(1, &[entry(1, KEY)]));
    for store in engines().await {
        open(&path).check(&store).await.unwrap();
        let noted = crate::store::list(&store.pool).await.unwrap();
        assert_eq!(noted, [(FIRST, "336a834b6ccecb87492c540b0c5aaba0".to_owned())]);
    }
}
