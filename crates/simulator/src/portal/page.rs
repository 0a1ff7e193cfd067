//! The plain page: what the portal received, byte for byte, and how the sender stands.
//!
//! No script and nothing from outside; all that was received is escaped.

use std::fmt::Write;

use terms::clock::Timestamp;

use super::verdict::{ServiceSeen, Standing, Verdict};
use super::{CallSeen, Finding, Severity, Shared};
use crate::wire::{Answer, Request};

/// Calls and dossiers shown at the most; the rest is at `/inspect/calls`, `/inspect/dossiers`.
const ROWS_MAX: usize = 100;
/// Bytes shown of one request; the rest is in its raw form.
const DUMP_MAX: usize = 64 * 1024;

const STYLE: &str = "
body{font:15px/1.45 system-ui,'DejaVu Sans',sans-serif;margin:1.5rem auto;max-width:92rem;
padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.4rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}
p{margin:.3rem 0}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem;border-bottom:1px solid #d6d6d6}
th{background:#f2f2f2;font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums}
code,pre{font:13px/1.4 ui-monospace,'DejaVu Sans Mono',monospace}
td code{white-space:nowrap}td.w{min-width:19rem}td.w code{white-space:normal;overflow-wrap:anywhere}td.f{min-width:16rem}
a{color:#0b4f9c}
pre{background:#f7f7f7;border:1px solid #d6d6d6;padding:.6rem;overflow-x:auto;
white-space:pre-wrap;overflow-wrap:anywhere}
.ok{color:#146c2e}.bad{color:#a4161a}.wait{color:#666}.pill{font-weight:600;white-space:nowrap}";

/// Writes to the end of a text, which cannot fail.
macro_rules! put {
    ($text:expr, $($part:tt)*) => {{
        let _ = write!($text, $($part)*);
    }};
}

#[derive(Clone, Copy)]
struct Language {
    english: bool,
}

impl Language {
    fn of(request: &Request) -> Language {
        Language { english: request.parameter("lang").as_deref() == Some("en") }
    }

    fn pick<'a>(self, vi: &'a str, en: &'a str) -> &'a str {
        if self.english { en } else { vi }
    }

    fn query(self) -> &'static str {
        if self.english { "?lang=en" } else { "" }
    }
}

pub(super) fn overview(request: &Request, shared: &Shared) -> Answer {
    if request.path() == "/favicon.ico" {
        return Answer::text(204, "");
    }
    let language = Language::of(request);
    let mut body = String::new();
    let title =
        language.pick("Cổng DVC quốc gia giả lập", "Simulated National Public Service Portal");
    let other = if language.english { ("/", "Tiếng Việt") } else { ("/?lang=en", "English") };
    let about = language.pick(
        "Dữ liệu ở đây đều do máy tạo ra. Trỏ hệ thống của đơn vị vào địa chỉ này, gửi gói tin, rồi tải lại trang.",
        "All data here is made up. Point your system at this address, send packets, and reload.",
    );
    put!(body, "<h1>{title}</h1><p>{about} <a href=\"{}\">{}</a></p>", other.0, other.1);
    put!(
        body,
        "<p><code>POST {}</code> · <code>POST {}</code></p>",
        escape(&shared.paths.login),
        escape(&shared.paths.data)
    );
    verdict(&mut body, &shared.verdict(), language);
    calls(&mut body, shared, language);
    dossiers(&mut body, shared, language);
    records(&mut body, shared, language);
    made(&mut body, shared, language);
    ways(&mut body, language);
    whole(title, &body, language)
}

fn verdict(body: &mut String, verdict: &Verdict, language: Language) {
    let heading = language.pick("Kết luận tuân thủ", "Conformance");
    put!(body, "<h2>{heading}: {}</h2><table><tr>", standing(verdict.verdict, language));
    head(
        body,
        &[
            language.pick("Bước", "Step"),
            language.pick("Bắt buộc", "Required"),
            language.pick("Lần gọi", "Call"),
        ],
    );
    for step in &verdict.steps {
        let required = if step.required { language.pick("có", "yes") } else { "" };
        let call = match step.call {
            Some(id) => format!("<span class=ok>✓</span> {}", link(id, language)),
            None => "<span class=wait>–</span>".to_owned(),
        };
        let name = language.pick(step.vi, step.en);
        put!(body, "<tr><td>{name}</td><td>{required}</td><td>{call}</td></tr>");
    }
    body.push_str("</table><p></p><table><tr>");
    head(
        body,
        &[
            language.pick("Dịch vụ", "Service"),
            language.pick("Bảng", "Table"),
            "",
            language.pick("Lần gọi", "Calls"),
            language.pick("Nhận", "Taken"),
            language.pick("Bản ghi", "Records"),
            language.pick("Chưa rõ tên", "Names unknown"),
            language.pick("Nhận xét", "Findings"),
        ],
    );
    for service in &verdict.services {
        service_row(body, service, language);
    }
    body.push_str("</table>");
}

fn service_row(body: &mut String, service: &ServiceSeen, language: Language) {
    let table = service.table.map(|table| table.to_string()).unwrap_or_default();
    put!(
        body,
        "<tr><td><code>{}</code></td><td class=n>{table}</td><td>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td><td class=f>",
        escape(&service.service),
        standing(service.standing, language),
        service.calls,
        service.accepted,
        service.records,
        service.unchecked
    );
    for kind in &service.findings {
        let words = language.pick(&kind.vi, &kind.en);
        finding(body, &kind.path, words, kind.severity);
        put!(body, " ×{} ({})<br>", kind.count, link(kind.call, language));
    }
    body.push_str("</td></tr>");
}

fn finding(body: &mut String, path: &str, words: &str, severity: Severity) {
    let class = if severity == Severity::Error { "bad" } else { "wait" };
    put!(body, "<span class={class}><code>{}</code> {}</span>", escape(path), escape(words));
}

fn calls(body: &mut String, shared: &Shared, language: Language) {
    let seen = shared.seen();
    let heading = language.pick("Các lần gọi, mới nhất trước", "Calls, newest first");
    put!(body, "<h2>{heading} ({})</h2><table><tr>", shared.log.count());
    head(
        body,
        &[
            "",
            language.pick("Lúc (giờ VN)", "At (UTC+7)"),
            "service",
            language.pick("Đường dẫn · dstcode", "Path · dstcode"),
            "madonvi",
            language.pick("Bản ghi", "Records"),
            "error_code",
            language.pick("Lỗi / nhận xét", "Errors / findings"),
        ],
    );
    for call in seen.calls.iter().rev().take(ROWS_MAX) {
        call_row(body, call, language);
    }
    body.push_str("</table>");
}

fn call_row(body: &mut String, call: &CallSeen, language: Language) {
    let code = match (&call.error_code, call.status) {
        (_, None) => language.pick("(ngắt)", "(cut)").to_owned(),
        (Some(code), _) => escape(code),
        (None, Some(status)) => format!("HTTP {status}"),
    };
    let class = if call.accepted { "ok" } else { "bad" };
    let update = if call.update { " ↻" } else { "" };
    let overlap = if call.overlapping {
        language.pick(" <span class=bad>chồng nhau</span>", " <span class=bad>overlapping</span>")
    } else {
        ""
    };
    put!(
        body,
        "<tr><td>{}</td><td class=n>{}</td><td><code>{}</code>{update}{overlap}</td><td class=w><code>{}<br>{}</code></td><td>{}</td><td class=n>{}</td><td class={class}>{code} {}</td><td class=n>{} / {}</td></tr>",
        link(call.id, language),
        clock(call.at),
        escape(&call.service),
        escape(&call.path),
        escape(call.dstcode().unwrap_or_default()),
        escape(&call.unit),
        call.records,
        escape(&call.message),
        call.errors,
        call.findings.len()
    );
}

fn dossiers(body: &mut String, shared: &Shared, language: Language) {
    let state = shared.state();
    let heading = language.pick("Hồ sơ", "Dossiers");
    put!(body, "<h2>{heading} ({})</h2><table><tr>", state.dossiers().count());
    head(
        body,
        &[
            "MaHoSo",
            language.pick("Trạng thái, theo thứ tự đến", "States, in the order in which they came"),
            language.pick("Lần nhận", "Received"),
            language.pick("Tiến độ", "Progress"),
        ],
    );
    for dossier in state.dossiers().take(ROWS_MAX) {
        let states: Vec<&str> = dossier.states.iter().map(|seen| seen.state.as_str()).collect();
        let overlap = if dossier.overlapped() {
            language.pick(" (các lần gọi chồng nhau)", " (calls overlapped)")
        } else {
            ""
        };
        put!(
            body,
            "<tr><td><a href=\"/inspect/dossiers/{}\"><code>{}</code></a></td><td>{}{overlap}</td><td class=n>{}</td><td class=n>{}</td></tr>",
            percent(&dossier.code),
            escape(&dossier.code),
            escape(&states.join(" → ")),
            dossier.received,
            dossier.progress.len()
        );
    }
    body.push_str("</table>");
}

fn records(body: &mut String, shared: &Shared, language: Language) {
    let state = shared.state();
    let heading = language.pick("Bản ghi khác", "Other records");
    put!(body, "<h2>{heading}</h2><p>");
    for (packet, count) in state.record_counts() {
        let packet = escape(packet);
        put!(body, "<a href=\"/inspect/records/{packet}\"><code>{packet}</code></a> ({count}) ");
    }
    body.push_str("</p>");
}

fn made(body: &mut String, shared: &Shared, language: Language) {
    let made = super::lock(&shared.made);
    if made.is_empty() {
        return;
    }
    let heading = language.pick("Cổng đã gọi về tỉnh", "Calls made to the province");
    put!(body, "<h2>{heading}</h2><table><tr>");
    head(
        body,
        &[language.pick("Lúc", "At"), "URL", "HTTP", "ms", language.pick("Trả lời", "Answer")],
    );
    for made in made.iter().rev().take(ROWS_MAX) {
        let status = made.status.map(|status| status.to_string()).unwrap_or_default();
        let answer = String::from_utf8_lossy(&made.answer[..made.answer.len().min(1_000)]);
        let answer = made.failure.as_deref().unwrap_or(&answer);
        put!(
            body,
            "<tr><td class=n>{}</td><td class=w><code>{}</code></td><td>{status}</td><td class=n>{}</td><td class=w><code>{}</code></td></tr>",
            clock(made.at),
            escape(&made.url),
            made.took_ms,
            escape(answer)
        );
    }
    body.push_str("</table>");
}

/// What can be asked and told, for those with a command line.
fn ways(body: &mut String, language: Language) {
    let heading = language.pick("Xem và điều khiển", "Look and steer");
    put!(body, "<h2>{heading}</h2><pre>");
    let lines = [
        ("GET /inspect/verdict", "kết luận, JSON", "the verdict, JSON"),
        (
            "GET /inspect/calls · /inspect/calls/ID · /inspect/calls/ID/answer",
            "các lần gọi",
            "calls",
        ),
        (
            "GET /inspect/received/ID · /inspect/received/ID/raw",
            "nguyên văn từng byte",
            "byte for byte",
        ),
        ("GET /inspect/dossiers · /inspect/dossiers/MaHoSo", "hồ sơ", "dossiers"),
        ("GET /inspect/records/PACKET", "bản ghi đã nhận", "records taken"),
        (
            "GET /inspect/figures?tu=2024-03-01&den=2024-03-31",
            "đếm lại theo Bảng 5",
            "a recount for Table 5",
        ),
        (
            "GET /inspect/tables · PUT /inspect/tables/FILE.toml",
            "bảng mong đợi",
            "what is expected",
        ),
        (
            "PUT /inspect/trouble {\"delay_ms\":5000,\"requests\":1}",
            "gây sự cố",
            "trouble on demand",
        ),
        (
            "PUT /inspect/settings {\"session_lifetime_s\":60,\"demand\":\"known\"}",
            "đổi cấu hình",
            "settings",
        ),
        (
            "POST /inspect/province/delivery {\"service\":\"nhanhsdvcqg\"}",
            "gọi về tỉnh",
            "call the province",
        ),
        (
            "POST /inspect/province/statistics {\"tu\":\"2024-03-01\",\"den\":\"2024-03-31\"}",
            "hỏi thống kê",
            "ask for statistics",
        ),
        (
            "DELETE /inspect/calls · received · dossiers · records · sessions",
            "xóa, làm lại",
            "forget, begin anew",
        ),
    ];
    for (request, vi, en) in lines {
        put!(body, "{}  <span class=wait>{}</span>\n", escape(request), language.pick(vi, en));
    }
    body.push_str("</pre>");
}

/// One request, byte for byte, with its answer and findings.
pub(super) fn one(request: &Request, id: &str, shared: &Shared) -> Answer {
    let language = Language::of(request);
    let received = id.parse().ok().and_then(|id| shared.log.find(id));
    let Some(received) = received else {
        return Answer::text(404, "no such request, or no longer kept\n");
    };
    let title = format!("{} {}", language.pick("Yêu cầu", "Request"), received.id);
    let mut body = String::new();
    put!(
        body,
        "<p><a href=\"/{}\">←</a></p><h1>{title}</h1><p>{} · {} {} · {} {}{} · <a href=\"/inspect/received/{}/raw\">raw</a></p>",
        language.query(),
        received.at,
        language.pick("kết nối", "connection"),
        received.connection,
        received.size,
        language.pick("byte", "bytes"),
        if received.complete { "" } else { language.pick(" (không trọn)", " (not whole)") },
        received.id
    );
    if let Some(call) = shared.call(id) {
        answer_part(&mut body, &call, language);
    }
    let shown = &received.raw[..received.raw.len().min(DUMP_MAX)];
    let text = String::from_utf8_lossy(shown);
    let heading = language.pick("Nguyên văn", "As text");
    put!(body, "<h2>{heading}</h2><pre>{}</pre>", escape(&text));
    let heading = language.pick("Từng byte", "Byte for byte");
    put!(body, "<h2>{heading}</h2><pre>{}</pre>", dump(shown));
    if shown.len() as u64 != received.size {
        put!(body, "<p>{} / {}</p>", shown.len(), received.size);
    }
    whole(&title, &body, language)
}

fn answer_part(body: &mut String, call: &CallSeen, language: Language) {
    let heading = language.pick("Cổng trả lời", "Answered");
    let answer = String::from_utf8_lossy(&call.answer);
    let status = match call.status {
        Some(status) => format!("HTTP {status}"),
        None => language.pick("ngắt kết nối", "connection broken").to_owned(),
    };
    put!(body, "<h2>{heading}: {status}</h2><pre>{}</pre>", escape(&answer));
    if call.findings.is_empty() {
        return;
    }
    let heading = language.pick("Nhận xét", "Findings");
    put!(body, "<h2>{heading}</h2><p>");
    for Finding { path, vi, en, severity, .. } in &call.findings {
        finding(body, path, language.pick(vi, en), *severity);
        body.push_str("<br>");
    }
    body.push_str("</p>");
}

/// Sixteen bytes a line: offset, hex, and what is visible ASCII. Escaped.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 5);
    for (number, line) in bytes.chunks(16).enumerate() {
        put!(text, "{:08x}  ", number * 16);
        for at in 0..16 {
            match line.get(at) {
                Some(byte) => put!(text, "{byte:02x} "),
                None => text.push_str("   "),
            }
        }
        text.push(' ');
        let visible: String = line
            .iter()
            .map(|byte| if (0x20..0x7f).contains(byte) { *byte as char } else { '.' })
            .collect();
        text.push_str(&escape(&visible));
        text.push('\n');
    }
    text
}

/// Time of day in Vietnam, which is seven hours ahead all year.
fn clock(at: Timestamp) -> String {
    let second = (at.secs() + 7 * 3_600).rem_euclid(86_400);
    let milli = at.micros().rem_euclid(1_000_000) / 1_000;
    format!("{:02}:{:02}:{:02}.{milli:03}", second / 3_600, second / 60 % 60, second % 60)
}

fn standing(standing: Standing, language: Language) -> String {
    let (class, vi, en) = match standing {
        Standing::NotSeen => ("wait", "chưa thấy", "not seen"),
        Standing::Passed => ("ok", "đạt", "passed"),
        Standing::Unchecked => ("wait", "không kiểm được", "not checked"),
        Standing::Failed => ("bad", "chưa đạt", "failed"),
        Standing::Incomplete => ("wait", "chưa đủ bước", "incomplete"),
    };
    format!("<span class=\"pill {class}\">{}</span>", language.pick(vi, en))
}

fn link(id: u64, language: Language) -> String {
    format!("<a href=\"/inspect/received/{id}{}\">{id}</a>", language.query())
}

fn head(body: &mut String, names: &[&str]) {
    for name in names {
        put!(body, "<th>{name}</th>");
    }
    body.push_str("</tr>");
}

/// For a segment of a path.
fn percent(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(byte as char);
        } else {
            put!(segment, "%{byte:02X}");
        }
    }
    segment
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn whole(title: &str, body: &str, language: Language) -> Answer {
    let lang = language.pick("vi", "en");
    let page = format!(
        "<!doctype html><html lang={lang}><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style><body>{body}</body></html>\n"
    );
    Answer::new(200, "text/html; charset=utf-8", page)
        .header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        .header("Cache-Control", "no-store")
}
