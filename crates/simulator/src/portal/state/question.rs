//! Questions (hỏi đáp): those waiting for the province's answer, and the ministries' sets.

use serde_json::value::RawValue;

use super::super::check::Findings;
use super::super::envelope::Row;
use super::super::synthetic::{self, ordered};
use super::Refusal;

#[derive(Debug)]
struct Question {
    id: String,
    row: Box<RawValue>,
    /// TRALOIID and the last answer's text.
    answer: Option<(u64, String)>,
}

#[derive(Debug)]
pub(super) struct Questions {
    asked: Vec<Question>,
    sets: Vec<Box<RawValue>>,
    answers: u64,
}

impl Questions {
    pub(super) fn synthetic() -> Questions {
        let asked = synthetic::questions().into_iter();
        let asked = asked.map(|(id, row)| Question { id, row, answer: None }).collect();
        Questions { asked, sets: synthetic::question_sets(), answers: 0 }
    }

    /// Those without an answer (inferred: what an answered question becomes is not known).
    pub(super) fn waiting(&self) -> Vec<Box<RawValue>> {
        let waiting = self.asked.iter().filter(|question| question.answer.is_none());
        waiting.map(|question| question.row.clone()).collect()
    }

    pub(super) fn sets(&self) -> Vec<Box<RawValue>> {
        self.sets.clone()
    }

    pub(super) fn reply_to(&self, id: &str) -> Vec<Box<RawValue>> {
        let question = self.asked.iter().find(|question| question.id == id);
        let answer = question.and_then(|question| question.answer.as_ref());
        let row = answer.map(|(number, text)| {
            let text = text.as_str().into();
            ordered(&[("TRALOIID", (*number).into()), ("NOIDUNGTRALOI", text)])
        });
        row.into_iter().collect()
    }

    /// Takes answers; all must be to questions that were asked. A second answer replaces the first.
    pub(super) fn answer(&mut self, rows: &[Row], findings: &mut Findings) -> Result<(), Refusal> {
        let mut found = Vec::with_capacity(rows.len());
        for (number, row) in rows.iter().enumerate() {
            let id = row.fields.text("HOIDAPID");
            let Some(at) = self.asked.iter().position(|question| question.id == id) else {
                let path = format!("data[{number}].HOIDAPID");
                let vi = "Cổng không có câu hỏi này";
                findings.error(&path, "question", vi, "the portal holds no such question");
                return Err(Refusal::Failed(format!("Không tìm thấy câu hỏi {id}")));
            };
            found.push((at, row.fields.text("NOIDUNGTRALOI")));
        }
        for (at, text) in found {
            self.answers += 1;
            self.asked[at].answer = Some((90_000 + self.answers, text));
        }
        Ok(())
    }
}
