//! What the portal knows, and how each call changes it: no network, no waiting.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use terms::clock::{Clock, Timestamp};
use terms::random::Random;

use super::envelope::{Call, Code, Keys, Login, Reply, object, records};
use super::{Settings, SuccessForm};

/// Dossiers held at the most; more are refused.
const DOSSIERS_MAX: usize = 100_000;
/// States and progress rows of one dossier at which further ones are refused.
const ROWS_MAX: usize = 10_000;
/// Sessions held at the most; the login is refused while so many live.
const SESSIONS_MAX: usize = 10_000;
/// The failure without a number of its own.
const FAILED: &str = "-1";
/// The dossier is there already: the sender repeats it as an update.
const EXISTS: &str = "3";

/// A dossier as the portal holds it. Texts are kept as they were sent, byte for byte.
#[derive(Clone, Debug, Serialize)]
pub struct Dossier {
    /// Its code (MaHoSo).
    #[serde(rename = "MaHoSo")]
    pub code: String,
    /// How often a DongBoHoSoMC record of it came in, those refused as duplicates included.
    pub received: u64,
    /// Its states in the order in which they came.
    pub states: Vec<StateSeen>,
    /// The last accepted record.
    pub record: Box<RawValue>,
    /// Progress rows in the order in which they came.
    pub progress: Vec<Box<RawValue>>,
}

/// One accepted record of a dossier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateSeen {
    /// When.
    pub at: Timestamp,
    /// TrangThaiHoSo as sent.
    #[serde(rename = "TrangThaiHoSo")]
    pub state: String,
    /// Did it come as an update?
    #[serde(rename = "isUpdating")]
    pub update: bool,
}

#[derive(Debug)]
pub(super) struct State {
    accounts: Vec<(String, String)>,
    session_lifetime: Duration,
    success: SuccessForm,
    clock: Clock,
    random: Random,
    /// Session and when it ends.
    sessions: HashMap<String, Timestamp>,
    dossiers: BTreeMap<String, Dossier>,
    /// Procedures by MATTHC.
    procedures: BTreeMap<String, Box<RawValue>>,
}

