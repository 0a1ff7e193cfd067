//! Whole calls over sockets: a raw provider on one side, a raw consumer on the other, the real
//! journal, registry and database between.

mod answer;
mod consumer;
mod facade;
mod framing;
mod half_closed;
mod provider;
mod token;
mod trouble;
mod world;
