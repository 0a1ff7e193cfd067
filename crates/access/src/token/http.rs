//! The token endpoints of each environment's listeners: RFC 6749 client credentials, RFC 7009
//! revocation, RFC 7662 introspection, RFC 8414 metadata. Every refusal and every token issued or
//! revoked is a journal row, durable before the answer leaves.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, HOST};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use journal::{Row, Unavailable};
use serde::Serialize;
use serde_json::json;
use terms::clock::Timestamp;
use terms::code::SystemCode;
use terms::environment::Environment;
use terms::exchange::{ExchangeId, Facade, Kind, Outcome};
use terms::limit::TOKEN_BODY_MAX;

use super::claim::{self, Claim};
use super::client::ClientFault;
use super::refusal::json as answer_json;
use super::{Client, Terms, TokenRefusal, Unreadable};
use crate::access::Access;
use crate::credential::Credential;

/// The one scope there is: what a token opens is looked up at each call.
const SCOPE: &str = "default";
const EXCHANGE_ID: HeaderName = HeaderName::from_static("exchange-id");
/// An answer waits this long for its row: a disk that neither writes nor fails must not hold its
/// clients and their connections.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// One of the paths that are served here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/token`, `/oauth2/token`.
    Token,
    /// `/revoke`.
    Revoke,
    /// `/introspect`.
    Introspect,
    /// `/.well-known/oauth-authorization-server`.
    Metadata,
    /// The session login of a façade: where it stands is the gateway's matter. Its session is an
    /// access token, its answers are those of the portal's session protocol.
    Login(Facade),
}

impl Endpoint {
    /// Which endpoint stands at `path`; doubled and trailing slashes do not matter.
    pub fn find(path: &str) -> Option<Endpoint> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let found = match (segments.next()?, segments.next()) {
            ("token", None) | ("oauth2", Some("token")) => Endpoint::Token,
            ("revoke", None) => Endpoint::Revoke,
            ("introspect", None) => Endpoint::Introspect,
            (".well-known", Some("oauth-authorization-server")) => Endpoint::Metadata,
            _ => return None,
        };
        segments.next().is_none().then_some(found)
    }

    fn allow(self) -> &'static str {
        match self {
            Endpoint::Metadata => "GET, HEAD",
            _ => "POST",
        }
    }

    fn takes(self, method: &Method) -> bool {
        match self {
            Endpoint::Metadata => method == Method::GET || method == Method::HEAD,
            _ => method == Method::POST,
        }
    }
}

/// Where and from whom a request came.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The environment of the listener.
    pub environment: Environment,
    /// The client, as the journal shall show it.
    pub client_address: IpAddr,
    /// It came over TLS.
    pub secure: bool,
    /// It takes XML and nothing else: a refused session login is told so.
    pub xml: bool,
}

/// Answers a request at one of the endpoints. `body` is what was read of it, at most one byte more
/// than [`TOKEN_BODY_MAX`]; `terms` looks a system up in the catalogue, `None` when it is not
/// there.
pub async fn answer(
    access: &Access,
    endpoint: Endpoint,
    parts: &Parts,
    body: &Bytes,
    arrival: Arrival,
    terms: impl Fn(&SystemCode) -> Option<Terms>,
) -> Response<Bytes> {
    let visit = Visit::open(access, endpoint, parts, body.len(), arrival);
    if !endpoint.takes(&parts.method) {
        let mut answer = visit.refuse(TokenRefusal::WrongMethod, None, None).await;
        let allow = HeaderValue::from_static(endpoint.allow());
        answer.headers_mut().insert(ALLOW, allow);
        return answer;
    }
    if endpoint == Endpoint::Metadata {
        return visit.describe();
    }
    match visit.serve(body, terms).await {
        Ok(answer) => answer,
        Err(refused) => {
            let Refused { refusal, credential, terms } = *refused;
            visit.refuse(refusal, credential, terms).await
        }
    }
}

