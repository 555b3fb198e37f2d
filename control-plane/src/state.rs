//! Opening the storage that the configuration names.

pub(crate) mod trouble;

use std::{fmt, sync::Arc};

use anyhow::Context as _;
use futures_util::{FutureExt as _, future::BoxFuture};
use storage::{Local, Mailbox, Replicas, Storage};

use crate::config::{Config, Durability, State};

/// A storage, and what has to run for as long as it is used.
pub(crate) struct Opened {
    pub(crate) storage: Arc<dyn Storage>,
    /// Keeps connections, and panics where the state is lost for good; `None` where there is neither. Never ends by itself.
    pub(crate) upkeep: Option<BoxFuture<'static, ()>>,
    /// The other processes that use it; `None` where it is this one's alone.
    pub(crate) replicas: Option<(Arc<Replicas>, Mailbox)>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("storage", &self.storage).finish_non_exhaustive()
    }
}

/// Opens it.
///
/// # Errors
/// [`runtime::config::Invalid`] for a setting that can't be used; otherwise what the file or the server says.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Opened> {
    match config.state {
        State::Memory => Ok(Opened { storage: Arc::new(Local::in_memory()), upkeep: None, replicas: None }),
        State::Embedded => {
            let dir = config.state_dir.clone();
            let durability = match config.durability {
                Durability::Flush => storage::Durability::Flush,
                Durability::Os => storage::Durability::Os,
            };
            let opened = tokio::task::spawn_blocking(move || Local::open(&dir, durability));
            let local = opened.await.context("opening the state")??;
            tracing::info!(dir = %config.state_dir.display(), queued = local.queued_tickets(), "the state is open");
            let upkeep = Some(end_with_writer(local.died()).boxed());
            Ok(Opened { storage: Arc::new(local), upkeep, replicas: None })
        }
        State::Redis => {
            let (redis, upkeep) = storage::Redis::connect(config.redis.settings()?).await?;
            tracing::info!("the state in Redis is reached");
            let replicas = Some(redis.join(config.peers_pace().expiry));
            Ok(Opened { storage: Arc::new(redis), upkeep: Some(upkeep.boxed()), replicas })
        }
    }
}

/// Ends the program with its state's writer: one that refuses everything until somebody looks is worse than one that is
/// started again and reads what was written.
async fn end_with_writer(died: impl Future<Output = ()>) {
    died.await;
    panic!("the writer of the state has died, and nothing can be changed without it; its panic stands above");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use runtime::Tasks;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test]
    async fn a_writer_that_dies_ends_the_program_and_is_named() {
        let tasks = Tasks::new(CancellationToken::new());
        tasks.spawn("state upkeep", end_with_writer(std::future::ready(())));
        tasks.stopping().cancelled().await;
        let failed = tasks.join(Duration::from_secs(5)).await.unwrap_err().to_string();
        assert!(failed.contains("the writer of the state has died"), "{failed}");
    }

    #[tokio::test]
    async fn the_writer_of_an_embedded_state_is_watched() {
        let dir = tempfile::tempdir().unwrap();
        let config: Config = runtime::config::defaults(&["--state-dir", dir.path().to_str().unwrap()]);
        let opened = open(&config).await.unwrap();
        let upkeep = opened.upkeep.unwrap();
        opened.storage.close().await;
        let ended = tokio::time::timeout(Duration::from_millis(50), upkeep).await;
        assert!(ended.is_err(), "a state that is closed has no dead writer");
    }
}
