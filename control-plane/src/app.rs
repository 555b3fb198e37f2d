//! The control plane, put together.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use matching::Time;
use proto::{
    keys::v1::keys_server::KeysServer, matchmaking::v1::matchmaking_server::MatchmakingServer,
    provisioning::v1::provisioning_server::ProvisioningServer,
};
use runtime::{Clock, Tasks, listen::listen};
use storage::{Signals, Storage};
use tokens::{DEFAULT_BITS, KeyRing, KeyRingSettings, SigningPool};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Server, server::TcpIncoming};

use crate::{
    allocation::{Allocation, OwnServers},
    config::{Config, Sections},
    delivery::Delivery,
    grpc::{
        keys::KeysService,
        matchmaking::{self, MatchmakingService},
        provisioning::{self, Pace, ProvisioningService},
    },
    matchmaker::{Board, Matchmaker},
    queues::Queues,
    registry::Registry,
    state::{self, Opened},
};

/// Windows that hold thousands of streams with tiny frames: on h2's defaults such a connection is closed as an attack.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
/// The largest message that an agent may send, in bytes: a hundred thousand lands with their players. Others send little.
const MAX_REPORT: usize = 32 * 1024 * 1024;
/// Things forgotten at once, so that a sweep never holds the state for long.
const SWEPT_AT_ONCE: usize = 10_000;

/// A control plane that has its port and its keys, and is ready to run.
#[derive(Debug)]
pub struct ControlPlane {
    config: Config,
    queues: Arc<Queues>,
    ring: Arc<KeyRing>,
    listener: TcpListener,
    state: Opened,
}

/// Looks into a running control plane, for who checks that nothing is left over.
#[derive(Debug, Clone)]
pub struct Probe(Arc<Signals>);

impl Probe {
    /// Tickets that somebody follows.
    pub fn followed_tickets(&self) -> usize {
        self.0.followed()
    }
}

impl ControlPlane {
    /// Checks the configuration whole, then opens the keys and the port.
    ///
    /// # Errors
    /// [`runtime::config::Invalid`] for a setting that can't be used; otherwise what the key directory or the port says.
    pub async fn bind(config: Config, sections: Sections) -> anyhow::Result<Self> {
        config.validate()?;
        let queues = Arc::new(Queues::new(&config, &sections)?);
        let (dir, settings) = (
            config.keys_dir.clone(),
            KeyRingSettings {
                token_lifetime: config.token_lifetime,
                publish_ahead: config.jwks_max_age,
                bits: DEFAULT_BITS,
            },
        );
        // Making the first key takes a while, and all of it is disk and computing.
        let now = std::time::SystemTime::now();
        let ring = tokio::task::spawn_blocking(move || KeyRing::open(&dir, settings, now))
            .await
            .context("opening the keys")??;
        let state = state::open(&config).await?;
        let listener = listen(config.grpc_addr, "gRPC", "--grpc-addr").await?;
        Ok(Self { config, queues, ring: Arc::new(ring), listener, state })
    }

