//! What has to be looked after as long as the program runs, whoever calls.

use std::{sync::Arc, time::Duration};

use matching::Time;
use runtime::{Clock, Tasks};
use storage::Storage;
use tokens::KeyRing;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};

use crate::{
    chance,
    queues::{Queues, Reload},
    registry::Registry,
};

/// Things forgotten at once, so that a sweep never holds the state for long.
const SWEPT_AT_ONCE: usize = 10_000;

/// Loses servers when they have been silent for too long: from one timer, which sleeps until the next can be.
pub(crate) async fn expire_servers(registry: Arc<Registry>, clock: Clock, tasks: Tasks) {
    /// Nobody wakes this when a server comes that may be lost sooner than all others: it is looked at after so long.
    const LATEST: Duration = Duration::from_millis(500);
    loop {
        let next = registry.expire().map_or(u64::MAX, |at| at.0);
        let at = clock.instant_of(next).min(Instant::now() + LATEST);
        chance::select! {
            () = tokio::time::sleep_until(at) => {}
            () = tasks.stopping().cancelled() => return,
        }
    }
}

/// Follows the key directory: what another replica makes there is published here within a second, long before it signs. Now and
/// then all of it is read again, so that keys go that have expired, and what a look at the names doesn't show is seen.
/// `publish_ahead` is how long a new key waits before it signs.
pub(super) async fn reload_keys(ring: Arc<KeyRing>, publish_ahead: Duration, clock: Clock, tasks: Tasks) {
    /// A look at the names in a directory is some microseconds.
    const LOOK: Duration = Duration::from_millis(500);
    const ALL: Duration = Duration::from_secs(30);
    let look = (publish_ahead / 4).clamp(Duration::from_millis(100), LOOK);
    let mut failing = false;
    let mut all_at = Instant::now() + ALL;
    while tokio::time::timeout(look, tasks.stopping().cancelled()).await.is_err() {
        let (ring, now) = (Arc::clone(&ring), clock.wall());
        let all = Instant::now() >= all_at;
        if all {
            all_at = Instant::now() + ALL;
        }
        // Reads files, and may wait for another process's lock.
        let read = move || if all { ring.reload(now).map(|()| true) } else { ring.follow(now) };
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(_)) => failing = false,
            Ok(Err(error)) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(%error, "the keys can't be read again; going on with those that are known");
                }
            }
            // Only where the runtime is ending.
            Err(_) => return,
        }
    }
}

/// Forgets what has been final for long enough.
pub(crate) async fn sweep(storage: Arc<dyn Storage>, clock: Clock, tasks: Tasks) {
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

/// Reads the queues' configuration again at each SIGHUP, from now on. One that can't be taken changes nothing.
pub(super) fn reload_queues(queues: Arc<Queues>, tasks: &Tasks) {
    // Watched before anybody can be told that the program is up.
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => {
            tracing::warn!(%error, "SIGHUP can't be watched; queues are read again by Matchmaking.ReloadQueues only");
            return;
        }
    };
    let stopping = tasks.stopping().clone();
    tasks.spawn("queues at SIGHUP", async move {
        loop {
            tokio::select! {
                _ = hangups.recv() => {}
                () = stopping.cancelled() => return,
            }
            match queues.reload(Reload::Apply).await {
                Ok(reloaded) => {
                    tracing::info!(changed = reloaded.changes.len(), "the queues were read again");
                    reloaded.tell();
                }
                Err(errors) => {
                    tracing::error!(
                        "the queues stay as they are, because their configuration can't be taken"
                    );
                    errors.iter().for_each(|error| tracing::error!("{error}"));
                }
            }
        }
    });
}
