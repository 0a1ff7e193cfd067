//! What stands beside the problem in an answer.

use super::*;

#[test]
fn each_fault_says_what_its_status_demands() {
    let id = ExchangeId::from_bytes([1; 16]);
    for code in FaultCode::ALL {
        let answer = answer(&Fault::new(*code), id, Context::default());
        let headers = answer.headers();
        assert_eq!(answer.status().as_u16(), code.status(), "{code}");
        assert_eq!(headers[CONTENT_TYPE], "application/problem+json", "{code}");
        assert_eq!(headers[CONTENT_LANGUAGE], "vi", "{code}");
        assert_eq!(headers["exchange-id"], id.to_string(), "{code}");
        assert_eq!(headers.contains_key(WWW_AUTHENTICATE), code.status() == 401, "{code}");
        let later = matches!(code.status(), 429 | 503);
        assert_eq!(headers.contains_key(RETRY_AFTER), later, "{code}");
    }
}

#[test]
fn the_language_is_the_consumers() {
    let wanted = |text| language(Some(&HeaderValue::from_static(text)));
    assert_eq!(language(None), Language::Vi);
    assert_eq!(wanted("en-GB, vi;q=0.3"), Language::En);
    assert_eq!(wanted("vi"), Language::Vi);
}
