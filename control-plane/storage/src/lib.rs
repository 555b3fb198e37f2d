//! What must survive, as transitions.
//!
//! A [`Storage`] holds tickets, their assignments, who owns which queue, which tokens were redeemed, and which lands services
//! allocated. It is no map that callers read, change and write back: each method is one transition that happens whole or not
//! at all, whoever else calls at the same time. [`Local`] keeps it for one process, in memory or in a file too; [`Redis`] for
//! any number of them. Every implementation passes the same suite, `tests/conformance.rs`.
//!
//! # The rules that every implementation keeps
//!
//! 1. When [`Storage::enqueue`] has returned a ticket, the ticket is kept. It leaves the state `queued` once, by one of
//!    [`Storage::cancel`], [`Storage::assign`], [`Storage::expire`] and [`Presence::drop_absent`], and never comes back to it.
//! 2. A group has at most one active ticket, a player is in at most one. (Active: queued.)
//! 3. A queue has at most one owner at a time. A [`Lease`] carries a fence that grows with every claim, of any queue; `assign`,
//!    `expire` and `drop_absent` under an older fence than the queue's newest change nothing.
//! 4. `assign` takes all of a match's tickets or none, and says which were not queued any more.
//! 5. A [`QueueFeed`] begins with the queue's tickets at one moment and goes on with every change after exactly that moment. One
//!    that can't keep up ends; its reader asks for a new one.
//! 6. [`Signals`] wake who follows a ticket after the change can be read. They are an accelerator: who waits long reads.
//! 7. Time is an argument, and one clock's: it never jumps. Tickets that are final stay readable until [`Storage::sweep`] is told
//!    that their time is over: assigned ones as long as their assignment lasts ([`NewMatch::lasting`]), others for [`KEEP_ENDED`].
//! 8. What callers can make without end has a limit that comes with each of them: the tickets of a queue, and the queues.
//! 9. What a queue's owner reports ([`QueueReport`]) can be read by everybody for as long as its lease lasts: it ends with the
//!    lease's release, its time, or a newer claim.
//! 10. An allocation has at most one attempt under way at a time, and all of them mean the same land ([`Allocations`]): until one
//!     made it, or gave up with nothing left to be looked for.
//! 11. What is noted of players being there ([`Presence`]) belongs to a queued ticket, and goes with it.

mod allocation;
mod error;
mod feed;
mod ids;
mod lease;
mod local;
mod presence;
mod redis;
mod replicas;
mod report;
mod signals;
mod state;
mod ticket;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use matching::{QueueKey, TicketId, Time};

pub use allocation::{Allocations, Begun, KEEP_ATTEMPTS, MadeAllocation, NewAttempt};
pub use error::{EnqueueError, StorageError};
pub use feed::{QueueChange, QueueFeed};
pub use ids::{
    AllocationId, AssignmentId, AttemptId, LandId, MatchId, RedemptionId, ReplicaId, ServerId, TokenId,
    WorkerId,
};
pub use lease::{Fenced, Lease};
pub use local::{Durability, Local, OpenError};
pub use presence::Presence;
pub use redis::{
    Mailbox, Redis, RedisOpenError, RedisPassword, RedisSettings, RedisTls, RedisTopology, Replicas,
};
pub use replicas::{Announce, Hold, Mail};
pub use report::{Place, QueueReport};
pub use signals::{Inbox, Signals};
pub use ticket::{Assignment, Cancelled, Enqueued, NewMatch, NewTicket, Status, TicketRecord, TicketState};

/// How long a ticket that ended without a match stays readable, so that its players learn what became of it.
pub const KEEP_ENDED: Duration = Duration::from_secs(5 * 60);

