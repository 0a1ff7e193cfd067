//! Codes by which parties, systems and services are known.

use std::sync::Arc;

use serde::Serialize;

/// Defines a code: cheap to clone, compared and printed as its text.
macro_rules! code {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text that was checked before (read back from the database, say).
            pub fn known(text: impl Into<Arc<str>>) -> $name {
                $name(text.into())
            }

            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Its text, shared.
            pub fn text(&self) -> Arc<str> {
                self.0.clone()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), &self.0)
            }
        }
    };
}

code! {
    /// Code of an agency or organisation (mã cơ quan): QCVN 102:2016 (`000.00.13.H01`), Decision
    /// 20/2020/QĐ-TTg (`H01.013`), or the registration number of an enterprise.
    MemberCode
}
code! {
    /// Code of an information system of a member, unique in the platform.
    SystemCode
}
code! {
    /// Code of a shared service (mã dịch vụ), unique in the platform.
    ServiceCode
}
code! {
    /// Name of a service's version: `1.0`.
    VersionName
}
code! {
    /// The public half of a credential (Consumer key).
    ConsumerKey
}

/// Why a code was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFault {
    /// Nothing stands there.
    Empty,
    /// Longer than the form allows.
    Long,
    /// Not of one of the official forms.
    Form,
}

/// Length of an agency code at the most (Decision 20/2020/QĐ-TTg).
pub const MEMBER_CODE_CHARS_MAX: usize = 35;
/// Length of a system, service or version code at the most.
pub const CODE_CHARS_MAX: usize = 64;

impl MemberCode {
    /// Reads a code in one of its official forms (CAT-01): the old `V1V2V3.Z1Z2.Y1Y2.MX` of
    /// QCVN 102:2016, the new one of Decision 20/2020 (level 1, then groups of digits and
    /// capitals), or an enterprise's number (10 or 13 digits, branch with or without hyphen).
    pub fn parse(text: &str) -> Result<MemberCode, CodeFault> {
        match text.len() {
            0 => return Err(CodeFault::Empty),
            n if n > MEMBER_CODE_CHARS_MAX => return Err(CodeFault::Long),
            _ => {}
        }
        if is_old_form(text) || is_new_form(text) || is_business_form(text) {
            Ok(MemberCode::known(text))
        } else {
            Err(CodeFault::Form)
        }
    }

    /// The level-1 body: `H01` of `H01.013` and of `000.00.13.H01`; `None` for an enterprise.
    pub fn level_1(&self) -> Option<&str> {
        if is_old_form(&self.0) {
            self.0.rsplit('.').next()
        } else {
            self.0.split('.').next().filter(|group| is_level_1(group))
        }
    }
}

fn is_level_1(group: &str) -> bool {
    let bytes = group.as_bytes();
    bytes.len() == 3 && bytes[0].is_ascii_uppercase() && bytes[1..].iter().all(u8::is_ascii_digit)
}

fn is_old_form(text: &str) -> bool {
    let groups: Vec<&str> = text.split('.').collect();
    let digits =
        |group: &str, n: usize| group.len() == n && group.bytes().all(|b| b.is_ascii_digit());
    let [v, z, y, mx] = groups[..] else { return false };
    digits(v, 3) && digits(z, 2) && digits(y, 2) && is_level_1(mx)
}

fn is_new_form(text: &str) -> bool {
    let mut groups = text.split('.');
    groups.next().is_some_and(is_level_1)
        && groups.all(|g| {
            !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        })
}

fn is_business_form(text: &str) -> bool {
    let digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('-') {
        Some((number, branch)) => digits(number, 10) && digits(branch, 3),
        None => digits(text, 10) || digits(text, 13),
    }
}

impl SystemCode {
    /// Reads a code: letters, digits, `-`, `_`, `.`; at most 64, beginning with a letter or digit.
    pub fn parse(text: &str) -> Result<SystemCode, CodeFault> {
        check_code(text).map(SystemCode::known)
    }
}

impl ServiceCode {
    /// Reads a code: letters, digits, `-`, `_`, `.`; at most 64, beginning with a letter or digit.
    pub fn parse(text: &str) -> Result<ServiceCode, CodeFault> {
        check_code(text).map(ServiceCode::known)
    }
}

impl VersionName {
    /// Reads a name: letters, digits, `-`, `_`, `.`; at most 64, beginning with a letter or digit.
    pub fn parse(text: &str) -> Result<VersionName, CodeFault> {
        check_code(text).map(VersionName::known)
    }
}

impl ConsumerKey {
    /// Reads a consumer key: visible ASCII without `:` (it must fit HTTP Basic, RFC 7617), at most
    /// 128.
    pub fn parse(text: &str) -> Result<ConsumerKey, CodeFault> {
        match text.len() {
            0 => Err(CodeFault::Empty),
            n if n > 128 => Err(CodeFault::Long),
            _ if text.bytes().all(|b| b.is_ascii_graphic() && b != b':') => {
                Ok(ConsumerKey::known(text))
            }
            _ => Err(CodeFault::Form),
        }
    }
}

fn check_code(text: &str) -> Result<&str, CodeFault> {
    match text.len() {
        0 => return Err(CodeFault::Empty),
        n if n > CODE_CHARS_MAX => return Err(CodeFault::Long),
        _ => {}
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if text.as_bytes()[0].is_ascii_alphanumeric() && text.bytes().all(fits) {
        Ok(text)
    } else {
        Err(CodeFault::Form)
    }
}
