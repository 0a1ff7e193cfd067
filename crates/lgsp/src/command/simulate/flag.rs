//! What a flag of a stand-in may be: nonsense is told before anything starts. A refusal is one text
//! of both languages, as help is.

use std::time::Duration;

use http::Uri;
use simulator::portal::Code;
use terms::limit::{
    STAND_IN_CONNECTIONS_MAX as CONNECTIONS_MAX, STAND_IN_DURATION_MAX as DURATION_MAX,
    STAND_IN_RATE_MAX as RATE_MAX,
};
use terms::quantity::parse_duration;

/// What a reader of a flag gives; the text of a refusal is `tiếng Việt · English`.
type Read<T> = Result<T, String>;

fn refuse<T>(vi: &str, en: &str) -> Read<T> {
    Err(format!("{vi} · {en}"))
}

/// `500ms`, `20s`, `5m`, `24h`.
pub(super) fn duration(text: &str) -> Read<Duration> {
    match parse_duration(text).filter(|duration| *duration <= DURATION_MAX) {
        Some(duration) => Ok(duration),
        None => {
            let days = DURATION_MAX.as_secs() / (24 * 3_600);
            refuse(
                &format!("viết kèm đơn vị, nhiều nhất {days}d: 500ms, 20s, 5m, 24h"),
                &format!("write it with its unit, {days}d at the most: 500ms, 20s, 5m, 24h"),
            )
        }
    }
}

/// `http://HOST[:PORT][/path]`, without a slash at its end.
pub(super) fn base(text: &str) -> Read<String> {
    let text = text.trim_end_matches('/');
    let usable = text.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("http")
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri
                .authority()
                .is_some_and(|authority| is_port(&authority.as_str()[authority.host().len()..]))
            && !text.contains(['?', '#', '@'])
    });
    if usable {
        return Ok(text.to_owned());
    }
    refuse(
        "phải có dạng http://HOST:PORT (hệ thống giả lập không dùng HTTPS)",
        "must read http://HOST:PORT (the stand-ins do not speak HTTPS)",
    )
}

/// Nothing, or `:PORT`.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').and_then(|port| port.parse::<u16>().ok()).is_some_and(|n| n > 0)
}

/// What follows the base of a URL: `/path?query`.
pub(super) fn target(text: &str) -> Read<String> {
    if text.starts_with('/')
        && is_visible(text)
        && !text.contains('#')
        && text.parse::<Uri>().is_ok()
    {
        return Ok(text.to_owned());
    }
    refuse("phải bắt đầu bằng / và đã mã hóa phần trăm", "must begin with / and be percent-encoded")
}

/// The end of a path: `/mapi/g`.
pub(super) fn path(text: &str) -> Read<String> {
    let segments = text.strip_prefix('/').map(|rest| rest.split('/').all(|part| !part.is_empty()));
    if segments == Some(true) && is_visible(text) && !text.contains(['?', '#']) {
        return Ok(text.to_owned());
    }
    refuse(
        "phải là đường dẫn như /mapi/g, không có ? hay # và không kết thúc bằng /",
        "must be a path like /mapi/g, without ? or # and without / at its end",
    )
}

/// `3` is the text `"3"`, as in the public samples; `#3` the number. A refusal cannot be told by
/// what means success.
pub(super) fn code(text: &str) -> Read<Code> {
    let code = match text.strip_prefix('#') {
        Some(number) => number.parse().map(Code::Number).ok(),
        None => Some(Code::Text(text.to_owned())).filter(|_| is_visible(text)),
    };
    let Some(code) = code else {
        return refuse(
            "phải là mã như -1 (chuỗi) hoặc #-1 (số)",
            "must be a code like -1 (text) or #-1 (number)",
        );
    };
    if code.to_string().trim_start_matches('0').is_empty() {
        return refuse("0 nghĩa là thành công", "0 means success");
    }
    Ok(code)
}

