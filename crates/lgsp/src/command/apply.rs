//! `lgsp apply`: registry files into the database, everything or nothing.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use registry::file::{self, FileFault};
use registry::{ApplyError, Applying, Change};
use terms::clock::Clock;
use terms::fault::Sentence;
use terms::random::Random;

use super::key::{Line, actor};
use super::{Flags, runtime};
use crate::base::{Base, with_causes};
use crate::config;
use crate::output::{Exit, Failure, Outcome, Output};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Tệp danh mục (YAML); nhiều tệp là một bộ · Registry file; several are one set
    #[arg(short = 'f', long = "file", required = true, num_args = 1.., value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Chỉ cho biết sẽ thay đổi gì, không thay đổi · Say what would change, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Ghi dòng khóa được cấp vào tệp mới này thay vì màn hình ·
    /// Lines of issued keys go to this new file
    #[arg(long, value_name = "FILE")]
    keys_out: Option<PathBuf>,
}

pub(super) fn run(flags: &Flags, arguments: &Arguments) -> Outcome {
    let output = flags.output();
    let files = arguments.files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let config = flags.configuration()?;
    runtime()?.block_on(async {
        let base = Base::open(config, Clock::system(), Random::system()).await?;
        // Made before anything is issued: a secret is shown once and must not be lost.
        let keys = arguments.keys_out.as_deref().filter(|_| !arguments.dry_run);
        let mut keys = keys.map(KeysOut::create).transpose()?;
        let applied = apply(&base, &files, &actor(), arguments.dry_run).await;
        let changes = match applied {
            Ok(applied) => {
                tell(output, &applied.warnings);
                applied.changes
            }
            Err(refusal) => {
                if let Some(keys) = keys {
                    keys.discard();
                }
                tell(output, &refusal.faults);
                return Err(refusal.failure);
            }
        };
        for change in &changes {
            let line = Line {
                entry: change.entry.as_str(),
                key: &change.key,
                change: change.change.as_str(),
                fields: &change.fields,
                issued: change.issued.as_ref().map(Into::into),
            };
            let kept = match (&change.issued, &mut keys) {
                (Some(_), Some(keys)) => keys.write(&line).is_ok(),
                _ => false,
            };
            if !kept {
                output.object(&line)?;
            }
        }
        keys.map_or(Ok(()), KeysOut::finish)?;
        Ok(Exit::Done)
    })
}

/// What applying did.
pub(super) struct Applied {
    pub(super) changes: Vec<Change>,
    pub(super) warnings: Vec<FileFault>,
}

/// Why nothing was applied.
pub(super) struct Refusal {
    pub(super) faults: Vec<FileFault>,
    pub(super) failure: Failure,
}

impl From<Vec<FileFault>> for Refusal {
    fn from(faults: Vec<FileFault>) -> Refusal {
        Refusal { faults, failure: Failure::told(Exit::Refused) }
    }
}

/// Applies files, given by name and content.
pub(super) async fn apply(
    base: &Base,
    files: &[(String, Vec<u8>)],
    actor: &str,
    dry_run: bool,
) -> Result<Applied, Refusal> {
    let entries = file::read(files);
    let issuer = base.issuer();
    let variables = config::environment();
    let variable = |name: &str| {
        variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let applying = Applying {
        store: &base.store,
        keyring: &base.keyring,
        issuer: &issuer,
        clock: &base.clock,
        random: &base.random,
        zone: &base.config.zone,
        variable: &variable,
        actor,
        dry_run,
    };
    let changes = registry::apply(&applying, &entries).await.map_err(|error| match error {
        ApplyError::Faults(faults) => Refusal::from(faults),
        error => Refusal { faults: Vec::new(), failure: unapplied(error) },
    })?;
    Ok(Applied { changes, warnings: entries.warnings().to_vec() })
}

fn unapplied(error: ApplyError) -> Failure {
    match error {
        ApplyError::Store(error) => error.into(),
        ApplyError::Keyring(error) => error.into(),
        ApplyError::Journal(error) => error.into(),
        ApplyError::Credential(error) => error.into(),
        ApplyError::Faults(_) => {
            let sentence = Sentence::new("tệp danh mục có lỗi", "the registry files are wrong");
            Failure { exit: Exit::Refused, sentence: Some(with_causes(&sentence, &error)) }
        }
    }
}

fn read(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => Ok((name, bytes)),
        Err(error) => Err(Failure::io(
            Exit::Usage,
            &format!("không đọc được tệp {name}"),
            &format!("cannot read the file {name}"),
            &error,
        )),
    }
}

fn tell(output: Output, found: &[FileFault]) {
    for fault in found {
        let FileFault { file, line, column, code, sentence } = fault;
        let text = sentence.text(output.language);
        output.message_text(&format!("{file}:{line}:{column}: {code}: {text}"));
    }
}

/// The file that takes issued keys: new, for its owner only.
struct KeysOut {
    path: PathBuf,
    file: std::fs::File,
}

impl KeysOut {
    fn create(path: &Path) -> Result<KeysOut, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match file {
            Ok(file) => Ok(KeysOut { path: path.to_owned(), file }),
            Err(error) => {
                let path = path.display();
                Err(Failure::io(
                    Exit::Usage,
                    &format!("không tạo được tệp mới {path}"),
                    &format!("cannot make the new file {path}"),
                    &error,
                ))
            }
        }
    }

    fn write(&mut self, line: &Line<'_>) -> std::io::Result<()> {
        writeln!(self.file, "{}", serde_json::to_string(line)?)
    }

    fn finish(self) -> Result<(), Failure> {
        Ok(self.file.sync_all()?)
    }

    /// Nothing was issued: the empty file goes.
    fn discard(self) {
        let _ = std::fs::remove_file(self.path);
    }
}
