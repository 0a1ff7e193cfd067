//! Databases for tests: a throw-away one on each engine, the PostgreSQL server included.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection};

use crate::address::Address;
use crate::{Config, Store, pool};

/// Where a PostgreSQL server already runs: a URL of a user who may make databases.
const SERVER_VARIABLE: &str = "LGSP_TEST_POSTGRES";

/// Starts a server that listens on a socket in its own folder, says where, and stops it when its
/// standard input ends: that is when the test process is gone, however it went.
const SERVER_SCRIPT: &str = r#"
trap '' INT TERM HUP
PATH="$1:$PATH"
folder=$(mktemp -d "${TMPDIR:-/tmp}/lgsp-postgres-XXXXXX") || exit 1
initdb -D "$folder/data" -U postgres --auth=trust --locale=C --encoding=UTF8 --no-sync 2>&1 &&
pg_ctl -D "$folder/data" -l "$folder/log" -w -t 60 -o "-k $folder -c listen_addresses='' \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 \
    -c shared_buffers=32MB" start 2>&1 && echo "ready $folder" && read -r _
pg_ctl -D "$folder/data" -m immediate stop >/dev/null 2>&1
[ -f "$folder/log" ] && tail -n 20 "$folder/log" 2>/dev/null
rm -rf "$folder"
"#;

/// A throw-away database on each engine: every test of a noun that has tables runs on both.
///
/// # Panics
/// When PostgreSQL is neither installed nor named by `LGSP_TEST_POSTGRES`.
pub async fn engines() -> Vec<Store> {
    vec![sqlite().await, postgres().await]
}

/// A throw-away SQLite database; its folder goes with its last `Store`.
pub async fn sqlite() -> Store {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}/lgsp.db", folder.path().display());
    let store = Store::open(&Config { url }).await.expect("a new SQLite database");
    store.inner.scratch.set(folder).expect("a new store");
    store
}

/// A throw-away PostgreSQL database; it goes with its server.
pub async fn postgres() -> Store {
    let url = new_database().await;
    Store::open(&Config { url }).await.expect("a new PostgreSQL database")
}

/// The same database opened once more, as another process does it. Keep the first one alive.
pub async fn another(store: &Store) -> Store {
    Store::open(&config(store)).await.expect("the database of another store")
}

/// How the database of `store` is opened.
pub fn config(store: &Store) -> Config {
    let url = match &store.inner.address {
        Address::Sqlite(path) => format!("sqlite:{}", path.display()),
        Address::Postgres(url) => url.clone(),
    };
    Config { url }
}

/// Makes an empty PostgreSQL database and gives its URL.
pub async fn new_database() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("lgsp_test_{}_{count}", std::process::id());
    let admin = Address::Postgres(server().to_owned());
    pool::prepare(&admin).expect("the drivers");
    let mut connection = pool::connect(&admin).await.expect("the PostgreSQL server");
    for sql in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"),
    ] {
        let made = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
        made.expect("a user who may make databases");
    }
    connection.close().await.expect("a connection that closes");
    with_database(server(), &name)
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (place, parameters) = url.split_once('?').map_or((url, None), |(p, q)| (p, Some(q)));
    let (scheme, rest) = place.split_once("://").expect("a URL");
    let authority = rest.split('/').next().unwrap_or_default();
    let parameters = parameters.map(|q| format!("?{q}")).unwrap_or_default();
    format!("{scheme}://{authority}/{name}{parameters}")
}

/// The URL of the server's own database; starts a server once a process unless one is given.
#[allow(clippy::disallowed_methods, reason = "tests are told of a running server by environment")]
fn server() -> &'static str {
    static SERVER: OnceLock<(String, Option<Child>)> = OnceLock::new();
    let (url, _) = SERVER.get_or_init(|| match std::env::var(SERVER_VARIABLE) {
        Ok(url) => (url, None),
        Err(_) => {
            let (url, child) = start();
            (url, Some(child))
        }
    });
    url
}

#[allow(clippy::zombie_processes, reason = "it ends after this process, which it watches")]
fn start() -> (String, Child) {
    // PostgreSQL refuses to run as root.
    let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let mut command = if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command.args(["-c", SERVER_SCRIPT, "sh"]).arg(programs()).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("a shell to start PostgreSQL with");
    let mut said = BufReader::new(child.stdout.take().expect("a piped stdout"));
    let (mut all, mut line) = (String::new(), String::new());
    while said.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
        if let Some(folder) = line.trim_end().strip_prefix("ready ") {
            // The child's stdin stays open in it for as long as this process lives.
            return (format!("postgres://postgres@localhost/postgres?host={folder}"), child);
        }
        all.push_str(&line);
        line.clear();
    }
    let _ = said.read_to_string(&mut all);
    panic!("no PostgreSQL: install postgresql, or set {SERVER_VARIABLE} to a server's URL\n{all}");
}

/// The folder of Debian's newest server programs; elsewhere they stand in the path.
fn programs() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let release = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()).unwrap_or(0)
    };
    let newest = folders.map(|entry| entry.path()).max_by_key(release);
    newest.map_or_else(|| PathBuf::from("/usr/bin"), |folder| folder.join("bin"))
}
