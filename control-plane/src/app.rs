//! The control plane, put together.

mod door;
mod serving;
pub(crate) mod upkeep;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use runtime::{Clock, Tasks, listen::listen};
use storage::{LandId, Signals};
use tokens::{DEFAULT_BITS, KeyRing, KeyRingSettings, SigningPool};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::{door::Opening, serving::Services};
use crate::{
    allocation::{Chosen, Opening as ServiceOpening, OwnServers},
    config::{Config, Sections},
    delivery::Delivery,
    grpc::{
        keys::KeysService,
        matchmaking::{self, MatchmakingService},
        provisioning::{self, Pace, ProvisioningService},
    },
    matchmaker::{Desks, Matchmaker},
    peers::{Own, Peers},
    presence::Presence,
    queues::Queues,
    registry::Registry,
    state::{self, Opened},
};

/// A control plane that has its port and its keys, and is ready to run.
#[derive(Debug)]
pub struct ControlPlane {
    config: Config,
    queues: Arc<Queues>,
    /// `None` where no calls are served: nothing is signed there.
    ring: Option<Arc<KeyRing>>,
    listener: TcpListener,
    state: Opened,
    door: Opening,
    /// Who allocates, where that is a service outside.
    allocator: Option<ServiceOpening>,
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
        let door = Opening::of(&config.access)?;
        let allocator = ServiceOpening::of(&config.allocation, config.allocation_tries)?;
        let ring =
            if config.matchmaking_role.serves_calls() { Some(open_keys(&config).await?) } else { None };
        let state = state::open(&config).await?;
        let listener = listen(config.grpc_addr, "gRPC", "--grpc-addr").await?;
        Ok(Self { config, queues, ring, listener, state, door, allocator })
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
        let Self { config, queues, ring, listener, state, door, allocator } = self;
        let Opened { storage, upkeep, replicas } = state;
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
        // Agents and other replicas are listened to until the matches that are being placed are done with.
        let after_work = CancellationToken::new();
        let registry = Registry::with(clock, config.no_show_after());
        let desks = Arc::new(Desks::default());
        let own = Own { queues: Arc::clone(&queues), desks: Arc::clone(&desks), sessions: Arc::default() };
        let peers = match replicas {
            None => Peers::alone(Arc::clone(&registry), own),
            Some((replicas, mailbox)) => {
                let pace = config.peers_pace();
                let (peers, upkeep) = Peers::of(Arc::clone(&registry), own, replicas, mailbox, pace);
                peers.start(upkeep, &tasks, &after_work);
                peers
            }
        };
        let Chosen { allocation, room } = match allocator {
            Some(service) => service.open(&tasks)?,
            None => {
                let (registry, peers) = (Arc::clone(&registry), Arc::clone(&peers));
                let room = registry.room();
                let servers = OwnServers::new(registry, peers, config.land_answer_timeout);
                Chosen::own(servers.asking_at_most(config.allocation_tries), room)
            }
        };

        // Their own, to tell when they have ended.
        let workers = Tasks::new(tasks.stopping().clone());
        let matchmaker = Matchmaker {
            storage: Arc::clone(&storage),
            allocation: Arc::clone(&allocation),
            queues: Arc::clone(&queues),
            desks,
            clock,
            tasks: workers.clone(),
            room,
            assignment_lifetime: config.token_lifetime,
            lease: config.queue_lease,
        };
        if config.matchmaking_role.forms_matches() {
            workers.spawn("matchmaker", Arc::new(matchmaker).run());
        }
        tasks.spawn("end of the work", {
            let (stopping, workers, peers) = (tasks.stopping().clone(), workers.clone(), Arc::clone(&peers));
            let after_work = after_work.clone();
            let patience = config.land_answer_timeout.min(config.shutdown_timeout / 2);
            async move {
                stopping.cancelled().await;
                // A match whose server was asked is finished where it answers; without a stream it can't.
                let done = async { tokio::join!(workers.ended(), peers.have_been_answered()) };
                drop(tokio::time::timeout(patience, done).await);
                after_work.cancel();
            }
        });
        tasks.spawn("server expiry", upkeep::expire_servers(Arc::clone(&registry), clock, tasks.clone()));
        if queues.have_a_file() {
            upkeep::reload_queues(Arc::clone(&queues), &tasks);
        }
        tasks.spawn("sweep", upkeep::sweep(Arc::clone(&storage), clock, tasks.clone()));
        if let Some(ring) = &ring {
            let reload = upkeep::reload_keys(Arc::clone(ring), config.jwks_max_age, clock, tasks.clone());
            tasks.spawn("keys", reload);
        }

        tasks.spawn("what services allocated", {
            let (storage, registry) = (Arc::clone(&storage), Arc::clone(&registry));
            let lives = move |land: &LandId| registry.is_there(land);
            provisioning::keep_those_that_live(storage, lives, clock, tasks.clone())
        });

        let presence = Presence::new(Arc::clone(&storage), Arc::clone(&queues), clock);
        if config.matchmaking_role.serves_calls() {
            tasks.spawn("whose players are there", Arc::clone(&presence).run(tasks.clone()));
        }

        config.access.warn(addr, config.matchmaking_role.serves_calls());
        let door = door.keep(&tasks);
        let services = ring.map(SigningPool::new).map(|signing| Services {
            matchmaking: MatchmakingService(Arc::new(matchmaking::Shared {
                storage: Arc::clone(&storage),
                queues: Arc::clone(&queues),
                peers: Arc::clone(&peers),
                presence,
                delivery: Delivery::new(signing.clone(), config.token_issuer.clone(), clock),
                clock,
                tasks: tasks.clone(),
                limits: matchmaking::Limits { tickets: config.queue_limit, queues: config.max_queues },
            })),
            provisioning: ProvisioningService(Arc::new(provisioning::Shared {
                registry: Arc::clone(&registry),
                peers,
                allocation,
                queues,
                storage: Arc::clone(&storage),
                clock,
                tasks: tasks.clone(),
                agents_stop: after_work,
                agent_pace: Pace { interval: config.heartbeat_interval, expiry: config.heartbeat_expiry },
                rest_pace: Pace {
                    interval: config.rest_heartbeat_interval,
                    expiry: config.rest_heartbeat_expiry,
                },
                assignment_lifetime: config.token_lifetime,
                allocation_patience: config.allocation_patience(),
            })),
            keys: KeysService {
                signing,
                storage: Arc::clone(&storage),
                issuer: config.token_issuer.clone(),
                clock,
            },
        });
        tracing::info!(%addr, role = ?config.matchmaking_role, "the control plane serves gRPC");
        let server = serving::serve(listener, door, &config.grpc, services, &tasks);
        let served = or_overdue(server, &tasks, config.shutdown_timeout).await;
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
async fn or_overdue(
    server: impl Future<Output = anyhow::Result<()>>,
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
        served = server => served,
        () = overdue => Ok(()),
    }
}

/// Opens the signing keys, or makes the first.
async fn open_keys(config: &Config) -> anyhow::Result<Arc<KeyRing>> {
    let (dir, settings) = (
        config.keys_dir.clone(),
        KeyRingSettings {
            algorithm: config.token_algorithm.into(),
            token_lifetime: config.token_lifetime,
            identity_lifetime: config.identity_lifetime,
            publish_ahead: config.jwks_max_age,
            bits: DEFAULT_BITS,
        },
    );
    // Making the first key takes a while, and all of it is disk and computing.
    let now = std::time::SystemTime::now();
    let opened = tokio::task::spawn_blocking(move || KeyRing::open(&dir, settings, now));
    Ok(Arc::new(opened.await.context("opening the keys")??))
}
