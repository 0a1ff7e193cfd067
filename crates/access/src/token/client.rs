//! Authentication of a client by its consumer key and secret (article 12 steps 1 and 2): one
//! uniform refusal, the same work for a key that exists and one that does not.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use terms::clock::Timestamp;
use terms::environment::Environment;
use terms::limit::WEAK_CHECK_WAIT;
use tokio::sync::OwnedSemaphorePermit;

use crate::access::Access;
use crate::credential::{Credential, SecretHash};
use crate::follow::Errand;

/// `last_used_at` is noted this often at the most.
const USED_EVERY: Duration = Duration::from_secs(60);

/// Consumer key and secret as someone claims them. Unproven, so neither printed nor stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The claimed public half.
    pub consumer_key: String,
    /// The claimed secret half.
    pub secret_key: String,
}

impl std::fmt::Debug for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claimed")
    }
}

/// A system whose secret was checked. Made by [`Access::authenticate`] only.
#[derive(Clone, Debug)]
pub struct Client {
    credential: Arc<Credential>,
}

impl Client {
    #[cfg(test)]
    pub(super) fn known(credential: Arc<Credential>) -> Client {
        Client { credential }
    }

    /// The credential it proved to hold.
    pub fn credential(&self) -> &Arc<Credential> {
        &self.credential
    }
}

/// A place among the slow checks: held by the request and by the check that it started, which runs
/// on when the request is given up.
type Place = Arc<OwnedSemaphorePermit>;

/// Why a client was not authenticated.
#[derive(Clone, Debug)]
pub enum ClientFault {
    /// Wrong key, wrong secret, or nothing that can be read: outwardly all one.
    Wrong,
    /// The secret is right, the credential revoked: outwardly the same as [`ClientFault::Wrong`].
    Dead(Arc<Credential>),
    /// Too many failures.
    SlowDown,
    /// Too many slow checks are under way.
    Busy,
}

impl Access {
    /// Checks a claimed pair of credentials, given in one or two readings. A right secret succeeds
    /// whoever else fails with its key; only a secret that might be guessed is not even tried for
    /// an address that is itself limited (TOK-10).
    pub async fn authenticate(
        &self,
        claimed: &[Claimed],
        environment: Environment,
        address: IpAddr,
    ) -> Result<Client, ClientFault> {
        let now = self.0.clock.now();
        // Kept until the failure is counted: else many connections would each have a reading tried
        // while the others wait for their second.
        let mut place = None;
        for claimed in claimed {
            let known = self.snapshot().by_key(&claimed.consumer_key).cloned();
            let known = known.filter(|credential| credential.environment == environment);
            match known {
                None => self.pretend(claimed),
                Some(credential) => {
                    if self.holds(&credential, claimed, address, now, &mut place).await? {
                        return self.accept(credential, claimed, now);
                    }
                }
            }
        }
        Err(self.fail(claimed, address, now))
    }

    /// Counts a failure: each reading was a guess of its own.
    fn fail(&self, claimed: &[Claimed], address: IpAddr, now: Timestamp) -> ClientFault {
        let mut limiter = self.0.limiter.lock();
        let verdicts = claimed.iter().map(|c| limiter.failed(&c.consumer_key, address, now));
        let (slow_down, alert) = verdicts.fold((false, false), |(slow_down, alert), verdict| {
            (slow_down || verdict.slow_down, alert || verdict.alert)
        });
        drop(limiter);
        if alert {
            tracing::warn!(
                code = "token_guessing",
                client.address = %address,
                "secrets are being guessed: too many failures of one address or consumer key"
            );
        }
        if slow_down { ClientFault::SlowDown } else { ClientFault::Wrong }
    }

    /// The work of a failed check, so that time does not tell which keys exist.
    fn pretend(&self, claimed: &Claimed) {
        let never = SecretHash::Keyed(self.0.keyring.current(), String::new());
        never.matches(&self.0.keyring, &claimed.consumer_key, &claimed.secret_key);
    }

