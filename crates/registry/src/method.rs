//! Sets of HTTP methods, as a version offers them and a subscription is granted them.

use http::Method;

/// The methods that may be named in a registry file, in the order in which they are printed.
pub const NAMED: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A set of methods: all but CONNECT and TRACE, or those named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Methods(u8);

impl Methods {
    /// All but CONNECT and TRACE, which the platform never carries.
    pub const ALL: Methods = Methods(u8::MAX);

    /// The set of these names; unknown names are left out.
    pub fn named<'a>(names: impl Iterator<Item = &'a str>) -> Methods {
        let bits = names.filter_map(|name| NAMED.iter().position(|n| *n == name));
        Methods(bits.fold(0, |set, bit| set | 1 << bit))
    }

    /// Is `method` in the set?
    pub fn allows(self, method: &Method) -> bool {
        if self == Methods::ALL {
            return *method != Method::CONNECT && *method != Method::TRACE;
        }
        let bit = NAMED.iter().position(|n| *n == method.as_str());
        bit.is_some_and(|bit| self.0 & 1 << bit != 0)
    }

    /// The value of an `Allow` field (RFC 9110, 10.2.1).
    pub fn allow(self) -> String {
        let names = NAMED.iter().enumerate();
        let named = names.filter(|(bit, _)| self.0 & 1 << bit != 0);
        named.map(|(_, n)| *n).collect::<Vec<_>>().join(", ")
    }
}
