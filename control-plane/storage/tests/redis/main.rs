//! The Redis storage where it differs from the others: its server goes away, and other processes have it too.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(dead_code, reason = "the fixture and the ground are shared with the conformance suite")]

mod again;
mod claims;
mod cluster;
mod faults;
#[path = "../conformance/fixture.rs"]
mod fixture;
mod ground;
mod open;
mod replicas;
mod sentinel;
mod server;
mod shared;
mod tls;

use std::time::Duration;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `is` answers with something, and returns that.
async fn eventually<T>(what: &str, mut is: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = is().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// A connection of the test's own, to look behind the storage or get in its way.
async fn raw(settings: &storage::RedisSettings) -> redis::aio::MultiplexedConnection {
    let address = settings.addresses[0].clone();
    redis::Client::open(address).unwrap().get_multiplexed_async_connection().await.unwrap()
}
