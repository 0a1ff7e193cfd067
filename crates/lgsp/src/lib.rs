//! The program: configuration, wiring, commands, health and metrics listener.

pub mod base;
pub mod certificate;
pub mod command;
pub mod config;
pub mod host;
pub mod lock;
pub mod log;
pub mod ops;
pub mod output;
pub mod platform;
pub mod tables;
