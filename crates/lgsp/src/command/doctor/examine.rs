//! The checks themselves, each one place of the installation.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use keyring::Keyring;
use store::Store;
use terms::clock::{Clock, Timestamp};
use terms::fault::Language;
use terms::limit;
use terms::random::Random;

use super::{Finding, Verdict};
use crate::base::with_causes;
use crate::config::{Config, Listen};
use crate::lock::Lock;
use crate::output::cause;
use crate::{certificate, host, tables};

/// Open files below which article 7.4's connections cannot be held with their providers'.
const FILES_MIN: u64 = 4_096;
/// Open files that leave room for 5,000 connections on each side.
const FILES_WISHED: u64 = 16_384;
/// The clock of a machine that stands before this release is wrong: 2026-01-01.
const RELEASE_SECS: i64 = 1_767_225_600;

/// All checks, in the order in which a person would put them right.
pub(super) async fn all(config: &Config) -> Vec<Finding> {
    let clock = Clock::system();
    let mut findings = vec![folder(&config.data), space("disk-data", &config.data)];
    if config.journal.is_dir() {
        findings.push(space("disk-journal", &config.journal));
    }
    findings.push(keyring_file(&config.keyring));
    findings.extend(database(config, &clock).await);
    findings.push(time(config, &clock));
    findings.push(files());
    findings.extend(ports(config));
    for (check, listen) in [
        ("certificate-live", &config.live),
        ("certificate-trial", &config.trial),
        ("certificate-inbound", &config.inbound),
    ] {
        findings.extend(certificate_end(check, listen, clock.now()));
    }
    findings.push(table_files(config));
    findings.push(journal_whole(config));
    findings
}

/// A broken table file leaves in force what was, which nobody sees from outside.
fn table_files(config: &Config) -> Finding {
    let taken = tables::read(&config.data);
    let told = |language| {
        let faults = taken.faults.iter().chain(&taken.notes);
        let faults = faults.map(|fault| tables::line(fault, language));
        let held = taken.held.iter().map(|held| held.sentence().text(language).to_owned());
        faults.chain(held).collect::<Vec<_>>().join("; ")
    };
    let verdict = match (taken.faults.is_empty(), taken.notes.is_empty()) {
        (true, true) => {
            let (files, all) = (taken.files, taken.tables.iter().count());
            return Finding::new(
                "packet-tables",
                Verdict::Ok,
                format!("{all} bảng gói tin, {files} từ tệp"),
                format!("{all} packet tables, {files} of them from files"),
            );
        }
        (true, false) => Verdict::Warn,
        _ => Verdict::Fail,
    };
    Finding::new("packet-tables", verdict, told(Language::Vi), told(Language::En))
}

fn folder(data: &Path) -> Finding {
    let shown = data.display();
    let metadata = match std::fs::metadata(data) {
        Ok(metadata) => metadata,
        Err(error) => {
            return Finding::new(
                "data-folder",
                Verdict::Fail,
                format!("không đọc được {shown}: {}", cause(&error).vi),
                format!("{shown} cannot be read: {error}"),
            );
        }
    };
    if metadata.permissions().readonly() || tempfile_in(data).is_err() {
        return Finding::new(
            "data-folder",
            Verdict::Fail,
            format!("không ghi được vào {shown}: chạy bằng đúng tài khoản, sửa quyền thư mục"),
            format!("{shown} cannot be written: run as its owner, mend its rights"),
        );
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Finding::new(
            "data-folder",
            Verdict::Warn,
            format!("{shown} mở cho người khác (quyền {mode:04o}): chạy chmod 700"),
            format!("{shown} is open to others (mode {mode:04o}): run chmod 700"),
        );
    }
    Finding::new("data-folder", Verdict::Ok, format!("{shown}"), format!("{shown}"))
}

/// Tries to write; leaves nothing.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&path, b"x")?;
    std::fs::remove_file(path)
}

fn space(check: &'static str, path: &Path) -> Finding {
    let shown = path.display();
    let (free, all) = match host::disk_space(path) {
        Ok(space) => space,
        Err(error) => {
            return unseen(check, Verdict::Fail, &shown.to_string(), &error);
        }
    };
    let used = 100 - free.saturating_mul(100) / all.max(1);
    let mib = free / (1024 * 1024);
    let verdict = if free <= limit::DISK_RESERVE_BYTES {
        Verdict::Fail
    } else if used >= limit::DISK_WARN_PERCENT {
        Verdict::Warn
    } else {
        Verdict::Ok
    };
    let (vi, en) = match verdict {
        Verdict::Ok => ("", ""),
        _ => (": giải phóng chỗ hoặc thêm đĩa", ": free some space or add a disk"),
    };
    Finding::new(
        check,
        verdict,
        format!("{shown}: còn {mib} MiB, đã dùng {used}%{vi}"),
        format!("{shown}: {mib} MiB free, {used}% used{en}"),
    )
}

