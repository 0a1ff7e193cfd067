//! No request is read in two ways: each form against a raw provider, our verdict, what it saw.

use crate::wire::Connection;
use crate::world::World;

/// What is expected of a form.
enum Verdict {
    /// It passes, and the provider sees exactly this request line.
    Passes(&'static str),
    /// It is refused with this status, and no provider sees anything.
    Refused(u16),
}
use Verdict::{Passes, Refused};

/// Name, request line, further header lines, body as sent.
type Case = (&'static str, &'static [u8], &'static [u8], &'static [u8], Verdict);

const HOST: &[u8] = b"Host: lgsp.test\r\n";

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("plain", b"GET /datdai/1.0/echo HTTP/1.1", HOST, b"", Passes("GET /echo HTTP/1.1")),
    ("alias", b"GET /datdai/v1/echo HTTP/1.1", HOST, b"", Passes("GET /echo HTTP/1.1")),
    ("no rest", b"GET /datdai/1.0 HTTP/1.1", HOST, b"", Passes("GET / HTTP/1.1")),
    ("no rest, query", b"GET /datdai/1.0?a=/../b HTTP/1.1", HOST, b"", Passes("GET /?a=/../b HTTP/1.1")),
    ("rest is a slash", b"GET /datdai/1.0/ HTTP/1.1", HOST, b"", Passes("GET / HTTP/1.1")),
    ("slashes before the rest", b"GET //datdai///1.0/echo HTTP/1.1", HOST, b"", Passes("GET /echo HTTP/1.1")),
    ("slashes in the rest", b"GET /datdai/1.0/echo//x HTTP/1.1", HOST, b"", Passes("GET /echo//x HTTP/1.1")),
    ("query kept to the letter", b"GET /datdai/1.0/echo?a=%2F%2e&b=+&&c HTTP/1.1", HOST, b"", Passes("GET /echo?a=%2F%2e&b=+&&c HTTP/1.1")),
    ("rest kept to the letter", b"GET /datdai/1.0/echo/%C4%91%7e;v=1 HTTP/1.1", HOST, b"", Passes("GET /echo/%C4%91%7e;v=1 HTTP/1.1")),
    ("absolute form", b"GET http://lgsp.test/datdai/1.0/echo HTTP/1.1", HOST, b"", Passes("GET /echo HTTP/1.1")),
    ("dot segment", b"GET /datdai/1.0/../other HTTP/1.1", HOST, b"", Refused(400)),
    ("single dot segment", b"GET /datdai/1.0/./echo HTTP/1.1", HOST, b"", Refused(400)),
    ("dot segment at the end", b"GET /datdai/1.0/a/.. HTTP/1.1", HOST, b"", Refused(400)),
    ("dot segment before the context", b"GET /khac/1.0/../../datdai/1.0/echo HTTP/1.1", HOST, b"", Refused(400)),
    ("encoded dot segment", b"GET /datdai/1.0/%2e%2E/other HTTP/1.1", HOST, b"", Refused(400)),
    ("half-encoded dot segment", b"GET /datdai/1.0/.%2e/other HTTP/1.1", HOST, b"", Refused(400)),
    ("encoded slash", b"GET /datdai/1.0/a%2Fb HTTP/1.1", HOST, b"", Refused(400)),
    ("encoded backslash", b"GET /datdai/1.0/a%5cb HTTP/1.1", HOST, b"", Refused(400)),
    ("backslash", b"GET /datdai/1.0/a\\b HTTP/1.1", HOST, b"", Refused(400)),
    ("encoded nul", b"GET /datdai/1.0/a%00b HTTP/1.1", HOST, b"", Refused(400)),
    ("control byte", b"GET /datdai/1.0/a\x01b HTTP/1.1", HOST, b"", Refused(400)),
    ("non-ASCII byte", b"GET /datdai/1.0/\xc4\x91 HTTP/1.1", HOST, b"", Refused(400)),
    ("bad percent coding", b"GET /datdai/1.0/a%zz HTTP/1.1", HOST, b"", Refused(400)),
    ("cut percent coding", b"GET /datdai/1.0/a%2 HTTP/1.1", HOST, b"", Refused(400)),
    ("a query is never decoded", b"GET /datdai/1.0/echo?a=100%&b=%zz%2F HTTP/1.1", HOST, b"", Passes("GET /echo?a=100%&b=%zz%2F HTTP/1.1")),
    ("non-ASCII byte in the query", b"GET /datdai/1.0/echo?a=\xc4\x91 HTTP/1.1", HOST, b"", Refused(400)),
    ("asterisk", b"OPTIONS * HTTP/1.1", HOST, b"", Refused(400)),
    ("no Host", b"GET /datdai/1.0/echo HTTP/1.1", b"", b"", Refused(400)),
    ("two Hosts", b"GET /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nHost: b\r\n", b"", Refused(400)),
    ("CONNECT", b"CONNECT lgsp.test:443 HTTP/1.1", HOST, b"", Refused(400)),
    ("TRACE", b"TRACE /datdai/1.0/echo HTTP/1.1", HOST, b"", Refused(400)),
    ("Upgrade", b"GET /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", b"", Refused(400)),
    ("two lengths", b"POST /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n", b"abc", Refused(400)),
    ("a length that is none", b"POST /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nContent-Length: 3x\r\n", b"abc", Refused(400)),
    ("a signed length", b"POST /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nContent-Length: +3\r\n", b"abc", Refused(400)),
    ("unknown transfer coding", b"POST /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nTransfer-Encoding: chunked, gzip\r\n", b"", Refused(400)),
    ("a coding besides chunks", b"POST /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n", Refused(400)),
    ("two codings in two fields", b"POST /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n", Refused(400)),
    ("folded header", b"GET /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nX-A: b\r\n c\r\n", b"", Refused(400)),
    ("space before the colon", b"GET /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nX-A : b\r\n", b"", Refused(400)),
    ("nul in a header", b"GET /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nX-A: b\x00c\r\n", b"", Refused(400)),
    ("length and chunks", b"POST /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n", Passes("POST /echo HTTP/1.1")),
    ("chunks with an extension", b"POST /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nTransfer-Encoding: chunked\r\n", b"3;x=y\r\nabc\r\n0\r\n\r\n", Passes("POST /echo HTTP/1.1")),
    ("length", b"POST /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nContent-Length: 3\r\n", b"abc", Passes("POST /echo HTTP/1.1")),
    ("Expect", b"POST /datdai/1.0/echo HTTP/1.1", b"Host: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n", b"abc", Passes("POST /echo HTTP/1.1")),
];

