//! `lgsp show members|systems|services|subscriptions|credentials [CODE]`: the registry to read.

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use registry::file::Noun;
use serde_json::Value;
use terms::clock::Timestamp;

use super::{Flags, runtime};
use crate::output::{Exit, Outcome, Output, Table, local};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Xem gì · What to show
    what: What,
    /// Chỉ mục có mã này · Only what has this code
    code: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// đơn vị · members
    Members,
    /// hệ thống · systems
    Systems,
    /// dịch vụ và phiên bản · services and their versions
    Services,
    /// đăng ký khai thác · subscriptions
    Subscriptions,
    /// khóa kết nối, không có secret · keys, without secrets
    Credentials,
}

impl What {
    fn noun(self) -> Noun {
        match self {
            What::Members => Noun::Member,
            What::Systems => Noun::System,
            What::Services => Noun::Service,
            What::Subscriptions => Noun::Subscription,
            What::Credentials => Noun::Credential,
        }
    }

    /// Fields of the table: name in the row, heading in both languages.
    fn columns(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            What::Members => &[
                ("code", "Mã", "Code"),
                ("name", "Tên", "Name"),
                ("parent", "Cơ quan chủ quản", "Parent"),
                ("state", "Trạng thái", "State"),
            ],
            What::Systems => &[
                ("code", "Mã", "Code"),
                ("member", "Đơn vị", "Member"),
                ("name", "Tên", "Name"),
                ("state", "Trạng thái", "State"),
                ("kind", "Loại", "Kind"),
                ("addresses", "Địa chỉ", "Addresses"),
            ],
            What::Services => &[
                ("code", "Mã", "Code"),
                ("provider", "Đơn vị cung cấp", "Provider"),
                ("name", "Tên", "Name"),
                ("context", "Đường dẫn", "Context"),
                ("versions", "Phiên bản", "Versions"),
            ],
            What::Subscriptions => &[
                ("system", "Hệ thống", "System"),
                ("service", "Dịch vụ", "Service"),
                ("version", "Phiên bản", "Version"),
                ("environment", "Môi trường", "Environment"),
                ("state", "Trạng thái", "State"),
                ("rate", "Tần suất", "Rate"),
                ("quota", "Hạn mức", "Quota"),
                ("methods", "Phương thức", "Methods"),
            ],
            What::Credentials => &[
                ("consumer_key", "Consumer key", "Consumer key"),
                ("system", "Hệ thống", "System"),
                ("environment", "Môi trường", "Environment"),
                ("state", "Trạng thái", "State"),
                ("created_at", "Cấp lúc", "Created"),
                ("last_used_at", "Dùng lần cuối", "Last used"),
            ],
        }
    }
}

pub(super) fn run(flags: &Flags, arguments: &Arguments) -> Outcome {
    let output = flags.output();
    runtime()?.block_on(async {
        let base = flags.base().await?;
        let noun = arguments.what.noun();
        let rows = registry::show(&base.store, noun, arguments.code.as_deref()).await?;
        if output.json {
            for row in &rows {
                output.object(row)?;
            }
        } else {
            output.table(&table(output, arguments.what, &rows, &base.config.zone))?;
        }
        Ok(Exit::Done)
    })
}

fn table(output: Output, what: What, rows: &[Value], zone: &TimeZone) -> Table {
    let columns = what.columns();
    let mut table = Table::new(columns.iter().map(|(_, vi, en)| output.say(vi, en)));
    for row in rows {
        table.row(columns.iter().map(|(name, ..)| match row[*name].as_str() {
            Some(at) if name.ends_with("_at") => {
                Timestamp::parse(at).map_or_else(|| at.to_owned(), |at| local(at, zone))
            }
            _ => cell(&row[*name]),
        }));
    }
    table
}

/// A value on one line; of a version its name and state.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "–".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            match (text("version"), text("state")) {
                (Some(version), Some("published")) => version.to_owned(),
                (Some(version), Some(state)) => format!("{version} ({state})"),
                _ => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}
