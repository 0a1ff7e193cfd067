//! A provider that behaves as its path asks: well, slowly, or against HTTP; it keeps what it got.
//!
//! | path | what is done |
//! |---|---|
//! | `/tra-cuu?maThua=N` | a synthetic land parcel, JSON, UTF-8 |
//! | `/echo` | the request's own body and content type |
//! | `/headers` | the request's line and headers as JSON |
//! | `/size/N`, `/chunked/N` | N bytes with a Content-Length, or chunked |
//! | `/delay/MS` | 200 after MS milliseconds |
//! | `/drip/MS[/N[/FIRST]]` | head and FIRST bytes at once, then N bytes, one every MS |
//! | `/drip-head/MS` | the whole answer, head included, one byte every MS |
//! | `/hang` | never answers |
//! | `/never-closes[/N]` | head, N bytes of the 2N + 1 promised, then silence |
//! | `/reset`, `/reset-midway/N` | reset before the head; after N bytes of the 2N + 1 promised |
//! | `/status/CODE` | that status |
//! | `/broken/KIND` | one of [`KINDS`], then closes |
//! | `/close-after` | answers, then closes without having said so: a stale pooled connection |
//! | `/redirect[?to=URL]` | 302, by default to `/tra-cuu?maThua=1` of the same host |
//!
//! A base path before these does no harm. Anything else is 404.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use terms::clock::Clock;
use tokio::net::TcpStream;

use crate::control;
use crate::received::{Bound, Log, Received};
use crate::server::Server;
use crate::wire::{Answer, Connection, Request, status_line};

mod behaviour;
mod broken;
mod land;
#[cfg(test)]
mod tests;

use behaviour::Behaviour;
pub use broken::KINDS;

/// How a provider is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 picks one.
    pub address: SocketAddr,
    /// Where it can be asked what it received; port 0 picks one.
    pub control: SocketAddr,
    /// How much of what it received is kept.
    pub bound: Bound,
    /// Stamps what was received.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            control: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            bound: Bound::default(),
            clock: Clock::system(),
        }
    }
}

/// A running provider; dropping it stops it.
///
/// Its control address answers `GET /received` (JSON), `GET /received/ID/raw` (the bytes),
/// `DELETE /received` and `GET /count`.
#[derive(Debug)]
pub struct Provider {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it can be asked what it received.
    pub control: SocketAddr,
    log: Arc<Log>,
    servers: [Server; 2],
}

/// Starts a provider on the runtime of the caller. Fails when an address cannot be had.
pub async fn start(settings: Settings) -> io::Result<Provider> {
    let log = Arc::new(Log::new(settings.bound, settings.clock, |_| false));
    let shared = log.clone();
    let data = Server::start(settings.address, move |stream, number| {
        converse(stream, number, shared.clone())
    })?;
    let shared = log.clone();
    let control = Server::start(settings.control, move |stream, number| {
        control::converse(stream, number, shared.clone())
    })?;
    Ok(Provider { address: data.address, control: control.address, log, servers: [data, control] })
}

impl Provider {
    /// `http://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The last requests, oldest first.
    pub fn received(&self) -> Vec<Arc<Received>> {
        self.log.list()
    }

    /// Requests whose head was read, since the start or the last [`Provider::clear`].
    pub fn count(&self) -> u64 {
        self.log.count()
    }

    /// Forgets what was received.
    pub fn clear(&self) {
        self.log.clear();
    }

    /// Stops listening and drops all connections.
    pub async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

/// Between the last byte of a part and the reset.
const RESET_PAUSE: Duration = Duration::from_millis(20);

/// What follows an answer.
enum Next {
    Keep,
    Close,
    Reset,
}

async fn converse(stream: TcpStream, number: u64, log: Arc<Log>) {
    let mut connection = Connection::new(stream, number);
    while let Some(request) = connection.next(&log).await {
        match answer(&mut connection, &request).await {
            Ok(Next::Keep) if request.keeps_alive() => {}
            Ok(Next::Keep | Next::Close) | Err(_) => return,
            Ok(Next::Reset) => {
                // If the option cannot be set the connection closes in order: nothing to do.
                let _ = connection.reset();
                return;
            }
        }
    }
}

async fn answer(connection: &mut Connection, request: &Request) -> io::Result<Next> {
    match Behaviour::of(request.path()) {
        Behaviour::Hang => {
            connection.hang().await;
            Ok(Next::Close)
        }
        Behaviour::Reset => Ok(Next::Reset),
        Behaviour::Size { bytes } => send_size(connection, request, bytes).await,
        Behaviour::Chunked { bytes } => send_chunks(connection, request, bytes).await,
        Behaviour::NeverCloses { bytes } => {
            send_part(connection, bytes).await?;
            connection.hang().await;
            Ok(Next::Close)
        }
        Behaviour::ResetMidway { bytes } => {
            send_part(connection, bytes).await?;
            // A reset throws away what the kernel has not yet handed over.
            tokio::time::sleep(RESET_PAUSE).await;
            Ok(Next::Reset)
        }
        Behaviour::Drip { pause_millis, bytes, first_bytes } => {
            let head = head_of(first_bytes.saturating_add(bytes), request.keeps_alive());
            connection.send(head.as_bytes()).await?;
            send_filler(connection, 0, first_bytes).await?;
            let rest = (0..bytes).map(|at| letter(first_bytes.wrapping_add(at)));
            drip(connection, rest, pause_millis).await?;
            Ok(Next::Keep)
        }
        Behaviour::DripHead { pause_millis } => {
            let whole = Answer::text(200, "ok\n").encode(request.keeps_alive(), false);
            drip(connection, whole.into_iter(), pause_millis).await?;
            Ok(Next::Keep)
        }
        Behaviour::Broken { kind } => match broken::bytes(&kind) {
            Some(bytes) => {
                connection.send(&bytes).await?;
                Ok(Next::Close)
            }
            None => send(connection, request, &unknown()).await,
        },
        Behaviour::CloseAfter => {
            connection.send(&Answer::text(200, "ok\n").encode(true, false)).await?;
            Ok(Next::Close)
        }
        Behaviour::Delay { millis } => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            send(connection, request, &Answer::text(200, "ok\n")).await
        }
        plain => send(connection, request, &plain_answer(&plain, request)).await,
    }
}

