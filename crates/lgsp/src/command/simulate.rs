//! `lgsp simulate portal|provider|consumer`: the stand-ins of the outside world, for vendors and
//! for trials.

mod flag;
mod portal;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use simulator::consumer::{self, Account, Pace, Shot};
use simulator::provider;

use super::{Flags, Signals, runtime};
use crate::output::{Exit, Failure, Outcome, Output};
use crate::platform::cannot_listen;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Cổng DVC quốc gia giả lập; Ctrl-C in kết luận ·
    /// The national portal; Ctrl-C prints its verdict
    Portal(Box<portal::Portal>),
    /// Bên cung cấp giả lập: /tra-cuu, /echo, /delay/MS, /hang… ·
    /// A provider: /tra-cuu, /echo, /hang…
    Provider(Provider),
    /// Bên khai thác giả lập: tạo tải, in kết quả · A consumer: makes load, prints what came of it
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
    /// Địa chỉ gốc, http://HOST:PORT · Base of all paths, http://HOST:PORT
    #[arg(value_parser = flag::base)]
    base: String,
    /// Đường dẫn gọi bằng GET, lần lượt · Paths to GET, in turn
    #[arg(required = true, value_name = "PATH", value_parser = flag::target)]
    paths: Vec<String>,
    /// Tệp chứa dòng khóa do `apply` hay `key issue` in · File with the line of `key issue`
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
    /// Số kết nối · Connections
    #[arg(long, value_name = "N", default_value = "16", value_parser = flag::connections)]
    connections: usize,
    /// Số lượt gọi mỗi giây [mặc định: nhanh nhất có thể] ·
    /// Calls a second [default: as fast as answers come]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = flag::rate)]
    rate: Option<f64>,
    /// Thời gian chạy · How long it runs
    #[arg(long, default_value = "10s", value_parser = flag::duration)]
    duration: Duration,
    /// Số lượt gọi tối đa · Calls at the most
    #[arg(long, value_name = "N", value_parser = flag::calls)]
    calls: Option<u64>,
}

pub(super) fn run(flags: &Flags, command: Command) -> Outcome {
    flags.check_named()?;
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
    let provider = provider::start(settings).await;
    let provider = provider.map_err(|error| cannot_listen(asked.listen, &error))?;
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
    let mut settings = consumer::Settings::new(&asked.base, shots);
    settings.account = asked.credential.as_deref().map(read_credential).transpose()?;
    settings.connections = asked.connections;
    settings.calls = asked.calls;
    settings.duration = asked.duration;
    settings.pace = match asked.rate {
        Some(per_second) => Pace::Open { per_second },
        None => Pace::Closed,
    };
    let report = consumer::run(settings).await.map_err(no_load)?;
    output.object(&report)?;
    Ok(Exit::Done)
}

/// Key and secret from the line that `apply` and `key issue` print.
fn read_credential(path: &Path) -> Result<Account, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let path = path.display();
        Failure::io(
            Exit::Usage,
            &format!("không đọc được tệp khóa kết nối {path}"),
            &format!("cannot read the credential file {path}"),
            &error,
        )
    })?;
    let found = text.lines().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        Some(Account {
            consumer_key: line["consumer_key"].as_str()?.to_owned(),
            secret_key: line["secret_key"].as_str()?.to_owned(),
        })
    });
    found.ok_or_else(|| {
        let path = path.display();
        Failure::usage(
            format!("{path}: không có dòng JSON nào mang consumer_key và secret_key"),
            format!("{path}: no line of JSON with consumer_key and secret_key"),
        )
    })
}

fn no_load(failure: consumer::Failure) -> Failure {
    match failure {
        consumer::Failure::Connect(kind) => Failure::io(
            Exit::Unable,
            "không kết nối được để lấy token",
            "cannot connect to get a token",
            &kind.into(),
        ),
        other => {
            Failure::unable(format!("không tạo được tải ({other})"), format!("no load: {other}"))
        }
    }
}
