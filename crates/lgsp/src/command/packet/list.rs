//! `lgsp packet list`: every packet with what is known of it.

use serde_json::json;

use super::word;
use crate::output::{Exit, Outcome, Output, Table};
use crate::tables::{self, Taken};

pub(super) fn run(output: Output, taken: &Taken) -> Outcome {
    let mut shown = Table::new([
        output.say("Bảng", "Table"),
        output.say("Gói tin", "Packet"),
        output.say("Chiều", "Way"),
        output.say("Trường", "Fields"),
        output.say("Đã biết", "Known"),
        output.say("Chưa biết", "Unknown"),
        output.say("Bản", "Version"),
        output.say("Hiệu lực", "In force"),
        // Below its row when the names are long; a built-in table has none.
        output.say("Tệp", "File"),
    ]);
    for table in taken.tables.iter() {
        let positions = match table.count_sent {
            0 => table.count.to_string(),
            sent => format!("{sent} + {}", table.count),
        };
        let force = match (table.valid_from, table.valid_until) {
            (None, None) => "–".to_owned(),
            (from, until) => {
                let day =
                    |day: Option<jiff::civil::Date>| day.map_or(String::new(), |d| d.to_string());
                format!("{} → {}", day(from), day(until))
            }
        };
        if output.json {
            output.object(&json!({
                "packet": table.packet,
                "table": table.table,
                "version": table.version,
                "valid_from": table.valid_from.map(|day| day.to_string()),
                "valid_until": table.valid_until.map(|day| day.to_string()),
                "direction": table.direction,
                "count": table.count,
                "count_sent": table.count_sent,
                "known": table.known(),
                "unknown": table.unknown(),
                "file": table.file,
            }))?;
        }
        shown.row([
            table.table_text(),
            table.packet.to_string(),
            word::direction(output, table.direction).to_owned(),
            positions,
            table.known().to_string(),
            table.unknown().to_string(),
            table.version.to_string(),
            force.trim().to_owned(),
            table.file.as_deref().map_or("–".to_owned(), tables::shown),
        ]);
    }
    if !output.json {
        output.table(&shown)?;
    }
    Ok(if taken.faults.is_empty() { Exit::Done } else { Exit::Refused })
}
