//! Replicas that speak to each other through Redis.

mod announcements;
mod faults;
mod holds;
mod posts;

use std::{sync::Arc, time::Duration};

use storage::{Announce, Mail, Mailbox, Redis, RedisSettings, ReplicaId, Replicas};
use tokio::time::timeout;

use crate::{
    PATIENCE, eventually,
    ground::{Upkeep, open},
};

/// How long a replica of these tests lives after an announcement.
const LASTING: Duration = Duration::from_secs(60);

/// A control plane, as the others see it.
struct Replica {
    replicas: Arc<Replicas>,
    mailbox: Mailbox,
    redis: Arc<Redis>,
    _upkeep: Upkeep,
}

impl Replica {
    /// One that hears already, and has announced `name` if anything.
    async fn start(settings: &RedisSettings, lasting: Duration, name: Option<&str>) -> Self {
        let (redis, upkeep) = open(settings);
        let (replicas, mailbox) = redis.join(lasting);
        let mut replica = Self { replicas, mailbox, redis, _upkeep: upkeep };
        assert_eq!(replica.mail().await, Mail::Missed, "the first mail");
        if let Some(name) = name {
            assert_eq!(replica.announce(&[("name", Some(name))], true).await, Announce::Done);
        }
        replica
    }

    fn id(&self) -> ReplicaId {
        self.replicas.me().clone()
    }

    async fn mail(&mut self) -> Mail {
        timeout(PATIENCE, self.mailbox.recv()).await.expect("mail")
    }

    async fn announce(&self, entries: &[(&str, Option<&str>)], all: bool) -> Announce {
        self.replicas.announce(owned(entries), all).await.unwrap()
    }

    /// Reads everything, as one does when something was missed.
    async fn read(&mut self) -> Vec<(ReplicaId, Vec<(String, String)>)> {
        let mut all: Vec<_> = self.mailbox.announced().await.unwrap().into_iter().collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let sorted = |(replica, entries): (ReplicaId, std::collections::HashMap<String, String>)| {
            let mut entries: Vec<_> = entries.into_iter().collect();
            entries.sort();
            (replica, entries)
        };
        all.into_iter().map(sorted).collect()
    }
}

fn owned(entries: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect()
}

fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Waits until a call that fails while Redis is away answers.
async fn back<T, E>(call: impl AsyncFn() -> Result<T, E>) -> T {
    eventually("Redis is back", async || call().await.ok()).await
}
