//! State in Redis (or Valkey), for any number of processes.
//!
//! Each transition is a script that Redis runs whole or not at all, in the slot of its queue; what a script answers is the truth,
//! whatever else is told. Rule 2 spans queues: how it holds is shown in `claims.rs`. What is sent where, and what that
//! costs, is said in `news.rs`; what the server must be, in `check.rs`.
//!
//! What is acknowledged is as safe as the server keeps it: with `appendfsync everysec` a crash of its machine may lose the last
//! second, with `always` nothing; a failover to a replica loses what had not reached it.
//!
//! A call that fails may have happened: its answer was lost. The same call may be made again. An `assign` then answers that the
//! tickets are not queued (where it had happened).
//!
//! | call | round trips |
//! |---|---|
//! | enqueue | 2: the claims, then the queue's script |
//! | cancel, read | 2: which queue, then the ticket (a followed ticket's queue is known: 1) |
//! | assign, expire, renew, release, report, absent | 1 |
//! | note_seen, drop_absent | 1 per 512 tickets |
//! | places | 1 per 65,536 tickets of a queue |
//! | reports | 1, and 1 per 512 queues |
//! | an allocation's begin, made, give_up, forget, keep | 1 |
//! | follow | 2 per 4,096 tickets |

mod allocations;
mod check;
mod claims;
mod connection;
mod ends;
mod enqueue;
mod feeds;
mod keys;
mod link;
mod news;
mod presence;
mod queues;
mod read;
mod replicas;
mod reports;
mod scripts;
mod settings;
mod stored;
mod sweep;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use ::redis::Cmd;
use async_trait::async_trait;
use matching::{QueueKey, TicketId, Time};
use tokio::sync::{Notify, mpsc};

pub use self::{
    check::RedisOpenError,
    replicas::{Mailbox, Replicas},
    settings::{RedisPassword, RedisSettings, RedisTls, RedisTopology},
};
use self::{keys::Keys, link::Link, news::News, scripts::Scripts};
use crate::{
    Allocations, Cancelled, EnqueueError, Enqueued, Fenced, Lease, NewMatch, NewTicket, Place, Presence,
    QueueFeed, QueueReport, RedemptionId, Signals, Storage, StorageError, TicketRecord, TicketState, TokenId,
    WorkerId,
};

/// Ended tickets whose claims wait to be given back.
const CLEANING: usize = 16_384;
/// How many of them at once.
const CLEANED_AT_ONCE: usize = 128;

/// The storage that several processes share.
pub struct Redis {
    /// Tells this process from others.
    name: String,
    link: Arc<Link>,
    news: Arc<News>,
    keys: Keys,
    scripts: Arc<Scripts>,
    signals: Arc<Signals>,
    unowned: Arc<Notify>,
    /// What gives back the claims of ended tickets.
    cleaning: mpsc::Sender<Vec<Cmd>>,
    /// Ends the upkeep.
    closed: Arc<Notify>,
    /// Where the sweep of the held servers goes on.
    sweeping: AtomicU64,
}

impl Redis {
    /// Connects, and looks whether the server is what is needed.
    ///
    /// The future is the upkeep: it connects again, listens, and cleans up. Whoever opens the storage runs it for as long
    /// as the storage is used; it never ends by itself, and may be dropped at any time.
    ///
    /// # Errors
    /// What can't be reached or isn't fit is refused; see [`RedisOpenError`].
    pub async fn connect(
        settings: RedisSettings,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), RedisOpenError> {
        settings.check()?;
        let link = Link::open(settings.clone())
            .await
            .map_err(|error| RedisOpenError::unreachable(&settings, &error))?;
        // It was opened just now.
        if let Ok((mut connection, _)) = link.connection() {
            check::check(&mut connection, &settings).await?;
        }
        let keys = Keys::new(&settings.prefix);
        let (signals, unowned, closed) = <(Arc<Signals>, Arc<Notify>, Arc<Notify>)>::default();
        let (news, requests) = News::new(settings, keys.clone(), Arc::clone(&signals), Arc::clone(&unowned));
        let (cleaning, to_clean) = mpsc::channel(CLEANING);
        let upkeep = {
            let (link, news) = (Arc::clone(&link), Arc::clone(&news));
            let closed = Arc::clone(&closed);
            async move {
                tokio::select! {
                    () = closed.notified() => {}
                    ((), (), ()) = async {
                        tokio::join!(Arc::clone(&link).keep(), news.keep(requests), clean(link, to_clean))
                    } => {}
                }
                std::future::pending::<()>().await;
            }
        };
        let name = format!("{:016x}", rand::random::<u64>());
        let (scripts, sweeping) = (Arc::new(Scripts::new()), AtomicU64::default());
        let this = Self { name, link, news, keys, scripts, signals, unowned, cleaning, closed, sweeping };
        Ok((this, upkeep))
    }
}

