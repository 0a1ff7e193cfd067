//! Rows as people read them, times in the platform's zone.

use jiff::tz::TimeZone;
use journal::{By, Group, Row};

use crate::output::{Output, Table, local};

/// A table of rows.
pub(crate) fn rows(output: Output, zone: &TimeZone, rows: &[Row]) -> Table {
    let mut table = Table::new([
        output.say("Thời điểm", "Opened"),
        output.say("Hệ thống", "System"),
        output.say("Dịch vụ", "Service"),
        output.say("Kết cục", "Outcome"),
        "HTTP",
        output.say("Lỗi hoặc việc", "Fault or event"),
        "ms",
        output.say("Loại", "Kind"),
        output.say("Mã giao dịch", "Exchange"),
    ]);
    for row in rows {
        let service = match (&row.service, &row.version) {
            (Some(service), Some(version)) => format!("{service}/{version}"),
            _ => row.subject.as_deref().unwrap_or("–").to_owned(),
        };
        let total_ms = row.total_us.map(|micros| micros / 1_000);
        let told = row.fault.as_deref().or(row.event.as_deref());
        table.row([
            local(row.opened_at, zone),
            row.consumer_system.as_deref().or(row.actor.as_deref()).unwrap_or("–").to_owned(),
            service,
            row.outcome.map_or_else(|| "–".to_owned(), |outcome| outcome.to_string()),
            row.status.map_or_else(|| "–".to_owned(), |status| status.to_string()),
            told.unwrap_or("–").to_owned(),
            total_ms.map_or_else(|| "–".to_owned(), |ms| ms.to_string()),
            row.kind.to_string(),
            row.exchange_id.to_string(),
        ]);
    }
    table
}

/// A table of statistics.
pub(super) fn groups(output: Output, by: &[By], groups: &[Group]) -> Table {
    let figures = [
        output.say("Số lượt", "Count"),
        output.say("Byte nhận", "Request bytes"),
        output.say("Byte trả", "Response bytes"),
        "p50 ms",
        "p95 ms",
        "p99 ms",
    ];
    let mut table = Table::new(by.iter().map(|by| title(output, *by)).chain(figures));
    let millis = |micros: Option<u64>| {
        micros.map_or_else(|| "–".to_owned(), |us| format!("{}.{:03}", us / 1_000, us % 1_000))
    };
    for group in groups {
        let keys = group.keys.iter().map(|(_, key)| key.clone().unwrap_or_else(|| "–".to_owned()));
        let figures = [
            group.count.to_string(),
            group.request_bytes.to_string(),
            group.response_bytes.to_string(),
            millis(group.p50_us),
            millis(group.p95_us),
            millis(group.p99_us),
        ];
        table.row(keys.chain(figures));
    }
    table
}

fn title(output: Output, by: By) -> &'static str {
    let (vi, en) = match by {
        By::Day => ("Ngày", "Day"),
        By::Service => ("Dịch vụ", "Service"),
        By::Version => ("Phiên bản", "Version"),
        By::System => ("Hệ thống", "System"),
        By::Member => ("Đơn vị khai thác", "Consumer"),
        By::Provider => ("Đơn vị cung cấp", "Provider"),
        By::Outcome => ("Kết cục", "Outcome"),
        By::Fault => ("Lỗi", "Fault"),
        By::Environment => ("Môi trường", "Environment"),
        By::Kind => ("Loại", "Kind"),
        By::Node => ("Nút", "Node"),
    };
    output.say(vi, en)
}
