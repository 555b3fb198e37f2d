//! One agent from its start to its end: checks its settings, opens its port, starts its tasks, and joins them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use runtime::{
    Clock, Tasks,
    control_plane::Way,
    endpoints::{self, Endpoints},
};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
};
use tokio_util::sync::CancellationToken;

use crate::{
    agones::{self, SdkApi},
    config::{Config, Server},
    exec::{Ended, Launcher, Supervisor},
    game_api::GameApi,
    handle::Handle,
    ids::{InstanceId, ServerId},
    jwks::Jwks,
    local_api, local_grpc,
    machine::{End, Machine, Terms},
    redeem::Redeemer,
    route::Route,
    stream::{Driver, GameServer, Identity},
};

/// How long the tasks have to end once the server is deregistered.
const JOIN: Duration = Duration::from_secs(5);

/// The sidecar of one game server, with its port open.
pub struct ProvisioningAgent {
    server: Arc<Server>,
    endpoints: Endpoints,
    way: Way,
    listener: TcpListener,
    http_addr: SocketAddr,
    /// Where game servers reach the Agones SDK by gRPC, where they do.
    grpc: Option<(TcpListener, SocketAddr)>,
    launcher: Launcher,
}

impl ProvisioningAgent {
    /// Checks all settings, then opens the ports of the local API and the Agones SDK.
    ///
    /// # Errors
    /// [`runtime::config::Invalid`] names a setting that can't be used; [`runtime::listen::ListenError`] says why a port can't be opened.
    pub async fn bind(config: Config) -> anyhow::Result<Self> {
        Self::bind_with(config, Launcher::Plain).await
    }

    /// The same, with a way to start the game server.
    ///
    /// # Errors
    /// As [`ProvisioningAgent::bind`].
    pub async fn bind_with(config: Config, launcher: Launcher) -> anyhow::Result<Self> {
        let server = Arc::new(Server::check(&config)?);
        let targets = endpoints::parse("control_plane", &config.control_plane)?;
        endpoints::check_refresh("control_plane_refresh", config.control_plane_refresh)?;
        let endpoints = Endpoints::new(targets, config.control_plane_refresh, endpoints::system_resolver());
        let way = config.credentials.open()?;
        let listener =
            runtime::listen::listen(config.local_http_addr(), "the local API", "--http-addr").await?;
        let http_addr = listener.local_addr().context("can't read the address of the local API")?;
        let grpc = match config.local_grpc_addr() {
            None => None,
            Some(addr) => {
                let listener = runtime::listen::listen(addr, "the Agones SDK", "--grpc-addr").await?;
                let addr = listener.local_addr().context("can't read the address of the Agones SDK")?;
                Some((listener, addr))
            }
        };
        Ok(Self { server, endpoints, way, listener, http_addr, grpc, launcher })
    }

    /// The server that it speaks for.
    pub fn server_id(&self) -> &ServerId {
        &self.server.server_id
    }

    /// Where the game server reaches the local API.
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// Where the game server reaches the Agones SDK by gRPC, where it is served.
    pub fn grpc_addr(&self) -> Option<SocketAddr> {
        self.grpc.as_ref().map(|(_, addr)| *addr)
    }

