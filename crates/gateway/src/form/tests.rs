//! The table of design §7: each form and our verdict.

use http::{Method, Request};

use super::{Form, FormFault, check, check_path};

const PASSES: Result<Form, FormFault> = Ok(Form { encoded_slash: false });
const PASSES_IF_DECLARED: Result<Form, FormFault> = Ok(Form { encoded_slash: true });

#[test]
fn a_path_has_one_reading_or_is_refused() {
    use FormFault as F;
    let table = [
        ("/", PASSES),
        ("/datdai/1.0", PASSES),
        ("/datdai/1.0/thua/15", PASSES),
        ("//datdai///1.0//thua", PASSES),
        ("/datdai/1.0/a.b/..c/...", PASSES),
        ("/datdai/1.0/%C4%91%E1%BA%A5t", PASSES),
        ("/datdai/1.0/%252e%252e", PASSES),
        ("/datdai/1.0/a;b=c,d", PASSES),
        ("/datdai/1.0/.", Err(F::DotSegment)),
        ("/datdai/1.0/..", Err(F::DotSegment)),
        ("/datdai/../1.0", Err(F::DotSegment)),
        ("/./datdai/1.0", Err(F::DotSegment)),
        ("/datdai/1.0/%2e", Err(F::DotSegment)),
        ("/datdai/1.0/%2E%2e/x", Err(F::DotSegment)),
        ("/datdai/1.0/.%2e", Err(F::DotSegment)),
        ("/datdai/1.0/%2e./", Err(F::DotSegment)),
        ("/datdai/1.0/a%2F..%2Fb", Err(F::DotSegment)),
        ("/datdai/1.0/a%2f%2e%2e", Err(F::DotSegment)),
        ("/datdai/1.0/a%2Fb", PASSES_IF_DECLARED),
        ("/datdai/1.0/a%2fb", PASSES_IF_DECLARED),
        ("/datdai/1.0/a%5Cb", Err(F::Backslash)),
        ("/datdai/1.0/a%5cb", Err(F::Backslash)),
        ("/datdai/1.0/a\\b", Err(F::Backslash)),
        ("/datdai/1.0/%00", Err(F::Byte)),
        ("/datdai/1.0/a%0d%0aX", Err(F::Byte)),
        ("/datdai/1.0/%1f", Err(F::Byte)),
        ("/datdai/1.0/%7F", Err(F::Byte)),
        ("/datdai/1.0/\u{1}", Err(F::Byte)),
        ("/datdai/1.0/a b", Err(F::Byte)),
        ("/datdai/1.0/\u{7f}", Err(F::Byte)),
        ("/datdai/1.0/đất", Err(F::Byte)),
        ("/datdai/1.0/%", Err(F::PercentCoding)),
        ("/datdai/1.0/%2", Err(F::PercentCoding)),
        ("/datdai/1.0/%zz", Err(F::PercentCoding)),
        ("/datdai/1.0/%+1", Err(F::PercentCoding)),
        ("/datdai/1.0/%u0041", Err(F::PercentCoding)),
    ];
    for (path, expected) in table {
        assert_eq!(check_path(path), expected, "{path:?}");
    }
}

#[test]
fn a_head_has_one_reading_or_is_refused() {
    use FormFault as F;
    type Row = (
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
        Result<Form, FormFault>,
    );
    let host: &[(&str, &str)] = &[("host", "lgsp.example:8280")];
    let table: &[Row] = &[
        ("GET", "/a/1.0", host, PASSES),
        ("PURGE", "/a/1.0?x=%zz&y=../..", host, PASSES),
        ("CONNECT", "lgsp.example:80", host, Err(F::Method)),
        ("TRACE", "/a/1.0", host, Err(F::Method)),
        ("OPTIONS", "*", host, Err(F::Target)),
        ("GET", "/a/1.0", &[], Err(F::Host)),
        ("GET", "/a/1.0", &[("host", "")], Err(F::Host)),
        ("GET", "/a/1.0", &[("host", "a, b")], Err(F::Host)),
        ("GET", "/a/1.0", &[("host", "a/b")], Err(F::Host)),
        ("GET", "/a/1.0", &[("host", "u@a")], Err(F::Host)),
        ("GET", "/a/1.0", &[("host", "a"), ("host", "a")], Err(F::Host)),
        ("GET", "/a/1.0", &[("host", "[::1]:80")], PASSES),
        ("GET", "/a/1.0", &[("host", "a"), ("upgrade", "h2c")], Err(F::Upgrade)),
        ("GET", "http://LGSP.example:8280/a/1.0", host, PASSES),
        ("GET", "http://other.example/a/1.0", host, Err(F::Target)),
        ("GET", "http://u@lgsp.example:8280/a/1.0", host, Err(F::Target)),
        ("GET", "ftp://lgsp.example:8280/a/1.0", host, Err(F::Target)),
        ("GET", "http://lgsp.example:8280/a/../b", host, Err(F::DotSegment)),
    ];
    for (method, target, headers, expected) in table {
        let mut request =
            Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(*target);
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(check(&head), *expected, "{method} {target} {headers:?}");
    }
}

/// An independent reading: decode once, split at every slash, look at the segments.
fn reads_safe(path: &str, form: Form) -> bool {
    let mut decoded = Vec::new();
    let bytes = path.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let Some(value) =
                path.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok())
            else {
                return false;
            };
            if value == b'/' && !form.encoded_slash {
                return false;
            }
            decoded.push(value);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    !decoded.iter().any(|b| *b < 0x20 || *b == 0x7f || *b == b'\\')
        && !decoded.split(|b| *b == b'/').any(|segment| segment == b"." || segment == b"..")
}

#[test]
fn no_accepted_path_hides_a_dot_segment() {
    let alphabet = [
        "/", ".", "%2e", "%2E", "%2f", "%2F", "%5c", "\\", "%", "%00", "a", "é", "%25", "2", "e",
        "f",
    ];
    bolero::check!().with_type::<Vec<u8>>().with_max_len(64).for_each(|bytes| {
        let woven: String =
            bytes.iter().map(|b| alphabet[usize::from(*b) % alphabet.len()]).collect();
        for path in [woven.as_str(), &String::from_utf8_lossy(bytes)] {
            if let Ok(form) = check_path(path) {
                assert!(path.is_ascii() && reads_safe(path, form), "{path:?}");
            }
        }
    });
}
