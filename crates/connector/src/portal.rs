//! The session protocol of the National Public Service Portal: one login for many calls, one path
//! with the operation in the body, errors told in an answer of HTTP 200.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Body;
use terms::deadline::Deadline;
use terms::endpoint::{Endpoint, TlsMaterial};
use terms::environment::Environment;
use terms::portal::PortalAccess;

use crate::pool::Connector;
use crate::reply::{Failure, Reply};

mod answer;
mod envelope;
mod errand;
mod login;
mod order;
mod request;
mod scan;
mod session;
#[cfg(test)]
mod tests;

use errand::Errand;

/// What all runtime threads know of the portals together: sessions, and whose turn it is. Give the
/// same one to each thread's connector.
#[derive(Debug, Default)]
pub struct Portals {
    sessions: session::Sessions,
    order: order::Order,
}

/// A call of the portal with all that is needed to send it.
pub struct PortalCall<'a> {
    /// The version's endpoints for this environment, at least one.
    pub endpoints: &'a [Endpoint],
    /// Whom to trust and who we are, when the version says so.
    pub tls: Option<&'a Arc<TlsMaterial>>,
    /// The national account, paths and names.
    pub access: &'a PortalAccess,
    /// The destination code (`dstcode`), when the service has one.
    pub destination: Option<&'a str>,
    /// On which side the call came in, and the code of the system that made it: the order of a
    /// dossier is kept among the calls of one system to one portal.
    pub environment: Environment,
    /// See `environment`.
    pub sender: &'a str,
    /// The operation, as the body names it: decides the path, the order and what may be repeated.
    pub operation: &'a str,
    /// The version's own credential, when it has one: the login needs it as well as the call.
    pub credential: Option<(&'a HeaderName, &'a HeaderValue)>,
    /// Headers, already cleaned, the credential among them; those of the protocol are set here.
    pub headers: HeaderMap,
    /// The envelope as JSON. Its session is replaced; the unit is added when it is absent; nothing
    /// else is touched but by [`Exists::Update`](terms::portal::Exists) and by groups of progress.
    pub body: Bytes,
    /// When the portal must have answered, waiting for login and order included.
    pub deadline: Deadline,
}

/// The portal's answer.
pub struct PortalReply<B> {
    /// The answer; an ordinary one, of which the first part has been read. `trace` sums up all that
    /// was sent for this call, a login that succeeded excepted.
    pub reply: Reply<B>,
    /// It was sent again as an update, since the portal holds the dossier already.
    pub resent: bool,
    /// How many parts the call was sent in, and how many the portal took; 1 of 1 as a rule.
    pub parts: PortalParts,
    /// Which records the portal holds by its answers.
    pub holds: PortalHolds,
}

/// Which records of a call the portal holds, counted from the first: it took them, or said that
/// they exist. The end of the call is [`usize::MAX`], however its records are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortalHolds {
    /// Those before this one, for certain.
    pub held: usize,
    /// Whether those from there up to this one is not known: they were sent, and there is no
    /// answer, or one that is too long, or does not say, or says of several that one exists. Those
    /// from this one on it did not take now.
    pub doubt: usize,
}

/// A call whose records went out in several envelopes, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortalParts {
    /// Answered with success.
    pub taken: u32,
    /// Of so many.
    pub count: u32,
}

impl<B> Connector<B>
where
    B: Body<Data = Bytes> + From<Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Sends a call to the portal under our own session, after all earlier calls that name the same
    /// dossier of the same system (QCV-02). An answer of the portal, refusals included, is an
    /// answer; only a refused session is not: then it logs in and sends again,
    /// [`PORTAL_RENEWALS_MAX`] times at the most.
    ///
    /// [`PORTAL_RENEWALS_MAX`]: terms::limit::PORTAL_RENEWALS_MAX
    pub async fn send_portal(&self, call: PortalCall<'_>) -> Result<PortalReply<B>, Failure> {
        let portals = self.portals().clone();
        let errand = Errand::new(self, &portals, call)?;
        // apart, so that a call of another protocol does not carry its room
        Box::pin(errand.run()).await
    }
}
