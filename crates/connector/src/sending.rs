//! One request on its way to a provider: which endpoint, which connection, and when it may be sent
//! again.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri, header, request};
use http_body::Body;
use hyper::body::Incoming;
use terms::deadline::Deadline;
use terms::endpoint::{Endpoint, TlsMaterial};
use terms::limit;
use tokio::time::{Instant, timeout_at};

use crate::pool::{Connector, Lease};
use crate::portal::PortalHolds;
use crate::reply::{Failure, FailureKind, Reply, ReplyBody, Trace};

/// A request with all that is needed to send it.
pub struct Sending<'a, B> {
    /// The version's endpoints for this environment, at least one.
    pub endpoints: &'a [Endpoint],
    /// Whom to trust and who we are, when the version says so.
    pub tls: Option<&'a Arc<TlsMaterial>>,
    /// Method and headers, already cleaned; URI and `Host` are set here.
    pub head: request::Parts,
    /// What follows the endpoint's path: `/…`, `?…`, both or nothing.
    pub rest: &'a str,
    /// The body.
    pub body: B,
    /// An empty body, if and only if the request has none and may be repeated without harm: it is
    /// then sent once more when a kept connection turns out to be closed.
    pub again: Option<B>,
    /// When the provider must have answered.
    pub deadline: Deadline,
}

/// A request under way: what is left to send, and what was tried so far.
struct Journey<'a, B> {
    connector: &'a Connector<B>,
    tls: Option<&'a Arc<TlsMaterial>>,
    deadline: Deadline,
    request: Option<Request<B>>,
    again: Option<B>,
    /// The request left once, on a connection that then died.
    left: bool,
    trace: Trace,
}

/// How an endpoint was left.
#[allow(clippy::large_enum_variant, reason = "moved once a call; a box would cost more")]
enum Step<B> {
    Answered(Response<Incoming>, Lease<B>),
    /// It cannot be reached, and the request has not left.
    Unreachable,
    Failed(FailureKind, Reached),
}

/// May the provider have acted on the request?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    No,
    Maybe,
}

impl<B> Connector<B>
where
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Sends the request to the first endpoint that can be reached. It goes out again only if the
    /// provider cannot have acted on it, or if acting twice is harmless ([`Sending::again`]); a
    /// provider's own answer, 5xx included, is never a reason.
    pub async fn send(&self, sending: Sending<'_, B>) -> Result<Reply<B>, Failure> {
        let Sending { endpoints, tls, head, rest, body, again, deadline } = sending;
        let began = self.clock().instant();
        let request = Some(Request::from_parts(head, body));
        let trace = Trace::default();
        let left = false;
        let mut journey = Journey { connector: self, tls, deadline, request, again, left, trace };
        let mut end = (FailureKind::Unreachable, Reached::No);
        for index in self.order(endpoints) {
            let endpoint = &endpoints[index];
            match journey.visit(endpoint, rest).await {
                Step::Answered(answer, lease) => {
                    let mut trace = journey.trace;
                    trace.upstream_us = micros(self.clock().instant() - began);
                    let (parts, incoming) = answer.into_parts();
                    return Ok(Reply {
                        parts,
                        body: ReplyBody::new(incoming, lease),
                        trace,
                        answered_at: self.clock().now(),
                        base: endpoint.base.clone(),
                    });
                }
                Step::Unreachable => self.note_down(endpoint),
                Step::Failed(kind, reached) => {
                    end = (kind, reached);
                    break;
                }
            }
        }
        let mut trace = journey.trace;
        trace.upstream_us = micros(self.clock().instant() - began);
        let reached = journey.left || end.1 == Reached::Maybe;
        Err(Failure { kind: end.0, reached, holds: PortalHolds::default(), trace, cause: None })
    }
}

