//! One call on its way to the portal: its turn, its session, its parts, its second sending.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue};
use http_body::Body;
use terms::endpoint::Endpoint;
use terms::fault::Sentence;
use terms::limit::{HELD_BYTES_MAX, PORTAL_PROGRESS_ROWS_MAX, PORTAL_RENEWALS_MAX};
use terms::portal::Exists;
use tokio::time::{Instant, timeout_at};

use super::answer::Answer;
use super::envelope::{Envelope, Item, Shape};
use super::login::{self, Login, LoginFault, NOT_IN_TIME};
use super::order::Turn;
use super::session::{Look, Outcome};
use super::{PortalCall, PortalHolds, PortalParts, PortalReply, Portals, request};
use crate::pool::Connector;
use crate::reply::{Failure, FailureKind, Reply, Trace};
use crate::sending::{Sending, micros};

/// The packet that is an update or not.
const SYNC: &str = "DongBoHoSoMC";
/// The packet that is sent in groups.
const PROGRESS: &str = "CapNhatTienDoHoSoMC";

const UNREADABLE: Sentence = Sentence::new(
    "Nội dung gửi tới Cổng dịch vụ công không phải là đối tượng JSON",
    "What is to be sent to the portal is no JSON object",
);
const NO_TURN: Sentence = Sentence::new(
    "Một yêu cầu trước của cùng hồ sơ chưa được Cổng dịch vụ công trả lời",
    "The portal has not answered an earlier call for the same dossier",
);

pub(super) struct Errand<'a, B> {
    connector: &'a Connector<B>,
    portals: &'a Arc<Portals>,
    call: PortalCall<'a>,
    envelope: Envelope,
    turn: Turn<'a>,
    trace: Trace,
    /// The portal may have acted on the part that is under way.
    reached: bool,
    /// Or on one before it.
    reached_before: bool,
}

/// An answer whose beginning has been read.
struct Heard<B> {
    reply: Reply<B>,
    held: Bytes,
    answer: Answer,
}

