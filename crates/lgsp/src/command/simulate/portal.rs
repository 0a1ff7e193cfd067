//! `lgsp simulate portal`: the national portal for vendors; when it ends it tells what it thinks of
//! the system that spoke to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;
use simulator::portal::{self, Code, Codes, Demand, Key, Paths, Province, Standing, SuccessForm};

use super::{flag, read_credential};
use crate::command::Signals;
use crate::output::{Exit, Failure, Outcome, Output};
use crate::platform::cannot_listen;

#[derive(Debug, Args)]
pub(in crate::command) struct Portal {
    /// Địa chỉ lắng nghe; cổng 0 tự chọn · Where to listen; port 0 picks one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9101")]
    listen: SocketAddr,
    /// Tài khoản TÊN:MẬT_KHẨU, có thể nhiều lần [mặc định: 000.00.00.H99:synthetic-not-a-secret] ·
    /// Account USER:PASSWORD, may be repeated [default: 000.00.00.H99:synthetic-not-a-secret]
    #[arg(long, value_name = "USER:PASSWORD", value_parser = flag::account)]
    account: Vec<(String, String)>,
    /// Phiên đăng nhập sống bao lâu · How long a session lives
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = flag::duration)]
    session: Duration,
    /// Cách viết error_code khi thành công · How success is written as error_code
    #[arg(long, value_enum, default_value = "number")]
    success: Success,
    /// Mã HTTP khi phiên hết hạn · HTTP status of a dead session
    #[arg(long, value_name = "STATUS", default_value = "200", value_parser = flag::status)]
    session_status: u16,
    /// Gói trả lời thành chuỗi trong `message`, như vài cổng tỉnh · Answers wrapped in `message`
    #[arg(long)]
    wrapped: bool,
    /// Bản ghi phải đúng đến đâu thì được nhận · What of a record must hold for it to be taken
    #[arg(long, value_enum, default_value = "known")]
    demand: Demanded,
    /// error_code khi phiên hết hạn; -1 là chuỗi, #-1 là số ·
    /// error_code of a dead session; -1 is text, #-1 a number
    #[arg(long, value_name = "CODE", default_value = "-1", allow_hyphen_values = true)]
    #[arg(value_parser = flag::code)]
    session_code: Code,
    /// error_code khi hồ sơ đã tồn tại · error_code of a dossier that is there already
    #[arg(long, value_name = "CODE", default_value = "3", allow_hyphen_values = true)]
    #[arg(value_parser = flag::code)]
    exists_code: Code,
    /// error_code của các từ chối khác · error_code of any other refusal
    #[arg(long, value_name = "CODE", default_value = "-1", allow_hyphen_values = true)]
    #[arg(value_parser = flag::code)]
    failed_code: Code,
    /// Đuôi đường dẫn đăng nhập · End of the path of the login
    #[arg(long, value_name = "PATH", default_value = "/mapi/login", value_parser = flag::path)]
    login_path: String,
    /// Đuôi đường dẫn gói tin · End of the path of packets
    #[arg(long, value_name = "PATH", default_value = "/mapi/g", value_parser = flag::path)]
    data_path: String,
    /// Đuôi đường dẫn danh mục dùng chung · End of the path of shared catalogues
    #[arg(long, value_name = "PATH", default_value = "/mapi/g", value_parser = flag::path)]
    share_path: String,
    /// Tệp bảng gói tin (*.toml), hoặc thư mục của chúng · Table files, or their folder
    #[arg(long, value_name = "FILE|DIR")]
    tables: Vec<PathBuf>,
    /// Cổng nhận của tỉnh, để Cổng gọi vào · The province's inbound listener, to be called
    #[arg(long, value_name = "URL", value_parser = flag::base)]
    inbound: Option<String>,
    /// Nơi có /token và /thong-ke của tỉnh · Base of /token and /thong-ke at the province
    #[arg(long, value_name = "URL", value_parser = flag::base)]
    live: Option<String>,
    /// Tệp chứa dòng khóa của Cổng ở tỉnh · File with the line of the portal's key there
    #[arg(long, value_name = "FILE", requires = "live")]
    credential: Option<PathBuf>,
    /// dstcode gửi kèm khi gọi tỉnh · dstcode sent to the province
    #[arg(long, value_name = "CODE", value_parser = flag::visible)]
    destination: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Success {
    /// số 0 · the number 0
    Number,
    /// chuỗi "0" · the text "0"
    Text,
    /// chuỗi "00" · the text "00"
    Padded,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Demanded {
    /// chỉ khóa bản ghi · its key
    Key,
    /// mọi trường đã biết · all that is known
    Known,
}

pub(super) async fn play(output: Output, asked: Portal) -> Outcome {
    let listen = asked.listen;
    let settings = settings(asked)?;
    let mut signals = Signals::catch()?;
    let portal = portal::start(settings).await.map_err(|error| match error.kind() {
        // what a table file says, with its line and column
        std::io::ErrorKind::InvalidInput => wrong_table(&error.to_string()),
        _ => cannot_listen(listen, &error),
    })?;
    output.object(&json!({
        "ready": true,
        "portal": portal.address.to_string(),
        "page": format!("{}/", portal.base()),
        "inspect": format!("{}/inspect/dossiers", portal.base()),
    }))?;
    signals.wait().await;
    let verdict = portal.verdict();
    portal.stop().await;
    output.object(&verdict)?;
    Ok(if verdict.verdict == Standing::Failed { Exit::Refused } else { Exit::Done })
}

/// `FILE:LINE:COLUMN: why`, as the portal tells it.
fn wrong_table(told: &str) -> Failure {
    let (place, why) = told.split_once(": ").unwrap_or((told, ""));
    Failure::usage(
        format!("{place}: tệp bảng sai cú pháp hoặc khuôn dạng ({why})"),
        format!("{place}: the table file has a wrong form ({why})"),
    )
}

fn settings(asked: Portal) -> Result<portal::Settings, Failure> {
    if [&asked.data_path, &asked.share_path].contains(&&asked.login_path) {
        return Err(Failure::usage(
            "--login-path trùng đường dẫn gói tin: Cổng không phân biệt được hai loại",
            "--login-path is the path of packets as well: the portal could not tell them apart",
        ));
    }
    let mut settings = portal::Settings {
        address: asked.listen,
        session_lifetime: asked.session,
        success: match asked.success {
            Success::Number => SuccessForm::Number,
            Success::Text => SuccessForm::Text,
            Success::Padded => SuccessForm::Padded,
        },
        demand: match asked.demand {
            Demanded::Key => Demand::Key,
            Demanded::Known => Demand::Known,
        },
        codes: Codes {
            session: asked.session_code,
            exists: asked.exists_code,
            failed: asked.failed_code,
        },
        session_status: asked.session_status,
        wrapped: asked.wrapped,
        paths: Paths { login: asked.login_path, data: asked.data_path, share: asked.share_path },
        tables: table_files(&asked.tables)?,
        province: Province {
            inbound: asked.inbound,
            live: asked.live,
            key: asked.credential.as_deref().map(key).transpose()?,
            destination: asked.destination,
        },
        ..portal::Settings::default()
    };
    if !asked.account.is_empty() {
        settings.accounts = asked.account;
    }
    Ok(settings)
}

fn key(path: &Path) -> Result<Key, Failure> {
    let account = read_credential(path)?;
    Ok(Key { consumer_key: account.consumer_key, secret_key: account.secret_key })
}

/// Files as they are named; of a folder its `.toml` files in the order of their names.
fn table_files(named: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    let unread = |path: &Path, error: std::io::Error| {
        let path = path.display();
        Failure::io(
            Exit::Usage,
            &format!("không đọc được tệp bảng {path}"),
            &format!("cannot read the table file {path}"),
            &error,
        )
    };
    let mut paths = Vec::new();
    for path in named {
        if !path.is_dir() {
            paths.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|error| unread(path, error))?;
        let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        found.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
        found.sort();
        if found.is_empty() {
            let path = path.display();
            return Err(Failure::usage(
                format!("thư mục {path} không có tệp bảng nào (*.toml)"),
                format!("the folder {path} holds no table file (*.toml)"),
            ));
        }
        paths.extend(found);
    }
    let read = |path: PathBuf| match std::fs::read_to_string(&path) {
        Ok(text) => Ok((path.display().to_string(), text)),
        Err(error) => Err(unread(&path, error)),
    };
    paths.into_iter().map(read).collect()
}
