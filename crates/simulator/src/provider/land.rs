//! Synthetic land parcels: the look-up a one-stop system makes most.

use serde::Serialize;

use crate::wire::{Answer, Request};

/// One parcel, under the names a land registry uses on the wire. Made up from its number.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Parcel<'a> {
    ma_thua: &'a str,
    to_ban_do: u32,
    dien_tich: String,
    muc_dich_su_dung: &'static str,
    chu_su_dung: &'static str,
    dia_chi: &'static str,
    tinh_trang: &'static str,
}

const USES: [&str; 3] = ["Đất ở tại đô thị", "Đất trồng lúa", "Đất thương mại, dịch vụ"];
const HOLDERS: [&str; 3] = ["Nguyễn Thị Thử", "Trần Văn Mẫu", "Công ty TNHH Mẫu"];

/// Answers `?maThua=N`: 400 without a number of 1 to 10 digits, 404 for zero, else a parcel.
pub(crate) fn look_up(request: &Request) -> Answer {
    let number = request.parameter("maThua").unwrap_or_default();
    let digits = (1..=10).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return fault(400, "Thiếu tham số maThua, hoặc không phải 1 đến 10 chữ số");
    }
    let seed: u64 = number.parse().unwrap_or(0);
    if seed == 0 {
        return fault(404, "Không tìm thấy thửa đất");
    }
    let pick = usize::try_from(seed % 3).unwrap_or(0);
    let parcel = Parcel {
        ma_thua: &number,
        to_ban_do: u32::try_from(seed % 90).unwrap_or(0) + 1,
        dien_tich: format!("{}.{}", 60 + seed % 440, seed % 10),
        muc_dich_su_dung: USES[pick],
        chu_su_dung: HOLDERS[pick],
        dia_chi: "Ấp Mẫu, xã Thử Nghiệm",
        tinh_trang: "Đã cấp giấy chứng nhận",
    };
    Answer::json(200, serde_json::to_vec(&parcel).unwrap_or_default())
}

fn fault(status: u16, text: &str) -> Answer {
    let body = serde_json::json!({ "loi": text });
    Answer::json(status, body.to_string())
}
