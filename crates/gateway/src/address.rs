//! Who calls: the socket's peer, or whom trusted proxies vouch for.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::FORWARDED;
use registry::network::Network;

#[cfg(test)]
mod tests;

/// The right-most address that is not a trusted proxy's: what stands left of it anyone may have
/// written. `X-Forwarded-For` is read, or `Forwarded` (RFC 7239) where that is absent.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if trusted.is_empty() || !is_trusted(peer) {
        return peer;
    }
    let mut last = peer;
    for claimed in claims(headers).into_iter().rev() {
        let Some(address) = claimed else { return last };
        if !is_trusted(address) {
            return address;
        }
        last = address;
    }
    last
}

/// The addresses in the order written; `None` for one that cannot be read.
fn claims(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let list = |name: &str| -> Vec<&str> {
        let values = headers.get_all(name).iter();
        values.flat_map(|value| value.to_str().unwrap_or("?").split(',')).collect()
    };
    let plain = list("x-forwarded-for");
    if !plain.is_empty() {
        return plain.into_iter().map(read).collect();
    }
    list(FORWARDED.as_str()).into_iter().map(|hop| node(hop).and_then(read)).collect()
}

/// The `for` parameter of one element of `Forwarded`.
fn node(hop: &str) -> Option<&str> {
    let mut pairs = hop.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    Some(value.trim().trim_matches('"'))
}

/// An address, with or without brackets and port.
fn read(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}
