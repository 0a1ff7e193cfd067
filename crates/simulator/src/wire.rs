//! HTTP/1.1 by hand, on purpose: the stand-ins must see the very bytes that came, and may send
//! bytes that no library would.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::received::Log;

/// A request head may be this long, in bytes.
const HEAD_MAX: usize = 256 * 1024;
/// A request body may be this long, in bytes.
const BODY_MAX: usize = 128 * 1024 * 1024;
/// Bytes read at a time.
const READ: usize = 8 * 1024;

/// A request as it was read.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As sent: path and query, or whatever stood there.
    pub(crate) target: String,
    /// `HTTP/1.0` asks to close after the answer.
    minor: u8,
    /// In the order sent, names and values as sent; bytes that are not UTF-8 are replaced.
    pub(crate) headers: Vec<(String, String)>,
    /// The body without its framing.
    pub(crate) body: Bytes,
    /// Its id in the log; 0 when the log does not count it.
    pub(crate) id: u64,
    /// Number of the connection.
    pub(crate) connection: u64,
}

impl Request {
    /// The first header of that name, compared without case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|header| header.0.eq_ignore_ascii_case(name)).map(|header| header.1.as_str())
    }

    fn all<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |header| header.0.eq_ignore_ascii_case(name))
            .map(|header| header.1.as_str())
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    /// A parameter of the query, percent-decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs
            .find(|(key, _)| *key == name)
            .map(|(_, value)| percent_decode(&value.replace('+', " ")))
    }

    /// May another request follow on the connection?
    pub(crate) fn keeps_alive(&self) -> bool {
        let says = |word| {
            self.all("connection")
                .flat_map(|value| value.split(','))
                .any(|said| said.trim().eq_ignore_ascii_case(word))
        };
        if self.minor == 0 { says("keep-alive") } else { !says("close") }
    }
}

pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                decoded.push(code);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Where the head ends: after the first empty line, whose ends may be LF alone.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut line = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' {
            if at == line || (at == line + 1 && bytes[line] == b'\r') {
                return Some(at + 1);
            }
            line = at + 1;
        }
    }
    None
}

/// Why a request cannot be read: the status that is answered before closing.
type Refusal = u16;

fn read_head(bytes: &[u8]) -> Result<Request, Refusal> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (first.next(), first.next(), first.next(), first.next())
    else {
        return Err(400);
    };
    let minor = match version {
        "HTTP/1.1" => 1,
        "HTTP/1.0" => 0,
        _ => return Err(505),
    };
    let mut headers = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(400u16)?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        minor,
        headers,
        ..Request::default()
    })
}

/// How the end of a body is found.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
}

fn framing(request: &Request) -> Result<Framing, Refusal> {
    if let Some(coding) = request.header("transfer-encoding") {
        let chunked = coding.eq_ignore_ascii_case("chunked");
        return if chunked { Ok(Framing::Chunked) } else { Err(501) };
    }
    let mut lengths = request.all("content-length");
    let Some(length) = lengths.next() else {
        return Ok(Framing::Length(0));
    };
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || lengths.any(|other| other != length) {
        return Err(400);
    }
    match length.parse() {
        Ok(length) if length <= BODY_MAX => Ok(Framing::Length(length)),
        _ => Err(413),
    }
}

/// One connection: reads requests and writes every one, whole or not, into the log.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
    number: u64,
}

