//! A raw client, and tables for the hand-written HTTP and its log.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use terms::random::Random;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::provider::{Settings, start};
use crate::received::Bound;
use crate::wire::head_end;

/// Nothing in these tests may take longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// What came back until the end of the connection, and how it ended.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) bytes: Vec<u8>,
    /// `None` for an orderly end.
    pub(crate) error: Option<ErrorKind>,
}

impl Heard {
    pub(crate) fn status(&self) -> &str {
        let line = self.bytes.split(|byte| *byte == b'\r').next().unwrap();
        std::str::from_utf8(line).unwrap().get(9..12).unwrap_or("")
    }

    pub(crate) fn head(&self) -> &str {
        let end = head_end(&self.bytes).unwrap_or(self.bytes.len());
        std::str::from_utf8(&self.bytes[..end]).unwrap()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[head_end(&self.bytes).unwrap_or(self.bytes.len())..]
    }
}

/// Sends the bytes, says that no more will come, and listens to the end.
pub(crate) async fn say(address: SocketAddr, bytes: &[u8]) -> Heard {
    timeout(LIMIT, async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        // The server may have refused and closed already.
        let _ = stream.shutdown().await;
        hear(&mut stream).await
    })
    .await
    .expect("an end in time")
}

pub(crate) async fn hear(stream: &mut TcpStream) -> Heard {
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).await.err();
    Heard { bytes, error: error.map(|error| error.kind()) }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Heard {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    say(address, request.as_bytes()).await
}

