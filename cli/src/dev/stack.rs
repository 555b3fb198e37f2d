//! All programs of a stack: put together, started, and stopped in their order.

use std::{future::Future, net::SocketAddr, time::Duration};

use anyhow::Context as _;
use control_plane::ControlPlane;
use edge_gateway::EdgeGateway;
use provisioning_agent::ProvisioningAgent;
use runtime::{Tasks, config::Invalid};
use tokio::{sync::oneshot, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Config, page, ports};
use crate::{
    demo_server::{self, DemoServer},
    gateway::Gateway,
};

/// How long everything may take to find each other.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long the last program may take to end after the others.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// All programs with their ports open, waiting for [`Stack::run`].
pub struct Stack {
    config: Config,
    control_plane: ControlPlane,
    servers: Vec<(GameServer, DemoServer, ProvisioningAgent)>,
    gateway: EdgeGateway,
}

/// Where one demo game server and its agent are.
#[derive(Debug, Clone)]
pub struct GameServer {
    /// Its `serverId`.
    pub id: String,
    /// Where players connect.
    pub addr: SocketAddr,
    /// Where its agent serves the local API.
    pub agent: SocketAddr,
}

impl Stack {
    /// Opens all ports. Fails where a setting can't be used or a port isn't free, and names the flag.
    pub async fn bind(config: Config) -> anyhow::Result<Self> {
        config.check()?;
        ports::check_free(&config).await?;

        let mut settings: control_plane::Config = runtime::config::defaults(&[]);
        settings.grpc_addr = config.control_plane_addr;
        settings.keys_dir.clone_from(&config.keys);
        settings.state = config.state;
        settings.state_dir.clone_from(&config.state_dir);
        // Whoever waits for the last stream of a stopped stack waits in vain.
        settings.shutdown_timeout = Duration::from_secs(3);
        settings.config.clone_from(&config.config);
        let control_plane = ControlPlane::bind(settings, queues_of(&config)?).await?;
        let grpc = format!("http://{}", control_plane.grpc_addr());

        let mut servers = Vec::new();
        for (number, (server, agent)) in config.server_addrs.iter().zip(&config.agent_addrs).enumerate() {
            let id = format!("demo-{}", number + 1);
            servers.push(game_server(&config, &grpc, id, *server, *agent).await?);
        }

        let mut settings: edge_gateway::Config = runtime::config::defaults(&["--control-plane", &grpc]);
        settings.client_addr = config.gateway_addr;
        settings.internal_addr = config.internal_addr;
        settings.allow_client_player_id = true;
        settings.identity.guest_identity = true;
        settings.drain_timeout = Duration::from_secs(3);
        let gateway = EdgeGateway::bind(settings).await?.with_client_routes(page::routes());
        Ok(Self { config, control_plane, servers, gateway })
    }

    /// Where the gateway serves clients.
    pub fn gateway_addr(&self) -> SocketAddr {
        self.gateway.client_addr()
    }

    /// Where the gateway serves game servers without an agent.
    pub fn internal_addr(&self) -> SocketAddr {
        self.gateway.internal_addr()
    }

    /// Where the control plane serves gRPC.
    pub fn control_plane_addr(&self) -> SocketAddr {
        self.control_plane.grpc_addr()
    }

    /// Where the demo game servers and their agents are.
    pub fn game_servers(&self) -> impl Iterator<Item = &GameServer> {
        self.servers.iter().map(|(server, ..)| server)
    }

    /// Runs everything until `stop`, and calls `ready` once players can be matched. Then stops the programs in the order in
    /// which nobody misses them: gateway, agents, game servers, control plane.
    ///
    /// Fails where one of them failed, also while it stopped.
    pub async fn run(self, stop: CancellationToken, ready: impl FnOnce()) -> anyhow::Result<()> {
        let tasks = Tasks::new(CancellationToken::new());
        if let Some(addr) = self.config.metrics_addr {
            runtime::metrics::serve(addr, &tasks).await?;
        }
        let gateway_url = format!("http://{}", self.gateway.client_addr());
        let agents: Vec<_> = self.game_servers().map(|server| server.agent).collect();

        let start = Starter { tasks: &tasks };
        let control_plane = start.program("control plane", |stop| self.control_plane.run(stop));
        let (mut servers, mut sidecars) = (Vec::new(), Vec::new());
        for (_, server, agent) in self.servers {
            servers.push(start.program("demo server", |stop| server.run(stop)));
            sidecars.push(start.program("agent", |stop| agent.run(stop)));
        }
        let gateway = start.program("gateway", |stop| self.gateway.run(stop));

        let started = async {
            wait_until_ready(&gateway_url, &agents).await?;
            ready();
            std::future::pending::<anyhow::Result<()>>().await
        };
        let unready = tokio::select! {
            () = stop.cancelled() => Ok(()),
            // A program ended that nobody stopped; which one and why is told below.
            () = tasks.stopping().cancelled() => Ok(()),
            never = started => never,
        };

        let mut ended = unready;
        let order = [gateway].into_iter().chain(sidecars).chain(servers).chain([control_plane]);
        for program in order {
            // The first failure is the cause; the others follow from it.
            ended = ended.and(program.stop().await);
        }
        ended.and(tasks.join(STOP_WITHIN).await.map_err(Into::into))
    }
}

