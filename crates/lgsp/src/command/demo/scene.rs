//! The scene of the demo: stand-ins, a small province, and the platform between them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use simulator::consumer::Account;
use simulator::portal::Portal;
use simulator::provider::Provider;
use simulator::{portal, provider};
use terms::clock::{Clock, Timestamp};
use terms::exchange::{Kind, Outcome};
use terms::fault::{Language, Sentence};
use terms::random::Random;

use super::packet::{self, Sent};
use super::report::{Report, Step};
use crate::base::Base;
use crate::command::apply;
use crate::command::journal::{public_key, table};
use crate::config::{Config, Origin};
use crate::output::{Failure, Output, Table};
use crate::platform::{Measured, Platform};

/// The province, endpoints left open.
const PROVINCE: &str = include_str!("../../../demo/province.yaml");
/// Who changed things, for the audit.
const ACTOR: &str = "cli:demo";
/// The dossier of the fixtures.
const DOSSIER: &str = "000.00.07.H99-240304-00017";
/// The states it goes through (TrangThaiHoSo), in words.
const STATES: [(&str, &str, &str); 3] = [
    ("2", "được tiếp nhận", "accepted"),
    ("5", "yêu cầu bổ sung", "supplement required"),
    ("10", "đã trả kết quả", "result handed over"),
];

pub(super) struct Scene {
    pub(super) clock: Clock,
    pub(super) live: SocketAddr,
    pub(super) account: Account,
    data: PathBuf,
    opened_at: Timestamp,
    platform: Platform,
    land: Provider,
    portal: Portal,
}

impl Scene {
    /// Starts the stand-ins and the platform, applies the province, takes the key it issued.
    pub(super) async fn set(data: &Path, report: &mut Report) -> Result<Scene, Failure> {
        let clock = Clock::system();
        let opened_at = clock.now();
        let land = provider::start(provider::Settings::default()).await?;
        let portal = portal::start(portal::Settings::default()).await?;
        report.add(Step {
            name: "stand-ins",
            title: Sentence::new(
                "Dựng CSDL đất đai và Cổng DVC quốc gia giả lập",
                "Set up a land registry and the national portal",
            ),
            ok: true,
            text: same(format!("{} · {}", land.base(), portal.base())),
        })?;
        let config = configuration(data)?;
        let base = Base::open(config.clone(), clock.clone(), Random::system()).await?;
        let account = found(&base, data, &land, &portal, report).await?;
        base.store.close().await;
        let measured = Measured::default();
        let platform = Platform::start(config, measured, clock.clone(), Random::system()).await?;
        let addresses = &platform.addresses;
        let live = addresses.live.ok_or_else(|| Failure::unable("cổng live tắt", "live is off"))?;
        report.add(Step {
            name: "platform",
            title: Sentence::new("Nền tảng chạy", "The platform runs"),
            ok: true,
            text: same(format!("live http://{live}")),
        })?;
        let data = data.to_owned();
        Ok(Scene { clock, live, account, data, opened_at, platform, land, portal })
    }

