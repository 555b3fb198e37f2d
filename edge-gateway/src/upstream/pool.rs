//! The replicas of the control plane: which there are, which to try first, and which are back.
//!
//! Nobody's request finds out whether a dead replica lives again: one that failed somebody is asked for its health until it
//! says that it serves, and meanwhile the others are tried first. Where all have failed, all are still tried: a client that
//! waits would rather have a slow answer than a quick guess.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use metrics::gauge;
use parking_lot::Mutex;
use runtime::{
    control_plane::Way,
    endpoints::{Endpoint, Endpoints},
};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    health::{Health, ask},
    replica::{Replica, Standing},
};

/// How often a replica that doesn't serve is asked whether it does.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// The replicas. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

struct Inner {
    endpoints: Endpoints,
    connect_timeout: Duration,
    way: Way,
    // Held to copy or to replace the list.
    replicas: Mutex<Arc<[Arc<Replica>]>>,
    /// Where the search for the next replica begins, so that equals take turns.
    turn: AtomicUsize,
    // Tells the pool's task that a replica has failed somebody.
    doubted: Notify,
}

/// A replica to try.
pub(crate) struct Pick {
    pub(crate) replica: Arc<Replica>,
    /// Whether there are others that were not tried.
    pub(crate) others: bool,
}

impl Pool {
    /// The replicas at `endpoints`, each of which may take `connect_timeout` to be connected, by `way`.
    pub(crate) fn new(endpoints: Endpoints, connect_timeout: Duration, way: Way) -> Self {
        let pool = Self(Arc::new(Inner {
            endpoints,
            connect_timeout,
            way,
            replicas: Mutex::new(Arc::new([])),
            turn: AtomicUsize::default(),
            doubted: Notify::new(),
        }));
        pool.adopt(&pool.0.endpoints.known());
        pool
    }

    /// All there are.
    pub(crate) fn replicas(&self) -> Arc<[Arc<Replica>]> {
        Arc::clone(&self.0.replicas.lock())
    }

    /// The best one that is not among `tried`: one that serves before one in doubt before one that is away, and of those the
    /// one with the fewest calls under way. Never one of another role.
    pub(crate) fn pick(&self, tried: &[Endpoint]) -> Option<Pick> {
        let replicas = self.replicas();
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed) % replicas.len().max(1);
        let (before, after) = replicas.split_at(turn);
        let rested = after.iter().chain(before).filter(|replica| !tried.contains(replica.endpoint()));
        let rested = rested.map(|replica| (replica.standing(), replica));
        let untried: Vec<_> = rested.filter(|(standing, _)| *standing != Standing::OtherRole).collect();
        let (_, best) = untried.iter().min_by_key(|(standing, replica)| (*standing, replica.calls()))?;
        Some(Pick { replica: Arc::clone(best), others: untried.len() > 1 })
    }

    /// This replica failed somebody.
    pub(crate) fn doubt(&self, replica: &Replica) {
        replica.doubt();
        self.0.doubted.notify_one();
        self.0.endpoints.look_again();
    }

    /// Keeps the list and the replicas' standing true until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let both = async { tokio::join!(self.follow(), self.ask_on()) };
        stop.run_until_cancelled(both).await;
    }

    async fn follow(&self) {
        let mut known = self.0.endpoints.watch();
        loop {
            let now = Arc::clone(&known.borrow_and_update());
            self.adopt(&now);
            self.0.doubted.notify_one();
            if known.changed().await.is_err() {
                // Never while this pool holds the endpoints.
                return;
            }
        }
    }

    fn adopt(&self, known: &[Endpoint]) {
        let mut replicas = self.0.replicas.lock();
        let before: HashMap<_, _> = replicas.iter().map(|replica| (replica.endpoint(), replica)).collect();
        let now = known.iter().map(|endpoint| match before.get(endpoint) {
            Some(replica) => Arc::clone(replica),
            None => Arc::new(Replica::new(endpoint.clone(), self.0.connect_timeout, self.0.way.clone())),
        });
        let now = now.collect();
        *replicas = now;
        gauge!("gateway_upstreams").set(replicas.len() as f64);
    }

    /// Asks whoever doesn't serve, at once when there is news and again and again until it does.
    async fn ask_on(&self) {
        loop {
            let replicas = self.replicas();
            let asked = replicas.iter().filter(|replica| replica.standing() != Standing::Serving);
            join_all(asked.map(|replica| ask_one(replica))).await;
            if replicas.iter().all(|replica| replica.standing() == Standing::Serving) {
                self.0.doubted.notified().await;
            } else {
                // Asked for or not, it is time.
                drop(timeout(ASK_EVERY, self.0.doubted.notified()).await);
            }
        }
    }
}

/// Asks one replica how it is, and says so where that is news.
async fn ask_one(replica: &Replica) {
    let health = ask(replica).await;
    let standing = match health {
        Health::Serving => Standing::Serving,
        Health::OtherRole => Standing::OtherRole,
        Health::NotServing | Health::Unreachable => Standing::Away,
    };
    let before = replica.stands(standing);
    let addr = replica.endpoint().addr;
    match (before, standing) {
        (Standing::Away | Standing::OtherRole, Standing::Serving) => {
            tracing::info!(%addr, "a control plane is there again");
        }
        (Standing::Serving | Standing::InDoubt, Standing::Away) => {
            let why = health.reason();
            tracing::warn!(%addr, why, "a control plane is no good; asking until it is");
        }
        // Nothing is wrong with it, and its comings and goings are no matter.
        (before, Standing::OtherRole) if before != Standing::OtherRole => {
            tracing::debug!(%addr, "a control plane serves no clients; it is left alone");
        }
        _ => {}
    }
}
