//! Opening the storage that the configuration names.

use std::{fmt, sync::Arc};

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use storage::{Local, Mailbox, Replicas, Storage};

use crate::config::{Config, Durability, State};

/// A storage, and what has to run for as long as it is used.
pub(crate) struct Opened {
    pub(crate) storage: Arc<dyn Storage>,
    /// Keeps connections; `None` where there are none. Never ends by itself.
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
            Ok(Opened { storage: Arc::new(local), upkeep: None, replicas: None })
        }
        State::Redis => {
            let (redis, upkeep) = storage::Redis::connect(config.redis.settings()?).await?;
            tracing::info!("the state in Redis is reached");
            let replicas = Some(redis.join(config.peers_pace().expiry));
            Ok(Opened { storage: Arc::new(redis), upkeep: Some(Box::pin(upkeep)), replicas })
        }
    }
}