/// An HTTP status that may stand on an answer with a body.
pub(super) fn status(text: &str) -> Read<u16> {
    match text.parse() {
        Ok(status) if (200..=599).contains(&status) && status != 204 && status != 304 => Ok(status),
        _ => refuse(
            "phải là mã HTTP 200 đến 599 có nội dung",
            "must be an HTTP status of 200 to 599 with a body",
        ),
    }
}

/// `USER:PASSWORD`, neither empty.
pub(super) fn account(text: &str) -> Read<(String, String)> {
    match text.split_once(':') {
        Some((user, password)) if !user.is_empty() && !password.is_empty() => {
            Ok((user.to_owned(), password.to_owned()))
        }
        _ => refuse("phải có dạng TÊN:MẬT_KHẨU", "must read USER:PASSWORD"),
    }
}

/// A value that can stand in a header.
pub(super) fn visible(text: &str) -> Read<String> {
    if is_visible(text) {
        return Ok(text.to_owned());
    }
    refuse(
        "chỉ gồm ký tự ASCII nhìn thấy được, không có dấu cách",
        "must be visible ASCII without spaces",
    )
}

/// Calls a second.
pub(super) fn rate(text: &str) -> Read<f64> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= f64::from(RATE_MAX) => Ok(rate),
        _ => refuse(
            &format!("phải là số lớn hơn 0, nhiều nhất {RATE_MAX}"),
            &format!("must be a number above 0, {RATE_MAX} at the most"),
        ),
    }
}

/// Connections of a load.
pub(super) fn connections(text: &str) -> Read<usize> {
    match text.parse() {
        Ok(count) if (1..=CONNECTIONS_MAX).contains(&count) => Ok(count),
        _ => refuse(
            &format!("phải là số nguyên từ 1 đến {CONNECTIONS_MAX}"),
            &format!("must be a whole number from 1 to {CONNECTIONS_MAX}"),
        ),
    }
}

/// Calls of a load.
pub(super) fn calls(text: &str) -> Read<u64> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => refuse("phải là số nguyên lớn hơn 0", "must be a whole number above 0"),
    }
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::{
        Read, account, base, calls, code, connections, duration, path, rate, status, target,
    };

    fn check<T>(read: impl Fn(&str) -> Read<T>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(read(text).is_ok(), "{text:?} is good");
        }
        for text in bad {
            let refusal = read(text).err();
            let refusal = refusal.unwrap_or_else(|| panic!("{text:?} is nonsense"));
            assert!(refusal.contains(" · "), "{text:?}: {refusal}");
        }
    }

    #[test]
    fn nonsense_is_told_and_sense_is_not() {
        check(duration, &["1ms", "30m", "24h", "30d"], &["", "0s", "1", "x", "-3s", "31d"]);
        check(
            base,
            &["http://h", "http://127.0.0.1:1/", "http://[::1]:80/base", "http://h:80/a/b"],
            &["", "foo", "ftp://x", "https://h", "http://", "http://h:0", "http://h:x"],
        );
        check(base, &[], &["http://h:99999", "http://u:p@h", "http://h?x", "http://h/a?b", "h:80"]);
        check(target, &["/", "/a?b=%20"], &["", "a", "/a b", "/a#b", "/á", "http://h/a"]);
        check(
            path,
            &["/g", "/mapi/g"],
            &["", "/", "x", "mapi/g", "/g/", "//g", "/g?x", "/g h", "/á"],
        );
        check(code, &["3", "-1", "#-1", "E_1"], &["", "#", "#abc", "0", "00", "#0", "a b", "á"]);
        check(status, &["200", "401", "599"], &["", "0", "7", "199", "204", "304", "600", "99999"]);
        check(account, &["a:b", "a:b:c"], &["", "x", ":", "a:", ":b"]);
        check(rate, &["0.5", "100", "1e3"], &["", "0", "-3", "NaN", "inf", "x", "1e9"]);
        check(connections, &["1", "10000"], &["", "0", "-1", "10001", "x"]);
        check(calls, &["1"], &["", "0", "-1", "x"]);
    }
}