impl<B> Journey<'_, B>
where
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Tries one endpoint: kept connections first, then one new connection.
    async fn visit(&mut self, endpoint: &Endpoint, rest: &str) -> Step<B> {
        self.trace.upstream = Some(endpoint.upstream.clone());
        match self.request.as_mut().map(|request| aim(request, endpoint, rest)) {
            Some(Ok(())) => {}
            _ => return Step::Failed(FailureKind::Broken, Reached::No),
        }
        loop {
            self.trace.attempts += 1;
            let mut lease = match self.connector.take_idle(endpoint, self.tls, self.again.is_none())
            {
                Some(lease) => lease,
                None => match self.connect(endpoint).await {
                    Ok(lease) => lease,
                    Err(step) => return step,
                },
            };
            let Some(request) = self.request.take() else {
                return Step::Failed(FailureKind::Broken, Reached::No);
            };
            let again = if lease.reused { self.again.take() } else { None };
            let copy = again.map(|body| copy(&request, body));
            self.trace.forwarded_at = Some(self.connector.clock().now());
            let sent = lease.sender.try_send_request(request);
            match timeout_at(Instant::from_std(self.deadline.at()), sent).await {
                Err(_) => return Step::Failed(FailureKind::Timeout, Reached::Maybe),
                Ok(Ok(answer)) => return Step::Answered(answer, lease),
                Ok(Err(mut error)) => match (error.take_message(), copy) {
                    // it never began to leave: a kept connection that died, try the next one
                    (Some(request), copy) => {
                        self.again = copy.map(Request::into_body);
                        self.request = Some(request);
                        if !lease.reused {
                            return Step::Unreachable;
                        }
                    }
                    (None, Some(copy)) if is_closed(error.error()) => {
                        self.request = Some(copy);
                        self.left = true;
                    }
                    (None, _) => {
                        tracing::debug!(error = %error.error(), "a provider broke off");
                        return Step::Failed(FailureKind::Broken, Reached::Maybe);
                    }
                },
            }
        }
    }

    async fn connect(&self, endpoint: &Endpoint) -> Result<Lease<B>, Step<B>> {
        let now = self.connector.clock().instant();
        let limit = self.deadline.within(now, limit::CONNECT_TIMEOUT);
        let connect = self.connector.connect(endpoint, self.tls);
        match timeout_at(Instant::from_std(limit.at()), connect).await {
            Ok(Ok(lease)) => Ok(lease),
            Ok(Err(error)) => {
                tracing::debug!(%error, upstream = %endpoint.upstream, "no connection");
                Err(Step::Unreachable)
            }
            Err(_) if self.deadline.passed(self.connector.clock().instant()) => {
                Err(Step::Failed(FailureKind::Timeout, Reached::No))
            }
            Err(_) => Err(Step::Unreachable),
        }
    }
}

/// Points the request at an endpoint: the endpoint's path, then the rest of the call, an empty path
/// becoming `/`; `Host` is the endpoint's.
pub(crate) fn aim<B>(
    request: &mut Request<B>,
    endpoint: &Endpoint,
    rest: &str,
) -> Result<(), http::uri::InvalidUri> {
    let slash = if endpoint.base.is_empty() && !rest.starts_with('/') { "/" } else { "" };
    let target = if endpoint.base.is_empty() && slash.is_empty() {
        PathAndQuery::try_from(rest)?
    } else {
        PathAndQuery::try_from([&endpoint.base, slash, rest].concat())?
    };
    *request.uri_mut() = Uri::from(target);
    *request.version_mut() = http::Version::HTTP_11;
    request.headers_mut().insert(header::HOST, endpoint.authority.clone());
    Ok(())
}

fn copy<B>(request: &Request<B>, body: B) -> Request<B> {
    let mut copy = Request::new(body);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// The connection ended before a byte of the answer: what a provider that closes idle connections
/// does. Anything else it sent is its answer, and broken.
fn is_closed(error: &hyper::Error) -> bool {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return true;
    }
    let cause = std::error::Error::source(error).and_then(|c| c.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        matches!(cause.kind(), ConnectionReset | BrokenPipe | ConnectionAborted)
    })
}

pub(crate) fn micros(spent: std::time::Duration) -> u64 {
    u64::try_from(spent.as_micros()).unwrap_or(u64::MAX)
}
