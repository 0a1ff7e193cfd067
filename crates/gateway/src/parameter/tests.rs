//! Where a value is looked for and how it is read; patterns themselves are the registry's.

use http::{HeaderMap, HeaderValue};

use super::{header_values, query_values, segment_value};

fn shown(values: Option<Vec<std::borrow::Cow<'_, str>>>) -> String {
    values.map_or("broken".to_owned(), |values| format!("{values:?}"))
}

#[test]
fn values_of_a_query_are_decoded_once() {
    let table = [
        ("maThua=15", r#"["15"]"#),
        ("a=1&maThua=15&b", r#"["15"]"#),
        ("maThua=1&maThua=2", r#"["1", "2"]"#),
        ("maThua", r#"[""]"#),
        ("", "[]"),
        ("mathua=15", "[]"),
        ("%6daThua=15", r#"["15"]"#),
        ("maThua=%C4%91%E1%BA%A5t+%2B", r#"["đất +"]"#),
        ("maThua=%2531", r#"["%31"]"#),
        ("maThua=%zz", "broken"),
        ("maThua=%ff", "broken"),
        ("%zz=1&maThua=2", r#"["2"]"#),
        ("maThua=a=b", r#"["a=b"]"#),
    ];
    for (query, expected) in table {
        assert_eq!(shown(query_values(query, "maThua")), expected, "{query}");
    }
}

#[test]
fn path_parameters_are_segments_in_their_order() {
    let table = [
        ("/thua/15", 0, r#"["thua"]"#),
        ("/thua/15", 1, r#"["15"]"#),
        ("/thua/15", 2, "[]"),
        ("", 0, "[]"),
        ("/", 0, "[]"),
        ("//15", 0, "[]"),
        ("//15", 1, r#"["15"]"#),
        ("/a+b%20c", 0, r#"["a+b c"]"#),
        ("/%ff", 0, "broken"),
    ];
    for (rest, index, expected) in table {
        assert_eq!(shown(segment_value(rest, index)), expected, "{rest} {index}");
    }
}

#[test]
fn every_line_of_a_header_counts() {
    let mut headers = HeaderMap::new();
    headers.append("x-ma", HeaderValue::from_static("1"));
    headers.append("x-ma", HeaderValue::from_bytes("đ".as_bytes()).unwrap());
    assert_eq!(shown(header_values(&headers, "X-Ma")), r#"["1", "đ"]"#);
    assert_eq!(shown(header_values(&headers, "x-other")), "[]");
    headers.append("x-ma", HeaderValue::from_bytes(&[0xff]).unwrap());
    assert_eq!(shown(header_values(&headers, "x-ma")), "broken");
}