#[test]
fn every_form_is_read_in_one_way_or_refused() {
    let world = World::start();
    let token = world.token("one-stop");
    for (name, line, headers, body, verdict) in CASES {
        world.provider.clear();
        let mut request = line.to_vec();
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(headers);
        request.extend_from_slice(format!("Authorization: Bearer {token}\r\n\r\n").as_bytes());
        request.extend_from_slice(body);
        let answer = Connection::open(world.listening.live).ask(&request);
        let seen = world.provider.received();
        let status = answer.as_ref().map(|a| a.status);
        match verdict {
            Passes(expected) => {
                assert_eq!(seen.len(), 1, "{name}: {answer:?}");
                let raw = String::from_utf8_lossy(&seen[0].raw).into_owned();
                println!("{name}: passes ({status:?}), the provider saw {:?}", raw.lines().next());
                assert_eq!(raw.lines().next(), Some(*expected), "{name}");
                assert_framed_once(name, &raw);
            }
            Refused(expected) => {
                println!("{name}: refused ({status:?}), the provider saw nothing");
                assert_eq!(status, Some(*expected), "{name}: {answer:?}");
                assert!(seen.is_empty(), "{name} reached the provider");
                let answer = answer.expect("an answer");
                if answer.header("exchange-id").is_some() {
                    let row = world.row(&answer.exchange());
                    assert_eq!(row["outcome"], "denied", "{name}");
                    assert_eq!(row["fault"], "request_invalid", "{name}");
                }
            }
        }
    }
}

/// To the provider goes one length or chunks, never both, and nothing that was meant for us.
fn assert_framed_once(name: &str, raw: &str) {
    let head = raw.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    let count = |field: &str| head.lines().filter(|line| line.starts_with(field)).count();
    assert!(count("content-length:") + count("transfer-encoding:") <= 1, "{name}: {head}");
    for ours in ["authorization:", "expect:", "connection:", "upgrade:"] {
        assert_eq!(count(ours), 0, "{name}: {ours} reached the provider");
    }
    assert_eq!(
        (count("host:"), count("exchange-id:"), count("lgsp-consumer:")),
        (1, 1, 1),
        "{name}"
    );
}

#[test]
fn a_smuggled_request_is_body_or_nothing() {
    let world = World::start();
    let token = world.token("one-stop");
    // The length says that the second request is part of the first one's body.
    let hidden = format!(
        "GET /datdai/1.0/headers HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let request = format!(
        "POST /datdai/1.0/echo HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    let answer = Connection::open(world.listening.live).ask(request).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), hidden);
    assert_eq!(world.provider.count(), 1);
}

#[test]
fn headers_named_in_connection_stay_with_us() {
    let world = World::start();
    let token = world.token("one-stop");
    let request = format!(
        "GET /datdai/1.0/headers HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
         Connection: X-Secret, close\r\nX-Secret: 1\r\nX-Kept: 2\r\nX-Forwarded-For: 10.0.0.1\r\n\
         Forwarded: for=10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\nLgsp-Consumer: H99/x\r\nExchange-Id: 1\r\n\
         SENDER_CODE: 7\r\nTimestamp: 1767225600\r\n\r\n"
    );
    let answer = Connection::open(world.listening.live).ask(request).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let raw = String::from_utf8_lossy(&world.provider.received()[0].raw).to_ascii_lowercase();
    for gone in ["x-secret", "x-forwarded-for", "forwarded:", "x-real-ip", "h99/x", "10.0.0.1"] {
        assert!(!raw.contains(gone), "{gone} reached the provider: {raw}");
    }
    for kept in
        ["x-kept: 2", "sender_code: 7", "timestamp: 1767225600", "lgsp-consumer: h01.009/one-stop"]
    {
        assert!(raw.contains(kept), "{kept} did not reach the provider: {raw}");
    }
    assert!(raw.contains(&format!("exchange-id: {}", answer.exchange())), "{raw}");
}
