//! What Redis tells this process: one connection for all channels, and who hears of what.
//!
//! # What is sent where, and what it costs
//!
//! - `news` of a queue: each ticket that comes into it, whole. One subscriber: the queue's owner.
//! - `ends` of a queue: the ids of the tickets that left it, one message for a whole match. Subscribers: the owner, and each
//!   process where somebody follows a ticket of the queue, from the moment on when the followed ticket is read.
//! - `unowned`: queues that have tickets and no owner. Subscribers: all; rare.
//! - What replicas say to each other: see `replicas.rs`.
//!
//! So an assignment costs one message from its script, delivered to every process with a watcher in that queue: with R such
//! processes, R deliveries of some 40 bytes per ticket, however many watchers and tickets each has. A channel per
//! ticket would be delivered to one process, and cost a subscription and its end for each ticket instead, which is more than the
//! deliveries up to some ten processes per queue. The queue's channels are sharded (`SPUBLISH`): on a cluster they stay on
//! the queue's node.
//!
//! A message that is lost costs little: a feed ends at the gap and is followed anew; who follows a ticket reads now and
//! then. When the connection was lost, all feeds end, and all who follow a ticket are woken once it is there again.

mod table;

use std::{sync::Arc, time::Duration};

use matching::{QueueKey, TicketId};
use parking_lot::Mutex;
use redis::{PushInfo, PushKind, RedisResult, Value};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, timeout},
};

use self::table::{Table, Topic};
use super::{
    connection::{Connection, connect},
    keys::Keys,
    link::PAUSES,
    replicas::Arrivals,
    settings::RedisSettings,
};
use crate::{Lease, QueueChange, Signals, StorageError};

/// How often what isn't needed any more is looked for.
const TIDY: Duration = Duration::from_secs(1);
/// How often the connection is asked whether it is alive.
const ALIVE: Duration = Duration::from_secs(5);
/// Requests for a channel that may wait.
const REQUESTS: usize = 1_024;

/// See the file's header.
pub(super) struct News {
    settings: RedisSettings,
    keys: Keys,
    // Held for a look-up and a short hand-over, never over an await.
    table: Mutex<Table>,
    requests: mpsc::Sender<Request>,
    signals: Arc<Signals>,
    unowned: Arc<Notify>,
    /// A replica has joined, and its channels are to be heard.
    joined: Notify,
}

/// Somebody needs channels, and waits until their messages come.
pub(super) struct Request {
    channels: Vec<(String, Topic)>,
    heard: oneshot::Sender<()>,
}

impl News {
    /// The receiver is for [`News::keep`].
    pub(super) fn new(
        settings: RedisSettings,
        keys: Keys,
        signals: Arc<Signals>,
        unowned: Arc<Notify>,
    ) -> (Arc<Self>, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(REQUESTS);
        let (table, joined) = <(Mutex<Table>, Notify)>::default();
        (Arc::new(Self { settings, keys, table, requests, signals, unowned, joined }), receiver)
    }

    /// Opens a feed: from the return on, what happens to the queue waits in it.
    pub(super) async fn begin_feed(
        &self,
        lease: &Lease,
    ) -> Result<mpsc::Receiver<QueueChange>, StorageError> {
        let reader = self.table.lock().feeds.begin(lease);
        let keys = self.keys.queue(&lease.queue);
        let news = (keys.news(), Topic::News(lease.queue.clone()));
        let ends = (keys.ends(), Topic::Ends(lease.queue.clone()));
        self.hear(vec![news, ends]).await?;
        Ok(reader)
    }

    /// The queue was read, up to the change `read`. False: something was missed, and the feed is over.
    pub(super) fn open_feed(&self, lease: &Lease, read: u64) -> bool {
        self.table.lock().feeds.open(lease, read)
    }

    pub(super) fn end_feed(&self, lease: &Lease) {
        self.table.lock().feeds.end(lease);
    }

    /// The queue's newest change has this number: the feed has to get there.
    pub(super) fn feed_must_reach(&self, lease: &Lease, number: u64) {
        self.table.lock().feeds.must_reach(lease, number);
    }

    /// Where the followed tickets are that were read before.
    pub(super) fn home(&self, ticket: &TicketId) -> Option<QueueKey> {
        self.table.lock().homes.get(ticket).cloned()
    }

    /// From the return on, who follows these tickets is woken when they end. Where that fails, they read now and then.
    pub(super) async fn follow(&self, tickets: Vec<(TicketId, QueueKey)>) {
        let mut channels: Vec<(String, Topic)> = Vec::new();
        {
            let mut table = self.table.lock();
            for (ticket, queue) in tickets {
                let channel = self.keys.queue(&queue).ends();
                if !channels.iter().any(|(known, _)| *known == channel) {
                    channels.push((channel, Topic::Ends(queue.clone())));
                }
                table.homes.insert(ticket, queue);
            }
        }
        if let Err(error) = self.hear(channels).await {
            tracing::debug!(%error, "followed tickets are looked at now and then");
        }
    }

    /// A ticket isn't there (any more).
    pub(super) fn forget(&self, ticket: &TicketId) {
        self.table.lock().homes.remove(ticket);
    }

    /// Whether a message will wake who follows the ticket here.
    pub(super) fn will_tell(&self, ticket: &TicketId) -> bool {
        let table = self.table.lock();
        table.homes.get(ticket).is_some_and(|queue| table.is_heard(&self.keys.queue(queue).ends()))
    }

    /// Soon what is sent to a replica comes to it, until its mailbox is dropped.
    pub(super) fn join(&self, arrivals: &Arc<Arrivals>) {
        self.table.lock().mailboxes.push(Arc::downgrade(arrivals));
        self.joined.notify_one();
    }

