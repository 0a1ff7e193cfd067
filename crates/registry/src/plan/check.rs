//! Rules that hold between the fields of an entry, and between entries.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::file::entry::Entry;
use crate::file::fault::{Findings, Spot};
use crate::file::field::{is_sendable, key_missing};
use crate::file::table::Noun;
use crate::plan::Planner;
use crate::plan::state::{Held, Secret, Secrets};
use crate::stated::Stated;
use crate::version::Auth;

/// What must hold of a version as it will stand.
pub(super) fn version(entry: &Entry, after: &Stated, secrets: &Secrets, findings: &mut Findings) {
    let list = |environment| after.part("endpoints", environment).and_then(Value::as_array);
    let offered = ["trial", "live"].iter().any(|e| list(e).is_some_and(|l| !l.is_empty()));
    if after.get("endpoints").is_some() && !offered && !entry.is_wrong("endpoints") {
        key_missing(entry.spot_of("endpoints"), "endpoints.live", findings);
    }
    if !entry.is_wrong("auth") {
        auth(entry, after, secrets, findings);
    }
    if !entry.is_wrong("portal") && !entry.is_wrong("protocol") {
        portal(entry, after, findings);
    }
    let part = |name| after.part("tls", name).is_some();
    if part("certificate") != part("key") && !entry.is_wrong("tls") {
        let missing = if part("key") { "tls.certificate" } else { "tls.key" };
        key_missing(entry.spot_of("tls"), missing, findings);
    }
}

/// A parameter is declared once.
pub(super) fn parameters(entry: &Entry, after: &Stated, findings: &mut Findings) {
    let mut seen = std::collections::HashSet::new();
    let parameters = after.get("parameters").and_then(Value::as_array);
    for parameter in parameters.into_iter().flatten() {
        let text = |name| parameter.get(name).and_then(Value::as_str);
        // Where the form is wrong one of them may not be there.
        let (Some(name), Some(place)) = (text("name"), text("in")) else { continue };
        // Header names are the same in any case (RFC 9110, 5.1).
        let folded = if place == "header" { name.to_ascii_lowercase() } else { name.to_owned() };
        if !seen.insert((place, folded)) {
            let vi = format!("tham số {name} ({place}) khai báo hai lần");
            let en = format!("parameter {name} in {place} is declared twice");
            findings.fault(entry.spot_of("parameters"), "parameter_twice", vi, en);
        }
    }
}

/// A version that speaks to the portal has an account there, and no other has.
fn portal(entry: &Entry, after: &Stated, findings: &mut Findings) {
    let speaks = after.text("protocol") == Some("portal");
    if after.get("portal").is_none() {
        if speaks {
            key_missing(entry.spot_of("protocol"), "portal", findings);
        }
        return;
    }
    let spot = entry.spot_of("portal");
    if !speaks {
        let vi = "portal chỉ đi cùng protocol: portal; portal: ~ xóa nó".to_owned();
        let en = "portal goes with protocol: portal only; portal: ~ clears it".to_owned();
        findings.fault(spot, "portal_unused", vi, en);
        return;
    }
    let part = |name| after.part("portal", name);
    for (name, missing) in [("user", "portal.user"), ("secret", "portal.secret")] {
        if part(name).is_none() {
            key_missing(spot, missing, findings);
        }
    }
    let name = part("names").and_then(|names| names.get("destination")).and_then(Value::as_str);
    if let Some(name) = name.filter(|name| !is_sendable(name)) {
        let vi = format!("header {name} không dùng được cho mã đích");
        let en = format!("header {name} cannot carry a destination");
        findings.fault(spot, "header_invalid", vi, en);
    }
}

