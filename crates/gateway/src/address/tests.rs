//! Whom trusted proxies vouch for, and what anyone may have written.

use http::{HeaderMap, HeaderName, HeaderValue};
use registry::network::Network;

use super::client;

#[test]
fn the_right_most_untrusted_address_counts() {
    let trusted: Vec<Network> =
        ["10.0.0.0/8", "::1"].iter().map(|text| Network::parse(text).unwrap()).collect();
    type Row = (&'static str, &'static [(&'static str, &'static str)], &'static str);
    let table: &[Row] = &[
        ("192.0.2.1", &[("x-forwarded-for", "1.2.3.4")], "192.0.2.1"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &[("x-forwarded-for", "1.2.3.4")], "1.2.3.4"),
        ("::ffff:10.0.0.1", &[("x-forwarded-for", "1.2.3.4")], "1.2.3.4"),
        ("10.0.0.1", &[("x-forwarded-for", "9.9.9.9, 1.2.3.4, 10.0.0.2")], "1.2.3.4"),
        ("10.0.0.1", &[("x-forwarded-for", "9.9.9.9"), ("x-forwarded-for", "1.2.3.4")], "1.2.3.4"),
        ("10.0.0.1", &[("x-forwarded-for", "9.9.9.9, nonsense, 10.0.0.2")], "10.0.0.2"),
        ("10.0.0.1", &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
        ("10.0.0.1", &[("x-forwarded-for", "1.2.3.4:5678")], "1.2.3.4"),
        (
            "::1",
            &[("forwarded", "for=9.9.9.9, for=\"[2001:db8::7]:80\";proto=http")],
            "2001:db8::7",
        ),
        ("::1", &[("forwarded", "by=10.0.0.1;For=1.2.3.4")], "1.2.3.4"),
        ("::1", &[("forwarded", "for=_hidden")], "::1"),
        ("10.0.0.1", &[("x-real-ip", "1.2.3.4")], "10.0.0.1"),
    ];
    for (peer, fields, expected) in table {
        let mut headers = HeaderMap::new();
        for (name, value) in *fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let seen = client(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(seen.to_string(), *expected, "{peer} {fields:?}");
    }
}
