//! The switch: facts are kept only on a written legal ground, and turning it is audited.

use jiff::civil::Date;
use serde_json::json;
use terms::clock::Timestamp;
use terms::limit::{REASON_CHARS_MAX, REASON_CHARS_MIN};

use crate::error::DossierError;
use crate::moment::Day;
use crate::period::Period;
use crate::schedule::Rule;

/// Section `[statistics]` of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `keep_facts`: keep facts of dossiers; off by default.
    pub keep_facts: bool,
    /// `legal_ground`: the law or decision that allows it, as it will stand in the audit.
    pub legal_ground: Option<String>,
    /// `complete_from`: the first day for which the facts are complete: every dossier accepted on
    /// it or later, and every one still pending then, has reached this platform or was brought in.
    /// Only people know; without it there are no figures from facts and no month or year packet.
    pub complete_from: Option<Date>,
    /// `packet_day`, `packet_hour`: when month and year packets leave.
    pub packets: Rule,
}

impl Config {
    /// The legal ground when facts are to be kept; `None` when they are not.
    ///
    /// # Errors
    /// [`DossierError::Ground`] when the switch is on without one.
    pub fn ground(&self) -> Result<Option<Ground>, DossierError> {
        if !self.keep_facts {
            return Ok(None);
        }
        let text = self.legal_ground.as_deref().unwrap_or_default().trim();
        let ground = is_reason(text).then(|| Some(Ground(text.to_owned())));
        ground.ok_or(DossierError::Ground)
    }
}

/// Can this stand in the audit for years, as a legal ground or a reason? A sentence on one line.
pub fn is_reason(text: &str) -> bool {
    (REASON_CHARS_MIN..=REASON_CHARS_MAX).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
}

/// A written legal ground; [`Config::ground`] is its one maker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground(String);

impl Ground {
    /// As it stands in the configuration.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The keeping of facts as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// On what ground; `None` when it was ended by erasing.
    pub legal_ground: Option<String>,
    /// `complete_from` as the configuration stated it.
    pub stated_from: Option<Day>,
    /// The first day for which the facts are complete. What was stated, until facts are erased or
    /// the switch is off for a while: then none, until another day is stated.
    pub complete_from: Option<Day>,
    /// The entry of the keyring under which codes are digested.
    pub key_id: u8,
    /// When it was turned on.
    pub begun_at: Timestamp,
    /// When it was turned off; `None` while it is on.
    pub ended_at: Option<Timestamp>,
}

impl Keeping {
    /// Are the facts complete for all days of the period?
    pub fn covers(&self, period: Period) -> bool {
        self.complete_from.is_some_and(|day| day <= period.from())
    }

    /// Are facts being kept?
    pub fn is_on(&self) -> bool {
        self.ended_at.is_none()
    }

    /// As it stands in the audit.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!({
            "keep_facts": self.is_on(),
            "legal_ground": self.legal_ground,
            "complete_from": self.complete_from.map(|day| day.to_string()),
        })
    }
}

/// What the keeping becomes under the configuration of a starting node: pure. Equal to `known`
/// when nothing is to be written. `key` is the keyring's current entry, used at the first start;
/// later the entry stays, since a digest under another one would not find its dossier again.
pub(crate) fn decide(
    known: Option<&Keeping>,
    ground: Option<&Ground>,
    stated: Option<Date>,
    key: u8,
    at: Timestamp,
) -> Option<Keeping> {
    let Some(ground) = ground else {
        let ended_at = |keeping: &Keeping| keeping.ended_at.or(Some(at));
        return known.map(|keeping| Keeping {
            ended_at: ended_at(keeping),
            complete_from: None,
            ..keeping.clone()
        });
    };
    let stated_from = stated.map(Day::from);
    let unchanged = known.filter(|keeping| keeping.stated_from == stated_from);
    Some(Keeping {
        legal_ground: Some(ground.as_str().to_owned()),
        stated_from,
        complete_from: unchanged.map_or(stated_from, |keeping| keeping.complete_from),
        key_id: known.map_or(key, |keeping| keeping.key_id),
        begun_at: known.filter(|keeping| keeping.is_on()).map_or(at, |keeping| keeping.begun_at),
        ended_at: None,
    })
}
