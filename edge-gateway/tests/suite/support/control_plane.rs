//! A control plane that the tests play: small, honest about the contract, and at their command.

mod services;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use proto::{error::Refusal, matchmaking::v1 as pb};
use tokio::{net::TcpListener, runtime::Runtime, sync::broadcast, task::JoinHandle};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;

use super::{
    PATIENCE, eventually,
    signer::Signer,
    tickets::{Tickets, assignment},
};

/// What the services share, and what outlives a restart.
pub(crate) struct State {
    pub(crate) tickets: Mutex<Tickets>,
    /// The ids of tickets that change.
    pub(crate) changes: broadcast::Sender<String>,
    /// Players' sessions that are opened.
    pub(crate) sessions: broadcast::Sender<pb::Session>,
    /// When the last one was.
    pub(crate) session_ms: AtomicU64,
    /// All are opened in the same millisecond.
    pub(crate) time_stands: AtomicBool,
    /// What the next calls are refused with.
    pub(crate) refusals: Mutex<VecDeque<Refusal>>,
    /// What the next subscriptions are refused with.
    pub(crate) watch_refusals: Mutex<VecDeque<pb::WatchRefusal>>,
    /// Calls are not answered.
    pub(crate) silent: AtomicBool,
    /// Calls are answered after this time.
    pub(crate) slowness: Mutex<Duration>,
    /// The next enqueue is kept, but its answer is lost.
    pub(crate) lose_answer: AtomicBool,
    /// Tickets are assigned as they come.
    pub(crate) assign_at_once: AtomicBool,
    /// Why tickets wait.
    pub(crate) explanation: Mutex<Option<pb::Explanation>>,
    /// Signs identity tokens, and is published.
    pub(crate) signer: Mutex<Option<Signer>>,
    /// On whose behalf tickets were enqueued.
    pub(crate) enqueued_for: Mutex<Vec<Option<String>>>,
    pub(crate) enqueues: AtomicUsize,
    pub(crate) subscribed: AtomicUsize,
    pub(crate) jwks_reads: AtomicUsize,
    /// Request ids and timeouts, as the calls brought them.
    pub(crate) metadata: Mutex<Vec<(String, String)>>,
}

/// The control plane.
pub(crate) struct ControlPlane {
    pub(crate) state: Arc<State>,
    /// What this replica alone has seen.
    pub(crate) seen: Arc<Seen>,
    pub(crate) addr: SocketAddr,
    running: Option<(CancellationToken, JoinHandle<()>)>,
    /// The threads of its own that a replica has that can crash.
    threads: Option<Runtime>,
}

/// What one replica has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) calls: AtomicUsize,
    /// It is a queue-worker: well, and serves no clients.
    pub(crate) is_worker: AtomicBool,
    /// Watch streams that are open.
    pub(crate) streams: AtomicUsize,
}

impl ControlPlane {
    pub(crate) async fn start() -> Self {
        let state = State {
            tickets: Mutex::default(),
            changes: broadcast::channel(4096).0,
            sessions: broadcast::channel(4096).0,
            session_ms: AtomicU64::new(1_752_831_000_000),
            time_stands: AtomicBool::default(),
            refusals: Mutex::default(),
            watch_refusals: Mutex::default(),
            silent: AtomicBool::default(),
            slowness: Mutex::default(),
            lose_answer: AtomicBool::default(),
            assign_at_once: AtomicBool::default(),
            explanation: Mutex::default(),
            signer: Mutex::default(),
            enqueued_for: Mutex::default(),
            enqueues: AtomicUsize::default(),
            subscribed: AtomicUsize::default(),
            jwks_reads: AtomicUsize::default(),
            metadata: Mutex::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut control_plane = Self {
            state: Arc::new(state),
            seen: Arc::default(),
            addr: listener.local_addr().unwrap(),
            running: None,
            threads: None,
        };
        control_plane.serve(listener).await;
        control_plane
    }

    /// Another replica, with the same state. It can crash.
    pub(crate) async fn beside(&self) -> Self {
        self.replica(Seen::default()).await
    }

    /// Another replica that is a queue-worker.
    pub(crate) async fn worker_beside(&self) -> Self {
        self.replica(Seen { is_worker: AtomicBool::new(true), ..Seen::default() }).await
    }

    async fn replica(&self, seen: Seen) -> Self {
        let mut replica = Self {
            state: Arc::clone(&self.state),
            seen: Arc::new(seen),
            addr: ([127, 0, 0, 1], 0).into(),
            running: None,
            threads: None,
        };
        replica.come_up().await;
        replica
    }

    /// Dies without a word: every connection breaks, whatever is under way.
    pub(crate) fn crash(&mut self) {
        self.threads.take().unwrap().shutdown_background();
    }

    /// Is there again after a crash, on the same port.
    pub(crate) async fn come_up(&mut self) {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let threads = threads.unwrap();
        let addr = self.addr;
        let (state, seen) = (Arc::clone(&self.state), Arc::clone(&self.seen));
        let bound = threads.spawn(async move {
            let listener = bind(addr).await;
            let addr = listener.local_addr().unwrap();
            let served = services::router(&state, seen, CancellationToken::new()).await;
            tokio::spawn(served.serve_with_incoming(TcpListenerStream::new(listener)));
            addr
        });
        self.addr = bound.await.unwrap();
        self.threads = Some(threads);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    async fn serve(&mut self, listener: TcpListener) {
        let stop = CancellationToken::new();
        let served = services::router(&self.state, Arc::clone(&self.seen), stop.clone())
            .await
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.clone().cancelled_owned());
        let task = tokio::spawn(async move { served.await.unwrap() });
        self.running = Some((stop, task));
    }

    /// Goes away: its port is closed, its streams end.
    pub(crate) async fn stop(&mut self) {
        let (stop, task) = self.running.take().unwrap();
        stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, task).await;
        ended.expect("the stand-in stops").unwrap();
    }

