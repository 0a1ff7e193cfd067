//! The record of a call: opened first, closed last, also when the call is dropped.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::token::Caller;
use bytes::Bytes;
use connector::Trace;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use journal::{Class, Digest, Durable, Entry, Row, Unavailable, Word};
use packet::Verdict;
use registry::{Route, Service, System, Version};
use terms::clock::Timestamp;
use terms::deadline::Deadline;
use terms::endpoint::Endpoint;
use terms::environment::Environment;
use terms::exchange::{ExchangeId, Facade, Kind, Outcome};
use terms::fault::{Fault, FaultCode};
use terms::limit::{BULK_MAX, DEADLINE, FAREWELL, RESPONSE_MAX};
use tokio::time::{sleep, timeout_at};

use crate::admit::Admission;
use crate::body::{Intake, Progress};
use crate::digest::DigestKey;
use crate::facade::Operation;
use crate::fault::{self, Context};
use crate::header;
use crate::lane::Lane;

/// Where a request came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) environment: Environment,
    pub(crate) client: IpAddr,
}

/// The guard of one call. Whatever happens to it, one row is written.
pub(crate) struct Record {
    lane: Rc<Lane>,
    row: Row,
    entry: Option<Entry>,
    opened: Instant,
    /// How long the call may take in all.
    limit: Duration,
    /// `Accept-Language`, read only when a fault must be told.
    languages: Option<HeaderValue>,
    /// What a fault would say beside itself.
    pub(crate) context: Context,
    /// The call's place among those in flight, held until the record is closed.
    pub(crate) admission: Option<Admission>,
    /// The request body, when there is one.
    pub(crate) intake: Option<Rc<Intake>>,
    /// With what bodies are digested.
    pub(crate) digest_key: Option<Rc<DigestKey>>,
    closed: bool,
}

impl Record {
    /// Opens the record; the deadline of the call starts here.
    pub(crate) fn open(lane: &Rc<Lane>, head: &Parts, arrival: Arrival) -> Box<Record> {
        let mut record = Record::blank(lane, arrival);
        record.languages = head.headers.get(ACCEPT_LANGUAGE).cloned();
        record.row.method = word(&head.method);
        record.row.reference = header::reference(&head.headers).map(Arc::from);
        record
    }

    /// A record of a request whose head could not be read.
    pub(crate) fn blank(lane: &Rc<Lane>, arrival: Arrival) -> Box<Record> {
        let now = lane.shared.clock.now();
        let id = ExchangeId::new(now, &lane.shared.random);
        let mut row = Row::new(Kind::Call, id, now);
        row.environment = Some(arrival.environment);
        row.client_address = Some(arrival.client);
        Box::new(Record {
            lane: lane.clone(),
            row,
            entry: None,
            opened: lane.shared.clock.instant(),
            limit: DEADLINE,
            languages: None,
            context: Context::default(),
            admission: None,
            intake: None,
            digest_key: None,
            closed: false,
        })
    }

    pub(crate) fn id(&self) -> ExchangeId {
        self.row.exchange_id
    }

    /// The address that the row shows.
    pub(crate) fn client(&self) -> IpAddr {
        self.row.client_address.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
    }

    /// Gives the request to another crate that writes its row.
    pub(crate) fn hand_over(mut self: Box<Self>) -> Rc<Lane> {
        self.closed = true;
        self.lane.clone()
    }

    pub(crate) fn opened_at(&self) -> Timestamp {
        self.row.opened_at
    }

