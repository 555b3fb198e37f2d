//! The guard before a load test: this machine, or a host that was named on purpose.

use anyhow::{Context as _, ensure};
use reqwest::Url;

/// Fails where `url` leads to another machine: a load test against the wrong host is a bad day.
pub(crate) async fn check_loopback(url: &Url, flag: &str) -> anyhow::Result<()> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(80);
    let addresses: Vec<_> = tokio::net::lookup_host((host, port))
        .await
        .with_context(|| format!("can't find the host {host}"))?
        .collect();
    ensure!(!addresses.is_empty(), "the host {host} has no address");
    let remote = addresses.iter().find(|address| !address.ip().is_loopback());
    if let Some(remote) = remote {
        anyhow::bail!(
            "{host} ({}) is another machine; repeat with {flag} if you may put it under load",
            remote.ip()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_this_machine_passes_unasked() {
        for (url, passes) in
            [("http://127.0.0.1:3000", true), ("http://[::1]:3000", true), ("http://192.0.2.1", false)]
        {
            let checked = check_loopback(&Url::parse(url).unwrap(), "--yes-remote").await;
            assert_eq!(checked.is_ok(), passes, "{url}: {checked:?}");
        }
    }
}
