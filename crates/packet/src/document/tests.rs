//! What is read, what is refused and where, and that nothing is lost between the two forms.

use terms::fault::Language;
use terms::limit::{PACKET_DEPTH_MAX, PACKET_MEMBERS_MAX, PACKET_VALUES_MAX};

use super::*;

fn read(body: &[u8]) -> Result<Document<'_>, FormFault> {
    Document::read(body, None)
}

/// The rule, the place and the byte of what is wrong.
fn fault(body: &[u8]) -> (Rule, String, usize) {
    let fault = read(body).map(|_| ()).expect_err(&String::from_utf8_lossy(body));
    let (vi, en) = (fault.sentence.text(Language::Vi), fault.sentence.text(Language::En));
    assert!(vi.ends_with('.') && en.ends_with('.') && vi != en, "{fault}");
    assert!(fault.offset <= body.len(), "{fault}");
    (fault.rule, fault.path, fault.offset)
}

#[track_caller]
fn check_fault(body: impl AsRef<[u8]>, rule: Rule, path: &str) {
    let (found, place, _) = fault(body.as_ref());
    assert_eq!((found, place.as_str()), (rule, path), "{}", String::from_utf8_lossy(body.as_ref()));
}

#[test]
fn json_is_read_strictly() {
    for good in [
        "null",
        "  true ",
        "-0.5e+10",
        r#""\u00e1\ud83d\ude00\/""#,
        "[]",
        "{}",
        "[1,[2,{\"a\":[]}],\"\"]",
        "\u{feff}{\"a\":\"Đ\"}",
    ] {
        let document = read(good.as_bytes()).unwrap_or_else(|fault| panic!("{good}: {fault}"));
        let ours: serde_json::Value = serde_json::from_str(&document.to_json()).unwrap();
        let theirs = serde_json::from_str::<serde_json::Value>(good.trim_start_matches('\u{feff}'));
        assert_eq!(ours, theirs.unwrap(), "{good}");
    }
    for bad in [
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "tru",
        "nul",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "[1,]",
        "[1 2]",
        "{,}",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\t\"",
        "]",
        "1 1",
        "[",
        "{\"a\":1",
        "'a'",
        "// x\n1",
        "Infinity",
        "\"\\u+123\"",
    ] {
        assert_eq!(fault(bad.as_bytes()).0, Rule::Syntax, "{bad}");
        assert!(serde_json::from_str::<serde_json::Value>(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_fault_says_where() {
    check_fault(r#"{"data":[{"a":1},{"b":[1,2,x]}]}"#, Rule::Syntax, "data[1].b[2]");
    check_fault(r#"{"data":[{"MaHoSo":"1","MaHoSo":"2"}]}"#, Rule::DuplicateKey, "data[0].MaHoSo");
    check_fault(r#"{"a":1,"\u0061":2}"#, Rule::DuplicateKey, "\\u0061");
    check_fault("{\"data\":[{\"x\":\"Nguy\u{1}\"}]}", Rule::Syntax, "data[0].x");
    let (rule, path, offset) = fault(r#"{"a":1,"b":2,"a":3}"#.as_bytes());
    assert_eq!((rule, path.as_str(), offset), (Rule::DuplicateKey, "a", 13));
    let many: Vec<String> = (0..200).map(|n| format!("\"k{}\":1", n % 199)).collect();
    check_fault(format!("{{{}}}", many.join(",")), Rule::DuplicateKey, "k0");
    // The first two have one fingerprint; that must not hide that the second stands twice.
    let alike = r#"{"MaHoSo_1aaCcaama":1,"UN6-uXl.o4-_aE.4":2,"UN6-uXl.o4-_aE.4":3}"#;
    check_fault(alike, Rule::DuplicateKey, r#"UN6-uXl.o4-_aE.4"#);
    check_fault("", Rule::BodyMissing, "");
    check_fault(" \r\n\t", Rule::BodyMissing, "");
}

#[test]
fn bombs_are_refused_early() {
    check_fault("[".repeat(1_000_000), Rule::TooDeep, &"[0]".repeat(PACKET_DEPTH_MAX));
    let deep = r#"{"a":"#.repeat(100_000);
    assert_eq!(fault(deep.as_bytes()).0, Rule::TooDeep);
    let fits = format!("{}1{}", "[".repeat(PACKET_DEPTH_MAX), "]".repeat(PACKET_DEPTH_MAX));
    assert!(read(fits.as_bytes()).is_ok());
    let wide = format!("[{}1]", "1,".repeat(PACKET_VALUES_MAX));
    assert_eq!(fault(wide.as_bytes()).0, Rule::TooMany);
    let long = vec![b' '; PACKET_BYTES_MAX + 1];
    assert_eq!(fault(&long).0, Rule::BodyTooLarge);
    let deep = "<a>".repeat(100_000);
    assert_eq!(fault(deep.as_bytes()).0, Rule::TooDeep);
    // Names that collide in any cheap hash cost no more than others.
    let same = |count: usize| -> String {
        let names: Vec<String> = (0..count).map(|n| format!("\"{n:08}\":0")).collect();
        format!("{{\"a\":{{{}}}}}", names.join(","))
    };
    let fits = same(PACKET_MEMBERS_MAX);
    let document = read(fits.as_bytes()).unwrap();
    assert_eq!(document.root().get("a").unwrap().members().count(), PACKET_MEMBERS_MAX);
    assert!(read(document.to_xml("x").as_bytes()).is_ok());
    check_fault(same(2_000_000), Rule::TooManyMembers, "a.00004096");
    let members: String = (0..=PACKET_MEMBERS_MAX).map(|n| format!("<k{n}/>")).collect();
    check_fault(format!("<x><a>{members}</a></x>"), Rule::TooManyMembers, "a");
    let items = "<item/>".repeat(PACKET_MEMBERS_MAX * 2);
    assert!(read(format!("<x><a>{items}</a></x>").as_bytes()).is_ok(), "a list is no object");
    // What is large and legitimate: a file of 20 MB as one text.
    let file = format!(r#"{{"data":[{{"Tep":"{}"}}]}}"#, "QUJD".repeat(5_000_000));
    assert!(read(file.as_bytes()).is_ok());
}

#[test]
fn other_encodings_are_named() {
    let utf16: Vec<u8> = r#"{"a":"Đ"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = r#"{"a":"x"}"#.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked = [&[0xff, 0xfe], &utf16[..]].concat();
    for body in [&utf16, &big, &marked] {
        let fault = read(body).map(|_| ()).unwrap_err();
        assert_eq!(fault.rule, Rule::NotUtf8);
        assert!(fault.sentence.en.contains("UTF-16"), "{fault}");
    }
    // "Nguyễn" as windows-1258 has it: bytes that UTF-8 does not know.
    let body = b"{\"data\":[{\"ChuHoSo\":\"Nguy\xea\xden\"}]}";
    let fault = Document::read(body, Some("application/json; charset=windows-1258")).unwrap_err();
    assert_eq!(
        (fault.rule, fault.path.as_str(), fault.offset),
        (Rule::NotUtf8, "data[0].ChuHoSo", 25)
    );
    assert!(fault.sentence.vi.contains("windows-1258"), "{fault}");
    let fault = read(b"<a><b>Nguy\xea</b></a>").map(|_| ()).unwrap_err();
    assert_eq!((fault.rule, fault.path.as_str()), (Rule::NotUtf8, "b"));
    check_fault("<?xml version='1.0' encoding='windows-1258'?><a/>", Rule::NotUtf8, "");
}

#[test]
fn xml_is_read_in_our_shape() {
    let table = [
        ("<a>x</a>", r#""x""#),
        ("<a/>", r#""""#),
        ("<a><b>1</b><c></c></a>", r#"{"b":"1","c":""}"#),
        ("<a><item>1</item><item><x>2</x></item></a>", r#"["1",{"x":"2"}]"#),
        ("<a type=\"list\"/>", "[]"),
        ("<a type=\"object\"/>", "{}"),
        ("<a type=\"object\"><item>1</item></a>", r#"{"item":"1"}"#),
        ("<a type=\"number\">1.50</a>", "1.50"),
        ("<a type=\"null\"/>", "null"),
        ("<a type=\"boolean\">true</a>", "true"),
        ("<a>&lt;&amp;&#272;&#x111;</a>", r#""<&Đđ""#),
        ("<a><![CDATA[<b>]]>&gt;</a>", r#""<b>>""#),
        ("<a escape=\"json\">x\\u0001</a>", r#""x\u0001""#),
        ("<a><member name=\"có dấu\">1</member></a>", r#"{"có dấu":"1"}"#),
        (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x --><ns1:a xmlns:ns1=\"u\">\n <ns1:b>1</ns1:b>\n</ns1:a>\n",
            r#"{"b":"1"}"#,
        ),
        ("<a>  hai \r\n dòng  </a>", r#""  hai \n dòng  ""#),
    ];
    for (xml, json) in table {
        let document = read(xml.as_bytes()).unwrap_or_else(|fault| panic!("{xml}: {fault}"));
        assert_eq!(document.to_json(), json, "{xml}");
    }
}

#[test]
fn xml_of_another_kind_is_refused() {
    check_fault("<!DOCTYPE a [<!ENTITY b \"x\">]><a>&b;</a>", Rule::Doctype, "");
    check_fault("<a><b>&b;</b></a>", Rule::Entity, "b");
    check_fault("<a>&#0;</a>", Rule::Entity, "");
    check_fault("<a>&#xD800;</a>", Rule::Entity, "");
    check_fault("<a>x<b/></a>", Rule::XmlForm, "");
    check_fault("<a><b/>x</a>", Rule::XmlForm, "");
    check_fault("<a><b id=\"1\"/></a>", Rule::XmlForm, "");
    check_fault("<a type=\"number\">x</a>", Rule::XmlForm, "");
    check_fault("<a><b><c>1</c><c>2</c></b></a>", Rule::DuplicateKey, "b.c");
    for broken in [
        "<a>",
        "<a></b>",
        "<a",
        "<a/><b/>",
        "<a/>x",
        "</a>",
        "<1/>",
        "<a b=c/>",
        "<",
        "<a>\u{1}</a>",
    ] {
        assert_eq!(fault(broken.as_bytes()).0, Rule::Syntax, "{broken}");
    }
}

#[test]
fn nothing_is_lost_between_the_two_forms() {
    let table = [
        r#"{"session":"s","data":[{"MaHoSo":"1","Gia":50000,"n":1.50,"x":null,"y":true,"L":[]}]}"#,
        r#"{"a b":"1","":"2","item":"3","member":"4","xml:id":"5","Đ":"6","a\u0001\\\"":"7"}"#,
        r#"{"item":[{"item":"1"}],"o":{},"l":[[],[[]],{}]}"#,
        r#"{"t":"  \t\r\n dòng <&>\"' ]]> ","u":"\u0000\u001f\ufffe","e":"😀\\u0041"}"#,
        r#"[1,"1",-2.5e3,null,false,[""],{"x":[]}]"#,
    ];
    for json in table {
        let document = read(json.as_bytes()).unwrap();
        assert_eq!(document.to_json(), json, "compact JSON comes back letter for letter");
        let xml = document.to_xml("DongBoHoSoMC");
        let again = read(xml.as_bytes()).unwrap_or_else(|fault| panic!("{xml}\n{fault}"));
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(same(&again.to_json()), same(json), "{xml}");
        assert_eq!(again.to_xml("DongBoHoSoMC"), xml);
    }
    for (name, text) in crate::check::tests::samples() {
        let document = read(text.as_bytes()).unwrap();
        let xml = document.to_xml("mau");
        let again = read(xml.as_bytes()).unwrap_or_else(|fault| panic!("{name}\n{fault}"));
        assert_eq!(again.to_json(), document.to_json(), "{name}");
    }
}

#[test]
fn any_bytes_are_read_or_refused_within_the_body() {
    const ALPHABET: &[u8] =
        b"{}[]:,\"\\<>/=!&;?-#x0aitem type name \n\t1.5eutrfalsn\xc3\xa9\xcc\x81\0";
    let seeds = [
        br#"{"data":[{"MaHoSo":"1","a":[1,null,true,"\u00e1"]}]}"#.as_slice(),
        b"<a><item type=\"number\">1</item><b><![CDATA[x]]>&#65;</b></a>",
        b"<?xml version=\"1.0\"?><a><b name=\"x\" escape=\"json\">\\u0041</b></a>",
        b"",
    ];
    bolero::check!()
        .with_test_time(std::time::Duration::from_secs(20))
        .with_type::<(u8, Vec<(u16, u8)>, Vec<u8>)>()
        .for_each(|(seed, edits, tail)| {
            let mut body = seeds[*seed as usize % seeds.len()].to_vec();
            for (at, byte) in edits {
                let at = *at as usize % (body.len() + 1);
                match ALPHABET.get(*byte as usize) {
                    Some(sign) => body.insert(at, *sign),
                    None if at < body.len() => drop(body.remove(at)),
                    None => {}
                }
            }
            body.extend(tail);
            match read(&body) {
                Err(fault) => assert!(fault.offset <= body.len(), "{fault}"),
                Ok(document) => {
                    let json = document.to_json();
                    let ours: serde_json::Value = serde_json::from_str(&json).expect(&json);
                    if document.syntax() == Syntax::Json {
                        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
                        let theirs: serde_json::Value = serde_json::from_slice(body).unwrap();
                        assert_eq!(ours, theirs);
                    }
                    let xml = document.to_xml("a");
                    let again = read(xml.as_bytes()).unwrap_or_else(|f| panic!("{xml}\n{f}"));
                    let again = again.to_json();
                    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
                    assert_eq!(again, ours, "{xml}");
                }
            }
        });
}
