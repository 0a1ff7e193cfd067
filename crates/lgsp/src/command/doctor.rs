//! `lgsp doctor`: is everything there that the platform needs, and what to do where it is not.

mod examine;

use terms::fault::Sentence;

use super::{Flags, runtime};
use crate::base::must_exist;
use crate::output::{Exit, Outcome, Output, Table};

/// What was found at one place.
#[derive(Clone, Debug)]
struct Finding {
    /// Fixed name of the check.
    check: &'static str,
    verdict: Verdict,
    /// What was seen and, unless all is well, what to do.
    sentence: Sentence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
    }

    fn title(self, output: Output) -> &'static str {
        match self {
            Verdict::Ok => output.say("đạt", "ok"),
            Verdict::Warn => output.say("lưu ý", "warn"),
            Verdict::Fail => output.say("LỖI", "FAIL"),
        }
    }
}

impl Finding {
    fn new(
        check: &'static str,
        verdict: Verdict,
        vi: impl Into<String>,
        en: impl Into<String>,
    ) -> Finding {
        Finding { check, verdict, sentence: Sentence::made(vi.into(), en.into()) }
    }
}

pub(super) fn run(flags: &Flags) -> Outcome {
    let config = flags.configuration()?;
    must_exist(&config)?;
    let findings = runtime()?.block_on(examine::all(&config));
    print(flags.output(), &findings)?;
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    Ok(if failed { Exit::Refused } else { Exit::Done })
}

/// A check as people call it.
fn title(output: Output, check: &'static str) -> &'static str {
    let vi = match check {
        "data-folder" => "thư mục dữ liệu",
        "disk-data" => "đĩa của dữ liệu",
        "disk-journal" => "đĩa của nhật ký",
        "keyring-file" => "tệp bộ khóa",
        "keyring" => "bộ khóa",
        "database" => "cơ sở dữ liệu",
        "database-order" => "thứ tự sắp xếp",
        "clock" => "đồng hồ",
        "open-files" => "số tệp mở",
        "port-live" => "cổng live",
        "port-live-tls" => "cổng live HTTPS",
        "port-trial" => "cổng trial",
        "port-trial-tls" => "cổng trial HTTPS",
        "port-inbound" => "cổng inbound",
        "port-inbound-tls" => "cổng inbound HTTPS",
        "port-ops" => "cổng ops",
        "certificate-live" => "chứng thư live",
        "certificate-trial" => "chứng thư trial",
        "certificate-inbound" => "chứng thư inbound",
        "packet-tables" => "bảng gói tin",
        "journal" => "nhật ký",
        other => other,
    };
    output.say(vi, check)
}

fn print(output: Output, findings: &[Finding]) -> std::io::Result<()> {
    let mut table = Table::new([
        output.say("Kiểm tra", "Check"),
        output.say("Kết luận", "Verdict"),
        output.say("Chi tiết", "Detail"),
    ]);
    for finding in findings {
        let text = finding.sentence.text(output.language);
        if output.json {
            let (check, verdict) = (finding.check, finding.verdict.as_str());
            output
                .object(&serde_json::json!({"check": check, "verdict": verdict, "text": text}))?;
        }
        table.row([title(output, finding.check), finding.verdict.title(output), text]);
    }
    if output.json { Ok(()) } else { output.table(&table) }
}