    /// The address of the gRPC port.
    pub fn grpc_addr(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.config.grpc_addr)
    }

    /// What can be looked at while it runs.
    pub fn probe(&self) -> Probe {
        Probe(Arc::clone(self.state.storage.signals()))
    }

    /// Runs until `stop` is cancelled, then finishes what is under way.
    ///
    /// # Errors
    /// Where the port can't be served, or a task panicked or didn't stop in time.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { config, queues, ring, listener, state: Opened { storage, upkeep } } = self;
        let addr = listener.local_addr().context("the gRPC port")?;
        let clock = Clock::start();
        // Cancelled with `stop`, and also when a task panics: the server stops then too.
        let tasks = Tasks::new(stop.child_token());
        if let Some(upkeep) = upkeep {
            let stopping = tasks.stopping().clone();
            tasks.spawn("state upkeep", async move {
                stopping.run_until_cancelled(upkeep).await;
            });
        }
        let registry = Registry::new(clock);
        let board = Arc::new(Board::default());
        let allocation: Arc<dyn Allocation> =
            Arc::new(OwnServers::new(Arc::clone(&registry), config.land_answer_timeout));

        // Their own, to tell when they have ended: agents are listened to until then.
        let workers = Tasks::new(tasks.stopping().clone());
        let agents_stop = CancellationToken::new();
        let matchmaker = Matchmaker {
            storage: Arc::clone(&storage),
            allocation: Arc::clone(&allocation),
            queues: Arc::clone(&queues),
            board: Arc::clone(&board),
            clock,
            tasks: workers.clone(),
            room: registry.room(),
            assignment_lifetime: config.token_lifetime,
            lease: config.queue_lease,
        };
        workers.spawn("matchmaker", Arc::new(matchmaker).run());
        tasks.spawn("agents' end", {
            let (stopping, workers) = (tasks.stopping().clone(), workers.clone());
            let (agents_stop, patience) =
                (agents_stop.clone(), config.land_answer_timeout.min(config.shutdown_timeout / 2));
            async move {
                stopping.cancelled().await;
                // A match whose server was asked is finished where it answers; without a stream it can't.
                drop(tokio::time::timeout(patience, workers.ended()).await);
                agents_stop.cancel();
            }
        });
        tasks.spawn("server expiry", expire_servers(Arc::clone(&registry), clock, tasks.clone()));
        tasks.spawn("sweep", sweep(Arc::clone(&storage), clock, tasks.clone()));

        let signing = SigningPool::new(Arc::clone(&ring));
        let issuer = config.token_issuer.clone();
        let matchmaking = MatchmakingService(Arc::new(matchmaking::Shared {
            storage: Arc::clone(&storage),
            queues: Arc::clone(&queues),
            delivery: Delivery::new(signing, issuer.clone(), Arc::clone(&board), clock),
            board,
            clock,
            tasks: tasks.clone(),
            limits: matchmaking::Limits { tickets: config.queue_limit, queues: config.max_queues },
        }));
        let provisioning = ProvisioningService(Arc::new(provisioning::Shared {
            registry: Arc::clone(&registry),
            allocation,
            queues,
            direct: provisioning::DirectAllocations::default(),
            clock,
            tasks: tasks.clone(),
            agents_stop,
            agent_pace: Pace { interval: config.heartbeat_interval, expiry: config.heartbeat_expiry },
            rest_pace: Pace {
                interval: config.rest_heartbeat_interval,
                expiry: config.rest_heartbeat_expiry,
            },
            assignment_lifetime: config.token_lifetime,
        }));
        let keys = KeysService { ring, storage: Arc::clone(&storage), issuer, clock };

        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<MatchmakingServer<MatchmakingService>>().await;
        health.set_serving::<ProvisioningServer<ProvisioningService>>().await;
        health.set_serving::<KeysServer<KeysService>>().await;
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let router = Server::builder()
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_stream_window_size(STREAM_WINDOW)
            .http2_keepalive_interval(Some(Duration::from_secs(20)))
            .http2_keepalive_timeout(Some(Duration::from_secs(10)))
            .add_service(MatchmakingServer::new(matchmaking))
            .add_service(ProvisioningServer::new(provisioning).max_decoding_message_size(MAX_REPORT))
            .add_service(KeysServer::new(keys))
            .add_service(health_service)
            .add_service(reflection().build_v1().context("reflection")?)
            // grpcurl and older tools still ask for the alpha.
            .add_service(reflection().build_v1alpha().context("reflection")?);

        tracing::info!(%addr, "the control plane serves gRPC");
        let stopping = tasks.stopping().clone();
        // The server's own `tcp_nodelay` is for listeners that it opens itself; without this a push waits 40 ms for an ACK.
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = router.serve_with_incoming_shutdown(incoming, async move {
            stopping.cancelled().await;
            // Probes see it before connections end.
            health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
            health.set_not_serving::<MatchmakingServer<MatchmakingService>>().await;
            health.set_not_serving::<ProvisioningServer<ProvisioningService>>().await;
            health.set_not_serving::<KeysServer<KeysService>>().await;
        });
        let served = serve(server, &tasks, config.shutdown_timeout).await;
        let joined =
            workers.join(config.shutdown_timeout).await.and(tasks.join(config.shutdown_timeout).await);
        storage.close().await;
        served?;
        joined?;
        tracing::info!("the control plane has stopped");
        Ok(())
    }
}

/// Serves until told to stop, and then for at most `within`: a peer that keeps a stream open doesn't keep the process. What is
/// still open then ends with the process.
async fn serve(
    server: impl Future<Output = Result<(), tonic::transport::Error>>,
    tasks: &Tasks,
    within: Duration,
) -> anyhow::Result<()> {
    /// For answers that are on their way when all work is done.
    const LAST_ANSWERS: Duration = Duration::from_millis(500);
    let overdue = async {
        tasks.stopping().cancelled().await;
        let done = async {
            tasks.ended().await;
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        if tokio::time::timeout(within, done).await.is_err() {
            tracing::warn!("not waiting for calls that are still under way");
        }
    };
    tokio::select! {
        served = server => served.context("serving gRPC"),
        () = overdue => Ok(()),
    }
}

/// Loses servers when they have been silent for too long: from one timer, which sleeps until the next can be.
async fn expire_servers(registry: Arc<Registry>, clock: Clock, tasks: Tasks) {
    /// Nobody wakes this when a server comes that may be lost sooner than all others: it is looked at after so long.
    const LATEST: Duration = Duration::from_millis(500);
    loop {
        let next = registry.expire().map_or(u64::MAX, |at| at.0);
        let at = clock.instant_of(next).min(tokio::time::Instant::now() + LATEST);
        tokio::select! {
            () = tokio::time::sleep_until(at) => {}
            () = tasks.stopping().cancelled() => return,
        }
    }
}

/// Forgets what has been final for long enough.
async fn sweep(storage: Arc<dyn Storage>, clock: Clock, tasks: Tasks) {
    const EVERY: Duration = Duration::from_secs(1);
    while tokio::time::timeout(EVERY, tasks.stopping().cancelled()).await.is_err() {
        while let Ok(swept) = storage.sweep(Time(clock.now_ms()), SWEPT_AT_ONCE).await {
            if swept < SWEPT_AT_ONCE {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}
