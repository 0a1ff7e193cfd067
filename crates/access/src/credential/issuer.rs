//! The deeds on credentials: issue, carry over, rotate, revoke. Each works inside the transaction
//! of its caller and leaves an audit row and a changed key there.

use std::time::Duration;

use journal::audit;
use keyring::Keyring;
use serde_json::{Value, json};
use sqlx::AnyExecutor;
use store::Write;
use terms::clock::{Clock, Timestamp};
use terms::code::{ConsumerKey, SystemCode};
use terms::environment::Environment;
use terms::limit::TOKEN_SKEW;
use terms::random::Random;

use super::secret::{generate_key, generate_secret, judge};
use super::{Credential, CredentialFault, NOUN, SecretHash, Strength, store as rows};

/// Issues and changes credentials. Cheap to clone; needs no serving node.
#[derive(Clone)]
pub struct Issuer {
    keyring: Keyring,
    clock: Clock,
    random: Random,
}

/// What the owner is shown, once. Not printable: whoever shows it takes the fields.
pub struct Issued {
    /// Whose it is.
    pub system: SystemCode,
    /// Where it is valid.
    pub environment: Environment,
    /// The public half.
    pub consumer_key: ConsumerKey,
    /// The secret half; stored nowhere.
    pub secret_key: String,
}

/// A credential that a system brings along from an older platform.
pub struct Carried {
    /// Whose it is.
    pub system: SystemCode,
    /// Where it is valid.
    pub environment: Environment,
    /// Its consumer key.
    pub consumer_key: ConsumerKey,
    /// Its secret.
    pub secret_key: String,
    /// From when on the secret is refused; `None` leaves what is stored, at first without end.
    pub weak_until: Option<Timestamp>,
}

/// A [`Carried`] credential whose slow hashing has been done, ready for a transaction.
pub struct Prepared {
    carried: Carried,
    /// The hash to store, made when the consumer key was not known yet.
    fresh: Option<SecretHash>,
    /// The stored hash that was compared with, and whether the secret fits it.
    compared: Option<(SecretHash, bool)>,
}

/// What carrying over did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carry {
    /// It is new here.
    Created,
    /// The same secret with another `weak_until`.
    Updated,
    /// It was here already.
    Unchanged,
}

impl Issuer {
    /// One that hashes under `keyring`.
    pub fn new(keyring: Keyring, clock: Clock, random: Random) -> Issuer {
        Issuer { keyring, clock, random }
    }

    /// Issues a new credential with a generated key and secret.
    pub async fn issue(
        &self,
        tx: &mut Write<'_>,
        system: &SystemCode,
        environment: Environment,
        actor: &str,
    ) -> Result<Issued, CredentialFault> {
        let consumer_key = generate_key(&self.random);
        let secret_key = generate_secret(&self.random);
        let hash = SecretHash::keyed(&self.keyring, &consumer_key, &secret_key)?;
        let credential = self.draft(consumer_key.clone(), system.clone(), environment, hash);
        rows::insert(tx, &credential).await?;
        self.note(tx, "issue", actor, None, &credential).await?;
        Ok(Issued { system: system.clone(), environment, consumer_key, secret_key })
    }

