//! The sessions we hold at portals.

/// Sessions by account and endpoint.
#[derive(Debug, Default)]
pub(super) struct Sessions {}