    /// What the portal received, and what it holds of the dossier after all packets.
    pub(super) fn portal_holds(&self, sent: &[Sent], report: &mut Report) -> anyhow::Result<()> {
        packet::compare(&self.portal, sent, report)?;
        let held = self.portal.dossier(DOSSIER);
        let held = held.ok_or_else(|| anyhow::anyhow!("the portal does not hold {DOSSIER}"))?;
        let codes: Vec<&str> = held.states.iter().map(|seen| seen.state.as_str()).collect();
        let states = |pick: fn(&(&str, &'static str, &'static str)) -> &'static str| {
            let name = |code: &&str| match STATES.iter().find(|known| known.0 == *code) {
                Some(known) => format!("{code} {}", pick(known)),
                None => (*code).to_owned(),
            };
            codes.iter().map(name).collect::<Vec<_>>().join(" → ")
        };
        let (received, progress) = (held.received, held.progress.len());
        report.add(Step {
            name: "portal-holds",
            title: Sentence::new("Cổng hiện giữ hồ sơ", "The portal now holds the dossier"),
            ok: received == 4 && codes == ["2", "5", "10"] && progress == 2,
            text: Sentence::made(
                format!(
                    "{DOSSIER}: nhận {received} lần; {}; {progress} dòng tiến độ",
                    states(|known| known.1)
                ),
                format!(
                    "{DOSSIER}: received {received} times; {}; {progress} rows of progress",
                    states(|known| known.2)
                ),
            ),
        })?;
        Ok(())
    }

    /// Revokes the key as `lgsp key revoke` does in another process.
    pub(super) async fn revoke_key(&self, report: &mut Report) -> anyhow::Result<()> {
        let base = self.platform.base();
        let key = terms::code::ConsumerKey::known(self.account.consumer_key.as_str());
        let mut tx = base.store.write().await?;
        let revoked = base.issuer().revoke(&mut tx, &key, ACTOR).await?;
        tx.commit().await?;
        report.add(Step {
            name: "revoke",
            title: Sentence::new("Thu hồi khóa kết nối", "Revoke the key"),
            ok: revoked,
            text: same(key.to_string()),
        })?;
        Ok(())
    }

    /// The rows of this demo, and whether the journal verifies.
    pub(super) fn journal(&self, report: &mut Report) -> Result<(), Failure> {
        let rows = self.read()?;
        let of = |outcome| {
            rows.iter().filter(|r| r.kind == Kind::Call && r.outcome == Some(outcome)).count()
        };
        let tokens = rows.iter().filter(|r| r.kind == Kind::Token).count();
        let (answered, denied, failed) =
            (of(Outcome::Answered), of(Outcome::Denied), of(Outcome::Failed));
        report.add(Step {
            name: "journal",
            title: Sentence::new(
                "Mỗi lượt gọi để lại một dòng nhật ký, không có nội dung",
                "Each call left one journal row, without content",
            ),
            ok: answered >= 20 && denied == 3 && failed == 1 && tokens == 2,
            text: Sentence::made(
                format!("{answered} trả lời, {denied} từ chối, {failed} lỗi, {tokens} token"),
                format!("{answered} answered, {denied} denied, {failed} failed, {tokens} token"),
            ),
        })?;
        let verdict = journal::verify(&self.config().journal, &public_key(self.config()))?;
        report.add(Step {
            name: "verify",
            title: Sentence::new(
                "Kiểm tra nhật ký không bị sửa",
                "Check that the journal is intact",
            ),
            ok: verdict.ok,
            text: Sentence::made(
                format!("{} dòng trong {} tệp", verdict.rows, verdict.files),
                format!("{} rows in {} files", verdict.rows, verdict.files),
            ),
        })?;
        Ok(())
    }

    /// The same rows as a table.
    pub(super) fn rows(&self, output: Output) -> Result<Table, Failure> {
        Ok(table::rows(output, &self.config().zone, &self.read()?))
    }

    /// What to look at and what to type next.
    pub(super) fn pointers(&self, output: Output) -> Vec<(String, String)> {
        let say = |vi: &str, en: &str| output.say(vi, en).to_owned();
        let data = self.data.display();
        let lgsp = program();
        let mut pointers = vec![
            (
                say("Hồ sơ trên Cổng giả lập", "The dossier at the portal"),
                format!("curl {}/inspect/dossiers/{DOSSIER}", self.portal.base()),
            ),
            (
                say("Từng gói tin Cổng đã nhận, đúng từng byte", "Every packet the portal got"),
                format!("{}/", self.portal.base()),
            ),
            (
                say("Những gì CSDL đất đai đã nhận", "What the land registry received"),
                format!("curl http://{}/received", self.land.control),
            ),
            (say("Nhật ký", "The journal"), format!("{lgsp} journal search --data {data}")),
            (
                say("Thống kê theo dịch vụ", "Statistics by service"),
                format!("{lgsp} journal stats --by service,outcome --data {data}"),
            ),
            (say("Tính toàn vẹn", "Integrity"), format!("{lgsp} journal verify --data {data}")),
            (
                say(
                    "Cấp khóa mới, rồi tự xin token và gọi",
                    "A new key, then a token and a call of your own",
                ),
                format!("{lgsp} key issue --system mot-cua --environment live --data {data}"),
            ),
            (
                String::new(),
                format!(
                    "curl -u CONSUMER_KEY:SECRET_KEY -d grant_type=client_credentials http://{}/token",
                    self.live
                ),
            ),
            (
                String::new(),
                format!(
                    "curl -H 'Authorization: Bearer TOKEN' 'http://{}/dat-dai/1.0/tra-cuu?maThua=7'",
                    self.live
                ),
            ),
            (
                say("Danh mục đã đăng ký", "What is registered"),
                format!("{lgsp} show services --data {data} · less {data}/province.yaml"),
            ),
        ];
        if let Some(ops) = self.platform.addresses.ops {
            pointers.push((
                say("Sức khỏe và số đo của nút", "Health and metrics of the node"),
                format!("curl http://{ops}/health/ready · curl http://{ops}/metrics"),
            ));
        }
        pointers
    }

    /// Stops everything; the folder stays.
    pub(super) async fn end(self) {
        self.platform.stop().await;
        self.land.stop().await;
        self.portal.stop().await;
    }

    fn config(&self) -> &Config {
        &self.platform.base().config
    }

    fn read(&self) -> Result<Vec<journal::Row>, Failure> {
        let filter = journal::Filter { from: Some(self.opened_at), ..journal::Filter::default() };
        let rows = journal::search(&self.config().journal, &filter)?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(rows.into_iter().filter(|row| matches!(row.kind, Kind::Call | Kind::Token)).collect())
    }
}

