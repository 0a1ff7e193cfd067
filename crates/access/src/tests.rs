//! The world in which access is tested: real database, keyring and journal, a clock moved by hand;
//! then what holds across restarts, other processes and a database that is away.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use journal::{Journal, Row};
use keyring::Keyring;
use store::{Store, testing};
use terms::clock::{Clock, Timestamp};
use terms::code::{ConsumerKey, MemberCode, SystemCode};
use terms::environment::Environment;
use terms::exchange::Kind;
use terms::limit::TOKEN_LIFETIME;
use terms::random::Random;
use tokio::task::JoinHandle;

use crate::Access;
use crate::credential::{Carried, Carry, CredentialFault, Issued, Issuer};
use crate::token::http::{Arrival, Endpoint, answer};
use crate::token::{Terms, TokenFault};

pub(crate) const OWNER: &str = "192.0.2.1";

/// Where every test begins in time.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

pub(crate) fn system(code: &str) -> SystemCode {
    SystemCode::parse(code).unwrap()
}

/// One node with its own folder.
pub(crate) struct World {
    pub(crate) access: Access,
    pub(crate) store: Store,
    pub(crate) keyring: Keyring,
    pub(crate) journal: Journal,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    /// What the catalogue says of systems; others are active for the usual hour.
    pub(crate) terms: RefCell<HashMap<String, Option<Terms>>>,
    folder: tempfile::TempDir,
    follow: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.follow.abort();
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Answer {
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: String::from_utf8(response.body().to_vec()).unwrap(),
        }
    }
}

impl World {
    pub(crate) async fn new() -> World {
        World::on(testing::sqlite().await).await
    }

    /// One on each engine.
    pub(crate) async fn each() -> Vec<World> {
        let mut worlds = Vec::new();
        for store in testing::engines().await {
            worlds.push(World::on(store).await);
        }
        worlds
    }

