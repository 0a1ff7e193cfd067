//! One object against one level of fields.

use std::sync::Arc;

use terms::limit::PACKET_STRANGERS_MAX;

use crate::document::{Shape, Value};
use crate::report::{Report, Severity, Violation, mask, mask_code};
use crate::rule::Rule;
use crate::table::{Evidence, Field, Form, Level, Place, Required};

use super::sentence::{self, Words};

/// What becomes of names that the table does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// They pass and are told, once each.
    Told,
    /// They pass.
    Free,
}

/// A rule that does not hold, and how much that weighs.
#[derive(Clone, Copy)]
pub(super) struct Finding {
    pub(super) rule: Rule,
    pub(super) severity: Severity,
    pub(super) evidence: Evidence,
}

impl Finding {
    pub(super) fn error(rule: Rule, evidence: Evidence) -> Finding {
        Finding { rule, severity: Severity::Error, evidence }
    }

    pub(super) fn warning(rule: Rule, evidence: Evidence) -> Finding {
        Finding { rule, severity: Severity::Warning, evidence }
    }
}

/// The way to the value that is looked at.
#[derive(Default)]
pub(super) struct Path<'t> {
    steps: Vec<Step<'t>>,
}

#[derive(Clone, Copy)]
enum Step<'t> {
    Name(&'t str),
    Index(usize),
}

impl<'t> Path<'t> {
    pub(super) fn name(&mut self, name: &'t str) {
        self.steps.push(Step::Name(name));
    }

    pub(super) fn index(&mut self, index: usize) {
        self.steps.push(Step::Index(index));
    }

    pub(super) fn pop(&mut self) {
        self.steps.pop();
    }

    /// The record, counted from 1.
    pub(super) fn record(&self) -> Option<usize> {
        self.steps.iter().find_map(|step| match step {
            Step::Index(index) => Some(index + 1),
            Step::Name(_) => None,
        })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            match step {
                Step::Name(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(name);
                }
                Step::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }
}

/// No member was seen for a field.
const ABSENT: u32 = u32::MAX;

/// A check on its way.
pub(super) struct Checking<'t> {
    pub(super) report: Report,
    pub(super) path: Path<'t>,
    table: Arc<str>,
    /// For the fields of each level that is open: where their value stands.
    seen: Vec<u32>,
    strangers: Vec<(usize, String)>,
}

