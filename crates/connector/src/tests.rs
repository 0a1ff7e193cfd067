//! The connector against raw sockets that behave as providers do: well, slowly, rudely.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use terms::clock::Clock;
use terms::deadline::Deadline;
use terms::endpoint::{Endpoint, TlsMaterial};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::connection::Socket;
use crate::{Connector, Failure, FailureKind, Reply, Sending};

type Body = Full<Bytes>;

/// Runs a conversation on a thread of the kind the gateway uses.
pub(crate) fn talk<F: Future<Output = ()>>(conversation: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        tokio::time::timeout(Duration::from_secs(20), conversation()).await.expect("took too long");
    });
}

/// What a provider does with each connection in turn.
struct Provider {
    listener: TcpListener,
}

impl Provider {
    async fn new() -> Provider {
        Provider { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    fn endpoint(&self) -> Endpoint {
        let address = self.listener.local_addr().unwrap();
        Endpoint::parse(&format!("http://{address}")).unwrap()
    }

    async fn accept(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }
}

/// Reads one request head (the tests' bodies come in the same packet or are not looked at).
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, answer: &str) {
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn send(
    connector: &Connector<Body>,
    endpoints: &[Endpoint],
    method: Method,
    rest: &str,
) -> Result<Reply<Body>, Failure> {
    send_within(connector, endpoints, method, rest, None, Duration::from_secs(10)).await
}

async fn send_within(
    connector: &Connector<Body>,
    endpoints: &[Endpoint],
    method: Method,
    rest: &str,
    tls: Option<&Arc<TlsMaterial>>,
    limit: Duration,
) -> Result<Reply<Body>, Failure> {
    let again = (method == Method::GET).then(Body::default);
    let body = if again.is_some() { Body::default() } else { Body::from("abc") };
    let (head, ()) = Request::builder().method(method).body(()).unwrap().into_parts();
    let deadline = Deadline::new(Clock::system().instant(), limit);
    connector.send(Sending { endpoints, tls, head, rest, body, again, deadline }).await
}

async fn text(reply: Reply<Body>) -> String {
    String::from_utf8(reply.body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[test]
fn a_connection_is_kept_and_used_again() {
    talk(|| async {
        let (provider, connector) = (Provider::new().await, Connector::new(Clock::system()));
        let endpoints = [provider.endpoint()];
        let serve = async {
            let mut stream = provider.accept().await;
            let first = read_head(&mut stream).await;
            say(&mut stream, OK).await;
            let second = read_head(&mut stream).await;
            say(&mut stream, OK).await;
            (first, second, stream)
        };
        let call = async {
            let reply = send(&connector, &endpoints, Method::GET, "/a?b=%2F").await.unwrap();
            assert_eq!((reply.trace.attempts, reply.parts.status.as_u16()), (1, 200));
            assert_eq!(text(reply).await, "ok");
            text(send(&connector, &endpoints, Method::GET, "").await.unwrap()).await
        };
        let ((first, second, _stream), last) = tokio::join!(serve, call);
        let host = provider.listener.local_addr().unwrap();
        assert_eq!(first, format!("GET /a?b=%2F HTTP/1.1\r\nhost: {host}\r\n\r\n"));
        assert!(second.starts_with("GET / HTTP/1.1\r\n"), "{second}");
        assert_eq!(last, "ok");
    });
}

#[test]
fn the_endpoint_path_stands_before_the_rest() {
    let base = Endpoint::parse("http://h/base").unwrap();
    let bare = Endpoint::parse("http://h").unwrap();
    let table = [
        (&base, "/x?y", "/base/x?y"),
        (&base, "", "/base"),
        (&base, "?y", "/base?y"),
        (&bare, "", "/"),
        (&bare, "?y", "/?y"),
        (&bare, "/x%2Fy//z", "/x%2Fy//z"),
    ];
    for (endpoint, rest, target) in table {
        let mut request = Request::new(());
        crate::sending::aim(&mut request, endpoint, rest).unwrap();
        assert_eq!(request.uri().to_string(), target, "{rest}");
    }
}

#[test]
fn the_next_endpoint_is_tried_when_connecting_fails() {
    talk(|| async {
        let gone = Provider::new().await.endpoint();
        let (provider, connector) = (Provider::new().await, Connector::new(Clock::system()));
        let endpoints = [gone, provider.endpoint()];
        let serve = async {
            for _ in 0..2 {
                let mut stream = provider.accept().await;
                read_head(&mut stream).await;
                say(
                    &mut stream,
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
                )
                .await;
            }
        };
        let call = async {
            let first = send(&connector, &endpoints, Method::POST, "/").await.unwrap();
            assert_eq!(first.trace.attempts, 2, "the first endpoint refuses");
            text(first).await;
            let second = send(&connector, &endpoints, Method::POST, "/").await.unwrap();
            assert_eq!(second.trace.attempts, 1, "the one that refused is tried last");
            text(second).await;
        };
        tokio::join!(serve, call);
    });
}

#[test]
fn a_post_is_not_risked_on_a_connection_the_provider_has_closed() {
    talk(|| async {
        let (provider, connector) = (Provider::new().await, Connector::new(Clock::system()));
        let endpoints = [provider.endpoint()];
        let (closed, wait) = tokio::sync::oneshot::channel();
        let serve = async {
            let mut stream = provider.accept().await;
            read_head(&mut stream).await;
            say(&mut stream, OK).await;
            drop(stream);
            closed.send(()).unwrap();
            let mut stream = provider.accept().await;
            read_head(&mut stream).await;
            say(&mut stream, OK).await;
            stream
        };
        let call = async {
            text(send(&connector, &endpoints, Method::POST, "/").await.unwrap()).await;
            wait.await.unwrap();
            text(send(&connector, &endpoints, Method::POST, "/").await.unwrap()).await
        };
        let (_stream, last) = tokio::join!(serve, call);
        assert_eq!(last, "ok");
    });
}

/// The provider reads the second request on a kept connection and closes without a word.
async fn closes_on_second(provider: &Provider) {
    let mut stream = provider.accept().await;
    read_head(&mut stream).await;
    let mut body = [0; 3];
    let _ = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut body)).await;
    say(&mut stream, OK).await;
    read_head(&mut stream).await;
    drop(stream);
}

#[test]
fn a_get_goes_out_again_when_a_kept_connection_ends_without_a_word() {
    talk(|| async {
        let (provider, connector) = (Provider::new().await, Connector::new(Clock::system()));
        let endpoints = [provider.endpoint()];
        let serve = async {
            closes_on_second(&provider).await;
            let mut stream = provider.accept().await;
            read_head(&mut stream).await;
            say(&mut stream, OK).await;
            stream
        };
        let call = async {
            text(send(&connector, &endpoints, Method::GET, "/").await.unwrap()).await;
            let reply = send(&connector, &endpoints, Method::GET, "/").await.unwrap();
            assert_eq!(reply.trace.attempts, 2);
        };
        tokio::join!(serve, call);
    });
}

#[test]
fn a_post_never_goes_out_twice() {
    talk(|| async {
        let (provider, connector) = (Provider::new().await, Connector::new(Clock::system()));
        let endpoints = [provider.endpoint()];
        let call = async {
            text(send(&connector, &endpoints, Method::POST, "/").await.unwrap()).await;
            let failure = send(&connector, &endpoints, Method::POST, "/").await.err().unwrap();
            assert_eq!((failure.kind, failure.reached), (FailureKind::Broken, true));
            assert_eq!(failure.trace.attempts, 1);
        };
        tokio::join!(closes_on_second(&provider), call);
        let again = tokio::time::timeout(Duration::from_millis(50), provider.accept()).await;
        assert!(again.is_err(), "nothing more reaches the provider");
    });
}

#[test]
fn failures_tell_whether_the_provider_may_have_acted() {
    talk(|| async {
        let (provider, connector) = (Provider::new().await, Connector::new(Clock::system()));
        let endpoints = [provider.endpoint()];
        for (answer, kind) in [
            ("NOT HTTP AT ALL\r\n\r\n", FailureKind::Broken),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                FailureKind::Broken,
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-En", FailureKind::Broken),
        ] {
            let serve = async {
                let mut stream = provider.accept().await;
                read_head(&mut stream).await;
                say(&mut stream, answer).await;
            };
            let (failure, ()) =
                tokio::join!(send(&connector, &endpoints, Method::POST, "/"), serve);
            let failure = failure.err().unwrap_or_else(|| panic!("{answer}"));
            assert_eq!((failure.kind, failure.reached), (kind, true), "{answer}");
        }
        let limit = Duration::from_millis(50);
        let hang = send_within(&connector, &endpoints, Method::GET, "/", None, limit).await;
        let failure = hang.err().unwrap();
        assert_eq!((failure.kind, failure.reached), (FailureKind::Timeout, true));
        assert!(failure.trace.upstream_us >= 50_000 && failure.trace.forwarded_at.is_some());

        let gone = [Provider::new().await.endpoint()];
        let failure = send(&connector, &gone, Method::POST, "/").await.err().unwrap();
        assert_eq!((failure.kind, failure.reached), (FailureKind::Unreachable, false));
        assert_eq!(failure.trace.upstream, Some(gone[0].upstream.clone()));
    });
}

#[test]
fn tls_trusts_what_the_version_says_and_nothing_else() {
    talk(|| async {
        let issued = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
        let (chain, key) = (vec![issued.cert.der().clone()], issued.signing_key.serialize_der());
        let provider_crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider_crypto)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, rustls_pki_types::PrivatePkcs8KeyDer::from(key).into())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let (provider, connector) = (Provider::new().await, Connector::new(Clock::system()));
        let address = provider.listener.local_addr().unwrap();
        let endpoints = [Endpoint::parse(&format!("https://{address}")).unwrap()];
        let material = |ca: Option<String>| {
            let ca = ca.map(Into::into);
            Arc::new(TlsMaterial { ca, certificate: None, key: None })
        };
        let (trusted, strangers) = (material(Some(issued.cert.pem())), material(None));
        let serve = async {
            let mut stream = acceptor.accept(provider.accept().await).await.unwrap();
            read_head(&mut stream).await;
            say(&mut stream, OK).await;
            stream
        };
        let limit = Duration::from_secs(5);
        let call = send_within(&connector, &endpoints, Method::GET, "/", Some(&trusted), limit);
        let (_stream, reply) = tokio::join!(serve, call);
        assert_eq!(text(reply.unwrap()).await, "ok");

        let refuse = async { acceptor.accept(provider.accept().await).await.err() };
        let call = send_within(&connector, &endpoints, Method::GET, "/", Some(&strangers), limit);
        let (refused, failure) = tokio::join!(refuse, call);
        assert!(refused.is_some());
        let failure = failure.err().unwrap();
        assert_eq!((failure.kind, failure.reached), (FailureKind::Unreachable, false));
    });
}

