//! The National Public Service Portal as a one-stop system meets it: one login, one data path, and
//! real state behind them.
//!
//! `POST …/mapi/login` and `POST …/mapi/g` are found under any base path. What it holds can be
//! seen and steered beside them, without a session:
//!
//! | request | what it does |
//! |---|---|
//! | `GET /inspect/dossiers` | all dossiers, one line of facts each |
//! | `GET /inspect/dossiers/MaHoSo` | one dossier: record, states, progress, how often received |
//! | `DELETE /inspect/dossiers` | forgets them |
//! | `GET /inspect/received`, `/inspect/received/ID/raw`, `/inspect/count` | the bytes received |
//! | `DELETE /inspect/received` | forgets those |
//! | `PUT /inspect/trouble` | a [`Trouble`] as JSON, from now on |
//! | `DELETE /inspect/sessions` | ends all sessions |

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use terms::clock::Clock;
use terms::random::Random;
use tokio::net::TcpStream;

use crate::received::{Bound, Log, Received};
use crate::server::Server;
use crate::wire::{Answer, Connection, Request};

mod envelope;
mod inspect;
mod state;
#[cfg(test)]
mod tests;

use state::State;
pub use state::{Dossier, StateSeen};

/// In which of the forms seen in the wild a success is written as `error_code`. Refusals are
/// always text (`"3"`, `"-1"`), as in the public samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SuccessForm {
    /// `0`
    #[default]
    Number,
    /// `"0"`
    Text,
    /// `"00"`
    Padded,
}

/// Trouble on demand, for the login and the data path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trouble {
    /// Every answer waits this long, in milliseconds; what was sent takes effect before.
    pub delay_ms: u64,
    /// Answer with this HTTP status instead of doing anything.
    pub status: Option<u16>,
    /// Do what is asked, but break the connection instead of answering: the sender cannot know.
    pub drop_answer: bool,
    /// The trouble ends by itself after so many requests; absent, it stays.
    pub requests: Option<u64>,
}

/// How a portal is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 picks one.
    pub address: SocketAddr,
    /// Accounts that may log in: user name and password.
    pub accounts: Vec<(String, String)>,
    /// A session ends this long after its login. A new login does not end earlier sessions.
    pub session_lifetime: Duration,
    /// How success is written.
    pub success: SuccessForm,
    /// Trouble from the start.
    pub trouble: Trouble,
    /// How much of what it received is kept.
    pub bound: Bound,
    /// Sessions end by this clock.
    pub clock: Clock,
    /// Session ids come from here.
    pub random: Random,
}

impl Default for Settings {
    /// The account is that of fixture 01.
    fn default() -> Settings {
        let account = ("000.00.00.H99", "synthetic-not-a-secret");
        Settings {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            accounts: vec![(account.0.to_owned(), account.1.to_owned())],
            session_lifetime: Duration::from_secs(30 * 60),
            success: SuccessForm::default(),
            trouble: Trouble::default(),
            bound: Bound::default(),
            clock: Clock::system(),
            random: Random::system(),
        }
    }
}

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
    state: Mutex<State>,
    trouble: Mutex<Trouble>,
}

/// Starts a portal on the runtime of the caller. Fails when the address cannot be had.
pub async fn start(settings: Settings) -> io::Result<Portal> {
    let address = settings.address;
    let shared = Arc::new(Shared {
        log: Log::new(settings.bound, settings.clock.clone(), Some(inspect::PREFIX)),
        trouble: Mutex::new(settings.trouble.clone()),
        state: Mutex::new(State::new(settings)),
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

    /// The last requests to login and data path, oldest first.
    pub fn received(&self) -> Vec<Arc<Received>> {
        self.shared.log.list()
    }

    /// Requests to login and data path since the start or the last clearing.
    pub fn count(&self) -> u64 {
        self.shared.log.count()
    }

    /// Makes trouble from now on; [`Trouble::default`] ends it.
    pub fn trouble(&self, trouble: Trouble) {
        *self.shared.trouble() = trouble;
    }

    /// Stops listening and drops all connections.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trouble of the next request; counts it down.
    fn next_trouble(&self) -> Trouble {
        let mut trouble = self.trouble();
        match trouble.requests {
            None => trouble.clone(),
            Some(0) => Trouble::default(),
            Some(left) => {
                trouble.requests = Some(left - 1);
                trouble.clone()
            }
        }
    }
}

async fn converse(stream: TcpStream, number: u64, shared: Arc<Shared>) {
    let mut connection = Connection::new(stream, number);
    while let Some(request) = connection.next(&shared.log).await {
        let answer = if request.target.starts_with(inspect::PREFIX) {
            Some(inspect::answer(&request, &shared))
        } else {
            answer(&request, &shared).await
        };
        let Some(answer) = answer else { return };
        let bytes = answer.encode(request.keeps_alive(), request.method == "HEAD");
        if connection.send(&bytes).await.is_err() || !request.keeps_alive() {
            return;
        }
    }
}

/// What login and data path answer; `None` breaks the connection.
async fn answer(request: &Request, shared: &Shared) -> Option<Answer> {
    let trouble = shared.next_trouble();
    let answer = match trouble.status {
        Some(status) => Answer::json(status, r#"{"message":"Cổng đang gặp sự cố"}"#),
        None => served(request, shared),
    };
    tokio::time::sleep(Duration::from_millis(trouble.delay_ms)).await;
    (!trouble.drop_answer).then_some(answer)
}

fn served(request: &Request, shared: &Shared) -> Answer {
    let path = request.path().trim_end_matches('/');
    let login = path.ends_with("/mapi/login");
    if !login && !path.ends_with("/mapi/g") {
        return Answer::text(404, "POST /mapi/login, POST /mapi/g\n");
    }
    if request.method != "POST" {
        return Answer::text(405, "POST only\n").header("Allow", "POST");
    }
    let mut state = shared.state();
    let reply = if login { state.log_in(&request.body) } else { state.take(&request.body) };
    // The real portal answers its own refusals with 200 too.
    Answer::json(200, reply)
}
