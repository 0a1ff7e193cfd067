//! Which packet and version a table file is about, also of a file that is not whole.

use std::sync::Arc;

use toml::de::DeTable;

/// The packet and the version at the head of a table file, as far as they can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The packet; `None`: it cannot be read, so it may be any.
    pub packet: Option<Arc<str>>,
    /// The version; `None`: it cannot be read, so it may be any.
    pub version: Option<Arc<str>>,
}

impl Claim {
    /// The claim of a file, whatever is wrong with the rest of it.
    pub fn of(text: &str) -> Claim {
        let (root, _) = DeTable::parse_recoverable(text);
        let read = |key: &str| {
            let value = root.get_ref().get(key)?;
            // A text without its closing quote may be the beginning of another name.
            let written = text.get(value.span()).filter(|text| text.len() > 2)?;
            let is_whole =
                ['"', '\''].iter().any(|q| written.starts_with(*q) && written.ends_with(*q));
            let value = value.get_ref().as_str().filter(|value| !value.trim().is_empty())?;
            is_whole.then(|| Arc::from(value))
        };
        Claim { packet: read("packet"), version: read("version") }
    }

    /// May the file be about this packet (in any case) and this version?
    pub fn covers(&self, packet: &str, version: &str) -> bool {
        self.packet.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(packet))
            && self.version.as_deref().is_none_or(|own| own == version)
    }
}
