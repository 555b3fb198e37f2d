//! The players of a run: parties that come, wait, change their minds, watch, reconnect and play, until it is enough.

mod gateway;
mod group;
mod party;
mod play;
mod socket;
mod watch;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use runtime::Tasks;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::{gateway::Gateway, party::Party};
use super::{
    check::{Rules, can_match},
    history::{Event, History, QueueKey, Seen, TicketId},
};

/// How often the end of a round is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// How many tickets are read at once in the end.
const READERS: usize = 16;

/// What all parties of a round share.
#[derive(Debug)]
pub(super) struct Field {
    history: Arc<History>,
    gateways: Vec<Gateway>,
    round: u32,
    parties: AtomicU64,
    /// Acknowledged tickets whose end nobody has been told of: their queues and sizes.
    // Held to note one ticket, never over an await.
    waiting: Mutex<BTreeMap<TicketId, (QueueKey, usize)>>,
    /// Every ticket that was acknowledged.
    acknowledged: Mutex<Vec<TicketId>>,
    counts: Arc<Counts>,
    /// No party begins any more.
    enough: CancellationToken,
    /// Nobody waits any longer.
    over: CancellationToken,
}

/// What happened so far in a round.
#[derive(Debug, Default)]
pub struct Counts {
    /// Calls and messages sent.
    pub operations: AtomicU64,
    /// Those of which nobody knows whether they were done.
    pub unknown: AtomicU64,
    /// Tickets acknowledged.
    pub tickets: AtomicU64,
    /// Tickets assigned, as their players were told.
    pub assigned: AtomicU64,
    /// Players who played.
    pub played: AtomicU64,
}

/// A round's load.
#[derive(Debug)]
pub struct Load {
    field: Arc<Field>,
    tasks: Tasks,
}

impl Load {
    /// Lets `parties` parties come again and again.
    pub fn start(gateways: &[String], history: &Arc<History>, round: u32, seed: u64, parties: usize) -> Self {
        let field = Arc::new(Field {
            history: Arc::clone(history),
            gateways: gateways.iter().map(|url| Gateway::new(url)).collect(),
            round,
            parties: AtomicU64::new(0),
            waiting: Mutex::default(),
            acknowledged: Mutex::default(),
            counts: Arc::default(),
            enough: CancellationToken::new(),
            over: CancellationToken::new(),
        });
        let tasks = Tasks::new(CancellationToken::new());
        for place in 0..parties as u64 {
            let field = Arc::clone(&field);
            let mut rng = StdRng::seed_from_u64(seed ^ (place + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            tasks.spawn("party", async move {
                while !field.enough.is_cancelled() {
                    let number = field.parties.fetch_add(1, Ordering::Relaxed);
                    Party::new(&field, number, &mut rng).run(&mut rng).await;
                    let pause = Duration::from_millis(rng.random_range(20..250));
                    field.enough.run_until_cancelled(sleep(pause)).await;
                }
            });
        }
        Self { field, tasks }
    }

    /// What happened so far.
    pub fn counts(&self) -> &Counts {
        &self.field.counts
    }

    /// How many tickets wait.
    pub fn waiting(&self) -> usize {
        self.field.waiting.lock().unwrap().len()
    }

    /// No party begins any more.
    pub fn enough(&self) {
        self.field.enough.cancel();
    }

    /// Brings everything to rest: gives tickets that can be matched `settle` to be so, cancels the others, gives watchers
    /// `told_within` to be told, and reads every ticket once more. What happened in all.
    pub async fn rest(self, rules: &Rules, settle: Duration) -> anyhow::Result<Arc<Counts>> {
        self.enough();
        let field = &self.field;
        self.until(settle, || !field.could_match(rules)).await;
        // Those that are being matched at this moment need none of this, and it does them no harm.
        let left: Vec<TicketId> = field.waiting.lock().unwrap().keys().cloned().collect();
        let mut cancels: Vec<_> = Vec::new();
        for ticket in left {
            cancels.push(async move { field.cancel(&ticket, true).await });
        }
        let cancelling = stream::iter(cancels).buffer_unordered(READERS).collect::<Vec<()>>();
        drop(tokio::time::timeout(rules.told_within, cancelling).await);
        self.until(rules.told_within, || self.tasks.is_empty()).await;
        field.over.cancel();
        self.tasks.join(Duration::from_secs(10)).await?;
        let all = std::mem::take(&mut *field.acknowledged.lock().unwrap());
        let reads = all.into_iter().map(|ticket| async move { field.read(&ticket).await });
        stream::iter(reads).buffer_unordered(READERS).collect::<Vec<()>>().await;
        Ok(Arc::clone(&field.counts))
    }

    async fn until(&self, within: Duration, done: impl Fn() -> bool) {
        let deadline = Instant::now() + within;
        while !done() && Instant::now() < deadline {
            sleep(LOOK).await;
        }
    }
}

impl Field {
    /// A gateway by chance.
    fn gateway(&self, rng: &mut StdRng) -> &Gateway {
        &self.gateways[rng.random_range(0..self.gateways.len())]
    }

    fn acknowledged(&self, ticket: &TicketId, queue: &QueueKey, players: usize) {
        self.counts.tickets.fetch_add(1, Ordering::Relaxed);
        self.waiting.lock().unwrap().insert(ticket.clone(), (queue.clone(), players));
        self.acknowledged.lock().unwrap().push(ticket.clone());
    }

    fn ended(&self, ticket: &TicketId, seen: &Seen) {
        let waited = self.waiting.lock().unwrap().remove(ticket).is_some();
        if waited && matches!(seen, Seen::Assigned(_)) {
            self.counts.assigned.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether some of the tickets that wait could be a match.
    fn could_match(&self, rules: &Rules) -> bool {
        let mut sizes: BTreeMap<QueueKey, Vec<usize>> = BTreeMap::new();
        for (queue, players) in self.waiting.lock().unwrap().values() {
            sizes.entry(queue.clone()).or_default().push(*players);
        }
        sizes.into_iter().any(|(queue, sizes)| can_match(&rules.shape(&queue), sizes))
    }

    /// What became of a ticket, from whichever gateway answers; asked for until one does.
    async fn read(&self, ticket: &TicketId) {
        for attempt in 0..20 {
            let since = self.history.now();
            let gateway = &self.gateways[attempt % self.gateways.len()];
            if let Ok((seen, _)) = gateway.status(ticket, 0).await {
                return self.history.record(Event::Read { ticket: ticket.clone(), since, seen });
            }
            sleep(LOOK).await;
        }
    }
}
