//! Facts of dossiers for statistics: opened where the configuration names a legal ground, kept by a
//! task beside the gateway.

use dossier::{Desk, DossierError, Dossiers, Opening};
use terms::limit::STOP_TIMEOUT;
use tokio::task::JoinHandle;

use crate::base::{Base, with_causes};
use crate::config;
use crate::output::{Exit, Failure};

/// The keeping of facts: on, or not.
pub(super) struct Facts(Option<On>);

struct On {
    desk: Desk,
    keeping: JoinHandle<()>,
}

impl Facts {
    /// Reads the switch; turning it is written to the audit.
    pub(super) async fn open(base: &Base) -> Result<Facts, Failure> {
        let opening = Opening {
            store: &base.store,
            keyring: &base.keyring,
            config: &base.config.statistics,
            zone: &base.config.zone,
            clock: &base.clock,
            random: &base.random,
            actor: &format!("cli:{}", config::user()),
        };
        let Some(dossiers) = Dossiers::open(opening).await? else { return Ok(Facts(None)) };
        let (desk, keeping) = dossiers.desk();
        Ok(Facts(Some(On { desk, keeping: tokio::spawn(keeping) })))
    }

    /// Where the gateway hands in what the portal took.
    pub(super) fn desk(&self) -> Option<Desk> {
        self.0.as_ref().map(|on| on.desk.clone())
    }

    /// Waits until what was handed in is written; the gateway has stopped by then.
    pub(super) async fn stop(self) {
        let Some(On { desk, keeping }) = self.0 else { return };
        drop(desk);
        if tokio::time::timeout(STOP_TIMEOUT, keeping).await.is_err() {
            tracing::warn!(code = "facts_unwritten", "facts of the last packets are not kept");
        }
    }
}

impl From<DossierError> for Failure {
    fn from(error: DossierError) -> Failure {
        let exit = match error {
            DossierError::Ground => Exit::Usage,
            _ => Exit::Unable,
        };
        Failure { exit, sentence: Some(with_causes(&error.sentence(), &error)) }
    }
}
