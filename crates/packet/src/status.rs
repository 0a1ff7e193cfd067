//! The states of a dossier, 1 to 10, and the steps between them that are usual. No standard says
//! which steps are allowed: an unusual one is a warning, never a refusal.

/// The states: code, Vietnamese, English.
pub const STATES: [(u8, &str, &str); 10] = [
    (1, "Mới đăng ký", "newly registered"),
    (2, "Được tiếp nhận", "accepted"),
    (3, "Không được tiếp nhận", "not accepted"),
    (4, "Đang xử lý", "in process"),
    (5, "Yêu cầu bổ sung giấy tờ", "supplement required"),
    (6, "Yêu cầu thực hiện nghĩa vụ tài chính", "financial obligation required"),
    (7, "Công dân yêu cầu rút hồ sơ", "withdrawn by the citizen"),
    (8, "Dừng xử lý", "stopped"),
    (9, "Đã xử lý xong", "processed"),
    (10, "Đã trả kết quả", "result returned"),
];

/// Is it usual that `to` follows `from`? The path is 1-2-4-9-10 with side paths to 3, 5, 6, 7, 8;
/// several steps may carry the same state, and what is unknown is not judged.
pub fn is_usual(from: u8, to: u8) -> bool {
    let next: &[u8] = match from {
        1 => &[2, 3, 4, 5, 6, 7, 8],
        2 => &[4, 5, 6, 7, 8, 9, 10],
        4 => &[5, 6, 7, 8, 9, 10],
        5 | 6 => &[2, 4, 5, 6, 7, 8, 9, 10],
        // A refusal or a withdrawal may still be handed over.
        3 | 7 | 8 | 9 => &[10],
        10 => &[],
        _ => return true,
    };
    from == to || !(1..=10).contains(&to) || next.contains(&to)
}
