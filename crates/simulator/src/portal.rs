//! The National Public Service Portal as a one-stop system meets it: one login, one data path, all
//! 15 packets and their helper services, and real state behind them.
//!
//! `POST …/mapi/login` and `POST …/mapi/g` are found under any base path, so also behind
//! `/XrdAdapter/RestService/forward` and `/VXPAdapter/RestService/forward`. What it holds can be
//! seen and steered beside them, without a session; `GET /` is a page for people, and
//! `docs/manual/simulator.md` tells it all:
//!
//! | request | what it does |
//! |---|---|
//! | `GET /inspect/dossiers[/MaHoSo]` | all dossiers; one with record, states, progress, order |
//! | `GET /inspect/records[/PACKET]` | how many records of each packet; those of one, as sent |
//! | `GET /inspect/calls[/ID[/answer]]` | each call with its findings; one; the answer's bytes |
//! | `GET /inspect/received[/ID/raw]`, `/inspect/count` | the bytes received |
//! | `GET /inspect/verdict` | conformance of the sender so far |
//! | `GET /inspect/tables`, `PUT /inspect/tables/FILE` | what is expected; a further table file |
//! | `GET /inspect/figures?tu=…&den=…` | figures of Table 5, counted from the dossiers |
//! | `GET`, `PUT /inspect/trouble` | a [`Trouble`] as JSON, from now on |
//! | `GET`, `PUT /inspect/settings` | a [`Change`] as JSON |
//! | `GET`, `PUT /inspect/province` | a [`Province`] as JSON |
//! | `POST /inspect/province/delivery`, `…/file`, `…/statistics` | calls the province |
//! | `GET /inspect/province/calls` | the calls made to it |
//! | `DELETE /inspect/dossiers`, `received`, `sessions`, `calls`, `records` | forgets those |

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use terms::clock::Clock;
use tokio::net::TcpStream;

use crate::received::{Bound, Log, Received};
use crate::server::Server;
use crate::wire::{Answer, Connection, Request};

mod call;
mod check;
mod envelope;
mod figure;
mod inspect;
mod page;
mod province;
mod setting;
mod state;
mod synthetic;
mod table;
#[cfg(test)]
mod tests;
mod verdict;

pub use call::CallSeen;
use call::LOGIN;
use check::Findings;
pub use check::{Finding, Severity};
use envelope::Call;
pub use figure::{Case, Figures};
pub use province::{Delivery, File, Key, Made, Province, Question, Via};
pub use setting::{Change, Code, Codes, Demand, Paths, Settings, SuccessForm, Trouble};
use state::State;
pub use state::{Dossier, Event, Kept, StateSeen};
use verdict::Account;
pub use verdict::{Kind, ServiceSeen, Standing, StepSeen, Verdict};

/// Bytes kept of each answer.
const ANSWER_KEPT: usize = 64 * 1024;
/// Calls made to the province that are kept.
const MADE_MAX: usize = 200;

/// A running portal; dropping it stops it.
#[derive(Debug)]
pub struct Portal {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    server: Server,
}

#[derive(Debug)]
struct Shared {
    log: Log,
    paths: Paths,
    bound: Bound,
    clock: Clock,
    state: Mutex<State>,
    trouble: Mutex<Ordeal>,
    seen: Mutex<Seen>,
    province: Mutex<Province>,
    made: Mutex<VecDeque<Arc<Made>>>,
}

/// The calls so far.
#[derive(Debug, Default)]
struct Seen {
    calls: VecDeque<Arc<CallSeen>>,
    account: Account,
    /// Dossiers of calls that are still being answered, and by how many.
    in_flight: HashMap<String, u32>,
}

/// Trouble, and how many requests it could have hit.
#[derive(Debug, Default)]
struct Ordeal {
    trouble: Trouble,
    fitting: u64,
}

