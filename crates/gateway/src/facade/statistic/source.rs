//! One source of figures: asked by a call of its own, recorded as a leg of the call it belongs to.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use connector::{FailureKind, Reply, Sending};
use http::request::Parts;
use http::{HeaderValue, Request};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use packet::FormFault;
use registry::{Service, Version};
use serde_json::{Map, Value};
use terms::deadline::Deadline;
use terms::environment::Environment;
use terms::fault::{Fault, FaultCode};
use terms::limit::STATISTIC_ANSWER_MAX;
use tokio::time::timeout_at;

use crate::body::RequestBody;
use crate::header::{self, Outward};
use crate::lane::Lane;
use crate::record::Record;
use crate::reply;

/// A source with all that is needed to ask it.
pub(super) struct Source {
    pub(super) service: Arc<Service>,
    pub(super) version: Arc<Version>,
    pub(super) leg: Box<Record>,
    pub(super) environment: Environment,
    /// Who asked us.
    pub(super) consumer: HeaderValue,
    /// The question.
    pub(super) rest: String,
    pub(super) deadline: Deadline,
}

/// How a source answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answered {
    /// The service's code.
    pub(super) name: Arc<str>,
    pub(super) state: State,
}

/// The state of a source in the answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// It answered with these figures.
    Ok(Map<String, Value>),
    /// It cannot be reached, or what it says is no answer.
    Missing,
    /// It did not answer in time.
    Late,
}

impl Source {
    /// Asks it. Never fails: what is wrong is its state.
    pub(super) async fn ask(mut self, lane: Rc<Lane>) -> Answered {
        let name = self.service.code.text();
        let state = match self.fetch(&lane).await {
            Ok(body) => match read(&body) {
                Ok(Some(figures)) => State::Ok(figures),
                Ok(None) => State::Missing,
                Err(fault) => {
                    // the name that stands twice is the source's own, and may be a person's
                    tracing::warn!(event = "statistics_unclear", source = %name,
                        rule = %fault.rule, offset = fault.offset,
                        "a source's figures could be read in two ways");
                    State::Missing
                }
            },
            Err(fault) => {
                let state = match fault.code {
                    FaultCode::ProviderTimeout => State::Late,
                    _ => State::Missing,
                };
                drop(self.leg.refuse(fault).await);
                state
            }
        };
        Answered { name, state }
    }

    /// The answer's body, its row durable.
    async fn fetch(&mut self, lane: &Lane) -> Result<Bytes, Fault> {
        self.leg.begin()?;
        let endpoints = self.version.endpoints(self.environment);
        self.leg.note_leaving(endpoints, lane.shared.clock.now());
        let sending = Sending {
            endpoints,
            tls: self.version.tls.as_ref(),
            head: self.head(lane),
            rest: &self.rest,
            body: RequestBody::EMPTY,
            again: Some(RequestBody::EMPTY),
            deadline: self.deadline,
        };
        let reply = match lane.connector.send(sending).await {
            Ok(reply) => reply,
            Err(failure) => {
                self.leg.note_trace(failure.trace);
                let code = match failure.kind {
                    FailureKind::Timeout => FaultCode::ProviderTimeout,
                    FailureKind::Unreachable => FaultCode::ProviderUnreachable,
                    FailureKind::Broken => FaultCode::ProviderError,
                };
                return Err(Fault::new(code).after_sending(failure.reached, true));
            }
        };
        let Reply { parts, mut body, trace, answered_at, .. } = reply;
        self.leg.note_answer(&parts, answered_at);
        self.leg.note_trace(trace);
        self.leg.note_status(parts.status);
        let broken = || Fault::new(FaultCode::ProviderError).after_sending(true, true);
        let mut read = BytesMut::new();
        while !body.is_end_stream() {
            let frame = timeout_at(self.deadline.at().into(), body.frame()).await;
            let late = |_| Fault::new(FaultCode::ProviderTimeout).after_sending(true, true);
            match frame.map_err(late)? {
                None => break,
                Some(Err(_)) => return Err(broken()),
                Some(Ok(frame)) => {
                    read.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()))
                }
            }
            if read.len() > STATISTIC_ANSWER_MAX {
                return Err(broken());
            }
        }
        let read = read.freeze();
        reply::release(&mut self.leg, &VecDeque::from([read.clone()])).await?;
        // an answer all the same, and recorded as one
        Ok(if parts.status.is_success() { read } else { Bytes::new() })
    }

    fn head(&self, lane: &Lane) -> Parts {
        let (mut head, ()) = Request::new(()).into_parts();
        let outward = Outward {
            exchange: &header::exchange_id(self.leg.id()),
            id: self.leg.id(),
            consumer: &self.consumer,
            via: &lane.via,
            credential: self.version.auth.as_ref().map(|auth| (&auth.name, &auth.value)),
        };
        header::turn_outward(&mut head, &outward);
        head
    }
}

/// The figures in an answer: an object of them, or a list of such objects, by itself or as `result`
/// or `data`; `None` when there are none, or an error is told. A fault when a name stands twice, in
/// whatever case: nobody knows which of the two figures holds.
pub(super) fn read(body: &[u8]) -> Result<Option<Map<String, Value>>, FormFault> {
    let Ok(value) = serde_json::from_slice(body) else { return Ok(None) };
    match packet::statistic::fault(body) {
        Some(fault) => Err(fault),
        None => Ok(figures(value)),
    }
}

fn figures(mut value: Value) -> Option<Map<String, Value>> {
    if let Some(object) = value.as_object_mut() {
        let failed = |code: &Value| match code {
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => text.trim().parse() != Ok(0),
            _ => true,
        };
        if object.get("error_code").is_some_and(failed) {
            return None;
        }
        let inner = ["result", "data"].into_iter().find_map(|name| object.remove(name));
        value = inner.unwrap_or(value);
    }
    let maps: Vec<Map<String, Value>> = match value {
        Value::Object(figures) => vec![figures],
        Value::Array(list) => list
            .into_iter()
            .map(|item| match item {
                Value::Object(figures) => Some(figures),
                _ => None,
            })
            .collect::<Option<_>>()?,
        _ => return None,
    };
    Some(packet::statistic::add(&maps)).filter(|figures| !figures.is_empty())
}

#[cfg(test)]
mod tests;
