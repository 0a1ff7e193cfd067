//! Answers that break HTTP, each in one known way.

use std::borrow::Cow;

/// Names of all kinds, for documentation and tests that go through them.
pub const KINDS: &[&str] = &[
    "garbage",
    "empty",
    "truncated-head",
    "oversized-head",
    "many-headers",
    "bad-status",
    "no-status",
    "header-without-colon",
    "header-with-null",
    "folded-header",
    "two-lengths",
    "bad-length",
    "negative-length",
    "length-and-chunked",
    "bad-chunk",
    "cut-chunk",
    "short",
    "long",
    "http-0.9",
    "http-1.0",
    "upgrade",
    "continue-only",
];

/// Bytes of a head that no client should take.
const HEAD_OVERSIZED: usize = 1024 * 1024;

/// The bytes sent, after which the connection is closed; `None` for a kind that is not in
/// [`KINDS`].
pub(crate) fn bytes(kind: &str) -> Option<Cow<'static, [u8]>> {
    let fixed: &'static [u8] = match kind {
        "garbage" => b"\x16\x03\x01\x02\x00 this is not HTTP\r\n\r\n",
        "empty" => b"",
        "truncated-head" => b"HTTP/1.1 200 OK\r\nContent-Ty",
        "oversized-head" => return Some(oversized().into()),
        "many-headers" => return Some(many().into()),
        "bad-status" => b"HTTP/1.1 9x9 What\r\nContent-Length: 2\r\n\r\nok",
        "no-status" => b"HTTP/1.1\r\nContent-Length: 2\r\n\r\nok",
        "header-without-colon" => b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nok",
        "header-with-null" => b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 2\r\n\r\nok",
        "folded-header" => b"HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        "two-lengths" => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        "bad-length" => b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
        "negative-length" => b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        "length-and-chunked" => {
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n\
              2\r\nok\r\n0\r\n\r\n"
        }
        "bad-chunk" => {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\nno\r\n"
        }
        "cut-chunk" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        "short" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.",
        "long" => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more than was promised",
        "http-0.9" => b"<html>an answer without a head</html>\n",
        "http-1.0" => b"HTTP/1.0 200 OK\r\n\r\nok, until the close",
        "upgrade" => {
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
        }
        "continue-only" => b"HTTP/1.1 100 Continue\r\n\r\n",
        _ => return None,
    };
    Some(fixed.into())
}

fn oversized() -> Vec<u8> {
    let mut head = b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec();
    head.resize(head.len() + HEAD_OVERSIZED, b'x');
    head.extend_from_slice(b"\r\nContent-Length: 2\r\n\r\nok");
    head
}

fn many() -> Vec<u8> {
    let mut head = String::from("HTTP/1.1 200 OK\r\n");
    for number in 0..2_000 {
        head.push_str(&format!("X-{number}: y\r\n"));
    }
    head.push_str("Content-Length: 2\r\n\r\nok");
    head.into_bytes()
}
