//! What the portal knows, and how each call changes it: no network, no waiting.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::value::RawValue;
use terms::clock::{Clock, Timestamp};
use terms::random::Random;

use super::call::CallSeen;
use super::check::{self, Findings};
use super::envelope::{self, Call, Fields, Reply, Row, object};
use super::figure::{self, Figures};
use super::setting::{Change, Code, Codes, Demand, Settings, SuccessForm};
use super::synthetic;
use super::table::{Direction, FURTHER, Table, Tables};

mod catalogue;
mod dossier;
mod petition;
mod question;
mod record;

use catalogue::Catalogue;
use dossier::Dossiers;
pub use dossier::{Dossier, Event, StateSeen};
use petition::Petitions;
use question::Questions;
pub use record::Kept;
use record::Records;

/// Sessions held at the most; the login is refused while so many live.
const SESSIONS_MAX: usize = 10_000;
/// Progress rows in one call beyond which it is noted: real senders send no more.
const PROGRESS_GROUP: usize = 10;

/// Clients take an answer for a success only when its message holds these words.
const SUCCESS: &str = "Thành công";

#[derive(Debug)]
pub(super) struct State {
    accounts: Vec<(String, String)>,
    session_lifetime: Duration,
    one_session: bool,
    success: SuccessForm,
    codes: Codes,
    session_status: u16,
    wrapped: bool,
    demand: Demand,
    clock: Clock,
    random: Random,
    /// Session, whose it is, and when it ends.
    sessions: HashMap<String, (String, Timestamp)>,
    pub(super) tables: Tables,
    dossiers: Dossiers,
    records: Records,
    catalogue: Catalogue,
    petitions: Petitions,
    questions: Questions,
}

/// Why a call is not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    Session(String),
    Exists(String),
    Failed(String),
}

impl Refusal {
    fn failed(message: impl Into<String>) -> Refusal {
        Refusal::Failed(message.into())
    }
}

/// What came of a call.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) answer: Vec<u8>,
    pub(super) status: u16,
    /// Refused because a dossier is there already.
    pub(super) exists: bool,
    /// Refused because the session is none.
    pub(super) session: bool,
}

type Outcome = Result<Reply, Refusal>;

/// When and by which call something came.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Timestamp,
    call: u64,
    connection: u64,
    overlapping: bool,
}

impl State {
    /// Fails with a sentence when a table file cannot be read.
    pub(super) fn new(settings: Settings) -> Result<State, String> {
        let mut tables = Tables::builtin();
        for (name, text) in &settings.tables {
            tables.read(name, text)?;
        }
        Ok(State {
            accounts: settings.accounts,
            session_lifetime: settings.session_lifetime,
            one_session: settings.one_session,
            success: settings.success,
            codes: settings.codes,
            session_status: settings.session_status,
            wrapped: settings.wrapped,
            demand: settings.demand,
            clock: settings.clock,
            random: settings.random,
            sessions: HashMap::new(),
            tables,
            dossiers: Dossiers::default(),
            records: Records::default(),
            catalogue: Catalogue::synthetic(),
            petitions: Petitions::synthetic(),
            questions: Questions::synthetic(),
        })
    }

    pub(super) fn dossiers(&self) -> impl Iterator<Item = &Dossier> {
        self.dossiers.iter()
    }

    pub(super) fn dossier(&self, code: &str) -> Option<&Dossier> {
        self.dossiers.find(code)
    }

    pub(super) fn forget_dossiers(&mut self) {
        self.dossiers = Dossiers::default();
    }

    /// Everything that was sent to it; sessions and settings stay.
    pub(super) fn forget(&mut self) {
        self.forget_dossiers();
        self.records = Records::default();
        self.petitions = Petitions::synthetic();
        self.questions = Questions::synthetic();
    }

    pub(super) fn end_sessions(&mut self) {
        self.sessions.clear();
    }

    pub(super) fn records(&self, packet: &str) -> &[Kept] {
        self.records.of(packet)
    }

    /// Packets of which records are held, and how many.
    pub(super) fn record_counts(&self) -> BTreeMap<&str, usize> {
        self.records.counts()
    }

