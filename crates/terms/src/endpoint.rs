//! Where a provider's service stands: an address taken apart once, when it is registered.

use std::sync::Arc;

use http::HeaderValue;

/// A provider's address, `http[s]://host[:port][/base]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Spoken to over TLS?
    pub tls: bool,
    /// Host name or IP address, without brackets.
    pub host: Arc<str>,
    /// Port; 80 or 443 when the address has none.
    pub port: u16,
    /// Path before the rest of each call, without a trailing slash; often empty.
    pub base: Arc<str>,
    /// What stands in `Host` (RFC 9112, 3.2).
    pub authority: HeaderValue,
    /// Scheme and authority, as the journal names the provider's side of a call.
    pub upstream: Arc<str>,
}

/// Why an address was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointFault {
    /// Not an absolute address.
    Form,
    /// Neither `http` nor `https`.
    Scheme,
    /// Carries a user name or password.
    UserInfo,
    /// Carries a query or a fragment.
    Query,
    /// Its path has dot segments.
    Path,
}

impl Endpoint {
    /// Takes an address apart.
    pub fn parse(text: &str) -> Result<Endpoint, EndpointFault> {
        if text.contains(['?', '#']) {
            return Err(EndpointFault::Query);
        }
        let uri: http::Uri = text.parse().map_err(|_| EndpointFault::Form)?;
        let authority = uri.authority().ok_or(EndpointFault::Form)?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(EndpointFault::Scheme),
        };
        if authority.as_str().contains('@') {
            return Err(EndpointFault::UserInfo);
        }
        let path = uri.path();
        if path.split('/').any(is_dot_segment) {
            return Err(EndpointFault::Path);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || authority.as_str().ends_with(':') {
            return Err(EndpointFault::Form);
        }
        // A port that is written but is none must not become the scheme's own.
        let written = authority.as_str() != authority.host();
        let port = match authority.port_u16() {
            Some(port) if port > 0 => port,
            None if !written && tls => 443,
            None if !written => 80,
            _ => return Err(EndpointFault::Form),
        };
        Ok(Endpoint {
            tls,
            host: host.into(),
            port,
            base: path.trim_end_matches('/').into(),
            authority: HeaderValue::from_str(authority.as_str())
                .map_err(|_| EndpointFault::Form)?,
            upstream: format!("{}://{authority}", if tls { "https" } else { "http" }).into(),
        })
    }
}

/// `.` or `..`, also with their dots percent-coded.
fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    matches!(plain.as_str(), "." | "..")
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.upstream, self.base)
    }
}

/// What a version's `tls` entry brings, as PEM texts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TlsMaterial {
    /// Certificates to trust instead of the public ones.
    pub ca: Option<Arc<str>>,
    /// Our certificate chain, when the provider asks for one.
    pub certificate: Option<Arc<str>>,
    /// Its key.
    pub key: Option<Arc<str>>,
}

impl std::fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsMaterial")
    }
}