    pub(crate) async fn on(store: Store) -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(start());
        let random = Random::system();
        let keyring = open_keyring(folder.path(), &clock, &random);
        let config = journal::Config {
            dir: folder.path().join("journal"),
            keys: folder.path().to_owned(),
            node: "n1".to_owned(),
            retention_months: 24,
            sync: journal::Sync::Never,
        };
        let (journal, _recovery) = Journal::open(&config, clock.clone()).unwrap();
        let access = Access::open(
            store.clone(),
            keyring.clone(),
            journal.clone(),
            clock.clone(),
            random.clone(),
        );
        let access = access.await.unwrap();
        let follow = access.follow();
        let terms = RefCell::default();
        World { access, store, keyring, journal, clock, random, terms, folder, follow }
    }

    pub(crate) fn issuer(&self) -> Issuer {
        self.access.issuer()
    }

    pub(crate) async fn issue(&self, code: &str, environment: Environment) -> Issued {
        let mut tx = self.store.write().await.unwrap();
        let issued = self.issuer().issue(&mut tx, &system(code), environment, "cli:test").await;
        tx.commit().await.unwrap();
        self.access.refresh().await.unwrap();
        issued.unwrap()
    }

    pub(crate) async fn carry(&self, carried: Carried) -> Result<Carry, CredentialFault> {
        let prepared = self.issuer().prepare(&self.store.pool, carried).await?;
        let mut tx = self.store.write().await?;
        let done = self.issuer().carry(&mut tx, &prepared, "cli:test").await;
        tx.commit().await?;
        self.access.refresh().await?;
        done
    }

    pub(crate) async fn rotate(
        &self,
        key: &ConsumerKey,
        overlap: Duration,
    ) -> Result<Issued, CredentialFault> {
        let mut tx = self.store.write().await?;
        let done = self.issuer().rotate(&mut tx, key, overlap, "cli:test").await;
        tx.commit().await?;
        self.access.refresh().await?;
        done
    }

    pub(crate) async fn revoke(&self, key: &ConsumerKey) -> Result<bool, CredentialFault> {
        let mut tx = self.store.write().await?;
        let done = self.issuer().revoke(&mut tx, key, "cli:test").await;
        tx.commit().await?;
        self.access.refresh().await?;
        done
    }

    /// Sends a request to the endpoint at its path.
    pub(crate) async fn send(
        &self,
        request: Request<Bytes>,
        environment: Environment,
        address: &str,
    ) -> Answer {
        let endpoint = Endpoint::find(request.uri().path()).unwrap();
        self.send_to(endpoint, request, environment, address).await
    }

    pub(crate) async fn send_to(
        &self,
        endpoint: Endpoint,
        request: Request<Bytes>,
        environment: Environment,
        address: &str,
    ) -> Answer {
        let (parts, body) = request.into_parts();
        let client_address: IpAddr = address.parse().unwrap();
        let arrival = Arrival { environment, client_address, secure: false, xml: false };
        let terms = |system: &SystemCode| self.terms_of(system);
        answer(&self.access, endpoint, &parts, &body, arrival, terms).await.into()
    }

    fn terms_of(&self, system: &SystemCode) -> Option<Terms> {
        match self.terms.borrow().get(system.as_str()) {
            Some(terms) => terms.clone(),
            None => Some(terms(true, TOKEN_LIFETIME)),
        }
    }

    pub(crate) fn set_terms(&self, code: &str, terms: Option<Terms>) {
        self.terms.borrow_mut().insert(code.to_owned(), terms);
    }

    /// Asks for a token by Basic header on the live listener.
    pub(crate) async fn ask(&self, key: &str, secret: &str, address: &str) -> Answer {
        self.send(with_basic("/token", key, secret, ""), Environment::Live, address).await
    }

    pub(crate) async fn token(&self, issued: &Issued) -> String {
        let request = with_basic("/token", issued.consumer_key.as_str(), &issued.secret_key, "");
        let answer = self.send(request, issued.environment, OWNER).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Does the live listener take this token?
    pub(crate) fn verify(&self, token: &str) -> Result<String, TokenFault> {
        let caller = self.access.verify(token, Environment::Live)?;
        Ok(caller.system().as_str().to_owned())
    }

    /// The journal as it stands.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let found =
            journal::search(&self.folder.path().join("journal"), &journal::Filter::default());
        found.unwrap().map(Result::unwrap).collect()
    }

    /// The audit rows, drained into the journal.
    pub(crate) async fn audit_rows(&self) -> Vec<Row> {
        journal::audit::drain_once(&self.store, &self.journal, false).await.unwrap();
        let rows = self.rows();
        rows.into_iter().filter(|row| row.kind == Kind::Change).collect()
    }

    /// The whole node begins anew on the same folder and database.
    pub(crate) async fn restart(&self) -> Access {
        let keyring = open_keyring(self.folder.path(), &self.clock, &self.random);
        let store = testing::another(&self.store).await;
        let journal = self.journal.clone();
        let access = Access::open(store, keyring, journal, self.clock.clone(), self.random.clone());
        access.await.unwrap()
    }

    /// Waits until the errands left so far have been run: they are run in order.
    pub(crate) async fn settle(&self) {
        let tag = self.random.bytes();
        self.access.revoke_token(tag, 0, start()).await.unwrap();
    }

    /// Every file of the node: database, journal, keys.
    fn files(&self) -> Vec<PathBuf> {
        let url = testing::config(&self.store).url;
        let database = PathBuf::from(url.strip_prefix("sqlite:").unwrap());
        let mut files = Vec::new();
        gather(self.folder.path(), &mut files);
        gather(database.parent().unwrap(), &mut files);
        files
    }
}

fn open_keyring(folder: &Path, clock: &Clock, random: &Random) -> Keyring {
    Keyring::open(&folder.join("keyring.toml"), clock, random).unwrap()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { gather(&path, files) } else { files.push(path) }
    }
}

