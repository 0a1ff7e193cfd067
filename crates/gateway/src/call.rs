//! The life of a call: one function, each step returns the proof that the next one demands.

use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, response};
use hyper::body::Incoming;
use registry::Grant;
use registry::system::Errors;
use terms::fault::{Fault, FaultCode};

use crate::answer::Answer;
use crate::facade::{self, Cargo, Look, Naming};
use crate::fault::legacy;
use crate::forward::{self, Forwarding};
use crate::lane::Lane;
use crate::parameter::{self, Places};
use crate::peer::Peer;
use crate::record::{Arrival, Record};
use crate::reply::{self, Held, Streaming};
use crate::reserved::{self, Way};
use crate::{address, fault, form, permit};

/// Carries one request from its head to the answer that leaves.
pub(crate) async fn carry(
    lane: Rc<Lane>,
    peer: Rc<Peer>,
    request: Request<Incoming>,
) -> Response<Answer> {
    let (head, body) = request.into_parts();
    let trusted = &lane.shared.settings.trusted_proxies;
    let client = address::client(peer.address, &head.headers, trusted);
    let arrival = Arrival { environment: peer.environment, client };
    let mut record = Record::open(&lane, &head, arrival);
    let carried = match reserved::find(&lane, peer.inbound, &head) {
        Way::Plain => journey(&lane, &peer, &mut record, arrival, head, body).await,
        Way::Facade(dialect) => {
            let request = facade::Request { dialect, head, body };
            // boxed, so that a plain call has no room for it
            Box::pin(facade::carry(&lane, &peer, &mut record, arrival, request)).await
        }
        Way::Token(endpoint) => {
            return whole(reserved::answer(record, &peer, endpoint, head, body).await, &peer);
        }
        Way::Closed => Err(FaultCode::NoSuchRoute.into()),
    };
    match carried {
        Ok((head, Held::Whole(chunks))) => Response::from_parts(head, Answer::whole(chunks, &peer)),
        Ok((head, Held::Part(part))) => {
            let streaming = Streaming::new(record, *part);
            Response::from_parts(head, Answer::streaming(streaming, &peer))
        }
        Err(fault) => whole(record.refuse(fault).await, &peer),
    }
}

/// Design §3, in its order, the refusals in that of §7.
async fn journey(
    lane: &Rc<Lane>,
    peer: &Peer,
    record: &mut Record,
    arrival: Arrival,
    mut head: Parts,
    body: Incoming,
) -> Result<(response::Parts, Held), Fault> {
    let catalogue = lane.shared.registry.current();
    let form = form::check(&head)?;
    let route = catalogue.route(arrival.environment, head.uri.path());
    if let Some(route) = &route {
        record.note_route(route);
    }
    permit::check_encoded_slash(form, route.as_ref())?;
    permit::check_loop(lane, &head)?;
    let caller = permit::verify(lane, &head, arrival.environment)?;
    let system = permit::find_system(&catalogue, &caller)?;
    record.note_caller(&caller, system);
    record.context.xml = system.errors == Errors::Legacy && legacy::wants_xml(&head.headers);
    permit::check_address(system, arrival.client)?;
    let route = route.ok_or(FaultCode::NoSuchRoute)?;
    let granted = catalogue.grant(&caller, &route, &head.method);
    record.context.allow = permit::allow(&route, granted.as_ref().err());
    let grant = granted?;
    let rest_at = head.uri.path().len() - route.rest.len();
    let facades = &lane.shared.settings.facade;
    let (look, naming) = facade::look_plain(facades, &catalogue, &grant, &mut head, rest_at)?;
    drop(catalogue);

    let cargo = Cargo::Coming(body);
    travel(lane, peer, record, Errand { grant, head, rest_at, cargo, look, naming }).await
}

/// A granted call, whatever the dialect in which it came.
pub(crate) struct Errand<'a> {
    pub(crate) grant: Grant,
    pub(crate) head: Parts,
    /// Where the provider's path begins.
    pub(crate) rest_at: usize,
    pub(crate) cargo: Cargo<'a>,
    /// What must be looked at in the body.
    pub(crate) look: Look,
    /// What the body could name to a provider that reads it as a form.
    pub(crate) naming: Naming,
}

/// From the grant to the answer: the one life of all calls.
pub(crate) async fn travel(
    lane: &Rc<Lane>,
    peer: &Peer,
    record: &mut Record,
    errand: Errand<'_>,
) -> Result<(response::Parts, Held), Fault> {
    let Errand { grant, head, rest_at, cargo, look, naming } = errand;
    let now = record.opened_at();
    let limits = &mut record.context.limits;
    let admission = lane.counts.admit(&lane.meters, &grant, now, limits)?;
    let places = Places::of(&head, rest_at);
    let checked = forward::check_size(&cargo, grant.version())
        .and_then(|()| parameter::check(&grant.version().parameters, places));
    let looked = match (checked, look) {
        (Ok(()), Look::Nothing) if naming == Naming::Nothing => Ok(cargo),
        (Ok(()), look) => {
            Box::pin(facade::inspect(lane, record, &grant, (look, naming), cargo)).await
        }
        (Err(fault), _) => Err(fault),
    };
    let cargo = match looked.and_then(|cargo| record.begin().map(|()| cargo)) {
        Ok(cargo) => cargo,
        Err(fault) => {
            admission.withdraw();
            return Err(fault);
        }
    };
    record.admission = Some(admission);
    if grant.version().bulk {
        record.extend();
        peer.extend();
    }

    let mut forwarding = Forwarding::new(lane, record, grant, head, rest_at);
    let reply = forwarding.send(lane, record, cargo).await?;
    let (mut head, source) = forwarding.turn_back(lane, record, reply)?;
    let held = reply::hold_back(record, &head, source, forwarding.time(lane)).await;
    let held = held.map_err(|code| forwarding.fault(code, true))?;
    fault::insert_limits(&mut head.headers, std::mem::take(&mut record.context.limits));
    if let Some(packet) = record.context.packet.take() {
        head.headers.insert(fault::LGSP_PACKET, packet);
    }
    Ok((head, held))
}

/// An answer of our own.
pub(crate) fn whole(response: Response<Bytes>, peer: &Rc<Peer>) -> Response<Answer> {
    response.map(|body| {
        let chunks = if body.is_empty() { VecDeque::new() } else { VecDeque::from([body]) };
        Answer::whole(chunks, peer)
    })
}
