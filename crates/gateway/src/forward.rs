//! The way to the provider and back: what the request becomes, how long it may take, what a failure
//! means for the consumer.

use connector::{Failure, FailureKind, PortalCall, Reply, Sending};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri, response};
use http_body::Body as _;
use registry::{Grant, Version};
use terms::deadline::Deadline;
use terms::fault::{Fault, FaultCode};
use terms::limit::BULK_WINDOW;
use terms::portal::PortalAccess;

use crate::body::{Progress, RequestBody};
use crate::facade::{Cargo, Kept, Whole};
use crate::header::{self, Outward};
use crate::lane::Lane;
use crate::pace::{self, Pace};
use crate::record::Record;
use crate::reply::{Source, Time};

const CHUNKED: HeaderValue = HeaderValue::from_static("chunked");

/// Refuses a body that is too large by its own word.
pub(crate) fn check_size(cargo: &Cargo<'_>, version: &Version) -> Result<(), Fault> {
    let length = match cargo {
        Cargo::Coming(body) => body.size_hint().exact(),
        Cargo::Whole(whole) => Some(whole.body.len() as u64),
    };
    if length.is_some_and(|length| length > version.body_max) {
        return Err(FaultCode::BodyTooLarge.into());
    }
    Ok(())
}

/// A granted call on its way.
pub(crate) struct Forwarding {
    grant: Grant,
    uri: Uri,
    /// Where the rest begins in the path.
    rest_at: usize,
    head: Option<Parts>,
    exchange: HeaderValue,
    deadline: Deadline,
    /// May the request be repeated without harm?
    safe: bool,
}

impl Forwarding {
    pub(crate) fn new(
        lane: &Lane,
        record: &Record,
        grant: Grant,
        mut head: Parts,
        rest_at: usize,
    ) -> Forwarding {
        let version = grant.version();
        let now = lane.shared.clock.instant();
        let deadline = record.deadline();
        Forwarding {
            uri: std::mem::take(&mut head.uri),
            rest_at,
            exchange: header::exchange_id(record.id()),
            deadline: version.timeout.map_or(deadline, |limit| deadline.within(now, limit)),
            // what the method says is not what the portal is asked
            safe: version.idempotent || version.portal.is_none() && head.method.is_safe(),
            head: Some(head),
            grant,
        }
    }
}

impl Forwarding {
    /// Sends the request; the open frame is queued before, the provider's head is waited for.
    pub(crate) async fn send(
        &mut self,
        lane: &Lane,
        record: &mut Record,
        cargo: Cargo<'_>,
    ) -> Result<Reply<RequestBody>, Fault> {
        let Some(mut head) = self.head.take() else {
            return Err(FaultCode::Internal.into());
        };
        let (version, system) = (self.grant.version(), self.grant.system());
        let provider = &self.grant.service().provider;
        record.digest_key = lane
            .digest_keys
            .as_ref()
            .and_then(|keys| keys.get(&system.code, provider, record.opened_at()));
        let (body, whole) = load(record, cargo, version);
        let again = (body.is_end_stream() && self.safe).then_some(RequestBody::EMPTY);
        let outward = Outward {
            exchange: &self.exchange,
            id: record.id(),
            consumer: &lane.consumer(system),
            via: &lane.via,
            credential: version.auth.as_ref().map(|auth| (&auth.name, &auth.value)),
        };
        header::turn_outward(&mut head, &outward);
        frame(&mut head, &body);
        let endpoints = version.endpoints(self.grant.subscription().environment);
        record.note_leaving(endpoints, lane.shared.clock.now());
        if let (Some(access), Some(whole)) = (&version.portal, &whole) {
            return self.send_portal(lane, record, (access, whole), head.headers).await;
        }
        let sending = Sending {
            endpoints,
            tls: version.tls.as_ref(),
            head,
            rest: self.rest(),
            body,
            again,
            deadline: self.deadline,
        };
        let sent = lane.connector.send(sending);
        let sent = if version.bulk {
            let clock = &lane.shared.clock;
            tokio::select! {
                sent = sent => sent,
                code = pace::run_out(clock, record.intake.as_ref()) => {
                    return Err(self.fault(code, true));
                }
            }
        } else {
            sent.await
        };
        sent.map_err(|failure| self.blame(failure, record))
    }

