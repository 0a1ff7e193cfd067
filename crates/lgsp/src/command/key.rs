//! `lgsp key issue|rotate|revoke|list`: keys of systems.

use std::time::Duration;

use access::credential::{self, Credential, CredentialFault, Filter, Issued};
use clap::Subcommand;
use registry::file::Noun;
use serde::Serialize;
use serde_json::json;
use terms::clock::Timestamp;
use terms::code::{ConsumerKey, SystemCode};
use terms::environment::Environment;
use terms::fault::Sentence;
use terms::limit::SECRET_OVERLAP_MAX;
use terms::quantity::parse_duration;

use super::{Flags, runtime};
use crate::base::{Base, with_causes};
use crate::output::{Exit, Failure, Outcome, Table, local};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Cấp một khóa mới; secret chỉ hiện lần này · Issue a key; its secret is shown this once
    Issue {
        /// Mã hệ thống · Code of the system
        #[arg(long, value_name = "CODE")]
        system: String,
        /// Môi trường: trial thử nghiệm, live chính thức · Environment: trial or live
        #[arg(long, value_parser = ["trial", "live"])]
        environment: String,
    },
    /// Đổi secret; secret cũ còn dùng được một thời gian ·
    /// A new secret; the old one works a while yet
    Rotate {
        /// Consumer key của hệ thống · Consumer key of the system
        consumer_key: String,
        /// Thời gian cả hai secret cùng dùng được; 0s: thay ngay ·
        /// How long both secrets work; 0s: at once
        #[arg(long, default_value = "24h", value_parser = read_overlap)]
        overlap: Duration,
    },
    /// Thu hồi khóa; token đã cấp hết hiệu lực · Revoke a key; its tokens die too
    Revoke {
        /// Consumer key của hệ thống · Consumer key of the system
        consumer_key: String,
    },
    /// Các khóa đã cấp, không có secret · The keys that were issued, without secrets
    List {
        /// Chỉ của hệ thống này · Of this system only
        #[arg(long, value_name = "CODE")]
        system: Option<String>,
    },
}

fn read_overlap(text: &str) -> Result<Duration, String> {
    let overlap = if text == "0s" { Some(Duration::ZERO) } else { parse_duration(text) };
    overlap.filter(|overlap| *overlap <= SECRET_OVERLAP_MAX).ok_or_else(|| {
        let most = SECRET_OVERLAP_MAX.as_secs() / (24 * 3_600);
        let vi = format!("viết như 0s, 30m, 24h, 7d, nhiều nhất {most}d");
        format!("{vi} · write 0s, 30m, 24h, 7d, {most}d at the most")
    })
}

pub(super) fn run(flags: &Flags, command: &Command) -> Outcome {
    runtime()?.block_on(async {
        let base = flags.base().await?;
        match command {
            Command::Issue { system, environment } => {
                issue(flags, &base, system, environment).await
            }
            Command::Rotate { consumer_key, overlap } => {
                let issuer = base.issuer();
                let mut tx = base.store.write().await?;
                let key = ConsumerKey::known(consumer_key.as_str());
                let issued = issuer.rotate(&mut tx, &key, *overlap, &actor()).await?;
                tx.commit().await?;
                flags.output().object(&line(&issued, "updated", &["secret_key"]))?;
                Ok(Exit::Done)
            }
            Command::Revoke { consumer_key } => revoke(flags, &base, consumer_key).await,
            Command::List { system } => list(flags, &base, system.as_deref()).await,
        }
    })
}

/// Who changes things from the command line.
pub(super) fn actor() -> String {
    format!("cli:{}", crate::config::user())
}

async fn issue(flags: &Flags, base: &Base, system: &str, environment: &str) -> Outcome {
    let code = SystemCode::known(system);
    let environment = Environment::parse(environment).unwrap_or(Environment::Trial);
    let issuer = base.issuer();
    if registry::show(&base.store, Noun::System, Some(system)).await?.is_empty() {
        return Err(Failure::refused(
            format!("chưa có hệ thống {code}: đăng ký bằng `lgsp apply`"),
            format!("there is no system {code}: register it with `lgsp apply`"),
        ));
    }
    let mut tx = base.store.write().await?;
    let issued = issuer.issue(&mut tx, &code, environment, &actor()).await?;
    tx.commit().await?;
    flags.output().object(&line(&issued, "created", &[]))?;
    Ok(Exit::Done)
}

async fn revoke(flags: &Flags, base: &Base, key: &str) -> Outcome {
    let key = ConsumerKey::known(key);
    let issuer = base.issuer();
    let mut tx = base.store.write().await?;
    let revoked = issuer.revoke(&mut tx, &key, &actor()).await?;
    tx.commit().await?;
    let (change, fields): (_, &[&str]) =
        if revoked { ("updated", &["revoked_at"]) } else { ("unchanged", &[]) };
    let line = Line { entry: "credential", key: key.as_str(), change, fields, issued: None };
    flags.output().object(&line)?;
    Ok(Exit::Done)
}

