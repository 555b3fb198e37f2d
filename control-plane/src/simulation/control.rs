//! The control plane of a run: everything of the real one but its sockets and tokens, put together as `app.rs` does. It dies and
//! comes back; what is kept is in storage.

use std::{sync::Arc, time::Duration};

use proto::provisioning::v1 as pb;
use runtime::{Clock, Tasks};
use storage::{ServerId, Storage};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    door::Present,
    history::{Event, Log},
    network::{ConnectionNo, ToControl},
    slow::{Kept, Slow},
};
use crate::{
    access::Caller,
    allocation::{Allocation, OwnServers},
    app::upkeep,
    config::Config,
    grpc::provisioning::{self, Pace, ProvisioningService},
    matchmaker::{Desks, Matchmaker},
    peers::{Own, Peers},
    queues::Queues,
    registry::{Registry, ServerView},
};

/// Messages that wait for the control plane to read them.
const UNREAD: usize = 1_024;

/// In which a control plane that is told to stop does so, though its storage be away for most of it.
const STOPS_WITHIN: Duration = Duration::from_secs(45);
/// How it went where it didn't.
pub(super) const STUCK: &str = "does not stop";

/// What the control plane says on a connection, or that it has closed it.
pub(super) type Said = (ConnectionNo, Option<Result<pb::ConnectResponse, Status>>);

/// A control plane that runs.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) life: u32,
    pub(super) storage: Arc<Slow>,
    registry: Arc<Registry>,
    shared: Arc<provisioning::Shared>,
    workers: Tasks,
    said: mpsc::Sender<Said>,
    died: CancellationToken,
    log: Log,
}

impl Control {
    pub(super) fn start(
        life: u32,
        clock: Clock,
        config: &Config,
        queues: &Arc<Queues>,
        kept: &Arc<Kept>,
        said: mpsc::Sender<Said>,
        log: Log,
    ) -> Self {
        log.note(Event::ControlUp { life });
        let tasks = Tasks::new(CancellationToken::new());
        let storage = Slow::new(kept);
        let registry = Registry::with(clock, config.no_show_after());
        let desks = Arc::new(Desks::default());
        let own = Own { queues: Arc::clone(queues), desks: Arc::clone(&desks), sessions: Arc::default() };
        let peers = Peers::alone(Arc::clone(&registry), own);
        let allocation: Arc<dyn Allocation> =
            Arc::new(OwnServers::new(Arc::clone(&registry), Arc::clone(&peers), config.land_answer_timeout));
        let workers = Tasks::new(tasks.stopping().clone());
        let matchmaker = Matchmaker {
            storage: Arc::clone(&storage) as Arc<dyn Storage>,
            allocation: Arc::clone(&allocation),
            queues: Arc::clone(queues),
            desks,
            clock,
            tasks: workers.clone(),
            room: registry.room(),
            // Longer than a run: what was assigned can be read at its end.
            assignment_lifetime: Duration::from_secs(3_600),
            lease: config.queue_lease,
        };
        workers.spawn("matchmaker", Arc::new(matchmaker).run());
        tasks.spawn("server expiry", upkeep::expire_servers(Arc::clone(&registry), clock, tasks.clone()));
        tasks.spawn("sweep", upkeep::sweep(Arc::clone(&storage) as Arc<dyn Storage>, clock, tasks.clone()));
        let shared = provisioning::Shared {
            registry: Arc::clone(&registry),
            peers,
            allocation,
            queues: Arc::clone(queues),
            storage: Arc::clone(&storage) as Arc<dyn Storage>,
            clock,
            tasks,
            agents_stop: CancellationToken::new(),
            agent_pace: Pace { interval: config.heartbeat_interval, expiry: config.heartbeat_expiry },
            rest_pace: Pace {
                interval: config.rest_heartbeat_interval,
                expiry: config.rest_heartbeat_expiry,
            },
            assignment_lifetime: config.token_lifetime,
            allocation_patience: config.allocation_patience(),
        };
        Self {
            life,
            storage,
            registry,
            shared: Arc::new(shared),
            workers,
            said,
            died: CancellationToken::new(),
            log,
        }
    }

    /// Takes a connection of an agent.
    pub(super) fn accept(&self, connection: ConnectionNo) -> ToControl {
        let (to_control, messages) = mpsc::channel(UNREAD);
        let (answers, mut answered) = mpsc::channel(16);
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn("agent stream", async move {
            let messages = ReceiverStream::new(messages);
            provisioning::serve_agent(&shared, &Caller::anybody(), messages, answers).await;
        });
        let said = self.said.clone();
        self.shared.tasks.spawn("what an agent is told", async move {
            while let Some(answer) = answered.recv().await {
                drop(said.send((connection, Some(answer))).await);
            }
            drop(said.send((connection, None)).await);
        });
        to_control
    }

    /// For who comes from outside.
    pub(super) fn present(&self) -> Present {
        let provisioning = ProvisioningService(Arc::clone(&self.shared));
        Present { storage: Arc::clone(&self.storage), provisioning, died: self.died.clone() }
    }

    pub(super) fn servers(&self) -> Vec<ServerView> {
        self.registry.list(None)
    }

    pub(super) fn drain(&self, server: &str, deadline_ms: u64) {
        let deadline = (deadline_ms > 0).then(|| Duration::from_millis(deadline_ms));
        drop(self.registry.drain(&ServerId::new(server), "an operator says so", deadline));
    }

    /// Is gone at once: whatever its tasks still do, nobody hears of.
    pub(super) fn die(self) {
        self.log.note(Event::ControlDown { life: self.life, how: "dies" });
        self.storage.die();
        self.died.cancel();
        self.shared.tasks.stopping().cancel();
        self.shared.agents_stop.cancel();
    }

    /// Is told to stop, and finishes what it can, as the real one does. To be awaited elsewhere.
    pub(super) fn stop(self) -> impl Future<Output = ()> + Send {
        self.log.note(Event::ControlDown { life: self.life, how: "is told to stop" });
        async move {
            self.shared.tasks.stopping().cancel();
            drop(tokio::time::timeout(Duration::from_secs(2), self.workers.ended()).await);
            self.shared.agents_stop.cancel();
            let ended = self.workers.join(STOPS_WITHIN).await.and(self.shared.tasks.join(STOPS_WITHIN).await);
            self.storage.die();
            self.died.cancel();
            let how = if ended.is_ok() { "has stopped" } else { STUCK };
            self.log.note(Event::ControlDown { life: self.life, how });
        }
    }

    /// Whether a task has panicked.
    pub(super) fn has_failed(&self) -> bool {
        self.shared.tasks.stopping().is_cancelled()
    }
}
