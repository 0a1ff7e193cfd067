//! Facts of dossiers for statistics: opened where the configuration names a legal ground, kept by a
//! task beside the gateway.

use std::net::SocketAddr;

use access::Access;
use dossier::{Desk, DossierError, Dossiers, Opening, Tally};
use terms::limit::STOP_TIMEOUT;
use tokio::task::JoinHandle;

use crate::base::{Base, with_causes};
use crate::config::{self, Config};
use crate::output::{Exit, Failure};

use super::statistic::{Sender, reachable};

/// The keeping of facts: on, or not.
pub(super) struct Facts(Option<On>);

struct On {
    dossiers: Dossiers,
    desk: Desk,
    keeping: JoinHandle<()>,
}

impl Base {
    /// What facts are opened with.
    pub(crate) fn facts<'a>(&'a self, actor: &'a str) -> Opening<'a> {
        let Base { config, store, keyring, clock, random } = self;
        let (config, zone) = (&config.statistics, &config.zone);
        Opening { store, keyring, config, zone, clock, random, actor }
    }
}

impl Facts {
    /// Reads the switch; turning it is written to the audit.
    pub(super) async fn open(base: &Base) -> Result<Facts, Failure> {
        let actor = format!("cli:{}", config::user());
        let Some(dossiers) = Dossiers::open(base.facts(&actor)).await? else {
            return Ok(Facts(None));
        };
        let tally = Tally::open(&base.config.data).map_err(|error| {
            let path = base.config.data.join(Tally::COPY);
            let path = path.display();
            Failure::io(
                Exit::Unable,
                &format!("không mở được {path}"),
                &format!("cannot open {path}"),
                &error,
            )
        })?;
        let (desk, keeping) = dossiers.desk(tally);
        Ok(Facts(Some(On { dossiers, desk, keeping: tokio::spawn(keeping) })))
    }

    /// Where the gateway hands in what the portal took.
    pub(super) fn desk(&self) -> Option<Desk> {
        self.0.as_ref().map(|on| on.desk.clone())
    }

    /// Sends month and year packets from now on, where the configuration says in whose name.
    pub(super) fn send(
        &self,
        config: &Config,
        access: &Access,
        live: Option<SocketAddr>,
    ) -> Option<JoinHandle<()>> {
        let (on, settings) = (self.0.as_ref()?, config.statistics_sender.clone()?);
        let Some(live) = live.map(reachable) else {
            tracing::warn!(code = "statistics_unsent", "the live HTTP listener is off");
            return None;
        };
        let (dossiers, access) = (on.dossiers.clone(), access.clone());
        Some(tokio::spawn(Sender { dossiers, access, settings, live }.run()))
    }

    /// Waits until what was handed in is written; the gateway has stopped by then.
    pub(super) async fn stop(self) {
        let Some(On { desk, keeping, .. }) = self.0 else { return };
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
            DossierError::Damaged
            | DossierError::Incomplete
            | DossierError::Gaps { .. }
            | DossierError::NotDue(_)
            | DossierError::Ended => Exit::Refused,
            _ => Exit::Unable,
        };
        Failure { exit, sentence: Some(with_causes(&error.sentence(), &error)) }
    }
}
