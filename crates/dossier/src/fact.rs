//! What is known of one dossier, how what a message tells joins it, and where the dossier stands.
//!
//! Joining is a choice of the greater in each part, so the same messages give the same facts in
//! whatever order and however often they come.

use terms::clock::Timestamp;

use crate::moment::{Day, Moment};

/// State of a dossier, codes 1 to 10 of `TrangThaiHoSo` and `TrangThai`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Status(u8);

impl Status {
    /// 1 Mới đăng ký.
    pub const REGISTERED: Status = Status(1);
    /// 3 Không được tiếp nhận.
    pub const REFUSED: Status = Status(3);
    /// 7 Công dân yêu cầu rút hồ sơ.
    pub const WITHDRAWING: Status = Status(7);
    /// 8 Dừng xử lý.
    pub const STOPPED: Status = Status(8);
    /// 10 Đã trả kết quả.
    pub const RETURNED: Status = Status(10);

    /// `None` for what is not one of the ten codes.
    pub fn new(code: i64) -> Option<Status> {
        u8::try_from(code).ok().filter(|code| (1..=10).contains(code)).map(Status)
    }

    /// 1 to 10.
    pub fn code(self) -> u8 {
        self.0
    }

    /// 8, 9 and 10: the work is over. That 8 (Dừng xử lý) counts as processed is inferred from its
    /// name.
    fn is_closing(self) -> bool {
        self >= Status::STOPPED
    }
}

/// Channel through which a dossier came, codes of `KenhThucHien` (a field added after the
/// standard; `HinhThuc` tells how the result goes back and is no channel).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// 1 Trực tiếp.
    Counter,
    /// 2 Trực tuyến.
    Online,
    /// 3 Qua bưu chính công ích.
    Post,
}

impl Channel {
    /// `None` for what is not one of the three codes.
    pub fn new(code: i64) -> Option<Channel> {
        match code {
            1 => Some(Channel::Counter),
            2 => Some(Channel::Online),
            3 => Some(Channel::Post),
            _ => None,
        }
    }

    /// 1 to 3.
    pub fn code(self) -> u8 {
        match self {
            Channel::Counter => 1,
            Channel::Online => 2,
            Channel::Post => 3,
        }
    }
}

/// What one `DongBoHoSoMC` tells of a dossier. It tells all anew: the latest one holds whole, an
/// empty field in it means that there is no value any more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// When the platform carried it; first, since the latest holds.
    pub at: Timestamp,
    /// Code of the agency ([`crate::unit::agency_of`]).
    pub agency: Option<String>,
    /// `MaTTHC`.
    pub procedure: Option<String>,
    /// `MaLinhVuc`.
    pub domain: Option<String>,
    /// `KenhThucHien`.
    pub channel: Option<Channel>,
    /// `TrangThaiHoSo`.
    pub status: Option<Status>,
    /// The day of `NgayTiepNhan`.
    pub received: Option<Day>,
    /// The day of `NgayHenTra`.
    pub due: Option<Day>,
    /// `NgayKetThucXuLy`; `NgayTra` where that is empty.
    pub finished: Option<Moment>,
}

/// What one row of `CapNhatTienDoHoSoMC` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Progress {
    /// `ThoiDiemXuLy`; where it is empty or still to come, the civil time at which the platform
    /// carried the row.
    /// First, since the latest step holds: clients send a dossier's whole history again.
    pub moment: Moment,
    /// When the platform carried it.
    pub at: Timestamp,
    /// `TrangThai`.
    pub status: Status,
}

/// What is known of one dossier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The latest record.
    pub record: Option<Record>,
    /// The latest step.
    pub progress: Option<Progress>,
    /// The earliest time at which a message closed the dossier without a date of its own in a
    /// record: a step's time, or when the platform carried the record. Sending again does not move
    /// it.
    pub closed_first: Option<Moment>,
    /// Erased for good: nothing else is kept, nothing that comes later counts.
    pub erased: Option<Timestamp>,
}