/// Gives back the claims of ended tickets, many at a time.
async fn clean(link: Arc<Link>, mut to_clean: mpsc::Receiver<Vec<Cmd>>) {
    let mut some = Vec::with_capacity(CLEANED_AT_ONCE);
    while to_clean.recv_many(&mut some, CLEANED_AT_ONCE).await > 0 {
        if let Err(error) = link.all(some.drain(..).flatten().collect()).await {
            tracing::debug!(%error, "claims of ended tickets are left for who needs them");
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("settings", self.link.settings()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Storage for Redis {
    async fn enqueue(&self, ticket: NewTicket, now: Time) -> Result<Enqueued, EnqueueError> {
        self.enqueue_ticket(ticket, now).await
    }

    async fn cancel(&self, ticket: &TicketId, now: Time) -> Result<Option<Cancelled>, StorageError> {
        self.cancel_ticket(ticket, now).await
    }

    async fn read(&self, tickets: &[TicketId]) -> Result<Vec<Option<TicketState>>, StorageError> {
        self.read_tickets(tickets).await
    }

    async fn assign(&self, lease: &Lease, new: NewMatch, now: Time) -> Result<Fenced, StorageError> {
        self.assign_match(lease, &new, now).await
    }

    async fn expire(&self, lease: &Lease, tickets: &[TicketId], now: Time) -> Result<Fenced, StorageError> {
        self.expire_tickets(lease, tickets, now).await
    }

    async fn claim(
        &self,
        queue: &QueueKey,
        worker: &WorkerId,
        lasting: Duration,
        now: Time,
    ) -> Result<Option<Lease>, StorageError> {
        self.claim_queue(queue, worker, lasting, now).await
    }

    async fn renew(&self, lease: &Lease, lasting: Duration, now: Time) -> Result<bool, StorageError> {
        self.renew_lease(lease, lasting, now).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StorageError> {
        self.release_lease(lease).await
    }

    async fn follow(&self, lease: &Lease) -> Result<Option<QueueFeed>, StorageError> {
        self.follow_queue(lease).await
    }

    async fn unowned_queues(&self, now: Time) -> Result<Vec<QueueKey>, StorageError> {
        self.queues_without_owner(now).await
    }

    fn unowned_signal(&self) -> Arc<Notify> {
        Arc::clone(&self.unowned)
    }

    async fn report(&self, lease: &Lease, report: QueueReport) -> Result<bool, StorageError> {
        self.report_queue(lease, &report).await
    }

    async fn reports(&self, now: Time) -> Result<Vec<(QueueKey, QueueReport)>, StorageError> {
        self.reported_queues(now).await
    }

    async fn places(
        &self,
        tickets: &[Arc<TicketRecord>],
        now: Time,
    ) -> Result<Vec<Option<Place>>, StorageError> {
        self.places_of(tickets, now).await
    }

    async fn redeem(
        &self,
        token: &TokenId,
        by: &RedemptionId,
        expires_at: Time,
        _now: Time,
    ) -> Result<bool, StorageError> {
        let keys = [self.keys.redeemed(), self.keys.redeemed_by()];
        let args = [token.as_str(), by.as_str(), &expires_at.0.to_string()];
        self.link.run(&self.scripts.redeem, &keys, &args).await
    }

    fn allocations(&self) -> &dyn Allocations {
        self
    }

    fn presence(&self) -> &dyn Presence {
        self
    }

    async fn sweep(&self, now: Time, limit: usize) -> Result<usize, StorageError> {
        self.sweep_all(now, limit).await
    }

    fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }

    async fn close(&self) {
        self.link.close();
        self.closed.notify_one();
    }
}
