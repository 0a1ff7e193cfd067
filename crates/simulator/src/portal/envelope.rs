//! The national envelope as it comes in; records stay the very text that was sent.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub(super) struct Login {
    #[serde(default)]
    pub(super) username: Loose,
    #[serde(default)]
    pub(super) password: Loose,
}

/// The call. Names and types vary among real senders; fields not named here pass unread.
#[derive(Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    pub(super) session: Loose,
    #[serde(default)]
    pub(super) service: Loose,
    #[serde(default, rename = "isUpdating")]
    pub(super) is_updating: Loose,
    #[serde(default)]
    pub(super) data: Option<Box<RawValue>>,
    #[serde(default, rename = "maTTHC")]
    pub(super) procedure: Loose,
    #[serde(default, rename = "mahoso")]
    pub(super) dossier: Loose,
}

/// A value that some send as text, others as number or boolean; anything else reads as empty.
#[derive(Deserialize, Default)]
#[serde(from = "AnyForm")]
pub(super) struct Loose(pub(super) String);

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyForm {
    Text(String),
    Number(serde_json::Number),
    Flag(bool),
    Other(IgnoredAny),
}

impl From<AnyForm> for Loose {
    fn from(form: AnyForm) -> Loose {
        Loose(match form {
            AnyForm::Text(text) => text,
            AnyForm::Number(number) => number.to_string(),
            AnyForm::Flag(flag) => flag.to_string(),
            AnyForm::Other(_) => String::new(),
        })
    }
}

/// What the portal must read of a dossier or progress row; the rest is kept unread.
#[derive(Deserialize)]
pub(super) struct Keys {
    #[serde(default, rename = "MaHoSo")]
    pub(super) dossier: Loose,
    #[serde(default, rename = "TrangThaiHoSo")]
    pub(super) state: Loose,
}

/// Reads a JSON object; an array, which serde would take for its fields in turn, is none.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Option<T> {
    let text = text.trim_ascii_start();
    serde_json::from_slice(text).ok().filter(|_| text.starts_with(b"{"))
}

/// The records of a call with what was read of each; `Err` names what is wrong, in Vietnamese.
pub(super) fn records(call: &Call) -> Result<Vec<(Keys, Box<RawValue>)>, String> {
    let data = call.data.as_ref().map_or("[]", |data| data.get());
    let rows: Vec<Box<RawValue>> =
        serde_json::from_str(data).map_err(|_| "Trường data không phải là mảng".to_owned())?;
    if rows.is_empty() {
        return Err("Trường data trống".to_owned());
    }
    let mut records = Vec::with_capacity(rows.len());
    for (at, row) in rows.into_iter().enumerate() {
        let number = at + 1;
        let keys: Keys = object(row.get().as_bytes())
            .ok_or_else(|| format!("Bản ghi {number} không phải là đối tượng"))?;
        if keys.dossier.0.is_empty() {
            return Err(format!("Bản ghi {number} thiếu MaHoSo"));
        }
        records.push((keys, row));
    }
    Ok(records)
}

/// The answer. Fields absent are not written.
#[derive(Serialize, Default)]
pub(super) struct Reply<'a> {
    pub(super) error_code: Code,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<Vec<&'a RawValue>>,
}

/// `error_code`: a number or a text.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Code {
    Number(i8),
    Text(&'static str),
}

impl Default for Code {
    fn default() -> Code {
        Code::Number(0)
    }
}
