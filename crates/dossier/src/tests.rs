//! Tables for the pure parts, and the facts in both databases against a naive recount.

mod calendar;
mod figure;
mod gap;
mod keep;
mod naive;
mod read;
mod standing;
mod world;
