//! What the node knows of credentials and revoked tokens: immutable, replaced whole, made anew from
//! the last one and what changed.

use std::sync::Arc;

use terms::clock::Timestamp;
use terms::code::ConsumerKey;

use crate::credential::Credential;
use crate::token::Tag;

/// One state of the database's credentials and revocations.
#[derive(Clone, Default)]
pub(crate) struct Snapshot {
    /// The revision of the database that it shows.
    pub(crate) revision: u64,
    by_number: imbl::HashMap<u64, Arc<Credential>>,
    by_key: imbl::HashMap<ConsumerKey, Arc<Credential>>,
    /// Revoked tokens by their tag, with their expiry.
    revoked: imbl::HashMap<Tag, Timestamp>,
}

impl Snapshot {
    pub(crate) fn new(
        revision: u64,
        credentials: Vec<Credential>,
        revoked: impl IntoIterator<Item = (Tag, Timestamp)>,
    ) -> Snapshot {
        let mut snapshot = Snapshot { revision, ..Snapshot::default() };
        for credential in credentials {
            snapshot.put(credential);
        }
        snapshot.revoked = revoked.into_iter().collect();
        snapshot
    }

    pub(crate) fn put(&mut self, credential: Credential) {
        let credential = Arc::new(credential);
        self.by_number.insert(credential.number, credential.clone());
        self.by_key.insert(credential.consumer_key.clone(), credential);
    }

    pub(crate) fn remove(&mut self, key: &ConsumerKey) {
        if let Some(credential) = self.by_key.remove(key) {
            self.by_number.remove(&credential.number);
        }
    }

    pub(crate) fn revoke(&mut self, tag: Tag, expires_at: Timestamp) {
        self.revoked.insert(tag, expires_at);
    }

    /// Forgets revoked tokens that have expired.
    pub(crate) fn prune(&mut self, now: Timestamp) {
        self.revoked.retain(|_, expires_at| *expires_at > now);
    }

    pub(crate) fn by_number(&self, number: u64) -> Option<&Arc<Credential>> {
        self.by_number.get(&number)
    }

    pub(crate) fn by_key(&self, key: &str) -> Option<&Arc<Credential>> {
        self.by_key.get(key)
    }

    pub(crate) fn credentials(&self) -> impl Iterator<Item = &Arc<Credential>> {
        self.by_number.values()
    }

    pub(crate) fn is_revoked(&self, tag: &Tag) -> bool {
        !self.revoked.is_empty() && self.revoked.contains_key(tag)
    }
}
