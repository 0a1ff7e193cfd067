//! Who joined, what is offered, who subscribed, in what state; and the immutable catalogue of it
//! that the gateway reads.

pub mod catalogue;
pub mod member;
pub mod method;
pub mod network;
mod registry;
pub mod service;
mod stated;
pub mod subscription;
pub mod system;
pub mod version;
pub mod window;

pub use catalogue::{Catalogue, Grant, Route};
pub use member::Member;
pub use registry::{Registry, RegistryError};
pub use service::Service;
pub use stated::Broken;
pub use subscription::Subscription;
pub use system::System;
pub use version::Version;
