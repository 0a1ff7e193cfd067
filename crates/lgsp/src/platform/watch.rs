//! What a node watches of itself: journal, database, keyring, certificates. An alert is a WARN line
//! with a code; when its cause is gone an INFO line with the same code clears it.

use std::time::Duration;

use dossier::Desk;
use journal::Journal;
use terms::clock::Timestamp;
use terms::limit::CERTIFICATE_WARN;
use tokio::time::MissedTickBehavior;

use crate::base::Base;
use crate::certificate;
use crate::ops::{self, Health};

/// A rotation of the keyring by another process is taken over, and the journal's condition told,
/// this often.
const TICK: Duration = Duration::from_secs(1);
/// The database is asked every so many ticks, and histograms are folded together.
const DATABASE_TICKS: u64 = 5;
/// Certificates are looked at every so many ticks.
const CERTIFICATE_TICKS: u64 = 3_600;

/// Watches until the task is aborted.
pub(super) async fn run(base: Base, journal: Journal, health: Health, desk: Option<Desk>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut keyring_unread = false;
    let mut missed = 0;
    for count in 0.. {
        ticks.tick().await;
        watch_journal(&journal, &health);
        watch_keyring(&base, &mut keyring_unread);
        if let Some(desk) = &desk {
            watch_facts(desk, &mut missed);
        }
        if count % DATABASE_TICKS == 0 {
            watch_database(&base, &health).await;
            ops::metrics().run_upkeep();
        }
        if count % CERTIFICATE_TICKS == 0 {
            watch_certificates(&base, base.clock.now());
        }
    }
}

/// The journal tells its own alerts; here they become readiness and metrics.
fn watch_journal(journal: &Journal, health: &Health) {
    let seen = journal.health();
    #[allow(clippy::cast_precision_loss, reason = "a gauge shows 15 digits")]
    {
        metrics::gauge!("lgsp_journal_disk_free_bytes").set(seen.disk_free as f64);
        metrics::gauge!("lgsp_journal_waiting").set(seen.waiting as f64);
    }
    for code in ["journal_failed", "journal_disk"] {
        let raised = f64::from(u8::from(seen.alert == Some(code)));
        metrics::gauge!("lgsp_alert", "code" => code).set(raised);
    }
    health.journal((!seen.ok).then(|| seen.reason.unwrap_or_else(|| "unknown".to_owned())));
}

/// While facts are in doubt or lost, periods that they may touch have no figures.
fn watch_facts(desk: &Desk, told: &mut u64) {
    let missed = desk.missed();
    #[allow(clippy::cast_precision_loss, reason = "a gauge shows 15 digits")]
    metrics::gauge!("lgsp_facts_missed").set(missed as f64);
    if missed > *told {
        tracing::warn!(
            code = "facts_missed",
            missed,
            "statistics are not complete: see lgsp statistics status"
        );
    } else if missed == 0 && *told > 0 {
        tracing::info!(code = "facts_missed", cleared = true, "statistics are complete again");
    }
    *told = missed;
}

fn watch_keyring(base: &Base, unread: &mut bool) {
    match base.keyring.reload_if_changed() {
        Ok(changed) => {
            if changed {
                tracing::info!(current = base.keyring.current().0, "the keyring was read anew");
            }
            if std::mem::take(unread) {
                tracing::info!(
                    code = "keyring_unread",
                    cleared = true,
                    "the keyring is read again"
                );
            }
        }
        Err(error) if !*unread => {
            *unread = true;
            tracing::warn!(code = "keyring_unread", %error, "goes on with the keyring in use");
        }
        Err(_) => {}
    }
}

async fn watch_database(base: &Base, health: &Health) {
    match base.store.ready().await {
        Ok(()) => {
            if health.database_away(false) {
                tracing::info!(
                    code = "database_away",
                    cleared = true,
                    "the database answers again"
                );
            }
        }
        Err(error) => {
            if health.database_away(true) {
                tracing::warn!(code = "database_away", %error, "traffic goes on from memory");
            }
        }
    }
}

fn watch_certificates(base: &Base, now: Timestamp) {
    for listen in [&base.config.live, &base.config.trial, &base.config.inbound] {
        let Some(path) = listen.certificate.as_deref() else { continue };
        let shown = path.display();
        match certificate::end(path) {
            Ok(end) if end > now.plus(CERTIFICATE_WARN) => {}
            Ok(end) => {
                tracing::warn!(code = "certificate_ending", %end, file = %shown, "replace it");
            }
            Err(error) => {
                tracing::warn!(code = "certificate_unread", %error, file = %shown, "replace it");
            }
        }
    }
}
