//! Lands that services ask for by an id of their own: each is allocated once, however often and to whichever process the call
//! is made.
//!
//! Before a land is asked for anywhere, the id is claimed for it by an [`Allocations::begin`]; when it is there, the answer is
//! written down by [`Allocations::made`], and from then on everybody repeats it. Who dies in between leaves an attempt that is
//! over at its time: whoever comes next goes on with the same land, which may be there. Of a process that had the state alone,
//! no attempt outlives it.

use std::time::Duration;

use async_trait::async_trait;
use matching::Time;

use crate::{AllocationId, AttemptId, LandId, StorageError};

/// How long an attempt is remembered that nobody goes on with, beside the time that it had.
pub const KEEP_ATTEMPTS: Duration = Duration::from_secs(10 * 60);

/// One attempt to make an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttempt {
    /// The same for every call that means the same land.
    pub allocation: AllocationId,
    /// What is asked for, as a word without spaces: the same id with another content is refused.
    pub content: String,
    /// The land that is to be made, where no earlier attempt chose one.
    pub land: LandId,
    /// New with each call.
    pub attempt: AttemptId,
    /// From now on: how long nobody else may make one.
    pub lasting: Duration,
    /// An answer that named this land is no good any more: what is asked for is made anew.
    pub instead_of: Option<LandId>,
    /// How many allocations may be remembered.
    pub limit: usize,
}

/// What becomes of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is the one that makes the land. `again`: an earlier one was not heard of to its end, so that the land may be there.
    First {
        /// The land to make.
        land: LandId,
        /// See above.
        again: bool,
    },
    /// Another attempt is under way, until then at the latest.
    UnderWay(Time),
    /// The land was made.
    Made(MadeAllocation),
    /// The id is known with other content.
    OtherContent,
    /// As many are remembered as may be.
    TooMany,
}

/// An allocation that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeAllocation {
    /// Its land.
    pub land: LandId,
    /// What the service was told, unread.
    pub answer: String,
}

/// Which lands were allocated directly, and the only ways to change that. Part of [`Storage`](crate::Storage), whose rules hold
/// here as well.
#[async_trait]
pub trait Allocations: Send + Sync {
    /// Claims an allocation for an attempt. The same attempt again, because the answer was lost, is the same one.
    async fn begin(&self, new: NewAttempt, now: Time) -> Result<Begun, StorageError>;

    /// Writes an attempt's answer down, with the land that it made. False: the attempt's time was over, and another goes on.
    async fn made(
        &self,
        allocation: &AllocationId,
        attempt: &AttemptId,
        made: &MadeAllocation,
        keep_until: Time,
    ) -> Result<bool, StorageError>;

    /// The attempt made nothing. The allocation is forgotten, where no earlier attempt was lost; else the next goes on with its
    /// land at once. Harmless where the attempt is over.
    async fn give_up(&self, allocation: &AllocationId, attempt: &AttemptId) -> Result<(), StorageError>;

    /// Forgets the allocation that made this land, and says what it was. `None`: there is none.
    async fn forget(&self, land: &LandId) -> Result<Option<MadeAllocation>, StorageError>;

    /// Up to `limit` allocations that are forgotten by `until` if nobody keeps them, the first ones first, without the first
    /// `skip`.
    async fn ending(
        &self,
        until: Time,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<(AllocationId, LandId)>, StorageError>;

    /// Keeps an allocation that was made until then at least. False: there is none that made this land.
    async fn keep(&self, allocation: &AllocationId, land: &LandId, until: Time)
    -> Result<bool, StorageError>;
}
