//! The destination and the provider's address as callers write them.

use http::HeaderMap;
use terms::endpoint::Endpoint;

use super::*;

fn shown(query: &str, headers: &[&str]) -> String {
    let mut map = HeaderMap::new();
    for value in headers {
        map.append(DSTCODE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    match read(&map, query, Words::Facade) {
        Ok(Named { destination, provider }) => {
            let text = |part: Option<Cow<'_, str>>| part.map_or("-".to_owned(), Cow::into_owned);
            format!("{} {}", text(destination), text(provider))
        }
        Err(fault) => fault.code.to_string(),
    }
}

#[test]
fn a_destination_is_read_once() {
    let table: [(&str, &[&str], &str); 25] = [
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
        ("d%C5%BFtcode=a", &[], "a -"),
        ("dstcode[]=a&dstcode%00x=a&dstcode%01=a", &[], "a -"),
        ("prov%C4%B1derurl=b&PROV%C4%B0DERURL=b", &[], "- b"),
        ("x=1;dstcode=a", &[], "request_invalid"),
        ("x;y;dst%63ode=a", &[], "request_invalid"),
        ("x=1;providerurl=b&dstcode=a", &[], "request_invalid"),
        ("x=1;y=2&dstcode=a", &[], "a -"),
        ("dst_code=a&xdstcode=a&dstcod=a", &[], "- -"),
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
        assert_eq!(clean(query, false, Words::Facade), cleaned, "{query}");
        assert_eq!(clean(query, true, Words::Facade), kept, "{query}");
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
    assert_eq!(read(&map, "", Words::Facade).unwrap().provider.as_deref(), Some("http://p"));
    assert!(read(&map, "providerurl=http://q", Words::Facade).is_err(), "two ways");
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

#[test]
fn a_plain_call_has_a_word_less() {
    let none = HeaderMap::new();
    let plain = |query| read(&none, query, Words::Plain);
    assert_eq!(plain("destination=a"), Ok(Named::default()));
    assert_eq!(plain("destination=a&Dst%63ode=b").unwrap().destination.as_deref(), Some("b"));
    assert!(plain("dstcode=a&dstcode=b").is_err() && plain("x;dstcode=a").is_err());
    let mut map = HeaderMap::new();
    map.append(DESTINATION, HeaderValue::from_static("a"));
    assert_eq!(read(&map, "", Words::Plain), Ok(Named::default()));
    assert_eq!(read(&map, "", Words::Facade).unwrap().destination.as_deref(), Some("a"));
    assert!(read(&map, "dstcode=b", Words::Facade).is_err(), "in two ways");
    let query = "destination=a&providerurl=b&dstcode=c&d=%20";
    assert_eq!(clean(query, true, Words::Plain), "destination=a&dstcode=c&d=%20");
}

#[test]
fn an_adapter_is_told_by_its_path() {
    let table = [
        ("http://p/XrdAdapter/RestService/forward", true),
        ("http://p/XrdAdapter/RestService/forward/", true),
        ("http://p/XrdAdapter/RestService/forward/mapi", true),
        ("http://p/vxpadapter/restservice/FORWARD", true),
        ("http://p/RestService/forwards", false),
        ("http://p/XrdAdapter/RestService", false),
        ("http://p/XrdAdapter/RestService/forwards/x/RestService/forward/y", true),
        ("http://p", false),
    ];
    for (address, expected) in table {
        assert_eq!(is_adapter(&Endpoint::parse(address).unwrap()), expected, "{address}");
    }
    let table = [
        ("http://p", "/XrdAdapter/RestService/forward/x", true),
        ("http://p", "/XrdAdapter/RestService/%66orw%61rd", true),
        ("http://p", "/XrdAdapter/RestService%2Fforward/%ff", true),
        ("http://p", "/XrdAdapter/RestService//forward", true),
        ("http://p", "/XrdAdapter/restservice;v=1/FORWARD;x/y", true),
        ("http://p", "/XrdAdapter/RestService%3bx/forward", true),
        ("http://p/XrdAdapter", "/RestService/forward", true),
        ("http://p/XrdAdapter/RestService", "/forward", true),
        ("http://p/XrdAdapter/RestService/forward", "", true),
        ("http://p/XrdAdapter/RestService", "/forwards", false),
        ("http://p/XrdAdapter", "/RestService/x/forward", false),
        ("http://p/XrdAdapter", "/RestService%252Fforward", false),
        ("http://p", "/%zz/%", false),
    ];
    for (address, rest, expected) in table {
        let endpoint = Endpoint::parse(address).unwrap();
        assert_eq!(leads_to_adapter(&endpoint, rest), expected, "{address} {rest}");
    }
}

#[test]
fn a_form_names_no_other_destination() {
    let table: [(&[u8], bool); 12] = [
        (b"a=1&b=2", true),
        (b"", true),
        (b"dstcode=own&a=1", true),
        (b"dst%63ode=own&DSTCODE=own", true),
        (b"a=1&DstCode=other", false),
        (b"a=1&dst%63ode=other", false),
        (b"dstcode=own&dstcode=other", false),
        (b"providerurl=http://own", false),
        (br#"{"a":"&dstcode=other&"}"#, false),
        (br#"{"a":"x;providerurl=http://p;"}"#, false),
        (br#"{"a":"dstcode=other"}"#, true),
        (b"a=\xff&dstcode=other", false),
    ];
    for (body, fits) in table {
        let checked = check_form(body, |code| code == "own");
        assert_eq!(checked.is_ok(), fits, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_form_is_told_by_its_type_and_read_as_ascii() {
    let table: [(&[u8], bool, bool); 12] = [
        (b"application/x-www-form-urlencoded", true, true),
        (b"Application/X-WWW-Form-URLEncoded; charset=UTF-8", true, true),
        (b"application/x-www-form-urlencoded; charset=\"utf-8\"", true, true),
        (b"application/x-www-form-urlencoded;charset=utf-16", true, false),
        (b"application/x-www-form-urlencoded; charset = IBM037", true, false),
        (b"application/x-www-form-urlencoded; charset=utf-8; charset=utf-16", true, false),
        (b"application/x-www-form-urlencoded; charset", true, false),
        (b"application/x-www-form-urlencoded; charset=iso-8859-1", true, false),
        (b"application/json", false, true),
        (b"multipart/form-data; boundary=x", false, true),
        (b"application/x-www-form-urlencoded; \xff", true, true),
        (b"\xffapplication/x-www-form-urlencoded; charset=\xff", true, false),
    ];
    for (kind, form, fits) in table {
        let mut map = HeaderMap::new();
        map.append(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        map.append(CONTENT_TYPE, HeaderValue::from_bytes(kind).unwrap());
        let kind = String::from_utf8_lossy(kind);
        assert_eq!(is_form(&map), form, "{kind}");
        assert_eq!(check_charset(&map).is_ok(), fits, "{kind}");
    }
}

#[test]
fn a_path_has_no_parameter_for_us() {
    let table = [
        ("/a/b;v=1/c", true),
        ("/dstcode=a/providerurl", true),
        ("/a;destination=x", true),
        ("/a;dstcode=x", false),
        ("/a;v=1;dst%63ode=x/b", false),
        ("/;ProviderUrl", false),
    ];
    for (path, fits) in table {
        assert_eq!(check_path(path).is_ok(), fits, "{path}");
    }
}
