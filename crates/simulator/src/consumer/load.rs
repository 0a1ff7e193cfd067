//! Load against a gateway, as fast as it goes or at a fixed rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use terms::clock::Clock;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Call, Failure, Reply, Report, Target, converse, token};

/// Consumer key and secret.
#[derive(Clone)]
pub struct Account {
    /// The public half.
    pub consumer_key: String,
    /// The secret half; never printed.
    pub secret_key: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.consumer_key)
    }
}

/// One kind of call in the mix; the kinds take turns.
#[derive(Clone, Debug)]
pub struct Shot {
    /// Method.
    pub method: Method,
    /// Path and query under the base.
    pub path: String,
    /// Content type; only sent with a body.
    pub content_type: String,
    /// Body; empty for none.
    pub body: Bytes,
}

impl Shot {
    /// A GET.
    pub fn get(path: impl Into<String>) -> Shot {
        Shot {
            method: Method::GET,
            path: path.into(),
            content_type: String::new(),
            body: Bytes::new(),
        }
    }

    /// A POST of JSON.
    pub fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Shot {
        Shot {
            method: Method::POST,
            path: path.into(),
            content_type: "application/json".to_owned(),
            body: body.into(),
        }
    }
}

/// When calls are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each connection sends its next call when the last is answered.
    Closed,
    /// So many calls a second over all connections, whatever the answers do. A call that found all
    /// connections busy is timed from when it was due; one that was sent on time, from its
    /// sending, so that the timer's own grain does not count.
    Open {
        /// Calls a second; above zero.
        per_second: f64,
    },
}

/// A run of load. It ends at `calls` or `duration`, whichever comes first.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `http://HOST:PORT`, without a slash at the end.
    pub base: String,
    /// Path of the token endpoint.
    pub token_path: String,
    /// Fetches tokens with these and renews them in time; goes before `token`.
    pub account: Option<Account>,
    /// A ready token; with neither, calls go without.
    pub token: Option<String>,
    /// The mix; at least one.
    pub shots: Vec<Shot>,
    /// Keep-alive connections, each with one call at a time.
    pub connections: usize,
    /// When calls are sent.
    pub pace: Pace,
    /// Calls at the most.
    pub calls: Option<u64>,
    /// Calls begin within this time; those begun are awaited.
    pub duration: Duration,
    /// A call takes at most this long.
    pub timeout: Duration,
    /// Keep the id of every exchange.
    pub exchanges: bool,
    /// Measures.
    pub clock: Clock,
}

impl Settings {
    /// Ten seconds of `shots` against `base` on 16 connections, closed loop, without a token.
    pub fn new(base: impl Into<String>, shots: Vec<Shot>) -> Settings {
        Settings {
            base: base.into(),
            token_path: "/token".to_owned(),
            account: None,
            token: None,
            shots,
            connections: 16,
            pace: Pace::Closed,
            calls: None,
            duration: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            exchanges: false,
            clock: Clock::system(),
        }
    }
}

/// A token is renewed when a tenth of its life is left.
const RENEW_PART: u32 = 10;
/// After a failed connection a worker waits this long: a dead gateway is not to be hammered.
const CONNECT_PAUSE: Duration = Duration::from_millis(10);

/// What the workers of one run share.
struct Run {
    settings: Settings,
    targets: Vec<Target>,
    began: Instant,
    /// Number of the next call.
    next: AtomicU64,
    /// The token in use and when it is to be renewed.
    held: Mutex<Option<(String, Instant)>>,
}

/// Makes the load and reports. Fails only when it cannot begin: no usable URL, no token.
pub async fn run(settings: Settings) -> Result<Report, Failure> {
    let urls = settings.shots.iter().map(|shot| format!("{}{}", settings.base, shot.path));
    let targets = urls.map(|url| Target::of(&url)).collect::<Result<Vec<_>, _>>()?;
    if targets.is_empty() {
        return Err(Failure::Url);
    }
    // The first token before the clock starts: a wrong key ends the run, not each call.
    let held = match &settings.account {
        Some(account) => Some(fetch(&settings, account).await?),
        None => None,
    };
    let run = Arc::new(Run {
        targets,
        began: Instant::from_std(settings.clock.instant()),
        next: AtomicU64::new(0),
        held: Mutex::new(held),
        settings,
    });
    let mut workers = JoinSet::new();
    for _ in 0..run.settings.connections.max(1) {
        workers.spawn(work(run.clone()));
    }
    let mut report = Report::default();
    while let Some(part) = workers.join_next().await {
        // A worker that panicked leaves its calls out; the count of calls tells.
        report.merge(part.unwrap_or_default());
    }
    report.finish(run.now().duration_since(run.began));
    Ok(report)
}

