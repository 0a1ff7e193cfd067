//! Codes as portals write them.

use super::*;

#[test]
fn codes_are_read_as_number_or_text() {
    let table = [
        (r#"{"error_code":0}"#, true, false),
        (r#"{"error_code":"0","message":"Thành công"}"#, true, false),
        (r#"{"ERROR_CODE":" 00 "}"#, true, false),
        (r#"{"error_code":"3","message":"Hồ sơ 1 đã tồn tại"}"#, false, true),
        (r#"{"error_code":-3}"#, false, true),
        (r#"{"error_code":"E7","message":"Hồ sơ ĐÃ TỒN TẠI trên hệ thống"}"#, false, true),
        ("{\"error_code\":\"9\",\"message\":\"d\u{323}\"}", false, false),
        ("{\"error_code\":\"9\",\"message\":\"đa\u{303} tồn tại\"}", false, true),
        (r#"{"error_code":"-1","message":"Lỗi"}"#, false, false),
        (r#"{"error_code":0,"message":"đã tồn tại"}"#, true, false),
        (r#"{"message":"{\"error_code\":\"00\"}"}"#, true, false),
    ];
    for (body, success, exists) in table {
        let code = ErrorCode::read(body.as_bytes()).unwrap_or_else(|| panic!("{body}"));
        assert_eq!((code.is_success(), code.exists()), (success, exists), "{body}");
    }
    assert_eq!(ErrorCode::read(br#"{"error_code":"00"}"#).unwrap().text, "00", "kept as written");
    for body in ["", "{}", "[]", "<html>", r#"{"error_code":null}"#, r#"{"message":"x"}"#] {
        assert_eq!(ErrorCode::read(body.as_bytes()), None, "{body}");
    }
}
