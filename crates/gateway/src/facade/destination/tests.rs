//! The destination and the provider's address as callers write them.

use http::HeaderMap;
use terms::endpoint::Endpoint;

use super::*;

fn shown(query: &str, headers: &[&str]) -> String {
    let mut map = HeaderMap::new();
    for value in headers {
        map.append(DSTCODE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    match read(&map, query) {
        Ok(Named { destination, provider }) => {
            let text = |part: Option<Cow<'_, str>>| part.map_or("-".to_owned(), Cow::into_owned);
            format!("{} {}", text(destination), text(provider))
        }
        Err(fault) => fault.code.to_string(),
    }
}

#[test]
fn a_destination_is_read_once() {
    let table: [(&str, &[&str], &str); 17] = [
        ("", &[], "- -"),
        ("dstcode=VN:GOV:a", &[], "VN:GOV:a -"),
        ("x=1&DSTCODE=VN%3AGOV%3Aa&y", &[], "VN:GOV:a -"),
        ("destination=a", &[], "a -"),
        ("dstcode=a&destination=a", &["a"], "a -"),
        ("", &["VN%3Aa"], "VN:a -"),
        ("", &[" a "], "a -"),
        ("dstcode=&x", &["a"], "a -"),
        ("dstcode=a", &["b"], "request_invalid"),
        ("dstcode=a&dstcode=b", &[], "request_invalid"),
        ("", &["a", "b"], "request_invalid"),
        ("dstcode=%zz", &[], "request_invalid"),
        ("", &["\u{111}"], "request_invalid"),
        ("providerurl=http%3A%2F%2Fp%2Fx&dstcode=a", &[], "a http://p/x"),
        ("provider%75rl=http://p&dst%63ode=a", &[], "a http://p"),
        ("dstcode=a&%44STCODE=b", &[], "request_invalid"),
        ("+destination%20=a", &[], "a -"),
    ];
    for (query, headers, expected) in table {
        assert_eq!(shown(query, headers), expected, "{query} {headers:?}");
    }
}

#[test]
fn the_providers_address_is_the_registered_one() {
    let endpoints = ["http://p:81/base", "https://q"].map(|text| Endpoint::parse(text).unwrap());
    let table = [
        ("http://p:81/base", true),
        ("http://p:81/base/", true),
        ("HTTP://P:81/base", true),
        ("http://p:81/Base", false),
        ("http://p:81", false),
        ("http://p:81/base/x", false),
        ("http://p:81@evil/base", false),
        ("http://p:811/base", false),
        ("https://q", true),
        ("https://q/", true),
        ("https://q/x", false),
        ("https://qq", false),
        ("q", false),
        ("đđđđđđđđđđđ", false),
    ];
    for (given, fits) in table {
        let named = Named { provider: Some(given.into()), ..Named::default() };
        assert_eq!(check_provider(&named, &endpoints).is_ok(), fits, "{given}");
    }
}

#[test]
fn what_was_for_us_goes_no_further() {
    let table = [
        ("a=1&dstcode=x&b=%20", "a=1&b=%20", "a=1&dstcode=x&b=%20"),
        ("dstcode=x", "", "dstcode=x"),
        ("providerurl=y&dstcode=x&c", "c", "dstcode=x&c"),
        ("provider%75rl=y&dst%63ode=x&%64estination=x&c", "c", "dst%63ode=x&%64estination=x&c"),
        ("%70rovider%55RL=y&+providerurl=y&dstcode=&c", "c", "c"),
        ("provider%zzurl=y&a%75=1", "provider%zzurl=y&a%75=1", "provider%zzurl=y&a%75=1"),
        ("a&&b", "a&&b", "a&&b"),
        ("", "", ""),
    ];
    for (query, cleaned, kept) in table {
        assert_eq!(clean(query, false), cleaned, "{query}");
        assert_eq!(clean(query, true), kept, "{query}");
    }
}

#[test]
fn the_header_says_no_more_than_the_query() {
    let given = |name: &'static str, value: &'static str| {
        let mut map = HeaderMap::new();
        map.append(name, HeaderValue::from_static(value));
        map
    };
    let map = given(PROVIDERURL, "http%3A%2F%2Fp");
    assert_eq!(read(&map, "").unwrap().provider.as_deref(), Some("http://p"));
    assert!(read(&map, "providerurl=http://q").is_err(), "two ways");
    let table = [
        (DSTCODE, "a", true, true),
        (DSTCODE, "%61", true, true),
        (DSTCODE, "a", false, false),
        (DSTCODE, "b", true, false),
        (DSTCODE, "", true, false),
        (DESTINATION, "a", true, true),
        (DESTINATION, "b", true, false),
        (DESTINATION, "a", false, false),
        (PROVIDERURL, "a", true, false),
    ];
    for (name, value, keep, stays) in table {
        let mut map = given(name, value);
        clean_headers(&mut map, keep, |code| code == "a");
        assert_eq!(map.contains_key(name), stays, "{name} {value} {keep}");
    }
}
