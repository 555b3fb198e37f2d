//! The gateway from its ports to its end: what its parts share, which routes there are, and how it drains.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use anyhow::Context as _;
use axum::{Router, http::Uri, middleware, response::IntoResponse as _, routing::get};
use runtime::{
    Tasks,
    config::Invalid,
    control_plane::Way,
    endpoints::{self, Endpoints, Resolver},
    listen::{listen, within_open_files},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    Probe,
    config::Config,
    door::{self, Door, Places},
    http::{BodyLimits, Certificates, Connections, Timeouts, certificates, observe, serve},
    identity::{Identity, Sections},
    internal, openapi,
    problem::{Panic, Problem, explain, panicked},
    realtime, rest,
    upstream::{
        Calls, HealthCheck, JwksCache, Pool,
        hub::{self, Sessions, WatchHub},
    },
};

/// How long what was cut off may take to end.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// How many connections at the same time are told that there are too many; more are closed without a word.
const MAX_REFUSALS: usize = 512;

/// How many connections game servers may have open at the internal listener, where nobody is told.
const MAX_INTERNAL: usize = 16_384;

/// What handlers and sockets share. Nothing in it is a ticket's truth.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) door: Door,
    pub(crate) calls: Calls,
    pub(crate) hub: WatchHub,
    pub(crate) health: HealthCheck,
    pub(crate) jwks: JwksCache,
    /// Owns every task; its token begins the drain.
    pub(crate) tasks: Tasks,
    /// Ends what the drain could not.
    pub(crate) cut: CancellationToken,
    pub(crate) sockets: Arc<AtomicUsize>,
    /// Where a player has one session.
    pub(crate) sessions: Sessions,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl App {
    fn new(config: Config, sections: &Sections, pool: &Pool) -> Result<Self, Invalid> {
        let calls = Calls::new(pool.clone(), config.request_timeout);
        Ok(Self {
            identity: Identity::new(&config, sections, &calls)?,
            door: Door::new(&config),
            hub: WatchHub::default(),
            health: HealthCheck::new(pool.clone()),
            jwks: JwksCache::new(calls.clone(), config.request_timeout),
            calls,
            tasks: Tasks::new(CancellationToken::new()),
            cut: CancellationToken::new(),
            sockets: Arc::default(),
            connections: Arc::default(),
            sessions: Sessions::default(),
            config,
        })
    }

    /// What a request's body may cost.
    pub(crate) fn body_limits(&self) -> BodyLimits {
        BodyLimits { max_size: self.config.max_body, timeout: self.config.request_timeout }
    }
}

/// A gateway whose ports are open and that waits for [`EdgeGateway::run`].
pub struct EdgeGateway {
    app: Arc<App>,
    endpoints: Endpoints,
    way: Way,
    tls: Certificates,
    pool: Pool,
    clients: TcpListener,
    internal: TcpListener,
    client_addr: SocketAddr,
    internal_addr: SocketAddr,
    client_routes: Router,
}

impl EdgeGateway {
    /// Opens both ports, without identity providers. Fails with [`runtime::config::Invalid`] for settings that can't work, and
    /// where a port is not free; a control plane that is away is no failure.
    pub async fn bind(config: Config) -> anyhow::Result<Self> {
        Self::bind_with(config, Sections::default(), endpoints::system_resolver()).await
    }

    /// The same with the identity providers of `sections`, and where the control plane's name is resolved by `resolver`.
    pub async fn bind_with(config: Config, sections: Sections, resolver: Resolver) -> anyhow::Result<Self> {
        config.validate()?;
        let targets = config.control_planes()?;
        let endpoints = Endpoints::new(targets, config.control_plane_refresh, resolver);
        let way = config.credentials.open()?;
        let tls = Certificates::open(&config.tls)?;
        let pool = Pool::new(endpoints.clone(), config.connect_timeout, way.clone());
        let app = Arc::new(App::new(config, &sections, &pool)?);
        let clients = listen(app.config.client_addr, "clients", "--client-addr").await?;
        let internal = listen(app.config.internal_addr, "game servers", "--internal-addr").await?;
        Ok(Self {
            client_addr: clients.local_addr().context("an open port has an address")?,
            internal_addr: internal.local_addr().context("an open port has an address")?,
            app,
            endpoints,
            way,
            tls,
            pool,
            clients,
            internal,
            client_routes: Router::new(),
        })
    }

    /// Adds routes to the clients' listener, such as a page at `/`. They must not overlap with those of the API.
    #[must_use]
    pub fn with_client_routes(mut self, routes: Router) -> Self {
        self.client_routes = self.client_routes.merge(routes);
        self
    }

