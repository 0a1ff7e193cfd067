//! Faults as old clients read them.

use http::HeaderMap;
use terms::fault::Sentence;

use super::*;

#[test]
fn every_fault_is_an_answer_of_200_that_is_no_success() {
    let id = ExchangeId::from_bytes([1; 16]);
    for code in FaultCode::ALL {
        for language in [Language::Vi, Language::En] {
            let answer = answer(&Fault::new(*code), id, language, false);
            assert_eq!(answer.status(), 200, "{code}");
            let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(body["error_code"], -1);
            assert_eq!(body["message"], code.title(language));
            assert_eq!(body["code"], code.as_str());
            // what clients take for a success, or for a dossier that is there already
            let lower = body["message"].as_str().unwrap().to_lowercase();
            assert!(!lower.contains("thành công") && !lower.contains("tồn tại"), "{lower}");
            assert!(
                answer.body().starts_with(b"{\"error_code\":-1,\"message\":\""),
                "in this order"
            );
        }
    }
}

#[test]
fn the_detail_follows_the_title() {
    let fault = Fault::new(FaultCode::PacketInvalid)
        .because(Sentence::new("thiếu <MaHoSo>", "MaHoSo & more"));
    let id = ExchangeId::from_bytes([1; 16]);
    let json = answer(&fault, id, Language::Vi, false);
    let body: serde_json::Value = serde_json::from_slice(json.body()).unwrap();
    assert_eq!(body["message"], "Gói tin không đúng quy chuẩn: thiếu <MaHoSo>");
    let xml = answer(&fault, id, Language::En, true);
    let text = String::from_utf8(xml.body().to_vec()).unwrap();
    assert!(text.contains("<message>The packet does not conform: MaHoSo &amp; more</message>"));
    assert_eq!(xml.headers()[CONTENT_TYPE], "application/xml; charset=utf-8");
    assert!(packet::Document::read(text.as_bytes(), None).is_ok(), "{text}");
}

#[test]
fn xml_only_for_those_who_take_nothing_else() {
    let table = [
        ("application/xml", true),
        ("text/xml", true),
        ("application/json, text/xml", false),
        ("text/html, application/xhtml+xml, */*;q=0.8", false),
        ("*/*", false),
        ("", false),
    ];
    for (accepted, expected) in table {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accepted));
        assert_eq!(wants_xml(&headers), expected, "{accepted}");
    }
}
