//! Which façade a path belongs to: decided by the path alone, before anything else of a request is
//! looked at.

use std::ops::Range;

use terms::exchange::Facade;

use super::Facades;

/// A request that is not a plain call, and what its path says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The login of the session protocol, by itself or behind the adapter.
    Login(Facade),
    /// A call of the session protocol: one URL, the operation in the body.
    Portal,
    /// The national adapter's forwarding path.
    Adapter {
        /// Where the forwarded path begins: at its slash, or at the end.
        rest_at: usize,
        /// The forwarded path is the session protocol's login.
        login: bool,
        /// The forwarded path is the session protocol's one URL.
        data: bool,
    },
    /// A path per packet.
    Packet {
        /// Where its name stands.
        name: Range<usize>,
        /// It is checked only, nothing is forwarded.
        check: bool,
    },
    /// The statistics that the national portal asks for (QCV-05).
    Statistic,
}

/// First segments that no service may take and that façades stand behind.
pub(crate) const FIRST: [&str; 6] =
    ["mapi", "packets", "XrdAdapter", "VXPAdapter", "web", "thong-ke"];

impl Dialect {
    /// The façade in the journal.
    pub(crate) fn facade(&self) -> Option<Facade> {
        match self {
            Dialect::Login(facade) => Some(*facade),
            Dialect::Portal => Some(Facade::Portal),
            Dialect::Adapter { .. } => Some(Facade::Adapter),
            Dialect::Packet { .. } => Some(Facade::Packet),
            Dialect::Statistic => None,
        }
    }

    /// Which façade stands at `path`: whole segments, as the configuration names them; doubled and
    /// trailing slashes do not matter.
    pub(crate) fn find(path: &str, facades: &Facades) -> Option<Dialect> {
        if stands_at(path, &facades.login) {
            return Some(Dialect::Login(Facade::Portal));
        }
        if stands_at(path, &facades.data) {
            return Some(Dialect::Portal);
        }
        if let Some(rest_at) = adapter(path) {
            let rest = &path[rest_at..];
            let login = stands_at(rest, &facades.login);
            let data = stands_at(rest, &facades.data);
            return Some(Dialect::Adapter { rest_at, login, data });
        }
        if same("/thong-ke", path) {
            return Some(Dialect::Statistic);
        }
        let below = |prefix: &String| packet(path, prefix);
        packet(path, "/packets").or_else(|| facades.packet.iter().find_map(below))
    }
}

/// The segments of a path with their places; empty ones count for nothing.
fn segments(path: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at + path[at..].find(|c| c != '/')?;
        at = path[begin..].find('/').map_or(path.len(), |length| begin + length);
        Some(begin..at)
    })
}

pub(super) fn stands_at(path: &str, places: &[String]) -> bool {
    places.iter().any(|place| same(place, path))
}

/// Are both the same segments?
fn same(one: &str, other: &str) -> bool {
    let texts = |path| segments(path).map(move |range| &path[range]);
    texts(one).eq(texts(other))
}

/// Where the forwarded path begins behind `/XrdAdapter/RestService/forward` or its newer name, with
/// or without `/web/guest` before. Clients that join base and path badly are understood: a slash
/// that is missing after `forward`, and the two characters that one of them cuts off a base that
/// ends with a slash.
fn adapter(path: &str) -> Option<usize> {
    let mut found = segments(path);
    let mut next = || found.next().map(|range| (&path[range.clone()], range));
    let mut first = next()?.0;
    if first == "web" {
        first = if next()?.0 == "guest" { next()?.0 } else { return None };
    }
    if !matches!(first, "XrdAdapter" | "VXPAdapter") || next()?.0 != "RestService" {
        return None;
    }
    let (word, place) = next()?;
    if word != "forwar" && !word.starts_with("forward") {
        return None;
    }
    let end = place.start + word.len().min("forward".len());
    let slashes = path[end..].bytes().take_while(|b| *b == b'/').count();
    Some(end + slashes.saturating_sub(1))
}

/// `{prefix}/{name}` or `{prefix}/{name}/check`.
fn packet(path: &str, prefix: &str) -> Option<Dialect> {
    let mut found = segments(path);
    for expected in segments(prefix) {
        if path[found.next()?] != prefix[expected] {
            return None;
        }
    }
    let name = found.next()?;
    let check = match found.next() {
        None => false,
        Some(last) if &path[last.clone()] == "check" => true,
        Some(_) => return None,
    };
    (found.next().is_none() && is_name(&path[name.clone()]))
        .then_some(Dialect::Packet { name, check })
}

/// Is `text` a name as packets and services of the portal have? A personal number is none.
fn is_name(text: &str) -> bool {
    const CHARS_MAX: usize = 64;
    const DIGITS_MAX: usize = 3;
    let begins = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    begins
        && text.len() <= CHARS_MAX
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.bytes().filter(u8::is_ascii_digit).count() <= DIGITS_MAX
}

#[cfg(test)]
mod tests;
