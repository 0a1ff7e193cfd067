//! `lgsp export`: the registry as a file that applies unchanged, without secrets.

use serde_json::json;

use super::{Flags, runtime};
use crate::output::{Exit, Outcome};

pub(super) fn run(flags: &Flags) -> Outcome {
    runtime()?.block_on(async {
        let base = flags.base().await?;
        let text = registry::export(&base.store).await?;
        let output = flags.output();
        if output.json {
            output.object(&json!({ "registry": text }))?;
        } else {
            output.line(text.trim_end_matches('\n'))?;
        }
        Ok(Exit::Done)
    })
}
