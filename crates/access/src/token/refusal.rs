//! The refusals of the token endpoints: the error codes of RFC 6749 §5.2 and their answers, one
//! form for each code whatever its cause.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use terms::exchange::Blame;
use terms::limit::FAILURE_WINDOW;

/// Why a token endpoint refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    /// The request cannot be read, or in two ways.
    InvalidRequest(Unreadable),
    /// Another method than the endpoint takes; on the wire `invalid_request` as well.
    WrongMethod,
    /// Wrong key, wrong secret, revoked, stopped: nothing tells which.
    InvalidClient,
    /// The token to revoke was issued to another client (RFC 7009 §2.1, RFC 6749 §5.2).
    InvalidGrant,
    /// Another grant than client credentials.
    UnsupportedGrantType,
    /// Too many failures of this key or address (TOK-10).
    SlowDown,
    /// The journal or the database cannot be written, or too many slow checks are under way.
    TemporarilyUnavailable,
}

/// What cannot be read, or in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The head: two hosts, a target that is no path, an upgrade.
    Head,
    /// A key, a secret or a token in the query: it would stand in logs on its way.
    InQuery,
    /// A parameter comes twice.
    Twice,
    /// Two ways to say who asks, or two grants.
    TwoWays,
    /// Neither a form nor JSON, or not UTF-8.
    Text,
    /// Longer than any request needs to be.
    TooLong,
    /// It ended before its end, or its framing is broken.
    Broken,
    /// The parameter `token` is missing.
    TokenMissing,
}

impl Unreadable {
    /// RFC 6749 §5.2 allows ASCII only in the description, hence Vietnamese without marks.
    const fn body(self) -> &'static str {
        macro_rules! told {
            ($text:literal) => {
                concat!(r#"{"error":"invalid_request","error_description":""#, $text, r#""}"#)
            };
        }
        match self {
            Unreadable::Head => {
                told!("Phan dau yeu cau sai khuon dang / The head of the request is malformed")
            }
            Unreadable::InQuery => told!(
                "Khong gui khoa hay token trong query / No credentials and no token in the query"
            ),
            Unreadable::Twice => {
                told!("Tham so bi lap lai / A parameter is given twice")
            }
            Unreadable::TwoWays => told!(
                "Hai cach xac thuc hoac hai grant_type / Two ways to authenticate, or two grants"
            ),
            Unreadable::Text => told!(
                "Noi dung phai la form hoac JSON, UTF-8 / The body must be a form or JSON, in UTF-8"
            ),
            Unreadable::TooLong => {
                told!("Noi dung dai qua 16 KiB / The body is longer than 16 KiB")
            }
            Unreadable::Broken => {
                told!("Noi dung bi cat giua chung / The body broke off")
            }
            Unreadable::TokenMissing => {
                told!("Thieu tham so token / The parameter token is missing")
            }
        }
    }
}

