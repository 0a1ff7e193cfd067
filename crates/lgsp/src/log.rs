//! Log lines: JSON on stderr, ids only, never a key, a token, a personal number or a body.

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, filter};

/// Starts the log of this process at `level`. A second start in one process (tests) changes
/// nothing. Lines of libraries come from WARN upward: below that they may quote headers.
pub fn start(level: tracing::Level) {
    let ours = [
        "lgsp",
        "terms",
        "simulator",
        "store",
        "keyring",
        "journal",
        "access",
        "registry",
        "connector",
        "gateway",
    ];
    let targets = filter::Targets::new()
        .with_targets(ours.map(|name| (name, level)))
        .with_default(level.min(tracing::Level::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(targets);
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
