//! `lgsp keyring list|rotate|retire`: the platform's own keys.

use clap::Subcommand;
use keyring::KeyId;
use serde_json::json;
use terms::fault::Sentence;

use super::{Flags, runtime};
use crate::base::Base;
use crate::output::{Exit, Outcome, Table, local};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Các khóa của nền tảng · The entries of the keyring
    List,
    /// Thêm một khóa và dùng nó từ nay · Add an entry and make it the current one
    Rotate,
    /// Chấm dứt một khóa cũ: token và secret theo nó hết hiệu lực ·
    /// End a former entry and what it made
    Retire {
        /// Số của khóa, xem `keyring list` · Its id, see `keyring list`
        id: u8,
    },
}

pub(super) fn run(flags: &Flags, command: &Command) -> Outcome {
    runtime()?.block_on(async {
        let base = flags.base().await?;
        match command {
            Command::List => {}
            Command::Rotate => {
                base.keyring.rotate()?;
                base.keyring.check(&base.store).await?;
                flags.output().message(&Sentence::new(
                    "Đã thêm khóa. Có nhiều nút thì sao chép tệp khóa sang mọi nút.",
                    "An entry was added. On several nodes copy the keyring file to all of them.",
                ));
            }
            Command::Retire { id } => base.keyring.retire(KeyId(*id))?,
        }
        list(flags, &base)
    })
}

fn list(flags: &Flags, base: &Base) -> Outcome {
    let output = flags.output();
    let mut table = Table::new([
        output.say("Khóa", "Id"),
        output.say("Tạo lúc", "Created"),
        output.say("Trạng thái", "State"),
    ]);
    for entry in base.keyring.list() {
        let state = entry.state.as_str();
        if output.json {
            let created = entry.created;
            output.object(&json!({"id": entry.id.0, "created": created, "state": state}))?;
        }
        let created = local(entry.created, &base.config.zone);
        table.row([entry.id.to_string(), created, state.to_owned()]);
    }
    if !output.json {
        output.table(&table)?;
    }
    Ok(Exit::Done)
}