/// Refuses a request that whoever read it could not read; `request_bytes` of its body had come.
pub async fn refuse(
    access: &Access,
    endpoint: Endpoint,
    parts: &Parts,
    request_bytes: usize,
    arrival: Arrival,
    unreadable: Unreadable,
) -> Response<Bytes> {
    let visit = Visit::open(access, endpoint, parts, request_bytes, arrival);
    visit.refuse(TokenRefusal::InvalidRequest(unreadable), None, None).await
}

/// One request, with what every row about it says.
struct Visit<'a> {
    access: &'a Access,
    endpoint: Endpoint,
    parts: &'a Parts,
    arrival: Arrival,
    request_bytes: usize,
    opened_at: Timestamp,
    opened: Instant,
}

/// A refusal, with the credential when its secret was right.
struct Refused {
    refusal: TokenRefusal,
    credential: Option<Arc<Credential>>,
    terms: Option<Terms>,
}

impl From<TokenRefusal> for Box<Refused> {
    fn from(refusal: TokenRefusal) -> Box<Refused> {
        Box::new(Refused { refusal, credential: None, terms: None })
    }
}

/// The answer of RFC 6749 §5.1, its keys in the order that old clients cut by.
#[derive(Serialize)]
struct Granted<'a> {
    access_token: &'a str,
    scope: &'static str,
    token_type: &'static str,
    expires_in: u64,
}

/// The answer of a session login, its keys as the portal gives them.
#[derive(Serialize)]
struct Opened<'a> {
    error_code: i32,
    session: &'a str,
}

/// The answer of RFC 7662 §2.2.
#[derive(Serialize)]
struct Introspected<'a> {
    active: bool,
    scope: &'static str,
    client_id: &'a str,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    sub: &'a str,
}

