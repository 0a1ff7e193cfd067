//! Rust text with its comments and literals taken apart, so that a search in code finds code: a
//! small lexer, not a parser.

/// Two texts of the same length and lines as the source.
pub struct Masked {
    /// The code: comments and the inside of literals are blanks.
    pub code: String,
    /// The inside of string literals: all else is blanks.
    pub strings: String,
}

/// A function found in the code.
#[derive(Debug, PartialEq, Eq)]
pub struct Function<'a> {
    /// Its name.
    pub name: &'a str,
    /// Byte offset of `fn`.
    pub start: usize,
    /// Byte offset of the brace that opens its body.
    pub open: usize,
    /// Byte offset of the brace that closes it.
    pub close: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Text,
}

/// Takes comments and literals apart.
pub fn mask(source: &str) -> Masked {
    let bytes = source.as_bytes();
    let mut kinds = vec![Kind::Code; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let (kind, inner, next) = token(bytes, at);
        let end = next.min(bytes.len());
        for slot in &mut kinds[inner.0.min(end)..inner.1.min(end)] {
            *slot = kind;
        }
        at = end;
    }
    let pick = |wanted: Kind| {
        let picked = bytes.iter().zip(&kinds).map(|(&byte, &kind)| match byte {
            b'\n' => b'\n',
            _ if kind == wanted => byte,
            _ => b' ',
        });
        String::from_utf8_lossy(&picked.collect::<Vec<u8>>()).into_owned()
    };
    Masked { code: pick(Kind::Code), strings: pick(Kind::Text) }
}

/// The token at `at`: its kind, the span that is not code, and where the next one begins.
fn token(bytes: &[u8], at: usize) -> (Kind, (usize, usize), usize) {
    let rest = &bytes[at..];
    let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
    let code = (Kind::Code, (at, at), at + 1);
    match rest[0] {
        b'/' if rest.starts_with(b"//") => {
            let end = at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
            (Kind::Comment, (at, end), end)
        }
        b'/' if rest.starts_with(b"/*") => {
            let end = at + block_comment(rest);
            (Kind::Comment, (at, end), end)
        }
        b'"' => {
            let length = quoted(rest, b'"');
            (Kind::Text, (at + 1, at + length - 1), at + length)
        }
        b'r' | b'b' | b'c' if !is_word(before) => raw(bytes, at).unwrap_or(code),
        b'\'' => match character(rest) {
            Some(length) => (Kind::Comment, (at + 1, at + length - 1), at + length),
            None => code,
        },
        _ => code,
    }
}

/// A raw string `r"…"`, `r#"…"#`, `br#"…"#`, if one begins here.
fn raw(bytes: &[u8], at: usize) -> Option<(Kind, (usize, usize), usize)> {
    let mut mark = at;
    if matches!(bytes[mark], b'b' | b'c') {
        mark += 1;
    }
    if bytes.get(mark) != Some(&b'r') {
        return None;
    }
    let hashes = bytes[mark + 1..].iter().take_while(|&&b| b == b'#').count();
    let start = mark + 1 + hashes;
    if bytes.get(start) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'#'; hashes + 1];
    close[0] = b'"';
    let length = bytes[start + 1..].windows(close.len()).position(|window| window == close)?;
    let end = start + 1 + length;
    Some((Kind::Text, (start + 1, end), end + close.len()))
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Length of a literal that begins and ends with `quote`.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of a character literal; `None` when the quote begins a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    let close = match rest.get(1)? {
        b'\\' => return Some(quoted(rest, b'\'')),
        // one character of one to four bytes
        _ => (2..=5).find(|&at| rest.get(at) == Some(&b'\''))?,
    };
    let inside = std::str::from_utf8(&rest[1..close]).ok()?;
    (inside.chars().count() == 1).then_some(close + 1)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Byte offsets at which the whole word `word` stands in `text`.
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = text.as_bytes();
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let end = at + word.len();
        let joined_before = at > 0 && is_word(bytes[at - 1]);
        let joined_after = end < bytes.len() && is_word(bytes[end]);
        !joined_before && !joined_after
    })
}

/// The identifier that stands at or after `at`, blanks skipped.
pub fn identifier(code: &str, at: usize) -> Option<(usize, &str)> {
    let rest = &code[at..];
    let start = at + (rest.len() - rest.trim_start().len());
    let length = code.as_bytes()[start..].iter().take_while(|&&byte| is_word(byte)).count();
    (length > 0).then(|| (start, &code[start..start + length]))
}

/// The functions with a body, in order.
pub fn functions(code: &str) -> Vec<Function<'_>> {
    words(code, "fn")
        .filter_map(|start| {
            let (at, name) = identifier(code, start + 2)?;
            let open = body(code, at + name.len())?;
            Some(Function { name, start, open, close: closing(code, open) })
        })
        .collect()
}

/// Where the body of an item opens whose head begins at `at`; `None` when `;` ends it.
fn body(code: &str, at: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, byte) in code.as_bytes().iter().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b';' if depth == 0 => return None,
            b'{' if depth == 0 => return Some(offset),
            _ => {}
        }
    }
    None
}

/// Where the brace at `open` is closed.
pub fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_i32;
    for (offset, byte) in code.as_bytes().iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return offset;
        }
    }
    code.len()
}

/// Spans of the items that follow `attribute`, as `(start, end)`: to the closing brace, or to `;`.
pub fn spans(code: &str, attribute: &str) -> Vec<(usize, usize)> {
    code.match_indices(attribute)
        .map(|(at, _)| {
            let after = at + attribute.len();
            let end = match body(code, after) {
                Some(open) => closing(code, open),
                None => code[after..].find(';').map_or(code.len(), |length| after + length),
            };
            (at, end)
        })
        .collect()
}
