//! An allocation is remembered while its land lives: each replica keeps those whose lands its own servers have.
//!
//! An allocation that nobody keeps is forgotten some time after it was made. So it outlives a restart and a server that is
//! away for some minutes, and no end of a land has to be told to the storage.

use std::{sync::Arc, time::Duration};

use matching::Time;
use runtime::{Clock, Tasks};
use storage::{LandId, Storage, StorageError};

/// How long one is remembered from when its land was last seen to live.
pub(super) const KEEP: Duration = Duration::from_secs(15 * 60);
/// How often is looked.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// Those that this look keeps would else be forgotten before the next but one.
const AHEAD: Duration = Duration::from_secs(11 * 60);
/// Allocations that are read at once.
const PAGE: usize = 1_000;

/// Looks from time to time, until the tasks stop; `lives`: a server of this replica has the land.
pub(crate) async fn keep_those_that_live(
    storage: Arc<dyn Storage>,
    lives: impl Fn(&LandId) -> bool + Send,
    clock: Clock,
    tasks: Tasks,
) {
    while tokio::time::timeout(EVERY, tasks.stopping().cancelled()).await.is_err() {
        if let Err(error) = keep(&*storage, &lives, Time(clock.now_ms())).await {
            tracing::debug!(%error, "what services allocated is kept by the next look");
        }
    }
}

async fn keep(
    storage: &dyn Storage,
    lives: &(impl Fn(&LandId) -> bool + Send),
    now: Time,
) -> Result<(), StorageError> {
    let allocations = storage.allocations();
    // Those that are kept are not among the ending ones any more; the others are passed over.
    let mut others = 0;
    loop {
        let ending = allocations.ending(now + AHEAD, others, PAGE).await?;
        for (allocation, land) in &ending {
            let kept = lives(land) && allocations.keep(allocation, land, now + KEEP).await?;
            others += usize::from(!kept);
        }
        if ending.len() < PAGE {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use storage::{AllocationId, AttemptId, Begun, Local, MadeAllocation, NewAttempt};
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn attempt(name: &str) -> NewAttempt {
        NewAttempt {
            allocation: AllocationId::new(name),
            content: "3f".to_owned(),
            land: LandId::new(name),
            attempt: AttemptId::new("1"),
            lasting: Duration::from_secs(1),
            instead_of: None,
            limit: 10,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_allocation_is_remembered_while_its_land_lives() {
        let (storage, clock) = (Arc::new(Local::in_memory()), Clock::start());
        let now = || Time(clock.now_ms());
        for name in ["lives", "ended"] {
            let allocations = storage.allocations();
            allocations.begin(attempt(name), now()).await.unwrap();
            let made = MadeAllocation { land: LandId::new(name), answer: String::new() };
            let (id, by) = (AllocationId::new(name), AttemptId::new("1"));
            allocations.made(&id, &by, &made, now() + KEEP).await.unwrap();
        }
        let tasks = Tasks::new(CancellationToken::new());
        let lasts = Arc::new(AtomicBool::new(true));
        let lives = {
            let lasts = Arc::clone(&lasts);
            move |land: &LandId| land.as_str() == "lives" && lasts.load(Ordering::Relaxed)
        };
        let looks = keep_those_that_live(Arc::clone(&storage) as _, lives, clock, tasks.clone());
        tasks.spawn("looks", looks);

        let begun = async |name| storage.allocations().begin(attempt(name), now()).await.unwrap();
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            storage.sweep(now(), 100).await.unwrap();
            assert!(matches!(begun("lives").await, Begun::Made(_)));
        }
        assert!(matches!(begun("ended").await, Begun::First { again: false, .. }));
        lasts.store(false, Ordering::Relaxed);
        tokio::time::sleep(KEEP).await;
        storage.sweep(now(), 100).await.unwrap();
        assert!(matches!(begun("lives").await, Begun::First { again: false, .. }));
        tasks.join(Duration::from_secs(1)).await.unwrap();
    }
}