#[tokio::test]
async fn a_request_is_read_to_its_very_end_and_kept_byte_for_byte() {
    // request, status, body as echoed, whole
    let table: &[(&str, &str, &str, bool)] = &[
        ("POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "200", "abc", true),
        ("POST /echo HTTP/1.1\nContent-Length: 3\n\nabc", "200", "abc", true),
        (
            "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
             2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n",
            "200",
            "abc",
            true,
        ),
        (
            "POST /echo HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n\
             1\r\na\r\n0\r\n\r\n",
            "200",
            "a",
            true,
        ),
        (
            "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            "200",
            "a",
            true,
        ),
        ("POST /echo HTTP/1.0\r\nContent-Length: 1\r\n\r\na", "200", "a", true),
        (
            "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
            "400",
            "",
            false,
        ),
        ("POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400", "", false),
        ("POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "501", "", false),
        ("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400", "", false),
        (
            "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            "413",
            "",
            false,
        ),
        (
            "POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            "413",
            "",
            false,
        ),
        ("GET /echo\r\n\r\n", "400", "", false),
        ("GET /echo HTTP/2.0\r\n\r\n", "505", "", false),
        ("GET /echo HTTP/1.1\r\nno colon\r\n\r\n", "400", "", false),
        ("POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\na", "", "", false),
        ("GET /ec", "", "", false),
    ];
    for (request, status, body, whole) in table {
        let provider = start(Settings::default()).await.unwrap();
        let heard = say(provider.address, request.as_bytes()).await;
        assert_eq!(heard.status(), *status, "{request}");
        if *whole {
            assert_eq!(heard.body(), body.as_bytes(), "{request}");
        }
        let received = provider.received();
        assert_eq!(received.len(), 1, "{request}");
        assert_eq!(received[0].raw, request.as_bytes(), "{request}");
        assert_eq!(received[0].complete, *whole, "{request}");
        let headed = head_end(request.as_bytes()).is_some();
        assert_eq!(provider.count(), u64::from(headed), "{request}");
        provider.stop().await;
    }
}

#[tokio::test]
async fn several_requests_in_one_packet_are_several_requests() {
    let provider = start(Settings::default()).await.unwrap();
    let two = "POST /echo HTTP/1.1\r\nContent-Length: 1\r\n\r\naGET /size/2 HTTP/1.1\r\n\r\n";
    let heard = say(provider.address, two.as_bytes()).await;
    let text = String::from_utf8(heard.bytes).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
    let received = provider.received();
    assert_eq!(received[0].body(), "a");
    assert_eq!(received[1].line(), "GET /size/2 HTTP/1.1");
    assert_eq!(received[0].connection, received[1].connection);
}

#[tokio::test]
async fn the_log_keeps_the_last_within_its_bound() {
    let settings = Settings { bound: Bound { requests: 2, bytes: 8 }, ..Settings::default() };
    let provider = start(settings).await.unwrap();
    for path in ["/1", "/2", "/3"] {
        get(provider.address, path).await;
    }
    let received = provider.received();
    let kept: Vec<(u64, &[u8])> = received.iter().map(|r| (r.id, &r.raw[..])).collect();
    assert_eq!(kept, [(2, &b"GET /2 H"[..]), (3, &b"GET /3 H"[..])]);
    assert!(received[0].size > 8 && received[0].contains(b"/2"));
    assert_eq!(provider.count(), 3);
    provider.clear();
    assert_eq!((provider.count(), provider.received().len()), (0, 0));
}

#[tokio::test]
async fn the_control_address_tells_what_was_received() {
    let provider = start(Settings::default()).await.unwrap();
    let request = b"POST /echo?a=\xff HTTP/1.1\r\nContent-Length: 2\r\n\r\n\x00\xfe";
    say(provider.address, request).await;
    let list = get(provider.control, "/received").await;
    let list: serde_json::Value = serde_json::from_slice(list.body()).unwrap();
    assert_eq!(list[0]["id"], 1);
    assert_eq!(list[0]["size"], request.len());
    assert_eq!(list[0]["complete"], true);
    let raw = get(provider.control, "/received/1/raw").await;
    assert_eq!(raw.body(), request);
    assert_eq!(get(provider.control, "/received/2/raw").await.status(), "404");
    assert_eq!(get(provider.control, "/nothing").await.status(), "404");
    assert_eq!(get(provider.control, "/count").await.body(), b"{\"count\":1}");
    let forget = b"DELETE /received HTTP/1.1\r\n\r\n";
    assert_eq!(say(provider.control, forget).await.status(), "204");
    assert_eq!(get(provider.control, "/count").await.body(), b"{\"count\":0}");
}

#[tokio::test]
async fn a_stopped_server_is_gone() {
    // An address no other test takes ports of.
    let settings =
        Settings { address: SocketAddr::from(([127, 0, 0, 2], 0)), ..Settings::default() };
    let provider = start(settings.clone()).await.unwrap();
    let address = provider.address;
    let mut hanging = TcpStream::connect(address).await.unwrap();
    hanging.write_all(b"GET /hang HTTP/1.1\r\n\r\n").await.unwrap();
    provider.stop().await;
    let heard = timeout(LIMIT, hear(&mut hanging)).await.unwrap();
    assert!(heard.bytes.is_empty());
    assert!(TcpStream::connect(address).await.is_err());
    let again = start(Settings { address, ..settings }).await.unwrap();
    assert_eq!(get(address, "/size/1").await.body(), b"a");
    again.stop().await;
}

#[tokio::test]
async fn no_bytes_bring_it_down() {
    let seed: u64 = u64::from_be_bytes(Random::system().bytes());
    println!("seed {seed}");
    let random = Random::seeded(seed);
    let provider = start(Settings::default()).await.unwrap();
    let sound: [&[u8]; 3] = [
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nhello, world",
        b"POST /x/size/9?a=%41 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"GET /tra-cuu?maThua=1%zz HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n",
    ];
    for round in 0..300 {
        let mut bytes = sound[round % sound.len()].to_vec();
        for _ in 0..=round % 4 {
            let [at, byte, deed] = random.bytes::<3>();
            let at = usize::from(at) % bytes.len();
            match deed % 3 {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at + 1),
            }
        }
        say(provider.address, &bytes).await;
        assert_eq!(get(provider.address, "/size/1").await.body(), b"a", "seed {seed}");
    }
}
