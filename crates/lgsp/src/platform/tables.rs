//! Packet tables as they change: a file of the data folder is in force within a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use packet::Tables;
use terms::fault::Language;
use terms::limit::PACKET_TABLE_LOOK;
use tokio::time::MissedTickBehavior;

use crate::tables::{Change, TableFolder, Taken, line};

/// The alert of files that are not in force.
const BROKEN: &str = "packet_table_broken";

/// The tables in force, and what watches over them.
pub(super) struct TableWatch {
    folder: TableFolder,
    tables: Arc<ArcSwap<Tables>>,
    alerted: bool,
    /// That the texts in force do not outlive this process has been told.
    unkept: bool,
}

impl TableWatch {
    /// Takes what stands in the folder now.
    pub(super) fn start(data: &Path) -> TableWatch {
        let mut folder = TableFolder::new(data);
        let taken = folder.take();
        let tables = Arc::new(ArcSwap::from_pointee(taken.tables.clone()));
        let mut watch = TableWatch { folder, tables, alerted: false, unkept: false };
        watch.tell(&taken);
        watch.keep();
        watch
    }

    /// The tables in force; replaced whole.
    pub(super) fn tables(&self) -> Arc<ArcSwap<Tables>> {
        self.tables.clone()
    }

    /// Takes over changes until the task is aborted. A disk that hangs holds up nothing but this.
    pub(super) async fn run(mut self) {
        let mut ticks = tokio::time::interval(PACKET_TABLE_LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let looked = tokio::task::spawn_blocking(move || {
                self.look(TableFolder::take_changed);
                self
            });
            // It ends with the runtime only.
            let Ok(watch) = looked.await else { return };
            self = watch;
        }
    }

    /// Files that make reading itself break leave in force what is, and are looked at again when
    /// they change; until a look succeeds it is an alert.
    fn look(&mut self, take: impl FnOnce(&mut TableFolder) -> Option<Taken>) {
        let Ok(taken) = catch_unwind(AssertUnwindSafe(|| take(&mut self.folder))) else {
            tracing::error!(code = BROKEN, "reading the table files broke");
            metrics::gauge!("lgsp_alert", "code" => BROKEN).set(1.0);
            self.alerted = true;
            return;
        };
        if let Some(taken) = taken {
            self.tables.store(Arc::new(taken.tables.clone()));
            self.tell(&taken);
        }
        self.keep();
    }

    /// What cannot be kept is in force all the same, and is tried again at every look.
    fn keep(&mut self) {
        const CODE: &str = "packet_table_unkept";
        let kept = self.folder.keep();
        metrics::gauge!("lgsp_alert", "code" => CODE).set(f64::from(u8::from(kept.is_err())));
        match kept {
            Ok(()) if self.unkept => {
                tracing::info!(code = CODE, cleared = true, "the tables in force are kept");
                self.unkept = false;
            }
            Err(error) if !self.unkept => {
                tracing::warn!(code = CODE, %error, "the tables in force do not outlive a restart");
                self.unkept = true;
            }
            _ => {}
        }
    }

    /// Every fault is a line of its own; the alert ends when all files hold.
    fn tell(&mut self, taken: &Taken) {
        const CODE: &str = BROKEN;
        let files = taken.files;
        for fault in &taken.faults {
            let place = line(fault, Language::En);
            tracing::warn!(code = CODE, %place, "not in force");
        }
        for held in &taken.held {
            let table = held.sentence().en;
            tracing::warn!(code = CODE, %table, "the last good table stays in force");
        }
        for note in &taken.notes {
            let place = line(note, Language::En);
            tracing::warn!(%place, "passed over in the folder of table files");
        }
        for change in &taken.changes {
            tell_change(change, &taken.tables);
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

/// A file that is gone may loosen what is refused, so it is told louder than one that came. Neither
/// is an alert: it is news, and nothing would end it.
fn tell_change(change: &Change, tables: &Tables) {
    const EVENT: &str = "packet_table_changed";
    let Change { packet, version, before, after } = change;
    let is_there = |table: &packet::Table| {
        table.packet.eq_ignore_ascii_case(packet) && *table.version == **version
    };
    let before = before.as_deref().unwrap_or("-");
    match after {
        Some(file) => {
            tracing::info!(event = EVENT, packet, version, before, file, "in force from this file");
        }
        None if tables.iter().any(is_there) => {
            tracing::warn!(
                event = EVENT,
                packet,
                version,
                before,
                "the built-in table is in force again"
            );
        }
        None => {
            let left = "no table of this packet and version is left";
            tracing::warn!(event = EVENT, packet, version, before, "{left}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{TableFolder, TableWatch};

    fn names(watch: &TableWatch) -> Vec<String> {
        let tables = watch.tables.load();
        let own = tables.iter().filter(|table| table.packet.starts_with("GoiTin"));
        own.map(|table| table.packet.to_string()).collect()
    }

    fn write(data: &Path, packet: &str) {
        let text = format!(
            "packet = \"{packet}\"\ntable = 8\nversion = \"1\"\nvalid_from = 2020-07-01\n\
             direction = \"push\"\ncount = 1\n\n[[field]]\nposition = 1\nname = \"A\"\n\
             form = \"text\"\nrequired = \"yes\"\nevidence = \"page\"\n"
        );
        std::fs::create_dir_all(data.join("packet")).unwrap();
        std::fs::write(data.join("packet/a.toml"), text).unwrap();
    }

    #[test]
    fn a_panic_in_a_look_is_an_alert_and_watching_goes_on() {
        let data = tempfile::tempdir().unwrap();
        write(data.path(), "GoiTinMot");
        let mut watch = TableWatch::start(data.path());
        assert_eq!((names(&watch), watch.alerted), (vec!["GoiTinMot".to_owned()], false));
        watch.look(|_| panic!("a table that nobody thought of"));
        assert_eq!((names(&watch), watch.alerted), (vec!["GoiTinMot".to_owned()], true));
        watch.look(TableFolder::take_changed);
        assert!(watch.alerted, "nothing has changed yet");
        write(data.path(), "GoiTinHai");
        watch.look(TableFolder::take_changed);
        watch.look(TableFolder::take_changed);
        assert_eq!((names(&watch), watch.alerted), (vec!["GoiTinHai".to_owned()], false));
    }
}
