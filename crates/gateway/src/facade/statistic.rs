//! `/thong-ke`: figures of any period on demand (QCV-05). The platform keeps none of them: it asks
//! every registered source, adds up what came, and says of each source whether it answered.

mod period;
mod source;

use std::rc::Rc;
use std::sync::Arc;

use ::packet::statistic::add;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use http::{HeaderValue, response};
use registry::service::{STATISTICS, STATISTICS_VERSION};
use registry::{Grant, Route};
use serde_json::{Map, Value, json};
use terms::code::ServiceCode;
use terms::deadline::Deadline;
use terms::environment::Environment;
use terms::fault::{Fault, FaultCode, Language, Sentence};
use terms::limit::{STATISTIC_FACTS_TIMEOUT, STATISTIC_SOURCE_TIMEOUT};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::own;
use crate::fault;
use crate::lane::Lane;
use crate::permit;
use crate::record::{Arrival, Record};
use crate::reply::Held;

use period::Question;
use source::{Answered, Source, State};

/// Answers with the sum of all sources.
pub(super) async fn answer(
    lane: &Rc<Lane>,
    record: &mut Record,
    arrival: Arrival,
    head: &Parts,
) -> Result<(response::Parts, Held), Fault> {
    let grant = grant(lane, record, arrival, head)?;
    let now = record.opened_at();
    let limits = &mut record.context.limits;
    let admission = lane.counts.admit(&lane.meters, &grant, now, limits)?;
    let begun = Question::read(head.uri.query().unwrap_or_default())
        .and_then(|question| record.begin().map(|()| question));
    let question = match begun {
        Ok(question) => question,
        Err(fault) => {
            admission.withdraw();
            return Err(fault);
        }
    };
    record.admission = Some(admission);
    let consumer = lane.consumer(grant.system());
    let facts = match arrival.environment {
        Environment::Live => kept(lane, record, &question).await,
        // facts are of the live environment only
        Environment::Trial => None,
    };
    let answered = match facts {
        Some(figures) => vec![Answered { name: KEPT.into(), state: State::Ok(figures) }],
        None => {
            let asked = ask_all(lane, record, arrival, (&question, consumer)).await;
            or_lacking(asked, lane.shared.desk.is_some())
        }
    };
    let language = fault::language(head.headers.get(ACCEPT_LANGUAGE));
    own::answer(record, tell(&answered, language)).await
}

/// The caller holds a subscription to the platform's own service, like to any other.
fn grant(lane: &Lane, record: &mut Record, arrival: Arrival, head: &Parts) -> Result<Grant, Fault> {
    let catalogue = lane.shared.registry.current();
    let service = catalogue.service(&ServiceCode::known(STATISTICS)).cloned();
    let service = service.ok_or(FaultCode::NoSuchRoute)?;
    record.note_service(&service);
    let version = service.versions.iter().find(|v| v.name.as_str() == STATISTICS_VERSION).cloned();
    let version = version.ok_or(FaultCode::NoSuchRoute)?;
    record.note_version(&version);
    let caller = permit::verify(lane, head, arrival.environment)?;
    let system = permit::find_system(&catalogue, &caller)?;
    record.note_caller(&caller, system);
    permit::check_address(system, arrival.client)?;
    let route = Route { service, version, rest: "" };
    let granted = catalogue.grant(&caller, &route, &head.method);
    record.context.allow = permit::allow(&route, granted.as_ref().err());
    granted
}

/// The name under which facts that the platform keeps itself stand among the sources.
const KEPT: &str = "lgsp";

/// The figures from kept facts, where those are kept and cover the period: then the sources are not
/// asked, since they would tell of the same dossiers.
async fn kept(lane: &Lane, record: &Record, question: &Question) -> Option<Map<String, Value>> {
    let desk = lane.shared.desk.as_ref()?;
    let period = dossier::Period::new(question.from, question.to)?;
    let limit = record.due(STATISTIC_FACTS_TIMEOUT);
    let figures = desk.figures(period, question.unit.clone());
    match timeout_at(limit.at().into(), figures).await {
        Ok(Ok(figures)) => Some(figures.to_map()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "kept facts give no figures: the sources are asked");
            None
        }
        Err(_) => {
            tracing::warn!("kept facts give no figures in time: the sources are asked");
            None
        }
    }
}

