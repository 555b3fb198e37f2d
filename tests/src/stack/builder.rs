//! What a stack is made of, with as little said as possible.

use std::{net::SocketAddr, path::PathBuf};

use control_plane::{ControlPlane, QueueEntry, Sections, State};
use edge_gateway::EdgeGateway;
use muster::demo_server::{self, DemoServer};
use provisioning_agent::ProvisioningAgent;
use tokio::runtime::{Builder, Handle};

use super::{Stack, part::Part};
use crate::free_port;

type Change<T> = Box<dyn Fn(&mut T) + Send + Sync>;

/// Says how a stack differs from the usual one: one server that hosts `demo` and `hero-defense`.
#[derive(Default)]
pub struct StackBuilder {
    servers: Option<usize>,
    sections: Sections,
    control_plane: Vec<Change<control_plane::Config>>,
    gateway: Vec<Change<edge_gateway::Config>>,
    agent: Vec<Change<provisioning_agent::Config>>,
    demo_server: Vec<Change<demo_server::Config>>,
}

impl std::fmt::Debug for StackBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StackBuilder").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl StackBuilder {
    /// This many demo servers, named `server-1`, `server-2`, …
    #[must_use]
    pub fn servers(mut self, count: usize) -> Self {
        self.servers = Some(count);
        self
    }

    /// A configured queue.
    #[must_use]
    pub fn queue(mut self, key: &str, entry: QueueEntry) -> Self {
        self.sections.queues.insert(key.to_owned(), entry);
        self
    }

    /// The queues of a configuration file, with the rule sets that it names.
    #[must_use]
    pub fn queues_of(mut self, file: PathBuf) -> Self {
        let sections = runtime::config::sections::<control_plane::Config, Sections>(&file).unwrap();
        self.sections.queues.extend(sections.queues);
        self.control_plane(move |config| config.config = Some(file.clone()))
    }

    /// Changes the control plane's settings.
    #[must_use]
    pub fn control_plane(
        mut self,
        change: impl Fn(&mut control_plane::Config) + Send + Sync + 'static,
    ) -> Self {
        self.control_plane.push(Box::new(change));
        self
    }

    /// Changes the gateway's settings.
    #[must_use]
    pub fn gateway(mut self, change: impl Fn(&mut edge_gateway::Config) + Send + Sync + 'static) -> Self {
        self.gateway.push(Box::new(change));
        self
    }

    /// Changes each agent's settings.
    #[must_use]
    pub fn agent(mut self, change: impl Fn(&mut provisioning_agent::Config) + Send + Sync + 'static) -> Self {
        self.agent.push(Box::new(change));
        self
    }

    /// Changes each demo server's settings.
    #[must_use]
    pub fn demo_server(mut self, change: impl Fn(&mut demo_server::Config) + Send + Sync + 'static) -> Self {
        self.demo_server.push(Box::new(change));
        self
    }

    /// Starts it, and returns when its servers take lands.
    pub async fn start(self) -> Stack {
        let count = self.servers.unwrap_or(1);
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let mut stack = handle.spawn(self.make(handle.clone())).await.unwrap();
        stack.runtime = Some(runtime);
        stack.servers_ready(count).await;
        stack
    }

    async fn make(self, handle: Handle) -> Stack {
        let any = ([127, 0, 0, 1], 0).into();
        let keys = tempfile::tempdir().unwrap();

        let mut config = control_plane::Config {
            // One that is there again after a restart.
            grpc_addr: ([127, 0, 0, 1], free_port()).into(),
            keys_dir: keys.path().join("keys"),
            state_dir: keys.path().join("state"),
            heartbeat_interval: std::time::Duration::from_millis(200),
            ..runtime::config::defaults(&[])
        };
        keep_state(&mut config);
        apply(&self.control_plane, &mut config);
        let control_plane = ControlPlane::bind(config.clone(), self.sections.clone()).await.unwrap();
        let url = format!("http://{}", config.grpc_addr);
        let control_plane_probe = control_plane.probe();
        let control_plane_part = Part::start("control plane", &handle, |stop| control_plane.run(stop));

        let mut gateway_config = edge_gateway::Config {
            client_addr: any,
            internal_addr: any,
            control_plane: vec![url.clone()],
            allow_client_player_id: true,
            ..runtime::config::defaults(&[])
        };
        apply(&self.gateway, &mut gateway_config);
        let gateway = EdgeGateway::bind(gateway_config).await.unwrap();
        let (gateway_addr, internal_addr) = (gateway.client_addr(), gateway.internal_addr());
        let gateway_probe = gateway.probe();
        let gateway_part = Part::start("gateway", &handle, |stop| gateway.run(stop));

        let (mut servers, mut game_server_addrs) = (Vec::new(), Vec::new());
        for number in 1..=self.servers.unwrap_or(1) {
            let (server, agent, addr) = self.server(&handle, number, &url).await;
            servers.push((server, agent));
            game_server_addrs.push(addr);
        }
        Stack {
            runtime: None,
            control_plane_config: config,
            sections: self.sections,
            control_plane: Some(control_plane_part),
            control_plane_probe,
            gateway: Some(gateway_part),
            gateway_probe,
            gateway_addr,
            internal_addr,
            servers,
            game_server_addrs,
            _keys: keys,
        }
    }

    async fn server(&self, handle: &Handle, number: usize, control_plane: &str) -> (Part, Part, SocketAddr) {
        let any = ([127, 0, 0, 1], 0).into();
        let mut config = demo_server::Config {
            addr: any,
            land_type: vec!["demo".to_owned(), "hero-defense".to_owned()],
            ..runtime::config::defaults(&[])
        };
        apply(&self.demo_server, &mut config);
        let land_types = config.land_type.clone();
        let server = DemoServer::bind(config).await.unwrap();

        let addr = server.addr().unwrap();
        let port = addr.port().to_string();
        let name = format!("server-{number}");
        let required = ["--server-id", &name, "--port", &port, "--land-type", &land_types.join(",")];
        let mut config = provisioning_agent::Config {
            control_plane: vec![control_plane.to_owned()],
            http_addr: any,
            // Tests end with lands that live.
            drain_timeout: std::time::Duration::ZERO,
            ..runtime::config::defaults(&required)
        };
        apply(&self.agent, &mut config);
        let agent = ProvisioningAgent::bind(config).await.unwrap();
        let server = server.with_agent(format!("http://{}", agent.http_addr()));
        (
            Part::start("demo server", handle, |stop| server.run(stop)),
            Part::start("agent", handle, |stop| agent.run(stop)),
            addr,
        )
    }
}

fn apply<T>(changes: &[Change<T>], config: &mut T) {
    for change in changes {
        change(config);
    }
}

/// What the stacks of this run keep their state in: the default, or what `MUSTER_TEST_STATE` names. In Redis
/// (`MUSTER_TEST_REDIS_URL`) each stack has a prefix of its own.
fn keep_state(config: &mut control_plane::Config) {
    config.state = match std::env::var("MUSTER_TEST_STATE").as_deref() {
        Ok("memory") => State::Memory,
        Ok("redis") => State::Redis,
        Ok("embedded") | Err(_) => State::Embedded,
        Ok(other) => panic!("MUSTER_TEST_STATE is `{other}`; it can be memory, embedded or redis"),
    };
    config.redis.redis_url = std::env::var("MUSTER_TEST_REDIS_URL").ok();
    config.redis.redis_prefix = format!("{}:", config.grpc_addr);
}
