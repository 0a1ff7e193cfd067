//! The dialects of the field. A façade is a decision: it finds in a request what the path and the
//! header of a plain call say, and makes an [`Errand`] of it. From there on there is one life for
//! all calls ([`crate::call::travel`]).

pub(crate) mod destination;
pub(crate) mod dialect;
mod dry_run;
mod kept;
mod named;
mod operation;
mod own;
mod packet;
mod plain;
mod statistic;
mod whole;

use std::borrow::Cow;
use std::rc::Rc;

use ::packet::{FormFault, Mode};
use access::token::Caller;
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Uri, response};
use hyper::body::Incoming;
use registry::system::Errors;
use registry::{Catalogue, Grant, Route, Service};
use terms::code::SystemCode;
use terms::exchange::Facade;
use terms::fault::{Fault, FaultCode, Sentence};
use terms::limit;

use crate::call::{self, Errand};
use crate::fault::legacy;
use crate::form::{self, Form};
use crate::lane::Lane;
use crate::peer::Peer;
use crate::permit;
use crate::record::{Arrival, Record};
use crate::reply::Held;

use destination::Words;
pub(crate) use dialect::Dialect;
pub(crate) use kept::Kept;
pub(crate) use operation::Operation;
pub(crate) use packet::{Look, Naming, inspect};
pub(crate) use plain::look as look_plain;
use whole::Seen;
pub(crate) use whole::{Cargo, Whole};

/// Where the façades stand.
#[derive(Clone, Debug)]
pub struct Facades {
    /// Paths of the session protocol's login.
    pub login: Vec<String>,
    /// Paths of the session protocol's calls.
    pub data: Vec<String>,
    /// Prefixes besides `/packets` under which each packet has a path.
    pub packet: Vec<String>,
    /// Destination of a call that names none; without it the one service that is a portal.
    pub destination: Option<String>,
}

impl Default for Facades {
    fn default() -> Facades {
        Facades {
            login: vec![terms::portal::LOGIN_PATH.to_owned()],
            data: vec![terms::portal::DATA_PATH.to_owned()],
            packet: Vec::new(),
            destination: None,
        }
    }
}

impl Facades {
    /// Does one of them stand where a service could stand, so that every path must be compared?
    pub(crate) fn are_elsewhere(&self) -> bool {
        let all = self.login.iter().chain(&self.data).chain(&self.packet);
        let first = |path: &String| path.split('/').find(|s| !s.is_empty()).map(str::to_owned);
        all.filter_map(first).any(|first| !dialect::FIRST.contains(&first.as_str()))
    }
}

/// The listener for calls of the national side: no token comes there, the listener itself belongs
/// to one system, whose registered addresses are let in and nobody else's.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// In whose name the national side calls.
    pub system: SystemCode,
    /// Destination of a call that names none.
    pub destination: Option<String>,
}

/// A request that came in a dialect.
pub(crate) struct Request {
    pub(crate) dialect: Dialect,
    pub(crate) head: Parts,
    pub(crate) body: Incoming,
}

/// What is decided before the catalogue is asked: who calls, and what of the body had to be read to
/// know it.
struct Known<'a> {
    caller: Caller,
    cargo: Cargo<'a>,
}

/// Carries a call that is not a plain one.
pub(crate) async fn carry(
    lane: &Rc<Lane>,
    peer: &Peer,
    record: &mut Record,
    arrival: Arrival,
    request: Request,
) -> Result<(response::Parts, Held), Fault> {
    let Request { dialect, head, body } = request;
    record.note_facade(dialect.facade());
    record.context.errors = errors(&dialect, peer);
    record.context.xml = legacy::wants_xml(&head.headers);
    let form = form::check(&head)?;
    permit::check_loop(lane, &head)?;
    match &dialect {
        Dialect::Statistic => return statistic::answer(lane, record, arrival, &head).await,
        Dialect::Packet { name, check: true } => {
            let name = head.uri.path()[name.clone()].to_owned();
            return dry_run::check(lane, record, arrival, head, body, &name).await;
        }
        _ => {}
    }
    let text;
    let known = if peer.inbound {
        let caller = vouched(lane, arrival)?;
        Known { caller, cargo: Cargo::Coming(body) }
    } else if !dialect.has_session() || permit::has_bearer(&head.headers) {
        let caller = permit::verify(lane, &head, arrival.environment)?;
        Known { caller, cargo: Cargo::Coming(body) }
    } else {
        let mut room = lane.room.enter_unknown(arrival.client);
        text = whole::read(record, body, limit::BODY_MAX, &mut room).await?;
        let seen = Seen::read(&text).map_err(|fault| unread(&dialect, &fault))?;
        let session = seen.envelope.session().ok_or(FaultCode::TokenMissing)?;
        let caller = lane.shared.access.verify(session, arrival.environment);
        let caller = caller.map_err(access::token::TokenFault::code)?;
        room.admit(caller.system())?;
        Known { caller, cargo: Cargo::Whole(Whole::seen(text.clone(), seen, room)) }
    };
    let errand = decide(lane, record, arrival, (&dialect, form, peer.inbound), head, known)?;
    call::travel(lane, peer, record, errand).await
}