    /// Comes back on the same port, with its tickets.
    pub(crate) async fn restart(&mut self) {
        let listener = bind(self.addr).await;
        self.serve(listener).await;
    }

    pub(crate) fn assign(&self, ticket_id: &str) {
        self.change(ticket_id, |ticket| {
            ticket.status = pb::TicketStatus::Assigned.into();
            ticket.assignment = Some(assignment(&ticket.player_ids));
        });
    }

    /// Drops a ticket whose players are gone.
    pub(crate) fn drop_absent(&self, ticket_id: &str) {
        self.change(ticket_id, |ticket| {
            ticket.status = pb::TicketStatus::Cancelled.into();
            ticket.cancel_reason = pb::CancelReason::Absent.into();
        });
    }

    pub(crate) fn expire(&self, ticket_id: &str) {
        self.change(ticket_id, |ticket| ticket.status = pb::TicketStatus::Expired.into());
    }

    pub(crate) fn place(&self, ticket_id: &str, position: u32, estimated_wait_ms: Option<u32>) {
        self.change(ticket_id, |ticket| {
            let place = pb::QueuePlace { position, estimated_wait_ms, ..pb::QueuePlace::default() };
            ticket.place = Some(pb::QueuePlace {
                estimated_wait_low_ms: estimated_wait_ms.map(|wait| wait / 2),
                estimated_wait_high_ms: estimated_wait_ms.map(|wait| wait * 2),
                ..place
            });
        });
    }

    pub(crate) fn ticket(&self, ticket_id: &str) -> pb::Ticket {
        self.state.tickets.lock().get(ticket_id).unwrap()
    }

    fn change(&self, ticket_id: &str, change: impl FnOnce(&mut pb::Ticket)) {
        self.state.tickets.lock().change(ticket_id, change);
        self.state.announce(ticket_id);
    }

    /// Waits until the streams that are open follow this many tickets.
    pub(crate) async fn subscribed(&self, count: usize) {
        eventually(&format!("{count} tickets are subscribed"), || {
            self.state.subscribed.load(Ordering::SeqCst) == count
        })
        .await;
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

/// Opens a port that may have been in use a moment ago.
async fn bind(addr: SocketAddr) -> TcpListener {
    let bind = async {
        loop {
            match TcpListener::bind(addr).await {
                Ok(listener) => return listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, bind).await.expect("the port is free again")
}

impl State {
    pub(crate) fn announce(&self, ticket_id: &str) {
        // Without a stream there is nobody to tell.
        let _told = self.changes.send(ticket_id.to_owned());
    }

    /// Tells all gateways of a session, of which it hears for the first time or again.
    fn session_opened(&self, mut session: pb::Session) {
        if session.opened_at_unix_ms == 0 {
            let step = u64::from(!self.time_stands.load(Ordering::SeqCst));
            session.opened_at_unix_ms =
                self.session_ms.fetch_add(step, Ordering::SeqCst) - session.open_for_ms;
        }
        // Who told it listens.
        self.sessions.send(session).unwrap();
    }
}
