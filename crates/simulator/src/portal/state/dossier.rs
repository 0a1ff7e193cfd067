//! Dossiers: records, states, progress, and the order in which all of it came.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::value::RawValue;
use terms::clock::Timestamp;

use super::super::check::{Findings, join};
use super::super::envelope::{Row, object};
use super::super::figure::Case;
use super::{Moment, Refusal, raw};

/// Dossiers held at the most; more are refused.
const DOSSIERS_MAX: usize = 100_000;
/// States and progress rows of one dossier at which further ones are refused.
const ROWS_MAX: usize = 10_000;

/// A dossier as the portal holds it. Texts are kept as they were sent, byte for byte.
#[derive(Clone, Debug, Serialize)]
pub struct Dossier {
    /// Its code (MaHoSo).
    #[serde(rename = "MaHoSo")]
    pub code: String,
    /// `madonvi` of the call that brought it.
    pub madonvi: String,
    /// How often a DongBoHoSoMC record of it came in, those refused as duplicates included.
    pub received: u64,
    /// Its states in the order in which they came.
    pub states: Vec<StateSeen>,
    /// Everything taken for it, in the order in which it came.
    pub events: Vec<Event>,
    /// The last accepted record.
    pub record: Box<RawValue>,
    /// Progress rows in the order in which they came.
    pub progress: Vec<Box<RawValue>>,
}

impl Dossier {
    /// Did calls for it overlap in time? A sender that keeps the order waits for each answer.
    pub fn overlapped(&self) -> bool {
        self.events.iter().any(|event| event.overlapping)
    }

    /// The dates that figures need, from its last record.
    pub fn case(&self) -> Case {
        let fields = object(self.record.get().as_bytes()).unwrap_or_default();
        let ended = fields.text("NgayKetThucXuLy");
        Case {
            accepted: fields.text("NgayTiepNhan"),
            promised: fields.text("NgayHenTra"),
            finished: if ended.is_empty() { fields.text("NgayTra") } else { ended },
        }
    }
}

/// One accepted record of a dossier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateSeen {
    /// When.
    pub at: Timestamp,
    /// TrangThaiHoSo as sent.
    #[serde(rename = "TrangThaiHoSo")]
    pub state: String,
    /// Did it come as an update?
    #[serde(rename = "isUpdating")]
    pub update: bool,
}

/// One record or progress row taken for a dossier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Rising over all dossiers: the order in which the portal took them.
    pub order: u64,
    /// When.
    pub at: Timestamp,
    /// By which call: its id in `/inspect/calls`.
    pub call: u64,
    /// Number of the connection.
    pub connection: u64,
    /// `DongBoHoSoMC` or `CapNhatTienDoHoSoMC`.
    pub service: &'static str,
    /// TrangThaiHoSo or TrangThai as sent.
    pub state: String,
    /// Was another call for this dossier still being answered when this one came?
    pub overlapping: bool,
}

#[derive(Debug, Default)]
pub(super) struct Dossiers {
    held: BTreeMap<String, Dossier>,
    order: u64,
}

/// A row with its dossier's code and the state it tells.
struct Keyed {
    code: String,
    state: String,
    row: Row,
}

fn keyed(rows: Vec<Row>, state: &str) -> Result<Vec<Keyed>, Refusal> {
    let each = rows.into_iter().enumerate().map(|(at, row)| {
        let (code, state) = (row.fields.text("MaHoSo"), row.fields.text(state));
        if code.is_empty() {
            return Err(Refusal::Failed(format!("Bản ghi {} thiếu MaHoSo", at + 1)));
        }
        Ok(Keyed { code, state, row })
    });
    each.collect()
}

impl Dossiers {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Dossier> {
        self.held.values()
    }

    pub(super) fn find(&self, code: &str) -> Option<&Dossier> {
        self.held.get(code)
    }

