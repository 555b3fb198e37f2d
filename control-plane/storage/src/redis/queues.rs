//! Who owns which queue, and which queues there are.
//!
//! Which queues there are stands in one hash, which is in no queue's slot. So that a queue with tickets is always found there, each
//! entry has a generation, of which the queue's own slot knows the current one: a ticket comes only into a queue that knows
//! its registration. A queue that is over forgets its generation for good, in the script that takes the last ticket or the owner away,
//! and the entry goes after that, if it is still of that generation; who enqueues next registers the queue anew.

use std::time::Duration;

use matching::{QueueKey, Time};

use super::{Redis, claims::millis, stored::unreadable};
use crate::{Lease, StorageError, WorkerId};

/// How long a queue that is over remembers which of its generations are.
pub(super) const TOMBSTONE: Duration = Duration::from_secs(24 * 60 * 60);
/// Queues asked at once.
pub(super) const AT_ONCE: usize = 512;

impl Redis {
    pub(super) async fn claim_queue(
        &self,
        queue: &QueueKey,
        worker: &WorkerId,
        lasting: Duration,
        now: Time,
    ) -> Result<Option<Lease>, StorageError> {
        let keys = self.keys.queue(queue);
        let (meta, news) = ([keys.meta()], keys.news());
        let (until, now_text) = ((now + lasting).0.to_string(), now.0.to_string());
        let mut generation = String::new();
        let mut fence = self.next_fence(now).await?;
        loop {
            let args = [worker.as_str(), &fence, &now_text, &until, &generation, &news];
            let answer: Vec<String> = self.link.run(&self.scripts.claim, &meta, &args).await?;
            match answer.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["claimed"] => {
                    let fence = fence.parse().map_err(|_| unreadable(&fence))?;
                    return Ok(Some(Lease { queue: queue.clone(), fence }));
                }
                ["owned"] => return Ok(None),
                // Somebody took a fence after this one, and was faster with it.
                ["older"] => fence = self.next_fence(now).await?,
                ["unregistered", dead] => {
                    generation = self.register(queue, dead, None).await?.unwrap_or_default();
                }
                other => return Err(unreadable(other.first().copied().unwrap_or_default())),
            }
        }
    }

    async fn next_fence(&self, now: Time) -> Result<String, StorageError> {
        self.link.run(&self.scripts.next_fence, &[self.keys.fence()], &[&now.0.to_string()]).await
    }

    pub(super) async fn renew_lease(
        &self,
        lease: &Lease,
        lasting: Duration,
        now: Time,
    ) -> Result<bool, StorageError> {
        let meta = [self.keys.queue(&lease.queue).meta()];
        let args = [lease.fence.to_string(), (now + lasting).0.to_string()];
        let newest: Option<u64> =
            self.link.run(&self.scripts.renew, &meta, &[args[0].as_str(), &args[1]]).await?;
        match newest {
            Some(newest) => self.news.feed_must_reach(lease, newest),
            None => self.news.end_feed(lease),
        }
        Ok(newest.is_some())
    }

    pub(super) async fn release_lease(&self, lease: &Lease) -> Result<(), StorageError> {
        self.news.end_feed(lease);
        let queue = self.keys.queue(&lease.queue);
        let (fence, unowned) = (lease.fence.to_string(), self.keys.unowned());
        let args = [fence.as_str(), &unowned, lease.queue.as_str(), &millis(TOMBSTONE)];
        let generation: String =
            self.link.run(&self.scripts.release, &[queue.meta(), queue.queued()], &args).await?;
        self.unregister(&lease.queue, &generation).await;
        Ok(())
    }

    pub(super) async fn queues_without_owner(&self, now: Time) -> Result<Vec<QueueKey>, StorageError> {
        let (mut unowned, now) = (Vec::new(), now.0.to_string());
        let registered = self.registered().await?;
        for some in registered.chunks(AT_ONCE) {
            let ask = |(queue, _): &(QueueKey, String)| {
                let queue = self.keys.queue(queue);
                self.scripts.is_unowned.by_text(&[queue.meta(), queue.queued()], &[&now])
            };
            let answers = self.link.all(some.iter().map(ask).collect()).await?;
            let found = some.iter().zip(answers).filter(|(_, answer)| *answer == redis::Value::Int(1));
            unowned.extend(found.map(|((queue, _), _)| queue.clone()));
        }
        Ok(unowned)
    }

    /// Ends queues that nobody needs, also those that were registered and then not used.
    pub(super) async fn retire_queues(&self, now: Time) -> Result<(), StorageError> {
        let (now, tombstone) = (now.0.to_string(), millis(TOMBSTONE));
        let registered = self.registered().await?;
        for some in registered.chunks(AT_ONCE) {
            let retire = |(queue, generation): &(QueueKey, String)| {
                let queue = self.keys.queue(queue);
                self.scripts.retire.by_text(&[queue.meta(), queue.queued()], &[&now, generation, &tombstone])
            };
            let answers = self.link.all(some.iter().map(retire).collect()).await?;
            for ((queue, generation), answer) in some.iter().zip(answers) {
                if answer == redis::Value::Int(1) {
                    self.unregister(queue, generation).await;
                }
            }
        }
        Ok(())
    }

    /// The queues that there are, each with its generation.
    pub(super) async fn registered(&self) -> Result<Vec<(QueueKey, String)>, StorageError> {
        let mut all = redis::cmd("HGETALL");
        all.arg(self.keys.queues());
        let registered: Vec<(String, String)> = self.link.call(all).await?;
        Ok(registered.into_iter().map(|(queue, generation)| (QueueKey::new(queue), generation)).collect())
    }

    /// A generation of the queue that is newer than `dead`. `None`: there are as many queues as there may be.
    pub(super) async fn register(
        &self,
        queue: &QueueKey,
        dead: &str,
        limit: Option<usize>,
    ) -> Result<Option<String>, StorageError> {
        let limit = limit.map(|limit| limit.to_string()).unwrap_or_default();
        let keys = [self.keys.queues(), self.keys.generation()];
        self.link.run(&self.scripts.register, &keys, &[queue.as_str(), dead, &limit]).await
    }

    /// Takes away the entry of a queue that is over; "0" is none. What fails here is done by a sweep.
    pub(super) async fn unregister(&self, queue: &QueueKey, generation: &str) {
        if generation == "0" {
            return;
        }
        let args = [queue.as_str(), generation];
        let done: Result<i64, _> =
            self.link.run(&self.scripts.unregister, &[self.keys.queues()], &args).await;
        if let Err(error) = done {
            tracing::debug!(%queue, %error, "a queue that is over stays registered until it is swept");
        }
    }

    /// Registers a queue that nobody owns where its entry was lost: nodes of a cluster lose what isn't on their disks separately.
    pub(super) async fn see_to_registration(&self, queue: &QueueKey) {
        let mut set = redis::cmd("HEXISTS");
        set.arg(self.keys.queues()).arg(queue.as_str());
        if let Ok(false) = self.link.call::<bool>(set).await
            && let Err(error) = self.register(queue, "0", None).await
        {
            tracing::debug!(%queue, %error, "a queue isn't registered");
        }
    }
}
