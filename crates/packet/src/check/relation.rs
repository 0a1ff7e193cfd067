//! Rules over several fields of one record, or over the records of one packet.

use std::collections::HashMap;

use crate::document::{Shape, Value};
use crate::report::Severity;
use crate::rule::Rule;
use crate::status;
use crate::table::{Field, Relation, RelationKind, Table};

use super::moment::{self, Reading};
use super::record::{Checking, Finding};
use super::scalar::read_number;
use super::sentence::{self, Words};

/// Figures are compared with this much room: they come rounded.
const SHARE_ROOM: f64 = 0.11;
/// Three rounded percentages may miss a hundred by this.
const WHOLE_ROOM: f64 = 1.01;

/// The rules within one record; `base` is where its members were noted.
pub(super) fn of_record<'t>(
    checking: &mut Checking<'t>,
    table: &'t Table,
    record: Value<'_>,
    base: usize,
) {
    let mut broken = Vec::new();
    for relation in &table.rules {
        let looked = Looked { table, relation, record, base };
        match relation.kind {
            RelationKind::Order => broken.extend(looked.order(checking)),
            RelationKind::Sum => broken.extend(looked.sum(checking)),
            RelationKind::Share => looked.share(checking),
            RelationKind::Whole => looked.whole(checking),
            RelationKind::Period => looked.period(checking),
            RelationKind::Dated => looked.dated(checking),
            RelationKind::Step | RelationKind::Unique | RelationKind::Group => {}
        }
    }
    let suspect = suspect(table, &broken);
    for one in broken {
        let looked = Looked { table, relation: one.relation, record, base };
        let place = suspect.filter(|place| one.relation.places.contains(place));
        looked.tell(checking, place.unwrap_or(one.place), one.rule, one.words);
    }
}

/// A comparison that does not hold.
struct Broken<'t> {
    relation: &'t Relation,
    /// The field that is named unless others tell more.
    place: usize,
    rule: Rule,
    words: Words,
}