fn keyring_file(path: &Path) -> Finding {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 == 0 => {
            Finding::new("keyring-file", Verdict::Ok, format!("{shown}"), format!("{shown}"))
        }
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            Finding::new(
                "keyring-file",
                Verdict::Fail,
                format!("{shown} có quyền {mode:04o}: chạy chmod 600"),
                format!("{shown} has mode {mode:04o}: run chmod 600"),
            )
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Finding::new(
            "keyring-file",
            Verdict::Warn,
            format!("chưa có {shown}: được tạo khi chạy `lgsp serve` hay `lgsp apply` lần đầu"),
            format!("{shown} is not there: the first `lgsp serve` or `lgsp apply` makes it"),
        ),
        Err(error) => unseen("keyring-file", Verdict::Fail, &shown.to_string(), &error),
    }
}

/// Reachable, brought forward, ordered as it should be, and of the same keyring. A database that is
/// not there yet is not made here.
async fn database(config: &Config, clock: &Clock) -> Vec<Finding> {
    let file = config.database.strip_prefix("sqlite:");
    if let Some(file) = file.filter(|file| !Path::new(file).exists()) {
        return vec![Finding::new(
            "database",
            Verdict::Warn,
            format!("chưa có {file}: được tạo khi chạy `lgsp serve` hay `lgsp apply` lần đầu"),
            format!("{file} is not there: the first `lgsp serve` or `lgsp apply` makes it"),
        )];
    }
    let store = match Store::open(&store::Config { url: config.database.clone() }).await {
        Ok(store) => store,
        Err(error) => return vec![failed("database", with_causes(&error.sentence(), &error))],
    };
    let mut findings = Vec::new();
    match store.inspect().await {
        Ok(seen) => {
            let text = format!("{:?} {}, {}", seen.engine, seen.version, seen.encoding);
            findings.push(Finding::new("database", Verdict::Ok, text.clone(), text));
            let faults = seen.faults().into_iter();
            findings.extend(faults.map(|sentence| Finding {
                check: "database-order",
                verdict: Verdict::Warn,
                sentence,
            }));
        }
        Err(error) => findings.push(failed("database", with_causes(&error.sentence(), &error))),
    }
    if config.keyring.exists() {
        let checked = match Keyring::open(&config.keyring, clock, &Random::system()) {
            Ok(keyring) => keyring.check(&store).await.map(|()| keyring.list().len()),
            Err(error) => Err(error),
        };
        findings.push(match checked {
            Ok(count) => Finding::new(
                "keyring",
                Verdict::Ok,
                format!("khớp với cơ sở dữ liệu, {count} khóa"),
                format!("fits the database, {count} entries"),
            ),
            Err(error) => failed("keyring", with_causes(&error.sentence(), &error)),
        });
    }
    store.close().await;
    findings
}

/// What the system would not tell.
fn unseen(check: &'static str, verdict: Verdict, place: &str, error: &std::io::Error) -> Finding {
    let cause = cause(error);
    let (vi, en) = (format!("{place}: {}", cause.vi), format!("{place}: {}", cause.en));
    Finding::new(check, verdict, vi, en)
}

fn failed(check: &'static str, sentence: terms::fault::Sentence) -> Finding {
    Finding { check, verdict: Verdict::Fail, sentence }
}

