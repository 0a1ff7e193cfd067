//! Packet tables as they change: a file of the data folder is in force within a second.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use packet::Tables;
use terms::fault::Language;
use tokio::time::MissedTickBehavior;

use crate::tables::{TableFolder, Taken, line};

/// The folder is looked at this often; a change counts when two looks see the same.
const LOOK: Duration = Duration::from_millis(200);

/// The tables in force, and what watches over them.
pub(super) struct TableWatch {
    folder: TableFolder,
    tables: Arc<ArcSwap<Tables>>,
    alerted: bool,
}

impl TableWatch {
    /// Takes what stands in the folder now.
    pub(super) fn start(data: &Path) -> TableWatch {
        let mut folder = TableFolder::new(data);
        let taken = folder.take();
        let tables = Arc::new(ArcSwap::from_pointee(taken.tables.clone()));
        let mut watch = TableWatch { folder, tables, alerted: false };
        watch.tell(&taken);
        watch
    }

    /// The tables in force; replaced whole.
    pub(super) fn tables(&self) -> Arc<ArcSwap<Tables>> {
        self.tables.clone()
    }

    /// Takes over changes until the task is aborted.
    pub(super) async fn run(mut self) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(taken) = self.folder.take_changed() else { continue };
            self.tables.store(Arc::new(taken.tables.clone()));
            self.tell(&taken);
        }
    }

    /// Every fault is a line of its own; the alert ends when all files hold.
    fn tell(&mut self, taken: &Taken) {
        const CODE: &str = "packet_table_broken";
        let files = taken.files;
        for fault in &taken.faults {
            let place = line(fault, Language::En);
            tracing::warn!(code = CODE, %place, "the last good table stays in force");
        }
        let broken = !taken.faults.is_empty();
        metrics::gauge!("lgsp_alert", "code" => CODE).set(f64::from(u8::from(broken)));
        if self.alerted && !broken {
            tracing::info!(code = CODE, cleared = true, files, "all table files hold");
        } else if files > 0 || broken {
            tracing::info!(files, "packet tables taken from the data folder");
        }
        self.alerted = broken;
    }
}