/// Where nobody could be asked, the facts that are kept and lack something are what is missing.
fn or_lacking(asked: Vec<Answered>, keeps_facts: bool) -> Vec<Answered> {
    if asked.is_empty() && keeps_facts {
        return vec![Answered { name: KEPT.into(), state: State::Missing }];
    }
    asked
}

/// Asks every source at once; each has its own row.
async fn ask_all(
    lane: &Rc<Lane>,
    record: &Record,
    arrival: Arrival,
    (question, consumer): (&Question, HeaderValue),
) -> Vec<Answered> {
    let now = lane.shared.clock.instant();
    let deadline = record.due(STATISTIC_SOURCE_TIMEOUT);
    let (mut asked, mut names) = (JoinSet::new(), Vec::new());
    for (service, version) in lane.shared.registry.current().statistics(arrival.environment) {
        let source = Source {
            service: service.clone(),
            version: version.clone(),
            leg: record.leg(service, version),
            environment: arrival.environment,
            consumer: consumer.clone(),
            rest: question.rest(),
            deadline: version.timeout.map_or(deadline, |limit| deadline.within(now, limit)),
        };
        names.push(source.service.code.text());
        asked.spawn_local(source.ask(lane.clone()));
    }
    gather(asked, names, record.deadline()).await
}

/// What each of `names` said by the deadline of the call. A source keeps its own time, but its row
/// may wait for the disk: what is left then is late, and its leg is dropped, which closes its row.
async fn gather(
    mut asked: JoinSet<Answered>,
    names: Vec<Arc<str>>,
    deadline: Deadline,
) -> Vec<Answered> {
    let mut answered: Vec<Answered> = Vec::new();
    let unheard = loop {
        match timeout_at(deadline.at().into(), asked.join_next()).await {
            Ok(Some(one)) => answered.extend(one),
            // a task that broke has written its row; its source is missing from the sum
            Ok(None) => break State::Missing,
            Err(_) => break State::Late,
        }
    };
    for name in names {
        if answered.iter().all(|one| one.name != name) {
            answered.push(Answered { name, state: unheard.clone() });
        }
    }
    answered.sort_by(|a, b| a.name.cmp(&b.name));
    answered
}

/// What came out, in words: `silent` names the sources that gave nothing.
fn message(came: bool, silent: &str) -> Sentence {
    match (came, silent.is_empty()) {
        (true, true) => Sentence::new("Thành công", "Success"),
        (true, false) => Sentence::made(
            format!("Thành công một phần; thiếu số liệu của: {silent}"),
            format!("Partial success; no figures from: {silent}"),
        ),
        (false, false) => Sentence::made(
            format!("Không nguồn nào có số liệu: {silent}"),
            format!("No source has figures: {silent}"),
        ),
        (false, true) => Sentence::new(
            "Chưa có nguồn thống kê nào được đăng ký",
            "No source of statistics is registered",
        ),
    }
}

/// The answer in JSON: the sum of what came, and what each source gave. A source that gave nothing
/// is named; nothing is guessed for it.
fn tell(answered: &[Answered], language: Language) -> String {
    let (mut parts, mut silent) = (Vec::new(), Vec::new());
    let mut sources = Vec::new();
    for Answered { name, state } in answered {
        let (word, result) = match state {
            State::Ok(figures) => {
                parts.push(figures.clone());
                ("ok", Value::Object(figures.clone()))
            }
            State::Missing => ("missing", Value::Null),
            State::Late => ("late", Value::Null),
        };
        if result.is_null() {
            silent.push(&**name);
        }
        sources.push(json!({ "system": &**name, "state": word, "result": result }));
    }
    let message = message(!parts.is_empty(), &silent.join(", "));
    let error_code = if parts.is_empty() { -1 } else { 0 };
    let result = add(&parts);
    let told = [
        ("error_code", json!(error_code)),
        ("message", json!(message.text(language))),
        ("result", Value::Object(if parts.is_empty() { Map::new() } else { result })),
        ("sources", Value::Array(sources)),
    ];
    // written member by member: the order is the one that is documented
    let members: Vec<String> =
        told.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests;
