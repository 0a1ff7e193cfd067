//! What a request at a token endpoint claims: read tolerantly in form, strictly in meaning
//! (RFC 6749 §2.3 and §3.2), as a pure function of head and body.

use std::fmt;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::client::Claimed;
use super::refusal::Unreadable;

/// Clients in the field leave the padding away.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What was read out of a request.
#[derive(Default)]
pub(super) struct Claim {
    /// The ways to read the one pair of credentials that came: none when none came, two when a
    /// Basic header can be read with and without percent coding (RFC 6749 §2.3.1).
    pub(super) claimed: Vec<Claimed>,
    /// The grant asked for; absent counts as client credentials.
    pub(super) grant_type: Option<String>,
    /// The token to revoke or to introspect.
    pub(super) token: Option<String>,
}

/// The parameters that mean something here; each at most once. Others are ignored.
#[derive(Default)]
struct Fields {
    client_id: Option<String>,
    client_secret: Option<String>,
    grant_type: Option<String>,
    scope: Option<String>,
    token: Option<String>,
    token_type_hint: Option<String>,
    /// Read with the names of a session login: key and secret are `username` and `password`.
    login: bool,
}

impl Fields {
    /// Takes a parameter over. An empty value counts as none (RFC 6749 §3.2).
    fn take(&mut self, name: &str, value: String) -> Result<(), Unreadable> {
        let Some(field) = self.field(name) else {
            return Ok(());
        };
        if value.is_empty() {
            return Ok(());
        }
        match field.replace(value) {
            None => Ok(()),
            Some(_) => Err(Unreadable::Twice),
        }
    }

    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        if self.login {
            return match name {
                "username" => Some(&mut self.client_id),
                "password" => Some(&mut self.client_secret),
                _ => None,
            };
        }
        match name {
            "client_id" => Some(&mut self.client_id),
            "client_secret" => Some(&mut self.client_secret),
            "grant_type" => Some(&mut self.grant_type),
            "scope" => Some(&mut self.scope),
            "token" => Some(&mut self.token),
            "token_type_hint" => Some(&mut self.token_type_hint),
            _ => None,
        }
    }

    fn knows(&mut self, name: &str) -> bool {
        self.field(name).is_some()
    }
}

/// Reads head and body together.
pub(super) fn read(parts: &Parts, body: &[u8]) -> Result<Claim, Unreadable> {
    let query = parts.uri.query().unwrap_or_default();
    let query = read_form(query.as_bytes(), Fields::default())?;
    // A query stands in logs and histories on its way: no credential and no token in it.
    if query.client_id.is_some() || query.client_secret.is_some() || query.token.is_some() {
        return Err(Unreadable::InQuery);
    }
    let fields = read_body(body, Fields::default())?;
    let grant_type = match (query.grant_type, fields.grant_type) {
        (Some(one), Some(other)) if one != other => return Err(Unreadable::TwoWays),
        (one, other) => other.or(one),
    };
    let claimed = match (read_header(parts)?, fields.client_id, fields.client_secret) {
        (Some(claimed), id, None) if repeats(&claimed, id.as_deref()) => claimed,
        (Some(_), _, _) => return Err(Unreadable::TwoWays),
        (None, Some(consumer_key), Some(secret_key)) => vec![Claimed { consumer_key, secret_key }],
        (None, _, _) => Vec::new(),
    };
    Ok(Claim { claimed, grant_type, token: fields.token })
}

/// Reads a session login: `username` and `password` in the body, whatever its content type says.
pub(super) fn read_login(body: &[u8]) -> Result<Claim, Unreadable> {
    let fields = read_body(body, Fields { login: true, ..Fields::default() })?;
    let claimed = match (fields.client_id, fields.client_secret) {
        (Some(consumer_key), Some(secret_key)) => vec![Claimed { consumer_key, secret_key }],
        _ => return Err(Unreadable::Text),
    };
    Ok(Claim { claimed, ..Claim::default() })
}

/// A client id beside a Basic header is no second method when it says the same.
fn repeats(claimed: &[Claimed], id: Option<&str>) -> bool {
    id.is_none_or(|id| claimed.iter().any(|claimed| claimed.consumer_key == id))
}

