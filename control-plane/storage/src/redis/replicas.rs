//! What the replicas of one control plane say to each other.
//!
//! A replica keeps something announced (names and what they stand for), which every other one can read and hears the changes of;
//! it sends posts to one or to all; and it holds server ids, each of which is one replica's at a time. All of it is
//! under one hash tag: on a cluster, in one slot.
//!
//! # What is sent where, and what it costs
//!
//! | call | round trips | messages |
//! |---|---|---|
//! | announce, leave | 1 script | 1, delivered to every replica |
//! | send | 1 | 1, delivered to one |
//! | send to all | 1 | 1, delivered to every replica |
//! | hold, let go, holder | 1 script | none |
//! | read what is announced | 1 script, and 1 for each other replica | none |
//!
//! Each replica subscribes to two sharded channels: everybody's and its own. So with R replicas that announce every second,
//! nothing changing, Redis runs R scripts a second and delivers R² messages of some 60 bytes: 100 at ten
//! replicas. A change costs its own size, R times. The keys: a sorted set of the live replicas, a hash for each with what it keeps
//! announced (it goes by itself when its replica has been silent for twice as long as it may), a hash of the held servers.
//!
//! # What is promised
//!
//! - A post is delivered at most once, to who listens now. Whoever needs an answer asks for it, and waits for so long.
//! - Announcements are numbered. Whoever hears of each number knows what is announced; else [`Mail::Missed`](crate::Mail)
//!   says so, and everything is read: after a lost connection, a number that was missing, an inbox that overflowed, and
//!   where a replica is silent for longer than it may.
//! - Who lives is decided by Redis's clock alone. A replica that was away for so long that the others took it for gone is told so by
//!   its next announcement ([`Announce::SayAll`]).
//! - Holds have terms that only grow. Whoever gives one back that was taken by another changes nothing.
//! - While Redis is away every call fails at once, and what the others announce stays as it was known. When it is back,
//!   everything is read again; where it lost data, each replica is asked to announce all.

mod arrivals;
mod holds;
mod letter;
mod mailbox;
mod view;

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

pub(super) use self::arrivals::Arrivals;
pub use self::mailbox::Mailbox;
use super::{Redis, claims::millis, keys::Keys, link::Link, scripts::Scripts, stored::unreadable};
use crate::{Announce, ReplicaId, StorageError};

/// One replica among the others.
pub struct Replicas {
    me: ReplicaId,
    /// How long it lives after each announcement, in milliseconds.
    lasting: String,
    link: Arc<Link>,
    keys: Keys,
    scripts: Arc<Scripts>,
    /// The number of the last announcement, where Redis is known to have everything up to it. Held to copy it.
    last: Mutex<Option<String>>,
}

/// What another replica keeps announced, up to a number.
struct Snapshot {
    replica: ReplicaId,
    number: u64,
    /// When it will be taken for gone.
    until: Instant,
    entries: HashMap<String, String>,
}

impl Redis {
    /// Joins the other replicas. They take this one for gone when it has announced nothing for `lasting`: a few times as
    /// long as the time between two of its announcements. It isn't known before the first.
    pub fn join(&self, lasting: Duration) -> (Arc<Replicas>, Mailbox) {
        let me = ReplicaId::new(format!("{:016x}", rand::random::<u64>()));
        let channels = [self.keys.replicas_channel(), self.keys.replica_channel(&me)];
        let arrivals = Arc::new(Arrivals::new(me.clone(), channels));
        self.news.join(&arrivals);
        let replicas = Arc::new(Replicas {
            me,
            lasting: millis(lasting),
            link: Arc::clone(&self.link),
            keys: self.keys.clone(),
            scripts: Arc::clone(&self.scripts),
            last: Mutex::default(),
        });
        (Arc::clone(&replicas), Mailbox::new(replicas, arrivals))
    }
}

impl Replicas {
    /// Which one this is.
    pub fn me(&self) -> &ReplicaId {
        &self.me
    }

