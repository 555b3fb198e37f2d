//! One entry of a list of addresses, as it is written: `http://host:port`, or `https://host:port` for TLS.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::http::Uri;

use crate::{address::shown, config::Invalid};

/// A host, by name or by address, and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Without the brackets of an IPv6 address.
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    /// Host and port as they were written, for whoever routes by name.
    pub(super) authority: Arc<str>,
    pub(super) tls: bool,
}

impl Target {
    /// Its address, where it is written as one and needs no resolving.
    pub(super) fn literal(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.host.parse().ok()?;
        Some(SocketAddr::new(ip, self.port))
    }
}

/// Reads the entries of the setting `setting`; each may itself be a list with commas.
///
/// # Errors
/// Names the first entry that can't be used, and what would be right.
pub fn parse(setting: &str, urls: &[String]) -> Result<Vec<Target>, Invalid> {
    let entries = urls.iter().flat_map(|urls| urls.split(','));
    let targets: Vec<_> = entries.map(|url| target(setting, url.trim())).collect::<Result<_, _>>()?;
    if targets.is_empty() {
        return Err(Invalid::new(setting, "is empty; give at least one URL such as http://127.0.0.1:3001"));
    }
    Ok(targets)
}

fn target(setting: &str, url: &str) -> Result<Target, Invalid> {
    let wrong = |why: &str| {
        Invalid::new(setting, format!("`{}` {why}; give a URL such as http://127.0.0.1:3001", shown(url)))
    };
    let uri: Uri = url.parse().map_err(|error| wrong(&format!("is no address: {error}")))?;
    let tls = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(wrong("does not begin with http:// or https://")),
    };
    let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
    if authority.host().is_empty() || authority.as_str().contains('@') {
        return Err(wrong("needs a host, and no user"));
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(wrong("has something behind its port: gRPC has paths of its own"));
    }
    let port = match (authority.port_u16(), authority.as_str().ends_with(authority.host())) {
        (Some(port @ 1..), _) => port,
        // As for every such URL.
        (None, true) => {
            if tls {
                443
            } else {
                80
            }
        }
        _ => return Err(wrong("has a port that is none of 1 to 65535")),
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    Ok(Target { host: host.into(), port, authority: authority.as_str().into(), tls })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(urls: &[&str]) -> Result<Vec<Target>, Invalid> {
        parse("control_plane", &urls.iter().map(|&url| url.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_list_is_repeated_or_has_commas() {
        let targets = read(&["http://cp-1:3001, http://[::1]:3002/", "http://10.0.0.1"]).unwrap();
        let read: Vec<_> = targets.iter().map(|target| (&*target.host, target.port)).collect();
        assert_eq!(read, [("cp-1", 3001), ("::1", 3002), ("10.0.0.1", 80)]);
        let literals: Vec<_> = targets.iter().map(Target::literal).collect();
        assert_eq!(
            literals,
            [None, Some("[::1]:3002".parse().unwrap()), Some("10.0.0.1:80".parse().unwrap())]
        );
        assert_eq!(&*targets[1].authority, "[::1]:3002", "as it was written");
    }

    #[test]
    fn https_has_its_own_port() {
        let targets = read(&["https://cp, https://[::1]:3002,http://cp"]).unwrap();
        let read: Vec<_> = targets.iter().map(|target| (target.tls, target.port)).collect();
        assert_eq!(read, [(true, 443), (true, 3002), (false, 80)]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (url, expected) in [
            ("ftp://cp", "`ftp://cp` does not begin with http://"),
            ("cp:3001", "`cp:3001` does not begin with http://"),
            ("http://cp/v1", "`http://cp/v1` has something behind its port"),
            ("http://cp:0", "`http://cp:0` has a port"),
            ("http://cp:70000", "`http://cp:70000`"),
            ("http://a@cp:1", "needs a host"),
            ("http://cp,", "`` is no address"),
            ("not a url", "`not a url` is no address"),
        ] {
            let error = read(&[url]).unwrap_err().to_string();
            assert!(error.starts_with("control_plane: ") && error.contains(expected), "{url}: {error}");
        }
        assert!(read(&[]).unwrap_err().to_string().contains("is empty"));
    }
}
