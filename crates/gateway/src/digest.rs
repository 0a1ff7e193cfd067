//! Keyed digests of bodies as they are passed on: the two parties of an exchange can prove what was
//! in it, nobody else can guess at it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use aws_lc_rs::hmac;
use jiff::tz::TimeZone;
use journal::Digest;
use keyring::{KeyId, Keyring};
use terms::clock::Timestamp;
use terms::code::{MemberCode, SystemCode};
use terms::quantity::QuotaPeriod;

use crate::admit::bounds;

/// The key of one pair of consumer system and provider member for one month.
pub(crate) struct DigestKey {
    key: hmac::Key,
    /// `hmac-sha256:KEYID:YYYY-MM`, for the row.
    pub(crate) name: Arc<str>,
}

/// A digest in the making.
pub(crate) struct Digesting(hmac::Context);

impl DigestKey {
    pub(crate) fn begin(&self) -> Digesting {
        Digesting(hmac::Context::with_key(&self.key))
    }
}

impl Digesting {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn end(self) -> Option<Digest> {
        let tag = self.0.sign();
        tag.as_ref().try_into().ok().map(Digest::from_bytes)
    }
}

type Keys = HashMap<SystemCode, HashMap<MemberCode, Rc<DigestKey>>>;

/// The keys a thread has derived for the current month (UTC) and keyring entry.
pub(crate) struct DigestKeys {
    keyring: Keyring,
    keys: RefCell<Keys>,
    current: Cell<Option<(KeyId, Timestamp, Timestamp)>>,
    name: RefCell<Arc<str>>,
    month: RefCell<String>,
}

impl DigestKeys {
    pub(crate) fn new(keyring: Keyring) -> DigestKeys {
        DigestKeys {
            keyring,
            keys: RefCell::default(),
            current: Cell::new(None),
            name: RefCell::new("".into()),
            month: RefCell::default(),
        }
    }

    /// The key of an exchange opened at `opened_at`; `None` when the keyring has none.
    pub(crate) fn get(
        &self,
        consumer: &SystemCode,
        provider: &MemberCode,
        opened_at: Timestamp,
    ) -> Option<Rc<DigestKey>> {
        self.turn_page(opened_at);
        let mut keys = self.keys.borrow_mut();
        if let Some(key) = keys.get(consumer).and_then(|of| of.get(provider)) {
            return Some(key.clone());
        }
        let (id, ..) = self.current.get()?;
        let (system, member) = (consumer.as_str(), provider.as_str());
        let key = Rc::new(DigestKey {
            key: self.keyring.digest_key(id, system, member, &self.month.borrow())?,
            name: self.name.borrow().clone(),
        });
        keys.entry(consumer.clone()).or_default().insert(provider.clone(), key.clone());
        Some(key)
    }

    /// Forgets the keys of another month or of another keyring entry.
    fn turn_page(&self, at: Timestamp) {
        let id = self.keyring.current();
        let fits = |(key, opened, closed): (KeyId, Timestamp, Timestamp)| {
            key == id && opened <= at && at < closed
        };
        if self.current.get().is_some_and(fits) {
            return;
        }
        let (opened, closed) = bounds(QuotaPeriod::Month, at, &TimeZone::UTC);
        let month = at.to_jiff().strftime("%Y-%m").to_string();
        self.keys.borrow_mut().clear();
        self.name.replace(format!("hmac-sha256:{}:{month}", id.0).into());
        self.month.replace(month);
        self.current.set(Some((id, opened, closed)));
    }
}