    pub(super) fn figures(&self, from: &str, until: &str, unit: &str) -> Figures {
        figure::count(self.dossiers(), from, until, unit)
    }

    pub(super) fn change(&mut self, change: Change) {
        if let Some(seconds) = change.session_lifetime_s {
            self.session_lifetime = Duration::from_secs(seconds);
        }
        self.one_session = change.one_session.unwrap_or(self.one_session);
        self.success = change.success.unwrap_or(self.success);
        self.demand = change.demand.unwrap_or(self.demand);
        self.session_status = change.session_status.unwrap_or(self.session_status);
        self.wrapped = change.wrapped.unwrap_or(self.wrapped);
        self.codes = change.codes.unwrap_or_else(|| self.codes.clone());
    }

    /// The settings that [`Change`] can change.
    pub(super) fn told(&self) -> Change {
        Change {
            session_lifetime_s: Some(self.session_lifetime.as_secs()),
            one_session: Some(self.one_session),
            success: Some(self.success),
            codes: Some(self.codes.clone()),
            session_status: Some(self.session_status),
            wrapped: Some(self.wrapped),
            demand: Some(self.demand),
        }
    }

    /// Answers a login. A wrong user and a wrong password are told alike.
    pub(super) fn log_in(&mut self, body: &[u8], seen: &mut CallSeen) -> Taken {
        let outcome = match object(body) {
            None => Err(Refusal::failed("Nội dung không phải là đối tượng JSON")),
            Some(login) => {
                seen.unit = login.text("username");
                self.open_session(&login)
            }
        };
        self.print(outcome, seen)
    }

    fn open_session(&mut self, login: &Fields) -> Outcome {
        let given = (login.text("username"), login.text("password"));
        if !self.accounts.contains(&given) {
            return Err(Refusal::failed("Sai tên đăng nhập hoặc mật khẩu"));
        }
        let now = self.clock.now();
        let (user, alone) = (&given.0, self.one_session);
        self.sessions.retain(|_, (of, ends)| *ends > now && !(alone && of == user));
        if self.sessions.len() >= SESSIONS_MAX {
            return Err(Refusal::failed("Quá nhiều phiên làm việc"));
        }
        let session = session_id(&self.random);
        let ends = now.plus(self.session_lifetime);
        self.sessions.insert(session.clone(), (given.0, ends));
        Ok(Reply { session: Some(session), ..done(SUCCESS) })
    }

    /// Answers a call of the data path; `None` is a body that is no JSON object. What is noticed
    /// is put into `seen`.
    pub(super) fn take(&mut self, call: Option<Call>, seen: &mut CallSeen) -> Taken {
        let mut findings = Findings::default();
        let outcome = self.take_in(call, seen, &mut findings);
        seen.findings.append(&mut findings.list);
        seen.errors += findings.errors;
        self.print(outcome, seen)
    }

    fn take_in(
        &mut self,
        call: Option<Call>,
        seen: &mut CallSeen,
        findings: &mut Findings,
    ) -> Outcome {
        let Some(call) = call else {
            let message = "Nội dung không phải là đối tượng JSON";
            findings.error("", "json", message, "the body is no JSON object");
            return Err(Refusal::failed(message));
        };
        let session = call.fields.text("session");
        if session.is_empty() {
            findings.error("session", "required", "thiếu session", "no session");
        }
        if self.sessions.get(&session).is_none_or(|(_, ends)| *ends <= self.clock.now()) {
            let message = "Phiên làm việc không hợp lệ hoặc đã hết hạn";
            return Err(Refusal::Session(message.to_owned()));
        }
        check_envelope(&call, findings);
        let packet = self.tables.find(&call.service).cloned();
        let further = FURTHER.iter().find(|name| name.eq_ignore_ascii_case(&call.service));
        let service = match (&packet, further) {
            (Some(table), _) => table.packet.clone(),
            (None, Some(name)) => (*name).to_owned(),
            (None, None) => {
                let vi = "dịch vụ không có trong Bảng 1 và danh sách phụ trợ";
                findings.error(
                    "service",
                    "service",
                    vi,
                    "neither a packet nor a service beside them",
                );
                let message = format!("Dịch vụ {} không được hỗ trợ", call.service);
                return Err(Refusal::Failed(message));
            }
        };
        seen.service.clone_from(&service);
        if service != call.service {
            let vi = format!("tên dịch vụ là {service}");
            findings.warn("service", "name", &vi, &format!("the service is called {service}"));
        }
        let now = Moment {
            at: self.clock.now(),
            call: seen.id,
            connection: seen.connection,
            overlapping: seen.overlapping,
        };
        match packet {
            Some(table) if table.direction == Direction::Push => {
                self.push(&table, call, now, findings)
            }
            Some(table) => self.pull(&table, &call, findings),
            None => self.answer(&service, call, now, findings),
        }
    }