/// The queues of the configuration file, where there is one.
fn queues_of(config: &Config) -> anyhow::Result<control_plane::Sections> {
    let Some(file) = &config.config else { return Ok(control_plane::Sections::default()) };
    let read = runtime::config::sections::<control_plane::Config, _>(file);
    Ok(read.map_err(|error| Invalid::new("config", error.to_string()))?)
}

/// A demo game server and its agent. Each needs the other's port: the server opens its own first, then hears of the agent's.
async fn game_server(
    config: &Config,
    grpc: &str,
    id: String,
    addr: SocketAddr,
    agent: SocketAddr,
) -> anyhow::Result<(GameServer, DemoServer, ProvisioningAgent)> {
    let mut settings: demo_server::Config = runtime::config::defaults(&[]);
    settings.addr = addr;
    settings.land_type.clone_from(&config.land_types);
    settings.max_lands = config.capacity;
    settings.max_connections = config.capacity.max(settings.max_connections);
    let server = DemoServer::bind(settings).await?;
    let addr = server.addr()?;

    let (port, land_types) = (addr.port().to_string(), config.land_types.join(","));
    let required = ["--server-id", &id, "--port", &port, "--land-type", &land_types];
    let mut settings: provisioning_agent::Config = runtime::config::defaults(&required);
    settings.host = addr.ip().to_string();
    settings.http_addr = agent;
    settings.capacity = config.capacity;
    settings.control_plane = vec![grpc.to_owned()];
    // Who ends `muster dev` doesn't want to wait for the lands.
    settings.drain_timeout = Duration::ZERO;
    let agent = ProvisioningAgent::bind(settings).await?;

    let place = GameServer { id, addr, agent: agent.http_addr() };
    let server = server.with_agent(format!("http://{}", place.agent));
    Ok((place, server, agent))
}

/// Waits until the gateway reaches the control plane and every agent is registered there.
async fn wait_until_ready(gateway: &str, agents: &[SocketAddr]) -> anyhow::Result<()> {
    let gateway = Gateway::new(gateway)?;
    let wait = async {
        while gateway.health().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for agent in agents {
            while demo_server::agent_state(*agent).await.as_deref() != Some("registered") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        anyhow::Ok(())
    };
    let waited = timeout(READY_WITHIN, wait).await;
    waited.with_context(|| format!("not ready within {READY_WITHIN:?}; --log info says more"))?
}

/// Starts programs as tasks.
struct Starter<'a> {
    tasks: &'a Tasks,
}

/// A program that runs.
struct Program {
    name: &'static str,
    stop: CancellationToken,
    ended: oneshot::Receiver<anyhow::Result<()>>,
}

impl Starter<'_> {
    fn program<F>(&self, name: &'static str, run: impl FnOnce(CancellationToken) -> F) -> Program
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let running = run(stop.clone());
        let (tell, ended) = oneshot::channel();
        let stopped = stop.clone();
        let all = self.tasks.stopping().clone();
        self.tasks.spawn(name, async move {
            let end = running.await;
            if !stopped.is_cancelled() {
                all.cancel();
            }
            // Nobody is left to tell where this command is being dropped.
            tell.send(end).ok();
        });
        Program { name, stop, ended }
    }
}

impl Program {
    async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        match timeout(STOP_WITHIN, self.ended).await {
            Ok(Ok(end)) => end.with_context(|| format!("the {} failed", self.name)),
            // It panicked, which the tasks tell.
            Ok(Err(_)) => Ok(()),
            Err(_) => anyhow::bail!("the {} did not stop within {STOP_WITHIN:?}", self.name),
        }
    }
}
