//! Tables for the provider.
