//! What can be said of a body that does not name its packet: what is right about it, and which
//! packet it may be by the names in it.

use jiff::civil::Date;
use packet::{Shape, Table, Tables, Value};
use terms::fault::Sentence;

/// What the body is, and what to add so that it can be checked.
pub(super) fn nameless(tables: &Tables, day: Date, root: Value<'_>) -> (Sentence, Sentence) {
    let list = if root.shape() == Shape::List { Some(root) } else { list(root) };
    let count = list.map_or(0, |list| list.items().count());
    let sentence = match (root.shape(), list) {
        (Shape::List, _) => Sentence::made(
            format!("Mảng {count} bản ghi, đúng cú pháp; nội dung không nêu là gói tin nào."),
            format!(
                "An array of {count} records, well formed; it does not say which packet it is."
            ),
        ),
        (_, Some(_)) => Sentence::made(
            format!("Đúng cú pháp, {count} bản ghi; nội dung không nêu là gói tin nào."),
            format!("Well formed, {count} records; it does not say which packet it is."),
        ),
        _ => Sentence::new(
            "Đúng cú pháp; nội dung không nêu là gói tin nào.",
            "Well formed; it does not say which packet it is.",
        ),
    };
    let suggestion = match list.and_then(|list| likely(tables, day, list)) {
        Some((table, known, all)) => {
            let name = &table.packet;
            Sentence::made(
                format!(
                    "Thêm --packet {name}: bảng này có {known} trong {all} tên trường của bản ghi."
                ),
                format!(
                    "Add --packet {name}: its table has {known} of the {all} names of a record."
                ),
            )
        }
        None => Sentence::new(
            "Thêm --packet TÊN; `lgsp packet list` cho danh sách tên.",
            "Add --packet NAME; `lgsp packet list` shows the names.",
        ),
    };
    (sentence, suggestion)
}

/// The records of a body or of an answer.
fn list(root: Value<'_>) -> Option<Value<'_>> {
    ["data", "result"]
        .into_iter()
        .find_map(|name| root.get(name).filter(|list| list.shape() == Shape::List))
}

/// The table that has most of the names of the first record, and how many of how many; none when
/// another has as many, or it has less than half of them.
fn likely<'t>(tables: &'t Tables, day: Date, list: Value<'_>) -> Option<(&'t Table, usize, usize)> {
    let first = list.items().find(|item| item.shape() == Shape::Map)?;
    let all = first.members().count();
    let known = |table: &Table| {
        first.members().filter(|(name, _)| table.fields.find(name).is_some()).count()
    };
    let mut counted: Vec<(usize, &Table)> = tables
        .iter()
        .filter(|table| table.holds_on(day))
        .map(|table| (known(table), table))
        .collect();
    counted.sort_by_key(|(known, _)| std::cmp::Reverse(*known));
    let (most, table) = *counted.first()?;
    let is_alone = counted.get(1).is_none_or(|(second, _)| *second < most);
    (is_alone && most * 2 >= all && most > 0).then_some((table, most, all))
}