    /// Where clients connect.
    pub fn client_addr(&self) -> SocketAddr {
        self.client_addr
    }

    /// Where game servers without an agent register.
    pub fn internal_addr(&self) -> SocketAddr {
        self.internal_addr
    }

    /// Looks at what it holds, now and later.
    pub fn probe(&self) -> Probe {
        Probe::new(Arc::clone(&self.app))
    }

    /// Serves until `stop`, then drains: accepts nothing more, closes sockets with 1001, lets requests finish, and cuts off
    /// what is left after the drain timeout. Fails where one of its tasks panicked.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let App { config, tasks, cut, .. } = &*self.app;
        tracing::info!(
            clients = %self.client_addr,
            internal = %self.internal_addr,
            control_plane = config.control_plane.join(","),
            "the edge gateway is up"
        );
        if config.allow_client_player_id {
            tracing::warn!("player ids that clients send are trusted: for development only");
        }
        let limits = &config.limits;
        tasks.spawn("credentials", self.way.keep_fresh(tasks.stopping().clone()));
        let Certificates { clients: client_tls, internal: internal_tls } = self.tls;
        let connections = Connections {
            tls: certificates::keep(client_tls, "the clients' certificates", tasks),
            timeouts: Timeouts {
                header: config.header_timeout,
                idle: config.idle_timeout,
                send: config.send_timeout,
            },
            max_head: limits.max_head,
            places: Places::new(
                within_open_files("max_connections", limits.max_connections),
                limits.max_connections_per_address,
            ),
            refusals: Places::new(MAX_REFUSALS, MAX_REFUSALS),
            addresses: Arc::clone(&self.app.door.addresses),
            tasks: tasks.clone(),
            cut: cut.clone(),
            open: Arc::clone(&self.app.connections),
        };
        // Its own places: a flood of clients leaves game servers, and whoever asks for the gateway's health, alone.
        let internal_connections = Connections {
            tls: certificates::keep(internal_tls, "the internal listener's certificates", tasks),
            places: Places::new(MAX_INTERNAL, MAX_INTERNAL),
            refusals: Places::new(0, 0),
            ..connections.clone()
        };
        let client_routes = client_routes(&self.app, self.client_routes);
        let internal_routes = internal::routes(Arc::clone(&self.app));
        tasks.spawn("control plane addresses", self.endpoints.run(tasks.stopping().clone()));
        tasks.spawn("control plane replicas", self.pool.clone().run(tasks.stopping().clone()));
        let (hub, sessions) = (self.app.hub.clone(), self.app.sessions.clone());
        let hub = hub::run(hub, sessions, self.pool, tasks.stopping().clone());
        tasks.spawn("watch hub", hub);
        let app = Arc::clone(&self.app);
        let stopping = tasks.stopping().clone();
        tasks.spawn("keys of identities", async move { app.identity.run(stopping).await });
        tasks.spawn("client listener", serve(self.clients, client_routes, connections));
        tasks.spawn("internal listener", serve(self.internal, internal_routes, internal_connections));

        tokio::select! {
            () = stop.cancelled() => {}
            // A task that panicked.
            () = tasks.stopping().cancelled() => {}
        }
        tracing::info!("the edge gateway drains");
        drain(tasks, cut, config.drain_timeout).await
    }
}

async fn drain(tasks: &Tasks, cut: &CancellationToken, within: Duration) -> anyhow::Result<()> {
    let cut_when_late = async {
        tokio::time::sleep(within).await;
        tracing::warn!(tasks = tasks.len(), "the drain took too long; cutting off what is left");
        cut.cancel();
        std::future::pending().await
    };
    tokio::select! {
        joined = tasks.join(within + CUT_GRACE) => Ok(joined?),
        never = cut_when_late => never,
    }
}

/// Everything on the clients' listener.
fn client_routes(app: &Arc<App>, more: Router) -> Router {
    Router::new()
        .merge(rest::routes())
        .route("/realtime", get(realtime::realtime))
        .route("/problems/{name}", get(explain))
        .with_state(Arc::clone(app))
        .merge(openapi::routes())
        .merge(more)
        .fallback(async |uri: Uri| Problem::route_not_found(&uri))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(CatchPanicLayer::custom(|panic: Panic| Problem::from(panicked(&*panic)).into_response()))
        .layer(middleware::from_fn_with_state(Arc::clone(app), door::enter))
        .layer(middleware::from_fn_with_state(Arc::clone(app), door::origins))
        .layer(middleware::from_fn(observe))
}