/// A refusal: code and words.
type Refusal = (&'static str, String);

impl State {
    pub(super) fn new(settings: Settings) -> State {
        State {
            accounts: settings.accounts,
            session_lifetime: settings.session_lifetime,
            success: settings.success,
            clock: settings.clock,
            random: settings.random,
            sessions: HashMap::new(),
            dossiers: BTreeMap::new(),
            procedures: synthetic_procedures(),
        }
    }

    pub(super) fn dossiers(&self) -> impl Iterator<Item = &Dossier> {
        self.dossiers.values()
    }

    pub(super) fn dossier(&self, code: &str) -> Option<&Dossier> {
        self.dossiers.get(code)
    }

    pub(super) fn forget_dossiers(&mut self) {
        self.dossiers.clear();
    }

    pub(super) fn end_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Answers a login. A wrong user and a wrong password are told alike.
    pub(super) fn log_in(&mut self, body: &[u8]) -> Vec<u8> {
        let reply = match object::<Login>(body) {
            None => Err(refused("Nội dung không phải là đối tượng JSON")),
            Some(login) => self.open_session(&login),
        };
        self.print(reply)
    }

    fn open_session(&mut self, login: &Login) -> Result<Reply<'static>, Refusal> {
        let mut accounts = self.accounts.iter();
        if !accounts.any(|(user, word)| *user == login.username.0 && *word == login.password.0) {
            return Err(refused("Sai tên đăng nhập hoặc mật khẩu"));
        }
        let now = self.clock.now();
        self.sessions.retain(|_, ends| *ends > now);
        if self.sessions.len() >= SESSIONS_MAX {
            return Err(refused("Quá nhiều phiên làm việc"));
        }
        let session = session_id(&self.random);
        let ends = now.plus(self.session_lifetime);
        self.sessions.insert(session.clone(), ends);
        Ok(Reply {
            message: "Đăng nhập thành công".to_owned(),
            session: Some(session),
            ..Reply::default()
        })
    }

    /// Answers a call of the data path.
    pub(super) fn take(&mut self, body: &[u8]) -> Vec<u8> {
        let Some(call) = object::<Call>(body) else {
            return self.print(Err(refused("Nội dung không phải là đối tượng JSON")));
        };
        let live = self.sessions.get(&call.session.0);
        if live.is_none_or(|ends| *ends <= self.clock.now()) {
            return self.print(Err(refused("Phiên làm việc không hợp lệ hoặc đã hết hạn")));
        }
        let reply = match call.service.0.as_str() {
            "DongBoHoSoMC" => records_of(&call).and_then(|rows| self.sync(&call, rows)),
            "CapNhatTienDoHoSoMC" => records_of(&call).and_then(|rows| self.progress(rows)),
            "LayThuTuc" => return self.print(Ok(self.procedure(&call.procedure.0))),
            "TraCuuHoSo" => return self.look_up(&call.dossier.0),
            other => Err(refused(&format!("Dịch vụ {other} không được hỗ trợ"))),
        };
        self.print(reply)
    }

    /// All records of one call are taken, or none (inferred: the real portal's rule is not known).
    fn sync(&mut self, call: &Call, rows: Rows) -> Result<Reply<'static>, Refusal> {
        let update = call.is_updating.0.eq_ignore_ascii_case("true");
        for (keys, _) in &rows {
            if let Some(dossier) = self.dossiers.get_mut(&keys.dossier.0) {
                dossier.received += 1;
            }
        }
        self.check_sync(&rows, update)?;
        let at = self.clock.now();
        for (keys, record) in rows {
            let seen = StateSeen { at, state: keys.state.0, update };
            match self.dossiers.get_mut(&keys.dossier.0) {
                Some(dossier) => {
                    dossier.record = record;
                    dossier.states.push(seen);
                }
                None => {
                    let code = keys.dossier.0.clone();
                    self.dossiers.insert(
                        keys.dossier.0,
                        Dossier {
                            code,
                            received: 1,
                            states: vec![seen],
                            record,
                            progress: Vec::new(),
                        },
                    );
                }
            }
        }
        Ok(done("Đồng bộ hồ sơ thành công"))
    }

    fn check_sync(&self, rows: &Rows, update: bool) -> Result<(), Refusal> {
        if update {
            return self.check_known(rows);
        }
        let mut fresh = HashSet::new();
        for (keys, _) in rows {
            let code = &keys.dossier.0;
            if self.dossiers.contains_key(code) || !fresh.insert(code) {
                return Err((EXISTS, format!("Hồ sơ {code} đã tồn tại")));
            }
        }
        if self.dossiers.len() + fresh.len() > DOSSIERS_MAX {
            return Err(refused("Quá nhiều hồ sơ trong mô phỏng"));
        }
        Ok(())
    }

    fn check_known(&self, rows: &Rows) -> Result<(), Refusal> {
        for (keys, _) in rows {
            let code = &keys.dossier.0;
            let Some(dossier) = self.dossiers.get(code) else {
                return Err(refused(&format!("Không tìm thấy hồ sơ {code}")));
            };
            if dossier.states.len() + dossier.progress.len() >= ROWS_MAX {
                return Err(refused(&format!("Quá nhiều bản ghi của hồ sơ {code} trong mô phỏng")));
            }
        }
        Ok(())
    }

    fn progress(&mut self, rows: Rows) -> Result<Reply<'static>, Refusal> {
        self.check_known(&rows)?;
        for (keys, row) in rows {
            if let Some(dossier) = self.dossiers.get_mut(&keys.dossier.0) {
                dossier.progress.push(row);
            }
        }
        Ok(done("Cập nhật tiến độ thành công"))
    }

    fn procedure(&self, code: &str) -> Reply<'_> {
        let found = self.procedures.get(code);
        Reply {
            result: Some(found.map(|procedure| &**procedure).into_iter().collect()),
            ..Reply::default()
        }
    }

    fn look_up(&self, code: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Known<'a> {
            #[serde(rename = "MaHoSo")]
            code: &'a str,
        }
        let known = self.dossiers.get(code).map(|dossier| Known { code: &dossier.code });
        let known = known.and_then(|known| serde_json::value::to_raw_value(&known).ok());
        self.print(Ok(Reply {
            result: Some(known.iter().map(|known| &**known).collect()),
            ..Reply::default()
        }))
    }

    fn print(&self, reply: Result<Reply<'_>, Refusal>) -> Vec<u8> {
        let reply = match reply {
            Ok(reply) => Reply {
                error_code: match self.success {
                    SuccessForm::Number => Code::Number(0),
                    SuccessForm::Text => Code::Text("0"),
                    SuccessForm::Padded => Code::Text("00"),
                },
                ..reply
            },
            Err((code, message)) => {
                Reply { error_code: Code::Text(code), message, ..Reply::default() }
            }
        };
        serde_json::to_vec(&reply).unwrap_or_default()
    }
}

type Rows = Vec<(Keys, Box<RawValue>)>;

fn records_of(call: &Call) -> Result<Rows, Refusal> {
    records(call).map_err(|message| (FAILED, message))
}

fn refused(message: &str) -> Refusal {
    (FAILED, message.to_owned())
}

/// Clients take an answer for a success only when its message holds these words in Vietnamese.
fn done(message: &str) -> Reply<'static> {
    Reply { message: message.to_owned(), ..Reply::default() }
}

/// 128 random bits in the form of a UUID, as the real portal's sessions look.
fn session_id(random: &Random) -> String {
    let bits = u128::from_be_bytes(random.bytes());
    let text = format!("{bits:032x}");
    let (a, b, c, d, e) = (&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// The procedure of fixture 13, by its MATTHC.
fn synthetic_procedures() -> BTreeMap<String, Box<RawValue>> {
    #[derive(Deserialize)]
    struct Answered {
        result: Vec<Box<RawValue>>,
    }
    #[derive(Deserialize)]
    struct Key {
        #[serde(rename = "MATTHC")]
        code: String,
    }
    let answer = crate::fixture::find("13-").and_then(|fixture| fixture.response());
    let answered = answer.and_then(|text| serde_json::from_str::<Answered>(text).ok());
    let mut procedures = BTreeMap::new();
    for procedure in answered.into_iter().flat_map(|answered| answered.result) {
        if let Ok(key) = serde_json::from_str::<Key>(procedure.get()) {
            procedures.insert(key.code, procedure);
        }
    }
    procedures
}
