//! The packets of QCVN 120 as data: tables of fields, and a check that says in two languages what
//! does not fit. No I/O, no async: everything here is a value or a pure function of its arguments.

pub mod answer;
mod check;
pub mod conformance;
pub mod document;
pub mod envelope;
mod fault;
mod mode;
mod report;
mod rule;
pub mod sample;
pub mod statistic;
pub mod status;
pub mod table;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use answer::ErrorCode;
pub use check::{Side, check, judge};
pub use document::{Document, Shape, Syntax, Value};
pub use envelope::Envelope;
pub use fault::FormFault;
pub use mode::{Mode, NoMode, Verdict};
pub use report::{Report, Severity, Violation};
pub use rule::Rule;
pub use table::{
    Claim, Direction, Evidence, Field, Form, Level, Required, Table, TableFault, Tables,
};
