//! What is an answer of a source, and what is none.

use super::read;

#[test]
fn figures_are_found_where_sources_put_them() {
    let figures = [
        r#"{"error_code":0,"result":{"SoNhanTrongKy":"3"}}"#,
        r#"{"error_code":"00","message":"x","result":[{"SoNhanTrongKy":1},{"sonhantrongky":"2"}]}"#,
        r#"{"data":[{"SoNhanTrongKy":3}]}"#,
        r#"{"SoNhanTrongKy":3}"#,
        r#"[{"SoNhanTrongKy":3}]"#,
    ];
    for text in figures {
        let read = read(text.as_bytes()).unwrap().unwrap_or_else(|| panic!("{text}"));
        assert_eq!(read["SoNhanTrongKy"], "3", "{text}");
    }
    let none = [
        "",
        "x",
        "[]",
        "{}",
        "3",
        r#"{"error_code":-1,"result":{"SoNhanTrongKy":"3"}}"#,
        r#"{"error_code":"1","SoNhanTrongKy":"3"}"#,
        r#"{"error_code":null,"SoNhanTrongKy":"3"}"#,
        r#"{"result":[{"SoNhanTrongKy":3},7]}"#,
        r#"{"result":{"other":3}}"#,
        r#"{"result":{"SoNhanTrongKy":"-3"}}"#,
    ];
    for text in none {
        assert_eq!(read(text.as_bytes()), Ok(None), "{text}");
    }
}

#[test]
fn a_figure_that_stands_twice_is_no_answer() {
    let twice = [
        r#"{"SoNhanTrongKy":3,"sonhantrongky":4}"#,
        r#"{"result":{"SoNhanTrongKy":3,"SoNhanTrongKy":4}}"#,
        r#"{"data":[{"SoNhanTrongKy":3},{"SONHANTRONGKY":3,"SoNhanTrongKy":3}]}"#,
        r#"{"result":{"SoNhanTrongKy":3},"result":{"SoNhanTrongKy":4}}"#,
    ];
    for text in twice {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
}
