//! Tables for the portal.