    /// All records of one call are taken, or none (inferred: the real portal's rule is not known).
    fn push(&mut self, table: &Table, call: Call, now: Moment, findings: &mut Findings) -> Outcome {
        let (update, unit) = (call.update, call.fields.text("madonvi"));
        let rows = call.records().inspect_err(|vi| findings.error("data", "data", vi, vi));
        let rows = rows.map_err(Refusal::Failed)?;
        check_rows(table, &rows, findings);
        self.refuse_faults(findings)?;
        match table.packet.as_str() {
            "DongBoHoSoMC" => {
                let taken = self.dossiers.sync(rows, update, &unit, now, findings);
                taken.map(|()| done(SUCCESS))
            }
            "CapNhatTienDoHoSoMC" => {
                let taken = self.dossiers.progress(rows, now, findings);
                taken.map(|()| done(SUCCESS))
            }
            "DongBoKetQuaHoiDapGuiTuDVCQG" => {
                self.questions.answer(&rows, findings)?;
                self.keep(&table.packet, rows, &unit, now)
            }
            packet => {
                if packet == "DongBoKetQuaXuLyPAKN" {
                    self.petitions.settle(&rows);
                }
                self.keep(packet, rows, &unit, now)
            }
        }
    }

    fn keep(&mut self, packet: &str, rows: Vec<Row>, unit: &str, now: Moment) -> Outcome {
        self.records.keep(packet, rows, unit, now)?;
        Ok(done(SUCCESS))
    }

    fn refuse_faults(&self, findings: &Findings) -> Result<(), Refusal> {
        match findings.told() {
            Some(told) if self.demand == Demand::Known => Err(Refusal::Failed(told)),
            _ => Ok(()),
        }
    }

    fn pull(&mut self, table: &Table, call: &Call, findings: &mut Findings) -> Outcome {
        for field in &table.sent {
            let name = field.name.as_deref().unwrap_or_default();
            if field.required && call.fields.text(name).is_empty() {
                let vi = "thiếu tham số bắt buộc";
                findings.error(name, "required", vi, "a required parameter is missing");
            }
        }
        self.refuse_faults(findings)?;
        let mut named = None;
        let result = match table.packet.as_str() {
            "LayThuTuc" => self.catalogue.procedure(&call.fields.text("maTTHC")),
            "LayQDCB" => self.catalogue.decision(&call.fields.text("idQDCB")),
            "DanhSachPAKNChoXuLy" => self.petitions.waiting(table, &call.fields),
            "LayTaiLieuPAKN" => self.petitions.file(table, &call.fields.text("TepTinPhanAnh")),
            "DanhSachPAKNCongKhai" => {
                // As the one façade that was seen answers it.
                named = Some("DanhSachPAKNCongKhai");
                self.petitions.public(&call.fields)
            }
            "LayDanhSachHoiDapGuiTuDVCQG" => self.questions.waiting(),
            "LayDanhSachHoiDapBoCoQuan" => self.questions.sets(),
            _ => synthetic::row(&table.answered).into_iter().collect(),
        };
        Ok(Reply { named, ..listed(&result) })
    }

