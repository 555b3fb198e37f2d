//! A whole stack in this process: control plane, gateway, and demo game servers with their agents.

mod agent;
mod builder;
mod part;

use std::{net::SocketAddr, path::PathBuf};

use control_plane::ControlPlane;
use proto::provisioning::v1::{Server, ServerState};
use tokio::runtime::Runtime;

use self::part::Part;
pub use self::{
    agent::{Agent, LandCommands},
    builder::StackBuilder,
};
use crate::{Client, Servers};

/// A running stack. Its programs run in a runtime of their own, so that dropping it can wait for their clean end; it then
/// asserts that every program ended well and that no subscription was left over.
pub struct Stack {
    runtime: Option<Runtime>,
    control_plane_config: control_plane::Config,
    sections: control_plane::Sections,
    control_plane: Option<Part>,
    control_plane_probe: control_plane::Probe,
    gateway: Option<Part>,
    gateway_probe: edge_gateway::Probe,
    gateway_addr: SocketAddr,
    internal_addr: SocketAddr,
    /// Each demo server and its agent.
    servers: Vec<(Part, Part)>,
    game_server_addrs: Vec<SocketAddr>,
    _keys: tempfile::TempDir,
}

impl Stack {
    /// One server, defaults for the rest.
    pub fn builder() -> StackBuilder {
        StackBuilder::default()
    }

    /// A client of the gateway.
    pub fn client(&self) -> Client {
        Client::new(self.gateway_url())
    }

    /// The gateway's URL for clients.
    pub fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway_addr)
    }

    /// A client of the gateway's internal listener.
    pub fn internal(&self) -> Client {
        Client::new(format!("http://{}", self.internal_addr))
    }

    /// Where a demo server itself listens, whatever its agent says of it.
    pub fn game_server_addr(&self, index: usize) -> SocketAddr {
        self.game_server_addrs[index]
    }

    /// Where the gateway listens for clients.
    pub fn gateway_addr(&self) -> SocketAddr {
        self.gateway_addr
    }

    /// The control plane's URL.
    pub fn control_plane_url(&self) -> String {
        format!("http://{}", self.control_plane_config.grpc_addr)
    }

    /// The directory of the control plane's signing keys.
    pub fn keys_dir(&self) -> PathBuf {
        self.control_plane_config.keys_dir.clone()
    }

    /// An agent whose game server the test is itself, for what a well-behaved one never does.
    pub async fn agent(&self, server_id: &str) -> Agent {
        Agent::start(&self.handle(), server_id, &self.control_plane_url()).await
    }

    /// The gateway's counts.
    pub fn gateway_probe(&self) -> &edge_gateway::Probe {
        &self.gateway_probe
    }

    /// The servers as the control plane sees them; none where it is down.
    pub async fn servers(&self) -> Vec<Server> {
        self.registry().list().await.unwrap_or_default()
    }

    /// Waits until this many servers take lands.
    pub async fn servers_ready(&self, count: usize) {
        self.registry().ready(count).await;
    }

    /// Waits until a server has this state; `None`: until it is not listed.
    pub async fn server_state(&self, server_id: &str, wanted: Option<ServerState>) {
        self.registry().state(server_id, wanted).await;
    }

    fn registry(&self) -> Servers {
        Servers::of(self.control_plane_url())
    }

    /// Stops the control plane, and waits until it is down.
    pub async fn stop_control_plane(&mut self) {
        self.control_plane.take().expect("it runs").stop().await;
    }

    /// Starts the control plane again, on the same port and with the same keys.
    pub async fn start_control_plane(&mut self) {
        let (config, sections) = (self.control_plane_config.clone(), self.sections.clone());
        let bound = self.handle().spawn(async move { ControlPlane::bind(config, sections).await });
        let control_plane = bound.await.unwrap().unwrap();
        self.control_plane_probe = control_plane.probe();
        self.control_plane =
            Some(Part::start("control plane", &self.handle(), |stop| control_plane.run(stop)));
    }

    /// Stops the gateway, and waits until it is down.
    pub async fn stop_gateway(&mut self) {
        self.gateway.take().expect("it runs").stop().await;
    }

    /// Begins the gateway's drain, and doesn't wait for it.
    pub fn drain_gateway(&self) {
        self.gateway.as_ref().expect("it runs").ask_to_stop();
    }

    /// Stops a demo server's agent, which says goodbye.
    pub async fn stop_server(&mut self, index: usize) {
        let (server, agent) = self.servers.remove(index);
        agent.stop().await;
        server.stop().await;
    }

    /// Ends a demo server and its agent in the middle of whatever they do, without a word to anybody.
    pub async fn crash_server(&mut self, index: usize) {
        let (server, agent) = self.servers.remove(index);
        agent.crash().await;
        server.crash().await;
    }

    fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.as_ref().expect("it is there until the drop").handle().clone()
    }

    /// Ends everything in the order in which a person would: first what lets clients in.
    async fn end(
        gateway: Option<Part>,
        servers: Vec<(Part, Part)>,
        control_plane: Option<Part>,
    ) -> Result<(), String> {
        if let Some(gateway) = gateway {
            gateway.end().await?;
        }
        for (server, agent) in servers {
            agent.end().await?;
            server.end().await?;
        }
        match control_plane {
            Some(control_plane) => control_plane.end().await,
            None => Ok(()),
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let parts = (self.gateway.take(), std::mem::take(&mut self.servers), self.control_plane.take());
        // A thread of its own: a drop in an async test may not block on another runtime.
        let ended = std::thread::spawn(move || {
            let ended = runtime.block_on(Self::end(parts.0, parts.1, parts.2));
            drop(runtime);
            ended
        });
        let ended = ended.join().unwrap_or_else(|_| Err("the end of the stack panicked".to_owned()));
        if std::thread::panicking() {
            return;
        }
        assert_eq!(ended, Ok(()));
        assert_eq!(self.gateway_probe.subscriptions(), 0, "the gateway kept subscriptions");
        assert_eq!(self.gateway_probe.sockets(), 0, "the gateway kept sockets");
        assert_eq!(self.control_plane_probe.followed_tickets(), 0, "the control plane kept watchers");
    }
}
