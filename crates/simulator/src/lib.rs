//! Stateful stand-ins for the outside world: a provider with every kind of trouble, the national
//! portal, a one-stop system that counts its dossiers, and a consumer that makes load. All on the
//! loopback, all data synthetic.

pub mod consumer;
mod control;
pub mod fixture;
pub mod one_stop;
pub mod portal;
pub mod provider;
pub mod received;
mod server;
#[cfg(test)]
mod tests;
mod wire;
