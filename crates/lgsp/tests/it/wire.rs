//! A plain HTTP/1.1 client over a raw socket: it sends exactly what it is given and tells exactly
//! what came, a cut answer included.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// No answer of the platform may take longer than this (article 7.3); a little more, so that a
/// test says "too late" and not "nothing came".
const PATIENCE: Duration = Duration::from_secs(40);

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case; repeated fields joined by ", ".
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// The body ended where its framing said.
    pub(crate) complete: bool,
    /// From the first byte sent to the last byte received.
    pub(crate) took: Duration,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("not JSON ({e}): {} {}", self.status, self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The fault's code, or "" when the answer is none of ours.
    pub(crate) fn fault(&self) -> String {
        let problem = self.header("content-type").is_some_and(|t| t.contains("problem+json"));
        let code = problem.then(|| self.json()["code"].as_str().map(str::to_string));
        code.flatten().unwrap_or_default()
    }

    pub(crate) fn exchange(&self) -> String {
        self.header("exchange-id").unwrap_or_else(|| panic!("no Exchange-Id: {self:?}")).to_string()
    }
}

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Connection {
        Connection::try_open(address).expect("the listener is there")
    }

    pub(crate) fn try_open(address: SocketAddr) -> std::io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::new() })
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends, then reads one answer to its end.
    pub(crate) fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Option<Answer> {
        let began = Instant::now();
        // An answer may come, and the connection close, before all is sent.
        let _ = self.send(bytes);
        self.answer(began)
    }

    /// Reads one answer; `None` when the connection ends before a head was complete.
    pub(crate) fn answer(&mut self, began: Instant) -> Option<Answer> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if self.fill() == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = BTreeMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let (name, value) = (name.to_ascii_lowercase(), value.trim());
            headers
                .entry(name)
                .and_modify(|known: &mut String| *known = format!("{known}, {value}"))
                .or_insert_with(|| value.to_string());
        }
        if (100..200).contains(&status) {
            return self.answer(began);
        }
        let (body, complete) = self.body(status, &headers);
        Some(Answer { status, headers, body, complete, took: began.elapsed() })
    }

    fn body(&mut self, status: u16, headers: &BTreeMap<String, String>) -> (Vec<u8>, bool) {
        if matches!(status, 204 | 304) {
            return (Vec::new(), true);
        }
        if headers.get("transfer-encoding").is_some_and(|v| v.contains("chunked")) {
            return self.chunks();
        }
        match headers.get("content-length").and_then(|v| v.parse::<usize>().ok()) {
            Some(length) => self.take(length),
            None => {
                while self.fill() > 0 {}
                (std::mem::take(&mut self.buffer), true)
            }
        }
    }

    fn take(&mut self, length: usize) -> (Vec<u8>, bool) {
        while self.buffer.len() < length {
            if self.fill() == 0 {
                return (std::mem::take(&mut self.buffer), false);
            }
        }
        (self.buffer.drain(..length).collect(), true)
    }

    fn chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(end) = find(&self.buffer, b"\r\n") {
                    break end;
                }
                if self.fill() == 0 {
                    return (body, false);
                }
            };
            let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
            self.buffer.drain(..end + 2);
            let Ok(size) = usize::from_str_radix(line.trim(), 16) else { return (body, false) };
            let (chunk, complete) = self.take(size + 2);
            body.extend_from_slice(&chunk[..chunk.len().min(size)]);
            if !complete || size == 0 {
                return (body, complete);
            }
        }
    }

    fn fill(&mut self) -> usize {
        let mut chunk = [0; 64 * 1024];
        let read = self.stream.read(&mut chunk).unwrap_or(0);
        self.buffer.extend_from_slice(&chunk[..read]);
        read
    }
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

/// A request with a body framed by its length.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: lgsp.test\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    let mut request = request.into_bytes();
    request.extend_from_slice(body);
    request
}
