//! Networks from which a system may call (CIDR, IPv4 and IPv6).

use std::net::IpAddr;

/// One network; a single address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(ipnet::IpNet);

impl Network {
    /// Reads `10.1.0.0/16`, `2001:db8::/32` or a single address. Host bits must be zero, so that
    /// what is written is what is meant.
    pub fn parse(text: &str) -> Option<Network> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Network(ipnet::IpNet::from(address)));
        }
        let network: ipnet::IpNet = text.parse().ok()?;
        (network.trunc() == network).then_some(Network(network))
    }

    /// Does `address` lie in it? An IPv4 address mapped into IPv6 counts as itself.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
