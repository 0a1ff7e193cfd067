//! Shared by the floors: the least that a gateway must do for a call. Check an HS256 token and its
//! claims, look up the subscription, count against a rate, write one buffered log line.
use base64::{engine::general_purpose::URL_SAFE_NO_PAD as BASE64, Engine};
use ring::hmac;
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{BufWriter, Write},
    sync::Mutex,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub struct Job {
    /// Off: everything is proxied.
    pub on: bool,
    key: hmac::Key,
    rate: u32,
    subscriptions: HashMap<String, HashSet<String>>,
    state: Mutex<State>,
}

struct State {
    second: u64,
    counts: HashMap<String, u32>,
    log: BufWriter<File>,
    flushed: u64,
    sequence: u64,
}

#[derive(serde::Deserialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    exp: u64,
    #[serde(default)]
    nbf: u64,
}

#[derive(serde::Deserialize)]
struct Head<'a> {
    alg: &'a str,
}

pub fn env(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.into())
}

pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

impl Job {
    pub fn load() -> Job {
        let gen = env("GEN", "/tmp/benchwork/gen");
        let read = |name: &str| std::fs::read_to_string(format!("{gen}/{name}")).unwrap();
        let subscriptions = read("subs.txt")
            .lines()
            .map(|line| {
                let (consumer, services) = line.split_once(' ').unwrap();
                (consumer.to_string(), services.split(',').map(String::from).collect())
            })
            .collect();
        let log = File::create(env("RUN", "/tmp") + "/access.log").unwrap();
        Job {
            on: env("MODE", "plain") == "gw",
            key: hmac::Key::new(hmac::HMAC_SHA256, read("secret.txt").as_bytes()),
            rate: env("RL", "1000000").parse().unwrap(),
            subscriptions,
            state: Mutex::new(State {
                second: 0,
                counts: HashMap::new(),
                log: BufWriter::with_capacity(65536, log),
                flushed: 0,
                sequence: 0,
            }),
        }
    }

    /// The consumer, or the status to answer.
    pub fn admit(&self, authorization: Option<&[u8]>, path: &str) -> Result<String, u16> {
        let token = authorization
            .and_then(|value| value.strip_prefix(b"Bearer "))
            .and_then(|token| std::str::from_utf8(token).ok())
            .ok_or(401_u16)?;
        let second = now().as_secs();
        let consumer = self.verify(token, second).ok_or(401_u16)?;
        let service = path.trim_start_matches('/').split('/').next().unwrap_or("");
        if !self.subscriptions.get(&consumer).is_some_and(|of| of.contains(service)) {
            return Err(403);
        }
        let mut state = self.state.lock().unwrap();
        if state.second != second {
            state.second = second;
            state.counts.values_mut().for_each(|count| *count = 0);
        }
        if let Some(count) = state.counts.get_mut(&consumer) {
            *count += 1;
            if *count > self.rate {
                return Err(429);
            }
        } else {
            state.counts.insert(consumer.clone(), 1);
        }
        Ok(consumer)
    }

    fn verify(&self, token: &str, second: u64) -> Option<String> {
        let (text, tag) = token.rsplit_once('.')?;
        let (head, claims) = text.split_once('.')?;
        let (mut heads, mut tags, mut bodies) = ([0_u8; 256], [0_u8; 256], [0_u8; 2048]);
        let length = BASE64.decode_slice(head, &mut heads).ok()?;
        let head: Head = serde_json::from_slice(&heads[..length]).ok()?;
        if head.alg != "HS256" {
            return None;
        }
        let length = BASE64.decode_slice(tag, &mut tags).ok()?;
        hmac::verify(&self.key, text.as_bytes(), &tags[..length]).ok()?;
        let length = BASE64.decode_slice(claims, &mut bodies).ok()?;
        let claims: Claims = serde_json::from_slice(&bodies[..length]).ok()?;
        let holds = claims.iss == "lgsp-bench"
            && claims.aud == "lgsp"
            && claims.exp >= second
            && claims.nbf <= second;
        holds.then_some(claims.sub)
    }

    pub fn log(
        &self,
        who: &str,
        method: &str,
        path: &str,
        status: u16,
        bytes: u64,
        began: Instant,
    ) {
        let at = now();
        let mut state = self.state.lock().unwrap();
        state.sequence += 1;
        let (sequence, took) = (state.sequence, began.elapsed().as_micros());
        let (seconds, millis) = (at.as_secs(), at.subsec_millis());
        let _ = writeln!(
            state.log,
            "{seconds}.{millis:03} {sequence:016x} {who} {method} {path} {status} {bytes} {took}"
        );
        if state.flushed != seconds {
            state.flushed = seconds;
            let _ = state.log.flush();
        }
    }

    pub fn flush(&self) {
        let _ = self.state.lock().unwrap().log.flush();
    }
}
