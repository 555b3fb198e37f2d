//! The other replicas of this control plane: their servers can be used here, and those here by them.
//!
//! A server's agent speaks to one replica, and that one alone knows which lands fit: a place is reserved there, under its
//! registry's lock, whoever asks. So capacity has one truth, which dies with the replica and comes back with the agent's next
//! hello; there is nothing to reconcile. Between replicas go:
//!
//! - notices ([`announcing`]): how many lands fit on each server, told to all when that changes;
//! - questions ([`asking`], answered in [`answering`]): mostly, to reserve a land on a server and have it made, in one message;
//!   and those about queues ([`queues`]);
//! - players' sessions, which concern the gateways of all ([`sessions`]);
//! - holds: which replica has a server id, kept in Redis with a term that grows, so that of two that think they have a
//!   server the later one is right.
//!
//! All of it is an accelerator and may be lost: a question without an answer is a server that didn't answer, and the next one is
//! asked. Without a state that replicas share, a replica is alone, and every question here has the answer at hand.

mod announcing;
mod answering;
mod asking;
mod hearing;
mod lands;
mod letter;
mod questions;
mod queues;
mod sessions;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use parking_lot::Mutex;
use runtime::Tasks;
use storage::{Hold, LandId, Mailbox, ReplicaId, Replicas, ServerId, StorageError};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

pub(crate) use self::lands::NotReached;
use self::{letter::Letter, questions::Questions};
use crate::{
    matchmaker::Desks,
    queues::Queues,
    registry::{HelloRefused, Registry},
    sessions::{Session, Sessions},
};

/// Letters that wait to be sent by those who can't wait.
const OUTBOX: usize = 4_096;
/// Questions of others that are being answered at once; each may be a land that a server is asked for.
const ANSWERING: usize = 4_096;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Peers {
    registry: Arc<Registry>,
    own: Own,
    /// `None`: there are no others.
    post: Option<Post>,
}

/// What the others ask of this replica beside its servers.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub(crate) queues: Arc<Queues>,
    pub(crate) desks: Arc<Desks>,
    pub(crate) sessions: Arc<Sessions>,
}

#[derive(Debug)]
struct Post {
    replicas: Arc<Replicas>,
    questions: Questions,
    outbox: mpsc::Sender<(ReplicaId, Letter)>,
    sessions: mpsc::Sender<Arc<Session>>,
    answering: Arc<Semaphore>,
    pace: PeersPace,
    /// Those that were heard of and are not gone. Held for a look, never over an await.
    live: Mutex<BTreeSet<ReplicaId>>,
}

/// How often a replica says that it lives, and after how much silence it is taken for gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeersPace {
    /// Also the time in which a replica that lives answers.
    pub(crate) interval: Duration,
    pub(crate) expiry: Duration,
}

/// What has to run for as long as the peers are used.
#[derive(Debug)]
pub(crate) struct PeersUpkeep {
    mailbox: Mailbox,
    outbox: mpsc::Receiver<(ReplicaId, Letter)>,
    sessions: mpsc::Receiver<Arc<Session>>,
}

impl Peers {
    /// The peers of a replica that has none.
    pub(crate) fn alone(registry: Arc<Registry>, own: Own) -> Arc<Self> {
        Arc::new(Self { registry, own, post: None })
    }

    /// The peers that are reached through `replicas`.
    pub(crate) fn of(
        registry: Arc<Registry>,
        own: Own,
        replicas: Arc<Replicas>,
        mailbox: Mailbox,
        pace: PeersPace,
    ) -> (Arc<Self>, PeersUpkeep) {
        registry.keep_news();
        let (outbox, to_send) = mpsc::channel(OUTBOX);
        let (sessions, opened) = mpsc::channel(sessions::WAITING);
        let questions = Questions::default();
        let answering = Arc::new(Semaphore::new(ANSWERING));
        let live = Mutex::default();
        let post = Post { replicas, questions, outbox, sessions, answering, pace, live };
        let upkeep = PeersUpkeep { mailbox, outbox: to_send, sessions: opened };
        (Arc::new(Self { registry, own, post: Some(post) }), upkeep)
    }

