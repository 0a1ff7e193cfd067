//! `lgsp statistics status|list|resend|settle|recount|rebuild|erase`: what an officer does about
//! the facts of dossiers and the packets made of them.

mod erase;
mod packet;

use clap::{Subcommand, ValueEnum};
use dossier::{Dossiers, Recount, Settlement, Span, is_reason};
use serde_json::json;
use terms::fault::Sentence;
use terms::limit::{REASON_CHARS_MAX, REASON_CHARS_MIN};

use super::key::actor;
use super::{Flags, runtime};
use crate::base::Base;
use crate::output::{Exit, Failure, Outcome, Output, Table, local};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Có giữ dữ kiện không, căn cứ, đầy đủ từ ngày nào, còn thiếu gì · What is kept, and what it
    /// lacks
    Status,
    /// Các gói thống kê tháng, năm đã lập · The month and year packets that were made
    List,
    /// Gửi lại gói thống kê của một tháng hoặc năm · Send the packet of a month or a year again
    Resend {
        /// Kỳ: 2026-03 hoặc 2026 · Period: 2026-03 or 2026
        #[arg(value_name = "PERIOD", value_parser = read_span)]
        period: Span,
    },
    /// Chốt các hồ sơ chưa rõ, hoặc dữ kiện đã mất · Settle dossiers in doubt, or facts that were
    /// lost
    Settle {
        /// Kết luận · How
        #[arg(value_enum)]
        verdict: How,
        /// Lý do, ghi vào nhật ký; không ghi mã hồ sơ, tên người · Why, for the journal; no codes,
        /// no names
        #[arg(long, value_name = "TEXT", value_parser = read_reason)]
        reason: String,
        /// Xác nhận · Confirm
        #[arg(long)]
        yes: bool,
    },
    /// Đếm lại từ dữ kiện và so với bộ đếm, không sửa gì · Count anew and compare, change nothing
    Recount,
    /// Thay bộ đếm bằng kết quả đếm lại · Replace the counters by what is counted anew
    Rebuild {
        /// Xác nhận · Confirm
        #[arg(long)]
        yes: bool,
    },
    /// Xóa dữ kiện của một số hồ sơ, hoặc tất cả · Erase the facts of some dossiers, or all
    Erase(erase::Arguments),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum How {
    /// Cổng đã nhận, tính vào thống kê · The portal took them, count them
    Taken,
    /// Cổng không nhận, bỏ ra · The portal did not take them, drop them
    Refused,
    /// Dữ kiện đã mất, nay đã gửi lại đủ · What was lost was sent again
    BroughtIn,
}

fn read_span(text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| "NĂM-THÁNG hoặc NĂM · YEAR-MONTH or YEAR".to_owned())
}

/// What will stand in the journal for years: a sentence, on one line.
fn read_reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let (min, max) = (REASON_CHARS_MIN, REASON_CHARS_MAX);
    is_reason(text).then(|| text.to_owned()).ok_or_else(|| {
        format!("{min} đến {max} ký tự, một dòng · {min} to {max} characters on one line")
    })
}

pub(super) fn run(flags: &Flags, command: &Command) -> Outcome {
    let output = flags.output();
    runtime()?.block_on(async {
        let base = flags.base().await?;
        let Some(dossiers) = find(&base).await? else { return none(output, command) };
        match command {
            Command::Status => status(output, &base, &dossiers).await,
            Command::List => packet::list(output, &base, &dossiers).await,
            Command::Resend { period } => packet::resend(output, &base, &dossiers, *period).await,
            Command::Settle { verdict, reason, yes } => {
                settle(output, &dossiers, *verdict, reason, *yes).await
            }
            Command::Recount => {
                let found = dossiers.recount().await?;
                tell(output, found, found.wrong)?;
                Ok(if found.wrong == 0 { Exit::Done } else { Exit::Refused })
            }
            Command::Rebuild { yes } => {
                if !yes {
                    let found = dossiers.recount().await?;
                    tell(output, found, found.wrong)?;
                    return Err(unconfirmed());
                }
                let found = dossiers.rebuild(&actor()).await?;
                tell(output, found, 0)?;
                Ok(Exit::Done)
            }
            Command::Erase(asked) => erase::run(output, &base, &dossiers, asked).await,
        }
    })
}

/// The facts as the database has them; the switch is not touched, whatever this configuration says.
async fn find(base: &Base) -> Result<Option<Dossiers>, Failure> {
    Ok(Dossiers::find(base.facts(&actor())).await?)
}

/// Facts were never kept here: nothing to show, and nothing to do.
fn none(output: Output, command: &Command) -> Outcome {
    let (vi, en) = (
        "chưa từng giữ dữ kiện hồ sơ ở đây: xem [statistics] keep_facts",
        "facts of dossiers were never kept here: see [statistics] keep_facts",
    );
    match command {
        Command::Status if output.json => {
            output.object(&json!({ "keep_facts": false, "in_doubt": 0, "lost": 0 }))?;
        }
        Command::Status | Command::List => output.message(&Sentence::new(vi, en)),
        _ => return Err(Failure::refused(vi, en)),
    }
    Ok(Exit::Done)
}

