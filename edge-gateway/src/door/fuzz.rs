//! Part of the fuzz targets: see [`crate::fuzz`].

use std::{net::IpAddr, sync::OnceLock};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::Addresses;
use crate::config::Config;

/// A proxy that is trusted, and what it saw.
const PROXY: &str = "10.0.0.1";
const CLIENT: &str = "198.51.100.1";

/// What a client writes into the headers in which proxies say who is behind them, each line a header.
pub fn forwarded_for(data: &[u8]) {
    static BOTH: OnceLock<[(HeaderName, Addresses); 2]> = OnceLock::new();
    let both = BOTH.get_or_init(|| {
        ["x-forwarded-for", "forwarded"].map(|name| {
            let flags = ["--trusted-proxies", "10.0.0.0/8,2001:db8:aaaa::/48", "--forwarded-header", name];
            let config: Config = runtime::config::defaults(&flags);
            (HeaderName::from_static(name), Addresses::new(&config.limits))
        })
    });
    let [proxy, client] = [PROXY, CLIENT].map(|text| text.parse::<IpAddr>().expect("an address"));
    for (name, addresses) in both {
        let lines = data.split(|byte| *byte == b'\n').take(64);
        let mut headers: HeaderMap =
            lines.filter_map(|line| Some((name.clone(), HeaderValue::from_bytes(line).ok()?))).collect();
        let node = if name == "forwarded" { format!("for={CLIENT}") } else { CLIENT.to_owned() };

        // Who is no proxy can write what they like.
        assert_eq!(addresses.client(Some(client), &headers).key, addresses.key_of_peer(client));
        // What a proxy adds counts, in a line of its own or at the end of the client's last.
        let last = headers.get_all(name).iter().next_back();
        let appended = last.map(|last| [last.as_bytes(), b", ", node.as_bytes()].concat());
        let others: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
        headers.append(name.clone(), HeaderValue::from_str(&node).expect("an address is visible"));
        assert_eq!(addresses.client(Some(proxy), &headers).key, addresses.key_of_peer(client));
        if let Some(appended) = appended.and_then(|line| HeaderValue::from_bytes(&line).ok()) {
            let before = others.len() - 1;
            let lines = others.into_iter().take(before).chain([appended]);
            let headers: HeaderMap = lines.map(|line| (name.clone(), line)).collect();
            let found = addresses.client(Some(proxy), &headers).key;
            assert_eq!(found, addresses.key_of_peer(client), "{headers:?}");
        }
    }
}