/// What a message tells of one dossier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tale {
    /// A whole record; `carried` is the civil time at which the platform carried it.
    Record {
        /// What it says.
        record: Record,
        /// `record.at` in the platform's zone.
        carried: Option<Moment>,
    },
    /// A step.
    Progress(Progress),
    /// The dossier is erased. No packet says so: an officer does.
    Erasure(Timestamp),
}

/// Where a dossier stands for the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not counted: erased, not yet or never accepted (status 1 and 3, inferred from their names),
    /// or without a date of acceptance.
    Out,
    /// Accepted, not finished.
    Pending,
    /// Finished on that day.
    Closed(Day),
}

impl Facts {
    /// Joins what a message tells. Any order, any repetition: the same facts.
    pub fn join(&mut self, tale: &Tale) {
        match tale {
            Tale::Erasure(at) => {
                let at = self.erased.map_or(*at, |known| known.min(*at));
                *self = Facts { erased: Some(at), ..Facts::default() };
            }
            _ if self.erased.is_some() => {}
            Tale::Record { record, carried } => {
                if record.closes() && record.finished.is_none() {
                    self.close(*carried);
                }
                if self.record.as_ref().is_none_or(|known| known < record) {
                    self.record = Some(record.clone());
                }
            }
            Tale::Progress(step) => {
                if step.status.is_closing() {
                    self.close(Some(step.moment));
                }
                self.progress = self.progress.max(Some(*step));
            }
        }
    }

    /// Joins what is known elsewhere of the same dossier.
    pub fn merge(&mut self, other: &Facts) {
        if let Some(at) = self.erased.or(other.erased) {
            let at = other.erased.map_or(at, |other| at.min(other));
            *self = Facts { erased: Some(at), ..Facts::default() };
            return;
        }
        if self.record < other.record {
            self.record.clone_from(&other.record);
        }
        self.progress = self.progress.max(other.progress);
        self.close(other.closed_first);
    }

    fn close(&mut self, moment: Option<Moment>) {
        self.closed_first = match (self.closed_first, moment) {
            (Some(known), Some(told)) => Some(known.min(told)),
            (known, told) => known.or(told),
        };
    }

    /// On which day the dossier was accepted, as the latest record says.
    pub fn received(&self) -> Option<Day> {
        self.record.as_ref()?.received
    }

    /// Where the dossier stands. A step that came after the record changes its status, unless the
    /// step is older than the end of work that the record tells of: then it is history sent again.
    pub fn standing(&self) -> Standing {
        let Some(record) = &self.record else { return Standing::Out };
        let Some(received) = record.received else { return Standing::Out };
        let ended = record.closes().then(|| record.finished.or(self.closed_first)).flatten();
        let newer = self.progress.filter(|step| step.at > record.at);
        let newer = newer.filter(|step| {
            step.status.is_closing() || ended.is_none_or(|ended| step.moment > ended)
        });
        let (closes, status) = match newer {
            Some(step) => (step.status.is_closing(), Some(step.status)),
            None => (record.closes(), record.status),
        };
        if matches!(status, Some(Status::REGISTERED | Status::REFUSED)) {
            return Standing::Out;
        }
        match ended.or(self.closed_first).filter(|_| closes) {
            // A dossier is not finished before it is accepted, whatever its dates say.
            Some(ended) => Standing::Closed(ended.day().max(received)),
            None => Standing::Pending,
        }
    }
}

impl Record {
    /// Does this record say that the work is over? A date of its end alone says so only where the
    /// status is 7 (a request to withdraw, which ends the work once granted: inferred) or unknown:
    /// programs are known to fill in planned dates.
    fn closes(&self) -> bool {
        match self.status {
            Some(Status::WITHDRAWING) | None => self.finished.is_some(),
            Some(status) => status.is_closing(),
        }
    }
}