fn auth(entry: &Entry, after: &Stated, secrets: &Secrets, findings: &mut Findings) {
    if after.get("auth").is_none() {
        return;
    }
    let spot = entry.spot_of("auth");
    let part = |name| after.part("auth", name).and_then(Value::as_str);
    let Some(kind) = part("kind") else {
        return key_missing(spot, "auth.kind", findings);
    };
    if kind == "none" {
        return;
    }
    let name = part("name");
    if part("secret").is_none() {
        key_missing(spot, "auth.secret", findings);
    }
    match name {
        None if kind == "header" => key_missing(spot, "auth.name", findings),
        Some(name) if kind == "header" && !is_sendable(name) => {
            let vi = format!("header {name} không dùng được cho thông tin xác thực");
            let en = format!("header {name} cannot carry a credential");
            findings.fault(spot, "header_invalid", vi, en);
        }
        _ => {
            let text = secrets.auth.text.as_deref();
            if text.is_some_and(|text| Auth::new(kind, name, text).is_none()) {
                let vi =
                    "bí mật không gửi được trong một header (basic: cần name hoặc user:password)";
                let en = "the secret cannot be sent in a header (basic: name or user:password)";
                findings.fault(spot, "secret_unsendable", vi.to_owned(), en.to_owned());
            }
        }
    }
}

/// What must hold of a subscription as it will stand.
pub(super) fn subscription(entry: &Entry, after: &Stated, findings: &mut Findings) {
    if entry.is_wrong("from") || entry.is_wrong("until") {
        return;
    }
    if let (Some(from), Some(until)) = (after.text("from"), after.text("until"))
        && from > until
    {
        let vi = format!("from {from} sau until {until}");
        let en = format!("from {from} comes after until {until}");
        findings.fault(entry.spot_of("until"), "dates_crossed", vi, en);
    }
}