/// When several comparisons fail, the one field that stands in all of them, and in none of the
/// same kind that holds, is the one to look at.
fn suspect(table: &Table, broken: &[Broken<'_>]) -> Option<usize> {
    let (first, others) = broken.split_first().filter(|(_, others)| !others.is_empty())?;
    let fails = |relation: &Relation| broken.iter().any(|one| std::ptr::eq(one.relation, relation));
    let holds = |place: usize| {
        table.rules.iter().any(|relation| {
            relation.kind == first.relation.kind
                && !relation.warning
                && !fails(relation)
                && relation.places.contains(&place)
        })
    };
    let mut common = first.relation.places.iter().copied().filter(|place| {
        others.iter().all(|one| one.relation.places.contains(place)) && !holds(*place)
    });
    let only = common.next()?;
    common.next().is_none().then_some(only)
}

/// A relation at one record.
struct Looked<'t, 'd> {
    table: &'t Table,
    relation: &'t Relation,
    record: Value<'d>,
    base: usize,
}

impl<'t, 'd> Looked<'t, 'd> {
    fn field(&self, number: usize) -> &'t Field {
        &self.table.fields[self.relation.places[number]]
    }

    fn value(&self, checking: &Checking<'t>, number: usize) -> Option<Value<'d>> {
        let place = *self.relation.places.get(number)?;
        checking.value(self.base, place, self.record).filter(|value| !value.is_blank())
    }

    fn number(&self, checking: &Checking<'t>, number: usize) -> Option<f64> {
        let field = self.field(number);
        let read = read_number(&self.value(checking, number)?.text()?, field.percent)?;
        // What is wrong by itself is told already and compared with nothing.
        field.range.is_none_or(|(least, most)| (least..=most).contains(&read)).then_some(read)
    }

    fn moment(&self, checking: &Checking<'t>, number: usize) -> Option<u64> {
        let text = self.value(checking, number)?.text()?;
        match moment::read(&text, &self.field(number).formats) {
            Reading::Moment(moment) => Some(moment),
            Reading::Impossible(_) | Reading::Strange => None,
        }
    }

    /// Tells of a field of the table.
    fn tell(&self, checking: &mut Checking<'t>, place: usize, rule: Rule, words: Words) {
        let severity = if self.relation.warning { Severity::Warning } else { Severity::Error };
        let finding = Finding { rule, severity, evidence: self.relation.evidence };
        checking.path.name(self.table.fields[place].name.as_deref().unwrap_or_default());
        checking.tell(finding, None, || words);
        checking.path.pop();
    }

    /// Tells of the field with this number in the relation.
    fn tell_at(&self, checking: &mut Checking<'t>, number: usize, rule: Rule, words: Words) {
        self.tell(checking, self.relation.places[number], rule, words);
    }

    fn broken(&self, number: usize, rule: Rule, words: Words) -> Broken<'t> {
        Broken { relation: self.relation, place: self.relation.places[number], rule, words }
    }

    /// Each date is not before the one before it. The later one is named.
    fn order(&self, checking: &Checking<'t>) -> Option<Broken<'t>> {
        let mut before: Option<(usize, u64)> = None;
        for number in 0..self.relation.places.len() {
            let Some(moment) = self.moment(checking, number) else { continue };
            if let Some((first, earlier)) = before
                && moment < earlier
            {
                let words = sentence::date_order(self.field(first), self.field(number));
                return Some(self.broken(number, Rule::DateOrder, words));
            }
            before = Some((number, moment));
        }
        None
    }

    fn sum(&self, checking: &Checking<'t>) -> Option<Broken<'t>> {
        let total = self.number(checking, 0)?;
        let mut sum = 0.0;
        for number in 1..self.relation.places.len() {
            sum += self.number(checking, number)?;
        }
        if (total - sum).abs() <= 0.001 {
            return None;
        }
        let parts: Vec<&Field> =
            (1..self.relation.places.len()).map(|number| self.field(number)).collect();
        Some(self.broken(0, Rule::Sum, sentence::sum(self.field(0), &parts)))
    }

    fn share(&self, checking: &mut Checking<'t>) {
        let (Some(share), Some(part), Some(whole)) =
            (self.number(checking, 0), self.number(checking, 1), self.number(checking, 2))
        else {
            return;
        };
        if whole > 0.0 && (share - part * 100.0 / whole).abs() > SHARE_ROOM {
            let words = sentence::share(self.field(0), self.field(1), self.field(2));
            self.tell_at(checking, 0, Rule::Share, words);
        }
    }

    fn whole(&self, checking: &mut Checking<'t>) {
        let mut sum = 0.0;
        for number in 0..self.relation.places.len() {
            let Some(part) = self.number(checking, number) else { return };
            sum += part;
        }
        if (sum - 100.0).abs() > WHOLE_ROOM {
            self.tell_at(checking, 0, Rule::Sum, sentence::whole());
        }
    }

    /// Kind 1 is a month, kind 2 a year; without a kind the month and the year speak.
    fn period(&self, checking: &mut Checking<'t>) {
        let kind = self.value(checking, 0).and_then(Value::text);
        let known = kind.as_deref().map(str::trim).is_none_or(|kind| matches!(kind, "1" | "2"));
        if !known {
            return self.tell_at(checking, 0, Rule::Period, sentence::period());
        }
        let is_year = kind.as_deref().map(str::trim) == Some("2");
        let month = self.value(checking, 1);
        let whole = |number: f64, least: f64, most: f64| {
            number.fract() == 0.0 && (least..=most).contains(&number)
        };
        // With a year some clients send 0 or nothing as the month.
        let least = if is_year { 0.0 } else { 1.0 };
        let fits = self.number(checking, 1).is_some_and(|number| whole(number, least, 12.0));
        if month.is_some() && !fits {
            self.tell_at(checking, 1, Rule::Period, sentence::period());
        }
        if self.value(checking, 2).is_some()
            && !self.number(checking, 2).is_some_and(|number| whole(number, 1.0, 9_999.0))
        {
            self.tell_at(checking, 2, Rule::Period, sentence::period());
        }
    }

    fn dated(&self, checking: &mut Checking<'t>) {
        let Some(status) = self.value(checking, 0).and_then(Value::text) else { return };
        let asks = self.relation.when.iter().any(|when| when.as_ref() == status);
        if asks && self.value(checking, 1).is_none() {
            let words = sentence::status_date(&status, self.field(1));
            self.tell_at(checking, 1, Rule::StatusDate, words);
        }
    }
}

/// The rules over all records of a packet.
pub(super) fn of_packet<'t>(checking: &mut Checking<'t>, table: &'t Table, data: Value<'_>) {
    for relation in &table.rules {
        match relation.kind {
            RelationKind::Step => step(checking, table, relation, data),
            RelationKind::Unique => unique(checking, relation, data),
            RelationKind::Group => {
                let count = data.items().count();
                if count > relation.max {
                    let words = || sentence::group_size(count, relation.max);
                    checking.tell(weighed(relation, Rule::GroupSize), None, words);
                }
            }
            _ => {}
        }
    }
}

fn weighed(relation: &Relation, rule: Rule) -> Finding {
    let severity = if relation.warning { Severity::Warning } else { Severity::Error };
    Finding { rule, severity, evidence: relation.evidence }
}

fn text_of(record: Value<'_>, name: &str) -> Option<String> {
    let value = record.get(name).filter(|value| !value.is_blank())?;
    value.text().map(std::borrow::Cow::into_owned)
}

/// The steps of each dossier, in the order in which they stand.
fn step<'t>(
    checking: &mut Checking<'t>,
    table: &'t Table,
    relation: &'t Relation,
    data: Value<'_>,
) {
    let (key, status) = (&relation.fields[0], &relation.fields[1]);
    let mut last: HashMap<String, u8> = HashMap::new();
    for (index, record) in data.items().enumerate() {
        let (Some(dossier), Some(state)) = (text_of(record, key), text_of(record, status)) else {
            continue;
        };
        let Ok(state) = state.parse::<u8>() else { continue };
        let before = last.insert(dossier, state);
        let Some(before) = before.filter(|before| !status::is_usual(*before, state)) else {
            continue;
        };
        checking.path.index(index);
        let field = &table.fields[relation.places[1]];
        checking.path.name(field.name.as_deref().unwrap_or_default());
        let words = || sentence::status_step(&before.to_string(), &state.to_string());
        checking.tell(weighed(relation, Rule::StatusStep), None, words);
        checking.path.pop();
        checking.path.pop();
    }
}

/// The key of each record, once.
fn unique<'t>(checking: &mut Checking<'t>, relation: &'t Relation, data: Value<'_>) {
    if data.shape() != Shape::List || data.items().nth(1).is_none() {
        return;
    }
    let mut first: HashMap<String, usize> = HashMap::new();
    for (index, record) in data.items().enumerate() {
        let Some(key) = text_of(record, &relation.fields[0]) else { continue };
        if let Some(before) = first.get(&key) {
            checking.path.index(index);
            checking.path.name(&relation.fields[0]);
            let words = || sentence::key_repeated(before + 1);
            checking.tell(weighed(relation, Rule::KeyRepeated), None, words);
            checking.path.pop();
            checking.path.pop();
        } else {
            first.insert(key, index);
        }
    }
}
