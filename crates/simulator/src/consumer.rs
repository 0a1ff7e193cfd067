//! A consumer: single calls for a demo, and load for measuring; it fetches its own tokens.
//!
//! Speaks HTTP/1.1 with keep-alive, in clear (`http://` only).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use terms::clock::Clock;
use tokio::net::TcpStream;
use tokio::time::timeout_at;

mod load;
mod report;
#[cfg(test)]
mod tests;

pub use load::{Account, Pace, Settings, Shot, run};
pub use report::{Exchange, Latency, Report};

/// One request.
#[derive(Clone, Debug)]
pub struct Call {
    /// `http://HOST:PORT/path?query`, sent as it stands.
    pub url: String,
    /// Method.
    pub method: Method,
    /// Headers beside Host and Content-Length.
    pub headers: HeaderMap,
    /// Body; empty for none.
    pub body: Bytes,
    /// Everything, from connecting to the last byte, takes at most this long.
    pub timeout: Duration,
}

impl Call {
    /// A GET that may take 60 s.
    pub fn get(url: impl Into<String>) -> Call {
        Call {
            url: url.into(),
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: Duration::from_secs(60),
        }
    }

    /// A POST of `body` with its content type, otherwise like [`Call::get`].
    pub fn post(url: impl Into<String>, content_type: &str, body: impl Into<Bytes>) -> Call {
        let call = Call { method: Method::POST, body: body.into(), ..Call::get(url) };
        call.header("content-type", content_type)
    }

    /// Adds a header. A name or value that HTTP does not allow is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Call {
        let name = header::HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            self.headers.append(name, value);
        }
        self
    }

    /// Adds `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(self, token: &str) -> Call {
        self.header("authorization", &format!("Bearer {token}"))
    }
}

/// An answer, whole or cut.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, as far as it came.
    pub body: Bytes,
    /// Why it broke off before its promised end; `None` when it is whole.
    pub cut: Option<Failure>,
}

impl Reply {
    /// A header as text; `None` when absent or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The id the platform gave the exchange.
    pub fn exchange_id(&self) -> Option<&str> {
        self.header("exchange-id")
    }

    /// The code of a fault of the platform (`application/problem+json`); `None` for any other
    /// answer.
    pub fn fault(&self) -> Option<String> {
        if !self.header("content-type")?.starts_with("application/problem+json") {
            return None;
        }
        let problem: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        Some(problem.get("code")?.as_str()?.to_owned())
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Why there is no answer, or no whole one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Failure {
    /// The URL cannot be used: it must read `http://HOST[:PORT]/…`.
    Url,
    /// No connection.
    Connect(std::io::ErrorKind),
    /// The connection ended, or HTTP was broken, before the end.
    Broken(String),
    /// It took longer than the timeout.
    Timeout,
    /// The token endpoint gave no token: status and OAuth error.
    Token(u16, String),
}

impl Failure {
    /// One word for counting.
    pub fn word(&self) -> &'static str {
        match self {
            Failure::Url => "url",
            Failure::Connect(_) => "connect",
            Failure::Broken(_) => "broken",
            Failure::Timeout => "timeout",
            Failure::Token(..) => "token",
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Url => f.write_str("not a usable http URL"),
            Failure::Connect(kind) => write!(f, "no connection: {kind}"),
            Failure::Broken(reason) => write!(f, "broken off: {reason}"),
            Failure::Timeout => f.write_str("timed out"),
            Failure::Token(status, error) => write!(f, "no token: {status} {error}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Makes one call on a connection of its own.
pub async fn call(call: &Call) -> Result<Reply, Failure> {
    let deadline = tokio::time::Instant::from_std(Clock::system().instant()) + call.timeout;
    let target = Target::of(&call.url)?;
    let exchange = async {
        let mut line = target.connect().await?;
        converse(&mut line, &target, call, deadline).await
    };
    timeout_at(deadline, exchange).await.unwrap_or(Err(Failure::Timeout))
}

/// A token and how long it lives.
#[derive(Clone, Debug)]
pub struct Token {
    /// To be sent as Bearer.
    pub text: String,
    /// From its issue on.
    pub lifetime: Duration,
}

/// Fetches a token at `url` by client credentials with HTTP Basic (RFC 6749 §4.4).
pub async fn token(url: &str, account: &Account) -> Result<Token, Failure> {
    let pair = STANDARD.encode(format!("{}:{}", account.consumer_key, account.secret_key));
    let form = "application/x-www-form-urlencoded";
    let ask = Call::post(url, form, "grant_type=client_credentials")
        .header("authorization", &format!("Basic {pair}"));
    let reply = call(&ask).await?;
    let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let text = |name: &str| answer.get(name).and_then(|value| value.as_str());
    match text("access_token") {
        Some(token) if reply.status == StatusCode::OK => {
            let seconds = answer.get("expires_in").and_then(serde_json::Value::as_u64);
            Ok(Token {
                text: token.to_owned(),
                lifetime: Duration::from_secs(seconds.unwrap_or(0)),
            })
        }
        _ => {
            let error = text("error").unwrap_or("no answer of RFC 6749").to_owned();
            Err(Failure::Token(reply.status.as_u16(), error))
        }
    }
}

/// Where a URL leads.
#[derive(Clone, Debug)]
struct Target {
    /// `HOST:PORT`, to connect to.
    address: String,
    host: HeaderValue,
    /// Path and query.
    path: Uri,
}

impl Target {
    fn of(url: &str) -> Result<Target, Failure> {
        let uri: Uri = url.parse().map_err(|_| Failure::Url)?;
        let authority = uri.authority().ok_or(Failure::Url)?;
        if uri.scheme_str() != Some("http") {
            return Err(Failure::Url);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Target {
            address: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)),
            host: HeaderValue::try_from(authority.as_str()).map_err(|_| Failure::Url)?,
            path: path.parse().map_err(|_| Failure::Url)?,
        })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let stream = TcpStream::connect(&self.address).await;
        let stream = stream.map_err(|error| Failure::Connect(error.kind()))?;
        // Without the option small requests would wait for each other, nothing worse.
        let _ = stream.set_nodelay(true);
        let (line, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(async move {
            // How the connection ended is told by the calls on it.
            let _ = connection.await;
        });
        Ok(line)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: hyper::Error) -> Failure {
    Failure::Broken(error.to_string())
}

/// One call on an open connection. The body is read until it ends, breaks or the deadline passes:
/// what came of a cut answer is kept.
async fn converse(
    line: &mut SendRequest<Full<Bytes>>,
    target: &Target,
    call: &Call,
    deadline: tokio::time::Instant,
) -> Result<Reply, Failure> {
    let mut request = http::Request::new(Full::new(call.body.clone()));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = target.path.clone();
    *request.headers_mut() = call.headers.clone();
    request.headers_mut().entry(header::HOST).or_insert(target.host.clone());
    let head = async {
        line.ready().await.map_err(broken)?;
        line.send_request(request).await.map_err(broken)
    };
    let answer = timeout_at(deadline, head).await.map_err(|_| Failure::Timeout)??;
    let (head, mut rest) = answer.into_parts();
    let mut body = BytesMut::new();
    let cut = loop {
        match timeout_at(deadline, rest.frame()).await {
            Err(_) => break Some(Failure::Timeout),
            Ok(None) => break None,
            Ok(Some(Err(error))) => break Some(broken(error)),
            Ok(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    body.extend_from_slice(data);
                }
            }
        }
    };
    Ok(Reply { status: head.status, headers: head.headers, body: body.freeze(), cut })
}
