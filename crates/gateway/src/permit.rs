//! Who calls and whether it may: the steps between the form of a request and its admission.

use std::net::IpAddr;
use std::sync::Arc;

use access::token::{Caller, TokenFault};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use registry::{Catalogue, Route, System};
use terms::environment::Environment;
use terms::fault::{Fault, FaultCode};

use crate::form::{Form, FormFault};
use crate::lane::Lane;

/// Refuses a request that has come through this node before.
pub(crate) fn check_loop(lane: &Lane, head: &Parts) -> Result<(), Fault> {
    if lane.via.is_in(&head.headers) { Err(FaultCode::LoopDetected.into()) } else { Ok(()) }
}

/// A coded slash passes only where the version says so.
pub(crate) fn check_encoded_slash(form: Form, route: Option<&Route<'_>>) -> Result<(), FormFault> {
    let passes = route.is_some_and(|route| route.version.encoded_slash);
    if form.encoded_slash && !passes { Err(FormFault::EncodedSlash) } else { Ok(()) }
}

/// Checks the Bearer token of a request (RFC 6750, 2.1).
pub(crate) fn verify(
    lane: &Lane,
    head: &Parts,
    environment: Environment,
) -> Result<Caller, FaultCode> {
    let mut fields = head.headers.get_all(AUTHORIZATION).iter();
    let token = match (fields.next().map(bearer), fields.next()) {
        (None | Some(None), None) => return Err(FaultCode::TokenMissing),
        (Some(Some(token)), None) => token,
        // two of them may be read in two ways
        (_, Some(_)) => return Err(FaultCode::TokenInvalid),
    };
    lane.shared.access.verify(token, environment).map_err(TokenFault::code)
}

/// Does a request carry a Bearer token, whatever it is worth?
pub(crate) fn has_bearer(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().any(|field| bearer(field).is_some())
}

/// The token of `Bearer TOKEN`, the scheme in any case.
fn bearer(field: &HeaderValue) -> Option<&str> {
    let (scheme, token) = field.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The caller's system; a stopped one has no live token.
pub(crate) fn find_system<'a>(
    catalogue: &'a Catalogue,
    caller: &Caller,
) -> Result<&'a Arc<System>, FaultCode> {
    let system = catalogue.system(caller.system());
    system.filter(|system| system.active).ok_or(FaultCode::TokenInvalid)
}

/// A system calls from its declared addresses only.
pub(crate) fn check_address(system: &System, client: IpAddr) -> Result<(), FaultCode> {
    if system.admits(client) { Ok(()) } else { Err(FaultCode::AddressRefused) }
}

/// The value of `Allow` when that is what the refusal is about.
pub(crate) fn allow(route: &Route<'_>, refused: Option<&Fault>) -> Option<HeaderValue> {
    let about_method = refused.is_some_and(|fault| fault.code == FaultCode::MethodNotAllowed);
    about_method.then(|| HeaderValue::try_from(route.version.methods.allow()).ok()).flatten()
}
