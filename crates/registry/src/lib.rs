//! Who joined, what is offered, who subscribed, in what state; and the immutable catalogue of it
//! that the gateway reads.

mod apply;
pub mod catalogue;
mod export;
pub mod file;
pub mod member;
pub mod method;
pub mod network;
mod plan;
mod registry;
pub mod service;
mod show;
mod stated;
pub mod subscription;
pub mod system;
pub mod version;
pub mod window;

#[cfg(test)]
mod tests;

pub use apply::{ApplyError, Applying, Change, apply};
pub use catalogue::{Catalogue, Grant, Route};
pub use export::export;
pub use member::Member;
pub use plan::Deed;
pub use registry::{Registry, RegistryError};
pub use service::Service;
pub use show::show;
pub use stated::Broken;
pub use subscription::Subscription;
pub use system::System;
pub use version::Version;
