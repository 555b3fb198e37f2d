//! A matchmaker with real storage and a real registry, on a clock that runs ahead whenever everybody waits, and game
//! servers that do what a test tells them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use matching::{GroupId, Player, PlayerId, QueueKey, TicketId, Time};
use runtime::{Clock, Tasks};
use storage::{Assignment, Enqueued, LandId, Local, NewTicket, QueueReport, ServerId, Status, Storage};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    allocation::OwnServers,
    config::Sections,
    matchmaker::{Desks, Matchmaker},
    peers::{Own, Peers},
    queues::Queues,
    registry::{Answer, Arrival, Command, Heartbeat, Land, Link, Registration, Registry},
};

/// How long a server may take to answer, and a server may be silent.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const EXPIRY: Duration = Duration::from_secs(3600);
pub(super) const LIFETIME: Duration = Duration::from_secs(900);

pub(super) struct World {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) registry: Arc<Registry>,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
}

impl World {
    pub(super) fn new() -> Self {
        Self::on(Arc::new(Local::in_memory()))
    }

    pub(super) fn on(storage: Arc<dyn Storage>) -> Self {
        Self::with(storage, &Sections::default())
    }

    /// With configured queues.
    pub(super) fn with(storage: Arc<dyn Storage>, sections: &Sections) -> Self {
        let clock = Clock::start();
        let tasks = Tasks::new(CancellationToken::new());
        let registry = Registry::new(clock);
        let config = runtime::config::defaults(&[]);
        let queues = Arc::new(Queues::new(&config, sections).unwrap());
        let desks = Arc::new(Desks::default());
        let own = Own { queues: Arc::clone(&queues), desks: Arc::clone(&desks), sessions: Arc::default() };
        let matchmaker = Matchmaker {
            storage: Arc::clone(&storage),
            allocation: Arc::new(OwnServers::new(
                Arc::clone(&registry),
                Peers::alone(Arc::clone(&registry), own),
                ANSWER_WITHIN,
            )),
            queues,
            desks,
            clock,
            tasks: tasks.clone(),
            room: registry.room(),
            assignment_lifetime: Duration::from_secs(300),
            lease: Duration::from_secs(10),
        };
        tasks.spawn("matchmaker", Arc::new(matchmaker).run());
        Self { storage, registry, clock, tasks }
    }

    pub(super) fn now(&self) -> Time {
        Time(self.clock.now_ms())
    }

    /// A ticket with this id, whose players are named after it.
    pub(super) fn ticket(queue: &str, id: &str, players: usize) -> NewTicket {
        let player = |n| Player::new(PlayerId::new(format!("{id}-{n}")));
        NewTicket {
            id: TicketId::new(id),
            queue: QueueKey::new(queue),
            group: GroupId::new(id),
            players: (0..players).map(player).collect(),
            region: None,
            constraints: None,
            lifetime: LIFETIME,
            queue_limit: 1_000_000,
            queues_limit: 1_000,
        }
    }

    pub(super) async fn enqueue(&self, queue: &str, id: &str) {
        self.enqueue_ticket(Self::ticket(queue, id, 1)).await;
    }

    pub(super) async fn enqueue_ticket(&self, ticket: NewTicket) {
        let enqueued = self.storage.enqueue(ticket, self.now()).await.unwrap();
        assert!(matches!(enqueued, Enqueued::New(_)), "{enqueued:?}");
    }

    pub(super) async fn cancel(&self, id: &str) {
        self.storage.cancel(&TicketId::new(id), self.now()).await.unwrap().unwrap();
    }

    pub(super) async fn status(&self, id: &str) -> Option<Status> {
        let mut read = self.storage.read(&[TicketId::new(id)]).await.unwrap();
        read.remove(0).map(|state| state.status)
    }

    /// The ticket's status once it is final, and how long that took.
    pub(super) async fn ended(&self, id: &str) -> (Status, Duration) {
        let from = tokio::time::Instant::now();
        let mut inbox = self.storage.signals().inbox();
        inbox.follow(&TicketId::new(id));
        loop {
            let status = self.status(id).await.unwrap();
            if status.is_final() {
                return (status, from.elapsed());
            }
            let woken = tokio::time::timeout(LIFETIME * 2, inbox.woken()).await;
            assert!(woken.is_ok(), "`{id}` is still queued");
        }
    }