    /// Sends a post to one replica. False: nobody heard it; it is gone, or about to connect again.
    ///
    /// # Errors
    /// Redis is away, or didn't answer within the response timeout; the post may have been delivered then.
    pub async fn send(&self, to: &ReplicaId, text: &str) -> Result<bool, StorageError> {
        let heard = self.publish(&self.keys.replica_channel(to), "post", text).await?;
        Ok(heard > 0)
    }

    /// Sends a post to every other replica that listens.
    ///
    /// # Errors
    /// As [`Replicas::send`].
    pub async fn send_all(&self, text: &str) -> Result<(), StorageError> {
        self.publish(&self.keys.replicas_channel(), "post-to-all", text).await.map(drop)
    }

    async fn publish(&self, channel: &str, kind: &str, text: &str) -> Result<u64, StorageError> {
        let mut publish = redis::cmd("SPUBLISH");
        publish.arg(channel).arg(format!("{kind} {}\n{text}", self.me));
        self.link.call(publish).await
    }

    /// Changes what this replica keeps announced (`None` takes an entry away), or replaces all of it, and says that it lives. One
    /// call after the other, at least a few times within the time that it lives after each, with or without changes.
    ///
    /// # Errors
    /// Redis is away. Whatever became of it: the next call answers [`Announce::SayAll`].
    pub async fn announce(
        &self,
        entries: Vec<(String, Option<String>)>,
        all: bool,
    ) -> Result<Announce, StorageError> {
        // Taken: where this call fails, or nobody waits for its end, the next one is to say all. So is one that overtakes it.
        let last = match self.last.lock().take() {
            _ if all => String::new(),
            Some(last) => last,
            None => return Ok(Announce::SayAll),
        };
        // Texts can always be written.
        let entries = serde_json::to_string(&entries).unwrap_or_default();
        let keys = [self.keys.live_replicas(), self.keys.replica(&self.me)];
        let channel = self.keys.replicas_channel();
        let args = [self.me.as_str(), &last, &self.lasting, &channel, &entries];
        let number: Option<String> = self.link.run(&self.scripts.replicas_announce, &keys, &args).await?;
        let done = if number.is_some() { Announce::Done } else { Announce::SayAll };
        *self.last.lock() = number;
        Ok(done)
    }

    /// Takes away what this replica announced, and tells the others. What it holds is anybody's from here on. It may
    /// come back by announcing everything.
    ///
    /// # Errors
    /// Redis is away; the others will miss it soon.
    pub async fn leave(&self) -> Result<(), StorageError> {
        self.last.lock().take();
        let keys = [self.keys.live_replicas(), self.keys.replica(&self.me)];
        let channel = self.keys.replicas_channel();
        self.link.run(&self.scripts.replicas_leave, &keys, &[self.me.as_str(), &channel]).await
    }

    async fn read_others(&self) -> Result<Vec<Snapshot>, StorageError> {
        let live = [self.keys.live_replicas()];
        let live: Vec<(String, u64)> = self.link.run(&self.scripts.replicas_live, &live, &[]).await?;
        let mut others = Vec::with_capacity(live.len());
        for (replica, left) in live {
            let (replica, until) = (ReplicaId::new(replica), Instant::now() + Duration::from_millis(left));
            if replica == self.me {
                continue;
            }
            // One after the other: each has its own time to answer, however much all of them is.
            let mut all = redis::cmd("HGETALL");
            all.arg(self.keys.replica(&replica));
            let mut fields: HashMap<String, String> = self.link.call(all).await?;
            // Without a number it has left since, or has announced nothing yet.
            let Some(number) = fields.remove("number") else { continue };
            let number = number.parse().map_err(|_| unreadable(&number))?;
            let entry = |(name, value): (String, String)| Some((name.strip_prefix('=')?.to_owned(), value));
            let entries = fields.into_iter().filter_map(entry).collect();
            others.push(Snapshot { replica, number, until, entries });
        }
        Ok(others)
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas").field("me", &self.me).finish_non_exhaustive()
    }
}