/// The behaviours that are one ordinary answer.
fn plain_answer(behaviour: &Behaviour, request: &Request) -> Answer {
    match behaviour {
        Behaviour::Welcome => Answer::text(200, "lgsp simulator: provider\n"),
        Behaviour::LandParcel => land::look_up(request),
        Behaviour::Echo => {
            let content_type = request.header("content-type");
            let content_type = content_type.unwrap_or("application/octet-stream");
            Answer::new(200, content_type, request.body.to_vec())
        }
        Behaviour::Headers => {
            let seen = serde_json::json!({
                "method": request.method,
                "target": request.target,
                "headers": request.headers,
            });
            Answer::json(200, seen.to_string())
        }
        Behaviour::Status { code } => {
            let body = serde_json::json!({ "status": code });
            Answer::json(*code, body.to_string())
        }
        Behaviour::Redirect => {
            let host = request.header("host").unwrap_or("127.0.0.1");
            let near = || format!("http://{host}/tra-cuu?maThua=1");
            let target = request.parameter("to").unwrap_or_else(near);
            // A line end in the parameter would write a header of its own.
            let target = target.replace(['\r', '\n'], "");
            Answer::text(302, "").header("Location", target)
        }
        _ => unknown(),
    }
}

fn unknown() -> Answer {
    Answer::text(404, "no such path; see the documentation of simulator::provider\n")
}

async fn send(connection: &mut Connection, request: &Request, answer: &Answer) -> io::Result<Next> {
    let bytes = answer.encode(request.keeps_alive(), request.method == "HEAD");
    connection.send(&bytes).await?;
    Ok(Next::Keep)
}

async fn send_size(connection: &mut Connection, request: &Request, bytes: u64) -> io::Result<Next> {
    let head = head_of(bytes, request.keeps_alive());
    if request.method == "HEAD" || bytes > BLOCK {
        connection.send(head.as_bytes()).await?;
        if request.method != "HEAD" {
            send_filler(connection, 0, bytes).await?;
        }
        return Ok(Next::Keep);
    }
    // One write for head and body: two would be two packets.
    let mut whole = head.into_bytes();
    whole.extend_from_slice(block(0, bytes));
    connection.send(&whole).await?;
    Ok(Next::Keep)
}

async fn send_chunks(
    connection: &mut Connection,
    request: &Request,
    bytes: u64,
) -> io::Result<Next> {
    let close = if request.keeps_alive() { "" } else { "Connection: close\r\n" };
    let head = "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n";
    let head = format!("{}{head}{close}\r\n", status_line(200));
    connection.send(head.as_bytes()).await?;
    if request.method == "HEAD" {
        return Ok(Next::Keep);
    }
    let mut sent = 0;
    while sent < bytes {
        let part = CHUNK.min(bytes - sent);
        let mut chunk = format!("{part:x}\r\n").into_bytes();
        chunk.extend_from_slice(block(sent, part));
        chunk.extend_from_slice(b"\r\n");
        connection.send(&chunk).await?;
        sent += part;
    }
    connection.send(b"0\r\n\r\n").await?;
    Ok(Next::Keep)
}

async fn send_part(connection: &mut Connection, bytes: u64) -> io::Result<()> {
    let promised = bytes.saturating_mul(2).saturating_add(1);
    let head = head_of(promised, true);
    connection.send(head.as_bytes()).await?;
    send_filler(connection, 0, bytes).await
}

async fn drip(
    connection: &mut Connection,
    bytes: impl Iterator<Item = u8>,
    pause_millis: u64,
) -> io::Result<()> {
    for byte in bytes {
        tokio::time::sleep(Duration::from_millis(pause_millis)).await;
        connection.send(&[byte]).await?;
    }
    Ok(())
}

fn head_of(bytes: u64, keep: bool) -> String {
    let close = if keep { "" } else { "Connection: close\r\n" };
    let line = status_line(200);
    format!(
        "{line}Content-Type: application/octet-stream\r\nContent-Length: {bytes}\r\n{close}\r\n"
    )
}

/// Bytes of filler written at a time.
const BLOCK: u64 = 64 * 1024;
/// Bytes of one chunk.
const CHUNK: u64 = 16 * 1024;

async fn send_filler(connection: &mut Connection, offset: u64, bytes: u64) -> io::Result<()> {
    let mut sent = 0;
    while sent < bytes {
        let part = BLOCK.min(bytes - sent);
        connection.send(block(offset + sent, part)).await?;
        sent += part;
    }
    Ok(())
}

/// At most [`BLOCK`] bytes of filler, from one block made once.
fn block(offset: u64, bytes: u64) -> &'static [u8] {
    static LETTERS: LazyLock<Vec<u8>> = LazyLock::new(|| filler(0, BLOCK + 26));
    let first = (offset % 26) as usize;
    &LETTERS[first..first + bytes.min(BLOCK) as usize]
}

/// The bytes that `/size`, `/chunked` and `/drip` send: `a` to `z` over and over, from `offset`.
/// A receiver can compare them without having kept them.
pub fn filler(offset: u64, bytes: u64) -> Vec<u8> {
    (offset..offset + bytes).map(letter).collect()
}

fn letter(offset: u64) -> u8 {
    b'a' + (offset % 26) as u8
}