/// Rows are ordered by time: a clock behind its own journal would write into the past.
fn time(config: &Config, clock: &Clock) -> Finding {
    let now = clock.now();
    if now < Timestamp::from_secs(RELEASE_SECS) {
        return Finding::new(
            "clock",
            Verdict::Fail,
            format!("đồng hồ máy chỉ {now}: chỉnh lại, bật đồng bộ thời gian"),
            format!("the machine's clock says {now}: set it, switch time synchronisation on"),
        );
    }
    let files = std::fs::read_dir(&config.journal).into_iter().flatten().flatten();
    let written = files
        .filter_map(|file| file.metadata().ok()?.modified().ok())
        .filter_map(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .map(|since| Timestamp::from_secs(0).plus(since))
        .max();
    match written.filter(|at| *at > now.plus(Duration::from_secs(5))) {
        Some(at) => Finding::new(
            "clock",
            Verdict::Fail,
            format!("đồng hồ máy chỉ {now}, nhưng nhật ký được ghi lúc {at}: đồng hồ đã lùi"),
            format!("the clock says {now}, but the journal was written at {at}: it went back"),
        ),
        None => Finding::new("clock", Verdict::Ok, now.to_string(), now.to_string()),
    }
}

fn files() -> Finding {
    let (_, hard) = match host::file_limit() {
        Ok(limit) => limit,
        Err(error) => return unseen("open-files", Verdict::Warn, "RLIMIT_NOFILE", &error),
    };
    let verdict = match hard {
        hard if hard < FILES_MIN => Verdict::Fail,
        hard if hard < FILES_WISHED => Verdict::Warn,
        _ => Verdict::Ok,
    };
    let (vi, en) = match verdict {
        Verdict::Ok => (String::new(), String::new()),
        _ => (
            format!(": đặt LimitNOFILE={FILES_WISHED} trở lên"),
            format!(": set LimitNOFILE={FILES_WISHED} or more"),
        ),
    };
    Finding::new(
        "open-files",
        verdict,
        format!("tối đa {hard} tệp mở{vi}"),
        format!("{hard} open files at the most{en}"),
    )
}

/// Free, or served by the server that runs on this data folder.
fn ports(config: &Config) -> Vec<Finding> {
    let ours = Lock::is_held(&config.data);
    let listeners: [(&'static str, Option<SocketAddr>); 7] = [
        ("port-live", config.live.http),
        ("port-live-tls", config.live.https),
        ("port-trial", config.trial.http),
        ("port-trial-tls", config.trial.https),
        ("port-inbound", config.inbound.http),
        ("port-inbound-tls", config.inbound.https),
        ("port-ops", config.ops),
    ];
    let mut findings = Vec::new();
    for (check, address) in listeners {
        let Some(address) = address.filter(|address| address.port() != 0) else { continue };
        findings.push(match (std::net::TcpListener::bind(address), ours) {
            (Ok(_), _) => Finding::new(
                check,
                Verdict::Ok,
                format!("{address} còn trống"),
                format!("{address} is free"),
            ),
            (Err(error), true) if error.kind() == std::io::ErrorKind::AddrInUse => Finding::new(
                check,
                Verdict::Ok,
                format!("{address}: lgsp đang phục vụ"),
                format!("{address}: served by lgsp"),
            ),
            (Err(error), _) => Finding::new(
                check,
                Verdict::Fail,
                format!(
                    "{address}: {}: dừng chương trình đang giữ cổng hoặc đổi cổng",
                    cause(&error).vi
                ),
                format!("{address}: {error}: end the program that holds it, or take another"),
            ),
        });
    }
    findings
}

fn certificate_end(check: &'static str, listen: &Listen, now: Timestamp) -> Option<Finding> {
    let path = listen.certificate.as_deref()?;
    let shown = path.display();
    Some(match certificate::end(path) {
        Err(error) => Finding::new(
            check,
            Verdict::Fail,
            format!("{shown}: không đọc được chứng thư PEM ({error})"),
            format!("{shown}: {error}"),
        ),
        Ok(end) if end <= now => Finding::new(
            check,
            Verdict::Fail,
            format!("{shown} đã hết hạn lúc {end}: thay chứng thư"),
            format!("{shown} ended at {end}: replace it"),
        ),
        Ok(end) if end <= now.plus(limit::CERTIFICATE_WARN) => Finding::new(
            check,
            Verdict::Warn,
            format!("{shown} hết hạn lúc {end}: chuẩn bị thay chứng thư"),
            format!("{shown} ends at {end}: have it replaced"),
        ),
        Ok(end) => Finding::new(
            check,
            Verdict::Ok,
            format!("{shown} còn hạn đến {end}"),
            format!("{shown} holds until {end}"),
        ),
    })
}

/// What is sealed and what is being written: nothing was altered.
fn journal_whole(config: &Config) -> Finding {
    let public_key = config.data.join("keys/journal.pub");
    if !config.journal.is_dir() || !public_key.exists() {
        let (vi, en) = ("chưa có nhật ký", "there is no journal yet");
        return Finding::new("journal", Verdict::Ok, vi, en);
    }
    match journal::verify(&config.journal, &public_key) {
        Ok(verdict) if verdict.ok => Finding::new(
            "journal",
            Verdict::Ok,
            format!("{} dòng trong {} tệp còn nguyên vẹn", verdict.rows, verdict.files),
            format!("{} rows in {} files are intact", verdict.rows, verdict.files),
        ),
        Ok(verdict) => {
            let file = verdict.file.unwrap_or_default();
            let reason = verdict.reason.unwrap_or_default();
            Finding::new(
                "journal",
                Verdict::Fail,
                format!(
                    "{file} bị hỏng hoặc bị sửa ({reason}): giữ nguyên tệp, xem `lgsp journal verify`"
                ),
                format!(
                    "{file} is damaged or altered ({reason}): leave it as it is, see `lgsp journal verify`"
                ),
            )
        }
        Err(error) => failed("journal", with_causes(&error.sentence(), &error)),
    }
}