    fn answer(
        &mut self,
        service: &str,
        call: Call,
        now: Moment,
        findings: &mut Findings,
    ) -> Outcome {
        let text = |name| call.fields.text(name);
        let result = match service {
            "TraCuuHoSo" => self.dossiers.look_up(&text("mahoso")),
            "LayDanhSachTTHC" => self.catalogue.procedures(),
            "LayDanhMucLinhVuc" => self.catalogue.domains(),
            "LayDanhMucCoQuan" => self.catalogue.agencies(),
            "LayDVC" => return Ok(self.catalogue.online(&text("maTTHC"))),
            "LayNoiDungTraLoiTheoCauHoi" => self.questions.reply_to(&text("cauhoiid")),
            "TraCuuTechID" => synthetic::technical_id(&text("mstorcmnd")),
            "DongBoTrangThaiHoSo" => {
                let unit = text("madonvi");
                let rows = call.records().inspect_err(|vi| findings.error("data", "data", vi, vi));
                return self.keep(service, rows.map_err(Refusal::Failed)?, &unit, now);
            }
            // Catalogues whose field names nobody could read.
            _ => Vec::new(),
        };
        Ok(listed(&result))
    }

    /// Writes the answer, and into `seen` what was answered.
    fn print(&self, outcome: Outcome, seen: &mut CallSeen) -> Taken {
        let exists = matches!(outcome, Err(Refusal::Exists(_)));
        let session = matches!(outcome, Err(Refusal::Session(_)));
        seen.accepted = outcome.is_ok();
        let codes = &self.codes;
        let (code, reply) = match outcome {
            Ok(reply) => (self.success_code(), reply),
            Err(Refusal::Session(message)) => (codes.session.clone(), done(&message)),
            Err(Refusal::Exists(message)) => (codes.exists.clone(), done(&message)),
            Err(Refusal::Failed(message)) => (codes.failed.clone(), done(&message)),
        };
        seen.error_code = Some(code.to_string());
        seen.message.clone_from(&reply.message);
        let mut answer = envelope::write(&code, &reply);
        if self.wrapped {
            let inner = String::from_utf8_lossy(&answer);
            answer = serde_json::json!({ "message": inner }).to_string().into_bytes();
        }
        // The real portal answers its own refusals with 200 too.
        let status = if session { self.session_status } else { 200 };
        Taken { answer, status, exists, session }
    }

    fn success_code(&self) -> Code {
        match self.success {
            SuccessForm::Number => Code::Number(0),
            SuccessForm::Text => Code::text("0"),
            SuccessForm::Padded => Code::text("00"),
        }
    }
}

fn check_envelope(call: &Call, findings: &mut Findings) {
    for name in call.fields.twice() {
        findings.error(name, "twice", "tên trường lặp lại", "the name stands twice");
    }
    if call.fields.text("madonvi").is_empty() {
        findings.error("madonvi", "required", "thiếu mã đơn vị", "the unit's code is missing");
    }
    if call.service == "DongBoHoSoMC" {
        let said = call.fields.find("isUpdating").map(RawValue::get);
        if !matches!(said, Some("\"True\"" | "\"False\"")) {
            let vi = "nên là chuỗi \"True\" hoặc \"False\"";
            findings.warn("isUpdating", "form", vi, "should be the text \"True\" or \"False\"");
        }
    }
    let rows = call.rows.as_ref().map_or(0, Vec::len);
    if call.service == "CapNhatTienDoHoSoMC" && rows > PROGRESS_GROUP {
        let vi = format!("{rows} dòng trong một lần gửi; hệ thống thật gửi nhiều nhất 10");
        findings.warn("data", "group", &vi, &format!("{rows} rows; real senders send 10"));
    }
}

/// Checks each record, its key included. The key is demanded always.
fn check_rows(table: &Table, rows: &[Row], findings: &mut Findings) {
    for (number, row) in rows.iter().enumerate() {
        let path = format!("data[{number}]");
        if table.is_known() {
            check::check(&row.fields, &table.sent, &table.later, &path, findings);
        }
        check::across(table, &row.fields, &path, findings);
    }
}

fn done(message: &str) -> Reply {
    Reply { message: message.to_owned(), ..Reply::default() }
}

fn listed(rows: &[Box<RawValue>]) -> Reply {
    Reply { result: raw(&rows), ..Reply::default() }
}

fn raw(value: &impl serde::Serialize) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(value).ok()
}

/// 128 random bits in the form of a UUID, as the real portal's sessions look.
fn session_id(random: &Random) -> String {
    let bits = u128::from_be_bytes(random.bytes());
    let text = format!("{bits:032x}");
    let (a, b, c, d, e) = (&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}
