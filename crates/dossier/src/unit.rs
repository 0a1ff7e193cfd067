//! Which agency belongs to which unit, as their codes tell.

use terms::code::MemberCode;

/// Does `agency` belong to `unit`, or is it the unit itself? Codes of level 1 to 4 in the form of
/// QCVN 102:2016 (`000.00.07.H99`, the highest level last, zeros where there is none) and of
/// Decision 20/2020 (`H99.07`, the highest level first) are compared level by level, so `H99`
/// and `000.00.00.H99` are the same unit and hold all others of `H99`. Any other text belongs to
/// itself only.
pub fn covers(unit: &str, agency: &str) -> bool {
    match (levels(unit), levels(agency)) {
        (Some(unit), Some(agency)) => agency.starts_with(&unit),
        _ => unit.trim().eq_ignore_ascii_case(agency.trim()),
    }
}

/// The groups of a code, the highest level first, without the empty ones at the end.
fn levels(code: &str) -> Option<Vec<String>> {
    let code = code.trim().to_ascii_uppercase();
    let mut groups: Vec<String> = code.split('.').map(str::to_owned).collect();
    if !groups.first().is_some_and(|group| is_top(group)) {
        groups.reverse();
    }
    if !groups.first().is_some_and(|group| is_top(group)) {
        return None;
    }
    while groups.last().is_some_and(|group| group.bytes().all(|byte| byte == b'0')) {
        groups.pop();
    }
    Some(groups)
}

/// `H99`: a capital and two digits.
fn is_top(group: &str) -> bool {
    let bytes = group.as_bytes();
    bytes.len() == 3 && bytes[0].is_ascii_uppercase() && bytes[1..].iter().all(u8::is_ascii_digit)
}

/// The agency whose dossier this is: the code of a dossier begins with it
/// (`000.00.07.H99-240304-00017`; seen in clients, not in a text of law); where it does not, the
/// unit that sent it. Numbers of enterprises are not taken.
pub fn agency_of(dossier_code: &str, sender: &str) -> Option<String> {
    let begin = dossier_code.trim().split('-').next().unwrap_or_default();
    [begin, sender.trim()].into_iter().find_map(agency)
}

fn agency(text: &str) -> Option<String> {
    let code = MemberCode::parse(&text.to_ascii_uppercase()).ok()?;
    code.level_1()?;
    Some(code.as_str().to_owned())
}