impl<'t> Checking<'t> {
    pub(super) fn new(report: Report, table: Arc<str>) -> Checking<'t> {
        let (seen, strangers) = (Vec::new(), Vec::new());
        Checking { report, path: Path::default(), table, seen, strangers }
    }

    /// Looks at every member of an object. What was seen stays behind the number given back, until
    /// it is forgotten.
    pub(super) fn members(&mut self, level: &'t Level, map: Value<'_>, names: Names) -> usize {
        let base = self.seen.len();
        if level.is_blank() {
            return base;
        }
        self.seen.resize(base + level.len(), ABSENT);
        let mut expected = 0;
        for (name, value) in map.pairs() {
            let found = if name.is_escaped() {
                level.place(&name.text().unwrap_or_default(), expected)
            } else {
                level.place(name.raw_text(), expected)
            };
            match found {
                Some(Place::Own(own)) => {
                    let own = usize::from(own);
                    let field = &level[own];
                    if self.seen[base + own] == ABSENT {
                        self.seen[base + own] = value.number();
                    } else {
                        self.repeated(field);
                    }
                    expected = own + 1;
                    self.path.name(field.name.as_deref().unwrap_or_default());
                    self.field(field, value);
                    self.path.pop();
                }
                Some(Place::Child(own, child)) => {
                    let field = &level[usize::from(own)].children[usize::from(child)];
                    self.path.name(field.name.as_deref().unwrap_or_default());
                    self.field(field, value);
                    self.path.pop();
                }
                None if names == Names::Told => {
                    self.stranger(level, &name.text().unwrap_or_default())
                }
                None => {}
            }
        }
        for (place, field) in level.required() {
            if self.seen[base + place] == ABSENT {
                self.missing(field);
            }
        }
        base
    }

    /// The value of a field that [`Self::members`] saw.
    pub(super) fn value<'d>(
        &self,
        base: usize,
        place: usize,
        near: Value<'d>,
    ) -> Option<Value<'d>> {
        let number = self.seen.get(base + place).copied().filter(|number| *number != ABSENT)?;
        Some(near.at(number))
    }

    /// Closes what [`Self::members`] opened.
    pub(super) fn forget(&mut self, base: usize) {
        self.seen.truncate(base);
    }

    fn field(&mut self, field: &'t Field, value: Value<'_>) {
        if field.form != Form::List {
            self.scalar(field, value);
            return;
        }
        if value.is_blank() {
            self.blank(field);
            return;
        }
        if value.shape() != Shape::List {
            let finding = Finding::error(Rule::Shape, field.form_evidence);
            self.tell_of(field, finding, None, || sentence::shape(Shape::List));
            return;
        }
        if field.children.is_empty() {
            return;
        }
        for (index, item) in value.items().enumerate() {
            if self.report.stops() {
                return;
            }
            self.path.index(index);
            if item.shape() == Shape::Map {
                let base = self.members(&field.children, item, Names::Told);
                self.forget(base);
            } else {
                let finding = Finding::error(Rule::Shape, field.form_evidence);
                self.tell_of(field, finding, None, || sentence::shape(Shape::Map));
            }
            self.path.pop();
        }
    }

    /// A field that is there without a value.
    pub(super) fn blank(&mut self, field: &Field) {
        if field.required == Required::Yes && !field.blank {
            let finding = Finding::error(Rule::Empty, field.blank_evidence);
            self.tell_of(field, finding, None, || sentence::empty(field));
        }
    }

    /// A required field that is not there.
    pub(super) fn missing(&mut self, field: &'t Field) {
        if field.required != Required::Yes {
            return;
        }
        self.path.name(field.name.as_deref().unwrap_or_default());
        let finding = Finding::error(Rule::Required, field.required_evidence);
        self.tell_of(field, finding, None, || sentence::missing(field));
        self.path.pop();
    }

    /// The same name in another case.
    pub(super) fn repeated(&mut self, field: &'t Field) {
        self.path.name(field.name.as_deref().unwrap_or_default());
        let finding = Finding::error(Rule::NameRepeated, field.evidence);
        self.tell_of(field, finding, None, sentence::repeated);
        self.path.pop();
    }

    /// An array, an object or a scalar where `expected` belongs.
    pub(super) fn wrong_shape(&mut self, expected: Shape, evidence: Evidence) {
        self.tell(Finding::error(Rule::Shape, evidence), None, || sentence::shape(expected));
    }

    /// A name that the table does not have: told once, and only where all names are known.
    fn stranger(&mut self, level: &Level, name: &str) {
        let key = std::ptr::from_ref(level) as usize;
        let known = |(at, told): &(usize, String)| *at == key && told == name;
        if level.has_unknown()
            || self.strangers.len() >= PACKET_STRANGERS_MAX
            || self.strangers.iter().any(known)
        {
            return;
        }
        self.strangers.push((key, name.to_owned()));
        let clean = |sign: char| if sign.is_control() { '?' } else { sign };
        let name: String = name.chars().take(64).map(clean).collect();
        let before = self.path.text();
        let dot = if before.is_empty() { "" } else { "." };
        let (shown, place) = (format!("{before}{dot}{name}"), format!("{before}{dot}?"));
        let finding = Finding::warning(Rule::UnknownField, Evidence::Inferred);
        let words = self.located(None, sentence::stranger(&name));
        self.push(finding, (shown, place), None, words);
    }

    /// Tells of the value at the present path.
    pub(super) fn tell(
        &mut self,
        finding: Finding,
        value: Option<&str>,
        words: impl FnOnce() -> Words,
    ) {
        if self.is_counted_only(finding) {
            return;
        }
        let words = self.located(None, words());
        let path = self.path.text();
        self.push(finding, (path.clone(), path), value.map(mask), words);
    }

    /// Tells of a field at the present path, with its name and meaning.
    pub(super) fn tell_of(
        &mut self,
        field: &Field,
        finding: Finding,
        value: Option<&str>,
        words: impl FnOnce() -> Words,
    ) {
        if self.is_counted_only(finding) {
            return;
        }
        let masked = value.map(|text| match field.form {
            Form::Code | Form::Number => mask_code(text),
            _ => mask(text),
        });
        let words = self.located(Some(field), words());
        let path = self.path.text();
        self.push(finding, (path.clone(), path), masked, words);
    }

    /// Beyond what is kept a violation is counted, not worded: a packet of nothing but faults costs
    /// no more than a good one.
    fn is_counted_only(&mut self, finding: Finding) -> bool {
        let full = self.report.is_full();
        if full {
            self.report.count(finding.severity, finding.evidence);
        }
        full
    }

    fn located(&self, field: Option<&Field>, words: Words) -> Words {
        sentence::located(field, self.path.record(), &self.path.text(), words)
    }

    fn push(
        &mut self,
        finding: Finding,
        (path, place): (String, String),
        value_masked: Option<String>,
        words: Words,
    ) {
        // A warning about the same value gives way to the error.
        if finding.severity == Severity::Error {
            let told = |old: &Violation| old.path == path && old.severity == Severity::Warning;
            if let Some(at) =
                self.report.violations.iter().rposition(told).filter(|_| !path.is_empty())
            {
                self.report.withdraw(at);
            }
        }
        self.report.push(Violation {
            packet: self.report.packet.clone(),
            table: self.table.clone(),
            path,
            place,
            rule: finding.rule,
            severity: finding.severity,
            evidence: finding.evidence,
            value_masked,
            sentence: words.sentence,
            suggestion: words.suggestion,
        });
    }
}
