//! The form of a request: what may be read in two ways is refused before anything else is asked.

use http::request::Parts;
use http::{HeaderMap, Method, Uri, header};
use terms::fault::{Fault, FaultCode, Sentence};

#[cfg(test)]
mod tests;

/// A request whose form has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Somewhere in the path a slash is percent-coded: only a version with `encoded_slash: pass`
    /// may take it.
    pub(crate) encoded_slash: bool,
}

/// What is wrong with a request's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormFault {
    /// CONNECT or TRACE.
    Method,
    /// `Upgrade` is asked for.
    Upgrade,
    /// A transfer coding besides chunks.
    Coding,
    /// No `Host`, two of them, or one that names no host.
    Host,
    /// `*`, another scheme, or an authority that is not the `Host`.
    Target,
    /// A segment that is `.` or `..` once decoded.
    DotSegment,
    /// A percent sign without two hexadecimal digits.
    PercentCoding,
    /// A backslash, plain or coded.
    Backslash,
    /// A control or non-ASCII byte, or a coded control byte.
    Byte,
    /// A coded slash where the version does not pass it.
    EncodedSlash,
}

impl FormFault {
    fn sentence(self) -> Sentence {
        match self {
            FormFault::Method => Sentence::new(
                "Phương thức CONNECT và TRACE không được dùng.",
                "CONNECT and TRACE are not carried.",
            ),
            FormFault::Upgrade => Sentence::new(
                "Không chuyển đổi giao thức (Upgrade).",
                "Upgrade to another protocol is not carried.",
            ),
            FormFault::Coding => Sentence::new(
                "Chỉ nhận Transfer-Encoding là chunked.",
                "No transfer coding but chunked is taken.",
            ),
            FormFault::Host => Sentence::new(
                "Yêu cầu phải có đúng một trường Host hợp lệ.",
                "Exactly one valid Host field is required.",
            ),
            FormFault::Target => Sentence::new(
                "Đích của yêu cầu không phải đường dẫn trên máy chủ này.",
                "The request target is not a path on this host.",
            ),
            FormFault::DotSegment => Sentence::new(
                "Đường dẫn có đoạn `.` hoặc `..`.",
                "The path has a `.` or `..` segment.",
            ),
            FormFault::PercentCoding => Sentence::new(
                "Mã hóa phần trăm trong đường dẫn sai.",
                "The percent coding of the path is broken.",
            ),
            FormFault::Backslash => {
                Sentence::new("Đường dẫn có dấu gạch chéo ngược.", "The path has a backslash.")
            }
            FormFault::Byte => Sentence::new(
                "Đường dẫn có ký tự điều khiển hoặc ngoài ASCII.",
                "The path has a control or non-ASCII byte.",
            ),
            FormFault::EncodedSlash => Sentence::new(
                "Đường dẫn có dấu gạch chéo mã hóa (%2F).",
                "The path has a coded slash (%2F).",
            ),
        }
    }
}

impl From<FormFault> for Fault {
    fn from(fault: FormFault) -> Fault {
        Fault::new(FaultCode::RequestInvalid).because(fault.sentence())
    }
}

/// Checks the head of a request (design §7, RFC 9112 3.2, RFC 3986 3.3).
pub(crate) fn check(head: &Parts) -> Result<Form, FormFault> {
    if matches!(head.method, Method::CONNECT | Method::TRACE) {
        return Err(FormFault::Method);
    }
    if head.headers.contains_key(header::UPGRADE) {
        return Err(FormFault::Upgrade);
    }
    if !crate::header::is_framed_plainly(&head.headers) {
        return Err(FormFault::Coding);
    }
    let host = check_host(&head.headers)?;
    check_target(&head.uri, host)?;
    check_query(head.uri.query().unwrap_or_default())?;
    check_path(head.uri.path())
}

fn check_host(headers: &HeaderMap) -> Result<&[u8], FormFault> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(FormFault::Host);
    };
    let host = host.as_bytes();
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+;=".contains(b);
    if host.is_empty() || !host.iter().all(fits) {
        return Err(FormFault::Host);
    }
    Ok(host)
}

/// Origin form, or absolute form that says the same as `Host`.
fn check_target(uri: &Uri, host: &[u8]) -> Result<(), FormFault> {
    if let Some(authority) = uri.authority() {
        let scheme_fits = matches!(uri.scheme_str(), Some("http" | "https"));
        if !scheme_fits || !authority.as_str().as_bytes().eq_ignore_ascii_case(host) {
            return Err(FormFault::Target);
        }
    }
    if uri.path().starts_with('/') { Ok(()) } else { Err(FormFault::Target) }
}

/// The query goes on verbatim; only bytes that no reader agrees upon are refused.
fn check_query(query: &str) -> Result<(), FormFault> {
    if query.bytes().all(|b| b.is_ascii_graphic()) { Ok(()) } else { Err(FormFault::Byte) }
}

/// Checks a path segment by segment, decoding each byte once.
pub(crate) fn check_path(path: &str) -> Result<Form, FormFault> {
    let mut form = Form { encoded_slash: false };
    let mut segment = Segment::default();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'/' => segment = segment.close()?,
            b'%' => match decode(bytes.next(), bytes.next()) {
                None => return Err(FormFault::PercentCoding),
                // a provider that decodes it sees a segment's end here
                Some(b'/') => {
                    form.encoded_slash = true;
                    segment = segment.close()?;
                }
                Some(b'\\') => return Err(FormFault::Backslash),
                Some(0..=0x1f | 0x7f) => return Err(FormFault::Byte),
                Some(decoded) => segment.push(decoded),
            },
            b'\\' => return Err(FormFault::Backslash),
            _ if !byte.is_ascii_graphic() => return Err(FormFault::Byte),
            _ => segment.push(byte),
        }
    }
    segment.close()?;
    Ok(form)
}

/// What has been read of one segment: its dots and whether anything else stands in it.
#[derive(Clone, Copy, Default)]
struct Segment {
    dots: usize,
    other: bool,
}

impl Segment {
    fn push(&mut self, byte: u8) {
        if byte == b'.' {
            self.dots += 1;
        } else {
            self.other = true;
        }
    }

    /// Ends the segment; the next one begins empty.
    fn close(self) -> Result<Segment, FormFault> {
        if !self.other && matches!(self.dots, 1 | 2) {
            return Err(FormFault::DotSegment);
        }
        Ok(Segment::default())
    }
}

fn decode(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let value = digit(high)? * 16 + digit(low)?;
    u8::try_from(value).ok()
}
