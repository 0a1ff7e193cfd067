//! What the portal calls at the province: inbound deliveries on the adapter path, and statistics.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use terms::clock::{Clock, Timestamp};

use crate::consumer::{self, Account, Call, Failure, Reply};

/// One call may take this long: what the national side gives a province (QCV-05), and some more,
/// so that a late answer is seen as late.
const TIMEOUT: Duration = Duration::from_secs(40);

/// The province as the portal sees it. Bases are `http://HOST:PORT[/path]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Province {
    /// Base of the listener for calls from the national side.
    pub inbound: Option<String>,
    /// Base of `/token` and `/thong-ke`.
    pub live: Option<String>,
    /// The portal's own key there: consumer key and secret.
    pub key: Option<Key>,
    /// `dstcode` sent to the province.
    pub destination: Option<String>,
}

/// A key for the province's `/token`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Consumer key.
    pub consumer_key: String,
    /// Secret key; never told again.
    #[serde(skip_serializing)]
    pub secret_key: String,
}

/// A call to the province's inbound listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The end of the path: `nhanhsdvcqg`, `nhantbthuedvcqg`, `addtthcKhuyenMai`, or any other.
    pub service: String,
    /// What stands between base and service.
    #[serde(default)]
    pub via: Via,
    /// The body; absent, a synthetic one.
    #[serde(default)]
    pub body: Option<Box<serde_json::value::RawValue>>,
}

/// A file to be fetched from the province's inbound listener.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The end of the path: `downloadfile/…`.
    pub path: String,
    /// What stands between base and path.
    #[serde(default)]
    pub via: Via,
}

/// The path of an adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Via {
    /// `/XrdAdapter/RestService/forward/`
    #[default]
    XrdAdapter,
    /// `/VXPAdapter/RestService/forward/`
    #[serde(rename = "VXPAdapter")]
    VxpAdapter,
    /// `/web/guest/XrdAdapter/RestService/forward/`
    WebGuest,
    /// `/`
    Direct,
}

impl Via {
    fn path(self) -> &'static str {
        match self {
            Via::XrdAdapter => "/XrdAdapter/RestService/forward/",
            Via::VxpAdapter => "/VXPAdapter/RestService/forward/",
            Via::WebGuest => "/web/guest/XrdAdapter/RestService/forward/",
            Via::Direct => "/",
        }
    }
}

/// A question for statistics: `GET /thong-ke`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// First day, `YYYY-MM-DD` or `yyyyMMdd`, sent as it stands.
    #[serde(rename = "tu")]
    pub from: String,
    /// Last day, included.
    #[serde(rename = "den")]
    pub until: String,
    /// Unit; absent for all.
    #[serde(default, rename = "donvi")]
    pub unit: Option<String>,
}

/// A call that the portal made, and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// When it was sent.
    pub at: Timestamp,
    /// Where to.
    pub url: String,
    /// The body sent; empty for none.
    #[serde(serialize_with = "as_text")]
    pub sent: Bytes,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Status; `None` when no answer came.
    pub status: Option<u16>,
    /// The answer's body, as far as it came.
    #[serde(serialize_with = "as_text")]
    pub answer: Bytes,
    /// What went wrong on the way; `None` when a whole answer came.
    pub failure: Option<String>,
}

fn as_text<S: serde::Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

impl Made {
    /// Did the province answer 200 with `error_code` 0, in any of its forms?
    pub fn is_success(&self) -> bool {
        #[derive(Deserialize)]
        struct Told {
            error_code: super::Code,
        }
        let told = serde_json::from_slice::<Told>(&self.answer).ok();
        let zero = told.is_some_and(|told| told.error_code.to_string().parse() == Ok(0));
        zero && self.status == Some(200) && self.failure.is_none()
    }
}

impl Province {
    /// Delivers to the inbound listener. Waits for the answer, at most 40 s.
    pub(super) async fn deliver(&self, clock: &Clock, delivery: &Delivery) -> Made {
        let url = self.inbound_url(delivery.via, &delivery.service);
        let body = match &delivery.body {
            Some(body) => body.get().to_owned(),
            None => super::synthetic::delivery(&delivery.service, clock.now()),
        };
        let call = Call::post(url, "application/json", body).header("accept", "application/json");
        make(clock, self.destined(call).header("charset", "utf-8")).await
    }

    /// Fetches a file from the inbound listener.
    pub(super) async fn fetch(&self, clock: &Clock, file: &File) -> Made {
        let url = self.inbound_url(file.via, &file.path);
        make(clock, self.destined(Call::get(url))).await
    }

    fn inbound_url(&self, via: Via, path: &str) -> String {
        let base = self.inbound.as_deref().unwrap_or_default().trim_end_matches('/');
        format!("{base}{}{path}", via.path())
    }

    fn destined(&self, call: Call) -> Call {
        match &self.destination {
            Some(destination) => call.header("dstcode", destination),
            None => call,
        }
    }

    /// Fetches a token with the portal's key and asks for statistics.
    pub(super) async fn ask(&self, clock: &Clock, question: &Question) -> Made {
        let base = self.live.as_deref().unwrap_or_default().trim_end_matches('/');
        let mut url = format!("{base}/thong-ke?tu={}&den={}", question.from, question.until);
        if let Some(unit) = &question.unit {
            url.push_str("&donvi=");
            url.push_str(unit);
        }
        let mut call = Call::get(url);
        if let Some(key) = &self.key {
            let account = Account {
                consumer_key: key.consumer_key.clone(),
                secret_key: key.secret_key.clone(),
            };
            match consumer::token(&format!("{base}/token"), &account).await {
                Ok(token) => call = call.bearer(&token.text),
                Err(failure) => return told(clock.now(), 0, &call, Err(failure)),
            }
        }
        make(clock, call).await
    }
}

async fn make(clock: &Clock, call: Call) -> Made {
    let call = Call { timeout: TIMEOUT, ..call };
    let (at, began) = (clock.now(), clock.instant());
    let reply = consumer::call(&call).await;
    let took = clock.instant().saturating_duration_since(began).as_millis();
    told(at, u64::try_from(took).unwrap_or(u64::MAX), &call, reply)
}

fn told(at: Timestamp, took_ms: u64, call: &Call, reply: Result<Reply, Failure>) -> Made {
    let (status, answer, failure) = match reply {
        Ok(reply) => {
            let cut = reply.cut.map(|cut| cut.to_string());
            (Some(reply.status.as_u16()), reply.body, cut)
        }
        Err(failure) => (None, Bytes::new(), Some(failure.to_string())),
    };
    Made { at, url: call.url.clone(), sent: call.body.clone(), took_ms, status, answer, failure }
}
