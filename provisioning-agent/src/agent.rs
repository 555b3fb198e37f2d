//! One agent from its start to its end: checks its settings, opens its port, starts its tasks, and joins them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use runtime::{
    Clock, Tasks,
    control_plane::Way,
    endpoints::{self, Endpoints},
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

use crate::{
    agones::{self, SdkApi},
    config::{Config, Server},
    game_api::GameApi,
    handle::Handle,
    ids::InstanceId,
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
}

impl ProvisioningAgent {
    /// Checks all settings, then opens the ports of the local API and the Agones SDK.
    ///
    /// # Errors
    /// [`runtime::config::Invalid`] names a setting that can't be used; [`runtime::listen::ListenError`] says why a port can't be opened.
    pub async fn bind(config: Config) -> anyhow::Result<Self> {
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
        Ok(Self { server, endpoints, way, listener, http_addr, grpc })
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
        let (patience_ms, shutdown) = (self.server.drain_timeout_ms, CancellationToken::new());
        let game_server = GameServer { calls, changes, patience_ms, shutdown };
        let driver = Driver::new(identity, machine, clock, route, tasks.clone(), game_server);
        let end = driver.run(stop).await;
        tasks.join(JOIN).await?;
        match end {
            End::Stopped => Ok(()),
            end => Err(end.into()),
        }
    }
}

/// UUIDv7: greater with each start, so that the newer instance wins.
fn new_instance() -> InstanceId {
    let id = uuid::Uuid::now_v7().to_string();
    InstanceId::parse(&id).expect("a UUID follows the rule of identifiers")
}

fn terms(identity: &Identity) -> Terms {
    Terms {
        instance_id: identity.instance_id.clone(),
        land_types: identity.server.land_types.clone(),
        capacity: identity.server.capacity,
        player_capacity: identity.server.player_capacity,
        mode: identity.server.mode,
        sdk: identity.server.sdk.clone(),
    }
}
