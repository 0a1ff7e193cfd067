//! The whole platform from outside: one binary, one file a subject.

#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]
#![allow(clippy::disallowed_methods, reason = "from outside, real time is measured")]
#![allow(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]
#![allow(
    clippy::print_stdout,
    reason = "the evidence that a run of the law leaves: cargo test -- --nocapture"
)]

mod art07_limits;
mod art12_call;
mod art15_leave;
mod art18_keep;
mod demo;
mod form;
mod golden;
mod manual;
mod oauth_client;
mod program;
mod province;
mod qcvn120_command;
mod qcvn120_facade;
mod qcvn120_packet;
mod qcvn120_statistic;
mod qcvn120_table;
mod screen;
mod server;
mod wire;
mod world;
