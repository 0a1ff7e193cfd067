//! The whole platform from outside: one binary, one file a subject.

#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

mod demo;
mod program;
mod server;
