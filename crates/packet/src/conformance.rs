//! The conformance report (QCV-20): what a system sent, packet by packet, and what did not fit.
//! Built from the journal's rows alone, so it holds no value of anybody.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;
use terms::fault::Language;
use terms::limit::PACKET_FINDINGS_MAX;

use crate::mode::Verdict;
use crate::table::Tables;

/// One checked call, or several that were recorded as one.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The system that called.
    pub system: &'a str,
    /// The packet.
    pub packet: &'a str,
    /// What the check came to.
    pub verdict: Verdict,
    /// What did not fit, as [`crate::Report::summary`] wrote it.
    pub summary: &'a str,
    /// How many calls.
    pub count: u64,
}

/// Counts of rows, growing as they come.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    systems: BTreeMap<String, BTreeMap<String, Count>>,
}

/// What was seen of one packet of one system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Calls in all.
    pub calls: u64,
    /// Nothing was found.
    pub ok: u64,
    /// Something was found and the call passed.
    pub report: u64,
    /// The call did not pass.
    pub refused: u64,
    /// How often each rule was broken at each field: `code_unknown@data[].TrangThaiHoSo`.
    pub findings: BTreeMap<String, u64>,
}

impl Count {
    /// Whether all that was seen fits: `conforms`, `findings` or `fails`.
    pub fn verdict(&self) -> &'static str {
        match (self.refused, self.report) {
            (0, 0) => "conforms",
            (0, _) => "findings",
            _ => "fails",
        }
    }
}

impl Tally {
    /// Takes in one row.
    pub fn add(&mut self, row: Row<'_>) {
        let packets = self.systems.entry(row.system.to_owned()).or_default();
        let count = packets.entry(row.packet.to_owned()).or_default();
        count.calls += row.count;
        *match row.verdict {
            Verdict::Ok => &mut count.ok,
            Verdict::Report => &mut count.report,
            Verdict::Refused => &mut count.refused,
        } += row.count;
        for finding in row.summary.split(' ').filter(|finding| finding.contains('@')) {
            let finding = without_indexes(finding);
            if count.findings.len() < PACKET_FINDINGS_MAX || count.findings.contains_key(&finding) {
                *count.findings.entry(finding).or_default() += row.count;
            }
        }
    }

    /// The systems seen.
    pub fn systems(&self) -> impl Iterator<Item = &str> {
        self.systems.keys().map(String::as_str)
    }

    /// What was seen of one packet of one system.
    pub fn count(&self, system: &str, packet: &str) -> Option<&Count> {
        self.systems.get(system)?.get(packet)
    }

    /// The report as one JSON object; every packet of the tables appears, seen or not.
    pub fn json(&self, tables: &Tables, on: Date) -> String {
        let systems: Vec<TellSystem<'_>> = self
            .systems
            .iter()
            .map(|(system, seen)| TellSystem { system, packets: lines(tables, on, seen) })
            .collect();
        serde_json::to_string_pretty(&Tell { day: on.to_string(), systems }).unwrap_or_default()
    }

