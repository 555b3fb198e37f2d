//! Where a client is, as far as that can be believed.
//!
//! The other end of a connection can't be made up. What a header says can, so it is read only where the other end is a trusted
//! proxy, from the right, where that proxy wrote, to the left, and only as far as each writer was a trusted proxy itself.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};
use ipnet::IpNet;

use crate::config::{ForwardedHeader, Limits};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// More proxies than this are behind no request.
const MAX_HOPS: usize = 16;

/// What the limits for each address count by: an IPv4 address, or the /64 of an IPv6 address, which is what one
/// customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AddressKey(IpAddr);

/// Who sent a request, as an address. An extension of each request that was let in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    /// What it is counted by; nothing where its address has no limits.
    pub(crate) key: Option<AddressKey>,
}

/// What the operator says about addresses.
pub(crate) struct Addresses {
    trusted: Vec<IpNet>,
    uncounted: Vec<IpNet>,
    header: ForwardedHeader,
    // Said once: each request would say it again.
    has_warned: AtomicBool,
}

impl AddressKey {
    fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V6(ip) => Self(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into()),
            v4 => Self(v4),
        }
    }
}

impl Addresses {
    /// As configured.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            trusted: limits.trusted_proxies.clone(),
            uncounted: limits.uncounted_addresses.clone(),
            header: limits.forwarded_header,
            has_warned: AtomicBool::default(),
        }
    }

    /// By what a connection is counted: not where it is a trusted proxy's, which speaks for many.
    pub(crate) fn key_of_peer(&self, peer: IpAddr) -> Option<AddressKey> {
        if contains(&self.trusted, peer) { None } else { self.key(peer) }
    }

    /// Who sent a request that came over a connection from `peer`.
    pub(crate) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Client {
        let Some(peer) = peer else { return Client { key: None } };
        if contains(&self.trusted, peer) {
            return Client { key: self.key(self.behind(peer, headers)) };
        }
        let key = self.key(peer);
        if key.is_none() && headers.contains_key(self.header_name()) {
            self.warn_once();
        }
        Client { key }
    }

    fn key(&self, ip: IpAddr) -> Option<AddressKey> {
        (!contains(&self.uncounted, ip)).then(|| AddressKey::of(ip))
    }

    /// Who is behind a trusted proxy: the last address that no trusted proxy has.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        // As bytes: a line is the client's and the proxies' together, and must not be lost for what the client put into it.
        let lines: Vec<&[u8]> =
            headers.get_all(self.header_name()).iter().map(HeaderValue::as_bytes).collect();
        let mut client = peer;
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b',')).take(MAX_HOPS) {
            // What can't be read says nothing, and nor does what was written before it.
            let Some(ip) = self.read(hop) else { break };
            client = ip;
            if !contains(&self.trusted, ip) {
                break;
            }
        }
        client
    }

    fn read(&self, hop: &[u8]) -> Option<IpAddr> {
        let hop = std::str::from_utf8(hop).ok()?;
        let node = match self.header {
            ForwardedHeader::XForwardedFor => hop.trim(),
            ForwardedHeader::Forwarded => hop.split(';').find_map(|pair| {
                let (name, value) = pair.trim().split_once('=')?;
                name.eq_ignore_ascii_case("for").then(|| value.trim_matches('"'))
            })?,
        };
        let bare = node.strip_prefix('[').and_then(|node| node.strip_suffix(']')).unwrap_or(node);
        let ip = bare.parse().ok().or_else(|| node.parse().ok().map(|addr: SocketAddr| addr.ip()))?;
        Some(IpAddr::to_canonical(&ip))
    }

    fn header_name(&self) -> HeaderName {
        match self.header {
            ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardedHeader::Forwarded => header::FORWARDED,
        }
    }

    fn warn_once(&self) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "requests come through a proxy on an address that no limit counts; name it in trusted_proxies, so that \
                 its clients are counted by theirs"
            );
        }
    }
}

fn contains(networks: &[IpNet], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    networks.iter().any(|network| network.contains(&ip))
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self { key: None }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn addresses(flags: &[&str]) -> Addresses {
        let config: Config = runtime::config::defaults(flags);
        Addresses::new(&config.limits)
    }

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), line.parse().unwrap())).collect()
    }

    fn key(ip: &str) -> Option<AddressKey> {
        Some(AddressKey(ip.parse().unwrap()))
    }

    #[test]
    fn only_what_a_trusted_proxy_wrote_is_believed() {
        let addresses = addresses(&["--trusted-proxies", "10.0.0.0/8,2001:db8:aaaa::/48"]);
        for (peer, lines, client) in [
            ("203.0.113.5", &["198.51.100.1"][..], "203.0.113.5"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1,10.0.0.7"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, ,10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["[2001:db8::1]:443"], "2001:db8::"),
            ("2001:db8:aaaa::9", &["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::"),
        ] {
            let headers = headers(&X_FORWARDED_FOR, lines);
            let found = addresses.client(Some(peer.parse().unwrap()), &headers);
            assert_eq!(found.key, key(client), "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_line_is_not_lost_for_what_a_client_put_into_it() {
        let addresses = addresses(&["--trusted-proxies", "10.0.0.0/8"]);
        let lines: [&[u8]; 2] = [b"1.1.1.1", b"\xff, 198.51.100.1"];
        let lines = lines.map(|line| (X_FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap()));
        let found = addresses.client("10.0.0.1".parse().ok(), &HeaderMap::from_iter(lines));
        assert_eq!(found.key, key("198.51.100.1"));
    }

    #[test]
    fn the_standard_header_is_read_where_it_is_the_one() {
        let flags = ["--trusted-proxies", "10.0.0.0/8", "--forwarded-header", "forwarded"];
        let addresses = addresses(&flags);
        for (line, client) in [
            ("for=198.51.100.1;proto=https", "198.51.100.1"),
            ("for=1.1.1.1, For=\"198.51.100.1:80\";by=10.0.0.1", "198.51.100.1"),
            ("proto=https; for=\"[2001:db8:1:2::9]:80\"", "2001:db8:1:2::"),
            ("for=\"1.1.1.1, for=198.51.100.1", "198.51.100.1"),
            ("for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            let headers = headers(&header::FORWARDED, &[line]);
            let found = addresses.client("10.0.0.1".parse().ok(), &headers);
            assert_eq!(found.key, key(client), "{line}");
        }
        let other = headers(&X_FORWARDED_FOR, &["198.51.100.1"]);
        assert_eq!(addresses.client("10.0.0.1".parse().ok(), &other).key, key("10.0.0.1"));
    }

    #[test]
    fn a_64_is_one_client_and_this_machine_is_none() {
        let addresses = addresses(&[]);
        let key = |ip: &str| addresses.key_of_peer(ip.parse().unwrap());
        assert_eq!(key("2001:db8:1:2:3::1"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert!(key("127.0.0.1").is_none() && key("::1").is_none() && key("::ffff:127.0.0.1").is_none());
        assert!(key("203.0.113.5").is_some());
    }

    #[test]
    fn a_header_without_end_is_not_read_to_its_end() {
        let addresses = addresses(&["--trusted-proxies", "10.0.0.0/8"]);
        let line = vec!["10.0.0.2"; 1000].join(",");
        let found = addresses.client("10.0.0.1".parse().ok(), &headers(&X_FORWARDED_FOR, &[&line]));
        assert_eq!(found.key, key("10.0.0.2"));
    }
}
