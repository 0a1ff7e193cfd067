//! The login: account in, session out.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::Body;
use terms::deadline::Deadline;
use terms::endpoint::{Endpoint, TlsMaterial};
use terms::fault::Sentence;
use terms::limit::{HELD_BYTES_MAX, PORTAL_LOGIN_TIMEOUT};
use terms::portal::PortalAccess;

use super::PortalHolds;
use super::answer::Answer;
use super::request;
use super::scan::quoted;
use super::session::Outcome;
use crate::pool::Connector;
use crate::reply::{Failure, FailureKind};
use crate::sending::Sending;

/// Why there is no session.
#[derive(Clone, Debug)]
pub(super) struct LoginFault {
    pub(super) kind: FailureKind,
    /// How often the login was tried to be sent.
    pub(super) attempts: u32,
    /// For people; nothing internal.
    pub(super) cause: Option<Sentence>,
    refusal: bool,
}

/// A login with all that is needed to send it, apart from the call that wanted it: it goes on when
/// that one is given up.
pub(super) struct Login {
    pub(super) endpoint: Endpoint,
    pub(super) tls: Option<Arc<TlsMaterial>>,
    pub(super) access: PortalAccess,
    pub(super) destination: Option<Arc<str>>,
    /// The version's own credential.
    pub(super) headers: HeaderMap,
}

impl LoginFault {
    /// The portal answered, and has no session for this account.
    pub(super) fn is_refusal(&self) -> bool {
        self.refusal
    }

    fn told(refusal: bool, cause: Sentence) -> LoginFault {
        let cause = Some(cause);
        LoginFault { kind: FailureKind::Broken, attempts: 1, cause, refusal }
    }
}

impl From<Failure> for LoginFault {
    fn from(failure: Failure) -> LoginFault {
        let cause = match failure.kind {
            FailureKind::Timeout => Some(NOT_IN_TIME),
            FailureKind::Broken => Some(BROKE_OFF),
            FailureKind::Unreachable => None,
        };
        LoginFault { kind: failure.kind, attempts: failure.trace.attempts, cause, refusal: false }
    }
}

pub(super) const NOT_IN_TIME: Sentence = Sentence::new(
    "Cổng dịch vụ công không trả lời yêu cầu đăng nhập của nền tảng kịp thời hạn",
    "The portal did not answer the platform's login in time",
);
const BROKE_OFF: Sentence = Sentence::new(
    "Cổng dịch vụ công ngắt kết nối khi nền tảng đăng nhập",
    "The portal broke off the platform's login",
);

/// Logs in.
pub(super) async fn log_in<B>(connector: &Connector<B>, login: Login) -> Outcome
where
    B: Body<Data = Bytes> + From<Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Login { endpoint, tls, access, destination, headers } = login;
    let destination = destination.as_deref();
    let body = Bytes::from(credentials(&access));
    let deadline = Deadline::new(connector.clock().instant(), PORTAL_LOGIN_TIMEOUT);
    let sending = Sending {
        endpoints: std::slice::from_ref(&endpoint),
        tls: tls.as_ref(),
        head: request::head(headers, &access, destination, body.len()),
        rest: &request::rest(&access.login, &access, destination),
        again: Some(B::from(body.clone())),
        body: B::from(body),
        deadline,
    };
    let mut reply = connector.send(sending).await?;
    let held = reply.body.hold(HELD_BYTES_MAX, deadline).await;
    let (text, _) = held.map_err(|kind| {
        let trace = reply.trace.clone();
        LoginFault::from(Failure {
            kind,
            reached: true,
            holds: PortalHolds::default(),
            trace,
            cause: None,
        })
    })?;
    judge(reply.parts.status, &Answer::read(&text, &access.names.session)).inspect_err(|fault| {
        let status = reply.parts.status.as_u16();
        let refused = fault.refusal;
        tracing::warn!(upstream = %endpoint.upstream, status, refused, "no session at a portal");
    })
}

/// Clients of the real portal take a login for good only with both a session and code 0.
fn judge(status: StatusCode, answer: &Answer) -> Outcome {
    if let (true, true, Some(session)) = (status.is_success(), answer.is_success(), &answer.session)
    {
        return Ok(session.as_str().into());
    }
    let code = answer.code().filter(|code| is_plain(code) && !answer.is_success());
    let refusal = code.is_some() || matches!(status.as_u16(), 401 | 403);
    let told = match code {
        Some(code) => format!("error_code {code}"),
        None => format!("HTTP {}", status.as_u16()),
    };
    let cause = if refusal {
        Sentence::made(
            format!(
                "Cổng dịch vụ công từ chối tài khoản của nền tảng khi đăng nhập ({told}); người \
                 vận hành cần kiểm tra tài khoản"
            ),
            format!(
                "The portal refused the platform's account at the login ({told}); the operator \
                 must check the account"
            ),
        )
    } else {
        Sentence::made(
            format!("Cổng dịch vụ công trả lời đăng nhập không đúng khuôn dạng ({told})"),
            format!("The portal's answer to the login is not in form ({told})"),
        )
    };
    Err(LoginFault::told(refusal, cause))
}

/// Fit to be shown: a portal's code, not its prose.
fn is_plain(code: &str) -> bool {
    !code.is_empty() && code.len() <= 16 && code.bytes().all(|b| b.is_ascii_graphic())
}

fn credentials(access: &PortalAccess) -> Vec<u8> {
    let names = &access.names;
    let members = [(&names.user, &*access.user), (&names.secret, access.secret.reveal())];
    let mut text = vec![b'{'];
    for (name, value) in members {
        if text.len() > 1 {
            text.push(b',');
        }
        text.extend(quoted(name));
        text.push(b':');
        text.extend(quoted(value));
    }
    text.push(b'}');
    text
}
