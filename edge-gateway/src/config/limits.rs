//! What clients may cost, and what the gateway believes of where they come from.
//!
//! Each limit has an answer of its own, listed in docs/security.md. A rate of 0 is no limit; a count can't be 0.

use std::{net::IpAddr, ops::RangeInclusive};

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use runtime::config::Invalid;

/// Which header names a client behind a proxy. One only: a proxy that writes the one passes on what a client wrote into the
/// other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// What clients may cost.
#[derive(Debug, Clone, Args)]
pub struct Limits {
    /// The largest head of a request: its address and headers, in bytes. 1024 to 65536; more is 431.
    #[arg(long, env = "GATEWAY_MAX_HEAD", default_value_t = 16 * 1024, value_name = "BYTES")]
    pub max_head: usize,

    /// How many headers a request may have. 8 to 100; more is 431.
    #[arg(long, env = "GATEWAY_MAX_HEADERS", default_value_t = 64, value_name = "COUNT")]
    pub max_headers: usize,

    /// How many connections clients may have open in all, sockets included. More are answered 503 and closed.
    #[arg(long, env = "GATEWAY_MAX_CONNECTIONS", default_value_t = 65_536, value_name = "COUNT")]
    pub max_connections: usize,

    /// How many connections one address may have open, sockets included; an IPv6 address stands for its /64. More are answered
    /// 429 and closed. Trusted proxies have no such limit.
    #[arg(long, env = "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 1_000, value_name = "COUNT")]
    pub max_connections_per_address: usize,

    /// How many sockets may be open in all. Fewer than connections, so that requests have room. More are 503.
    #[arg(long, env = "GATEWAY_MAX_SOCKETS", default_value_t = 60_000, value_name = "COUNT")]
    pub max_sockets: usize,

    /// How many sockets the clients of one address may have open, also behind trusted proxies. More are 429.
    #[arg(long, env = "GATEWAY_MAX_SOCKETS_PER_ADDRESS", default_value_t = 1_000, value_name = "COUNT")]
    pub max_sockets_per_address: usize,

    /// How many sockets may be one player's. More are refused with `RATE_LIMITED`.
    #[arg(long, env = "GATEWAY_MAX_SOCKETS_PER_PLAYER", default_value_t = 8, value_name = "COUNT")]
    pub max_sockets_per_player: usize,

    /// How many messages of a socket are read in a second, pings included; twice as many at once. More wait unread. 0: no
    /// limit.
    #[arg(long, env = "GATEWAY_MESSAGES_PER_SOCKET", default_value_t = 20, value_name = "PER_SECOND")]
    pub messages_per_socket: u32,

    /// How many requests, and actions on sockets, one address may send in a second; five times as many at once. An IPv6
    /// address stands for its /64. More are 429. 0: no limit.
    #[arg(long, env = "GATEWAY_REQUESTS_PER_ADDRESS", default_value_t = 100, value_name = "PER_SECOND")]
    pub requests_per_address: u32,

    /// How many requests, and actions on sockets, one player may send in a second; five times as many at once. Where client
    /// player ids are trusted, only an enqueue names its player, the first member. More are 429. 0: no limit.
    #[arg(long, env = "GATEWAY_REQUESTS_PER_PLAYER", default_value_t = 10, value_name = "PER_SECOND")]
    pub requests_per_player: u32,

    /// How many requests may be under way in all, those included that wait for a status. More are 503.
    #[arg(long, env = "GATEWAY_MAX_REQUESTS", default_value_t = 10_000, value_name = "COUNT")]
    pub max_requests: usize,

    /// How many calls for clients may wait for the control plane. More are 503. Enqueues get three quarters of them, so that
    /// tickets can be read and cancelled when more enqueue than can be taken. 4 or more.
    #[arg(long, env = "GATEWAY_MAX_CALLS", default_value_t = 1_024, value_name = "COUNT")]
    pub max_calls: usize,

