//! The operation that a call names: where it stands in a path, and whether it is a name that the
//! journal may keep.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use jiff::civil::Date;
use packet::{Table, Tables, envelope};
use registry::Subscription;
use terms::fault::FaultCode;

use super::{Dialect, destination};
use crate::parameter::decode;

#[cfg(test)]
mod tests;

/// What the national side is known to call by the path alone.
const NATIONAL: [&str; 3] = ["nhanhsdvcqg", "nhantbthuedvcqg", "addtthcKhuyenMai"];

/// A name that stood here before the call came: in a table, among the services outside the tables,
/// in the subscription, or among those of the national side. Whatever else a caller writes where a
/// name belongs may be a person's, and is kept nowhere.
#[derive(Clone, Debug)]
pub(crate) struct Operation(Arc<str>);

impl Operation {
    /// The known name behind what a caller wrote, in whatever case; `None` when there is none.
    pub(super) fn known(
        tables: &Tables,
        on: Date,
        subscription: Option<&Subscription>,
        written: &str,
    ) -> Option<Operation> {
        let is = |name: &&str| name.eq_ignore_ascii_case(written);
        // a table of another day is known all the same
        let table = |table: &&Table| table.packet.eq_ignore_ascii_case(written);
        if let Some(table) = tables.find(written, on).or_else(|| tables.iter().find(table)) {
            return Some(Operation(table.packet.clone()));
        }
        let granted = subscription.and_then(|subscription| subscription.operations.as_deref());
        let granted = granted.unwrap_or_default().iter().map(|name| &**name);
        let mut others = granted.chain(tables.auxiliaries()).chain(NATIONAL);
        others.find(is).map(|name| Operation(name.into()))
    }

    /// As the journal keeps it.
    pub(crate) fn text(self) -> Arc<str> {
        self.0
    }
}

/// The operation of a call without an envelope: the first segment of what is forwarded, or nothing.
pub(super) fn of_path(path: &str) -> &str {
    path.split('/').find(|segment| !segment.is_empty()).unwrap_or_default()
}

/// The same of a call through the adapter.
pub(super) fn of_adapter<'h>(dialect: &Dialect, head: &'h Parts) -> &'h str {
    let Dialect::Adapter { rest_at, .. } = dialect else { return "" };
    of_path(&head.uri.path()[*rest_at..])
}

/// The operation of a login that is relayed: the last segment of its path.
pub(super) fn of_login(head: &Parts) -> &str {
    head.uri.path().rsplit('/').find(|segment| !segment.is_empty()).unwrap_or_default()
}

/// The services that a text names to whoever reads it as a form.
pub(super) fn of_form(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let pairs = text.split(['&', ';']).filter_map(|pair| pair.split_once('='));
    pairs.filter_map(|(name, value)| {
        let is = destination::reads_as(&decode(name, true)?, envelope::name::SERVICE);
        is.then(|| decode(value, true).unwrap_or_default())
    })
}

/// A query may name a service to whoever reads it like a form: that is granted like any other.
pub(super) fn check_query(subscription: &Subscription, query: &str) -> Result<(), FaultCode> {
    let granted = of_form(query).all(|named| subscription.admits(&named));
    if granted { Ok(()) } else { Err(FaultCode::NotSubscribed) }
}

/// The name of a packet that a segment may be to whoever serves it: parameters that some servers
/// take off a segment are taken off.
pub(super) fn as_served(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}
