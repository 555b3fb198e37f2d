//! What has to be looked after as long as the program runs, whoever calls.

use std::{sync::Arc, time::Duration};

use matching::Time;
use runtime::{Clock, Tasks};
use storage::Storage;

use crate::registry::Registry;

/// Things forgotten at once, so that a sweep never holds the state for long.
const SWEPT_AT_ONCE: usize = 10_000;

/// Loses servers when they have been silent for too long: from one timer, which sleeps until the next can be.
pub(super) async fn expire_servers(registry: Arc<Registry>, clock: Clock, tasks: Tasks) {
    /// Nobody wakes this when a server comes that may be lost sooner than all others: it is looked at after so long.
    const LATEST: Duration = Duration::from_millis(500);
    loop {
        let next = registry.expire().map_or(u64::MAX, |at| at.0);
        let at = clock.instant_of(next).min(tokio::time::Instant::now() + LATEST);
        tokio::select! {
            () = tokio::time::sleep_until(at) => {}
            () = tasks.stopping().cancelled() => return,
        }
    }
}

/// Forgets what has been final for long enough.
pub(super) async fn sweep(storage: Arc<dyn Storage>, clock: Clock, tasks: Tasks) {
    const EVERY: Duration = Duration::from_secs(1);
    while tokio::time::timeout(EVERY, tasks.stopping().cancelled()).await.is_err() {
        while let Ok(swept) = storage.sweep(Time(clock.now_ms()), SWEPT_AT_ONCE).await {
            if swept < SWEPT_AT_ONCE {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}