/// This program as it can be typed from here.
fn program() -> String {
    let Ok(path) = std::env::current_exe() else { return "lgsp".to_owned() };
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(&path).display().to_string()
}

/// Free ports, everything in the demo's folder, nothing from outside.
fn configuration(data: &Path) -> Result<Config, Failure> {
    let free = "127.0.0.1:0".to_owned();
    let flags = vec![
        ("platform.data", "--data", data.to_string_lossy().into_owned()),
        ("platform.name", "demo", "LGSP demo".to_owned()),
        ("platform.node", "demo", "demo".to_owned()),
        ("gateway.live.http", "demo", free.clone()),
        ("gateway.trial.http", "demo", free.clone()),
        ("ops.listen", "demo", free),
    ];
    Config::read(&Origin { flags, ..Origin::default() }).map_err(|faults| {
        let told =
            |language| faults.iter().map(|f| f.line(language)).collect::<Vec<_>>().join("; ");
        Failure::usage(told(Language::Vi), told(Language::En))
    })
}

/// Writes the province into the folder, applies it, and gives the key that was issued.
async fn found(
    base: &Base,
    data: &Path,
    land: &Provider,
    portal: &Portal,
    report: &mut Report,
) -> Result<Account, Failure> {
    // Beside the file, as an operator keeps it; sealed in the database from here on.
    let secret = data.canonicalize()?.join("portal.secret");
    std::fs::write(&secret, portal_password())?;
    let province = PROVINCE
        .replace("@LAND@", &land.base())
        .replace("@PORTAL@", &portal.base())
        .replace("@SECRET@", &secret.display().to_string());
    let file = data.join("province.yaml");
    std::fs::write(&file, &province)?;
    let files = [(file.display().to_string(), province.into_bytes())];
    let changes = match apply::apply(base, &files, ACTOR, false).await {
        Ok(applied) => applied.changes,
        Err(refusal) => {
            let told = |language| {
                let faults = refusal.faults.iter().map(|fault| fault.sentence.text(language));
                faults.collect::<Vec<_>>().join("; ")
            };
            return Err(match refusal.faults.is_empty() {
                true => refusal.failure,
                false => Failure::unable(told(Language::Vi), told(Language::En)),
            });
        }
    };
    report.add(Step {
        name: "apply",
        title: Sentence::new(
            "Đăng ký một tỉnh nhỏ: đơn vị, hệ thống, dịch vụ",
            "Register a small province",
        ),
        ok: !changes.is_empty(),
        text: Sentence::made(
            format!("{} mục trong {}", changes.len(), file.display()),
            format!("{} entries of {}", changes.len(), file.display()),
        ),
    })?;
    let issued = changes.into_iter().find_map(|change| change.issued);
    let issued = issued.ok_or_else(|| Failure::unable("không có khóa nào", "no key was issued"))?;
    report.add(Step {
        name: "key",
        title: Sentence::new("Cấp khóa cho hệ thống một cửa", "Issue a key to the one-stop system"),
        ok: true,
        text: same(format!("consumer_key {}", issued.consumer_key)),
    })?;
    Ok(Account { consumer_key: issued.consumer_key.to_string(), secret_key: issued.secret_key })
}

/// The password of the province's account at the simulated portal.
fn portal_password() -> String {
    let accounts = portal::Settings::default().accounts;
    accounts.into_iter().next().map(|(_, password)| password).unwrap_or_default()
}

fn same(text: String) -> Sentence {
    Sentence::made(text.clone(), text)
}
