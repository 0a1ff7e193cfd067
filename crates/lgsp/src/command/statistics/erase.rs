//! `lgsp statistics erase`: facts of dossiers go for good, for a reason and on a legal ground.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use dossier::message::Code;
use dossier::{Dossiers, Erasure, erase_all};
use serde_json::json;

use super::{read_reason, unconfirmed};
use crate::base::Base;
use crate::command::key::actor;
use crate::output::{Exit, Failure, Outcome, Output};

#[derive(Debug, Args)]
pub(in crate::command) struct Arguments {
    /// Tệp mã hồ sơ, mỗi dòng một mã; - là stdin · File of codes, one a line; - is stdin
    #[arg(long, value_name = "FILE", required_unless_present = "all", conflicts_with = "all")]
    codes: Option<PathBuf>,
    /// Tất cả dữ kiện và bộ đếm · All facts and counters
    #[arg(long)]
    all: bool,
    /// Lý do, ghi vào nhật ký; không ghi mã hồ sơ, tên người · Why, for the journal; no codes, no
    /// names
    #[arg(long, value_name = "TEXT", value_parser = read_reason)]
    reason: String,
    /// Văn bản là căn cứ xóa, ghi vào nhật ký · The law or decision it rests on, for the journal
    #[arg(long, value_name = "TEXT", value_parser = read_reason)]
    legal_ground: String,
    /// Xác nhận · Confirm
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(
    output: Output,
    base: &Base,
    dossiers: &Dossiers,
    asked: &Arguments,
) -> Outcome {
    let codes = asked.codes.as_deref().map(read).transpose()?;
    let actor = actor();
    let Arguments { reason, legal_ground, yes, .. } = asked;
    let why = Erasure { actor: &actor, reason, legal_ground };
    let (named, known) = match &codes {
        Some(codes) => (Some(codes.len()), dossiers.count_known(codes).await? as u64),
        None => (None, dossiers.count().await?),
    };
    let erased = match &codes {
        _ if !yes => 0,
        Some(codes) => {
            dossiers.erase(codes, &why).await?;
            codes.len() as u64
        }
        None => erase_all(&base.store, &base.clock, &base.random, &why).await?,
    };
    if output.json {
        output.object(&json!({ "named": named, "known": known, "erased": erased }))?;
    } else {
        if let Some(named) = named {
            output
                .line(&format!("{}: {named}", output.say("Mã trong tệp", "Codes in the file")))?;
        }
        output.line(&format!("{}: {known}", output.say("Có dữ kiện", "With facts")))?;
        output.line(&format!("{}: {erased}", output.say("Đã xóa", "Erased")))?;
    }
    if *yes { Ok(Exit::Done) } else { Err(unconfirmed()) }
}

/// Codes from a file and not from the command line, where others can see them.
fn read(path: &Path) -> Result<Vec<Code>, Failure> {
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().lock().read_to_string(&mut text),
        _ => std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    let shown = path.display();
    read.map_err(|error| {
        Failure::io(
            Exit::Usage,
            &format!("không đọc được tệp mã hồ sơ {shown}"),
            &format!("cannot read the file of codes {shown}"),
            &error,
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let codes: BTreeSet<Code> = text.lines().filter_map(Code::parse).collect();
    if codes.is_empty() {
        return Err(Failure::usage(
            format!("tệp {shown} không có mã hồ sơ nào"),
            format!("there is no code in {shown}"),
        ));
    }
    Ok(codes.into_iter().collect())
}
