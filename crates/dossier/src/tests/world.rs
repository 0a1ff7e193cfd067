//! What the tests stand on: a throw-away database, a keyring, a clock that is set by hand.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use keyring::Keyring;
use store::Store;
use store::testing::{another, engines};
use terms::clock::{Clock, Timestamp};
use terms::random::Random;

use crate::message::{self, Message};
use crate::{Config, Dossiers, Erasure, Moment, Opening, Period, erase_all};

pub(super) fn zone() -> TimeZone {
    TimeZone::get("Asia/Ho_Chi_Minh").unwrap()
}

/// 2026-03-15T09:00 in the zone.
pub(super) fn noon() -> Timestamp {
    Timestamp::parse("2026-03-15T09:00:00+07:00").unwrap()
}

pub(super) fn moment(text: &str) -> Moment {
    Moment::parse(text, &zone()).unwrap_or_else(|| panic!("{text}"))
}

pub(super) fn period(from: Date, to: Date) -> Period {
    Period::new(from, to).unwrap()
}

pub(super) fn march() -> Period {
    period(date(2026, 3, 1), date(2026, 3, 31))
}

pub(super) const GROUND: &str = "Quyết định số 01/2026/QĐ-UBND";

pub(super) const ERASURE: Erasure<'static> =
    Erasure { actor: "cli:test", reason: "Theo yêu cầu của cơ quan", legal_ground: GROUND };

pub(super) fn on() -> Config {
    Config {
        keep_facts: true,
        legal_ground: Some(GROUND.to_owned()),
        complete_from: Some(date(2026, 1, 15)),
        ..Config::default()
    }
}

pub(super) struct World {
    pub(super) store: Store,
    pub(super) keyring: Keyring,
    pub(super) clock: Clock,
    pub(super) random: Random,
    _folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn both() -> Vec<World> {
        engines().await.into_iter().map(World::new).collect()
    }

    pub(super) fn new(store: Store) -> World {
        let folder = tempfile::tempdir().unwrap();
        let (clock, random) = (Clock::manual(noon()), Random::seeded(7));
        let path = folder.path().join("keyring.toml");
        let keyring = Keyring::open(&path, &clock, &random).unwrap();
        World { store, keyring, clock, random, _folder: folder }
    }

    pub(super) async fn open(&self, config: &Config) -> Option<Dossiers> {
        self.try_open(&self.store, config).await.unwrap()
    }

    /// As another node does it.
    pub(super) async fn open_elsewhere(&self, config: &Config) -> Option<Dossiers> {
        self.try_open(&another(&self.store).await, config).await.unwrap()
    }

    pub(super) async fn try_open(
        &self,
        store: &Store,
        config: &Config,
    ) -> Result<Option<Dossiers>, crate::DossierError> {
        let (keyring, clock, random) = (&self.keyring, &self.clock, &self.random);
        let zone = &zone();
        Dossiers::open(Opening { store, keyring, config, zone, clock, random, actor: "cli:test" })
            .await
    }

    pub(super) async fn erase_all(&self) -> u64 {
        let (store, clock, random) = (&self.store, &self.clock, &self.random);
        erase_all(store, clock, random, &ERASURE).await.unwrap()
    }

    /// Verb, before and after of each change in the audit.
    pub(super) async fn audit(&self) -> Vec<(String, Option<String>, Option<String>)> {
        let sql = "SELECT verb, state_before, state_after FROM audit ORDER BY id";
        let rows = sqlx::query_as(sql).fetch_all(&self.store.pool).await;
        rows.unwrap()
    }
}

/// A record as a one-stop system sends it.
pub(super) fn record(code: &str, status: u8, received: &str, due: &str, finished: &str) -> String {
    format!(
        r#"{{"MaHoSo":"{code}","MaTTHC":"1.000123.000.00.00.H99","MaLinhVuc":"G99-TN01",
        "ChuHoSo":"Nguyễn Thị Bí Mật","SoDienThoai":"0900000001","MaDoiTuong":"001199000001",
        "KenhThucHien":"2","TrangThaiHoSo":"{status}","NgayTiepNhan":"{received}",
        "NgayHenTra":"{due}","NgayKetThucXuLy":"{finished}","NgayTra":""}}"#
    )
}

pub(super) fn step(code: &str, status: u8, moment: &str) -> String {
    format!(
        r#"{{"MaHoSo":"{code}","NguoiXuLy":"Trần Văn Kín","ThoiDiemXuLy":"{moment}",
        "TrangThai":"{status}"}}"#
    )
}

pub(super) fn records(items: &[String], at: Timestamp) -> Vec<Message> {
    told(message::RECORD, items, at)
}

pub(super) fn steps(items: &[String], at: Timestamp) -> Vec<Message> {
    told(message::PROGRESS, items, at)
}

fn told(packet: &str, items: &[String], at: Timestamp) -> Vec<Message> {
    let body = format!(
        r#"{{"session":"s","madonvi":"000.00.00.H99","service":"{packet}","data":[{}]}}"#,
        items.join(",")
    );
    let reading = message::read(packet, "", body.as_bytes(), 0..usize::MAX, at, &zone()).unwrap();
    assert_eq!((reading.messages.len(), reading.uncounted), (items.len(), 0));
    reading.messages
}