pub(crate) fn terms(active: bool, lifetime: Duration) -> Terms {
    Terms { active, lifetime, member: MemberCode::known("H01.013") }
}

pub(crate) fn basic(key: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")))
}

pub(crate) fn with_basic(path: &str, key: &str, secret: &str, body: &str) -> Request<Bytes> {
    let request = Request::post(path).header("authorization", basic(key, secret));
    request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

#[tokio::test]
async fn a_token_of_our_own_lives_a_minute_and_dies_with_the_credential() {
    let world = World::new().await;
    let own = |environment| world.access.own_token(&system("one-stop"), environment);
    assert!(own(Environment::Live).is_none(), "no credential, no token");
    let issued = world.issue("one-stop", Environment::Live).await;
    world.settle().await;
    assert!(own(Environment::Trial).is_none(), "of its own environment only");
    let token = own(Environment::Live).unwrap();
    assert_eq!(world.verify(token.as_str()).unwrap(), "one-stop");
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(world.verify(token.as_str()), Err(TokenFault::Expired));
    let token = own(Environment::Live).unwrap();
    world.revoke(&issued.consumer_key).await.unwrap();
    world.settle().await;
    assert_eq!(world.verify(token.as_str()), Err(TokenFault::Invalid));
    assert!(own(Environment::Live).is_none(), "a revoked key vouches for nobody");
}

#[tokio::test]
async fn a_token_and_a_revocation_survive_a_restart() {
    for w in World::each().await {
        let issued = w.issue("one-stop", Environment::Live).await;
        let (kept, revoked) = (w.token(&issued).await, w.token(&issued).await);
        let body = format!("token={revoked}");
        let request =
            with_basic("/revoke", issued.consumer_key.as_str(), &issued.secret_key, &body);
        assert_eq!(w.send(request, Environment::Live, OWNER).await.status, 200);
        let access = w.restart().await;
        assert!(access.verify(&kept, Environment::Live).is_ok());
        assert_eq!(access.verify(&revoked, Environment::Live).unwrap_err(), TokenFault::Invalid);
    }
}

#[tokio::test]
async fn tokens_are_issued_and_checked_while_the_database_is_away() {
    for w in World::each().await {
        let issued = w.issue("one-stop", Environment::Live).await;
        let token = w.token(&issued).await;
        w.store.close().await;
        assert_eq!(w.verify(&token).unwrap(), "one-stop");
        let another = w.token(&issued).await;
        assert_eq!(w.verify(&another).unwrap(), "one-stop");
        let request = with_basic(
            "/revoke",
            issued.consumer_key.as_str(),
            &issued.secret_key,
            &format!("token={token}"),
        );
        let answer = w.send(request, Environment::Live, OWNER).await;
        assert_eq!((answer.status, answer.error()), (503, "temporarily_unavailable".to_owned()));
        assert!(w.verify(&token).is_ok(), "what was not written is not revoked");
    }
}

#[tokio::test]
async fn a_key_revoked_by_another_process_is_dead_within_a_second() {
    for w in World::each().await {
        let issued = w.issue("one-stop", Environment::Live).await;
        let token = w.token(&issued).await;
        assert!(w.verify(&token).is_ok());
        let other = testing::another(&w.store).await;
        let mut tx = other.write().await.unwrap();
        w.issuer().revoke(&mut tx, &issued.consumer_key, "cli:other").await.unwrap();
        tx.commit().await.unwrap();
        let dead = async {
            while w.verify(&token).is_ok() {
                tokio::task::yield_now().await;
            }
        };
        let within = tokio::time::timeout(Duration::from_secs(1), dead).await;
        assert!(within.is_ok(), "{:?}", w.store.engine);
        assert_eq!(w.verify(&token), Err(TokenFault::Invalid));
    }
}

#[tokio::test]
async fn deltas_and_a_whole_load_show_the_same() {
    for w in World::each().await {
        let mut keys = Vec::new();
        for n in 0..5 {
            keys.push(w.issue(&format!("s{n}"), Environment::Live).await);
        }
        w.revoke(&keys[1].consumer_key).await.unwrap();
        let rotated = w.rotate(&keys[2].consumer_key, Duration::from_secs(60)).await.unwrap();
        for secret in [&keys[2].secret_key, &rotated.secret_key] {
            let key = keys[2].consumer_key.as_str();
            assert_eq!(w.ask(key, secret, OWNER).await.status, 200);
        }
        w.settle().await;
        let fresh = w.restart().await;
        for issued in &keys {
            let key = issued.consumer_key.as_str();
            let shown = |access: &Access| {
                let found = access
                    .snapshot()
                    .by_key(key)
                    .map(|c| (c.number, c.revoked_at, c.previous_until(), c.secret.clone()));
                found.unwrap()
            };
            assert_eq!(shown(&w.access), shown(&fresh));
        }
    }
}

#[tokio::test]
async fn no_secret_and_no_token_is_found_in_any_file() {
    let w = World::new().await;
    let issued = w.issue("one-stop", Environment::Live).await;
    let carried_secret = "Carried-0ver-secret";
    let carried = carry("old-app", "old-key", carried_secret);
    assert_eq!(w.carry(carried).await.unwrap(), Carry::Created);
    let rotated = w.rotate(&issued.consumer_key, Duration::from_secs(3_600)).await.unwrap();
    let token = w.token(&rotated).await;
    assert_eq!(w.ask("old-key", carried_secret, OWNER).await.status, 200);
    let guess = "a-claimed-secret-that-is-wrong";
    assert_eq!(w.ask("a-claimed-key", guess, OWNER).await.status, 401);
    w.settle().await;
    let files = w.files();
    assert!(files.len() >= 3, "{files:?}");
    let never = [
        issued.secret_key.as_str(),
        &rotated.secret_key,
        carried_secret,
        &token,
        guess,
        "a-claimed-key",
    ];
    let mut key_seen = false;
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
        for text in never {
            assert!(!holds(text), "{} holds {text}", file.display());
        }
        key_seen |= holds(issued.consumer_key.as_str());
    }
    assert!(key_seen, "the search would find something if it were there");
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute() {
    for w in World::each().await {
        let issued = w.issue("one-stop", Environment::Live).await;
        let mut seen = Vec::new();
        for seconds in [0, 30, 59, 60, 61] {
            w.clock.set(start().plus(Duration::from_secs(seconds)));
            w.token(&issued).await;
            w.settle().await;
            let found = crate::credential::find(&w.store.pool, &issued.consumer_key).await;
            seen.push(found.unwrap().unwrap().last_used_at.unwrap().since(start()).as_secs());
        }
        assert_eq!(seen, [0, 0, 0, 60, 60]);
    }
}

#[tokio::test]
async fn a_secret_is_hashed_anew_after_the_keyring_was_rotated() {
    for w in World::each().await {
        let issued = w.issue("one-stop", Environment::Live).await;
        let token = w.token(&issued).await;
        let first = w.keyring.current();
        w.keyring.rotate().unwrap();
        assert!(w.verify(&token).is_ok(), "live tokens live on");
        let next = w.token(&issued).await;
        w.settle().await;
        w.keyring.retire(first).unwrap();
        assert!(w.verify(&next).is_ok());
        assert_eq!(w.verify(&token), Err(TokenFault::Invalid), "its key was retired");
        w.token(&issued).await;
    }
}

pub(crate) fn carry(code: &str, key: &str, secret: &str) -> Carried {
    Carried {
        system: system(code),
        environment: Environment::Live,
        consumer_key: ConsumerKey::known(key),
        secret_key: secret.to_owned(),
        weak_until: None,
    }
}