    /// The proxies that are believed about who their clients are: addresses and networks, as `10.0.0.0/8`. Repeat it, or
    /// separate by commas. What anybody else says about that is ignored.
    #[arg(
        long,
        env = "GATEWAY_TRUSTED_PROXIES",
        value_name = "NETWORK",
        value_delimiter = ',',
        value_parser = network
    )]
    pub trusted_proxies: Vec<IpNet>,

    /// The header in which trusted proxies name their clients; the other one is ignored.
    #[arg(long, env = "GATEWAY_FORWARDED_HEADER", value_enum, default_value = "x-forwarded-for")]
    pub forwarded_header: ForwardedHeader,

    /// Addresses and networks that the limits for each address leave alone. This machine's by default: behind a proxy on
    /// it that is not trusted, all clients would be one.
    #[arg(
        long,
        env = "GATEWAY_UNCOUNTED_ADDRESSES",
        value_name = "NETWORK",
        value_delimiter = ',',
        value_parser = network,
        default_value = "127.0.0.0/8,::1/128"
    )]
    pub uncounted_addresses: Vec<IpNet>,

    /// The origins whose pages may use this gateway from browsers, as `https://game.example`, beside its own. Repeat it, or
    /// separate by commas; `*` alone is any. Where client player ids are trusted on a loopback address, pages of this
    /// machine may too.
    #[arg(long, env = "GATEWAY_ALLOWED_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    pub allowed_origins: Vec<String>,
}

impl Limits {
    /// Refuses limits that can't work.
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        const COUNT: RangeInclusive<usize> = 1..=10_000_000;
        for (setting, value, range) in [
            ("max_head", self.max_head, 1024..=64 * 1024),
            ("max_headers", self.max_headers, 8..=100),
            ("max_connections", self.max_connections, COUNT),
            ("max_connections_per_address", self.max_connections_per_address, COUNT),
            ("max_sockets", self.max_sockets, COUNT),
            ("max_sockets_per_address", self.max_sockets_per_address, COUNT),
            ("max_sockets_per_player", self.max_sockets_per_player, COUNT),
            ("max_requests", self.max_requests, COUNT),
            ("max_calls", self.max_calls, 4..=10_000_000),
        ] {
            if !range.contains(&value) {
                let message = format!("must be {} to {}", range.start(), range.end());
                return Err(Invalid::new(setting, message));
            }
        }
        let any = self.allowed_origins.iter().any(|origin| origin == "*");
        if any && self.allowed_origins.len() > 1 {
            return Err(Invalid::new("allowed_origins", "is `*`, or a list of origins, not both"));
        }
        match self.allowed_origins.iter().find(|origin| *origin != "*" && !is_origin(origin)) {
            Some(wrong) => Err(Invalid::new(
                "allowed_origins",
                format!("`{wrong}` is no origin; write it without a path, for example https://game.example"),
            )),
            None => Ok(()),
        }
    }
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let parsed = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    parsed.ok_or_else(|| "is no network; write an address or a range, for example 10.0.0.0/8".to_owned())
}

/// A scheme and an authority, and nothing after them.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let is_name = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    is_name(scheme, "+-.") && is_name(authority, ".-_:[]")
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    #[test]
    fn a_limit_that_cannot_work_is_named() {
        for (flags, setting) in [
            (["--max-head", "100"], "max_head"),
            (["--max-headers", "101"], "max_headers"),
            (["--max-connections", "0"], "max_connections"),
            (["--max-sockets-per-player", "0"], "max_sockets_per_player"),
            (["--max-calls", "3"], "max_calls"),
            (["--allowed-origins", "game.example"], "allowed_origins"),
            (["--allowed-origins", "https://game.example/"], "allowed_origins"),
            (["--allowed-origins", "*,https://game.example"], "allowed_origins"),
            (["--allowed-origins", "https://*.example"], "allowed_origins"),
            (["--allowed-origins", "null"], "allowed_origins"),
        ] {
            let config: Config = runtime::config::defaults(&flags);
            assert_eq!(config.validate().unwrap_err().setting, setting, "{flags:?}");
        }
    }

    #[test]
    fn networks_and_origins_are_lists() {
        let flags = [
            "--trusted-proxies",
            "10.0.0.0/8,192.0.2.7",
            "--trusted-proxies",
            "2001:db8::/32",
            "--allowed-origins",
            "https://game.example,http://localhost:5173",
        ];
        let config: Config = runtime::config::defaults(&flags);
        config.validate().unwrap();
        assert_eq!(config.limits.trusted_proxies.len(), 3);
        assert_eq!(config.limits.trusted_proxies[1], "192.0.2.7/32".parse().unwrap());
        assert_eq!(config.limits.allowed_origins.len(), 2);
        assert_eq!(config.limits.uncounted_addresses.len(), 2, "this machine's");
    }
}