/// Nothing was done for want of `--yes`; what it would be about has been told.
fn unconfirmed() -> Failure {
    Failure::refused(
        "chưa làm gì; để thực hiện, chạy lại với --yes",
        "nothing was done; to do it, run it again with --yes",
    )
}

async fn status(output: Output, base: &Base, dossiers: &Dossiers) -> Outcome {
    let Some(keeping) = dossiers.keeping().await? else { return Ok(Exit::Done) };
    let gaps = dossiers.gaps().await?;
    let day = |day: Option<dossier::Day>| day.map(|day| day.to_string());
    if output.json {
        output.object(&json!({
            "keep_facts": keeping.is_on(),
            "legal_ground": keeping.legal_ground,
            "complete_from": day(keeping.complete_from),
            "begun_at": keeping.begun_at,
            "ended_at": keeping.ended_at,
            "in_doubt": gaps.dossiers,
            "first_day": day(gaps.first),
            "lost": gaps.lost,
        }))?;
        return Ok(Exit::Done);
    }
    let none = || "–".to_owned();
    let switch = match keeping.ended_at {
        None => output.say("đang giữ", "kept").to_owned(),
        Some(at) => {
            format!("{} {}", output.say("dừng từ", "ended"), local(at, &base.config.zone))
        }
    };
    let mut table = Table::new([output.say("Mục", "What"), output.say("Giá trị", "Value")]);
    for (vi, en, value) in [
        ("Giữ dữ kiện hồ sơ", "Facts of dossiers", switch),
        ("Bắt đầu", "Begun", local(keeping.begun_at, &base.config.zone)),
        ("Căn cứ", "Legal ground", keeping.legal_ground.unwrap_or_else(none)),
        ("Đầy đủ từ ngày", "Complete from", day(keeping.complete_from).unwrap_or_else(none)),
        ("Hồ sơ chưa rõ", "Dossiers in doubt", gaps.dossiers.to_string()),
        ("Ảnh hưởng từ ngày", "Days touched from", day(gaps.first).unwrap_or_else(none)),
        ("Bản ghi đã mất", "Records lost", gaps.lost.to_string()),
    ] {
        table.row([output.say(vi, en).to_owned(), value]);
    }
    output.table(&table)?;
    if !gaps.is_none() {
        output.message(&Sentence::new(
            "Kỳ bị ảnh hưởng chưa có số liệu. Hồ sơ chưa rõ: hệ thống một cửa gửi lại là đủ, hoặc \
             đối chiếu với Cổng rồi `lgsp statistics settle taken|refused`. Bản ghi đã mất: gửi \
             lại rồi `settle brought-in`.",
            "Periods touched have no figures. Dossiers in doubt: let the one-stop system send them \
             again, or compare with the portal, then `lgsp statistics settle taken|refused`. \
             Records lost: have them sent again, then `settle brought-in`.",
        ));
    }
    Ok(Exit::Done)
}

async fn settle(output: Output, dossiers: &Dossiers, how: How, reason: &str, yes: bool) -> Outcome {
    let how = match how {
        How::Taken => Settlement::Taken,
        How::Refused => Settlement::Refused,
        How::BroughtIn => Settlement::BroughtIn,
    };
    let count = if yes {
        dossiers.settle_gaps(how, &actor(), reason).await?
    } else {
        let gaps = dossiers.gaps().await?;
        if how == Settlement::BroughtIn { gaps.lost } else { gaps.dossiers }
    };
    if output.json {
        output.object(&json!({ "as": how.as_str(), "count": count, "done": yes }))?;
    } else {
        let (vi, en) = match how {
            Settlement::Taken => ("Hồ sơ tính vào thống kê", "Dossiers counted"),
            Settlement::Refused => ("Hồ sơ bỏ ra", "Dossiers dropped"),
            Settlement::BroughtIn => ("Bản ghi coi như đã gửi lại", "Records taken as sent again"),
        };
        output.line(&format!("{}: {count}", output.say(vi, en)))?;
    }
    if yes { Ok(Exit::Done) } else { Err(unconfirmed()) }
}

/// What a recount found, and how much of it is wrong now.
fn tell(output: Output, found: Recount, wrong: usize) -> Result<(), Failure> {
    if output.json {
        let Recount { dossiers, wrong: found } = found;
        output.object(&json!({ "dossiers": dossiers, "found_wrong": found, "wrong": wrong }))?;
        return Ok(());
    }
    let mut table = Table::new([
        output.say("Hồ sơ", "Dossiers"),
        output.say("Bộ đếm sai tìm thấy", "Counters found wrong"),
        output.say("Còn sai", "Still wrong"),
    ]);
    table.row([found.dossiers.to_string(), found.wrong.to_string(), wrong.to_string()]);
    output.table(&table)?;
    Ok(())
}
