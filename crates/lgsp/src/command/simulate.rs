//! `lgsp simulate portal|provider|consumer`: the stand-ins of the outside world, for vendors and
//! for trials.

mod portal;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use simulator::consumer::{self, Account, Pace, Shot};
use simulator::provider;
use terms::quantity::parse_duration;

use super::{Flags, Signals, runtime};
use crate::output::{Exit, Failure, Outcome, Output};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Cổng DVC quốc gia giả lập: đăng nhập, gói tin, trạng thái hồ sơ · The national portal
    Portal(Box<portal::Portal>),
    /// Bên cung cấp giả lập: /tra-cuu, /echo, /delay/MS, /hang… · A provider of any behaviour
    Provider(Provider),
    /// Bên khai thác giả lập: tạo tải, in kết quả · A consumer that makes load
    Consumer(Consumer),
}

#[derive(Debug, Args)]
pub(super) struct Provider {
    /// Địa chỉ lắng nghe; cổng 0 tự chọn · Where to listen; port 0 picks one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9102")]
    listen: SocketAddr,
    /// Địa chỉ xem những gì đã nhận · Where to ask what it received
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    control: SocketAddr,
}

#[derive(Debug, Args)]
pub(super) struct Consumer {
    /// Địa chỉ gốc, http://HOST:PORT · Base of all paths
    base: String,
    /// Đường dẫn gọi bằng GET, lần lượt · Paths to GET, in turn
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// Tệp chứa dòng khóa do `apply` hay `key issue` in · File with the line of `key issue`
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
    /// Số kết nối · Connections
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Số lượt gọi mỗi giây; không có: nhanh nhất có thể · Calls a second [default: closed loop]
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// Thời gian chạy · How long
    #[arg(long, default_value = "10s", value_parser = read_duration)]
    duration: Duration,
    /// Số lượt gọi tối đa · Calls at the most
    #[arg(long, value_name = "N")]
    calls: Option<u64>,
}

fn read_duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "500ms, 20s, 5m, 24h".to_owned())
}

pub(super) fn run(flags: &Flags, command: Command) -> Outcome {
    let output = flags.output();
    runtime()?.block_on(async {
        match command {
            Command::Portal(asked) => portal::play(output, *asked).await,
            Command::Provider(provider) => play_provider(output, provider).await,
            Command::Consumer(consumer) => play_consumer(output, consumer).await,
        }
    })
}

async fn play_provider(output: Output, asked: Provider) -> Outcome {
    let settings = provider::Settings {
        address: asked.listen,
        control: asked.control,
        ..provider::Settings::default()
    };
    let mut signals = Signals::catch()?;
    let provider = provider::start(settings).await.map_err(|error| taken(asked.listen, &error))?;
    output.object(&json!({
        "ready": true,
        "provider": provider.address.to_string(),
        "received": format!("http://{}/received", provider.control),
    }))?;
    signals.wait().await;
    provider.stop().await;
    Ok(Exit::Done)
}

async fn play_consumer(output: Output, asked: Consumer) -> Outcome {
    let shots = asked.paths.iter().map(Shot::get).collect();
    let mut settings = consumer::Settings::new(asked.base.trim_end_matches('/'), shots);
    settings.account = asked.credential.as_deref().map(read_credential).transpose()?;
    settings.connections = asked.connections.max(1);
    settings.calls = asked.calls;
    settings.duration = asked.duration;
    settings.pace = match asked.rate {
        Some(per_second) if per_second > 0.0 => Pace::Open { per_second },
        _ => Pace::Closed,
    };
    let report = consumer::run(settings).await.map_err(|failure| {
        Failure::unable(format!("không tạo được tải: {failure}"), format!("no load: {failure}"))
    })?;
    output.object(&report)?;
    Ok(Exit::Done)
}

/// Key and secret from the line that `apply` and `key issue` print.
fn read_credential(path: &Path) -> Result<Account, Failure> {
    let wrong = |reason: &str| {
        let path = path.display();
        Failure::usage(
            format!("{path}: không đọc được khóa kết nối: {reason}"),
            format!("{path}: no credential can be read: {reason}"),
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    let found = text.lines().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        Some(Account {
            consumer_key: line["consumer_key"].as_str()?.to_owned(),
            secret_key: line["secret_key"].as_str()?.to_owned(),
        })
    });
    found.ok_or_else(|| wrong("consumer_key, secret_key"))
}

fn pair(text: &str) -> Result<(String, String), Failure> {
    match text.split_once(':') {
        Some((user, password)) => Ok((user.to_owned(), password.to_owned())),
        None => Err(Failure::usage("--account cần TÊN:MẬT_KHẨU", "--account takes USER:PASSWORD")),
    }
}

fn taken(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::unable(
        format!("không lắng nghe được ở {address}: {error}"),
        format!("cannot listen on {address}: {error}"),
    )
}