/// The line of design §6 that tells what became of one entry, in the order of its keys there.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) entry: &'a str,
    pub(super) key: &'a str,
    pub(super) change: &'a str,
    pub(super) fields: &'a [&'a str],
    #[serde(flatten)]
    pub(super) issued: Option<IssuedKeys<'a>>,
}

/// What the line of an issued credential has beside: shown once.
#[derive(Serialize)]
pub(super) struct IssuedKeys<'a> {
    system: &'a str,
    environment: Environment,
    consumer_key: &'a str,
    secret_key: &'a str,
}

impl<'a> From<&'a Issued> for IssuedKeys<'a> {
    fn from(issued: &'a Issued) -> IssuedKeys<'a> {
        IssuedKeys {
            system: issued.system.as_str(),
            environment: issued.environment,
            consumer_key: issued.consumer_key.as_str(),
            secret_key: &issued.secret_key,
        }
    }
}

fn line<'a>(issued: &'a Issued, change: &'a str, fields: &'a [&'a str]) -> Line<'a> {
    let key = issued.consumer_key.as_str();
    Line { entry: "credential", key, change, fields, issued: Some(issued.into()) }
}

async fn list(flags: &Flags, base: &Base, system: Option<&str>) -> Outcome {
    let filter = Filter { system: system.map(SystemCode::known), ..Filter::default() };
    let credentials = credential::list(&base.store.pool, &filter).await.map_err(unread)?;
    print(flags, &credentials, base)
}

/// Prints credentials without secrets.
fn print(flags: &Flags, credentials: &[Credential], base: &Base) -> Outcome {
    let (output, now) = (flags.output(), base.clock.now());
    let mut table = Table::new([
        "Consumer key",
        output.say("Hệ thống", "System"),
        output.say("Môi trường", "Environment"),
        output.say("Trạng thái", "State"),
        output.say("Cấp lúc", "Created"),
        output.say("Dùng lần cuối", "Last used"),
        output.say("Secret cũ đến", "Old secret until"),
        output.say("Secret yếu đến", "Weak until"),
    ]);
    let text = |at: Option<Timestamp>| match at {
        Some(at) => local(at, &base.config.zone),
        None => "–".to_owned(),
    };
    for one in credentials {
        let state = if one.revoked_at.is_some() { "revoked" } else { "active" };
        let previous = one.previous_until().filter(|until| *until > now);
        if output.json {
            output.object(&json!({
                "consumer_key": one.consumer_key,
                "system": one.system,
                "environment": one.environment,
                "state": state,
                "created_at": one.created_at,
                "last_used_at": one.last_used_at,
                "revoked_at": one.revoked_at,
                "previous_until": previous,
                "weak_until": one.weak_until,
            }))?;
        }
        table.row([
            one.consumer_key.to_string(),
            one.system.to_string(),
            one.environment.to_string(),
            state.to_owned(),
            text(Some(one.created_at)),
            text(one.last_used_at),
            text(previous),
            text(one.weak_until),
        ]);
    }
    if !output.json {
        output.table(&table)?;
    }
    Ok(Exit::Done)
}

impl From<CredentialFault> for Failure {
    fn from(fault: CredentialFault) -> Failure {
        let exit = match &fault {
            CredentialFault::Store(_) | CredentialFault::Keyring => Exit::Unable,
            _ => Exit::Refused,
        };
        Failure { exit, sentence: Some(with_causes(&fault.sentence(), &fault)) }
    }
}

pub(super) fn unread<E: std::error::Error>(error: E) -> Failure {
    let sentence = Sentence::new("không đọc được cơ sở dữ liệu", "the database cannot be read");
    Failure { exit: Exit::Unable, sentence: Some(with_causes(&sentence, &error)) }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use terms::limit::{SECRET_OVERLAP, SECRET_OVERLAP_MAX};

    use super::{Command, read_overlap};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    #[test]
    fn an_overlap_has_the_default_and_the_limit_that_the_limits_name() {
        Line::command().debug_assert();
        let line = Line::try_parse_from(["key", "rotate", "K"]).unwrap();
        let Command::Rotate { overlap, .. } = line.command else { panic!("it is a rotation") };
        assert_eq!(overlap, SECRET_OVERLAP);
        assert_eq!(read_overlap("90d"), Ok(SECRET_OVERLAP_MAX));
        for text in ["91d", "", "1", "-1h"] {
            let refusal = read_overlap(text).unwrap_err();
            assert!(refusal.matches("90d").count() == 2, "{text}: {refusal}");
        }
    }
}
