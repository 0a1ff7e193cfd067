//! What a check found, in words that a clerk can act on.

mod mask;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Serialize;
use terms::fault::{Language, Sentence};
use terms::limit::{PACKET_VIOLATIONS_COUNT_MAX, PACKET_VIOLATIONS_MAX};

use crate::fault::FormFault;
use crate::mode::{Mode, Verdict};
use crate::rule::Rule;
use crate::table::{self, Evidence};

pub(crate) use mask::{mask, mask_code};

/// How much a violation weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// May refuse the packet, depending on mode and evidence.
    Error,
    /// Is told, never refuses.
    Warning,
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The packet, as its table writes it.
    pub packet: Arc<str>,
    /// Its tables in the standard; empty where it has none.
    pub table: Arc<str>,
    /// Where: `data[0].MaHoSo`; empty for the body itself.
    pub path: String,
    /// Where, without any name that is not of the tables: what may be recorded.
    pub place: String,
    /// Which rule.
    pub rule: Rule,
    /// How much it weighs.
    pub severity: Severity,
    /// From where the rule is known.
    pub evidence: Evidence,
    /// The shape of the value: letters as x, digits as 9; a short code as it is. Never a person's
    /// data.
    pub value_masked: Option<String>,
    /// What is wrong.
    pub sentence: Sentence,
    /// What to do.
    pub suggestion: Sentence,
}

impl Violation {
    /// As one JSON object, in a language.
    pub fn to_json(&self, mode: Mode, language: Language) -> String {
        serde_json::to_string(&told(self, mode, language)).unwrap_or_default()
    }

    /// Does it refuse the packet in this mode?
    pub fn refuses(&self, mode: Mode) -> bool {
        refuses(self.severity, self.evidence, mode)
    }
}

fn refuses(severity: Severity, evidence: Evidence, mode: Mode) -> bool {
    severity == Severity::Error
        && match mode {
            Mode::Report => false,
            Mode::Refuse => evidence.is_firm(),
            Mode::Strict => true,
        }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The packet or service, as its table writes it; as called when there is none.
    pub packet: Arc<str>,
    /// The version of the table; empty where there is none.
    pub version: Arc<str>,
    /// Positions of the standard that were not checked, since their names are not known.
    pub unchecked: u32,
    /// What does not fit, in the order of the body; at most `PACKET_VIOLATIONS_MAX`.
    pub violations: Vec<Violation>,
    /// How many there are in all; with `at_least` there may be more.
    pub count: u32,
    /// The check stopped before the end: the packet is refused anyway.
    pub at_least: bool,
    /// A violation that is not kept would refuse by itself: firm, or not.
    refused: [bool; 2],
}

impl Report {
    /// A report on which nothing stands yet.
    pub(crate) fn new(packet: Arc<str>, version: Arc<str>, unchecked: u32) -> Report {
        let (violations, count, at_least) = (Vec::new(), 0, false);
        Report { packet, version, unchecked, violations, count, at_least, refused: [false; 2] }
    }

    /// The report on a body that could not be read: it is refused in `refuse` and in `strict`.
    pub fn of_fault(packet: &str, fault: &FormFault) -> Report {
        let mut report = Report::new(packet.into(), Arc::default(), 0);
        report.push(Violation {
            packet: report.packet.clone(),
            table: Arc::default(),
            place: recordable(&fault.path),
            path: fault.path.clone(),
            rule: fault.rule,
            severity: Severity::Error,
            // What JSON, XML and UTF-8 are is written in public pages.
            evidence: Evidence::Page,
            value_masked: None,
            sentence: fault.sentence.clone(),
            suggestion: Sentence::new(
                "Sửa phần mềm gửi để nội dung là JSON hoặc XML đúng chuẩn, bằng UTF-8.",
                "Mend the sending program: the body is JSON or XML by the standard, in UTF-8.",
            ),
        });
        report
    }

    pub(crate) fn push(&mut self, violation: Violation) {
        let is_full = self.is_full();
        self.count(violation.severity, violation.evidence);
        if !is_full {
            self.violations.push(violation);
        }
    }

    /// Takes notice of a violation without its words.
    pub(crate) fn count(&mut self, severity: Severity, evidence: Evidence) {
        self.count = self.count.saturating_add(1);
        self.refused[0] |= refuses(severity, evidence, Mode::Refuse);
        self.refused[1] |= refuses(severity, evidence, Mode::Strict);
    }

    /// Takes a violation back: another one says more of the same value. Only warnings are taken
    /// back, so that nothing of the verdict is lost.
    pub(crate) fn withdraw(&mut self, at: usize) {
        self.violations.remove(at);
        self.count = self.count.saturating_sub(1);
    }

    /// Is there nothing more to be learnt? So many were counted that one more tells nobody
    /// anything, and the verdict stands in every mode. Whoever asks has more to look at and leaves
    /// it.
    pub(crate) fn stops(&mut self) -> bool {
        self.at_least |= self.count >= PACKET_VIOLATIONS_COUNT_MAX && self.refused[0];
        self.at_least
    }

