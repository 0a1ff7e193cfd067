//! A shared service (dịch vụ chia sẻ dữ liệu) and where it stands on the path.

pub(crate) mod store;

use std::sync::Arc;

use terms::code::{MemberCode, ServiceCode, VersionName};

use crate::stated::{Broken, Stated};
use crate::version::Version;

/// First path segments that no service may take: the platform's own.
pub const RESERVED: [&str; 18] = [
    "token",
    "oauth2",
    "revoke",
    "introspect",
    ".well-known",
    "oidc",
    "packets",
    "receipts",
    "mailbox",
    "thong-ke",
    "mapi",
    "XrdAdapter",
    "VXPAdapter",
    "web",
    "r1",
    "health",
    "metrics",
    "api",
];
/// The service that the platform itself offers: figures for the national portal, at `/thong-ke`. It
/// is subscribed to like any other and stands in no registry file.
pub const STATISTICS: &str = "thong-ke";
/// The one version of [`STATISTICS`].
pub const STATISTICS_VERSION: &str = "1.0";
/// Segments of a context at the most.
pub const CONTEXT_SEGMENTS_MAX: usize = 4;

/// What the platform itself asks of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The figures of a one-stop system, which the platform adds up (QCV-04).
    Statistics,
}

/// A service as the catalogue holds it.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its code (mã dịch vụ).
    pub code: ServiceCode,
    /// Who offers it; never changes.
    pub provider: MemberCode,
    /// Its name.
    pub name: Arc<str>,
    /// Where it stands: `/datdai`, one to four segments.
    pub context: Arc<str>,
    /// The X-Road id under which it is called through the national adapter (`dstcode`), in the form
    /// with colons: `VN:GOV:000.00.00.G22:vpcpdvcprovider`.
    pub destination: Option<Arc<str>>,
    /// What the platform itself asks of it.
    pub role: Option<Role>,
    /// Its versions, by name.
    pub versions: Vec<Arc<Version>>,
    /// A hash of the rows behind it, by which catalogues are compared.
    pub(crate) print: u64,
}

impl Service {
    /// The platform's own service: offered by nobody (its provider's code is empty), reached at no
    /// context, with no endpoint behind it.
    pub(crate) fn statistics() -> Service {
        let code = ServiceCode::known(STATISTICS);
        let version = Version::built_in(code.clone(), VersionName::known(STATISTICS_VERSION));
        Service {
            code,
            provider: MemberCode::known(""),
            name: "Thống kê hồ sơ".into(),
            context: format!("/{STATISTICS}").into(),
            destination: None,
            role: None,
            versions: vec![Arc::new(version)],
            print: 0,
        }
    }

    /// Is it the platform's own? Then [`Service::provider`] is empty and nobody is asked.
    pub fn is_built_in(&self) -> bool {
        self.code.as_str() == STATISTICS
    }

    pub(crate) fn read(stated: &Stated) -> Result<Service, Broken> {
        let code = stated.text("code").and_then(|c| ServiceCode::parse(c).ok());
        // From before the platform offered it itself.
        let code = code.filter(|code| code.as_str() != STATISTICS);
        let provider = stated.text("provider").and_then(|c| MemberCode::parse(c).ok());
        let context = stated.text("context").filter(|c| check_context(c).is_ok());
        Ok(Service {
            code: code.ok_or_else(|| Broken::field("code"))?,
            provider: provider.ok_or_else(|| Broken::field("provider"))?,
            name: stated.shared("name"),
            context: context.ok_or_else(|| Broken::field("context"))?.into(),
            destination: stated.text("destination").map(Arc::from),
            role: match stated.text("role") {
                None => None,
                Some("statistics") => Some(Role::Statistics),
                Some(_) => return Err(Broken::field("role")),
            },
            versions: Vec::new(),
            print: 0,
        })
    }
}

/// Why a context was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextFault {
    /// Not one to four segments of letters, digits, `-`, `.`, `_`, `~`, each after a slash.
    Form,
    /// Its first segment belongs to the platform.
    Reserved,
}

/// Is `context` a place a service may take (RFC 3986 unreserved characters, no dot segments)?
pub fn check_context(context: &str) -> Result<(), ContextFault> {
    let segments = context.strip_prefix('/').ok_or(ContextFault::Form)?;
    let fits = |s: &str| {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        (1..=64).contains(&s.len()) && s.bytes().all(unreserved) && !matches!(s, "." | "..")
    };
    if segments.split('/').count() > CONTEXT_SEGMENTS_MAX || !segments.split('/').all(fits) {
        return Err(ContextFault::Form);
    }
    match segments.split('/').next() {
        Some(first) if RESERVED.contains(&first) => Err(ContextFault::Reserved),
        _ => Ok(()),
    }
}
