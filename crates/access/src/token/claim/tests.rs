//! Requests at the token endpoint as clients in the field send them, and as nobody may.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;

use super::{Claim, Unreadable, read};
use Unreadable::{InQuery, Text, Twice, TwoWays};

/// What must come out: readings as `key=secret`, then grant and token.
#[derive(Debug, PartialEq)]
struct Seen {
    claimed: Vec<String>,
    grant_type: Option<String>,
    token: Option<String>,
}

fn seen(claim: Claim) -> Seen {
    let pair = |c: &super::Claimed| format!("{}={}", c.consumer_key, c.secret_key);
    Seen {
        claimed: claim.claimed.iter().map(pair).collect(),
        grant_type: claim.grant_type,
        token: claim.token,
    }
}

fn ask(uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Seen, Unreadable> {
    let mut request = Request::post(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    read(&parts, body).map(seen)
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

const GRANT: &str = "client_credentials";

#[track_caller]
fn check(uri: &str, headers: &[(&str, &str)], body: &str, claimed: &[&str], grant: &str) {
    let expected = Seen {
        claimed: claimed.iter().map(|c| (*c).to_owned()).collect(),
        grant_type: (!grant.is_empty()).then(|| grant.to_owned()),
        token: None,
    };
    let found = ask(uri, headers, body.as_bytes());
    assert_eq!(found, Ok(expected), "{uri} {headers:?} {body}");
}

#[test]
fn credentials_are_found_wherever_clients_put_them() {
    let form = "client_id=k&client_secret=s&grant_type=client_credentials";
    let json = r#"{"client_id":"k","client_secret":"s","grant_type":"client_credentials"}"#;
    let kind = "content-type";
    check("/token", &[(kind, "application/x-www-form-urlencoded")], form, &["k=s"], GRANT);
    check("/token", &[], form, &["k=s"], GRANT);
    check("/token", &[(kind, "application/json")], form, &["k=s"], GRANT);
    check("/token", &[(kind, "text/xml; charset=utf-16")], form, &["k=s"], GRANT);
    check("/token", &[(kind, "application/json")], json, &["k=s"], GRANT);
    check("/token", &[(kind, "application/x-www-form-urlencoded")], json, &["k=s"], GRANT);
    check("/token", &[], &format!(" \r\n{json}\n"), &["k=s"], GRANT);
    check("/token", &[], &format!("{form}\r\n"), &["k=s"], GRANT);
    let header = basic("k:s");
    let headers = [("authorization", header.as_str())];
    check("/token", &headers, "grant_type=client_credentials", &["k=s"], GRANT);
    check("/token?grant_type=client_credentials", &headers, "", &["k=s"], GRANT);
    check("/token", &headers, "", &["k=s"], "");
    check("/token", &headers, r#"{"grant_type":"client_credentials"}"#, &["k=s"], GRANT);
    check("/token", &headers, "client_id=k&grant_type=client_credentials", &["k=s"], GRANT);
    check("/token?grant_type=client_credentials", &[], form, &["k=s"], GRANT);
    // what nobody asks for need not be readable, and lines harm nobody
    let odd = b"client_id=k&client_secret=s&x=\xff&y=1\r\n2&\n";
    assert_eq!(ask("/token", &[], odd).unwrap().claimed, ["k=s"]);
    check("/token", &[], "client_id=k&client_secret=s&grant_type=password", &["k=s"], "password");
}

#[test]
fn basic_is_read_with_and_without_percent_coding() {
    let table: &[(&str, &[&str])] = &[
        ("k:s", &["k=s"]),
        ("k:s:with:colons", &["k=s:with:colons"]),
        ("k:a%2Bb", &["k=a+b", "k=a%2Bb"]),
        ("k:a+b", &["k=a b", "k=a+b"]),
        ("k:100%", &["k=100%"]),
        ("k:%ff", &["k=%ff"]),
        ("k:", &["k="]),
        ("k:mật khẩu", &["k=mật khẩu"]),
        ("no colon", &[]),
    ];
    for (pair, claimed) in table {
        check("/token", &[("authorization", &basic(pair))], "", claimed, "");
    }
    for (header, claimed) in [
        ("basic azpz", &["k=s"][..]),
        ("BASIC   azpz ", &["k=s"][..]),
        ("Basic a2s6cw", &["kk=s"][..]),
        ("Basic a2s6cw==", &["kk=s"][..]),
        ("Basic", &[]),
        ("Basic !!!", &[]),
        ("Bearer abc", &[]),
        ("azpz", &[]),
    ] {
        check("/token", &[("authorization", header)], "", claimed, "");
    }
}

#[test]
fn percent_coding_of_forms_is_undone() {
    for (body, claimed) in [
        ("client_id=k%3A1&client_secret=a%20b+c", &["k:1=a b c"][..]),
        ("client%5Fid=k&client_secret=s", &["k=s"]),
        ("client_id=k&client_secret=%zz%4", &["k=%zz%4"]),
        ("client_id=k&client_secret=m%E1%BA%ADt", &["k=mật"]),
        ("&&client_id=k&&client_secret=s&=&a", &["k=s"]),
        ("client_id=k&client_secret=a=b", &["k=a=b"]),
        ("client_id=k", &[]),
        ("client_secret=s", &[]),
        ("client_id=k&client_secret=", &[]),
        ("client_id=k&client_secret=s&scope=any thing&scope2=x&foo=%ff&foo=%ff", &["k=s"]),
        ("client_id=k&client_id=&client_secret=s", &["k=s"]),
        ("username=u&password=p&audience=x", &[]),
        ("", &[]),
    ] {
        check("/token", &[], body, claimed, "");
    }
}

#[test]
fn json_fields_that_are_unknown_are_ignored() {
    for (body, claimed) in [
        (r#"{"client_id":"k","client_secret":"s","x":{"y":[1,null]},"x":1}"#, &["k=s"][..]),
        (r#"{"client_id":"k","client_secret":"\u0073","grant_type":null}"#, &["k=s"]),
        (r#"{"client_id":"k","client_secret":""}"#, &[]),
        ("{}", &[]),
    ] {
        check("/token", &[], body, claimed, "");
    }
}

#[test]
fn what_can_be_read_in_two_ways_or_none_is_refused() {
    let header = basic("k:s");
    let both = [("authorization", header.as_str())];
    let twice = [("authorization", header.as_str()), ("authorization", header.as_str())];
    let broken = [("authorization", "Basic !!!")];
    let form = "client_id=k&client_secret=s";
    let json = r#"{"client_id":"k","client_secret":"s"}"#;
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let parts = "--x\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\nk\r\n--x--\r\n";
    let marked = format!("\u{feff}{json}");
    let deep = format!("{{\"x\":{}}}", "[".repeat(10_000));
    type Sent<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], Unreadable);
    let rows: &[Sent<'_>] = &[
        ("/token?client_id=k&client_secret=s", &[], b"", InQuery),
        ("/token?client_secret=s", &[], b"client_id=k", InQuery),
        ("/token?client_id=k", &both, b"", InQuery),
        ("/revoke?token=t", &both, b"", InQuery),
        ("/token", &both, form.as_bytes(), TwoWays),
        ("/token", &both, b"client_secret=s", TwoWays),
        ("/token", &both, b"client_id=other", TwoWays),
        ("/token", &broken, form.as_bytes(), TwoWays),
        ("/token", &twice, b"", TwoWays),
        ("/token", &[], b"client_id=k&client_id=k&client_secret=s", Twice),
        ("/token", &[], b"client_id=k&client_secret=s&client_secret=t", Twice),
        ("/token", &[], b"client_id=k&client_secret=s&scope=a&scope=b", Twice),
        ("/token", &[], b"client_id=k&client_secret=s&grant_type=a&grant_type=a", Twice),
        ("/token?grant_type=client_credentials", &[], b"grant_type=password", TwoWays),
        ("/token?grant_type=a&grant_type=a", &[], form.as_bytes(), Twice),
        ("/token", &[], b"client_id=k&client_secret=%ff", Text),
        ("/token", &[], b"client_id=k&client_secret=\xff\xfe", Text),
        ("/token", &[], br#"{"client_id":"k","client_secret":"s","client_id":"k"}"#, Twice),
        ("/token", &[], br#"{"client_id":"k","client_secret":1}"#, Text),
        ("/token", &[], br#"{"client_id":["k"],"client_secret":"s"}"#, Text),
        ("/token", &[], br#"{"client_id":"k","client_secret":"s"} trailing"#, Text),
        ("/token", &[], br#"{"client_id":"k""#, Text),
        ("/token", &[], b"{client_id=k}", Text),
        ("/token", &[], b"{\"client_id\":\"\xff\",\"client_secret\":\"s\"}", Text),
        ("/token", &[], deep.as_bytes(), Text),
        // neither a form nor JSON, whatever stands in the header
        ("/token", &[], &wide(form), Text),
        ("/token", &both, &wide("grant_type=client_credentials"), Text),
        ("/token", &[], &wide(json), Text),
        ("/token", &[], marked.as_bytes(), Text),
        ("/token", &both, b"[1]", Text),
        ("/token", &both, b"[\"a=b\"]", Text),
        ("/token", &both, b"\"abc\"", Text),
        ("/token", &both, b"\"a=b\"", Text),
        ("/token", &both, b"true", Text),
        ("/token", &both, b"<a/>", Text),
        ("/token", &both, b"<xml a='1'>&</xml>", Text),
        ("/token", &both, parts.as_bytes(), Text),
        ("/token", &both, b"\x1f\x8b\x08\x00", Text),
        ("/token", &both, b"grant_type=\xff", Text),
    ];
    for (uri, headers, body, why) in rows {
        let text = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert_eq!(ask(uri, headers, body), Err(*why), "{uri} {headers:?} {text}");
    }
}

#[test]
fn the_token_to_revoke_stands_in_the_body() {
    let header = basic("k:s");
    let claim = ask("/revoke", &[("authorization", &header)], b"token=t&token_type_hint=x");
    assert_eq!(claim.unwrap().token.as_deref(), Some("t"));
}
