//! What a stand-in received, for those outside its process.

use std::sync::Arc;

use tokio::net::TcpStream;

use crate::received::Log;
use crate::wire::{Answer, Connection};

pub(crate) async fn converse(stream: TcpStream, number: u64, log: Arc<Log>) {
    let mut connection = Connection::new(stream, number);
    let nothing = Log::nothing();
    while let Some(request) = connection.next(&nothing).await {
        let segments: Vec<&str> = request.path().split('/').skip(1).collect();
        let answer = answer(&request.method, &segments, &log);
        let bytes = answer.encode(request.keeps_alive(), request.method == "HEAD");
        if connection.send(&bytes).await.is_err() || !request.keeps_alive() {
            return;
        }
    }
}

/// Answers about `log` under `received` and `count`.
pub(crate) fn answer(method: &str, segments: &[&str], log: &Log) -> Answer {
    match (method, segments) {
        ("GET", ["received"]) => list(log),
        ("DELETE", ["received"]) => {
            log.clear();
            Answer::text(204, "")
        }
        ("GET", ["received", id, "raw"]) => match id.parse().ok().and_then(|id| log.find(id)) {
            Some(received) => Answer::new(200, "application/octet-stream", received.raw.to_vec()),
            None => Answer::text(404, "no such request, or no longer kept\n"),
        },
        ("GET", ["count"]) => Answer::json(200, format!("{{\"count\":{}}}", log.count())),
        _ => Answer::text(404, "GET /received, /received/ID/raw, /count; DELETE /received\n"),
    }
}

fn list(log: &Log) -> Answer {
    let list: Vec<serde_json::Value> = log
        .list()
        .iter()
        .map(|received| {
            serde_json::json!({
                "id": received.id,
                "at": received.at,
                "connection": received.connection,
                "line": received.line(),
                "size": received.size,
                "complete": received.complete,
            })
        })
        .collect();
    Answer::json(200, serde_json::to_vec(&list).unwrap_or_default())
}