    pub(super) fn look_up(&self, code: &str) -> Vec<Box<RawValue>> {
        #[derive(Serialize)]
        struct Known<'a> {
            #[serde(rename = "MaHoSo")]
            code: &'a str,
        }
        let known = self.held.get(code).map(|dossier| Known { code: &dossier.code });
        known.and_then(|known| raw(&known)).into_iter().collect()
    }

    fn event(&mut self, service: &'static str, state: &str, now: Moment) -> Event {
        self.order += 1;
        Event {
            order: self.order,
            at: now.at,
            call: now.call,
            connection: now.connection,
            service,
            state: state.to_owned(),
            overlapping: now.overlapping,
        }
    }

    /// Takes all records or none.
    pub(super) fn sync(
        &mut self,
        rows: Vec<Row>,
        update: bool,
        unit: &str,
        now: Moment,
        findings: &mut Findings,
    ) -> Result<(), Refusal> {
        let rows = keyed(rows, "TrangThaiHoSo")?;
        for row in &rows {
            if let Some(dossier) = self.held.get_mut(&row.code) {
                dossier.received += 1;
            }
        }
        if update {
            self.check_known(&rows, findings)?;
            self.check_steps(&rows, findings);
        } else {
            self.check_fresh(&rows)?;
        }
        for Keyed { code, state, row } in rows {
            let event = self.event("DongBoHoSoMC", &state, now);
            let seen = StateSeen { at: now.at, state, update };
            let dossier = self.held.entry(code.clone()).or_insert_with(|| Dossier {
                code,
                madonvi: unit.to_owned(),
                received: 1,
                states: Vec::new(),
                events: Vec::new(),
                record: row.record.clone(),
                progress: Vec::new(),
            });
            dossier.record = row.record;
            dossier.states.push(seen);
            dossier.events.push(event);
        }
        Ok(())
    }

    fn check_fresh(&self, rows: &[Keyed]) -> Result<(), Refusal> {
        let mut fresh = HashSet::new();
        for Keyed { code, .. } in rows {
            if self.held.contains_key(code) || !fresh.insert(code) {
                return Err(Refusal::Exists(format!("Hồ sơ {code} đã tồn tại")));
            }
        }
        if self.held.len() + fresh.len() > DOSSIERS_MAX {
            return Err(Refusal::failed("Quá nhiều hồ sơ trong mô phỏng"));
        }
        Ok(())
    }

    fn check_known(&self, rows: &[Keyed], findings: &mut Findings) -> Result<(), Refusal> {
        for (at, Keyed { code, .. }) in rows.iter().enumerate() {
            let Some(dossier) = self.held.get(code) else {
                let path = format!("data[{at}].MaHoSo");
                let vi = "Cổng chưa có hồ sơ này";
                findings.error(&path, "dossier", vi, "the portal does not hold this dossier");
                return Err(Refusal::Failed(format!("Không tìm thấy hồ sơ {code}")));
            };
            if dossier.events.len() >= ROWS_MAX {
                let message = format!("Quá nhiều bản ghi của hồ sơ {code} trong mô phỏng");
                return Err(Refusal::Failed(message));
            }
        }
        Ok(())
    }

    /// No transitions are laid down anywhere; what follows an end state is worth a look.
    fn check_steps(&self, rows: &[Keyed], findings: &mut Findings) {
        for (at, Keyed { code, state, .. }) in rows.iter().enumerate() {
            let last = self.held.get(code).and_then(|dossier| dossier.states.last());
            let Some(last) = last.filter(|last| matches!(last.state.as_str(), "3" | "10")) else {
                continue;
            };
            if last.state != *state {
                let path = join(&format!("data[{at}]"), "TrangThaiHoSo");
                let vi = format!("hồ sơ đã ở trạng thái cuối {}", last.state);
                let en = format!("the dossier was in its end state {}", last.state);
                findings.warn(&path, "step", &vi, &en);
            }
        }
    }

    pub(super) fn progress(
        &mut self,
        rows: Vec<Row>,
        now: Moment,
        findings: &mut Findings,
    ) -> Result<(), Refusal> {
        let rows = keyed(rows, "TrangThai")?;
        self.check_known(&rows, findings)?;
        for Keyed { code, state, row } in rows {
            let event = self.event("CapNhatTienDoHoSoMC", &state, now);
            if let Some(dossier) = self.held.get_mut(&code) {
                dossier.progress.push(row.record);
                dossier.events.push(event);
            }
        }
        Ok(())
    }
}