#[test]
fn one_look_at_the_socket_sees_a_close_that_nobody_has_read_yet() {
    talk(|| async {
        let provider = Provider::new().await;
        let endpoint = provider.endpoint();
        let (socket, stream) = tokio::join!(Socket::connect(&endpoint), provider.accept());
        let socket = socket.unwrap();
        assert!(socket.is_quiet());
        drop(stream);
        socket.readable().await;
        assert!(!socket.is_quiet());
    });
}

#[test]
fn a_request_that_left_once_may_have_been_acted_on() {
    talk(|| async {
        let connector = Connector::new(Clock::system());
        let provider = Provider::new().await;
        let endpoints = [provider.endpoint()];
        let serve = async {
            closes_on_second(&provider).await;
            drop(provider);
        };
        let call = async {
            text(send(&connector, &endpoints, Method::GET, "/").await.unwrap()).await;
            let failure = send(&connector, &endpoints, Method::GET, "/").await.err().unwrap();
            assert!(failure.reached, "{failure:?}");
            assert_eq!(failure.trace.attempts, 2);
        };
        tokio::join!(serve, call);
    });
}

#[test]
fn a_sweep_closes_what_the_provider_has_closed() {
    talk(|| async {
        let (provider, connector) = (Provider::new().await, Connector::new(Clock::system()));
        let endpoints = [provider.endpoint()];
        let serve = async {
            let (mut first, mut second) = (provider.accept().await, provider.accept().await);
            for stream in [&mut first, &mut second] {
                read_head(stream).await;
            }
            for stream in [&mut first, &mut second] {
                say(stream, OK).await;
            }
        };
        let one =
            async { text(send(&connector, &endpoints, Method::GET, "/1").await.unwrap()).await };
        let two =
            async { text(send(&connector, &endpoints, Method::GET, "/2").await.unwrap()).await };
        tokio::join!(serve, one, two);
        while connector.idle_count() > 0 {
            tokio::task::yield_now().await;
            connector.sweep();
        }
    });
}
