//! The destination of a call behind a façade: `dstcode` in header or query, resolved from the
//! registry alone, and what is taken out of the query before it goes on.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};
use terms::endpoint::Endpoint;
use terms::fault::{Fault, FaultCode, Sentence};

use crate::parameter::decode;

/// The header and query parameter that names a destination.
pub(crate) const DSTCODE: &str = "dstcode";
/// The same at the packet paths.
const DESTINATION: &str = "destination";
/// Where the caller believes the provider to be.
const PROVIDERURL: &str = "providerurl";

/// What a request says of its destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// The destination code.
    pub(crate) destination: Option<Cow<'a, str>>,
    /// The provider's address that the caller gives.
    pub(crate) provider: Option<Cow<'a, str>>,
}

/// Reads the destination from query and header; a value may be percent-coded in both. Said twice in
/// two ways, it is refused: the way that was checked must be the way that is gone.
pub(crate) fn read<'a>(headers: &'a HeaderMap, query: &'a str) -> Result<Named<'a>, Fault> {
    let mut named = Named::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let place = match role(name) {
            Some(Role::Destination) => &mut named.destination,
            Some(Role::Provider) => &mut named.provider,
            None => continue,
        };
        put(place, decode(value, true).ok_or_else(unreadable)?)?;
    }
    for (name, place) in [(DSTCODE, &mut named.destination), (PROVIDERURL, &mut named.provider)] {
        for value in headers.get_all(name) {
            let text = value.to_str().map_err(|_| unreadable())?.trim();
            put(place, decode(text, false).ok_or_else(unreadable)?)?;
        }
    }
    Ok(named)
}

enum Role {
    Destination,
    Provider,
}

/// Is a query parameter of this name, decoded, for us?
pub(crate) fn is_ours(name: &str) -> bool {
    role_of(name).is_some()
}

/// The role of a name as the query writes it: one that is percent-coded is the same name to whoever
/// reads it next.
fn role(name: &str) -> Option<Role> {
    decode(name, true).and_then(|name| role_of(&name))
}

fn role_of(name: &str) -> Option<Role> {
    // many readers drop what is blank around a name
    let is = |expected: &str| name.trim().eq_ignore_ascii_case(expected);
    if is(DSTCODE) || is(DESTINATION) {
        Some(Role::Destination)
    } else {
        is(PROVIDERURL).then_some(Role::Provider)
    }
}

fn put<'a>(place: &mut Option<Cow<'a, str>>, value: Cow<'a, str>) -> Result<(), Fault> {
    match place {
        Some(known) if *known != value => {
            Err(Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
                "Mã đích (dstcode) hoặc providerurl được nêu hai lần khác nhau.",
                "The destination (dstcode) or providerurl is given twice and differs.",
            )))
        }
        _ if value.is_empty() => Ok(()),
        _ => {
            *place = Some(value);
            Ok(())
        }
    }
}

fn unreadable() -> Fault {
    Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
        "Không đọc được mã đích (dstcode) hoặc providerurl.",
        "The destination (dstcode) or providerurl cannot be read.",
    ))
}

/// A caller may say where the provider is, but not decide it: what it says must be what is
/// registered, else anyone with a token could have us call any address.
pub(crate) fn check_provider(named: &Named<'_>, endpoints: &[Endpoint]) -> Result<(), Fault> {
    let Some(given) = &named.provider else {
        return Ok(());
    };
    let given = given.trim_end_matches('/');
    let is_registered = endpoints.iter().any(|endpoint| {
        let (upstream, base) = (&*endpoint.upstream, endpoint.base.trim_end_matches('/'));
        let rest = given.get(upstream.len()..);
        rest == Some(base) && given[..upstream.len()].eq_ignore_ascii_case(upstream)
    });
    if is_registered {
        return Ok(());
    }
    Err(Fault::new(FaultCode::ParameterInvalid).because(Sentence::new(
        "providerurl không phải địa chỉ đã đăng ký của mã đích này.",
        "providerurl is not the registered address of this destination.",
    )))
}

/// Is the endpoint itself an adapter? Then the destination is for it, too.
pub(crate) fn is_adapter(endpoint: &Endpoint) -> bool {
    endpoint.base.trim_end_matches('/').ends_with("/RestService/forward")
}

/// The query without what was for us: `providerurl` never goes on, the destination only to another
/// adapter, and only where it says one. What stays, stays byte for byte.
pub(crate) fn clean(query: &str, keep_destination: bool) -> Cow<'_, str> {
    let stays = |pair: &&str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match role(name) {
            None => true,
            Some(Role::Destination) => keep_destination && !value.is_empty(),
            Some(Role::Provider) => false,
        }
    };
    if query.split('&').all(|pair| stays(&pair)) {
        return query.into();
    }
    query.split('&').filter(stays).collect::<Vec<_>>().join("&").into()
}

/// Takes out of the header what was for us: the same rule as for the query. `is_resolved` tells
/// whether a destination is the one that was called; no other goes on under any name.
pub(crate) fn clean_headers(
    headers: &mut HeaderMap,
    keep_destination: bool,
    is_resolved: impl Fn(&str) -> bool,
) {
    headers.remove(PROVIDERURL);
    for name in [DSTCODE, DESTINATION] {
        let said = |value: &HeaderValue| {
            let code = value.to_str().ok().and_then(|text| decode(text.trim(), false));
            code.is_some_and(|code| is_resolved(&code))
        };
        if !(keep_destination && headers.get_all(name).iter().all(said)) {
            headers.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