impl Ordeal {
    /// The trouble of this call, if it is hit; counts it down.
    fn next(&mut self, call: &CallSeen) -> Option<Trouble> {
        let trouble = &mut self.trouble;
        let service = trouble.service.as_ref().is_none_or(|service| *service == call.service);
        let named = |code: &String| call.dossiers.contains(code);
        if !service || !(trouble.dossiers.is_empty() || trouble.dossiers.iter().any(named)) {
            return None;
        }
        self.fitting += 1;
        if trouble.every.is_some_and(|every| every > 1 && !self.fitting.is_multiple_of(every)) {
            return None;
        }
        if let Some(left) = &mut trouble.requests {
            *left = left.checked_sub(1)?;
        }
        Some(trouble.clone()).filter(Trouble::does_harm)
    }
}

/// Starts a portal on the runtime of the caller. Fails when the address cannot be had, or a table
/// file cannot be read (`InvalidInput`, with file, line and column).
pub async fn start(settings: Settings) -> io::Result<Portal> {
    let address = settings.address;
    let (bound, clock, paths) = (settings.bound, settings.clock.clone(), settings.paths.clone());
    let province = settings.province.clone();
    let trouble = Ordeal { trouble: settings.trouble.clone(), fitting: 0 };
    let state = State::new(settings)
        .map_err(|sentence| io::Error::new(io::ErrorKind::InvalidInput, sentence))?;
    let shared = Arc::new(Shared {
        log: Log::new(bound, clock.clone(), inspect::takes),
        paths,
        bound,
        clock,
        state: Mutex::new(state),
        trouble: Mutex::new(trouble),
        seen: Mutex::default(),
        province: Mutex::new(province),
        made: Mutex::default(),
    });
    let each = shared.clone();
    let server =
        Server::start(address, move |stream, number| converse(stream, number, each.clone()))?;
    Ok(Portal { address: server.address, shared, server })
}

impl Portal {
    /// `http://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All dossiers, in the order of their codes.
    pub fn dossiers(&self) -> Vec<Dossier> {
        self.shared.state().dossiers().cloned().collect()
    }

    /// One dossier by its code (MaHoSo).
    pub fn dossier(&self, code: &str) -> Option<Dossier> {
        self.shared.state().dossier(code).cloned()
    }

    /// The records taken of a push packet, or of `DongBoTrangThaiHoSo`, in the order in which they
    /// came. Dossiers and progress are not among them.
    pub fn records(&self, packet: &str) -> Vec<Kept> {
        self.shared.state().records(packet).to_vec()
    }

    /// The figures of Table 5 from the day `from` to the day `until`, both `yyyyMMdd` and included,
    /// of the dossiers whose code begins with `unit` (all, when it is empty).
    pub fn figures(&self, from: &str, until: &str, unit: &str) -> Figures {
        self.shared.state().figures(from, until, unit)
    }

    /// The last requests to login and data path, oldest first.
    pub fn received(&self) -> Vec<Arc<Received>> {
        self.shared.log.list()
    }

    /// Requests to login and data path since the start or the last clearing.
    pub fn count(&self) -> u64 {
        self.shared.log.count()
    }

    /// The last calls as understood, oldest first.
    pub fn calls(&self) -> Vec<Arc<CallSeen>> {
        self.shared.seen().calls.iter().cloned().collect()
    }

    /// What the calls so far add up to.
    pub fn verdict(&self) -> Verdict {
        self.shared.verdict()
    }

    /// Makes trouble from now on; [`Trouble::default`] ends it.
    pub fn trouble(&self, trouble: Trouble) {
        self.shared.set_trouble(trouble);
    }

    /// Changes settings from now on.
    pub fn change(&self, change: Change) {
        self.shared.state().change(change);
    }

    /// Reads a further table file. Fails with a sentence that names file, line and column.
    pub fn read_table(&self, name: &str, text: &str) -> Result<(), String> {
        self.shared.state().tables.read(name, text)
    }