    pub(crate) fn now(&self) -> Instant {
        self.lane.shared.clock.instant()
    }

    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::new(self.opened, self.limit)
    }

    /// When something must be done that has a time of its own since the call began.
    pub(crate) fn due(&self, limit: Duration) -> Deadline {
        Deadline::new(self.opened, limit)
    }

    /// A `bulk` version may take longer.
    pub(crate) fn extend(&mut self) {
        self.limit = BULK_DEADLINE;
    }

    pub(crate) fn note_caller(&mut self, caller: &Caller, system: &System) {
        self.row.credential = Some(caller.consumer_key().text());
        self.row.consumer_system = Some(system.code.text());
        self.row.consumer_member = Some(system.member.text());
        self.context.errors = system.errors;
    }

    /// The dialect in which the call came.
    pub(crate) fn note_facade(&mut self, facade: Option<Facade>) {
        self.row.facade = facade;
    }

    /// The service is known before its version; nobody provides the platform's own.
    pub(crate) fn note_service(&mut self, service: &Service) {
        self.row.provider_member = (!service.is_built_in()).then(|| service.provider.text());
        self.row.service = Some(service.code.text());
    }

    pub(crate) fn note_version(&mut self, version: &Version) {
        self.row.version = Some(version.name.text());
    }

    /// What the check of its packet came to; which rules were broken where, without values.
    pub(crate) fn note_packet(&mut self, verdict: Verdict, unchecked: u32, violations: String) {
        self.row.packet_verdict = Some(verdict.as_str().into());
        self.row.packet_unchecked = Some(unchecked);
        self.row.packet_violations = (!violations.is_empty()).then(|| violations.into());
    }

    /// What the call names besides its service: a name that was known before, never a value.
    pub(crate) fn note_operation(&mut self, operation: Option<Operation>) {
        self.row.operation = operation.map(Operation::text);
    }

    /// A record of its own for one of the calls that this one is made of.
    pub(crate) fn leg(&self, service: &Service, version: &Version) -> Box<Record> {
        let environment = self.row.environment.unwrap_or(Environment::Live);
        let arrival = Arrival { environment, client: self.client() };
        let mut leg = Record::blank(&self.lane, arrival);
        leg.row.parent = Some(self.id());
        leg.row.consumer_member = self.row.consumer_member.clone();
        leg.row.consumer_system = self.row.consumer_system.clone();
        leg.row.credential = self.row.credential.clone();
        leg.row.method = word(&Method::GET);
        leg.note_service(service);
        leg.note_version(version);
        leg
    }

    pub(crate) fn note_route(&mut self, route: &Route<'_>) {
        self.row.provider_member = Some(route.service.provider.text());
        self.row.service = Some(route.service.code.text());
        self.row.version = Some(route.version.name.text());
    }

    /// What a row says of a call that is dropped before the connector tells more.
    pub(crate) fn note_leaving(&mut self, endpoints: &[Endpoint], at: Timestamp) {
        self.row.attempts = Some(1);
        self.row.upstream = endpoints.first().map(|endpoint| endpoint.upstream.clone());
        self.row.forwarded_at = Some(at);
    }

    pub(crate) fn note_trace(&mut self, trace: Trace) {
        self.row.attempts = Some(trace.attempts);
        self.row.upstream = trace.upstream;
        self.row.forwarded_at = trace.forwarded_at;
        self.row.upstream_us = Some(trace.upstream_us);
    }

    pub(crate) fn note_answer(&mut self, head: &http::response::Parts, at: Timestamp) {
        self.row.answered_at = Some(at);
        self.row.provider_reference = header::provider_reference(&head.headers).map(Arc::from);
    }

    /// The head of the answer is about to leave.
    pub(crate) fn note_status(&mut self, status: StatusCode) {
        self.row.status = Some(status.as_u16());
    }

    pub(crate) fn note_released(&mut self, bytes: u64) {
        self.row.response_bytes = Some(bytes);
    }

    /// Reserves the place in the journal and queues the open frame: from here on a provider may be
    /// asked.
    pub(crate) fn begin(&mut self) -> Result<(), Fault> {
        let entry = self.lane.shared.journal.reserve(Class::Identified);
        let mut entry = entry.map_err(refusal)?;
        entry.open(&self.row).map_err(refusal)?;
        self.entry = Some(entry);
        Ok(())
    }

    /// Waits until the open frame is durable: before the first byte of a streamed answer leaves.
    pub(crate) async fn opened_durably(&mut self) -> Result<(), FaultCode> {
        let durable = self.entry.as_mut().map(Entry::open_durable);
        self.settle(durable).await
    }

    /// Waits for the disk, but never past the last moment at which a fault can still be complete.
    pub(crate) async fn settle(&self, durable: Option<Durable>) -> Result<(), FaultCode> {
        let Some(durable) = durable else { return Ok(()) };
        let limit = self.opened + self.limit + SETTLE_MAX;
        match timeout_at(limit.into(), durable).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(refusal(why)),
            Err(_) => Err(FaultCode::JournalUnavailable),
        }
    }

    /// Queues the whole row: the provider's answer is released to its end.
    pub(crate) fn close_answered(&mut self, bytes: u64, digest: Option<Digest>) -> Option<Durable> {
        self.row.outcome = Some(Outcome::Answered);
        self.row.response_bytes = Some(bytes);
        self.row.response_digest = digest;
        self.write()
    }

    /// Queues the row of an answer that had to be cut.
    pub(crate) fn close_cut(&mut self, code: FaultCode) {
        self.row.outcome = Some(Outcome::Failed);
        self.blame(code);
        drop(self.write());
    }

    /// Closes the record with a fault and makes the answer to it.
    pub(crate) async fn refuse(mut self: Box<Self>, fault: Fault) -> Response<Bytes> {
        if self.progress() == Some(Progress::Cut) {
            // a consumer that is gone takes its call with it meanwhile; any other hears why
            self.admission = None;
            sleep(FAREWELL.min(self.deadline().left(self.now()))).await;
        }
        self.context.language = fault::language(self.languages.as_ref());
        let own = self.id();
        let mut answer = fault::answer(&fault, own, self.context.clone());
        let (id, durable) = self.close_fault(&fault, answer.body().len());
        // a provider that was asked has given its place back by now: waiting for the disk is ours
        self.admission = None;
        if let Err(code) = self.settle(durable).await {
            let other = Fault::new(code).after_sending(fault.reached, fault.safe);
            return fault::answer(&other, id, std::mem::take(&mut self.context));
        }
        if id != own {
            // it was folded into another row, whose id is as long
            answer = fault::answer(&fault, id, std::mem::take(&mut self.context));
        }
        answer
    }

    fn close_fault(&mut self, fault: &Fault, bytes: usize) -> (ExchangeId, Option<Durable>) {
        if self.progress() == Some(Progress::Gone) {
            self.row.outcome = Some(Outcome::Abandoned);
            return (self.id(), self.write());
        }
        let failed = self.entry.is_some() || fault.code == FaultCode::Internal;
        self.row.outcome = Some(if failed { Outcome::Failed } else { Outcome::Denied });
        self.row.status = Some(self.context.status(fault.code));
        let is_head = self.row.method.as_deref() == Some(Method::HEAD.as_str());
        self.row.response_bytes = Some(if is_head { 0 } else { bytes as u64 });
        self.blame(fault.code);
        if failed || self.closed {
            return (self.id(), self.write());
        }
        self.fill();
        self.closed = true;
        self.lane.gauge.count(&self.row, self.opened, &self.lane.shared.clock);
        self.lane.shared.journal.deny(self.row.clone())
    }

    /// How far the request body has come, if there is one.
    fn progress(&self) -> Option<Progress> {
        self.intake.as_ref().map(|intake| intake.progress())
    }

    fn blame(&mut self, code: FaultCode) {
        self.row.fault = Some(Word::Borrowed(code.as_str()));
        self.row.blame = Some(code.blame());
    }

    /// Queues the row once; `None` when that has been done before.
    fn write(&mut self) -> Option<Durable> {
        if self.closed {
            return None;
        }
        self.fill();
        self.closed = true;
        self.lane.gauge.count(&self.row, self.opened, &self.lane.shared.clock);
        match self.entry.take() {
            Some(entry) => Some(entry.close(&self.row)),
            // nothing was begun: anyone may cause this row, so it is folded like a refusal
            None => self.lane.shared.journal.deny(self.row.clone()).1,
        }
    }

    fn fill(&mut self) {
        let clock = &self.lane.shared.clock;
        self.row.closed_at = Some(clock.now());
        self.row.total_us = Some(micros(clock.instant() - self.opened));
        if let Some(intake) = &self.intake {
            self.row.request_bytes = Some(intake.bytes());
            self.row.request_digest = intake.digest();
            intake.break_off();
        }
        let digested = self.row.request_digest.is_some() || self.row.response_digest.is_some();
        self.row.digest_key =
            self.digest_key.as_ref().filter(|_| digested).map(|key| key.name.clone());
    }
}