/// A token and when it is to be renewed.
async fn fetch(settings: &Settings, account: &Account) -> Result<(String, Instant), Failure> {
    let url = format!("{}{}", settings.base, settings.token_path);
    let token = token(&url, account).await?;
    let life = token.lifetime - token.lifetime / RENEW_PART;
    Ok((token.text, Instant::from_std(settings.clock.instant()) + life))
}

impl Run {
    fn now(&self) -> Instant {
        Instant::from_std(self.settings.clock.instant())
    }

    /// The number of the next call and when it is due; `None` when the run is over.
    fn take(&self) -> Option<(u64, Instant)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if self.settings.calls.is_some_and(|calls| number >= calls) {
            return None;
        }
        let after = match self.settings.pace {
            Pace::Closed => self.now().duration_since(self.began),
            Pace::Open { per_second } => due_after(number, per_second),
        };
        (after < self.settings.duration).then(|| (number, self.began + after))
    }

    async fn token(&self) -> Result<Option<String>, Failure> {
        let Some(account) = &self.settings.account else {
            return Ok(self.settings.token.clone());
        };
        let mut held = self.held.lock().await;
        if let Some((token, _)) = held.as_ref().filter(|(_, renew_at)| self.now() < *renew_at) {
            return Ok(Some(token.clone()));
        }
        let fresh = fetch(&self.settings, account).await?;
        let token = fresh.0.clone();
        *held = Some(fresh);
        Ok(Some(token))
    }

    /// A token was refused: it is fetched anew, unless another worker has done so.
    async fn forget(&self, refused: &str) {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|(token, _)| token == refused) {
            *held = None;
        }
    }
}

/// A rate that is no rate is due never.
pub(super) fn due_after(number: u64, per_second: f64) -> Duration {
    Duration::try_from_secs_f64(number as f64 / per_second).unwrap_or(Duration::MAX)
}

/// A connection with the host it leads to.
type Line = SendRequest<Full<Bytes>>;

async fn work(run: Arc<Run>) -> Report {
    let mut report = Report::default();
    let mut line = None;
    while let Some((number, due)) = run.take() {
        let mut from = due;
        if run.now() < due {
            sleep_until(due).await;
            from = run.now();
        }
        let outcome = shoot(&run, number, &mut line).await;
        let took = run.now().duration_since(from);
        report.add(&outcome, took, run.settings.exchanges);
        if matches!(outcome, Err(Failure::Connect(_))) {
            tokio::time::sleep(CONNECT_PAUSE).await;
        }
    }
    report
}

/// One call on the worker's connection, which is opened when there is none and dropped after
/// anything but a whole answer. Never sent twice: the journal is to hold as many rows as calls.
async fn shoot(run: &Run, number: u64, line: &mut Option<Line>) -> Result<Reply, Failure> {
    let at = usize::try_from(number).unwrap_or(0) % run.targets.len();
    let (shot, target) = (&run.settings.shots[at], &run.targets[at]);
    let token = run.token().await?;
    let mut call = Call::get(String::new());
    call.method = shot.method.clone();
    call.body = shot.body.clone();
    if !shot.body.is_empty() {
        call = call.header("content-type", &shot.content_type);
    }
    if let Some(token) = &token {
        call = call.bearer(token);
    }
    let deadline = run.now() + run.settings.timeout;
    let mut open = match line.take().filter(|line| !line.is_closed()) {
        Some(line) => line,
        None => timeout_at(deadline, target.connect()).await.unwrap_or(Err(Failure::Timeout))?,
    };
    let reply = converse(&mut open, target, &call, deadline).await?;
    if reply.cut.is_none() {
        *line = Some(open);
    }
    if let (StatusCode::UNAUTHORIZED, Some(token)) = (reply.status, &token) {
        run.forget(token).await;
    }
    Ok(reply)
}
