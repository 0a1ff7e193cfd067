//! Tables for people: columns that fit the window, text that wraps, codes that are never cut.

use unicode_width::UnicodeWidthStr;

/// Between two columns.
const GAP: &str = "  ";
/// Before what stands below a row.
const BELOW: &str = "      ";
/// A column of text is not made narrower than this when it could be wider.
const TEXT_LEAST: usize = 14;
/// What stands in a cell that says nothing.
const NOTHING: &str = "–";

/// Columns aligned by the width that a terminal gives to each character.
#[derive(Clone, Debug, Default)]
pub struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// How a table stands in a window: the widths of the columns that stand side by side; what is
/// beyond them stands below each row.
struct Layout {
    widths: Vec<usize>,
    right: Vec<bool>,
}

impl Table {
    /// A table under this heading. Where a window is too narrow for all columns the last ones go
    /// below each row: put there what belongs to the row but need not stand in line.
    pub fn new<T: Into<String>>(heading: impl IntoIterator<Item = T>) -> Table {
        Table { heading: heading.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Has it no row?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a row. Control characters are shown as spaces: nothing in a cell may command the
    /// terminal.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let clean = |text: String| text.replace(|c: char| c.is_control(), " ");
        self.rows.push(cells.into_iter().map(|c| clean(c.into())).collect());
    }

    /// The table as text, each line ended, in `width` places if what stands in it can be broken so;
    /// `None`: one line a row, as wide as it comes. A column that holds nothing but numbers
    /// stands right.
    pub fn render(&self, width: Option<usize>) -> String {
        let layout = self.layout(width);
        let side_by_side = layout.widths.len();
        let mut text = layout.lines(&self.heading);
        let rule: Vec<String> = layout.widths.iter().map(|width| "─".repeat(*width)).collect();
        text.push_str(&layout.lines(&rule));
        for row in &self.rows {
            text.push_str(&layout.lines(row));
            let below = self.heading.iter().zip(row).skip(side_by_side);
            let below = below.filter(|(_, cell)| !cell.is_empty() && *cell != NOTHING);
            let below = below.map(|(heading, cell)| format!("{heading}: {cell}")).collect();
            for line in join(below, width.unwrap_or(usize::MAX).saturating_sub(BELOW.len())) {
                text.push_str(&[BELOW, &line, "\n"].concat());
            }
        }
        text
    }

    fn layout(&self, width: Option<usize>) -> Layout {
        let lines = || std::iter::once(&self.heading).chain(&self.rows);
        let column = |at: usize| lines().filter_map(move |row| row.get(at));
        let columns = 0..self.heading.len();
        let natural: Vec<usize> =
            columns.clone().map(|at| column(at).map(|c| c.width()).max().unwrap_or(0)).collect();
        let least: Vec<usize> = columns
            .clone()
            .map(|at| {
                let whole = column(at).map(|cell| longest_piece(cell)).max().unwrap_or(0);
                whole.max(natural[at].min(TEXT_LEAST))
            })
            .collect();
        let widths = match width {
            Some(width) if total(&natural) > width => {
                let fit =
                    columns.clone().rev().map(|at| at + 1).find(|n| total(&least[..*n]) <= width);
                let kept = fit.unwrap_or(1).min(natural.len());
                share(&natural[..kept], &least[..kept], width)
            }
            _ => natural,
        };
        Layout { widths, right: columns.map(|at| self.is_number(at)).collect() }
    }

    fn is_number(&self, column: usize) -> bool {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let mut cells = cells.filter(|cell| !cell.is_empty() && *cell != NOTHING).peekable();
        cells.peek().is_some() && cells.all(|cell| cell.parse::<f64>().is_ok())
    }
}

impl Layout {
    /// One row, on as many lines as its longest cell needs.
    fn lines(&self, row: &[String]) -> String {
        let cells = self.widths.iter().enumerate();
        let cells: Vec<Vec<String>> = cells
            .map(|(at, width)| row.get(at).map_or_else(Vec::new, |cell| wrap(cell, *width)))
            .collect();
        let mut text = String::new();
        for at in 0..cells.iter().map(Vec::len).max().unwrap_or(0).max(1) {
            let mut line = String::new();
            for (column, cell) in cells.iter().enumerate() {
                let cell = cell.get(at).map_or("", String::as_str);
                let space = " ".repeat(self.widths[column].saturating_sub(cell.width()));
                let (before, after) =
                    if self.right[column] { (space.as_str(), "") } else { ("", space.as_str()) };
                let gap = if column == 0 { "" } else { GAP };
                line.push_str(&[gap, before, cell, after].concat());
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The width of a line of these columns.
fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
}

/// Widths of at least `least` and at most `natural` that fill `width`: narrow columns get all they
/// want, wide ones the same each.
fn share(natural: &[usize], least: &[usize], width: usize) -> Vec<usize> {
    let under = |cap: usize| -> Vec<usize> {
        natural.iter().zip(least).map(|(natural, least)| cap.min(*natural).max(*least)).collect()
    };
    let fits = (1..=width).rev().map(under).find(|widths| total(widths) <= width);
    let mut widths = fits.unwrap_or_else(|| least.to_vec());
    // What the division left over goes to the last columns: results stand there.
    for at in (0..widths.len()).rev() {
        let spare = width.saturating_sub(total(&widths));
        widths[at] = natural[at].min(widths[at] + spare);
    }
    widths
}

/// Breaks a text into lines of `width` places. What has no place to break stays whole.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    if text.width() <= width {
        return vec![text.to_owned()];
    }
    let indent = &text[..text.len() - text.trim_start().len()];
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    for piece in pieces(text.trim_start()) {
        if line.len() > indent.len() && (line.width() + piece.trim_end().width()) > width {
            lines.push(line.trim_end().to_owned());
            line = indent.to_owned();
        }
        line.push_str(piece);
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// Items on lines of `width` places, as many on each as fit.
fn join(items: Vec<String>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if line.width() + item.width() + 3 <= width => {
                line.push_str(&[" · ", &item].concat());
            }
            _ => lines.push(item),
        }
    }
    lines.iter().flat_map(|line| wrap(line, width)).collect()
}

fn longest_piece(text: &str) -> usize {
    let indent = text[..text.len() - text.trim_start().len()].width();
    indent + pieces(text.trim_start()).map(|piece| piece.trim_end().width()).max().unwrap_or(0)
}

/// The parts between which a line may end: after a space, unless digits stand on both sides of it
/// (a date and its time), and after `|` and `,` of a list without spaces.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = piece_end(rest)?;
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

fn piece_end(text: &str) -> Option<usize> {
    let mut before = None;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let next = text[end..].chars().next();
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let breaks = match c {
            ' ' => next != Some(' ') && !(digit(before) && digit(next)),
            '|' | ',' => next.is_some_and(|next| !matches!(next, ' ' | '|' | ',')),
            _ => false,
        };
        if breaks {
            return Some(end);
        }
        before = Some(c);
    }
    (!text.is_empty()).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::{Table, wrap};

