//! `lgsp config check|show`: is the configuration right, and what is in effect.

use clap::Subcommand;
use serde_json::json;
use terms::fault::Sentence;

use super::{Flags, tell};
use crate::config::{Config, Source};
use crate::output::{Exit, Failure, Outcome, Table};
use crate::platform::check_certificates;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Kiểm tra cấu hình; sai thì thoát với mã 1 · Check; exit 1 when a fault is found
    Check,
    /// In cấu hình đang có hiệu lực và nguồn của từng giá trị · Print what is in effect and whence
    Show,
}

pub(super) fn run(flags: &Flags, command: &Command) -> Outcome {
    match command {
        Command::Check => check(flags),
        Command::Show => show(flags),
    }
}

fn check(flags: &Flags) -> Outcome {
    let output = flags.output();
    let config = match Config::read(&flags.origin()?) {
        Ok(config) => config,
        Err(faults) => {
            tell(output, &faults);
            for fault in faults.iter().filter(|_| output.json) {
                let line = match &fault.source {
                    Source::File(_, line, _) => Some(line),
                    _ => None,
                };
                output.object(&json!({
                    "ok": false,
                    "source": fault.source.to_string(),
                    "line": line,
                    "key": fault.key,
                    "code": fault.code,
                    "text": fault.sentence.text(output.language),
                }))?;
            }
            return Ok(Exit::Refused);
        }
    };
    check_certificates(&config).map_err(|failure| Failure { exit: Exit::Refused, ..failure })?;
    if output.json {
        output.object(&json!({"ok": true}))?;
    } else {
        output.message(&Sentence::new("Cấu hình đúng.", "The configuration is right."));
    }
    Ok(Exit::Done)
}

fn show(flags: &Flags) -> Outcome {
    let output = flags.output();
    let config = flags.configuration()?;
    let mut table = Table::new([
        output.say("Khóa", "Key"),
        output.say("Giá trị", "Value"),
        output.say("Nguồn", "Source"),
    ]);
    for setting in config.settings() {
        let source = setting.source.to_string();
        if output.json {
            output
                .object(&json!({"key": setting.key, "value": setting.value, "source": source}))?;
        }
        let value = setting.value.as_deref().unwrap_or("–");
        let source = match setting.source {
            Source::Default => output.say("mặc định", "default"),
            _ => &source,
        };
        table.row([setting.key, value, source]);
    }
    if !output.json {
        output.table(&table)?;
    }
    Ok(Exit::Done)
}
