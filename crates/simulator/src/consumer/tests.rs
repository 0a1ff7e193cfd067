//! Tables for the consumer.