    /// Ends all sessions.
    pub fn end_sessions(&self) {
        self.shared.state().end_sessions();
    }

    /// Where the province is to be called from now on.
    pub fn set_province(&self, province: Province) {
        *self.shared.province() = province;
    }

    /// Delivers to the province's inbound listener.
    pub async fn deliver(&self, delivery: &Delivery) -> Arc<Made> {
        self.shared.deliver(delivery).await
    }

    /// Fetches a file from the province's inbound listener, as the portal does with the paths it
    /// was sent.
    pub async fn fetch(&self, file: &File) -> Arc<Made> {
        self.shared.fetch(file).await
    }

    /// Asks the province for statistics with the portal's own key (QCV-05).
    pub async fn ask_statistics(&self, question: &Question) -> Arc<Made> {
        self.shared.ask_statistics(question).await
    }

    /// Stops listening and drops all connections.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn trouble(&self) -> MutexGuard<'_, Ordeal> {
        lock(&self.trouble)
    }

    fn set_trouble(&self, trouble: Trouble) {
        *self.trouble() = Ordeal { trouble, fitting: 0 };
    }

    /// A call by its id as text.
    fn call(&self, id: &str) -> Option<Arc<CallSeen>> {
        let id: u64 = id.parse().ok()?;
        self.seen().calls.iter().find(|call| call.id == id).cloned()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }

    fn province(&self) -> MutexGuard<'_, Province> {
        lock(&self.province)
    }

    fn verdict(&self) -> Verdict {
        let seen = self.seen();
        seen.account.verdict(&self.state().tables)
    }

    /// A call begins; tells whether another of one of its dossiers is still being answered.
    fn begin(&self, dossiers: &[String]) -> bool {
        let mut seen = self.seen();
        let mut overlapping = false;
        for code in dossiers {
            let calls = seen.in_flight.entry(code.clone()).or_default();
            overlapping |= *calls > 0;
            *calls += 1;
        }
        overlapping
    }

    fn end(&self, dossiers: &[String]) {
        let mut seen = self.seen();
        for code in dossiers {
            if let Some(calls) = seen.in_flight.get_mut(code) {
                *calls -= 1;
                if *calls == 0 {
                    seen.in_flight.remove(code);
                }
            }
        }
    }

    /// Keeps a call. What was answered by trouble instead of by the portal (`None`) says nothing of
    /// the sender.
    fn note(&self, call: CallSeen, turned: Option<(bool, bool)>) {
        let mut seen = self.seen();
        if let Some((exists, session)) = turned {
            seen.account.add(&call, exists, session);
        }
        while seen.calls.len() >= self.bound.requests.max(1) {
            seen.calls.pop_front();
        }
        seen.calls.push_back(Arc::new(call));
    }

    fn forget_calls(&self) {
        let mut seen = self.seen();
        seen.calls.clear();
        seen.account = Account::default();
    }

    async fn deliver(&self, delivery: &Delivery) -> Arc<Made> {
        let province = self.province().clone();
        self.keep(province.deliver(&self.clock, delivery).await)
    }

    async fn fetch(&self, file: &File) -> Arc<Made> {
        let province = self.province().clone();
        self.keep(province.fetch(&self.clock, file).await)
    }

    async fn ask_statistics(&self, question: &Question) -> Arc<Made> {
        let province = self.province().clone();
        self.keep(province.ask(&self.clock, question).await)
    }

    fn keep(&self, made: Made) -> Arc<Made> {
        let made = Arc::new(made);
        let mut kept = lock(&self.made);
        while kept.len() >= MADE_MAX {
            kept.pop_front();
        }
        kept.push_back(made.clone());
        made
    }
}

