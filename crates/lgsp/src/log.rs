//! Log lines and alerts: JSON on stderr, ids only, never a key, a token, a personal number or a
//! body. A WARN line with a `code` is an alert and raises the metric `lgsp_alert`.

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, filter};

/// Crates whose lines follow `[log] level`.
const OURS: [&str; 10] = [
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

/// Starts the log of this process at `level`. A second start in one process (tests) changes
/// nothing. Lines of libraries come from WARN upward: below that they may quote headers.
pub fn start(level: Level) {
    let ours = |level: Level| filter::Targets::new().with_targets(OURS.map(|name| (name, level)));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(ours(level).with_default(level.min(Level::WARN)));
    // The metric stands whatever the level of the lines is.
    let alerts = Alerts.with_filter(ours(Level::INFO));
    if tracing_subscriber::registry().with(lines).with(alerts).try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            // Its place only: the message may quote what was being worked on.
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(code = "panic", place, "a part of the platform broke");
        }));
    }
}

/// Turns lines into the metric: WARN or ERROR with a `code` raises `lgsp_alert{code}` to 1, INFO
/// with a `code` and `cleared = true` lowers it.
struct Alerts;

impl<S: Subscriber> Layer<S> for Alerts {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut seen = Seen::default();
        event.record(&mut seen);
        let Some(code) = seen.code else { return };
        let raised = *event.metadata().level() <= Level::WARN;
        if raised || seen.cleared {
            metrics::gauge!("lgsp_alert", "code" => code).set(f64::from(u8::from(raised)));
        }
    }
}

#[derive(Default)]
struct Seen {
    code: Option<String>,
    cleared: bool,
}

impl Visit for Seen {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "code" {
            self.code = Some(value.to_owned());
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.cleared |= field.name() == "cleared" && value;
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "code" {
            self.code = Some(format!("{value:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::Alerts;

    /// What the metric says after some lines.
    fn metric_after(lines: impl FnOnce()) -> String {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let subscriber = tracing_subscriber::registry().with(Alerts);
        metrics::with_local_recorder(&recorder, || {
            tracing::subscriber::with_default(subscriber, lines);
        });
        let text = handle.render();
        text.lines().filter(|line| line.starts_with("lgsp_alert")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn an_alert_is_a_warning_with_a_code() {
        let raised = metric_after(|| tracing::warn!(code = "disk_full", "x"));
        assert_eq!(raised, r#"lgsp_alert{code="disk_full"} 1"#);
        let cleared = metric_after(|| {
            tracing::error!(code = "disk_full", "x");
            tracing::info!(code = "disk_full", cleared = true, "x");
        });
        assert_eq!(cleared, r#"lgsp_alert{code="disk_full"} 0"#);
        let none = metric_after(|| {
            tracing::warn!("no code");
            tracing::info!(code = "disk_full", "no end of it");
        });
        assert_eq!(none, "");
    }
}
