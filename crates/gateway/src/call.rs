//! The life of a call: one function, each step returns the proof that the next one demands.

use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, response};
use hyper::body::Incoming;
use terms::fault::{Fault, FaultCode};

use crate::answer::Answer;
use crate::forward::{self, Forwarding};
use crate::lane::Lane;
use crate::parameter::{self, Places};
use crate::peer::Peer;
use crate::record::{Arrival, Record};
use crate::reply::{self, Held, Streaming};
use crate::{address, fault, form, permit, reserved};

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
    if let Some(endpoint) = reserved::find(&head) {
        return whole(reserved::answer(record, &peer, endpoint, head, body).await, &peer);
    }
    match journey(&lane, &peer, &mut record, arrival, head, body).await {
        Ok((head, Held::Whole(chunks))) => Response::from_parts(head, Answer::whole(chunks, &peer)),
        Ok((head, Held::Part(part))) => {
            let streaming = Streaming::new(record, part);
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
    head: Parts,
    body: Incoming,
) -> Result<(response::Parts, Held), Fault> {
    let now = record.opened_at();
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
    permit::check_address(system, arrival.client)?;
    let route = route.ok_or(FaultCode::NoSuchRoute)?;
    let granted = catalogue.grant(&caller, &route, &head.method);
    record.context.allow = permit::allow(&route, granted.as_ref().err());
    let grant = granted?;
    let rest_at = head.uri.path().len() - route.rest.len();
    drop(catalogue);

    let limits = &mut record.context.limits;
    let admission = lane.counts.admit(&lane.meters, &grant, now, limits)?;
    let places = Places::of(&head, rest_at);
    let begun = forward::check_size(&body, grant.version())
        .and_then(|()| parameter::check(&grant.version().parameters, places))
        .and_then(|()| record.begin());
    if let Err(fault) = begun {
        admission.withdraw();
        return Err(fault);
    }
    record.admission = Some(admission);
    if grant.version().bulk {
        record.extend();
        peer.extend();
    }

    let mut forwarding = Forwarding::new(lane, record, grant, head, rest_at);
    let reply = forwarding.send(lane, record, body).await?;
    let (mut head, source) = forwarding.turn_back(lane, record, reply)?;
    let held = reply::hold_back(record, &head, source, forwarding.time(lane)).await;
    let held = held.map_err(|code| forwarding.fault(code, true))?;
    fault::insert_limits(&mut head.headers, std::mem::take(&mut record.context.limits));
    Ok((head, held))
}

/// An answer of our own.
pub(crate) fn whole(response: Response<Bytes>, peer: &Rc<Peer>) -> Response<Answer> {
    response.map(|body| {
        let chunks = if body.is_empty() { VecDeque::new() } else { VecDeque::from([body]) };
        Answer::whole(chunks, peer)
    })
}
