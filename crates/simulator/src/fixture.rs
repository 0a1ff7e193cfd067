//! The synthetic packets of `fixtures/qcvn120`, embedded, so that a demo needs no files.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The session that stands in every request of the fixtures (file 01 hands it out).
pub const SESSION: &str = "3f6c1f0e-5d0a-4f39-9a31-1b6f6d2c77aa";

/// One file: `meta`, `request`, `response`.
#[derive(Clone, Copy, Debug)]
pub struct Fixture {
    /// File name without `.json`: `02-DongBoHoSoMC-new`.
    pub name: &'static str,
    /// The whole file.
    pub text: &'static str,
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

impl Fixture {
    /// The request's bytes as they stand in the file; `None` when the file has only an answer.
    pub fn request(&self) -> Option<&'static str> {
        self.parts()?.request.map(RawValue::get)
    }

    /// The same request under a live session of the portal; nothing else is touched.
    pub fn request_in(&self, session: &str) -> Option<String> {
        Some(self.request()?.replace(SESSION, session))
    }

    /// The answer's bytes as they stand in the file; `None` when no answer is known.
    pub fn response(&self) -> Option<&'static str> {
        self.parts()?.response.map(RawValue::get)
    }

    fn parts(&self) -> Option<Parts<'static>> {
        serde_json::from_str(self.text).ok()
    }
}

/// The fixture whose name begins with `start`: its number (`02`) is enough.
pub fn find(start: &str) -> Option<&'static Fixture> {
    ALL.iter().find(|fixture| fixture.name.starts_with(start))
}

macro_rules! fixtures {
    ($($name:literal,)+) => {
        /// All of them, in the order of their numbers.
        pub const ALL: &[Fixture] = &[$(Fixture {
            name: $name,
            text: include_str!(concat!("../../../fixtures/qcvn120/", $name, ".json")),
        },)+];
    };
}

fixtures! {
    "01-login",
    "02-DongBoHoSoMC-new",
    "03-DongBoHoSoMC-update-supplement",
    "04-DongBoHoSoMC-update-done",
    "05-DongBoHoSoMC-exists",
    "06-DongBoHoSoMC-batch",
    "07-DongBoHoSoMC-2024-extensions",
    "08-CapNhatTienDoHoSoMC",
    "09-DongBoDanhGia",
    "10-DongBoDanhGia-flattened",
    "11-DongBoThongKeHoSo",
    "12-DongBoThongKeHoSo-extra-field",
    "13-LayThuTuc",
    "14-LayThuTuc-not-found",
    "15-LayQDCB",
    "16-DanhSachPAKNChoXuLy-request",
    "17-LayTaiLieuPAKN-request",
    "18-DanhSachPAKNCongKhai",
    "19-DongBoHoiDap",
    "20-LayDanhSachHoiDapGuiTuDVCQG",
    "21-DongBoKetQuaHoiDapGuiTuDVCQG",
    "22-LayDanhSachHoiDapBoCoQuan",
    "23-TraCuuHoSo",
    "24-facade-wrapped",
    "90-bad-status",
    "91-bad-date",
    "92-missing-key",
    "93-bad-type",
    "94-impossible-date",
    "95-bad-no-session",
    "96-bad-unknown-service",
}

#[cfg(test)]
mod tests {
    use super::{ALL, SESSION, find};

    #[test]
    fn the_list_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/qcvn120");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let listed: Vec<String> = ALL.iter().map(|f| format!("{}.json", f.name)).collect();
        assert_eq!(listed, files);
    }

    #[test]
    fn every_file_has_a_request_or_a_response() {
        for fixture in ALL {
            assert!(
                fixture.request().is_some() || fixture.response().is_some(),
                "{}",
                fixture.name
            );
        }
    }

    #[test]
    fn a_live_session_is_all_that_changes() {
        let fixture = find("02").unwrap();
        let text = fixture.request_in("s-1").unwrap();
        assert_eq!(text.replace("s-1", SESSION), fixture.request().unwrap());
        assert!(!text.contains(SESSION) && find("99").is_none());
    }
}