/// The state of the matchmaking, and the only ways to change it. See the crate's rules.
#[async_trait]
pub trait Storage: Send + Sync + std::fmt::Debug + 'static {
    /// Puts a ticket into its queue. From the return on, nothing but its match, its cancel or its expiry takes it away.
    ///
    /// The same content under a ticket id or group id that is known is the same request again: the ticket that it made is
    /// returned, whatever became of it (a group's: while it is active).
    async fn enqueue(&self, ticket: NewTicket, now: Time) -> Result<Enqueued, EnqueueError>;

    /// Takes a queued ticket out. `None`: there is no such ticket.
    async fn cancel(&self, ticket: &TicketId, now: Time) -> Result<Option<Cancelled>, StorageError>;

    /// Reads tickets, in the order asked; `None` for one that isn't there.
    async fn read(&self, tickets: &[TicketId]) -> Result<Vec<Option<TicketState>>, StorageError>;

    /// Gives every ticket of a match its assignment, or none: see [`Fenced`].
    async fn assign(&self, lease: &Lease, new: NewMatch, now: Time) -> Result<Fenced, StorageError>;

    /// Ends tickets whose lifetime is over at `now`; the others of the list are left alone.
    async fn expire(&self, lease: &Lease, tickets: &[TicketId], now: Time) -> Result<Fenced, StorageError>;

    /// Makes `worker` the owner of a queue for `lasting`, where nobody else is. `None`: somebody is.
    async fn claim(
        &self,
        queue: &QueueKey,
        worker: &WorkerId,
        lasting: Duration,
        now: Time,
    ) -> Result<Option<Lease>, StorageError>;

    /// Prolongs a lease to `lasting` from now. False: it was lost, its holder must stop.
    async fn renew(&self, lease: &Lease, lasting: Duration, now: Time) -> Result<bool, StorageError>;

    /// Gives a queue up. Harmless where the lease was lost.
    async fn release(&self, lease: &Lease) -> Result<(), StorageError>;

    /// The queue's tickets, and every change from there on. `None`: the lease was lost.
    async fn follow(&self, lease: &Lease) -> Result<Option<QueueFeed>, StorageError>;

    /// The queues that have tickets and no owner.
    async fn unowned_queues(&self, now: Time) -> Result<Vec<QueueKey>, StorageError>;

    /// Wakes who looks for [`Storage::unowned_queues`]: told whenever there may be a new one.
    fn unowned_signal(&self) -> Arc<tokio::sync::Notify>;

    /// Replaces what is said about a queue. False: the lease was lost, and nothing was replaced.
    async fn report(&self, lease: &Lease, report: QueueReport) -> Result<bool, StorageError>;

    /// What the owners of all queues say about them, in the order of the queues' keys. A queue without an owner, or whose
    /// owner has not said anything yet, isn't there.
    async fn reports(&self, now: Time) -> Result<Vec<(QueueKey, QueueReport)>, StorageError>;

    /// Where tickets stand in their queues at this moment, in the order asked; `None` for one that isn't queued (any more). For
    /// many at once: who follows thousands asks for all of them.
    async fn places(
        &self,
        tickets: &[Arc<TicketRecord>],
        now: Time,
    ) -> Result<Vec<Option<Place>>, StorageError>;

    /// Marks a token as used by a redemption until it expires anyway, on the same clock as `now`. True where this redemption
    /// is the one that the token was used by, however often it is repeated because its answer was lost; false where it was
    /// another.
    async fn redeem(
        &self,
        token: &TokenId,
        by: &RedemptionId,
        expires_at: Time,
        now: Time,
    ) -> Result<bool, StorageError>;

    /// Which lands services allocated by an id of their own.
    fn allocations(&self) -> &dyn Allocations;

    /// Whose players are there.
    fn presence(&self) -> &dyn Presence;

    /// Forgets what has been final for long enough, at most `limit` of each kind. Returns how many things were forgotten.
    async fn sweep(&self, now: Time, limit: usize) -> Result<usize, StorageError>;

    /// Who follows which ticket.
    fn signals(&self) -> &Arc<Signals>;

    /// Finishes what is under way and lets go of files and connections. Transitions fail from now on.
    async fn close(&self) {}
}
