//! One call at a time for each dossier, in the order in which they came (QCV-02).

/// Who waits for which dossier.
#[derive(Debug, Default)]
pub(super) struct Order {}