/// A body in which no session can be read: where one belongs, the body is wrong; elsewhere no token
/// came.
fn unread(dialect: &Dialect, fault: &FormFault) -> Fault {
    match dialect {
        Dialect::Adapter { data: false, .. } => FaultCode::TokenMissing.into(),
        _ => packet::malformed(fault),
    }
}

/// How faults are told as long as it is not known who calls.
fn errors(dialect: &Dialect, peer: &Peer) -> Errors {
    let old = match dialect {
        Dialect::Login(_) | Dialect::Portal => true,
        Dialect::Adapter { data, .. } => *data || peer.inbound,
        Dialect::Packet { .. } | Dialect::Statistic => false,
    };
    if old { Errors::Legacy } else { Errors::Modern }
}

/// In whose name the national side calls. Nothing but its address speaks for it, so a system
/// without registered addresses is nobody's.
fn vouched(lane: &Lane, arrival: Arrival) -> Result<Caller, FaultCode> {
    let inbound = lane.shared.settings.inbound.as_ref().ok_or(FaultCode::TokenInvalid)?;
    let catalogue = lane.shared.registry.current();
    let system = catalogue.system(&inbound.system).filter(|system| system.active);
    let system = system.ok_or(FaultCode::TokenInvalid)?;
    if system.addresses.is_empty() {
        return Err(FaultCode::AddressRefused);
    }
    permit::check_address(system, arrival.client)?;
    let caller = lane.shared.access.vouch(&system.code, arrival.environment);
    caller.ok_or(FaultCode::TokenInvalid)
}

/// Makes of a request what a plain call is by itself: route, grant, and the head as it goes on.
fn decide<'a>(
    lane: &Lane,
    record: &mut Record,
    arrival: Arrival,
    (dialect, form, inbound): (&Dialect, Form, bool),
    mut head: Parts,
    known: Known<'a>,
) -> Result<Errand<'a>, Fault> {
    let Known { caller, cargo } = known;
    let catalogue = lane.shared.registry.current();
    let system = permit::find_system(&catalogue, &caller)?;
    record.note_caller(&caller, system);
    permit::check_address(system, arrival.client)?;
    let query = head.uri.query().unwrap_or_default();
    destination::check_path(head.uri.path())?;
    let named = destination::read(&head.headers, query, Words::Facade)?;
    let service = find_service(lane, &catalogue, named.destination.as_deref(), inbound)?;
    record.note_service(service);
    let version = catalogue.newest(&caller, service, arrival.environment);
    let version = version.ok_or(FaultCode::NotSubscribed)?;
    let route = Route { service: service.clone(), version: version.clone(), rest: "" };
    record.note_route(&route);
    permit::check_encoded_slash(form, Some(&route))?;
    let is_portal = version.portal.is_some();
    // our own session in the body would reach a provider that is given the body as it is
    if matches!(cargo, Cargo::Whole(_)) && !is_portal {
        return Err(FaultCode::TokenMissing.into());
    }
    // whatever the method here, the portal is asked by POST: what is granted must be that
    let method = if is_portal { Method::POST } else { head.method.clone() };
    let granted = catalogue.grant(&caller, &route, &method);
    record.context.allow = permit::allow(&route, granted.as_ref().err());
    let grant = granted?;
    let endpoints = version.endpoints(arrival.environment);
    destination::check_provider(&named, endpoints)?;

    let limited = is_limited(&grant);
    let look = look(dialect, &head, is_portal, limited)?;
    if limited && !is_portal {
        operation::check_query(grant.subscription(), head.uri.query().unwrap_or_default())?;
        check_coding(&head)?;
    }
    if matches!(look, Look::Login) {
        // nobody's account of the national side is anything to us unless it was agreed upon
        if inbound && !grant.subscription().admits(operation::of_login(&head)) {
            return Err(FaultCode::NotSubscribed.into());
        }
    } else if look.is_nothing() {
        let named = operation::of_adapter(dialect, &head);
        let (tables, on) = (lane.shared.tables.load(), packet::today(lane, record));
        let subscription = grant.subscription();
        record.note_operation(Operation::known(&tables, on, Some(subscription), named));
        if !subscription.admits(named) {
            return Err(FaultCode::NotSubscribed.into());
        }
    }
    let keep = endpoints.iter().any(destination::is_adapter);
    destination::clean_headers(&mut head.headers, keep, |code| {
        catalogue.destination(code).is_some_and(|found| found.code == service.code)
    });
    let naming = naming(&head, is_portal || keep, limited)?;
    let rest_at = turn(&mut head, dialect, keep)?;
    Ok(Errand { grant, head, rest_at, cargo, look, naming })
}