impl<'a, B> Errand<'a, B>
where
    B: Body<Data = Bytes> + From<Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Lines up for the dossiers that are to be written.
    pub(super) fn new(
        connector: &'a Connector<B>,
        portals: &'a Arc<Portals>,
        call: PortalCall<'a>,
    ) -> Result<Errand<'a, B>, Failure> {
        let trace = Trace::default();
        let Some(envelope) = Envelope::read(&call.body, &call.access.names) else {
            let (kind, cause) = (FailureKind::Broken, Some(UNREADABLE));
            let holds = PortalHolds::default();
            return Err(Failure { kind, reached: false, holds, trace, cause });
        };
        // endpoints of one version are doors of one portal
        let portal = (call.endpoints.first().map(|first| &first.upstream), call.destination);
        let way = (call.environment, portal, call.sender);
        let order = &portals.order;
        let codes = envelope.items.iter().filter_map(|item| item.dossier(&call.body));
        let turn = order.line_up(codes.map(|code| order.dossier(&way, &code)).collect());
        Ok(Errand {
            connector,
            portals,
            call,
            envelope,
            turn,
            trace,
            reached: false,
            reached_before: false,
        })
    }

    /// The whole of it; another call's turn comes when it ends.
    pub(super) async fn run(mut self) -> Result<PortalReply<B>, Failure> {
        let end = Instant::from_std(self.call.deadline.at());
        if timeout_at(end, self.turn.come()).await.is_err() {
            return Err(self.failure(FailureKind::Timeout, Some(NO_TURN)));
        }
        let items = std::mem::take(&mut self.envelope.items);
        if self.is(PROGRESS) && items.len() > PORTAL_PROGRESS_ROWS_MAX {
            let groups = cut(0..items.len(), PORTAL_PROGRESS_ROWS_MAX);
            return self.send_parts(&items, groups).await;
        }
        let whole = 0..items.len();
        let (heard, resent) = self.put(None, whole.clone(), items.len()).await?;
        if resent && items.len() > 1 && !heard.answer.is_success() {
            // which of them it holds is not said
            let halves = cut(whole, items.len().div_ceil(2));
            return self.send_parts(&items, halves).await;
        }
        let parts = PortalParts { taken: heard.answer.is_success().into(), count: 1 };
        let holds = heard.holds(whole, items.len());
        Ok(self.end(heard, resent, parts, holds))
    }

    fn is(&self, operation: &str) -> bool {
        self.call.operation.eq_ignore_ascii_case(operation)
    }

    /// Is this a new dossier that the portal holds, and wanted to become an update?
    fn updates(&self, heard: &Heard<B>) -> bool {
        self.call.access.exists == Exists::Update
            && heard.answer.exists()
            && self.is(SYNC)
            && !self.envelope.is_updating(&self.call.body)
    }

    /// Sends the records in parts, in order, until one is not taken. `parts`: the last one first.
    /// A part of which the portal holds some records and not others is halved.
    async fn send_parts(
        &mut self,
        items: &[Item],
        mut parts: Vec<Range<usize>>,
    ) -> Result<PortalReply<B>, Failure> {
        let (mut taken, mut resent) = (0, false);
        let mut part = parts.pop().unwrap_or(0..items.len());
        loop {
            let from = part.start;
            let records = &items[part.clone()];
            let (mut heard, updated) = self.put(Some(records), part.clone(), items.len()).await?;
            resent |= updated;
            if heard.answer.is_success() {
                taken += 1;
            } else if updated && records.len() > 1 {
                parts.extend(cut(part, records.len().div_ceil(2)));
            } else {
                if from > 0 {
                    heard.remark(&taken_remark(from, items.len()).vi);
                }
                let count = taken + 1 + number(parts.len());
                let holds = heard.holds(part, items.len());
                return Ok(self.end(heard, resent, PortalParts { taken, count }, holds));
            }
            match parts.pop() {
                Some(next) => part = next,
                None => {
                    let parts = PortalParts { taken, count: taken };
                    let holds = PortalHolds { held: usize::MAX, doubt: usize::MAX };
                    return Ok(self.end(heard, resent, parts, holds));
                }
            }
        }
    }

    /// One envelope, `part` of `count` records, as it is, and then as an update where that is
    /// wanted; was it?
    async fn put(
        &mut self,
        items: Option<&[Item]>,
        part: Range<usize>,
        count: usize,
    ) -> Result<(Heard<B>, bool), Failure> {
        self.reached_before |= std::mem::take(&mut self.reached);
        let mut put = self.ask(items, false).await.map(|heard| (heard, false));
        if put.as_ref().is_ok_and(|(heard, _)| self.updates(heard)) {
            put = self.ask(items, true).await.map(|heard| (heard, true));
        }
        put.map_err(|mut failure| {
            let doubt = if self.reached { end_of(&part, count) } else { part.start };
            failure.holds = PortalHolds { held: part.start, doubt };
            tell_taken(failure, part.start, count)
        })
    }

    /// One envelope, by way of the first endpoint that can be reached.
    async fn ask(&mut self, items: Option<&[Item]>, updating: bool) -> Result<Heard<B>, Failure> {
        let endpoints = self.call.endpoints;
        let mut end = None;
        for index in self.connector.order(endpoints) {
            match self.ask_at(&endpoints[index], items, updating).await {
                Err(failure) if failure.kind == FailureKind::Unreachable => end = Some(failure),
                other => return other,
            }
        }
        Err(end.unwrap_or_else(|| self.failure(FailureKind::Unreachable, None)))
    }

    /// One envelope at one endpoint; again when the portal refuses the session.
    async fn ask_at(
        &mut self,
        endpoint: &Endpoint,
        items: Option<&[Item]>,
        updating: bool,
    ) -> Result<Heard<B>, Failure> {
        let mut renewals = 0;
        loop {
            let session = self.session(endpoint).await?;
            let unit = &self.call.access.unit;
            let shape = Shape { session: &session, unit, updating, items };
            let names = &self.call.access.names;
            let body = self.envelope.shape(&self.call.body, &shape, names);
            let mut reply = self.send(endpoint, body).await?;
            let held = reply.body.hold(HELD_BYTES_MAX, self.call.deadline).await;
            let (held, whole) = held.map_err(|kind| {
                self.reached = true;
                self.failure(kind, None)
            })?;
            // what goes on beyond this is content
            let answer =
                if whole { Answer::read(&held, &names.session) } else { Answer::default() };
            let refused = answer.refuses_session(reply.parts.status, self.call.access);
            if refused && renewals < PORTAL_RENEWALS_MAX {
                renewals += 1;
                let clock = self.connector.clock();
                self.portals.sessions.forget(&self.call, endpoint, &session, clock);
                continue;
            }
            self.reached = true;
            return Ok(Heard { reply, held, answer });
        }
    }

    async fn send(&mut self, endpoint: &Endpoint, body: Bytes) -> Result<Reply<B>, Failure> {
        let PortalCall { access, destination, operation, .. } = self.call;
        let again = request::is_asking(operation).then(|| B::from(body.clone()));
        let sending = Sending {
            endpoints: std::slice::from_ref(endpoint),
            tls: self.call.tls,
            head: request::head(self.call.headers.clone(), access, destination, body.len()),
            rest: &request::rest(request::path(access, operation), access, destination),
            body: B::from(body),
            again,
            deadline: self.call.deadline,
        };
        match self.connector.send(sending).await {
            Ok(reply) => {
                self.add(&reply.trace);
                Ok(reply)
            }
            Err(failure) => {
                self.add(&failure.trace);
                self.reached |= failure.reached;
                Err(self.failure(failure.kind, None))
            }
        }
    }

    /// The session to use; logs in, or waits for the call that does, when there is none.
    async fn session(&mut self, endpoint: &Endpoint) -> Result<Arc<str>, Failure> {
        self.trace.upstream = Some(endpoint.upstream.clone());
        let began = self.connector.clock().instant();
        let end = Instant::from_std(self.call.deadline.at());
        let outcome = match timeout_at(end, self.log_in(endpoint)).await {
            Ok(outcome) => outcome,
            Err(_) => return Err(self.failure(FailureKind::Timeout, Some(NOT_IN_TIME))),
        };
        outcome.map_err(|LoginFault { kind, attempts, cause, .. }| {
            self.trace.attempts += attempts;
            self.trace.upstream_us += micros(self.connector.clock().instant() - began);
            self.failure(kind, cause)
        })
    }

    async fn log_in(&self, endpoint: &Endpoint) -> Outcome {
        loop {
            let clock = self.connector.clock();
            let mut waiting = match self.portals.sessions.look(&self.call, endpoint, clock) {
                Look::Known(outcome) => return outcome,
                Look::Pause(until) => {
                    tokio::time::sleep_until(until.into()).await;
                    continue;
                }
                Look::Wait(waiting) => waiting,
                Look::LogIn(key, told) => {
                    let waiting = told.subscribe();
                    let login = self.login(endpoint);
                    let (connector, portals) = (self.connector.clone(), self.portals.clone());
                    // not part of this call: who waits for it must not lose it with this call
                    tokio::task::spawn_local(async move {
                        let outcome = login::log_in(&connector, login).await;
                        portals.sessions.settle(&key, &outcome, connector.clock());
                        let _ = told.send(Some(outcome));
                    });
                    waiting
                }
            };
            let told = waiting.wait_for(Option::is_some).await;
            if let Some(outcome) = told.ok().and_then(|told| told.clone()) {
                return outcome;
            }
        }
    }

    fn login(&self, endpoint: &Endpoint) -> Login {
        let own = self.call.credential.into_iter();
        Login {
            endpoint: endpoint.clone(),
            tls: self.call.tls.cloned(),
            access: self.call.access.clone(),
            destination: self.call.destination.map(Arc::from),
            headers: own.map(|(name, value)| (name.clone(), value.clone())).collect::<HeaderMap>(),
        }
    }

    fn add(&mut self, trace: &Trace) {
        self.trace.attempts += trace.attempts;
        self.trace.upstream_us += trace.upstream_us;
        if trace.forwarded_at.is_some() {
            self.trace.forwarded_at = trace.forwarded_at;
        }
    }

    fn failure(&self, kind: FailureKind, cause: Option<Sentence>) -> Failure {
        let reached = self.reached || self.reached_before;
        let (holds, trace) = (PortalHolds::default(), self.trace.clone());
        Failure { kind, reached, holds, trace, cause }
    }

    fn end(
        &self,
        heard: Heard<B>,
        resent: bool,
        parts: PortalParts,
        holds: PortalHolds,
    ) -> PortalReply<B> {
        let reply = Reply { trace: self.trace.clone(), ..heard.reply };
        PortalReply { reply, resent, parts, holds }
    }
}

