//! An information system of a member: what holds keys and makes calls (article 7).

pub(crate) mod store;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use terms::code::{MemberCode, SystemCode};
use terms::limit;

use crate::network::Network;
use crate::stated::{Broken, Stated};

/// How a system wants to hear of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Errors {
    /// An HTTP status and `application/problem+json` (design §8).
    #[default]
    Modern,
    /// HTTP 200 with `error_code` and `message`, as old clients read it.
    Legacy,
}

/// A system as the catalogue holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Its code.
    pub code: SystemCode,
    /// Whose it is; never changes.
    pub member: MemberCode,
    /// Its name.
    pub name: Arc<str>,
    /// Networks it calls from; empty = any.
    pub addresses: Box<[Network]>,
    /// How long its tokens live.
    pub token_lifetime: Duration,
    /// How it wants to hear of faults.
    pub errors: Errors,
    /// May it call? False when it is stopped or its member has ended: no token is issued, and its
    /// live tokens are `token_invalid`.
    pub active: bool,
    /// Stopped by its own state, whatever its member's.
    pub(crate) stopped: bool,
}

impl System {
    /// May it call from `address`?
    pub fn admits(&self, address: IpAddr) -> bool {
        self.addresses.is_empty() || self.addresses.iter().any(|n| n.contains(address))
    }

    pub(crate) fn read(stated: &Stated) -> Result<System, Broken> {
        let code = stated.text("code").and_then(|c| SystemCode::parse(c).ok());
        let member = stated.text("member").and_then(|c| MemberCode::parse(c).ok());
        let read = |text| Network::parse(text).ok_or_else(|| Broken::field("addresses"));
        Ok(System {
            code: code.ok_or_else(|| Broken::field("code"))?,
            member: member.ok_or_else(|| Broken::field("member"))?,
            name: stated.shared("name"),
            addresses: stated.list("addresses").map(read).collect::<Result<_, _>>()?,
            token_lifetime: stated.duration("token_lifetime").unwrap_or(limit::TOKEN_LIFETIME),
            errors: match stated.text("errors") {
                Some("legacy") => Errors::Legacy,
                _ => Errors::Modern,
            },
            active: stated.text("state").is_none(),
            stopped: stated.text("state").is_some(),
        })
    }
}
