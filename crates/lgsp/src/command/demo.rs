//! `lgsp demo`: the province's main job on realistic packets, from nothing, in one command.

mod folder;
mod packet;
mod report;
mod scene;
mod story;

use std::path::PathBuf;

use clap::Args;
use terms::fault::Sentence;

use super::{Flags, Signals, runtime};
use crate::log;
use crate::output::{self, Exit, Failure, Outcome, Output};

use report::{Report, Step};
use scene::Scene;
use story::Consumer;

/// The demo's data folder, unless `--data` names another.
const FOLDER: &str = "lgsp-demo";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Kết thúc sau khi diễn xong, không chờ Ctrl-C · End when all is shown, do not wait for Ctrl-C
    #[arg(long)]
    once: bool,
}

pub(super) fn run(flags: &Flags, arguments: &Arguments) -> Outcome {
    flags.check_named()?;
    let data = flags.data.clone().unwrap_or_else(|| PathBuf::from(FOLDER));
    folder::prepare(&data)?;
    // The steps are the news here; the log keeps to what is wrong.
    log::start(tracing::Level::WARN);
    runtime()?.block_on(async {
        let mut signals = Signals::catch()?;
        let output = flags.output();
        let mut report = Report::new(output);
        let mut scene = Scene::set(&data, &mut report).await?;
        let played = tokio::select! {
            played = play(&mut scene, &mut report) => Some(played),
            () = signals.wait() => None,
        };
        match played {
            Some(Ok(())) => scene.journal(&mut report)?,
            Some(Err(error)) => report.add(broken(&error))?,
            None => {
                scene.end().await;
                return Err(Failure::told(Exit::Refused));
            }
        }
        close(output, &report, &scene)?;
        if !arguments.once {
            output.message(&Sentence::new("Ctrl-C để dừng.", "Ctrl-C ends it."));
            signals.wait().await;
        }
        scene.end().await;
        Ok(if report.all_held() { Exit::Done } else { Exit::Refused })
    })
}

async fn play(scene: &mut Scene, report: &mut Report) -> anyhow::Result<()> {
    let clock = scene.clock.clone();
    let mut consumer = Consumer {
        live: format!("http://{}", scene.live),
        account: scene.account.clone(),
        clock: &clock,
        token: String::new(),
    };
    consumer.get_token(report).await?;
    consumer.look_up_land(report).await?;
    let sent = consumer.send_packets(report).await?;
    consumer.send_wrong_packet(report).await?;
    scene.portal_holds(&sent, report)?;
    consumer.call_unsubscribed(report).await?;
    consumer.call_hanging(report).await?;
    scene.revoke_key(report).await?;
    consumer.call_revoked(report).await
}

/// The table, the rows of the journal, and where to look next.
fn close(output: Output, report: &Report, scene: &Scene) -> Result<(), Failure> {
    if output.json {
        return Ok(());
    }
    output.line("")?;
    output.table(&report.table())?;
    output.line("")?;
    output.line(output.say("Nhật ký của các bước trên:", "What the journal kept of it:"))?;
    output.table(&scene.rows(output)?)?;
    output.line("")?;
    output.line(output.say("Xem tiếp:", "Where to look next:"))?;
    for (what, how) in scene.pointers(output) {
        if !what.is_empty() {
            output.line(&format!("  {what}"))?;
        }
        output.shell("      ", &how)?;
    }
    Ok(())
}

fn broken(error: &anyhow::Error) -> Step {
    let text = format!("{error:#}");
    let io = error.chain().find_map(|cause| cause.downcast_ref().map(output::cause));
    Step {
        name: "broken",
        title: Sentence::new("Buổi diễn bị gián đoạn", "The demo broke off"),
        ok: false,
        text: Sentence::made(io.map_or_else(|| text.clone(), |told| told.vi.into_owned()), text),
    }
}
