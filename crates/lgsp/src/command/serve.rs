//! `lgsp serve`: the platform, until it is told to stop.

use clap::{Args, ValueEnum};
use serde::Serialize;
use terms::clock::Clock;
use terms::random::Random;

use super::{Flags, Signals, runtime};
use crate::config::Config;
use crate::log;
use crate::output::{Exit, Outcome};
use crate::platform::{Addresses, Measured, Platform};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// HTTP môi trường chính thức [mặc định: 127.0.0.1:8280] · Live HTTP [default: 127.0.0.1:8280]
    #[arg(long, value_name = "ADDR|off")]
    live: Option<String>,
    /// HTTPS môi trường chính thức [mặc định: off; khi cấu hình chứng thư: 127.0.0.1:8243] ·
    /// Live HTTPS [default: off; with a certificate in the configuration: 127.0.0.1:8243]
    #[arg(long, value_name = "ADDR|off")]
    live_tls: Option<String>,
    /// HTTP môi trường thử nghiệm [mặc định: 127.0.0.1:8281] · Trial HTTP [default: 127.0.0.1:8281]
    #[arg(long, value_name = "ADDR|off")]
    trial: Option<String>,
    /// HTTPS môi trường thử nghiệm [mặc định: off; khi cấu hình chứng thư: 127.0.0.1:8244] ·
    /// Trial HTTPS [default: off; with a certificate in the configuration: 127.0.0.1:8244]
    #[arg(long, value_name = "ADDR|off")]
    trial_tls: Option<String>,
    /// HTTP nhận lượt gọi từ phía quốc gia [mặc định: off] ·
    /// HTTP for calls of the national side [default: off]
    #[arg(long, value_name = "ADDR|off")]
    inbound: Option<String>,
    /// Tình trạng và số đo [mặc định: 127.0.0.1:9090] ·
    /// Health and metrics [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDR|off")]
    ops: Option<String>,
    /// For measurements only: what is switched off. Never in service.
    #[arg(long, hide = true, value_delimiter = ',')]
    measure: Vec<Without>,
}

/// What a measurement can switch off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Without {
    /// Rows count before the disk has them.
    WithoutSync,
    /// Bodies are not digested.
    WithoutDigests,
}

#[derive(Serialize)]
struct Ready<'a> {
    ready: bool,
    #[serde(flatten)]
    addresses: &'a Addresses,
}

pub(super) fn run(flags: &Flags, arguments: &Arguments) -> Outcome {
    let config = configuration(flags, arguments)?;
    log::start(config.log);
    let has = |without| arguments.measure.contains(&without);
    let measured = Measured {
        without_sync: has(Without::WithoutSync),
        without_digests: has(Without::WithoutDigests),
    };
    if measured.without_sync || measured.without_digests {
        tracing::warn!(code = "measuring", ?measured, "not for service: evidence is incomplete");
    }
    runtime()?.block_on(async {
        let mut signals = Signals::catch()?;
        let random = Random::system();
        let starting = Platform::start(config, measured, Clock::system(), random);
        let platform = tokio::select! {
            platform = starting => platform?,
            () = signals.wait() => return Ok(Exit::Done),
        };
        let addresses = &platform.addresses;
        flags.output().object(&Ready { ready: true, addresses })?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "ready");
        signals.wait().await;
        tracing::info!("stopping");
        platform.stop().await;
        tracing::info!("stopped");
        Ok(Exit::Done)
    })
}

fn configuration(flags: &Flags, arguments: &Arguments) -> Result<Config, crate::output::Failure> {
    let listeners = [
        ("gateway.live.http", "--live", &arguments.live),
        ("gateway.live.https", "--live-tls", &arguments.live_tls),
        ("gateway.trial.http", "--trial", &arguments.trial),
        ("gateway.trial.https", "--trial-tls", &arguments.trial_tls),
        ("gateway.inbound.http", "--inbound", &arguments.inbound),
        ("ops.listen", "--ops", &arguments.ops),
    ];
    let set = listeners.into_iter().filter_map(|(key, flag, value)| {
        let value = value.as_ref()?;
        Some((key, flag, value.clone()))
    });
    flags.configuration_with(set)
}
