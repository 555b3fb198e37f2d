//! Looks whether all ports are free before anything starts, so that the message names the flag of this command and not the
//! one of the program that would open the port.

use std::net::SocketAddr;

use anyhow::bail;
use runtime::listen::listen;

use super::Config;

/// Fails with every port that can't be opened. Another program may still take one between this look and the opening; the
/// program that opens it says so then.
pub(super) async fn check_free(config: &Config) -> anyhow::Result<()> {
    let mut ports = vec![
        (config.gateway_addr, "the gateway", "--gateway-addr"),
        (config.internal_addr, "the gateway's internal listener", "--internal-addr"),
        (config.control_plane_addr, "the control plane", "--control-plane-addr"),
    ];
    let servers = config.server_addrs.iter().map(|addr| (*addr, "a demo game server", "--server-addrs"));
    let agents = config.agent_addrs.iter().map(|addr| (*addr, "an agent", "--agent-addrs"));
    let metrics = config.metrics_addr.iter().map(|addr| (*addr, "metrics", "--metrics-addr"));
    ports.extend(servers.chain(agents).chain(metrics));
    // Kept open until all are looked at: so the same port given twice is found too.
    let (mut open, mut taken) = (Vec::new(), Vec::new());
    for (addr, purpose, flag) in ports.into_iter().filter(|(addr, ..)| !is_any(addr)) {
        match listen(addr, purpose, flag).await {
            Ok(listener) => open.push(listener),
            Err(error) => taken.push(error.to_string()),
        }
    }
    if !taken.is_empty() {
        bail!("{}", taken.join("\n       "));
    }
    Ok(())
}

fn is_any(addr: &SocketAddr) -> bool {
    addr.port() == 0
}