    /// Starts what tells the others of this replica until the tasks stop, and what hears them and sends what waits until
    /// `after_work`: until then, answers to questions of this replica may come.
    pub(crate) fn start(
        self: &Arc<Self>,
        upkeep: PeersUpkeep,
        tasks: &Tasks,
        after_work: &CancellationToken,
    ) {
        let PeersUpkeep { mailbox, outbox, sessions } = upkeep;
        tasks.spawn("announcing servers", announcing::run(Arc::clone(self), tasks.clone()));
        let hearing = hearing::run(Arc::clone(self), mailbox, tasks.clone(), after_work.clone());
        tasks.spawn("hearing of servers", hearing);
        tasks.spawn("letters to replicas", send_on(Arc::clone(self), outbox, after_work.clone()));
        let sessions = sessions::send_on(Arc::clone(self), sessions, after_work.clone());
        tasks.spawn("players' sessions to replicas", sessions);
    }

    /// Waits until every question of another replica that came so far is answered.
    pub(crate) async fn have_been_answered(&self) {
        if let Some(post) = &self.post {
            let all = u32::try_from(ANSWERING).unwrap_or(u32::MAX);
            // Never closed.
            drop(post.answering.acquire_many(all).await);
        }
    }

    /// Takes the server id for a stream with this instance. Returns the hold's term.
    pub(crate) async fn hold(&self, server: &ServerId, instance: &str) -> Result<u64, HoldRefused> {
        let Some(post) = &self.post else { return Ok(0) };
        match post.replicas.hold(server, Some(instance)).await? {
            Hold::Held { term } => Ok(term),
            Hold::Superseded { by } => Err(HelloRefused::Superseded { by }.into()),
            // An agent takes over from a server without one: so it is never told to ask there.
            Hold::Elsewhere(_) => Err(HoldRefused::Busy),
        }
    }

    /// Gives a server id back, where nobody has taken it since `term`.
    pub(crate) async fn let_go(&self, server: &ServerId, term: u64) {
        let Some(post) = &self.post else { return };
        if let Err(error) = post.replicas.let_go(server, term).await {
            tracing::debug!(%server, %error, "a server's id is not given back; whoever comes takes it over");
        }
    }

    /// A land that was made elsewhere is not needed after all. False: nobody elsewhere has its server.
    pub(crate) fn release(&self, server: &ServerId, land: &LandId, reason: &str) -> bool {
        let Some(replica) = self.registry.replica_of(server) else { return false };
        self.post_later(replica, land, reason);
        true
    }

    /// For who can't wait. A letter that doesn't fit is lost, as any may be: a land that nobody comes to ends by itself.
    fn post_later(&self, to: ReplicaId, land: &LandId, reason: &str) {
        let Some(post) = &self.post else { return };
        let letter = Letter::Release { land: land.clone(), reason: reason.to_owned() };
        if post.outbox.try_send((to, letter)).is_err() {
            tracing::warn!(%land, "a land that isn't needed is left to end by itself: too much waits to be sent");
        }
    }
}

/// Why a server id is not ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HoldRefused {
    #[error("{0:?}")]
    Superseded(HelloRefused),
    /// The replica that has it doesn't answer, or it is changing hands.
    #[error("another replica has the server id at the moment")]
    Busy,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<HelloRefused> for HoldRefused {
    fn from(refused: HelloRefused) -> Self {
        Self::Superseded(refused)
    }
}

impl Post {
    /// The other replicas that live.
    fn others(&self) -> Vec<ReplicaId> {
        self.live.lock().iter().filter(|id| *id != self.replicas.me()).cloned().collect()
    }

    /// False: nobody heard it.
    async fn send(&self, to: &ReplicaId, letter: &Letter) -> bool {
        let text = serde_json::to_string(letter).expect("a letter has nothing that JSON can't say");
        match self.replicas.send(to, &text).await {
            Ok(heard) => heard,
            Err(error) => {
                tracing::debug!(%error, replica = %to, "a letter was not sent");
                false
            }
        }
    }
}

async fn send_on(
    peers: Arc<Peers>,
    mut outbox: mpsc::Receiver<(ReplicaId, Letter)>,
    stop: CancellationToken,
) {
    let Some(post) = &peers.post else { return };
    while let Some(Some((to, letter))) = stop.run_until_cancelled(outbox.recv()).await {
        post.send(&to, &letter).await;
    }
}
