//! Month and year packets of statistics leave on schedule, as calls that the platform makes to its
//! own listener: granted, checked and recorded like any other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use access::Access;
use anyhow::Context;
use bytes::Bytes;
use dossier::schedule::Outcome;
use dossier::{Dossiers, Due};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use packet::ErrorCode;
use serde_json::Value;
use terms::environment::Environment;
use terms::limit::RESPONSE_MAX;
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;

use crate::config::StatisticsSender;

/// What is due is looked for this often.
const LOOK: Duration = Duration::from_secs(60);
/// An answer to such a packet is a few words.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Sends what is due.
pub(super) struct Sender {
    pub(super) dossiers: Dossiers,
    pub(super) access: Access,
    pub(super) settings: StatisticsSender,
    /// The live listener, as it can be reached from here.
    pub(super) live: SocketAddr,
}

impl Sender {
    /// Looks for what is due until the task is aborted.
    pub(super) async fn run(self) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let units = std::slice::from_ref(&self.settings.unit);
            match self.dossiers.take_due(units).await {
                Ok(due) => {
                    for due in &due {
                        self.send_one(due).await;
                    }
                }
                Err(error) => tracing::warn!(code = "statistics_unsent", %error, "tried again"),
            }
        }
    }

    async fn send_one(&self, due: &Due) {
        let span = due.span.to_string();
        let sent = tokio::time::timeout(RESPONSE_MAX, self.send(due)).await;
        let outcome = match sent.map_err(anyhow::Error::from).and_then(|sent| sent) {
            Ok(outcome) => outcome,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(code = "statistics_unsent", span, error, "tried again later");
                Outcome::Failed
            }
        };
        match self.dossiers.settle(due, outcome).await {
            Ok(state) => tracing::info!(span, ?outcome, ?state, "packet of statistics"),
            Err(error) => tracing::warn!(code = "statistics_unsettled", span, %error, "sent again"),
        }
    }

    async fn send(&self, due: &Due) -> anyhow::Result<Outcome> {
        let token = self.access.own_token(&self.settings.system, Environment::Live);
        let token = token.context("statistics.system has no live credential")?;
        let unit = &self.settings.unit.code;
        let path = format!("/packets/{}?madonvi={unit}", dossier::packet::STATISTICS);
        let body = Value::from(due.records.clone()).to_string();
        let request = Request::post(path)
            .header(header::HOST, self.live.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", token.as_str()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let stream = TcpStream::connect(self.live).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        connection.abort();
        let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        let exchange = headers.get("exchange-id").and_then(|id| id.to_str().ok());
        judge(status, exchange, &body)
    }
}

/// What the portal said of it; whatever the platform says itself is a failure, with status 200 as
/// well (to a system with `errors: legacy`): then the body names the exchange. Of the answer only
/// its code, as a number, may stand in the error, which is logged: the rest is payload.
fn judge(status: StatusCode, exchange: Option<&str>, body: &[u8]) -> anyhow::Result<Outcome> {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let own = exchange.is_some() && told["exchange"].as_str() == exchange;
    let code = ErrorCode::read(body);
    let Some(code) = code.as_ref().filter(|_| status == StatusCode::OK && !own) else {
        let number = code.and_then(|code| code.number);
        let number = number.map_or("none".to_owned(), |number| number.to_string());
        let (status, exchange) = (status.as_u16(), exchange.unwrap_or("none"));
        anyhow::bail!("status {status}, error_code {number}, exchange {exchange}");
    };
    Ok(if code.is_success() || code.exists() { Outcome::Sent } else { Outcome::Refused })
}

/// A listener on every address is reached on this machine's own.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use dossier::schedule::Outcome;
    use http::StatusCode;

    use super::{judge, reachable};

    #[test]
    fn only_the_portal_ends_a_packet() {
        let own =
            r#"{"error_code":-1,"message":"Quá hạn","code":"provider_timeout","exchange":"e1"}"#;
        for (status, body, expected) in [
            (200, r#"{"error_code":0,"message":"Thành công"}"#, Some(Outcome::Sent)),
            (200, r#"{"error_code":"3","message":"đã tồn tại"}"#, Some(Outcome::Sent)),
            (200, r#"{"error_code":"-1","message":"sai"}"#, Some(Outcome::Refused)),
            (200, own, None),
            (200, "not JSON", None),
            (504, r#"{"error_code":0}"#, None),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let judged = judge(status, Some("e1"), body.as_bytes()).ok();
            assert_eq!(judged, expected, "{status} {body}");
        }
    }

    #[test]
    fn nothing_of_an_answer_but_its_code_is_logged() {
        for (status, exchange, body, expected) in [
            (502, Some("e1"), r#"{"error_code":-7,"message":"Nguyễn Thị Bí Mật"}"#, "-7"),
            (200, Some("e1"), r#"{"error_code":-1,"message":"Bí Mật","exchange":"e1"}"#, "-1"),
            (504, Some("e1"), r#"{"error_code":"Bí Mật"}"#, "none"),
            (200, Some("e1"), "Bí Mật", "none"),
            (500, None, "Bí Mật", "none"),
        ] {
            let judged = judge(StatusCode::from_u16(status).unwrap(), exchange, body.as_bytes());
            let exchange = exchange.unwrap_or("none");
            let expected = format!("status {status}, error_code {expected}, exchange {exchange}");
            assert_eq!(format!("{:#}", judged.unwrap_err()), expected, "{body}");
        }
    }

    #[test]
    fn a_listener_on_every_address_is_reached_on_the_loopback() {
        for (bound, reached) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            let bound: SocketAddr = bound.parse().unwrap();
            assert_eq!(reachable(bound).to_string(), reached);
        }
    }
}
