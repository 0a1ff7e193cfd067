//! Stateful stand-ins for the outside world: a provider with every kind of trouble, the national
//! portal, and a consumer that makes load. All on the loopback, all data synthetic.

pub mod consumer;
mod control;
pub mod fixture;
pub mod portal;
pub mod provider;
pub mod received;
mod server;
#[cfg(test)]
mod tests;
mod wire;
