//! The conformance verdict: what a vendor's system has shown so far, and what was wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::call::{CallSeen, LOGIN};
use super::check::Severity;
use super::table::{Direction, Tables};

/// Kinds of findings kept of one service; more are only counted.
const KINDS_MAX: usize = 100;
/// Services counted by their names; senders may invent any number.
const SERVICES_MAX: usize = 200;
/// Dossiers remembered as refused for being there already.
const REFUSED_MAX: usize = 10_000;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing of it was seen.
    NotSeen,
    /// Seen, no error in it.
    Passed,
    /// Seen, but not one name of its table is known, so nothing could be wrong.
    Unchecked,
    /// Seen, with errors.
    Failed,
    /// Some steps are missing yet, no error so far (the whole only).
    Incomplete,
}

/// What the calls since the start, or since they were forgotten, add up to.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// `failed` with any error; `passed` when all steps that every system needs were seen.
    pub verdict: Standing,
    /// Steps of the usual way.
    pub steps: Vec<StepSeen>,
    /// Each packet of Table 1 and each helper service that was called.
    pub services: Vec<ServiceSeen>,
}

/// One step of the usual way.
#[derive(Clone, Debug, Serialize)]
pub struct StepSeen {
    /// `login`, `dossier_new`, …
    pub step: &'static str,
    /// What it is, in Vietnamese.
    pub vi: &'static str,
    /// What it is, in English.
    pub en: &'static str,
    /// Must every system show it?
    pub required: bool,
    /// The first call that showed it; `None` when none did.
    pub call: Option<u64>,
}

/// What was seen of one service.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceSeen {
    /// Wire name, or `login`.
    pub service: String,
    /// Its table in the standard; `None` for helpers.
    pub table: Option<u16>,
    /// How it stands.
    pub standing: Standing,
    /// Positions that could not be checked, their names being unknown.
    pub unchecked: u16,
    /// Calls.
    pub calls: u64,
    /// Calls that were taken.
    pub accepted: u64,
    /// Records in them.
    pub records: u64,
    /// What was noticed, each kind once.
    pub findings: Vec<Kind>,
}

/// Findings of one rule at one path.
#[derive(Clone, Debug, Serialize)]
pub struct Kind {
    /// Without row numbers: `data[].NgayTiepNhan`.
    pub path: String,
    /// By which rule.
    pub rule: &'static str,
    /// How grave.
    pub severity: Severity,
    /// What, in Vietnamese, as it was told first.
    pub vi: String,
    /// What, in English.
    pub en: String,
    /// How often.
    pub count: u64,
    /// The first call with it.
    pub call: u64,
}

/// Step, words, and whether every system must show it.
const STEPS: [(&str, &str, &str, bool); 9] = [
    (LOGIN, "Đăng nhập", "Log in", true),
    ("session_kept", "Dùng một phiên cho nhiều lần gọi", "Several calls in one session", false),
    ("session_renewed", "Đăng nhập lại khi phiên hết hạn", "Log in again after expiry", false),
    ("dossier_new", "Gửi hồ sơ mới", "Send a new dossier", true),
    ("dossier_update", "Cập nhật hồ sơ đã có", "Update a dossier", true),
    ("exists_update", "Gửi lại dạng cập nhật khi Cổng báo đã tồn tại", "Exists: resend", true),
    ("progress", "Cập nhật tiến độ", "Send progress", true),
    ("look_up", "Tra cứu hồ sơ trước khi gửi", "Look a dossier up", false),
    ("procedure", "Lấy một thủ tục", "Pull a procedure", true),
];

#[derive(Debug, Default)]
struct Tally {
    calls: u64,
    accepted: u64,
    records: u64,
    errors: u64,
    kinds: BTreeMap<(String, &'static str), Kind>,
}

/// Collects what verdicts are made of.
#[derive(Debug, Default)]
pub(super) struct Account {
    services: BTreeMap<String, Tally>,
    steps: BTreeMap<&'static str, u64>,
    /// Dossiers refused as there already, not yet sent again.
    refused: BTreeSet<String>,
    /// Calls taken since the last login.
    taken: u64,
    /// A session was refused, and since then: nothing, a login.
    expired: Option<bool>,
}

impl Account {
    /// Adds a call. `exists` tells that it was refused because a dossier is there already,
    /// `session` that its session was.
    pub(super) fn add(&mut self, seen: &CallSeen, exists: bool, session: bool) {
        self.walk(seen, exists, session);
        let full = self.services.len() >= SERVICES_MAX;
        let service = if full && !self.services.contains_key(&seen.service) {
            "…".to_owned()
        } else {
            seen.service.clone()
        };
        let tally = self.services.entry(service).or_default();
        tally.calls += 1;
        tally.accepted += u64::from(seen.accepted);
        tally.records += seen.records as u64;
        tally.errors += seen.errors as u64;
        for finding in &seen.findings {
            let path = bare(&finding.path);
            let full = tally.kinds.len() >= KINDS_MAX;
            match tally.kinds.get_mut(&(path.clone(), finding.rule)) {
                Some(kind) => kind.count += 1,
                None if full => {}
                None => {
                    let kind = Kind {
                        path: path.clone(),
                        rule: finding.rule,
                        severity: finding.severity,
                        vi: finding.vi.clone(),
                        en: finding.en.clone(),
                        count: 1,
                        call: seen.id,
                    };
                    tally.kinds.insert((path, finding.rule), kind);
                }
            }
        }
    }

