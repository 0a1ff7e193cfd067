//! The vocabulary of the platform: ids, codes, limits with their clause, clock, deadline, payload,
//! fault. No I/O and no async: everything here is a value or a pure function of its arguments.

pub mod clock;
pub mod code;
pub mod deadline;
pub mod endpoint;
pub mod environment;
pub mod exchange;
pub mod fault;
pub mod limit;
pub mod payload;
pub mod portal;
pub mod quantity;
pub mod random;

#[cfg(test)]
mod tests;