    #[test]
    fn columns_align_by_what_the_eye_sees() {
        let mut table = Table::new(["Bước", "ms"]);
        table.row(["Tra cứu đất đai", "7"]);
        // decomposed: e + dot below + circumflex takes one place
        table.row(["Vie\u{323}\u{302}t", "1200"]);
        table.row(["a\u{1b}[2Jb\nc", "3"]);
        let expected = concat!(
            "Bước               ms\n",
            "───────────────  ────\n",
            "Tra cứu đất đai     7\n",
            "Vie\u{323}\u{302}t             1200\n",
            "a [2Jb c            3\n",
        );
        assert_eq!(table.render(None), expected);
        assert_eq!(table.render(Some(100)), expected, "what fits stands as it is");
    }

    #[test]
    fn text_wraps_within_its_column() {
        let mut table = Table::new(["#", "Bước", "Kết quả"]);
        table.row(["10", "Gọi hệ thống bị treo", "HTTP 504 · provider_timeout · 2003 ms"]);
        let expected = concat!(
            " #  Bước            Kết quả\n",
            "──  ──────────────  ────────────────\n",
            "10  Gọi hệ thống    HTTP 504 ·\n",
            "    bị treo         provider_timeout\n",
            "                    · 2003 ms\n",
        );
        assert_eq!(table.render(Some(36)), expected);
    }

    #[test]
    fn blanks_of_more_bytes_than_places_have_room() {
        let mut table = Table::new(["Tên", "Ghi chú"]);
        table.row(["\u{a0}An", "\u{3000}dán từ Word, dài hơn bề rộng của cửa sổ"]);
        for line in table.render(Some(20)).lines() {
            assert!(line.width() <= 20, "{line:?}");
        }
    }

    #[test]
    fn what_does_not_fit_beside_goes_below_and_codes_stay_whole() {
        let id = "01a201b2-c3ad-71e3-9446-07277d1b9c76";
        let mut table = Table::new(["Thời điểm", "Hệ thống", "ms", "Loại", "Mã giao dịch"]);
        table.row(["2026-11-22 12:20:22.445", "mot-cua", "0", "token", id]);
        table.row(["2026-11-22 12:20:22.456", "mot-cua", "7", "–", id]);
        let expected = concat!(
            "Thời điểm                Hệ thống  ms\n",
            "───────────────────────  ────────  ──\n",
            "2026-11-22 12:20:22.445  mot-cua    0\n",
            "      Loại: token\n",
            "      Mã giao dịch:\n",
            "      01a201b2-c3ad-71e3-9446-07277d1b9c76\n",
            "2026-11-22 12:20:22.456  mot-cua    7\n",
            "      Mã giao dịch:\n",
            "      01a201b2-c3ad-71e3-9446-07277d1b9c76\n",
        );
        assert_eq!(table.render(Some(43)), expected);
        assert_eq!(table.render(None).lines().count(), 4, "wide: one line a row");
    }

    #[test]
    fn no_line_is_wider_than_asked_while_words_are_shorter() {
        let words = ["một", "hai", "mười lăm", "a|b|c|d|e|f", "1,2,3,4", "·", "x"];
        for width in 20..=100 {
            for columns in 1..=9_usize {
                let mut table = Table::new((0..columns).map(|at| format!("C{at}")));
                for row in 0..7 {
                    table.row((0..columns).map(|column| {
                        let cell = (0..row * column).map(|n| words[(n + row) % words.len()]);
                        cell.collect::<Vec<_>>().join(" ")
                    }));
                }
                for line in table.render(Some(width)).lines() {
                    assert!(line.width() <= width, "{width}, {columns}: {line:?}");
                }
            }
        }
    }

    #[test]
    fn lines_end_where_a_reader_expects_it() {
        for (text, width, expected) in [
            ("a b", 1, vec!["a", "b"]),
            ("  in de nt", 5, vec!["  in", "  de", "  nt"]),
            ("code 1|2|3|4", 6, vec!["code", "1|2|3|", "4"]),
            ("GET,POST,PUT", 9, vec!["GET,POST,", "PUT"]),
            ("lúc 2026-11-22 12:20", 8, vec!["lúc", "2026-11-22 12:20"]),
            ("uncuttable", 4, vec!["uncuttable"]),
            ("", 4, vec![""]),
        ] {
            assert_eq!(wrap(text, width), expected, "{text:?} in {width}");
        }
    }
}