    fn walk(&mut self, seen: &CallSeen, exists: bool, session: bool) {
        if session {
            self.expired = Some(false);
        }
        if exists && self.refused.len() < REFUSED_MAX {
            self.refused.extend(seen.dossiers.iter().cloned());
        }
        if !seen.accepted {
            return;
        }
        let mut done = |step| {
            self.steps.entry(step).or_insert(seen.id);
        };
        match seen.service.as_str() {
            LOGIN => {
                done(LOGIN);
                self.taken = 0;
                self.expired = self.expired.map(|_| true);
                return;
            }
            "DongBoHoSoMC" if seen.update => {
                done("dossier_update");
                if seen.dossiers.iter().any(|code| self.refused.remove(code)) {
                    done("exists_update");
                }
            }
            "DongBoHoSoMC" => done("dossier_new"),
            "CapNhatTienDoHoSoMC" => done("progress"),
            "LayThuTuc" => done("procedure"),
            "TraCuuHoSo" => done("look_up"),
            _ => {}
        }
        if self.expired == Some(true) {
            done("session_renewed");
            self.expired = None;
        }
        self.taken += 1;
        if self.taken == 2 {
            self.steps.entry("session_kept").or_insert(seen.id);
        }
    }

    pub(super) fn verdict(&self, tables: &Tables) -> Verdict {
        let steps: Vec<StepSeen> = STEPS
            .iter()
            .map(|(step, vi, en, required)| StepSeen {
                step,
                vi,
                en,
                required: *required,
                call: self.steps.get(step).copied(),
            })
            .collect();
        let mut services: Vec<ServiceSeen> =
            tables.iter().map(|table| self.packet(table)).collect();
        for (service, tally) in &self.services {
            if tables.find(service).is_none() {
                services.push(told(service.clone(), None, 0, Some(tally)));
            }
        }
        let failed = services.iter().any(|service| service.standing == Standing::Failed);
        let whole = steps.iter().all(|step| !step.required || step.call.is_some());
        let verdict = match (failed, self.services.is_empty(), whole) {
            (true, _, _) => Standing::Failed,
            (_, true, _) => Standing::NotSeen,
            (_, _, true) => Standing::Passed,
            _ => Standing::Incomplete,
        };
        Verdict { verdict, steps, services }
    }

    fn packet(&self, table: &super::table::Table) -> ServiceSeen {
        let fields = match table.direction {
            Direction::Push => &table.sent,
            Direction::Pull => &table.answered,
        };
        let unknown = fields.iter().filter(|field| field.name.is_none()).count();
        let unknown = u16::try_from(unknown).unwrap_or(u16::MAX);
        let tally = self.services.get(&table.packet);
        let mut seen = told(table.packet.clone(), Some(table.table), unknown, tally);
        let blind = table.direction == Direction::Push && !table.is_known();
        if blind && seen.standing == Standing::Passed {
            seen.standing = Standing::Unchecked;
        }
        seen
    }
}

fn told(service: String, table: Option<u16>, unchecked: u16, tally: Option<&Tally>) -> ServiceSeen {
    let nothing = Tally::default();
    let tally = tally.unwrap_or(&nothing);
    let standing = match (tally.calls, tally.errors) {
        (0, _) => Standing::NotSeen,
        (_, 0) => Standing::Passed,
        _ => Standing::Failed,
    };
    ServiceSeen {
        service,
        table,
        standing,
        unchecked,
        calls: tally.calls,
        accepted: tally.accepted,
        records: tally.records,
        findings: tally.kinds.values().cloned().collect(),
    }
}

/// A path without row numbers.
fn bare(path: &str) -> String {
    let mut bare = String::with_capacity(path.len());
    for part in path.split_inclusive('[') {
        match part.find(']') {
            Some(end) if part[..end].bytes().all(|byte| byte.is_ascii_digit()) => {
                bare.push_str(&part[end..]);
            }
            _ => bare.push_str(part),
        }
    }
    bare
}