/// The credentials of a Basic header (RFC 7617): `None` when there is no such header, none in it
/// when it cannot be read. Another scheme is no client authentication here.
fn read_header(parts: &Parts) -> Result<Option<Vec<Claimed>>, Unreadable> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(header) = headers.next() else {
        return Ok(None);
    };
    if headers.next().is_some() {
        return Err(Unreadable::TwoWays);
    }
    let header = header.as_bytes().trim_ascii();
    let (scheme, rest) = match header.iter().position(|b| *b == b' ') {
        Some(at) => (&header[..at], header[at..].trim_ascii()),
        None => (header, &[][..]),
    };
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return Ok(None);
    }
    Ok(Some(read_basic(rest).unwrap_or_default()))
}

fn read_basic(text: &[u8]) -> Option<Vec<Claimed>> {
    let pair = String::from_utf8(BASIC.decode(text).ok()?).ok()?;
    let (key, secret) = pair.split_once(':')?;
    let raw = Claimed { consumer_key: key.to_owned(), secret_key: secret.to_owned() };
    // RFC 6749 §2.3.1 has both halves form-encoded; most clients forget to.
    let decoded = decode(key.as_bytes()).zip(decode(secret.as_bytes()));
    let decoded = decoded.map(|(consumer_key, secret_key)| Claimed { consumer_key, secret_key });
    Some(decoded.into_iter().filter(|decoded| *decoded != raw).chain([raw.clone()]).collect())
}

/// A body is JSON when it begins like an object, else a form: the content type that clients in the
/// field declare says little. What is neither is told so, and is no guess at a secret.
fn read_body(body: &[u8], fields: Fields) -> Result<Fields, Unreadable> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Ok(fields);
    }
    if body.first() == Some(&b'{') {
        return read_json(body, fields);
    }
    if is_form(body) { read_form(body, fields) } else { Err(Unreadable::Text) }
}

/// Could it be meant as a form? Text of another kind begins as no name does; UTF-16 is full of zero
/// bytes, and what is packed has others that no text has. Line ends harm nobody.
fn is_form(body: &[u8]) -> bool {
    const OTHERS: [&[u8]; 5] = [b"<", b"[", b"\"", b"--", b"\xef\xbb\xbf"];
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    let begins = !OTHERS.iter().any(|other| body.starts_with(other));
    begins && body.contains(&b'=') && body.iter().all(is_text)
}

/// `application/x-www-form-urlencoded`; only the parameters that are known need be readable.
fn read_form(text: &[u8], mut fields: Fields) -> Result<Fields, Unreadable> {
    for pair in text.split(|b| *b == b'&') {
        let (name, value) = match pair.iter().position(|b| *b == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        };
        let Some(name) = decode(name).filter(|name| fields.knows(name)) else {
            continue;
        };
        fields.take(&name, decode(value).ok_or(Unreadable::Text)?)?;
    }
    Ok(fields)
}

/// Undoes percent coding and `+`; a `%` that begins no code stands for itself. `None` unless the
/// result is UTF-8.
fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let code = match tail {
            [high, low, ..] if *first == b'%' => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        rest = tail;
        match (first, code) {
            (_, Some((high, low))) => {
                bytes.push(high << 4 | low);
                rest = &tail[2..];
            }
            (b'+', None) => bytes.push(b' '),
            (byte, None) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn read_json(text: &[u8], fields: Fields) -> Result<Fields, Unreadable> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let fields = reader.deserialize_map(FieldsVisitor(fields)).map_err(|error| {
        let is_twice = error.to_string().starts_with(TWICE);
        if is_twice { Unreadable::Twice } else { Unreadable::Text }
    })?;
    reader.end().map_err(|_| Unreadable::Text)?;
    Ok(fields)
}

/// How a name that comes again is told through serde_json.
const TWICE: &str = "given twice";

/// Reads an object name by name: serde_json alone would let the last of two equal names win.
struct FieldsVisitor(Fields);

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of text fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let twice = || serde::de::Error::custom(TWICE);
        let mut fields = self.0;
        while let Some(name) = map.next_key::<String>()? {
            if fields.knows(&name) {
                let value = map.next_value::<Option<String>>()?.unwrap_or_default();
                fields.take(&name, value).map_err(|_| twice())?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests;