async fn converse(stream: TcpStream, number: u64, shared: Arc<Shared>) {
    let mut connection = Connection::new(stream, number);
    while let Some(request) = connection.next(&shared.log).await {
        let (keep, head_only) = (request.keeps_alive(), request.method == "HEAD");
        if inspect::takes(&request) {
            let answer = inspect::answer(&request, &shared).await;
            if connection.send(&answer.encode(keep, head_only)).await.is_err() {
                return;
            }
        } else {
            let served = serve(&request, &shared).await;
            let bytes = served.answer.encode(keep, head_only);
            let whole = served.cut_after.is_none();
            let end = served.cut_after.map_or(bytes.len(), |cut| bytes.len().min(cut));
            let sent = connection.send(&bytes[..end]).await;
            shared.end(&served.dossiers);
            if sent.is_err() || !whole {
                return;
            }
        }
        if !keep {
            return;
        }
    }
}

/// What login and data path answer.
struct Served {
    answer: Answer,
    /// Break off after so many bytes of it, head included.
    cut_after: Option<usize>,
    /// The dossiers that are in flight until it is sent.
    dossiers: Vec<String>,
}

/// What a request asks; a call whose body is no JSON object is `None`.
enum Asked {
    Login,
    Call(Option<Call>),
}

async fn serve(request: &Request, shared: &Shared) -> Served {
    let whole = |answer| Served { answer, cut_after: None, dossiers: Vec::new() };
    let path = request.path().trim_end_matches('/');
    let login = path.ends_with(&shared.paths.login);
    if !login && !path.ends_with(&shared.paths.data) && !path.ends_with(&shared.paths.share) {
        let Paths { login, data, .. } = &shared.paths;
        return whole(Answer::text(404, format!("POST {login}, POST {data}; GET /\n")));
    }
    if request.method != "POST" {
        return whole(Answer::text(405, "POST only\n").header("Allow", "POST"));
    }
    let mut seen = CallSeen::of(request, shared.clock.now());
    let asked = if login { Asked::Login } else { Asked::Call(Call::read(&request.body)) };
    match &asked {
        Asked::Login => LOGIN.clone_into(&mut seen.service),
        Asked::Call(Some(call)) => seen.describe(call),
        Asked::Call(None) => {}
    }
    seen.overlapping = shared.begin(&seen.dossiers);
    let dossiers = seen.dossiers.clone();
    let trouble = shared.trouble().next(&seen);
    let (answer, delay) = decide(request, shared, asked, seen, trouble.as_ref());
    tokio::time::sleep(delay).await;
    let cut_after = trouble.and_then(|trouble| trouble.cut(&answer));
    Served { answer, cut_after, dossiers }
}

/// Does what is asked, notes the call, and tells the answer and how long to wait before it.
fn decide(
    request: &Request,
    shared: &Shared,
    asked: Asked,
    mut seen: CallSeen,
    trouble: Option<&Trouble>,
) -> (Answer, Duration) {
    let mut findings = Findings::default();
    seen.check_head(request, &mut findings);
    seen.findings = findings.list;
    seen.errors = findings.errors;
    seen.troubled = trouble.is_some();
    let instead = trouble.and_then(Trouble::instead);
    let mut turned = None;
    let mut answer = if let Some(answer) = instead {
        answer
    } else {
        let mut state = shared.state();
        let taken = match asked {
            Asked::Login => state.log_in(&request.body, &mut seen),
            Asked::Call(call) => state.take(call, &mut seen),
        };
        turned = Some((taken.exists, taken.session));
        Answer::json(taken.status, taken.answer)
    };
    if let Some(body) = trouble.and_then(|trouble| trouble.body.as_ref()) {
        answer.body = body.clone().into_bytes();
    }
    seen.status = trouble.is_none_or(|trouble| !trouble.drop_answer).then_some(answer.status);
    let kept = answer.body.len().min(ANSWER_KEPT);
    seen.answer = Bytes::copy_from_slice(&answer.body[..kept]);
    shared.note(seen, turned);
    let delay = trouble.map_or(0, |trouble| trouble.delay_ms);
    (answer, Duration::from_millis(delay))
}
