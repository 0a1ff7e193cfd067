//! Tables for the provider: each path with a raw client.

use std::io::ErrorKind;
use std::time::Duration;

use terms::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::behaviour::Behaviour;
use super::{KINDS, Provider, Settings, filler, start};
use crate::tests::{LIMIT, get, hear, say};

async fn provider() -> Provider {
    start(Settings::default()).await.unwrap()
}

#[test]
fn a_path_names_one_behaviour() {
    let drip =
        |pause_millis, bytes, first_bytes| Behaviour::Drip { pause_millis, bytes, first_bytes };
    let table = [
        ("/", Behaviour::Welcome),
        ("", Behaviour::Welcome),
        ("/tra-cuu", Behaviour::LandParcel),
        ("/base/tra-cuu/", Behaviour::LandParcel),
        ("/base/size/7", Behaviour::Size { bytes: 7 }),
        ("//size//7", Behaviour::Size { bytes: 7 }),
        ("/size", Behaviour::Size { bytes: 256 }),
        ("/size/-1", Behaviour::Unknown),
        ("/size/many", Behaviour::Unknown),
        ("/drip/5", drip(5, 60, 0)),
        ("/drip/5/6/7", drip(5, 6, 7)),
        ("/drip/5/x", Behaviour::Unknown),
        ("/status/503", Behaviour::Status { code: 503 }),
        ("/status/99", Behaviour::Unknown),
        ("/status/1000", Behaviour::Unknown),
        ("/broken", Behaviour::Unknown),
        ("/broken/short", Behaviour::Broken { kind: "short".to_owned() }),
        ("/elsewhere", Behaviour::Unknown),
    ];
    for (path, behaviour) in table {
        assert_eq!(Behaviour::of(path), behaviour, "{path}");
    }
}

