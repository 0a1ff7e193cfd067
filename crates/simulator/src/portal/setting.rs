//! How a portal is started, and what of it can be changed while it runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use terms::clock::Clock;
use terms::random::Random;

use super::envelope::{self, Reply};
use super::province::Province;
use crate::received::Bound;
use crate::wire::Answer;

/// In which of the forms seen in the wild a success is written as `error_code`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuccessForm {
    /// `0`
    #[default]
    Number,
    /// `"0"`
    Text,
    /// `"00"`
    Padded,
}

/// `error_code` as it stands on the wire: a number or a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Code {
    /// `-1`
    Number(i64),
    /// `"-1"`
    Text(String),
}

impl Code {
    /// A text.
    pub fn text(text: &str) -> Code {
        Code::Text(text.to_owned())
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Code::Number(number) => write!(f, "{number}"),
            Code::Text(text) => f.write_str(text),
        }
    }
}

/// What refusals are told by. No official list was found, so each can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Codes {
    /// The session is unknown or its time is over.
    pub session: Code,
    /// The dossier is there already: the sender repeats it as an update. `"3"` and `"-3"` were
    /// seen, always with the words `đã tồn tại`.
    pub exists: Code,
    /// Any other refusal.
    pub failed: Code,
}

impl Default for Codes {
    /// As text, like the public samples.
    fn default() -> Codes {
        Codes { session: Code::text("-1"), exists: Code::text("3"), failed: Code::text("-1") }
    }
}

/// What a record must be to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Demand {
    /// It has its key; whatever else is wrong is only noted as a finding.
    #[default]
    Key,
    /// All that is known of its table holds; else it is refused with the first field at fault.
    Known,
}

/// Where login, packets and shared catalogues are found: the end of the path, under any base (an
/// adapter's `/XrdAdapter/RestService/forward`, say).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Login.
    pub login: String,
    /// Packets.
    pub data: String,
    /// Shared catalogues; may be the same as `data`. Every service is answered on both.
    pub share: String,
}

impl Default for Paths {
    fn default() -> Paths {
        let data = "/mapi/g".to_owned();
        Paths { login: "/mapi/login".to_owned(), share: data.clone(), data }
    }
}

/// Trouble on demand, for the login and the data path. As JSON all fields may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trouble {
    /// Every answer waits this long, in milliseconds; what was sent takes effect before.
    pub delay_ms: u64,
    /// Answer with this HTTP status instead of doing anything.
    pub status: Option<u16>,
    /// Refuse with this `error_code` instead of doing anything (status 200).
    pub error_code: Option<Code>,
    /// The words beside `error_code`, or the body beside `status`.
    pub message: Option<String>,
    /// Do what is asked, but break the connection instead of answering: the sender cannot know.
    pub drop_answer: bool,
    /// Do what is asked, but break off after this many bytes of the answer's body.
    pub cut_after: Option<usize>,
    /// Do what is asked, but answer this body, whatever it is, in place of JSON.
    pub body: Option<String>,
    /// Only for this service; the login is called `login`. Absent: for all.
    pub service: Option<String>,
    /// Only when one of these dossiers (MaHoSo) is in the call. Empty: for all.
    pub dossiers: Vec<String>,
    /// Only for each such-and-such request that fits: 100 means the 100th, 200th, … Absent: each.
    pub every: Option<u64>,
    /// The trouble ends by itself after so many requests that it hit; absent, it stays.
    pub requests: Option<u64>,
}

/// How a portal is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 picks one.
    pub address: SocketAddr,
    /// Accounts that may log in: user name and password.
    pub accounts: Vec<(String, String)>,
    /// A session ends this long after its login. A new login does not end earlier sessions, but for
    /// `one_session`.
    pub session_lifetime: Duration,
    /// One session a user: a login ends the one before. Whether the real portal does so is not
    /// known.
    pub one_session: bool,
    /// How success is written.
    pub success: SuccessForm,
    /// What refusals are told by.
    pub codes: Codes,
    /// HTTP status of the refusal of a session; the real portal's is not known.
    pub session_status: u16,
    /// Answers stand as a JSON text in `message` of another object, as one provincial wrapper does.
    pub wrapped: bool,
    /// What a record must be to be taken.
    pub demand: Demand,
    /// Where login, packets and catalogues are found.
    pub paths: Paths,
    /// Further table files (file name and text), in the form of `DATA/packet/<WireName>.toml`:
    /// they name fields that nobody could read in the standard. The last of a packet holds.
    pub tables: Vec<(String, String)>,
    /// The province it can call.
    pub province: Province,
    /// Trouble from the start.
    pub trouble: Trouble,
    /// How much of what it received is kept.
    pub bound: Bound,
    /// Sessions end by this clock.
    pub clock: Clock,
    /// Session ids come from here.
    pub random: Random,
}

impl Default for Settings {
    /// The account is that of fixture 01.
    fn default() -> Settings {
        let account = ("000.00.00.H99", "synthetic-not-a-secret");
        Settings {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            accounts: vec![(account.0.to_owned(), account.1.to_owned())],
            session_lifetime: Duration::from_secs(30 * 60),
            one_session: false,
            success: SuccessForm::default(),
            codes: Codes::default(),
            session_status: 200,
            wrapped: false,
            demand: Demand::default(),
            paths: Paths::default(),
            tables: Vec::new(),
            province: Province::default(),
            trouble: Trouble::default(),
            bound: Bound::default(),
            clock: Clock::system(),
            random: Random::system(),
        }
    }
}

/// What can be changed while it runs; absent fields stay. The form of `PUT /inspect/settings`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// From the next login on, in seconds.
    pub session_lifetime_s: Option<u64>,
    /// One session a user.
    pub one_session: Option<bool>,
    /// How success is written.
    pub success: Option<SuccessForm>,
    /// What refusals are told by.
    pub codes: Option<Codes>,
    /// HTTP status of the refusal of a session.
    pub session_status: Option<u16>,
    /// Answers stand as a JSON text in `message` of another object.
    pub wrapped: Option<bool>,
    /// What a record must be to be taken.
    pub demand: Option<Demand>,
}

impl Trouble {
    /// Does it change anything at all?
    pub(super) fn does_harm(&self) -> bool {
        self.delay_ms > 0
            || self.drop_answer
            || self.status.is_some()
            || self.error_code.is_some()
            || self.cut_after.is_some()
            || self.body.is_some()
    }

    /// What is answered instead of doing anything.
    pub(crate) fn instead(&self) -> Option<Answer> {
        let message = self.message.as_deref();
        if let Some(status) = self.status {
            let body = message.unwrap_or(r#"{"message":"Cổng đang gặp sự cố"}"#);
            return Some(Answer::json(status, body));
        }
        let code = self.error_code.as_ref()?;
        let message = message.unwrap_or("Cổng đang gặp sự cố").to_owned();
        Some(Answer::json(200, envelope::write(code, &Reply { message, ..Reply::default() })))
    }

    /// After how many bytes of this answer the connection is broken; `None`: it is not.
    pub(crate) fn cut(&self, answer: &Answer) -> Option<usize> {
        if self.drop_answer {
            return Some(0);
        }
        let head = answer.encode(true, true).len();
        self.cut_after.map(|body| head.saturating_add(body))
    }
}