impl<B: Body<Data = Bytes> + 'static> Heard<B> {
    /// What the portal holds of `count` records after this answer to a part of them; those before
    /// it were taken. One that exists was taken earlier, by a call whose answer was lost, say; of
    /// several of which one exists, the others may be unknown to it.
    fn holds(&self, part: Range<usize>, count: usize) -> PortalHolds {
        if self.answer.is_success() || self.answer.exists() && part.len() <= 1 {
            let end = end_of(&part, count);
            return PortalHolds { held: end, doubt: end };
        }
        // a redirect, or a refusal by HTTP, says that nothing was done
        let status = self.reply.parts.status;
        let says_no = status.is_redirection() || status.is_client_error();
        if self.answer.exists() || self.answer.is_mute() && !says_no {
            return PortalHolds { held: part.start, doubt: end_of(&part, count) };
        }
        PortalHolds { held: part.start, doubt: part.start }
    }

    /// Adds a sentence to the portal's message.
    fn remark(&mut self, remark: &str) {
        let Some(text) = self.answer.with_remark(&self.held, remark) else { return };
        let headers = &mut self.reply.parts.headers;
        headers.remove(TRANSFER_ENCODING);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
        self.reply.body.put_ahead(text.into());
    }
}

/// What is said when some of the records were taken and the rest was not.
fn taken_remark(taken: usize, count: usize) -> Sentence {
    let next = taken + 1;
    Sentence::made(
        format!("(Cổng đã nhận {taken}/{count} bản ghi đầu; gửi lại từ bản ghi thứ {next})"),
        format!("(The portal took the first {taken} of {count} records; send again from {next})"),
    )
}

fn tell_taken(mut failure: Failure, taken: usize, count: usize) -> Failure {
    if taken > 0 {
        let remark = taken_remark(taken, count);
        failure.cause = Some(match failure.cause {
            None => remark,
            Some(cause) => Sentence::made(
                format!("{} {}", cause.vi, remark.vi),
                format!("{} {}", cause.en, remark.en),
            ),
        });
    }
    failure
}

/// The end of a part, as [`PortalHolds`] counts.
fn end_of(part: &Range<usize>, count: usize) -> usize {
    if part.end == count { usize::MAX } else { part.end }
}

/// Parts of at most `size`, the last one first.
fn cut(whole: Range<usize>, size: usize) -> Vec<Range<usize>> {
    let end = whole.end;
    whole.step_by(size).map(|from| from..end.min(from + size)).rev().collect()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