#[tokio::test]
async fn plain_answers_are_whole() {
    let provider = provider().await;
    // path, status, part of the head, part of the body
    let table = [
        ("/", "200", "text/plain", "provider"),
        ("/tra-cuu?maThua=123", "200", "charset=utf-8", r#""maThua":"123""#),
        ("/tra-cuu?maThua=123", "200", "", "Đất ở tại đô thị"),
        ("/tra-cuu?a=b&maThua=%31%32", "200", "", r#""maThua":"12""#),
        ("/tra-cuu?maThua=0", "404", "", "Không tìm thấy"),
        ("/tra-cuu?maThua=x", "400", "", "maThua"),
        ("/tra-cuu", "400", "", "maThua"),
        ("/status/503", "503", "Service Unavailable", "503"),
        ("/status/204", "204", "No Content", ""),
        ("/status/599", "599", "", "599"),
        ("/redirect", "302", "Location: http://a/tra-cuu?maThua=1\r\n", ""),
        ("/redirect?to=http%3A%2F%2Fb%2F%0d%0aX: y", "400", "", ""),
        ("/redirect?to=http%3A%2F%2Fb%2F%0d%0aX:y", "302", "Location: http://b/X:y\r\n", ""),
        ("/headers", "200", "", r#"["Host","a"]"#),
        ("/delay/1", "200", "", "ok"),
        ("/broken/unheard-of", "404", "", ""),
        ("/elsewhere", "404", "", ""),
    ];
    for (path, status, head, body) in table {
        let heard = get(provider.address, path).await;
        assert_eq!(heard.status(), status, "{path}");
        assert!(heard.head().contains(head), "{path}: {}", heard.head());
        let text = std::str::from_utf8(heard.body()).unwrap();
        assert!(text.contains(body), "{path}: {text}");
        assert_eq!(heard.error, None, "{path}");
        if !matches!(status, "204") {
            let length = format!("Content-Length: {}\r\n", text.len());
            assert!(heard.head().contains(&length), "{path}: {}", heard.head());
        }
    }
}

#[tokio::test]
async fn echo_returns_body_and_content_type() {
    let provider = provider().await;
    let mut request = b"POST /echo HTTP/1.1\r\nContent-Type: a/b; c=d\r\n".to_vec();
    let body: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    request.extend_from_slice(b"Content-Length: 100000\r\nConnection: close\r\n\r\n");
    request.extend_from_slice(&body);
    let heard = say(provider.address, &request).await;
    assert!(heard.head().contains("Content-Type: a/b; c=d\r\n"));
    assert!(heard.body() == body);
}

#[tokio::test]
async fn sizes_are_exact() {
    let provider = provider().await;
    for bytes in [0, 1, 25, 26, 27, 65_535, 65_536, 65_537, 1_000_003] {
        let heard = get(provider.address, &format!("/size/{bytes}")).await;
        assert!(heard.head().contains(&format!("Content-Length: {bytes}\r\n")));
        assert!(heard.body() == filler(0, bytes), "{bytes}");
        let heard = get(provider.address, &format!("/chunked/{bytes}")).await;
        assert!(heard.head().contains("Transfer-Encoding: chunked\r\n"));
        assert!(unchunk(heard.body()) == filler(0, bytes), "{bytes}");
    }
    let head = b"HEAD /size/10 HTTP/1.1\r\nConnection: close\r\n\r\n";
    let heard = say(provider.address, head).await;
    assert!(heard.head().contains("Content-Length: 10\r\n") && heard.body().is_empty());
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = std::str::from_utf8(&bytes[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let data = &bytes[end + 2..];
        body.extend_from_slice(&data[..size]);
        assert_eq!(&data[size..size + 2], b"\r\n");
        bytes = &data[size + 2..];
        if size == 0 {
            assert!(bytes.is_empty());
            return body;
        }
    }
}

#[tokio::test]
async fn slow_answers_take_their_time_and_are_whole() {
    let provider = provider().await;
    let clock = Clock::system();
    // path, body, milliseconds at least
    let table: [(&str, &[u8], u64); 4] = [
        ("/delay/60", b"ok\n", 60),
        ("/drip/5/12", b"abcdefghijkl", 60),
        ("/drip/5/2/3", b"abcde", 10),
        ("/drip-head/1", b"ok\n", 60),
    ];
    for (path, body, millis) in table {
        let began = clock.instant();
        let heard = get(provider.address, path).await;
        let took = clock.instant() - began;
        assert_eq!(heard.body(), body, "{path}");
        assert!(took >= Duration::from_millis(millis), "{path}: {took:?}");
    }
}

#[tokio::test]
async fn a_drip_sends_its_first_bytes_at_once() {
    let provider = provider().await;
    let mut stream = TcpStream::connect(provider.address).await.unwrap();
    // The first dripped byte would come after 17 minutes.
    stream.write_all(b"GET /drip/1000000/5/70000 HTTP/1.1\r\n\r\n").await.unwrap();
    let mut heard = vec![0; 70_000];
    timeout(LIMIT, stream.read_exact(&mut heard)).await.unwrap().unwrap();
    assert!(heard.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn silence_lasts_until_the_peer_closes() {
    let provider = provider().await;
    assert!(get(provider.address, "/hang").await.bytes.is_empty());
    let heard = get(provider.address, "/never-closes/5").await;
    assert!(heard.head().contains("Content-Length: 11\r\n"));
    assert_eq!(heard.body(), b"abcde");
    assert_eq!(provider.count(), 2);
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let provider = provider().await;
    let heard = get(provider.address, "/reset").await;
    assert_eq!(heard.error, Some(ErrorKind::ConnectionReset));
    assert!(heard.bytes.is_empty());

    let mut stream = TcpStream::connect(provider.address).await.unwrap();
    stream.write_all(b"GET /reset-midway/5 HTTP/1.1\r\n\r\n").await.unwrap();
    let heard = timeout(LIMIT, hear(&mut stream)).await.unwrap();
    assert_eq!(heard.error, Some(ErrorKind::ConnectionReset));
    assert!(heard.head().contains("Content-Length: 11\r\n"));
    assert_eq!(heard.body(), b"abcde");
}

#[tokio::test]
async fn every_broken_kind_is_sent_and_closed() {
    let provider = provider().await;
    for kind in KINDS {
        let heard = get(provider.address, &format!("/broken/{kind}")).await;
        let sent = super::broken::bytes(kind).unwrap();
        assert!(heard.bytes == *sent, "{kind}");
        assert_eq!(heard.error, None, "{kind}");
    }
}

#[tokio::test]
async fn close_after_does_not_say_so() {
    let provider = provider().await;
    let mut stream = TcpStream::connect(provider.address).await.unwrap();
    stream.write_all(b"GET /close-after HTTP/1.1\r\n\r\n").await.unwrap();
    let heard = timeout(LIMIT, hear(&mut stream)).await.unwrap();
    assert_eq!(heard.body(), b"ok\n");
    assert!(!heard.head().to_lowercase().contains("connection:"));
}

#[tokio::test]
async fn a_connection_is_kept_unless_told_otherwise() {
    let provider = provider().await;
    // version and header, kept
    let table = [
        ("HTTP/1.1", "", true),
        ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: x, Close\r\n", false),
        ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: keep-alive\r\n", true),
    ];
    for (version, header, kept) in table {
        let before = provider.count();
        let one = format!("GET /size/1 {version}\r\n{header}\r\n");
        let heard = say(provider.address, one.repeat(2).as_bytes()).await;
        let answers = provider.count() - before;
        assert_eq!(answers, if kept { 2 } else { 1 }, "{version} {header}");
        assert_eq!(heard.status(), "200");
    }
}

#[tokio::test]
async fn many_hanging_connections_do_not_hinder_a_call() {
    let provider = provider().await;
    let mut hanging = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(provider.address).await.unwrap();
        stream.write_all(b"GET /hang HTTP/1.1\r\n\r\n").await.unwrap();
        hanging.push(stream);
    }
    assert_eq!(get(provider.address, "/size/1").await.body(), b"a");
    while provider.count() < 301 {
        tokio::task::yield_now().await;
    }
}
