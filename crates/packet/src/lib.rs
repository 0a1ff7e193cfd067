//! The packets of QCVN 120 as data: tables of fields, and a check that says in two languages what
//! does not fit. No I/O and no async: everything here is a value or a pure function of its arguments.

mod mode;

pub use mode::{Mode, NoMode, Verdict};
