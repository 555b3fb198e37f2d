//! Asking a queue's owner why a ticket waits.
//!
//! The owner alone knows: it has the engine. It answers between two rounds of its work, for at most a tenth of its time, so that
//! many who ask keep no match waiting. Who asks too many gets no answer, which costs them a sentence in the explanation.

use std::{collections::HashMap, sync::Arc, time::Duration};

use matching::{Explanation, QueueKey, TicketId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

/// Questions that wait for one owner.
const ASKED: usize = 32;
/// How long an owner may take: it is busy with a large queue, or it has just ended.
const PATIENCE: Duration = Duration::from_secs(1);
/// An answer that took a millisecond is followed by so many milliseconds of other work.
const OTHER_WORK: u32 = 9;

/// How a ticket stands, as its queue's owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outlook {
    /// The rules that the owner goes by, for people.
    pub(crate) rules: String,
    /// Why no match gets a land, for people; empty where nothing is in the way.
    pub(crate) held_up_by: String,
    pub(crate) standing: Standing,
}

/// Where the ticket is, and what it waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    Waits(Explanation),
    /// Its match is being made.
    BeingPlaced,
    /// No match can take it: why, for people.
    Unfit(String),
}

/// Where the queues' owners of this process are asked.
#[derive(Debug, Default)]
pub(crate) struct Desks(
    // Held for a look-up, never over an await.
    Mutex<HashMap<QueueKey, mpsc::Sender<Ask>>>,
);

/// One owner's side.
#[derive(Debug)]
pub(super) struct Desk {
    desks: Arc<Desks>,
    queue: QueueKey,
    sender: mpsc::Sender<Ask>,
    asks: mpsc::Receiver<Ask>,
    begun: Instant,
    next: Instant,
}

/// A question, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) ticket: TicketId,
    answer: oneshot::Sender<Option<Outlook>>,
}

impl Desks {
    /// How a ticket stands. `None`: the queue's owner is not here, doesn't know the ticket, or has no time.
    pub(crate) async fn outlook(&self, queue: &QueueKey, ticket: TicketId) -> Option<Outlook> {
        let desk = self.0.lock().get(queue).cloned()?;
        let (answer, answered) = oneshot::channel();
        desk.try_send(Ask { ticket, answer }).ok()?;
        timeout(PATIENCE, answered).await.ok()?.ok()?
    }

    /// A queue's new owner is here.
    pub(super) fn open(self: &Arc<Self>, queue: &QueueKey) -> Desk {
        let (sender, asks) = mpsc::channel(ASKED);
        self.0.lock().insert(queue.clone(), sender.clone());
        let now = Instant::now();
        Desk { desks: Arc::clone(self), queue: queue.clone(), sender, asks, begun: now, next: now }
    }
}

impl Desk {
    /// The next question, when it is time for one. Can be dropped while it waits without losing one.
    pub(super) async fn next(&mut self) -> Ask {
        sleep_until(self.next).await;
        let ask = self.asks.recv().await.expect("the desk holds a sender itself");
        self.begun = Instant::now();
        ask
    }

    pub(super) fn answer(&mut self, ask: Ask, outlook: Option<Outlook>) {
        let now = Instant::now();
        self.next = now + OTHER_WORK * now.duration_since(self.begun);
        // Gone where the caller waited long enough.
        drop(ask.answer.send(outlook));
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let mut desks = self.desks.0.lock();
        // Another owner may have come meanwhile.
        if desks.get(&self.queue).is_some_and(|sender| sender.same_channel(&self.sender)) {
            desks.remove(&self.queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_owner_that_is_busy_or_gone_costs_no_more_than_an_answer() {
        let desks = Arc::new(Desks::default());
        let (queue, ticket) = (QueueKey::new("demo:2"), TicketId::new("t"));
        assert_eq!(desks.outlook(&queue, ticket.clone()).await, None, "nobody owns it");
        let old = desks.open(&queue);
        assert_eq!(desks.outlook(&queue, ticket.clone()).await, None, "it is busy");
        let mut new = desks.open(&queue);
        drop(old);
        let outlook = Outlook {
            rules: "teams 1v1".to_owned(),
            held_up_by: String::new(),
            standing: Standing::BeingPlaced,
        };
        let (told, ()) = tokio::join!(desks.outlook(&queue, ticket.clone()), async {
            let ask = new.next().await;
            assert_eq!(ask.ticket, ticket);
            new.answer(ask, Some(outlook.clone()));
        });
        assert_eq!(told, Some(outlook), "the one that went took nothing with it");
        drop(new);
        assert_eq!(desks.0.lock().len(), 0);
    }
}