    /// Runs until `stop`, then takes the server off the control plane's list and joins every task.
    ///
    /// # Errors
    /// Where a newer instance holds the server id, where the control plane refuses the first registration, and where a task
    /// crashed. Dropping the future ends all tasks too, but without a goodbye.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let tasks = Tasks::new(CancellationToken::new());
        // Whoever drops this future leaves nothing running.
        let _end_tasks = tasks.stopping().clone().drop_guard();
        let clock = Clock::start();
        let identity = Identity { server: Arc::clone(&self.server), instance_id: new_instance() };
        let (agent, calls) = Handle::new();
        let stop = stop.child_token();
        let shutdown = CancellationToken::new();
        let supervisor = self.supervisor(agent.clone(), shutdown.clone());
        let (changes, changed) = watch::channel(0);
        let sdk = SdkApi::new(
            agent.clone(),
            Arc::clone(&self.server),
            identity.instance_id.clone(),
            changed,
            tasks.stopping().clone(),
        );
        let grpc_addr = self.grpc_addr().map(tracing::field::display);
        let jwks = Jwks::new();
        tasks.spawn("control plane addresses", self.endpoints.clone().run(tasks.stopping().clone()));
        tasks.spawn("credentials", self.way.clone().keep_fresh(tasks.stopping().clone()));
        let route = Route::new(self.endpoints.clone(), self.way.clone());
        tasks.spawn("keys", jwks.clone().keep_fresh(route, tasks.stopping().clone()));
        let redeemer = Redeemer::new(Route::new(self.endpoints.clone(), self.way.clone()));
        let api = GameApi {
            agent,
            jwks,
            redeemer,
            server: Arc::clone(&self.server),
            instance_id: identity.instance_id.clone(),
        };
        let routes = agones::routes(sdk.clone());
        let http = local_api::serve(self.listener, api.clone(), routes, tasks.stopping().clone());
        tasks.spawn("local API", http);
        tracing::info!(server_id = %identity.server.server_id, http_addr = %self.http_addr, grpc_addr, "the agent runs");
        if let Some((listener, _)) = self.grpc {
            tasks.spawn("local gRPC", local_grpc::serve(listener, sdk, api, tasks.stopping().clone()));
        }
        let machine = Machine::start(terms(&identity), clock.now_ms());
        let route = Route::new(self.endpoints, self.way);
        let patience_ms = self.server.drain_timeout_ms;
        let game_server = GameServer { calls, changes, patience_ms, shutdown: shutdown.clone() };
        let driver = Driver::new(identity, machine, clock, route, tasks.clone(), game_server);
        // Beside the other tasks: they end when a crash is noticed, it when its game server has.
        let started = Tasks::new(shutdown.clone());
        let (tell, mut ended) = oneshot::channel();
        let patience = supervisor.as_ref().map_or(Duration::ZERO, |supervisor| supervisor.exec.kill_after);
        if let Some(supervisor) = supervisor {
            // Where it is over, or crashes, there is nothing left to speak for.
            let end_all = stop.clone().drop_guard();
            started.spawn("game server", async move {
                let ended = supervisor.run().await;
                if matches!(ended, Ended::Stopped) {
                    end_all.disarm();
                }
                tell.send(ended).ok();
            });
        }
        let end = driver.run(stop).await;
        // The game server's process ends last: by now its lands are over, and nobody comes any more.
        started.join(2 * patience + JOIN).await?;
        tasks.join(JOIN).await?;
        match (end, ended.try_recv()) {
            (End::Stopped, Ok(Ended::Done(status))) if !status.success() => {
                anyhow::bail!("the game server ended: {status}")
            }
            (End::Stopped, _) => Ok(()),
            (end, _) => Err(end.into()),
        }
    }

    /// Who starts the game server, where this agent does.
    fn supervisor(&self, agent: Handle, stop: CancellationToken) -> Option<Supervisor> {
        let exec = self.server.exec.clone()?;
        let mut environment = vec![
            ("MUSTER_AGENT_HTTP", format!("http://{}", self.http_addr)),
            ("AGONES_SDK_HTTP_PORT", self.http_addr.port().to_string()),
            ("MUSTER_SERVER_ID", self.server.server_id.to_string()),
            ("MUSTER_SERVER_PORT", self.server.port.to_string()),
        ];
        if let Some(addr) = self.grpc_addr() {
            environment.push(("MUSTER_AGENT_GRPC", format!("http://{addr}")));
            environment.push(("AGONES_SDK_GRPC_PORT", addr.port().to_string()));
        }
        let server_id = self.server.server_id.to_string();
        Some(Supervisor { exec, launcher: self.launcher, environment, server_id, agent, stop })
    }
}

/// UUIDv7: greater with each start, so that the newer instance wins.
fn new_instance() -> InstanceId {
    let id = uuid::Uuid::now_v7().to_string();
    InstanceId::parse(&id).expect("a UUID follows the rule of identifiers")
}

pub(crate) fn terms(identity: &Identity) -> Terms {
    Terms {
        instance_id: identity.instance_id.clone(),
        land_types: identity.server.land_types.clone(),
        capacity: identity.server.capacity,
        player_capacity: identity.server.player_capacity,
        mode: identity.server.mode,
        sdk: identity.server.sdk.clone(),
    }
}