    pub(super) async fn assignment(&self, id: &str) -> Arc<Assignment> {
        match self.ended(id).await.0 {
            Status::Assigned(assignment) => assignment,
            other => panic!("`{id}` ended as {other:?}"),
        }
    }

    /// What the owners of the queues say.
    pub(super) async fn reports(&self) -> Vec<QueueReport> {
        let reports = self.storage.reports(self.now()).await.unwrap();
        reports.into_iter().map(|(_, report)| report).collect()
    }

    /// A server for lands of the type `demo` that says nothing by itself.
    pub(super) fn server(&self, id: &str, capacity: usize) -> FakeServer {
        FakeServer::connect(&self.registry, id, capacity, Vec::new())
    }

    /// Stops the matchmaker and every server that the tasks own.
    pub(super) async fn stop(self) {
        self.tasks.join(Duration::from_secs(10)).await.unwrap();
        let reports = self.storage.reports(Time(self.clock.now_ms())).await.unwrap();
        assert_eq!(reports, [], "a queue is still owned");
    }
}

/// A game server and its agent.
pub(super) struct FakeServer {
    registry: Arc<Registry>,
    pub(super) id: ServerId,
    pub(super) link: u64,
    commands: mpsc::Receiver<Command>,
    sequence: u64,
}

impl FakeServer {
    /// Opens a stream, which replaces one that the server had.
    pub(super) fn connect(registry: &Arc<Registry>, id: &str, capacity: usize, lands: Vec<LandId>) -> Self {
        static NEXT_LINK: AtomicU64 = AtomicU64::new(1);
        let (commands, commanded) = mpsc::channel(1_024);
        let link = NEXT_LINK.fetch_add(1, Ordering::Relaxed);
        let registration = Registration {
            server: ServerId::new(id),
            instance: Some("i-1".to_owned()),
            connect_base: format!("ws://{id}"),
            land_types: vec!["demo".into()],
            region: None,
            capacity,
            player_capacity: None,
            labels: std::collections::BTreeMap::new(),
            version: String::new(),
        };
        let lands =
            lands.into_iter().map(|id| Land { id, players: Vec::new(), awaited: Vec::new() }).collect();
        let arrival = Arrival { registration, term: 0, lands, draining: false };
        registry.connect(arrival, EXPIRY, Link { id: link, commands }).unwrap();
        Self { registry: Arc::clone(registry), id: ServerId::new(id), link, commands: commanded, sequence: 0 }
    }

    /// The stream breaks.
    pub(super) fn disconnect(&self) {
        self.registry.disconnected(&self.id, self.link);
    }

    /// The next command; `None` once the link is closed.
    pub(super) async fn command(&mut self) -> Option<Command> {
        self.commands.recv().await
    }

    /// The next order: its command and its land.
    pub(super) async fn order(&mut self) -> (String, LandId) {
        loop {
            if let Command::Allocate { id, land, .. } = self.command().await.unwrap() {
                return (id, land);
            }
        }
    }

    pub(super) fn answer(&self, command: &str, answer: Answer) {
        self.registry.answer(&self.id, self.link, command, answer);
    }

    /// Says how many players it can hold.
    pub(super) fn holds_players(mut self, players: usize) -> Self {
        self.say([], Some(Some(players)));
        self
    }

    pub(super) fn beat(&mut self, lands: impl IntoIterator<Item = LandId>) {
        self.say(lands, None);
    }

    fn say(&mut self, lands: impl IntoIterator<Item = LandId>, player_capacity: Option<Option<usize>>) {
        self.sequence += 1;
        let lands =
            lands.into_iter().map(|id| Land { id, players: Vec::new(), awaited: Vec::new() }).collect();
        let beat = Heartbeat {
            sequence: self.sequence,
            healthy: true,
            draining: false,
            lands,
            capacity: None,
            player_capacity,
        };
        self.registry.heartbeat(&self.id, self.link, beat, EXPIRY);
    }

    /// Makes every land that is ordered.
    pub(super) fn make_all_lands(mut self) {
        tokio::spawn(async move {
            while let Some(command) = self.command().await {
                if let Command::Allocate { id, .. } = command {
                    self.answer(&id, Answer::Ready);
                }
            }
        });
    }
}
