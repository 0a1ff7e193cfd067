//! `lgsp statistics list|resend`: the month and year packets.

use dossier::schedule::State;
use dossier::{Dossiers, PacketSeen, Span};
use serde_json::{Value, json};
use terms::fault::Sentence;

use crate::base::Base;
use crate::command::key::actor;
use crate::output::{Exit, Outcome, Output, Table, local};

pub(super) async fn list(output: Output, base: &Base, dossiers: &Dossiers) -> Outcome {
    let packets = dossiers.packets_seen().await?;
    if output.json {
        for packet in &packets {
            output.object(&object(packet))?;
        }
        return Ok(Exit::Done);
    }
    let mut table = Table::new([
        output.say("Kỳ", "Period"),
        output.say("Trạng thái", "State"),
        output.say("Lần gửi", "Attempts"),
        output.say("Gửi tiếp từ", "Next from"),
        output.say("Xong lúc", "Settled"),
        output.say("Bản ghi", "Records"),
    ]);
    let zone = &base.config.zone;
    for packet in &packets {
        let (attempts, next) = match packet.state {
            State::Waiting { attempts, next_at } => (attempts.to_string(), local(next_at, zone)),
            _ => (String::new(), String::new()),
        };
        table.row([
            packet.span.to_string(),
            shown(output, packet.state).to_owned(),
            attempts,
            next,
            packet.settled_at.map(|at| local(at, zone)).unwrap_or_default(),
            records(packet).map(|records| records.len().to_string()).unwrap_or_default(),
        ]);
    }
    output.table(&table)?;
    Ok(Exit::Done)
}

pub(super) async fn resend(
    output: Output,
    base: &Base,
    dossiers: &Dossiers,
    span: Span,
) -> Outcome {
    dossiers.resend(span, &actor()).await?;
    if output.json {
        output.object(&json!({ "period": span.to_string(), "state": "waiting" }))?;
    } else {
        let (vi, en) = ("Sẽ gửi lại trong vòng một phút, kỳ", "Sent again within a minute, period");
        output.line(&format!("{} {span}", output.say(vi, en)))?;
    }
    if base.config.statistics_sender.is_none() {
        output.message(&Sentence::new(
            "Cấu hình này không nêu [statistics] system và unit: cần một nút đang chạy có hai mục \
             đó để gửi.",
            "This configuration names no [statistics] system and unit: a running node that has \
             both must send it.",
        ));
    }
    Ok(Exit::Done)
}

fn object(packet: &PacketSeen) -> Value {
    let (attempts, next_at) = match packet.state {
        State::Waiting { attempts, next_at } => (Some(attempts), Some(next_at)),
        _ => (None, None),
    };
    json!({
        "period": packet.span.to_string(),
        "state": word(packet.state),
        "attempts": attempts,
        "next_at": next_at,
        "settled_at": packet.settled_at,
        "records": records(packet),
    })
}

fn records(packet: &PacketSeen) -> Option<Vec<Value>> {
    serde_json::from_str(packet.records.as_deref()?).ok()
}

fn word(state: State) -> &'static str {
    match state {
        State::Waiting { .. } => "waiting",
        State::Sent => "sent",
        State::Refused => "refused",
        State::GivenUp => "given_up",
    }
}

fn shown(output: Output, state: State) -> &'static str {
    match state {
        State::Waiting { .. } => output.say("chờ gửi", "waiting"),
        State::Sent => output.say("Cổng đã nhận", "sent"),
        State::Refused => output.say("Cổng từ chối", "refused"),
        State::GivenUp => output.say("thôi gửi", "given up"),
    }
}
