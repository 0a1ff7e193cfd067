//! What a packet path says by its query, and what is said in two ways.

use packet::Tables;
use terms::fault::FaultCode;

use super::*;

fn fault(fault: &Fault) -> String {
    assert_eq!(fault.code, FaultCode::ParameterInvalid);
    let detail = fault.detail.as_ref().expect("what is wrong");
    assert_ne!(detail.vi, detail.en);
    detail.en.to_string()
}

fn shown(query: &str, dry_run: bool) -> String {
    match Named::read("LayThuTuc", query, dry_run) {
        Err(refused) => fault(&refused),
        Ok(named) => {
            let asked = String::from_utf8(named.asked()).expect("text");
            let Named { unit, updating, mode, .. } = named;
            let unit = unit.unwrap_or("-".to_owned());
            let mode = mode.map_or("-".to_owned(), |mode| mode.to_string());
            let updating = updating.map_or("-".to_owned(), |updating| updating.to_string());
            format!("{unit} {updating} {mode} {asked}")
        }
    }
}

#[test]
fn a_query_says_each_thing_once_and_clearly() {
    let flag = "is True or False (true, false, 1, 0).";
    let semicolon = "Parameter destination has a semicolon: where its value ends is not clear.";
    let table = [
        ("", "- - - {}"),
        ("maTTHC=1.0&x=%C4%91+", r#"- - - {"maTTHC":"1.0","x":"đ "}"#),
        ("MADONVI=H01&isupdating=True", "H01 true - {}"),
        ("MaDinhDanhDV=H01&isUpdating=0", "H01 false - {}"),
        ("dstcode=a&destination=a&providerurl=b&session=s", "- - - {}"),
        ("destination=a;isUpdating=True", semicolon),
        ("dst%63ode=a;madonvi=b", &semicolon.replace("destination", "dstcode")),
        ("providerurl=a;x", &semicolon.replace("destination", "providerurl")),
        ("Session=a;isUpdating=True", &semicolon.replace("destination", "Session")),
        ("destination=a%3B&madonvi=a;b", "a;b - - {}"),
        ("isUpdating=yes", &format!("Parameter isUpdating {flag}")),
        ("isUpdating=TRUE", &format!("Parameter isUpdating {flag}")),
        ("isUpdating=", &format!("Parameter isUpdating {flag}")),
        ("isUpdating", &format!("Parameter isUpdating {flag}")),
        ("isUpdating=True&isUpdating=True", "Parameter isUpdating is given twice."),
        ("isUpdating=True&ISUPDATING=False", "Parameter ISUPDATING is given twice."),
        ("madonvi=a&MaDinhDanhDV=b", "Parameter MaDinhDanhDV is given twice."),
        ("maTTHC=1&MATTHC=2", "Parameter MATTHC is given twice."),
        ("maTTHC=1&m%61TTHC=1", "Parameter maTTHC is given twice."),
        ("maTTHC=%zz", "Parameter maTTHC has an unreadable value."),
        ("maTTHC=%ff", "Parameter maTTHC has an unreadable value."),
        ("madonvi=%f", "Parameter madonvi has an unreadable value."),
        ("a=1&%ff=1", "Parameter #2 of the query has an unreadable name."),
        ("mode=strict", r#"- - - {"mode":"strict"}"#),
    ];
    for (query, expected) in table {
        assert_eq!(shown(query, false), expected, "{query}");
    }
    let table = [
        ("mode=strict", "- - strict {}"),
        ("M%6fde=refuse", "- - refuse {}"),
        ("mode=mild", "Parameter mode is report, refuse or strict."),
        ("mode=report&MODE=strict", "Parameter MODE is given twice."),
    ];
    for (query, expected) in table {
        assert_eq!(shown(query, true), expected, "{query}");
    }
}

#[test]
fn a_name_is_told_at_no_length() {
    let told = shown(&format!("{}%0a=1&{}%0a=2", "a".repeat(500), "a".repeat(500)), false);
    assert_eq!(told, format!("Parameter {} is given twice.", "a".repeat(64)));
}

#[test]
fn a_query_has_so_many_parameters_and_no_more() {
    let names = |count: usize| (0..count).map(|n| format!("&p{n}=1")).collect::<String>();
    let fits = names(PACKET_PARAMETERS_MAX);
    assert!(shown(&fits, false).ends_with(r#""p9":"1"}"#));
    assert!(shown(&format!("{fits}&madonvi=H01&dstcode=a&session=s"), false).starts_with("H01"));
    let told = |name: &str| format!("Parameter {name} is one too many: a query has at most 64.");
    assert_eq!(shown(&format!("{fits}&x=1"), false), told("x"));
    // as many as a head has room for
    assert_eq!(shown(&names(16_000), false), told("p64"));
    // the body's names are looked up among them
    let body: Vec<String> = (0..PACKET_PARAMETERS_MAX).map(|n| format!("\"P{n}\":\"1\"")).collect();
    let body = format!("{{{}}}", body.join(","));
    assert!(wrapped("LayThuTuc", &fits, &body).starts_with(r#"{"session":"lgsp","madonvi":"H99""#));
    let other = body.replace(r#""P63":"1""#, r#""P63":"2""#);
    let differs = "Parameter P63 differs between query and body.";
    assert_eq!(wrapped("LayThuTuc", &fits, &other), differs);
}

/// The envelope of a body, or the fault.
fn wrapped(name: &str, query: &str, body: &str) -> String {
    let (tables, on) = (Tables::builtin(), jiff::civil::date(2026, 1, 1));
    let named = Named::read(name, query, false).expect("a clear query");
    let told = |made: Result<Bytes, Unfit>| match made {
        Ok(made) => String::from_utf8(made.to_vec()).expect("text"),
        Err(Unfit::Parameter(refused)) => fault(&refused),
        Err(Unfit::Form(fault)) => fault.rule.to_string(),
    };
    let table = tables.find(name, on);
    let slow = told(named.wrap(body.as_bytes(), "H99", table));
    match named.enclose(body.as_bytes(), "H99", table) {
        Ok(None) => {}
        Ok(Some(made)) => {
            let made = String::from_utf8(made.body.to_vec()).expect("text");
            assert_eq!(made, slow, "one way or the other");
        }
        Err(refused) => assert_eq!(fault(&refused), slow, "one way or the other"),
    }
    slow
}

#[test]
fn query_and_body_say_the_same() {
    let begin = r#"{"session":"lgsp","madonvi":"H99","service":"DongBoHoSoMC","#;
    let made = |updating: &str| format!(r#"{begin}"isUpdating":"{updating}","data":[]}}"#);
    let flag = "Parameter isUpdating is True or False (true, false, 1, 0).";
    let single = "Parameter isUpdating must be a single value.";
    let differs = "Parameter isUpdating differs between query and body.";
    let table = [
        ("", "[]", &*made("False")),
        ("isUpdating=1", "[]", &made("True")),
        ("", r#"{"data":[]}"#, &made("False")),
        ("", r#"{"isUpdating":null,"data":[]}"#, &made("False")),
        ("isUpdating=true", r#"{"data":[]}"#, &made("True")),
        ("isUpdating=true", r#"{"isUpdating":1,"data":[]}"#, &made("True")),
        ("madonvi=H99", r#"{"MaDonVi":"H99","data":[]}"#, &made("False")),
        ("", r#"{"isUpdating":"yes","data":[]}"#, flag),
        ("", r#"{"isUpdating":" True","data":[]}"#, flag),
        ("", r#"{"is\u0055pdating":"yes","data":[]}"#, flag),
        ("isUpdating=True", r#"{"isUpdating":"yes","data":[]}"#, flag),
        ("", r#"{"isUpdating":[true],"data":[]}"#, single),
        ("", r#"{"isUpdating":{},"data":[]}"#, single),
        ("isUpdating=True", r#"{"isUpdating":"False","data":[]}"#, differs),
        ("", "<a><isUpdating>yes</isUpdating><data/></a>", flag),
        (
            "madonvi=H01",
            r#"{"madonvi":"H02","data":[]}"#,
            "Parameter madonvi differs between query and body.",
        ),
        ("", r#"{"madonvi":["H02"],"data":[]}"#, "Parameter madonvi must be a single value."),
        ("x=1", "[]", "Parameter x stands in the query beside a body: put it into the body."),
        (
            "x=1",
            r#"{"data":[]}"#,
            "Parameter x stands in the query beside a body: put it into the body.",
        ),
        ("x=1", r#"{"X":2,"data":[]}"#, "Parameter X differs between query and body."),
    ];
    for (query, body, expected) in table {
        assert_eq!(wrapped("DongBoHoSoMC", query, body), expected, "{query} {body}");
    }
    let begin = r#"{"session":"lgsp","madonvi":"H99","service":"LayThuTuc","#;
    let table = [
        ("maTTHC=1.0", "", format!(r#"{begin}"maTTHC":"1.0"}}"#)),
        ("maTTHC=1.0", " \n", format!(r#"{begin}"maTTHC":"1.0"}}"#)),
        ("maTTHC=1.0", r#"{"maTTHC":"1.0"}"#, format!(r#"{begin}"maTTHC":"1.0"}}"#)),
        (
            "MATTHC=1.0",
            r#"{"maTTHC":"2.0"}"#,
            "Parameter maTTHC differs between query and body.".to_owned(),
        ),
        ("", "{", "syntax".to_owned()),
    ];
    for (query, body, expected) in table {
        assert_eq!(wrapped("LayThuTuc", query, body), expected, "{query} {body}");
    }
}

#[test]
fn a_mark_is_checked_and_goes_no_further() {
    let made = Bytes::from_static(b"{}");
    assert_eq!(marked(&Bytes::from_static(b"\xef\xbb\xbf[]"), &made), &b"\xef\xbb\xbf{}"[..]);
    assert_eq!(marked(&Bytes::from_static(b"[]"), &made), made);
    let begin = r#"{"session":"lgsp","madonvi":"H99","service":"DongBoHoSoMC","#;
    let expected = format!(r#"{begin}"isUpdating":"False","data":[]}}"#);
    assert_eq!(wrapped("DongBoHoSoMC", "", "\u{feff}[]"), expected);
}
