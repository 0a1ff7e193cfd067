//! How the platform speaks outward: plain HTTP/1.1 to providers, over connections kept alive, with
//! failover between the endpoints of one version. One connector a runtime thread.

mod connection;
mod pool;
mod portal;
mod reply;
mod sending;
mod tls;

pub use pool::Connector;
pub use portal::{PortalCall, PortalHolds, PortalParts, PortalReply, Portals};
pub use reply::{Failure, FailureKind, Reply, ReplyBody, Trace};
pub use sending::Sending;

#[cfg(test)]
mod tests;
