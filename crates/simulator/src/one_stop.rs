//! A one-stop system as a source of statistics (QCV-05): it holds dossiers and counts them for any
//! period it is asked for.
//!
//! `GET …?tu=…&den=…[&donvi=…]` at any path answers
//! `{"error_code":0,"message":…,"result":{…}}` with the figures of Table 5 as text. `tu` and `den`
//! are `YYYY-MM-DD` or `yyyyMMdd`, both included; `donvi` is the beginning of the dossiers' codes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use terms::clock::{Clock, Timestamp};
use terms::random::Random;
use tokio::net::TcpStream;

use crate::portal::{Case, Figures, Trouble};
use crate::received::{Bound, Log, Received};
use crate::server::Server;
use crate::wire::{Answer, Connection, Request};

#[cfg(test)]
mod tests;

/// A dossier as far as statistics need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// MaHoSo.
    pub code: String,
    /// Its dates.
    pub case: Case,
}

/// How a one-stop system is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 picks one.
    pub address: SocketAddr,
    /// The dossiers it holds.
    pub holdings: Vec<Holding>,
    /// How much of what it received is kept.
    pub bound: Bound,
    /// Stamps what was received.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            holdings: Vec::new(),
            bound: Bound::default(),
            clock: Clock::system(),
        }
    }
}

/// A running one-stop system; dropping it stops it.
#[derive(Debug)]
pub struct OneStop {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    server: Server,
}

#[derive(Debug)]
struct Shared {
    log: Log,
    holdings: Mutex<Vec<Holding>>,
    trouble: Mutex<Trouble>,
}

/// Starts a one-stop system on the runtime of the caller. Fails when the address cannot be had.
pub async fn start(settings: Settings) -> io::Result<OneStop> {
    let shared = Arc::new(Shared {
        log: Log::new(settings.bound, settings.clock, |_| false),
        holdings: Mutex::new(settings.holdings),
        trouble: Mutex::default(),
    });
    let each = shared.clone();
    let server = Server::start(settings.address, move |stream, number| {
        converse(stream, number, each.clone())
    })?;
    Ok(OneStop { address: server.address, shared, server })
}

impl OneStop {
    /// `http://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Holds these dossiers and no others from now on.
    pub fn hold(&self, holdings: Vec<Holding>) {
        *lock(&self.shared.holdings) = holdings;
    }

    /// The figures of the days from `from` to `until` (`yyyyMMdd`) that it would answer.
    pub fn figures(&self, from: &str, until: &str, unit: &str) -> Figures {
        figures(&lock(&self.shared.holdings), from, until, unit)
    }

    /// Makes trouble from now on; service, dossiers, every and requests are not looked at.
    pub fn trouble(&self, trouble: Trouble) {
        *lock(&self.shared.trouble) = trouble;
    }

    /// The last requests, oldest first.
    pub fn received(&self) -> Vec<Arc<Received>> {
        self.shared.log.list()
    }

    /// Stops listening and drops all connections.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts `holdings` whose code begins with `unit`, from the day `from` to the day `until`, both
/// `yyyyMMdd` and included.
pub fn figures(holdings: &[Holding], from: &str, until: &str, unit: &str) -> Figures {
    let mut figures = Figures::default();
    for holding in holdings.iter().filter(|holding| holding.code.starts_with(unit)) {
        figures.count(&holding.case, from, until);
    }
    figures
}

/// `count` made-up dossiers of 2023 to 2025, the same for the same `seed`: some late, some open.
pub fn synthetic(seed: u64, count: usize) -> Vec<Holding> {
    // 2023-01-01, in days since the Unix epoch.
    const FIRST: i64 = 19_358;
    let random = Random::seeded(seed);
    let number = |below: u64| {
        let drawn = u64::from_be_bytes(random.bytes()) % below;
        i64::try_from(drawn).unwrap_or_default()
    };
    let made = (0..count).map(|at| {
        let accepted = FIRST + number(3 * 365);
        let promised = accepted + 3 + number(20);
        let finished = accepted + number(30);
        let is_open = number(100) < 15;
        let unit = 1 + number(9);
        let day = day(accepted);
        Holding {
            code: format!("000.00.0{unit}.H99-{}-{at:05}", &day[2..]),
            case: Case {
                accepted: format!("{day}080000"),
                promised: format!("{}170000", self::day(promised)),
                finished: if is_open {
                    String::new()
                } else {
                    format!("{}160000", self::day(finished))
                },
            },
        }
    });
    made.collect()
}

/// `yyyyMMdd` of a day since the Unix epoch.
fn day(days: i64) -> String {
    Timestamp::from_secs(days * 86_400)
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .take(8)
        .collect()
}

async fn converse(stream: TcpStream, number: u64, shared: Arc<Shared>) {
    let mut connection = Connection::new(stream, number);
    while let Some(request) = connection.next(&shared.log).await {
        let trouble = lock(&shared.trouble).clone();
        let mut answer = trouble.instead().unwrap_or_else(|| answer(&request, &shared));
        if let Some(body) = &trouble.body {
            answer.body = body.clone().into_bytes();
        }
        tokio::time::sleep(Duration::from_millis(trouble.delay_ms)).await;
        let keep = request.keeps_alive();
        let bytes = answer.encode(keep, request.method == "HEAD");
        let cut = trouble.cut(&answer);
        let sent = connection.send(&bytes[..cut.unwrap_or(bytes.len()).min(bytes.len())]).await;
        if sent.is_err() || !keep || cut.is_some() {
            return;
        }
    }
}

fn answer(request: &Request, shared: &Shared) -> Answer {
    let day = |name| {
        let day = request.parameter(name).unwrap_or_default().replace('-', "");
        Some(day).filter(|day| day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let told = match (day("tu"), day("den")) {
        (Some(from), Some(until)) => {
            let unit = request.parameter("donvi").unwrap_or_default();
            let figures = figures(&lock(&shared.holdings), &from, &until, &unit);
            json!({ "error_code": 0, "message": "Thành công", "result": figures })
        }
        _ => json!({ "error_code": -1, "message": "tu, den: YYYY-MM-DD hoặc yyyyMMdd" }),
    };
    Answer::json(200, told.to_string())
}
