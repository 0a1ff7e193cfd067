//! The listener for those who watch: `/health/live`, `/health/ready`, `/metrics`.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use terms::limit::{OPS_CONNECTION_TIMEOUT, OPS_CONNECTIONS_MAX, OPS_HEAD_TIMEOUT};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// After a failed accept (out of file handles, say) the loop waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Buckets of durations in seconds: from a fast call to the law's 30 s.
const BUCKETS_SECONDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0];

/// The condition of this node, told by those who know and asked by those who watch.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<State>);

#[derive(Debug, Default)]
struct State {
    catalogue: AtomicBool,
    stopping: AtomicBool,
    database_away: AtomicBool,
    journal: Mutex<Option<String>>,
}

impl Health {
    /// The catalogue has been loaded.
    pub fn catalogue_loaded(&self) {
        self.0.catalogue.store(true, Ordering::SeqCst);
    }

    /// The node is stopping; readiness goes down for good.
    pub fn stopping(&self) {
        self.0.stopping.store(true, Ordering::SeqCst);
    }

    /// The database does not answer, or does again. Traffic goes on from memory, so this does not
    /// make the node unready. Gives whether that is news.
    pub fn database_away(&self, away: bool) -> bool {
        self.0.database_away.swap(away, Ordering::SeqCst) != away
    }

    /// Why nothing can be journalled, so that nothing may pass; `None` when it can.
    pub fn journal(&self, fault: Option<String>) {
        *self.0.journal.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Why the node is not ready; empty when it is.
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.0.stopping.load(Ordering::SeqCst) {
            reasons.push("stopping".to_owned());
        }
        if !self.0.catalogue.load(Ordering::SeqCst) {
            reasons.push("catalogue not loaded".to_owned());
        }
        let journal = self.0.journal.lock().unwrap_or_else(PoisonError::into_inner);
        reasons.extend(journal.iter().map(|fault| format!("journal: {fault}")));
        reasons
    }

    fn answer(&self) -> (StatusCode, String) {
        let reasons = self.reasons();
        let ready = reasons.is_empty();
        let away = self.0.database_away.load(Ordering::SeqCst);
        let database = if away { "away" } else { "ok" };
        let body = json!({"ready": ready, "reasons": reasons, "database": database});
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, body.to_string())
    }
}

/// The metrics of this process: one recorder, however many platforms run in it (tests).
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new();
        // Fails for an empty list of buckets only.
        let builder = builder
            .set_buckets_for_metric(seconds, &BUCKETS_SECONDS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Another recorder was there before: then this one stays empty.
        let _ = metrics::set_global_recorder(recorder);
        metrics::gauge!("lgsp_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        handle
    })
}

/// Answers watchers until the task is ended.
pub async fn serve(listener: TcpListener, health: Health) {
    let places = Arc::new(Semaphore::new(OPS_CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let health = health.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let response = answer(&request, &health);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder
                .timer(TokioTimer::new())
                .header_read_timeout(OPS_HEAD_TIMEOUT)
                .keep_alive(false);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            // A watcher that goes away midway, or reads too slowly, is its own affair.
            let _ = tokio::time::timeout(OPS_CONNECTION_TIMEOUT, connection).await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, health: &Health) -> Response<Full<Bytes>> {
    const JSON: &str = "application/json";
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    let known = ["/health/live", "/health/ready", "/metrics"].contains(&request.uri().path());
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, kind, body) = match request.uri().path() {
        _ if known && !reading => (StatusCode::METHOD_NOT_ALLOWED, TEXT, String::new()),
        "/health/live" => (StatusCode::OK, JSON, json!({"live": true}).to_string()),
        "/health/ready" => {
            let (status, body) = health.answer();
            (status, JSON, body)
        }
        "/metrics" => (StatusCode::OK, TEXT, metrics().render()),
        _ => (StatusCode::NOT_FOUND, TEXT, String::new()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::Health;

    #[test]
    fn a_node_is_ready_when_nothing_speaks_against_it() {
        let health = Health::default();
        assert_eq!(health.reasons(), ["catalogue not loaded"]);
        health.catalogue_loaded();
        assert!(health.reasons().is_empty());
        assert!(health.database_away(true) && !health.database_away(true));
        assert!(health.reasons().is_empty(), "traffic goes on without the database");
        assert_eq!(health.answer().1, r#"{"database":"away","ready":true,"reasons":[]}"#);
        health.journal(Some("disk full".into()));
        health.stopping();
        assert_eq!(health.reasons(), ["stopping", "journal: disk full"]);
        assert_eq!(health.answer().0.as_u16(), 503);
    }
}