impl<'a> Visit<'a> {
    fn open(
        access: &'a Access,
        endpoint: Endpoint,
        parts: &'a Parts,
        request_bytes: usize,
        arrival: Arrival,
    ) -> Visit<'a> {
        let clock = &access.0.clock;
        let (opened_at, opened) = (clock.now(), clock.instant());
        Visit { access, endpoint, parts, arrival, request_bytes, opened_at, opened }
    }

    async fn serve(
        &self,
        body: &Bytes,
        terms: impl Fn(&SystemCode) -> Option<Terms>,
    ) -> Result<Response<Bytes>, Box<Refused>> {
        if body.len() > TOKEN_BODY_MAX {
            return Err(TokenRefusal::InvalidRequest(Unreadable::TooLong).into());
        }
        let claim = match self.endpoint {
            Endpoint::Login(_) => claim::read_login(body),
            _ => claim::read(self.parts, body),
        };
        let claim = claim.map_err(TokenRefusal::InvalidRequest)?;
        check_form(self.endpoint, &claim)?;
        let (client, terms) = self.authenticate(&claim, terms).await?;
        match (self.endpoint, claim.token) {
            (Endpoint::Revoke, Some(token)) => self.revoke(&client, &terms, &token).await,
            (Endpoint::Introspect, Some(token)) => Ok(self.introspect(&client, &token)),
            _ => self.issue(&client, &terms).await,
        }
    }

    /// Who asks, and under what terms: a stopped system is refused like a wrong secret.
    async fn authenticate(
        &self,
        claim: &Claim,
        terms: impl Fn(&SystemCode) -> Option<Terms>,
    ) -> Result<(Client, Terms), Box<Refused>> {
        let Arrival { environment, client_address, .. } = self.arrival;
        let checked = self.access.authenticate(&claim.claimed, environment, client_address).await;
        let credential = match checked {
            Ok(client) => match terms(&client.credential().system) {
                Some(terms) if terms.active => return Ok((client, terms)),
                _ => client.credential().clone(),
            },
            Err(ClientFault::Dead(credential)) => credential,
            Err(ClientFault::Wrong) => return Err(TokenRefusal::InvalidClient.into()),
            Err(ClientFault::SlowDown) => return Err(TokenRefusal::SlowDown.into()),
            Err(ClientFault::Busy) => return Err(TokenRefusal::TemporarilyUnavailable.into()),
        };
        Err(Box::new(Refused {
            refusal: TokenRefusal::InvalidClient,
            terms: terms(&credential.system),
            credential: Some(credential),
        }))
    }

    async fn issue(&self, client: &Client, terms: &Terms) -> Result<Response<Bytes>, Box<Refused>> {
        let inner = &self.access.0;
        let now = inner.clock.now();
        let lifetime = super::lifetime(terms.lifetime);
        let token = super::issue(client, lifetime, &inner.keyring, now, &inner.random)
            .ok_or(TokenRefusal::TemporarilyUnavailable)?;
        let body = match self.endpoint {
            Endpoint::Login(_) => text(&Opened { error_code: 0, session: token.as_str() }),
            _ => text(&Granted {
                access_token: token.as_str(),
                scope: SCOPE,
                token_type: "Bearer",
                expires_in: lifetime.as_secs(),
            }),
        };
        let answer = answer_json(StatusCode::OK, body);
        self.record("issued", client, terms, answer).await
    }

    /// RFC 7009: a token that is dead or none at all is revoked already.
    async fn revoke(
        &self,
        client: &Client,
        terms: &Terms,
        token: &str,
    ) -> Result<Response<Bytes>, Box<Refused>> {
        let answer = answer_json(StatusCode::OK, Bytes::new());
        let Ok(verified) = self.access.look_up(token, self.arrival.environment) else {
            return Ok(answer);
        };
        let credential = client.credential();
        if verified.caller.credential().number != credential.number {
            return Err(Box::new(Refused {
                refusal: TokenRefusal::InvalidGrant,
                credential: Some(credential.clone()),
                terms: Some(terms.clone()),
            }));
        }
        let revoked =
            self.access.revoke_token(verified.tag, credential.number, verified.expires_at).await;
        revoked.map_err(|_| TokenRefusal::TemporarilyUnavailable)?;
        self.record("revoked", client, terms, answer).await
    }

    /// RFC 7662 for a client's own tokens; of any other it learns nothing.
    fn introspect(&self, client: &Client, token: &str) -> Response<Bytes> {
        let own =
            self.access.look_up(token, self.arrival.environment).ok().filter(|verified| {
                verified.caller.credential().number == client.credential().number
            });
        let body = match &own {
            None => Bytes::from_static(br#"{"active":false}"#),
            Some(verified) => text(&Introspected {
                active: true,
                scope: SCOPE,
                client_id: verified.caller.consumer_key().as_str(),
                token_type: "Bearer",
                exp: verified.expires_at.secs(),
                iat: verified.issued_at.secs(),
                sub: verified.caller.system().as_str(),
            }),
        };
        answer_json(StatusCode::OK, body)
    }

    /// RFC 8414. The issuer is the address by which the client came.
    fn describe(&self) -> Response<Bytes> {
        let host = self
            .parts
            .headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .or(self.parts.uri.authority().map(|authority| authority.as_str()))
            .unwrap_or("localhost");
        let scheme = if self.arrival.secure { "https" } else { "http" };
        let issuer = format!("{scheme}://{host}");
        let methods = ["client_secret_basic", "client_secret_post"];
        let metadata = json!({
            "issuer": issuer,
            "token_endpoint": format!("{issuer}/token"),
            "revocation_endpoint": format!("{issuer}/revoke"),
            "introspection_endpoint": format!("{issuer}/introspect"),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": [SCOPE],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_methods_supported": methods,
        });
        answer_json(StatusCode::OK, text(&metadata))
    }

    /// Writes the row of a success and lets the answer go once it is durable.
    async fn record(
        &self,
        event: &'static str,
        client: &Client,
        terms: &Terms,
        mut answer: Response<Bytes>,
    ) -> Result<Response<Bytes>, Box<Refused>> {
        let mut row = self.row(event, Some(client.credential()), Some(terms), &answer);
        row.outcome = Some(Outcome::Answered);
        let id = row.exchange_id;
        if !is_durable(self.access.0.journal.write(&row), SETTLE_MAX).await {
            return Err(TokenRefusal::TemporarilyUnavailable.into());
        }
        name(&mut answer, id);
        Ok(answer)
    }

    /// Writes the row of a refusal, alone or folded with others, and gives its answer.
    async fn refuse(
        &self,
        refusal: TokenRefusal,
        credential: Option<Arc<Credential>>,
        terms: Option<Terms>,
    ) -> Response<Bytes> {
        let challenged = self.parts.headers.contains_key(AUTHORIZATION);
        let told = |refusal: TokenRefusal| match self.endpoint {
            Endpoint::Login(_) => refusal.answer_login(self.arrival.xml),
            _ => refusal.answer(challenged),
        };
        let mut answer = told(refusal);
        let mut row = self.row("refused", credential.as_deref(), terms.as_ref(), &answer);
        row.outcome = Some(Outcome::Denied);
        row.fault = Some(refusal.code().into());
        row.blame = Some(refusal.blame());
        let (id, durable) = self.access.0.journal.deny(row);
        if let Some(durable) = durable
            && !is_durable(durable, SETTLE_MAX).await
        {
            return told(TokenRefusal::TemporarilyUnavailable);
        }
        name(&mut answer, id);
        answer
    }

    fn row(
        &self,
        event: &'static str,
        credential: Option<&Credential>,
        terms: Option<&Terms>,
        answer: &Response<Bytes>,
    ) -> Row {
        let inner = &self.access.0;
        let id = ExchangeId::new(self.opened_at, &inner.random);
        let mut row = Row::new(Kind::Token, id, self.opened_at);
        let took = inner.clock.instant().saturating_duration_since(self.opened);
        row.closed_at = Some(self.opened_at.plus(took));
        row.total_us = u64::try_from(took.as_micros()).ok();
        row.environment = Some(self.arrival.environment);
        row.facade = match self.endpoint {
            Endpoint::Login(facade) => Some(facade),
            _ => None,
        };
        row.client_address = Some(self.arrival.client_address);
        let method = self.parts.method.as_str();
        row.method = (method.len() <= Row::METHOD_BYTES_MAX).then(|| method.to_owned().into());
        row.status = Some(answer.status().as_u16());
        row.request_bytes = u64::try_from(self.request_bytes).ok();
        row.response_bytes = u64::try_from(answer.body().len()).ok();
        row.event = Some(event.into());
        row.credential = credential.map(|c| c.consumer_key.text());
        row.consumer_system = credential.map(|c| c.system.text());
        row.consumer_member = terms.map(|terms| terms.member.text());
        row
    }
}

/// What must be there before anyone is asked who he is.
fn check_form(endpoint: Endpoint, claim: &Claim) -> Result<(), TokenRefusal> {
    match endpoint {
        Endpoint::Token => match claim.grant_type.as_deref() {
            None | Some("client_credentials") => Ok(()),
            Some(_) => Err(TokenRefusal::UnsupportedGrantType),
        },
        Endpoint::Login(_) => Ok(()),
        _ if claim.token.is_none() => Err(TokenRefusal::InvalidRequest(Unreadable::TokenMissing)),
        _ => Ok(()),
    }
}

/// Is the row on the disk before `limit` is over? What comes later is written all the same.
async fn is_durable(row: impl Future<Output = Result<(), Unavailable>>, limit: Duration) -> bool {
    matches!(tokio::time::timeout(limit, row).await, Ok(Ok(())))
}

fn text(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

fn name(answer: &mut Response<Bytes>, id: ExchangeId) {
    let mut buffer = [0; 36];
    if let Ok(value) = HeaderValue::from_str(id.encode(&mut buffer)) {
        answer.headers_mut().insert(EXCHANGE_ID, value);
    }
}

#[cfg(test)]
mod tests;
