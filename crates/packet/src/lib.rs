//! The packets of QCVN 120 as data: tables of fields, and a check that says in two languages what
//! does not fit. No I/O and no async: everything here is a value or a pure function of its arguments.

pub mod answer;
pub mod document;
pub mod envelope;
mod fault;
mod mode;
mod rule;

pub use answer::ErrorCode;
pub use document::{Document, Shape, Syntax, Value};
pub use envelope::Envelope;
pub use fault::FormFault;
pub use mode::{Mode, NoMode, Verdict};
pub use rule::Rule;
