//! What a plain call has to heed of the dialects: the provider that it asks may speak one, and what
//! a subscription limits is limited whichever way a call comes in.

use http::request::Parts;
use registry::{Catalogue, Grant};
use terms::fault::Fault;

use super::destination::{self, Words};
use super::{Facades, Look, Naming, dialect, operation};

/// What must be looked at in a plain call, and what could its body name as a form?
pub(crate) fn look(
    facades: &Facades,
    catalogue: &Catalogue,
    grant: &Grant,
    head: &mut Parts,
    rest_at: usize,
) -> Result<(Look, Naming), Fault> {
    let (version, service) = (grant.version(), grant.service());
    let endpoints = version.endpoints(grant.subscription().environment);
    let is_portal = version.portal.is_some();
    // where its destination is decided, by the registry, no call decides it again
    let rest = head.uri.path().get(rest_at..).unwrap_or_default();
    let leads = |endpoint| destination::leads_to_adapter(endpoint, rest);
    let is_adapter = endpoints.iter().any(leads);
    let is_decided = is_portal || is_adapter || service.destination.is_some();
    if is_decided {
        destination::check_path(head.uri.path())?;
        let query = head.uri.query().unwrap_or_default();
        let named = destination::read(&head.headers, query, Words::Plain)?;
        destination::check_named(&named, |code| {
            catalogue.destination(code).is_some_and(|found| found.code == service.code)
        })?;
        destination::check_provider(&named, endpoints)?;
        destination::clean_plain(head)?;
    }
    let limited = super::is_limited(grant);
    let naming = super::naming(head, is_portal || is_adapter, limited)?;
    if is_portal {
        return Ok((Look::Envelope, naming));
    }
    if !limited {
        return Ok((Look::Nothing, naming));
    }
    operation::check_query(grant.subscription(), head.uri.query().unwrap_or_default())?;
    super::check_coding(head)?;
    let rest = head.uri.path().get(rest_at..).unwrap_or_default();
    let look = match is_decided && dialect::stands_at(rest, &facades.login) {
        true => Look::Login,
        false => Look::Relay(operation::of_path(rest).to_owned()),
    };
    Ok((look, naming))
}