impl TokenRefusal {
    /// The code on the wire and in the journal.
    pub const fn code(self) -> &'static str {
        match self {
            TokenRefusal::InvalidRequest(_) | TokenRefusal::WrongMethod => "invalid_request",
            TokenRefusal::InvalidClient => "invalid_client",
            TokenRefusal::InvalidGrant => "invalid_grant",
            TokenRefusal::UnsupportedGrantType => "unsupported_grant_type",
            TokenRefusal::SlowDown => "slow_down",
            TokenRefusal::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// HTTP status of the answer.
    pub const fn status(self) -> StatusCode {
        match self {
            TokenRefusal::InvalidRequest(_)
            | TokenRefusal::InvalidGrant
            | TokenRefusal::UnsupportedGrantType => StatusCode::BAD_REQUEST,
            TokenRefusal::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            TokenRefusal::InvalidClient => StatusCode::UNAUTHORIZED,
            TokenRefusal::SlowDown => StatusCode::TOO_MANY_REQUESTS,
            TokenRefusal::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whose turn it is.
    pub const fn blame(self) -> Blame {
        match self {
            TokenRefusal::TemporarilyUnavailable => Blame::Platform,
            _ => Blame::Consumer,
        }
    }

    /// The body. RFC 6749 §5.2 allows ASCII only in the description, hence Vietnamese without
    /// marks.
    const fn body(self) -> &'static str {
        match self {
            TokenRefusal::InvalidRequest(unreadable) => unreadable.body(),
            TokenRefusal::WrongMethod => concat!(
                r#"{"error":"invalid_request","error_description":"#,
                r#""Phuong thuc khong duoc ho tro / The method is not allowed"}"#
            ),
            TokenRefusal::InvalidClient => concat!(
                r#"{"error":"invalid_client","error_description":"#,
                r#""Khoa ket noi khong hop le / The client credentials are not valid"}"#
            ),
            TokenRefusal::InvalidGrant => concat!(
                r#"{"error":"invalid_grant","error_description":"#,
                r#""Token khong thuoc khoa nay / The token was issued to another client"}"#
            ),
            TokenRefusal::UnsupportedGrantType => concat!(
                r#"{"error":"unsupported_grant_type","error_description":"#,
                r#""Chi ho tro client_credentials / Only client_credentials is supported"}"#
            ),
            TokenRefusal::SlowDown => r#"{"error":"slow_down"}"#,
            TokenRefusal::TemporarilyUnavailable => r#"{"error":"temporarily_unavailable"}"#,
        }
    }

    /// The answer. `challenged`: the client used an Authorization header, so it is told the scheme.
    pub fn answer(self, challenged: bool) -> Response<Bytes> {
        let mut answer = json(self.status(), Bytes::from_static(self.body().as_bytes()));
        let headers = answer.headers_mut();
        match self {
            TokenRefusal::InvalidClient if challenged => {
                let realm = HeaderValue::from_static(r#"Basic realm="lgsp", charset="UTF-8""#);
                headers.insert(WWW_AUTHENTICATE, realm);
            }
            TokenRefusal::SlowDown => {
                headers.insert(RETRY_AFTER, HeaderValue::from(FAILURE_WINDOW.as_secs()));
            }
            TokenRefusal::TemporarilyUnavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        answer
    }

    /// The answer of a session login: its clients lose every body that does not come with 200, and
    /// show `message` to people. With `xml` in XML, for those who take nothing else.
    pub fn answer_login(self, xml: bool) -> Response<Bytes> {
        let message = self.message_login();
        if !xml {
            let body = format!("{{\"error_code\":-1,\"message\":\"{message}\"}}");
            return json(StatusCode::OK, body.into());
        }
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response><error_code>-1</error_code>\
             <message>{message}</message></response>"
        );
        let mut answer = json(StatusCode::OK, body.into());
        let kind = HeaderValue::from_static("application/xml; charset=utf-8");
        answer.headers_mut().insert(CONTENT_TYPE, kind);
        answer
    }

    /// In both languages, without a sign that JSON or XML would write otherwise.
    const fn message_login(self) -> &'static str {
        match self {
            TokenRefusal::InvalidRequest(_)
            | TokenRefusal::WrongMethod
            | TokenRefusal::InvalidGrant
            | TokenRefusal::UnsupportedGrantType => {
                concat!("Yêu cầu đăng nhập không đọc được / ", "The login cannot be read")
            }
            TokenRefusal::InvalidClient => concat!(
                "Tài khoản hoặc mật khẩu không đúng / ",
                "The user name or password is wrong"
            ),
            TokenRefusal::SlowDown => concat!(
                "Đăng nhập sai quá nhiều lần, hãy chờ một phút / ",
                "Too many failed logins, wait a minute"
            ),
            TokenRefusal::TemporarilyUnavailable => concat!(
                "Nền tảng tạm thời chưa phục vụ được / ",
                "The platform is temporarily unavailable"
            ),
        }
    }
}

/// An answer in JSON that no cache keeps (RFC 6749 §5.1).
pub(super) fn json(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    answer
}
