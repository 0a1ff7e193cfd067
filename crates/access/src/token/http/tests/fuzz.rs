//! Whatever is sent to a token endpoint: it never panics, never fails, never gives a token to
//! someone without a secret.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use terms::environment::Environment::Live;

use crate::credential::Carry;
use crate::tests::{World, carry};

const FUZZ_TIME: Duration = Duration::from_secs(20);

const PATHS: [&str; 6] = [
    "/token",
    "/oauth2/token",
    "/revoke",
    "/introspect",
    "/.well-known/oauth-authorization-server",
    "/token?",
];
const METHODS: [&str; 4] = ["POST", "POST", "POST", "GET"];

/// Of the one credential there is; its consumer key is `k`.
const SECRET: &str = "5f2b9c1e8a7d40631c9e2f5b8d7a6e03";

/// Pieces of which requests are made; a byte beyond them stands for itself.
const PIECES: [&str; 40] = [
    "client_id",
    "client_secret",
    "grant_type",
    "token",
    "scope",
    "token_type_hint",
    "=",
    "&",
    "k",
    "%",
    "%00",
    "%ff",
    "%3D",
    "+",
    "client_credentials",
    "password",
    "{",
    "}",
    "\"",
    ":",
    ",",
    "[",
    "]",
    "null",
    "1e999",
    "\\u0000",
    "\\ud800",
    "true",
    "\r\n",
    "\0",
    "ế",
    "\u{feff}",
    "lg1.",
    "AAAAAAAAAAAAAAAA",
    "Basic ",
    "Bearer ",
    "azpz",
    "==",
    " ",
    SECRET,
];

fn text(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for byte in bytes {
        match PIECES.get(usize::from(*byte)) {
            Some(piece) => text.extend_from_slice(piece.as_bytes()),
            None => text.push(*byte),
        }
    }
    text
}

#[derive(Debug, bolero::TypeGenerator)]
struct Sent {
    path: u8,
    method: u8,
    query: Vec<u8>,
    header: Option<Vec<u8>>,
    is_basic: bool,
    kind: Option<Vec<u8>>,
    body: Vec<u8>,
}

fn request(sent: &Sent) -> Option<Request<Bytes>> {
    let path = PATHS[usize::from(sent.path) % PATHS.len()];
    let query: String = text(&sent.query)
        .into_iter()
        .filter(|b| b.is_ascii_graphic() && *b != b'#')
        .map(char::from)
        .collect();
    let mut request = Request::builder()
        .method(METHODS[usize::from(sent.method) % METHODS.len()])
        .uri(if sent.query.is_empty() { path.to_owned() } else { format!("{path}?{query}") });
    if let Some(header) = &sent.header {
        let text = text(header);
        let value = if sent.is_basic {
            format!("Basic {}", STANDARD.encode(text)).into_bytes()
        } else {
            text
        };
        request = request.header("authorization", value);
    }
    if let Some(kind) = &sent.kind {
        request = request.header("content-type", text(kind));
    }
    request.body(text(&sent.body).into()).ok()
}

#[test]
fn whatever_is_sent_is_answered() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let carried = runtime.block_on(world.carry(carry("fuzz", "k", SECRET)));
    assert_eq!(carried.unwrap(), Carry::Created);
    let world = AssertUnwindSafe((&runtime, &world));
    bolero::check!().with_type::<Sent>().with_test_time(FUZZ_TIME).for_each(|sent| {
        let (runtime, world) = *world;
        let Some(request) = request(sent) else { return };
        let is_metadata = request.uri().path().starts_with("/.well-known");
        let answer = runtime.block_on(world.send(request, Live, "192.0.2.1"));
        let refused = matches!(answer.status, 400 | 401 | 405 | 429);
        let proven = [Some(&sent.body), sent.header.as_ref()]
            .into_iter()
            .flatten()
            .any(|part| text(part).windows(SECRET.len()).any(|w| w == SECRET.as_bytes()));
        let served = answer.status == 200 && (is_metadata || proven);
        assert!(refused || served, "{}", answer.status);
    });
}