    /// Is there no room for another violation?
    pub(crate) fn is_full(&self) -> bool {
        self.violations.len() >= PACKET_VIOLATIONS_MAX
    }

    /// What it comes to in a mode.
    pub fn verdict(&self, mode: Mode) -> Verdict {
        let refused = match mode {
            Mode::Report => false,
            Mode::Refuse => self.refused[0],
            Mode::Strict => self.refused[1],
        };
        match (refused, self.count) {
            (true, _) => Verdict::Refused,
            (false, 0) => Verdict::Ok,
            (false, _) => Verdict::Report,
        }
    }

    /// Nothing in it would refuse, in any mode.
    pub fn is_valid(&self) -> bool {
        !self.refused[1]
    }

    /// `RULE@PLACE RULE@PLACE …` without any value and without any name that is not of the tables:
    /// what the journal keeps. Cut at a whole entry, with `+N` for those left out, so that it has
    /// at most `bytes_max` bytes; empty when nothing was found.
    pub fn summary(&self, bytes_max: usize) -> String {
        let mut text = String::new();
        let room = bytes_max.saturating_sub(12);
        for (told, violation) in (0_u32..).zip(&self.violations) {
            let entry = format!("{}@{}", violation.rule, violation.place);
            if text.len() + entry.len() + 1 > room {
                return rest(text, self.count - told, bytes_max);
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&entry);
        }
        let kept = u32::try_from(self.violations.len()).unwrap_or(u32::MAX);
        if self.count > kept { rest(text, self.count - kept, bytes_max) } else { text }
    }

    /// The answer of a dry run: `{"verdict":…,"unchecked":N,"violations":[…]}`.
    pub fn to_json(&self, mode: Mode, language: Language) -> String {
        let told = Told {
            packet: &self.packet,
            version: &self.version,
            mode,
            verdict: self.verdict(mode),
            unchecked: self.unchecked,
            count: self.count,
            at_least: self.at_least,
            violations: self.violations.iter().map(|found| told(found, mode, language)).collect(),
        };
        serde_json::to_string(&told).unwrap_or_default()
    }

    /// One sentence for the fault: the first violation that refuses, and how many there are.
    pub fn headline(&self, mode: Mode) -> Option<Sentence> {
        let first = self.violations.iter().find(|found| found.refuses(mode));
        let first = first.or(self.violations.first())?;
        let more = self.count.saturating_sub(1);
        if more == 0 {
            return Some(first.sentence.clone());
        }
        let (vi, en) = if self.at_least { ("ít nhất ", "at least ") } else { ("", "") };
        Some(Sentence::made(
            format!("{} (và {vi}{more} lỗi khác)", first.sentence.vi),
            format!("{} (and {en}{more} more)", first.sentence.en),
        ))
    }
}

/// A path of a body that could not be read, without names that no table has: those could be
/// anything, a personal number too.
fn recordable(path: &str) -> String {
    let step = |step: &str| {
        let (name, index) = step.split_at(step.find('[').unwrap_or(step.len()));
        // A number of a record has at most seven digits; more are somebody's number.
        let is_number = |part: &str| part.len() <= 7 && part.bytes().all(|b| b.is_ascii_digit());
        let is_index = index.split(['[', ']']).all(is_number);
        match (name.is_empty() || table::is_name(name), is_index) {
            (true, true) => step.to_owned(),
            (false, true) => format!("?{index}"),
            _ => "?".to_owned(),
        }
    };
    path.split('.').map(step).collect::<Vec<_>>().join(".")
}

fn rest(mut text: String, left: u32, bytes_max: usize) -> String {
    let more = format!("{}+{left}", if text.is_empty() { "" } else { " " });
    if text.len() + more.len() <= bytes_max {
        text.push_str(&more);
    }
    text
}

#[derive(Serialize)]
struct Told<'a> {
    packet: &'a str,
    version: &'a str,
    mode: Mode,
    verdict: Verdict,
    unchecked: u32,
    count: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    at_least: bool,
    violations: Vec<ToldViolation<'a>>,
}

#[derive(Serialize)]
struct ToldViolation<'a> {
    packet: &'a str,
    table: &'a str,
    path: &'a str,
    rule: Rule,
    severity: Severity,
    evidence: Evidence,
    refuses: bool,
    value: Option<&'a str>,
    sentence: &'a str,
    suggestion: &'a str,
}

fn told(found: &Violation, mode: Mode, language: Language) -> ToldViolation<'_> {
    ToldViolation {
        packet: &found.packet,
        table: &found.table,
        path: &found.path,
        rule: found.rule,
        severity: found.severity,
        evidence: found.evidence,
        refuses: found.refuses(mode),
        value: found.value_masked.as_deref(),
        sentence: found.sentence.text(language),
        suggestion: found.suggestion.text(language),
    }
}