    async fn holds(
        &self,
        credential: &Credential,
        claimed: &Claimed,
        address: IpAddr,
        now: Timestamp,
        place: &mut Option<Place>,
    ) -> Result<bool, ClientFault> {
        let current =
            credential.weak_until.is_none_or(|until| now < until).then_some(&credential.secret);
        let previous = credential.previous.as_ref();
        let previous = previous.filter(|(_, until)| now < *until).map(|(hash, _)| hash);
        if current.or(previous).is_none() {
            self.pretend(claimed);
        }
        for hash in current.into_iter().chain(previous) {
            let matches = if hash.is_slow() {
                self.matches_slowly(hash, claimed, address, place).await?
            } else {
                hash.matches(&self.0.keyring, &claimed.consumer_key, &claimed.secret_key)
            };
            if matches {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Slow hashes are computed apart, few at once, waited for with a limit, and not at all for an
    /// address that is limited.
    async fn matches_slowly(
        &self,
        hash: &SecretHash,
        claimed: &Claimed,
        address: IpAddr,
        place: &mut Option<Place>,
    ) -> Result<bool, ClientFault> {
        let place = match place {
            Some(place) => place.clone(),
            None => place.insert(self.wait_for_place().await?).clone(),
        };
        // Asked only now: what failed while this one waited counts, so that an address has its ten
        // guesses, not as many as it opens connections.
        if self.0.limiter.lock().limited(address, self.0.clock.now()) {
            return Ok(false);
        }
        let (keyring, hash, claimed) = (self.0.keyring.clone(), hash.clone(), claimed.clone());
        tokio::task::spawn_blocking(move || {
            let _place = place;
            hash.matches(&keyring, &claimed.consumer_key, &claimed.secret_key)
        })
        .await
        .map_err(|_| ClientFault::Busy)
    }

    async fn wait_for_place(&self) -> Result<Place, ClientFault> {
        let places = self.0.weak_checks.clone().acquire_owned();
        match tokio::time::timeout(WEAK_CHECK_WAIT, places).await {
            Ok(Ok(place)) => Ok(Arc::new(place)),
            _ => Err(ClientFault::Busy),
        }
    }

    fn accept(
        &self,
        credential: Arc<Credential>,
        claimed: &Claimed,
        now: Timestamp,
    ) -> Result<Client, ClientFault> {
        if credential.revoked_at.is_some() {
            return Err(ClientFault::Dead(credential));
        }
        if self.0.used.lock().is_due(credential.number, now) {
            self.leave(Errand::Used { number: credential.number, at: now });
        }
        self.rehash(&credential, claimed);
        Ok(Client { credential })
    }

    /// A secret hashed under an older keyring entry is hashed anew, so that the entry can be
    /// retired one day. The secret before a rotation is left to die.
    fn rehash(&self, credential: &Credential, claimed: &Claimed) {
        let keyring = &self.0.keyring;
        let (key, secret) = (&credential.consumer_key, &claimed.secret_key);
        let old = match &credential.secret {
            SecretHash::Keyed(id, _) if *id != keyring.current() => &credential.secret,
            _ => return,
        };
        if !old.matches(keyring, key.as_str(), secret) {
            return;
        }
        if let Ok(new) = SecretHash::keyed(keyring, key, secret) {
            self.leave(Errand::Rehash {
                number: credential.number,
                consumer_key: key.clone(),
                old: old.clone(),
                new,
            });
        }
    }
}

/// When each credential's use was last noted by this node; bounded by the number of credentials.
#[derive(Default)]
pub(crate) struct Used(std::collections::HashMap<u64, Timestamp>);

impl Used {
    fn is_due(&mut self, number: u64, now: Timestamp) -> bool {
        let due = self.0.get(&number).is_none_or(|at| now.since(*at) >= USED_EVERY);
        if due {
            self.0.insert(number, now);
        }
        due
    }
}
