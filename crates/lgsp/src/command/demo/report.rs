//! What an officer reads: each step with its verdict, one line each.

use std::io;

use terms::fault::{Language, Sentence};

use crate::output::{Output, Table};

/// One step that was tried.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Its fixed name for machines.
    pub(super) name: &'static str,
    /// What was tried.
    pub(super) title: Sentence,
    /// Did it come out as it must?
    pub(super) ok: bool,
    /// What came out.
    pub(super) text: Sentence,
}

/// The steps so far.
pub(super) struct Report {
    output: Output,
    steps: Vec<Step>,
}

impl Report {
    pub(super) fn new(output: Output) -> Report {
        Report { output, steps: Vec::new() }
    }

    /// Takes a step; for machines it is printed at once.
    pub(super) fn add(&mut self, step: Step) -> io::Result<()> {
        if self.output.json {
            let text = step.text.text(self.output.language);
            self.output.object(&Line { step: step.name, ok: step.ok, text })?;
        } else {
            let mark = if step.ok { "✓" } else { "✗" };
            let title = step.title.text(self.output.language);
            self.output.message_text(&format!("{mark} {title}"));
        }
        self.steps.push(step);
        Ok(())
    }

    /// Did every step come out as it must?
    pub(super) fn all_held(&self) -> bool {
        self.steps.iter().all(|step| step.ok)
    }

    /// The table of all steps.
    pub(super) fn table(&self) -> Table {
        let output = self.output;
        let mut table = Table::new([
            "#",
            output.say("Bước", "Step"),
            output.say("Đạt", "Held"),
            output.say("Kết quả", "What came out"),
        ]);
        for (at, step) in self.steps.iter().enumerate() {
            let held = match (step.ok, output.language) {
                (true, Language::Vi) => "có",
                (true, Language::En) => "yes",
                (false, Language::Vi) => "KHÔNG",
                (false, Language::En) => "NO",
            };
            table.row([
                (at + 1).to_string(),
                step.title.text(output.language).to_owned(),
                held.to_owned(),
                step.text.text(output.language).to_owned(),
            ]);
        }
        table
    }
}

#[derive(serde::Serialize)]
struct Line<'a> {
    step: &'a str,
    ok: bool,
    text: &'a str,
}