/// A `bulk` call is given up here, so that its fault is complete at [`BULK_MAX`]: the same margin
/// as that of every other call.
pub(crate) const BULK_DEADLINE: Duration =
    BULK_MAX.saturating_sub(RESPONSE_MAX.saturating_sub(DEADLINE));

/// The last wait ends this long after the deadline, with room to write a fault by
/// [`terms::limit::RESPONSE_MAX`].
pub(crate) const SETTLE_MAX: Duration = Duration::from_millis(300);

impl Drop for Record {
    /// Whoever drops a call without closing it lost its consumer, its time, or its mind.
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        let late = self.deadline().passed(self.lane.shared.clock.instant());
        let code = if std::thread::panicking() {
            Some(FaultCode::Internal)
        } else if self.lane.is_cut_off() {
            Some(FaultCode::PlatformStopped)
        } else {
            late.then_some(FaultCode::DeadlineExceeded)
        };
        match code {
            Some(code) => self.close_cut(code),
            None => {
                self.row.outcome = Some(Outcome::Abandoned);
                drop(self.write());
            }
        }
    }
}

/// Out of places means too much at once; anything else means no disk.
fn refusal(why: Unavailable) -> FaultCode {
    match why {
        Unavailable::Full => FaultCode::Overloaded,
        Unavailable::Failed | Unavailable::Reserved | Unavailable::Stopped => {
            FaultCode::JournalUnavailable
        }
    }
}

/// A method as a word of the journal; one that is too long to be one is left out.
fn word(method: &Method) -> Option<Word> {
    Some(match *method {
        Method::GET => "GET".into(),
        Method::POST => "POST".into(),
        Method::PUT => "PUT".into(),
        Method::DELETE => "DELETE".into(),
        Method::PATCH => "PATCH".into(),
        Method::HEAD => "HEAD".into(),
        Method::OPTIONS => "OPTIONS".into(),
        _ if method.as_str().len() > METHOD_CHARS_MAX => return None,
        _ => Cow::Owned(method.as_str().to_owned()),
    })
}

/// The longest registered method has 17 characters.
const METHOD_CHARS_MAX: usize = 32;

pub(crate) fn micros(spent: Duration) -> u64 {
    u64::try_from(spent.as_micros()).unwrap_or(u64::MAX)
}
