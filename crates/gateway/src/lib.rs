//! The data plane: one call from request to reply, every one of them recorded.

mod address;
mod admit;
mod answer;
mod body;
mod call;
mod connection;
mod digest;
mod facade;
mod fault;
mod form;
mod forward;
mod gauge;
mod header;
mod lane;
mod listener;
mod pace;
mod parameter;
mod peer;
mod permit;
mod record;
mod reply;
mod reserved;
mod server;
mod wire;

pub use admit::Used;
pub use facade::{Facades, Inbound};
pub use listener::{Certificate, Listeners};
pub use server::{Addresses, Gateway, GatewayError, Running, Settings, Shared};

#[cfg(test)]
mod tests;
