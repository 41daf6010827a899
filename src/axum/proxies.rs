//! The client's address behind proxies that one trusts.

use std::net::{IpAddr, Ipv6Addr};

use ::axum::http::HeaderMap;

use crate::error::Broken;

/// The proxies in front of the server, and the one header by which they tell the client's address. A header is
/// believed only when the peer is one of them, and only up to the first hop that is not (CVE-2026-45364,
/// CVE-2026-24000).
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    header: &'static str,
}

impl TrustedProxies {
    /// None: the peer is the client, and no header is looked at.
    #[must_use]
    pub const fn none() -> Self {
        Self { networks: Vec::new(), header: "" }
    }

    /// Proxies in these networks (`10.0.0.0/8`, `fd00::/8`, `192.0.2.7`), which append to `X-Forwarded-For`.
    ///
    /// # Errors
    /// [`Broken::Misuse`] for a text that is no network.
    pub fn x_forwarded_for(networks: &[&str]) -> Result<Self, Broken> {
        Self::new(networks, "x-forwarded-for")
    }

    /// Proxies in these networks, which append to `Forwarded` (RFC 7239).
    ///
    /// # Errors
    /// [`Broken::Misuse`] for a text that is no network.
    pub fn forwarded(networks: &[&str]) -> Result<Self, Broken> {
        Self::new(networks, "forwarded")
    }

    fn new(networks: &[&str], header: &'static str) -> Result<Self, Broken> {
        let networks = networks.iter().map(|text| Network::parse(text)).collect::<Option<_>>();
        let networks =
            networks.ok_or(Broken::Misuse("a trusted proxy is an address or a network: 10.0.0.0/8"))?;
        Ok(Self { networks, header })
    }

    /// The rightmost hop that is no trusted proxy. A hop that is no address ends the search at the proxy that told
    /// of it: what stands to its left is nobody's word.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        // One list over all lines of the header (RFC 9110 section 5.3), read from its end. As bytes: what a client wrote
        // that is no text must not hide what the proxy has put behind it.
        let lines = headers.get_all(self.header).iter();
        let hops: Vec<&[u8]> = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).collect();
        for hop in hops.iter().rev().take(MOST_HOPS) {
            let hop = std::str::from_utf8(hop).ok();
            let hop = match self.header {
                "forwarded" => hop.and_then(forwarded_for),
                _ => hop,
            };
            let Some(address) = hop.and_then(address) else { return client };
            client = address;
            if !self.trusts(client) {
                return client;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.holds(address))
    }
}

#[derive(Clone, Copy, Debug)]
struct Network {
    // IPv4 in its IPv6-mapped form, so that both are one case.
    bits: u128,
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (most, shift) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let prefix = prefix.unwrap_or(most);
        (prefix <= most).then(|| Self { bits: bits(address), prefix: prefix + shift })
    }

    fn holds(self, address: IpAddr) -> bool {
        let apart = self.bits ^ bits(address);
        // A shift by all 128 bits is none that the operator knows.
        self.prefix == 0 || apart >> (128 - self.prefix) == 0
    }
}

fn bits(address: IpAddr) -> u128 {
    let v6: Ipv6Addr = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    v6.to_bits()
}

// One element of RFC 7239: `for=192.0.2.60;proto=http;by=203.0.113.43`, `for="[2001:db8::1]:4711"`.
fn forwarded_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

// With or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

const MOST_HOPS: usize = 32;