    /// The report as a page that stands alone: no script, nothing from elsewhere.
    pub fn html(&self, tables: &Tables, on: Date, language: Language) -> String {
        let vi = language == Language::Vi;
        let say = |in_vi: &'static str, in_en: &'static str| if vi { in_vi } else { in_en };
        let title =
            say("Báo cáo phù hợp QCVN 120:2019/BTTTT", "Conformance with QCVN 120:2019/BTTTT");
        let mut page = format!(
            "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{title}</title>\n\
             <style>body{{font:16px sans-serif;margin:2em}}table{{border-collapse:collapse}}\
             td,th{{border:1px solid #999;padding:.3em .6em;text-align:left}}\
             td.n{{text-align:right}}.fails{{background:#fdd}}.conforms{{background:#dfd}}\
             .findings{{background:#ffd}}</style></head>\n<body><h1>{title}</h1><p>{on}</p>\n",
            language.as_str()
        );
        page.push_str(say(
            "<p>Vị trí chưa biết tên trường không được kiểm tra.</p>\n",
            "<p>Positions whose field names are not known were not checked.</p>\n",
        ));
        for (system, seen) in &self.systems {
            page.push_str(&format!("<h2>{}</h2>\n<table><tr>", escape(system)));
            for head in [
                say("Gói tin", "Packet"),
                say("Bảng", "Table"),
                say("Phiên bản", "Version"),
                say("Số trường", "Positions"),
                say("Đã biết", "Known"),
                say("Lượt gửi", "Calls"),
                say("Đạt", "Ok"),
                say("Có ghi nhận", "Report"),
                say("Từ chối", "Refused"),
                say("Kết luận", "Verdict"),
                say("Ghi nhận", "Findings"),
            ] {
                page.push_str(&format!("<th>{head}</th>"));
            }
            page.push_str("</tr>\n");
            for line in lines(tables, on, seen) {
                page.push_str(&line.html(vi));
            }
            page.push_str("</table>\n");
        }
        page.push_str("</body></html>\n");
        page
    }
}

/// `data[12].MaHoSo` and `data[3].MaHoSo` are one finding.
fn without_indexes(finding: &str) -> String {
    let mut text = String::with_capacity(finding.len());
    let mut inside = false;
    for sign in finding.chars() {
        match sign {
            '[' => {
                inside = true;
                text.push_str("[]");
            }
            ']' => inside = false,
            sign if !inside => text.push(sign),
            _ => {}
        }
    }
    text
}

#[derive(Serialize)]
struct Tell<'a> {
    day: String,
    systems: Vec<TellSystem<'a>>,
}

#[derive(Serialize)]
struct TellSystem<'a> {
    system: &'a str,
    packets: Vec<Line<'a>>,
}

/// One packet of one system.
#[derive(Serialize)]
struct Line<'a> {
    packet: &'a str,
    table: String,
    version: &'a str,
    positions: u32,
    known: u32,
    verdict: &'static str,
    #[serde(flatten)]
    count: Count,
}

/// The packets of the tables in their order, then what else was sent.
fn lines<'a>(tables: &'a Tables, on: Date, seen: &'a BTreeMap<String, Count>) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for table in tables.iter().filter(|table| table.holds_on(on)) {
        let of = |name: &&String| name.eq_ignore_ascii_case(&table.packet);
        let count = seen.keys().find(of).and_then(|name| seen.get(name));
        lines.push(Line {
            packet: &table.packet,
            table: table.table_text(),
            version: &table.version,
            positions: table.positions(),
            known: table.known(),
            verdict: count.map_or("not_seen", Count::verdict),
            count: count.cloned().unwrap_or_default(),
        });
    }
    for (packet, count) in seen {
        if tables.find(packet, on).is_none() {
            lines.push(Line {
                packet,
                table: String::new(),
                version: "",
                positions: 0,
                known: 0,
                verdict: count.verdict(),
                count: count.clone(),
            });
        }
    }
    lines
}

impl Line<'_> {
    fn html(&self, vi: bool) -> String {
        let word = match (self.verdict, vi) {
            ("conforms", true) => "phù hợp",
            ("findings", true) => "có ghi nhận",
            ("fails", true) => "không phù hợp",
            ("not_seen", true) => "chưa gửi",
            ("not_seen", false) => "not seen",
            (word, _) => word,
        };
        let findings: Vec<String> = self
            .count
            .findings
            .iter()
            .map(|(finding, times)| format!("{} × {times}", escape(finding)))
            .collect();
        let Line { positions, known, count, .. } = self;
        format!(
            "<tr class=\"{}\"><td>{}</td><td>{}</td><td>{}</td><td class=n>{positions}</td>\
             <td class=n>{known}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td>\
             <td class=n>{}</td><td>{word}</td><td>{}</td></tr>\n",
            self.verdict,
            escape(self.packet),
            self.table,
            escape(self.version),
            count.calls,
            count.ok,
            count.report,
            count.refused,
            findings.join("<br>"),
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