    async fn hear(&self, mut channels: Vec<(String, Topic)>) -> Result<(), StorageError> {
        {
            let table = self.table.lock();
            channels.retain(|(channel, _)| !table.is_heard(channel));
        }
        if channels.is_empty() {
            return Ok(());
        }
        let (heard, done) = oneshot::channel();
        let asked = async {
            self.requests.send(Request { channels, heard }).await.ok()?;
            done.await.ok()
        };
        let patience = self.settings.connection_timeout + self.settings.response_timeout;
        match timeout(patience.min(Duration::from_millis(1_500)), asked).await {
            Ok(Some(())) => Ok(()),
            Ok(None) | Err(_) => Err(StorageError::Unavailable("Redis's channels can't be heard".to_owned())),
        }
    }

    /// Connects, subscribes as asked, and connects again. Never ends.
    pub(super) async fn keep(self: Arc<Self>, mut requests: mpsc::Receiver<Request>) {
        let mut pause = PAUSES.0;
        loop {
            let begun = Instant::now();
            if let Err(error) = self.listen(&mut requests).await {
                tracing::debug!(%error, "Redis's channels can't be heard");
            }
            self.table.lock().cut();
            // A connection that lasted starts the pauses over.
            pause = if begun.elapsed() > ALIVE { PAUSES.0 } else { (pause * 2).min(PAUSES.1) };
            tokio::time::sleep(pause).await;
        }
    }

    /// Listens until the connection ends.
    async fn listen(self: &Arc<Self>, requests: &mut mpsc::Receiver<Request>) -> RedisResult<()> {
        let ended = Arc::new(Notify::new());
        let (news, end) = (Arc::clone(self), Arc::clone(&ended));
        let listener = move |push: PushInfo| -> Result<(), redis::aio::SendError> {
            if news.take(push) == Go::Ended {
                end.notify_one();
            }
            Ok(())
        };
        let mut connection = connect(&self.settings, Arc::new(listener)).await?;
        let unowned = (self.keys.unowned(), Topic::Unowned);
        let followed = self.table.lock().followed_queues();
        let again = followed.into_iter().map(|queue| (self.keys.queue(&queue).ends(), Topic::Ends(queue)));
        for channel in std::iter::once(unowned).chain(again) {
            self.subscribe(&mut connection, channel).await?;
        }
        // The first time here, those who have joined already.
        self.joined.notify_one();
        // What happened until now was missed; they read it.
        self.signals.wake_all();
        self.unowned.notify_one();

        let mut tidy = tokio::time::interval(TIDY);
        let mut asked_at = Instant::now();
        loop {
            tokio::select! {
                () = ended.notified() => return Ok(()),
                request = requests.recv() => {
                    // The sender lives as long as this.
                    let Some(request) = request else { return Ok(()) };
                    for channel in request.channels {
                        self.subscribe(&mut connection, channel).await?;
                    }
                    // Gone where the caller waited long enough.
                    request.heard.send(()).ok();
                }
                () = self.joined.notified() => {
                    let mail = self.table.lock().mail();
                    for channel in mail {
                        self.subscribe(&mut connection, (channel, Topic::Mail)).await?;
                    }
                }
                _ = tidy.tick() => {
                    self.tidy(&mut connection).await?;
                    if asked_at.elapsed() >= ALIVE {
                        redis::cmd("PING").query_async::<Value>(&mut connection).await?;
                        asked_at = Instant::now();
                    }
                }
            }
        }
    }

    async fn subscribe(
        &self,
        connection: &mut Connection,
        (channel, topic): (String, Topic),
    ) -> RedisResult<()> {
        if self.table.lock().is_heard(&channel) {
            return Ok(());
        }
        let sharded = topic != Topic::Unowned;
        // Known before the first message can come.
        self.table.lock().expect(channel.clone(), topic);
        connection.subscribe(&channel, sharded).await?;
        self.table.lock().heard(&channel);
        Ok(())
    }

    async fn tidy(&self, connection: &mut Connection) -> RedisResult<()> {
        let unneeded = {
            let mut table = self.table.lock();
            table.tidy(&self.signals)
        };
        for channel in unneeded {
            connection.unsubscribe(&channel).await?;
        }
        Ok(())
    }

    /// Something came unasked. Called where the connection is read.
    fn take(&self, push: PushInfo) -> Go {
        match push.kind {
            PushKind::Disconnection => return Go::Ended,
            // Where a cluster's slot moves, its node says so this way: the channel has to be asked for elsewhere.
            PushKind::SUnsubscribe => {
                let channel = push.data.into_iter().next().and_then(|channel| text(channel).ok());
                if channel.is_some_and(|channel| self.table.lock().is_heard(&channel)) {
                    return Go::Ended;
                }
            }
            PushKind::Message | PushKind::SMessage => {
                let mut data = push.data.into_iter();
                let (Some(channel), Some(payload)) = (data.next(), data.next()) else { return Go::On };
                if let (Ok(channel), Ok(payload)) = (text(channel), text(payload)) {
                    self.take_message(&channel, &payload);
                }
            }
            _ => {}
        }
        Go::On
    }

    fn take_message(&self, channel: &str, payload: &str) {
        let told = self.table.lock().take(channel, payload);
        for ticket in &told.ended {
            self.signals.wake(ticket);
        }
        if told.unowned {
            self.unowned.notify_one();
        }
    }
}

/// Whether a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Go {
    On,
    Ended,
}

fn text(value: Value) -> Result<String, redis::ParsingError> {
    redis::from_redis_value(value)
}