impl Planner<'_> {
    /// The secrets of a version as they will stand: what the entry mentions is looked up anew, what
    /// cannot be looked up stays if its reference is the one that stands, all else is kept.
    pub(super) fn secrets(
        &mut self,
        entry: &Entry,
        held: Option<&Held>,
        after: &Stated,
    ) -> Secrets {
        let mut secrets = held.map(|held| held.secrets.clone()).unwrap_or_default();
        let before = held.map(|held| &held.stated);
        let mentions = |field| entry.given.iter().any(|g| g.field.name == field);
        if mentions("auth") {
            let old = secrets.auth.text.clone();
            let text = self.referred(entry, before, after, ("auth", "secret"), old.as_deref());
            secrets.auth = renew(secrets.auth, text);
        }
        if mentions("portal") {
            let old = secrets.portal.text.clone();
            let text = self.referred(entry, before, after, ("portal", "secret"), old.as_deref());
            secrets.portal = renew(secrets.portal, text);
        }
        if mentions("tls") {
            let old = secrets.tls.text.as_deref().and_then(|t| serde_json::from_str(t).ok());
            let old: Map<String, Value> = old.unwrap_or_default();
            let mut parts = Map::new();
            for name in ["ca", "certificate", "key"] {
                let kept = old.get(name).and_then(Value::as_str);
                if let Some(text) = self.referred(entry, before, after, ("tls", name), kept) {
                    if !text.contains("-----BEGIN ") {
                        let vi = format!("tls.{name} không phải PEM");
                        let en = format!("tls.{name} is no PEM");
                        self.findings.fault(entry.spot_of("tls"), "pem_invalid", vi, en);
                    }
                    parts.insert(name.to_owned(), text.into());
                }
            }
            let text = (!parts.is_empty()).then(|| Value::Object(parts).to_string());
            secrets.tls = renew(secrets.tls, text);
        }
        secrets
    }

    /// The text behind the reference that stands in `part` of `field`.
    fn referred(
        &mut self,
        entry: &Entry,
        before: Option<&Stated>,
        after: &Stated,
        (field, part): (&'static str, &str),
        kept: Option<&str>,
    ) -> Option<String> {
        let reference = after.part(field, part)?.as_str()?;
        if let Some(Some(text)) = self.resolved.get(reference) {
            return Some(text.clone());
        }
        let same = before.and_then(|b| b.part(field, part)).and_then(Value::as_str);
        if same == Some(reference) && kept.is_some() {
            return kept.map(str::to_owned);
        }
        unavailable(entry.spot_of(field), reference, self.findings);
        None
    }

    /// One context + version or alias belongs to one version.
    pub(super) fn claim_routes(&mut self, entries: &[Entry]) {
        if !entries.iter().any(|e| matches!(e.noun, Noun::Service | Noun::Version)) {
            return;
        }
        self.require_versions(entries);
        let mut claims = Vec::new();
        for (service, versions) in &self.state.versions {
            let stated = self.state.services.get(service);
            let Some(context) = stated.and_then(|s| s.text("context")) else { continue };
            let of_service = self.seen.get(&(Noun::Service, service.clone())).copied();
            for (name, held) in versions {
                let key = format!("{service}/{name}");
                let spot = self.seen.get(&(Noun::Version, key.clone())).copied().or(of_service);
                for word in std::iter::once(name.as_str()).chain(held.stated.list("aliases")) {
                    claims.push((spot, format!("{context}/{word}"), key.clone()));
                }
            }
        }
        for (spot, path, owner) in contested(claims) {
            let vi = format!("đường dẫn {path} đã thuộc về {owner}");
            let en = format!("path {path} belongs to {owner} already");
            self.findings.fault(spot, "route_taken", vi, en);
        }
    }

    /// One destination belongs to one service.
    pub(super) fn claim_destinations(&mut self, entries: &[Entry]) {
        let mut spots = HashMap::new();
        for entry in entries.iter().filter(|e| e.noun == Noun::Service) {
            if let (Some(code), Some(_)) = (entry.text("code"), entry.text("destination")) {
                spots.entry(code).or_insert_with(|| entry.spot_of("destination"));
            }
        }
        if spots.is_empty() {
            return;
        }
        let claim = |(code, stated): (&String, &Stated)| {
            let destination = stated.text("destination")?.to_owned();
            Some((spots.get(code.as_str()).copied(), destination, code.clone()))
        };
        let claims = self.state.services.iter().filter_map(claim).collect();
        for (spot, destination, owner) in contested(claims) {
            let vi = format!("mã đích {destination} đã thuộc về {owner}");
            let en = format!("destination {destination} belongs to {owner} already");
            self.findings.fault(spot, "destination_taken", vi, en);
        }
    }

    /// A service has one version at least.
    fn require_versions(&mut self, entries: &[Entry]) {
        for entry in entries.iter().filter(|e| e.noun == Noun::Service) {
            let Some(code) = entry.text("code") else { continue };
            if !self.state.versions.contains_key(code) && !entry.is_wrong("versions") {
                key_missing(entry.spot, "versions", self.findings);
            }
        }
    }
}

/// What is claimed by whom and where, each claim but the first of one thing: its place, the thing,
/// who holds it.
fn contested(mut claims: Vec<(Option<Spot>, String, String)>) -> Vec<(Spot, String, String)> {
    // What stands in the database comes first, then the files in their order: the later claim is
    // the one at fault.
    claims.sort();
    let mut owners: HashMap<&str, &str> = HashMap::with_capacity(claims.len());
    let mut contested = Vec::new();
    for (spot, thing, claimant) in &claims {
        let owner = *owners.entry(thing).or_insert(claimant);
        if let Some(spot) = spot
            && owner != claimant
        {
            contested.push((*spot, thing.clone(), owner.to_owned()));
        }
    }
    contested
}

fn renew(old: Secret, text: Option<String>) -> Secret {
    Secret { changed: text != old.text, text, sealed: old.sealed }
}

/// A reference whose text cannot be had.
pub(crate) fn unavailable(spot: Spot, reference: &str, findings: &mut Findings) {
    let vi =
        format!("không đọc được {reference}: biến chưa đặt hoặc tệp không có, rỗng hay quá lớn");
    let en =
        format!("cannot read {reference}: variable not set, or file absent, empty or too large");
    findings.fault(spot, "secret_unavailable", vi, en);
}
