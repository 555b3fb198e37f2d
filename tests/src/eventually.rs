//! The one way to wait for what is not there yet.

use std::time::Duration;

use tokio::time::Instant;

/// How long a test waits for what must come. Long, because machines are shared; a test that passes never waits it out.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Tries until `what` is there, and returns it.
pub async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(there) = attempt().await {
            return there;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
