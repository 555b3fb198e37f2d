//! The address of a service that is spoken to by HTTP: `http://host[:port][/path]`, or `https://…`.

use std::{fmt, net::IpAddr};

use axum::http::Uri;

/// An `http://` or `https://` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    uri: Uri,
    host: String,
    port: u16,
    is_https: bool,
}

impl Address {
    /// Reads one.
    ///
    /// # Errors
    /// A sentence about it, without its subject: `names no host`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("is no address: {error}"))?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("must begin with https:// (or http://)".to_owned()),
        };
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        if authority.contains('@') {
            return Err("must not have a user or a password in it".to_owned());
        }
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        if host.is_empty() {
            return Err("names no host".to_owned());
        }
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self { uri, host, port, is_https })
    }

    /// The host's name or address, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether who answers has to prove who they are.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether nobody in between could answer in its place, or read along.
    pub fn is_private(&self) -> bool {
        let is_loopback = |host: &str| host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        self.is_https || self.host == "localhost" || is_loopback(&self.host)
    }

    /// What a request's `Host` header says.
    pub fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// What a request asks for.
    pub fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }
}

/// An address as it may be shown, whatever somebody wrote into it: without a user, a password, and what is asked for.
pub fn shown(text: &str) -> String {
    // A password may hold everything, another `@` included.
    let (before, rest) = text.rsplit_once('@').map_or(("", text), |(user, rest)| (scheme(user), rest));
    let hidden = if rest.len() == text.len() { "" } else { "…@" };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
    format!("{before}{hidden}{rest}{query}")
}

/// `https://` of `https://me:secret`.
fn scheme(text: &str) -> &str {
    text.find("//").map_or("", |at| &text[..at + 2])
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.uri, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_has_no_secrets() {
        for (text, expected) in [
            ("https://host:1/path", "https://host:1/path"),
            ("http://me:se@c/r?et@host:1/path", "http://…@host:1/path"),
            ("me:secret@host", "…@host"),
            ("http://host/?key=secret", "http://host/?…"),
            ("", ""),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn an_address_has_a_scheme_a_host_and_a_port() {
        let address = Address::parse("https://id.example/realms/x/keys?v=1").unwrap();
        assert_eq!((address.host(), address.port(), address.is_https()), ("id.example", 443, true));
        assert_eq!((address.authority(), address.path()), ("id.example", "/realms/x/keys?v=1"));
        let local = Address::parse("http://[::1]:8080").unwrap();
        assert_eq!((local.host(), local.port(), local.path()), ("::1", 8080, "/"));
        assert!(local.is_private() && Address::parse("http://127.0.0.1/k").unwrap().is_private());
        assert!(!Address::parse("http://id.example/k").unwrap().is_private());
        for bad in ["", "id.example", "ftp://id.example/", "https://u:p@id.example/", "https:///x", "/keys"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