    /// Sends the call in the portal's session protocol.
    async fn send_portal(
        &self,
        lane: &Lane,
        record: &mut Record,
        (access, whole): (&PortalAccess, &Whole<'_>),
        headers: HeaderMap,
    ) -> Result<Reply<RequestBody>, Fault> {
        let version = self.grant.version();
        let call = PortalCall {
            endpoints: version.endpoints(self.grant.subscription().environment),
            tls: version.tls.as_ref(),
            access,
            destination: self.grant.service().destination.as_deref(),
            environment: self.grant.subscription().environment,
            sender: self.grant.system().code.as_str(),
            operation: &whole.operation,
            credential: version.auth.as_ref().map(|auth| (&auth.name, &auth.value)),
            headers,
            body: whole.body.clone(),
            deadline: self.deadline,
        };
        let kept = Kept::of(lane, record, &self.grant, whole);
        // boxed, so that a plain call has no room for it
        let sent = Box::pin(lane.connector.send_portal(call)).await;
        if let Some(kept) = kept {
            kept.settle(sent.as_ref());
        }
        sent.map(|sent| sent.reply).map_err(|failure| self.blame(failure, record))
    }

    /// What a failure means for the consumer.
    fn blame(&self, failure: Failure, record: &mut Record) -> Fault {
        let mut fault = self.fault(judge(&failure, record), failure.reached);
        fault.detail = failure.cause;
        record.note_trace(failure.trace);
        fault
    }

    /// What follows context and version: path and query, byte for byte.
    fn rest(&self) -> &str {
        let whole = self.uri.path_and_query().map_or("", PathAndQuery::as_str);
        whole.get(self.rest_at..).unwrap_or_default()
    }

    /// Turns the provider's head into the consumer's.
    pub(crate) fn turn_back(
        &self,
        lane: &Lane,
        record: &mut Record,
        reply: Reply<RequestBody>,
    ) -> Result<(response::Parts, Source), Fault> {
        let Reply { parts: mut head, body, trace, answered_at, base } = reply;
        record.note_answer(&head, answered_at);
        let upstream = trace.upstream.clone();
        record.note_trace(trace);
        // nothing was asked that an interim status could answer
        if head.status.is_informational() {
            return Err(self.fault(FaultCode::ProviderError, true));
        }
        let prefix = self.uri.path().get(..self.rest_at).unwrap_or_default();
        if let Some(upstream) = upstream {
            header::map_location(&mut head.headers, &upstream, &base, prefix);
        }
        header::turn_inward(&mut head, &self.exchange, &lane.via)
            .map_err(|code| self.fault(code, true))?;
        Ok((head, body))
    }

    /// A fault that says whether the provider may have acted.
    pub(crate) fn fault(&self, code: FaultCode, reached: bool) -> Fault {
        Fault::new(code).after_sending(reached, self.safe)
    }

    /// What time the answer has from now on.
    pub(crate) fn time(&self, lane: &Lane) -> Time {
        let now = lane.shared.clock.instant();
        let pace = self.grant.version().bulk.then(|| Pace::new(now));
        let held = match pace {
            Some(_) => self.deadline.within(now, BULK_WINDOW),
            None => self.deadline,
        };
        Time { held, whole: self.deadline, pace }
    }
}

/// The body as it is sent; the record follows it.
fn load<'a>(
    record: &mut Record,
    cargo: Cargo<'a>,
    version: &Version,
) -> (RequestBody, Option<Box<Whole<'a>>>) {
    match cargo {
        Cargo::Coming(incoming) => {
            let key = record.digest_key.as_deref();
            let (body, intake) = RequestBody::new(incoming, version.body_max, key);
            record.intake = intake;
            (body, None)
        }
        Cargo::Whole(whole) => {
            whole.digest(record);
            (RequestBody::from(whole.body.clone()), Some(whole))
        }
    }
}

/// A body of unknown length is framed by us, whatever the method: hyper would drop that of a GET.
fn frame(head: &mut Parts, body: &RequestBody) {
    if body.size_hint().exact().is_none() {
        head.headers.remove(CONTENT_LENGTH);
        head.headers.insert(TRANSFER_ENCODING, CHUNKED);
    }
}

/// Whose turn it was when the sending failed: the body's state says whether the consumer was.
fn judge(failure: &Failure, record: &Record) -> FaultCode {
    let progress = record.intake.as_ref().map_or(Progress::Ended, |intake| intake.progress());
    match (failure.kind, progress) {
        (_, Progress::TooLarge) => FaultCode::BodyTooLarge,
        (_, Progress::Malformed | Progress::Cut | Progress::Gone) => FaultCode::RequestInvalid,
        (FailureKind::Timeout, Progress::Awaited) => FaultCode::RequestTimeout,
        (FailureKind::Timeout, _) => FaultCode::ProviderTimeout,
        (FailureKind::Unreachable, _) => FaultCode::ProviderUnreachable,
        (FailureKind::Broken, _) => FaultCode::ProviderError,
    }
}
