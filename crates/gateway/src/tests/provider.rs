//! A provider that speaks raw HTTP: the last segment of the path says how it behaves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What one request looked like when it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Request line and header lines, as received.
    pub(crate) head: Vec<String>,
    /// The body, its framing undone.
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head[1..].iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Provider {
    pub(crate) fn start() -> Provider {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let kept = seen.clone();
        std::thread::spawn(move || {
            for stream in socket.incoming().map_while(Result::ok) {
                let kept = kept.clone();
                std::thread::spawn(move || converse(&stream, &kept));
            }
        });
        Provider { address, seen }
    }

    /// The requests that came so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen().last().cloned().expect("a request")
    }
}

/// Answers request after request until the other side or the behaviour ends it.
fn converse(stream: &TcpStream, kept: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(head) = read_head(&mut reader) {
        let mut seen = Seen { head, body: Vec::new() };
        let line = seen.head[0].clone();
        let target = line.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let behaviour = path.rsplit('/').next().unwrap_or_default();
        // a request that is given up on was seen all the same
        let at = kept.lock().unwrap().len();
        kept.lock().unwrap().push(seen.clone());
        let answers_early = matches!(behaviour, "early" | "early-kept");
        if !answers_early && read_body(&mut reader, &mut seen).is_none() {
            return;
        }
        kept.lock().unwrap()[at] = seen.clone();
        if !behave(behaviour, target, stream, &mut reader, &seen) {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn behave(
    behaviour: &str,
    target: &str,
    mut stream: &TcpStream,
    reader: &mut impl Read,
    seen: &Seen,
) -> bool {
    let size = target.split("n=").nth(1).and_then(|n| n.parse().ok()).unwrap_or(300_000);
    let whole = |status: &str, headers: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let begun = |sent: usize| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n");
        [head.as_bytes(), &vec![b'x'; sent]].concat()
    };
    let (words, stays) = match behaviour {
        "echo" => (whole("200 OK", "", &seen.body), true),
        "head" => (b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n".to_vec(), true),
        "none" => (b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), true),
        "error" => (whole("503 Busy", "retry-after: 9\r\n", b"theirs"), true),
        "moved" => (whole("302 Found", "location: /base/there?x=1\r\n", b""), true),
        "early" => (whole("413 Too Large", "connection: close\r\n", b"no"), false),
        "early-kept" => (whole("401 Unauthorized", "", b"no"), true),
        "once" => (whole("200 OK", "", b"once"), false),
        "chunked" => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            (format!("{head}6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n").into_bytes(), true)
        }
        "both-framings" => {
            let framing = "Transfer-Encoding: Chunked\r\nContent-Length: 3\r\n";
            let body = "z".repeat(500);
            (format!("HTTP/1.1 200 OK\r\n{framing}\r\n1f4\r\n{body}\r\n0\r\n\r\n").into(), true)
        }
        "coded" => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n";
            (format!("{head}2\r\nzz\r\n0\r\n\r\n").into_bytes(), true)
        }
        "large" => (begun(size), true),
        "stream" | "stream-half" => {
            let mut words = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            for _ in 0..30 {
                words.extend_from_slice(b"2710\r\n");
                words.extend_from_slice(&[b'y'; 10_000]);
                words.extend_from_slice(b"\r\n");
            }
            if behaviour == "stream" {
                words.extend_from_slice(b"0\r\n\r\n");
            }
            (words, behaviour == "stream")
        }
        "until-close" => (b"HTTP/1.1 200 OK\r\n\r\nto the end".to_vec(), false),
        "reset" => (Vec::new(), false),
        "garbage" => (b"nonsense\r\n\r\n".to_vec(), false),
        "half" => (begun(10), false),
        "large-half" => (begun(size / 2), false),
        "drip" | "sleep" | "large-sleep" => {
            let sent = match behaviour {
                "drip" => begun(10),
                "sleep" => Vec::new(),
                _ => begun(size / 2),
            };
            let _ = stream.write_all(&sent);
            // until the gateway gives up
            let _ = reader.read_to_end(&mut Vec::new());
            return false;
        }
        _ => (whole("200 OK", "x-own: 1\r\n", b"hello"), true),
    };
    stream.write_all(&words).is_ok() && stays
}

pub(crate) fn read_head(reader: &mut impl BufRead) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end_matches(['\r', '\n']) {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

fn read_body(reader: &mut impl BufRead, seen: &mut Seen) -> Option<()> {
    if seen.header("transfer-encoding").is_some() {
        seen.body = read_chunks(reader)?;
    } else if let Some(length) = seen.header("content-length") {
        seen.body = vec![0; length.parse().unwrap()];
        let mut body = std::mem::take(&mut seen.body);
        reader.read_exact(&mut body).ok()?;
        seen.body = body;
    }
    Some(())
}

/// The content of a chunked body; `None` when it ends before its end.
pub(crate) fn read_chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(&chunk[..length]);
    }
}
