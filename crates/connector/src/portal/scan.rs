//! Where the parts of a JSON text stand: spans only, nothing is built and nothing checked, so that
//! a value can be replaced and all other bytes stay as they were sent.

use std::ops::Range;

/// One member of an object.
pub(super) struct Member {
    /// Its name with the quotes.
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Reads on from a place in a JSON text. Not recursive: depth costs nothing.
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8], at: usize) -> Cursor<'a> {
        Cursor { text, at }
    }

    /// Where it stands.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// The next byte that is not space; `None` at the end.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n'))?;
        Some(self.text[self.at])
    }

    /// Steps over this byte; `None` when another one stands there.
    pub(super) fn step(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Steps into an object or array that begins with `open` and calls `each` at each of its
    /// entries until that answers `None`; `each` reads the entry. `None` when it does not end.
    pub(super) fn enter(
        &mut self,
        (open, close): (u8, u8),
        mut each: impl FnMut(&mut Cursor<'a>) -> Option<()>,
    ) -> Option<()> {
        self.step(open)?;
        if self.peek()? == close {
            return self.step(close);
        }
        loop {
            each(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                byte if byte == close => return self.step(close),
                _ => return None,
            }
        }
    }

    /// The name of a member, up to its value.
    pub(super) fn name(&mut self) -> Option<Range<usize>> {
        let name = self.string()?;
        self.step(b':')?;
        Some(name)
    }

    /// A value of any kind.
    pub(super) fn value(&mut self) -> Option<Range<usize>> {
        let from = match self.peek()? {
            b'"' => return self.string(),
            b'{' | b'[' => self.at,
            _ => return self.word(),
        };
        let mut depth = 0_usize;
        loop {
            let rest = self.text.get(self.at..)?;
            self.at += rest.iter().position(|b| matches!(b, b'"' | b'{' | b'[' | b'}' | b']'))?;
            match self.text[self.at] {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                _ => depth -= 1,
            }
            self.at += 1;
            if depth == 0 {
                return Some(from..self.at);
            }
        }
    }

    fn string(&mut self) -> Option<Range<usize>> {
        (self.peek()? == b'"').then_some(())?;
        let from = self.at;
        self.at += 1;
        loop {
            self.at += memchr::memchr2(b'"', b'\\', self.text.get(self.at..)?)?;
            if self.text[self.at] == b'"' {
                self.at += 1;
                return Some(from..self.at);
            }
            self.at += 2;
        }
    }

    /// A number, `true`, `false`, `null`.
    fn word(&mut self) -> Option<Range<usize>> {
        let from = self.at;
        let rest = self.text.get(from..)?;
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
        let length = rest.iter().position(|b| !is_word(b)).unwrap_or(rest.len());
        self.at += length;
        (length > 0).then_some(from..self.at)
    }
}

/// The members of the object that begins at `at`, as far as `each` wants to see them.
pub(super) fn members(
    text: &[u8],
    at: usize,
    mut each: impl FnMut(Member) -> Option<()>,
) -> Option<()> {
    Cursor::new(text, at).enter((b'{', b'}'), |cursor| {
        let name = cursor.name()?;
        each(Member { name, value: cursor.value()? })
    })
}

/// Is this the name, in any case? `written` has its quotes and may be escaped.
pub(super) fn is_name(written: &[u8], name: &str) -> bool {
    let bare = bare(written);
    if bare.len() > name.len() && bare.contains(&b'\\') {
        return text_of(written).is_some_and(|text| text.eq_ignore_ascii_case(name));
    }
    bare.eq_ignore_ascii_case(name.as_bytes())
}

/// A JSON string without its quotes.
pub(super) fn bare(written: &[u8]) -> &[u8] {
    &written[1..written.len() - 1]
}

/// The text of a JSON string; of any other value as it is written.
pub(super) fn text_of(value: &[u8]) -> Option<String> {
    if value.starts_with(b"\"") {
        serde_json::from_slice(value).ok()
    } else {
        std::str::from_utf8(value).ok().map(str::to_owned)
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).unwrap_or_default()
}