/// What ended the reading of a request before its end.
enum Stop {
    Closed,
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(status: Refusal) -> Stop {
        Stop::Refused(status)
    }
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, number: u64) -> Connection {
        // Small answers must not wait for each other; without the option they merely would.
        let _ = stream.set_nodelay(true);
        Connection { stream, buffer: BytesMut::new(), number }
    }

    /// The next request; `None` when the peer is gone or sent what cannot be read (then it has its
    /// 4xx or 5xx).
    pub(crate) async fn next(&mut self, log: &Log) -> Option<Request> {
        let stop = match self.read_request(log).await {
            Ok((mut request, raw)) => {
                request.connection = self.number;
                if !log.exempts(&request) {
                    request.id = log.write(self.number, &raw, raw.len() as u64, true);
                }
                return Some(request);
            }
            Err(stop) => stop,
        };
        if !self.buffer.is_empty() {
            let raw = self.buffer.split().freeze();
            log.write(self.number, &raw, raw.len() as u64, false);
        }
        if let Stop::Refused(status) = stop {
            let answer = Answer::text(status, "the stand-in cannot read this request\n");
            // The peer may be gone; there is nobody else to tell.
            let _ = self.send(&answer.encode(false, false)).await;
        }
        None
    }

    /// Reads one request to its end; until then all its bytes stay in the buffer.
    async fn read_request(&mut self, log: &Log) -> Result<(Request, Bytes), Stop> {
        let head = self.read_past_head(log).await?;
        let request = read_head(&self.buffer[..head]);
        if !matches!(&request, Ok(request) if log.exempts(request)) {
            log.reached();
        }
        let mut request = request?;
        let framing = framing(&request)?;
        let expects = request.header("expect");
        if expects.is_some_and(|word| word.eq_ignore_ascii_case("100-continue")) {
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            self.send(go_on).await.map_err(|_| Stop::Closed)?;
        }
        match framing {
            Framing::Length(length) => {
                while self.buffer.len() < head + length {
                    self.fill().await?;
                }
                let raw = self.buffer.split_to(head + length).freeze();
                request.body = raw.slice(head..);
                Ok((request, raw))
            }
            Framing::Chunked => {
                let (body, end) = self.read_chunks(head).await?;
                request.body = body;
                Ok((request, self.buffer.split_to(end).freeze()))
            }
        }
    }

    async fn read_past_head(&mut self, log: &Log) -> Result<usize, Stop> {
        loop {
            if let Some(end) = head_end(&self.buffer) {
                return Ok(end);
            }
            if self.buffer.len() > HEAD_MAX {
                log.reached();
                return Err(Stop::Refused(431));
            }
            self.fill().await?;
        }
    }

    /// The chunks' data, and where in the buffer the request ends.
    async fn read_chunks(&mut self, head: usize) -> Result<(Bytes, usize), Stop> {
        let mut body = BytesMut::new();
        let mut at = head;
        loop {
            let end = self.line_end(at).await?;
            let size = chunk_size(&self.buffer[at..end]).ok_or(400u16)?;
            at = end;
            if size == 0 {
                break;
            }
            if size > BODY_MAX - body.len() {
                return Err(Stop::Refused(413));
            }
            while self.buffer.len() < at + size {
                self.fill().await?;
            }
            body.extend_from_slice(&self.buffer[at..at + size]);
            at += size;
            let end = self.line_end(at).await?;
            if !self.buffer[at..end].trim_ascii().is_empty() {
                return Err(Stop::Refused(400));
            }
            at = end;
        }
        // Trailers, then the empty line.
        loop {
            let end = self.line_end(at).await?;
            let empty = self.buffer[at..end].trim_ascii().is_empty();
            at = end;
            if empty {
                return Ok((body.freeze(), at));
            }
        }
    }

    async fn line_end(&mut self, at: usize) -> Result<usize, Stop> {
        loop {
            if let Some(length) = self.buffer[at..].iter().position(|byte| *byte == b'\n') {
                return Ok(at + length + 1);
            }
            if self.buffer.len() > at + HEAD_MAX {
                return Err(Stop::Refused(400));
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), Stop> {
        // Idle connections hold no buffer: thousands of them are to be cheap.
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
            self.stream.readable().await.map_err(|_| Stop::Closed)?;
        }
        self.buffer.reserve(READ);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(Stop::Closed),
            Ok(_) => Ok(()),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Says nothing until the peer closes.
    pub(crate) async fn hang(&mut self) {
        let mut ignored = [0; 1024];
        while !matches!(self.stream.read(&mut ignored).await, Ok(0) | Err(_)) {}
    }

    /// Closes with a reset instead of an orderly end.
    pub(crate) fn reset(self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }
}

fn chunk_size(line: &[u8]) -> Option<usize> {
    let size = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let digits = !size.is_empty() && size.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(size).ok().filter(|_| digits)?;
    usize::from_str_radix(text, 16).ok()
}

/// An answer whose body is at hand.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// Further header lines.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        Answer {
            status,
            content_type: content_type.to_owned(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Answer {
        Answer::new(status, "application/json; charset=utf-8", body)
    }

    pub(crate) fn text(status: u16, body: impl Into<Vec<u8>>) -> Answer {
        Answer::new(status, "text/plain; charset=utf-8", body)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    /// The bytes on the wire. `head_only` is for HEAD; 204 and 304 have no body by definition.
    pub(crate) fn encode(&self, keep: bool, head_only: bool) -> Vec<u8> {
        let mut bytes = status_line(self.status).into_bytes();
        let mut line = |name: &str, value: &str| {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        };
        let bodiless = matches!(self.status, 204 | 304);
        if !bodiless {
            line("Content-Type", &self.content_type);
            line("Content-Length", &self.body.len().to_string());
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if !keep {
            line("Connection", "close");
        }
        bytes.extend_from_slice(b"\r\n");
        if !bodiless && !head_only {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

/// `HTTP/1.1 200 OK` with its line end.
pub(crate) fn status_line(status: u16) -> String {
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unnamed");
    format!("HTTP/1.1 {status} {reason}\r\n")
}