/// The service behind a destination; where none is named, the configured one, or the only portal.
fn find_service<'c>(
    lane: &Lane,
    catalogue: &'c Catalogue,
    named: Option<&str>,
    inbound: bool,
) -> Result<&'c std::sync::Arc<Service>, FaultCode> {
    let settings = &lane.shared.settings;
    let set = match &settings.inbound {
        Some(listener) if inbound => listener.destination.as_deref(),
        _ => settings.facade.destination.as_deref(),
    };
    let found = match named.or(set) {
        Some(code) => catalogue.destination(code),
        None => catalogue.portal(),
    };
    found.ok_or(FaultCode::NoSuchRoute)
}

/// Does a subscription say what may be called, or how?
fn is_limited(grant: &Grant) -> bool {
    let subscription = grant.subscription();
    subscription.operations.is_some() || subscription.packets != Mode::Report
}

/// Refuses a body that is coded, so that nobody here can look into it.
fn check_coding(head: &Parts) -> Result<(), Fault> {
    let is_plain = |value: &HeaderValue| {
        let text = value.as_bytes().trim_ascii();
        text.is_empty() || text.eq_ignore_ascii_case(b"identity")
    };
    if head.headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        return Ok(());
    }
    Err(Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
        "Nội dung phải gửi không nén (Content-Encoding).",
        "The body must be sent without a Content-Encoding.",
    )))
}

/// What could the body name to a provider who reads it as a form? Then it must be readable only as
/// the one that we see.
fn naming(head: &Parts, is_decided: bool, limited: bool) -> Result<Naming, Fault> {
    if !(is_decided || limited) || !destination::is_form(&head.headers) {
        return Ok(Naming::Nothing);
    }
    destination::check_charset(&head.headers)?;
    check_coding(head)?;
    Ok(if is_decided { Naming::Destination } else { Naming::Service })
}

/// What must be looked at in the body. A relayed call is looked at where the subscription limits
/// it: the path does not decide what a provider does with a body that names a service.
fn look(dialect: &Dialect, head: &Parts, is_portal: bool, limited: bool) -> Result<Look, Fault> {
    Ok(match dialect {
        Dialect::Packet { name, .. } => Look::packet(&head.uri, name.clone())?,
        Dialect::Portal | Dialect::Adapter { data: true, .. } => Look::Envelope,
        Dialect::Login(_) | Dialect::Adapter { .. } | Dialect::Statistic if is_portal => {
            Look::Envelope
        }
        _ if dialect.is_login() => Look::Login,
        Dialect::Adapter { .. } if limited => {
            Look::Relay(operation::of_adapter(dialect, head).to_owned())
        }
        Dialect::Login(_) | Dialect::Adapter { .. } | Dialect::Statistic => Look::Nothing,
    })
}

/// Takes out of the query what was for us. Gives the place where the provider's path begins.
fn turn(head: &mut Parts, dialect: &Dialect, keep_destination: bool) -> Result<usize, FaultCode> {
    let rest_at = match dialect {
        Dialect::Adapter { rest_at, .. } => *rest_at,
        Dialect::Packet { name, .. } => name.start.saturating_sub(1),
        Dialect::Login(_) | Dialect::Portal | Dialect::Statistic => 0,
    };
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let cleaned = destination::clean(query, keep_destination, Words::Facade);
    let rest = &path[rest_at..];
    let slash = if rest.is_empty() || rest.starts_with('/') { "" } else { "/" };
    if slash.is_empty() && matches!(cleaned, Cow::Borrowed(_)) {
        return Ok(rest_at);
    }
    let mark = if cleaned.is_empty() { "" } else { "?" };
    let target = [&path[..rest_at], slash, rest, mark, &cleaned].concat();
    let target = PathAndQuery::try_from(target).map_err(|_| FaultCode::RequestInvalid)?;
    head.uri = Uri::from(target);
    Ok(rest_at)
}

impl Dialect {
    /// May its calls carry their token in the body?
    fn has_session(&self) -> bool {
        matches!(self, Dialect::Portal | Dialect::Adapter { .. } | Dialect::Login(_))
    }

    /// Is it the session protocol's login?
    fn is_login(&self) -> bool {
        matches!(self, Dialect::Login(_) | Dialect::Adapter { login: true, .. })
    }

    /// Is it a login that we answer? One with a token, to a destination that is no portal of ours,
    /// is forwarded: that is a consumer who holds a session of its own there (relay mode).
    pub(crate) fn login(&self, lane: &Lane, head: &Parts) -> Option<Facade> {
        let ours = || !permit::has_bearer(&head.headers) || !is_relayed(lane, head);
        self.facade().filter(|_| self.is_login() && ours())
    }
}

fn is_relayed(lane: &Lane, head: &Parts) -> bool {
    let query = head.uri.query().unwrap_or_default();
    let Ok(named) = destination::read(&head.headers, query, Words::Facade) else { return false };
    let catalogue = lane.shared.registry.current();
    let service = find_service(lane, &catalogue, named.destination.as_deref(), false);
    service.is_ok_and(|service| service.versions.iter().all(|v| v.portal.is_none()))
}
