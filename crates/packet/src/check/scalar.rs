//! One value that is neither array nor object.

use unicode_normalization::is_nfc;

use crate::document::{Shape, Value};
use crate::rule::Rule;
use crate::table::{Evidence, Field, Form};

use super::moment::{self, Reading};
use super::record::{Checking, Finding};
use super::sentence;

impl<'t> Checking<'t> {
    /// Looks at the value of a field that is no list.
    pub(super) fn scalar(&mut self, field: &Field, value: Value<'_>) {
        match value.shape() {
            Shape::List | Shape::Map => {
                let finding = Finding::error(Rule::Shape, field.form_evidence);
                return self.tell_of(field, finding, None, || sentence::scalar(field));
            }
            Shape::Boolean if !field.boolean => {
                let finding = Finding::error(Rule::Shape, field.form_evidence);
                let words = || sentence::scalar(field);
                return self.tell_of(field, finding, Some(value.raw_text()), words);
            }
            Shape::Boolean => return,
            Shape::Null | Shape::Number | Shape::Text => {}
        }
        if value.is_blank() {
            return self.blank(field);
        }
        if value.is_escaped() {
            let text = value.text().unwrap_or_default();
            self.written(field, &text);
            self.content(field, &text);
        } else {
            if value.is_marked() {
                self.written(field, value.raw_text());
            }
            self.content(field, value.raw_text());
        }
    }

    /// How it is written: composed, without control characters.
    fn written(&mut self, field: &Field, text: &str) {
        if !is_nfc(text) {
            let finding = Finding::error(Rule::NotComposed, Evidence::Page);
            self.tell_of(field, finding, None, sentence::not_composed);
        }
        if text.chars().any(|sign| sign.is_control() && !matches!(sign, '\t' | '\n' | '\r')) {
            let finding = Finding::error(Rule::ControlCharacter, Evidence::Page);
            self.tell_of(field, finding, Some(text), sentence::control_character);
        }
    }

    /// What it says.
    fn content(&mut self, field: &Field, text: &str) {
        if let Some(length) = field.length.filter(|length| text.len() > *length as usize) {
            let count = text.chars().count();
            if count > length as usize {
                let finding = Finding::error(Rule::TooLong, field.length_evidence);
                self.tell_of(field, finding, None, || sentence::too_long(count, length));
            }
        }
        match field.form {
            Form::Text | Form::List => {}
            Form::Datetime => self.datetime(field, text),
            Form::Number => self.number(field, text),
            Form::Code => self.code(field, text),
            Form::File => self.file(field, text),
        }
    }

    fn datetime(&mut self, field: &Field, text: &str) {
        match moment::read(text, &field.formats) {
            Reading::Moment(_) => {}
            Reading::Impossible(why) => {
                let finding = Finding::error(Rule::DatetimeImpossible, field.form_evidence);
                self.tell_of(field, finding, Some(text), || sentence::impossible(&why));
            }
            Reading::Strange => {
                let finding = Finding::error(Rule::DatetimeForm, field.form_evidence);
                self.tell_of(field, finding, Some(text), || sentence::datetime_form(field));
            }
        }
    }

    fn number(&mut self, field: &Field, text: &str) {
        let Some(number) = read_number(text, field.percent) else {
            let finding = Finding::error(Rule::NumberForm, field.form_evidence);
            return self.tell_of(field, finding, Some(text), || sentence::number_form(field));
        };
        if let Some((least, most)) = field.range
            && !(least..=most).contains(&number)
        {
            let finding = Finding::error(Rule::NumberRange, field.range_evidence);
            self.tell_of(field, finding, Some(text), || sentence::number_range(least, most));
        }
    }

    /// An open list is not checked: that other codes exist is all that is known of it.
    fn code(&mut self, field: &Field, text: &str) {
        if field.codes_open || field.codes.iter().any(|code| code.value.as_ref() == text) {
            return;
        }
        let finding = Finding::error(Rule::CodeUnknown, field.codes_evidence);
        self.tell_of(field, finding, Some(text), || sentence::code_unknown(field, text));
    }

    fn file(&mut self, field: &Field, text: &str) {
        let rest = ["http://", "https://"].into_iter().find_map(|scheme| {
            let head = text.get(..scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
        });
        let fits = |rest: &str| {
            !rest.is_empty()
                && !rest.starts_with(['/', ':', '?', '#'])
                && !rest.chars().any(|sign| sign.is_whitespace() || sign.is_control())
        };
        if !rest.is_some_and(fits) {
            let finding = Finding::error(Rule::FileAddress, field.form_evidence);
            self.tell_of(field, finding, Some(text), sentence::file_address);
        }
    }
}

/// A plain decimal number: digits with an optional sign, point and part, and a per cent sign where
/// the field has one.
pub(super) fn read_number(text: &str, percent: bool) -> Option<f64> {
    let text = text.trim();
    let text = if percent { text.strip_suffix('%').unwrap_or(text).trim_end() } else { text };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if text.len() > 30 || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    text.parse().ok()
}