    /// Does the slow part of carrying over (up to 30 ms of one core), before a transaction is
    /// begun.
    pub async fn prepare<'c>(
        &self,
        executor: impl AnyExecutor<'c>,
        carried: Carried,
    ) -> Result<Prepared, CredentialFault> {
        let strength = check(&carried)?;
        let stored = rows::find(executor, &carried.consumer_key).await?;
        let mut prepared = Prepared { carried, fresh: None, compared: None };
        match stored {
            None => prepared.fresh = Some(self.hash(&prepared.carried, strength)?),
            Some(stored) => {
                let matches = self.matches(&stored.secret, &prepared.carried);
                prepared.compared = Some((stored.secret, matches));
            }
        }
        Ok(prepared)
    }

    /// Carries a credential over. The same secret again is unchanged, revoked or not; another one
    /// is a fault, as is a consumer key of another system or environment.
    pub async fn carry(
        &self,
        tx: &mut Write<'_>,
        prepared: &Prepared,
        actor: &str,
    ) -> Result<Carry, CredentialFault> {
        let carried = &prepared.carried;
        let Some(stored) = rows::find(&mut **tx, &carried.consumer_key).await? else {
            return self.carry_new(tx, prepared, actor).await;
        };
        if stored.system != carried.system || stored.environment != carried.environment {
            return Err(CredentialFault::OwnerDiffers(stored.consumer_key));
        }
        let matches = match &prepared.compared {
            Some((hash, matches)) if *hash == stored.secret => *matches,
            _ => self.matches(&stored.secret, carried),
        };
        if !matches {
            return Err(CredentialFault::SecretDiffers(stored.consumer_key));
        }
        let moved = carried.weak_until.is_some() && carried.weak_until != stored.weak_until;
        if !moved || stored.revoked_at.is_some() {
            return Ok(Carry::Unchanged);
        }
        let mut credential = stored.clone();
        credential.weak_until = carried.weak_until;
        rows::update_state(tx, &credential).await?;
        self.note(tx, "carry", actor, Some(&stored), &credential).await?;
        Ok(Carry::Updated)
    }

    async fn carry_new(
        &self,
        tx: &mut Write<'_>,
        prepared: &Prepared,
        actor: &str,
    ) -> Result<Carry, CredentialFault> {
        let carried = &prepared.carried;
        let hash = match &prepared.fresh {
            Some(hash) => hash.clone(),
            None => self.hash(carried, check(carried)?)?,
        };
        let mut credential = self.draft(
            carried.consumer_key.clone(),
            carried.system.clone(),
            carried.environment,
            hash,
        );
        credential.weak_until = carried.weak_until;
        rows::insert(tx, &credential).await?;
        self.note(tx, "carry", actor, None, &credential).await?;
        Ok(Carry::Created)
    }

    /// Gives the credential a new generated secret. The old one works for `overlap` more, but no
    /// longer than it would have; live tokens live on.
    pub async fn rotate(
        &self,
        tx: &mut Write<'_>,
        key: &ConsumerKey,
        overlap: Duration,
        actor: &str,
    ) -> Result<Issued, CredentialFault> {
        let stored = get(tx, key).await?;
        if stored.revoked_at.is_some() {
            return Err(CredentialFault::Revoked(stored.consumer_key));
        }
        let secret_key = generate_secret(&self.random);
        let end = self.clock.now().plus(overlap);
        let until = stored.weak_until.map_or(end, |weak| weak.min(end));
        let mut credential = stored.clone();
        credential.secret = SecretHash::keyed(&self.keyring, key, &secret_key)?;
        credential.previous = (!overlap.is_zero()).then(|| (stored.secret.clone(), until));
        credential.weak_until = None;
        rows::update_state(tx, &credential).await?;
        self.note(tx, "rotate", actor, Some(&stored), &credential).await?;
        Ok(Issued {
            system: stored.system,
            environment: stored.environment,
            consumer_key: stored.consumer_key,
            secret_key,
        })
    }

    /// Revokes the credential, its tokens included. Gives `false` when it was revoked before.
    pub async fn revoke(
        &self,
        tx: &mut Write<'_>,
        key: &ConsumerKey,
        actor: &str,
    ) -> Result<bool, CredentialFault> {
        let stored = get(tx, key).await?;
        if stored.revoked_at.is_some() {
            return Ok(false);
        }
        let mut credential = stored.clone();
        credential.revoked_at = Some(self.clock.now());
        rows::update_state(tx, &credential).await?;
        self.note(tx, "revoke", actor, Some(&stored), &credential).await?;
        Ok(true)
    }

    fn hash(&self, carried: &Carried, strength: Strength) -> Result<SecretHash, CredentialFault> {
        match strength {
            Strength::Strong => {
                SecretHash::keyed(&self.keyring, &carried.consumer_key, &carried.secret_key)
            }
            Strength::Weak => SecretHash::slow(&carried.secret_key, &self.random),
        }
    }

    fn matches(&self, hash: &SecretHash, carried: &Carried) -> bool {
        hash.matches(&self.keyring, carried.consumer_key.as_str(), &carried.secret_key)
    }

    fn draft(
        &self,
        consumer_key: ConsumerKey,
        system: SystemCode,
        environment: Environment,
        secret: SecretHash,
    ) -> Credential {
        let now = self.clock.now();
        Credential {
            number: u64::from_be_bytes(self.random.bytes()) >> 1,
            consumer_key,
            system,
            environment,
            secret,
            previous: None,
            weak_until: None,
            // A node whose clock is behind may issue the first token.
            valid_from: now.minus(TOKEN_SKEW),
            revoked_at: None,
            created_at: now,
            last_used_at: None,
        }
    }

    async fn note(
        &self,
        tx: &mut Write<'_>,
        verb: &str,
        actor: &str,
        before: Option<&Credential>,
        after: &Credential,
    ) -> Result<(), CredentialFault> {
        let change = audit::Change {
            at: self.clock.now(),
            actor: actor.into(),
            verb: verb.into(),
            subject: format!("credential/{}", after.consumer_key),
            before: before.map(describe),
            after: Some(describe(after)),
        };
        audit::insert(tx, &change, &self.random).await?;
        tx.change(NOUN, after.consumer_key.as_str());
        Ok(())
    }
}

async fn get(tx: &mut Write<'_>, key: &ConsumerKey) -> Result<Credential, CredentialFault> {
    rows::find(&mut **tx, key).await?.ok_or_else(|| CredentialFault::Unknown(key.clone()))
}

fn check(carried: &Carried) -> Result<Strength, CredentialFault> {
    ConsumerKey::parse(carried.consumer_key.as_str()).map_err(|_| CredentialFault::KeyForm)?;
    judge(&carried.secret_key)
}

/// What the audit shows: never a secret, nor its hash.
fn describe(credential: &Credential) -> Value {
    json!({
        "system": credential.system,
        "environment": credential.environment,
        "weak_until": credential.weak_until,
        "previous_until": credential.previous_until(),
        "revoked_at": credential.revoked_at,
    })
}
