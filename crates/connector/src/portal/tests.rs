//! The connector against the portal simulator, and against portals that are broken or slow.
