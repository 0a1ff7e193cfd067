//! Procedures, publication decisions, domains and agencies: what one-stop systems pull.

use std::collections::BTreeMap;

use serde_json::json;
use serde_json::value::RawValue;

use super::super::synthetic::{self, Procedure, ordered};
use super::{Reply, raw};

#[derive(Debug)]
pub(super) struct Catalogue {
    /// By MATTHC.
    procedures: BTreeMap<String, Box<RawValue>>,
    /// By their id, IDQUYETDINHCONGBO of a procedure.
    decisions: BTreeMap<String, Box<RawValue>>,
}

impl Catalogue {
    pub(super) fn synthetic() -> Catalogue {
        Catalogue { procedures: synthetic::procedures(), decisions: synthetic::decisions() }
    }

    pub(super) fn procedure(&self, code: &str) -> Vec<Box<RawValue>> {
        self.procedures.get(code).cloned().into_iter().collect()
    }

    pub(super) fn decision(&self, id: &str) -> Vec<Box<RawValue>> {
        self.decisions.get(id).cloned().into_iter().collect()
    }

    pub(super) fn procedures(&self) -> Vec<Box<RawValue>> {
        let row = |procedure: &Procedure| {
            ordered(&[("MATTHC", procedure.code.into()), ("TENTTHC", procedure.name.into())])
        };
        synthetic::PROCEDURES.iter().map(row).collect()
    }

    pub(super) fn domains(&self) -> Vec<Box<RawValue>> {
        let row = |(code, name): (&str, &str)| {
            ordered(&[
                ("MALINHVUC", code.into()),
                ("TENLINHVUC", name.into()),
                ("MANGANH", "G99".into()),
            ])
        };
        synthetic::DOMAINS.into_iter().map(row).collect()
    }

    pub(super) fn agencies(&self) -> Vec<Box<RawValue>> {
        let row = |(code, name, level): (&str, &str, &str)| {
            ordered(&[
                ("MADONVI", code.into()),
                ("TENDONVI", name.into()),
                ("CAPDONVI", level.into()),
            ])
        };
        synthetic::AGENCIES.into_iter().map(row).collect()
    }

    /// `LayDVC`: here `result` is an object with `data`.
    pub(super) fn online(&self, code: &str) -> Reply {
        let wanted = |procedure: &&Procedure| code.is_empty() || procedure.code == code;
        let rows: Vec<_> = synthetic::PROCEDURES
            .iter()
            .filter(wanted)
            .map(|procedure| {
                let (_, domain) = synthetic::DOMAINS[procedure.domain];
                json!({
                    "MADVC": format!("DVC.{}", procedure.code),
                    "TENDVC": procedure.name,
                    "MATTHC": procedure.code,
                    "TENTTHC": procedure.name,
                    "TENCOQUANBANHANH": "Bộ Thử nghiệm",
                    "TENLINHVUC": domain,
                    "APDUNGDVC": [],
                })
            })
            .collect();
        Reply { result: raw(&json!({ "data": rows })), ..Reply::default() }
    }
}
