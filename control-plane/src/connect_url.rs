//! Where players connect: `<scheme>://<host>[:port]/game/<landType>?landId=<landId>`.

use std::net::Ipv6Addr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use storage::LandId;

/// What may stand in a URL's path segment and query value as it is (RFC 3986: unreserved, and the colon of a land id).
pub(crate) const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// The part before `/game/`. The scheme is by the port where none is given, and its own port is left out.
pub(crate) fn base(scheme: Option<&str>, host: &str, port: u16) -> String {
    let scheme = scheme.unwrap_or(if port == 443 { "wss" } else { "ws" });
    // An IPv6 address stands in brackets in a URL.
    let host =
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    match (scheme, port) {
        ("ws", 80) | ("wss", 443) => format!("{scheme}://{host}"),
        _ => format!("{scheme}://{host}:{port}"),
    }
}

/// All of it.
pub(crate) fn of_land(base: &str, land_type: &str, land: &LandId) -> String {
    let land_type = utf8_percent_encode(land_type, PLAIN);
    let land = utf8_percent_encode(land.as_str(), PLAIN);
    format!("{base}/game/{land_type}?landId={land}")
}

/// Whether it can stand in a URL as it is: a name of letters, digits, `-`, `_` and dots, an IPv4 or an IPv6 address.
pub(crate) fn is_host(text: &str) -> bool {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && (bare.parse::<Ipv6Addr>().is_ok() || text.chars().all(named))
}
