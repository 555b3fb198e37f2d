//! Whose players are there: noted for the queues that drop tickets whose players are gone.
//!
//! A ticket's players are there as long as somebody follows it at this replica (a gateway for a socket, or for a poll that it holds;
//! a backend), and when it is asked for. Who follows doesn't have to say so again: the storage's signals know all of them. Notes are made at the
//! pace of each queue, all of a queue's at once, and nothing is done where no queue wants them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use matching::{QueueKey, TicketId, Time};
use parking_lot::Mutex;
use runtime::{Clock, Tasks};
use storage::{Status, Storage, TicketState};
use tokio::time::{Instant, sleep_until, timeout};

use crate::{queues::Queues, state::trouble};

/// Tickets read at once whose queue is not known yet.
const READ_AT_ONCE: usize = 512;
/// How long the last notes may take at shutdown.
const LAST_NOTES: Duration = Duration::from_secs(1);

/// Notes whose players are there.
#[derive(Debug)]
pub(crate) struct Presence {
    storage: Arc<dyn Storage>,
    queues: Arc<Queues>,
    clock: Clock,
    /// Asked for since the last note; only tickets that there are. Held to add or take them, never over an await.
    asked_for: Mutex<BTreeMap<QueueKey, HashSet<TicketId>>>,
}

/// What is known from one note to the next.
#[derive(Debug, Default)]
struct Rounds {
    /// When each queue that wants notes gets its next.
    next: BTreeMap<QueueKey, Instant>,
    /// The queues of the followed tickets.
    homes: HashMap<TicketId, QueueKey>,
}

impl Presence {
    pub(crate) fn new(storage: Arc<dyn Storage>, queues: Arc<Queues>, clock: Clock) -> Arc<Self> {
        Arc::new(Self { storage, queues, clock, asked_for: Mutex::default() })
    }

    /// Somebody asks how this ticket is, or begins to follow it: noted also where they are gone by the next note.
    pub(crate) fn asked_for(&self, ticket: &TicketState) {
        let (record, is_queued) = (&ticket.record, ticket.status == Status::Queued);
        if is_queued && self.queues.absence(&record.queue).is_some() {
            let mut asked_for = self.asked_for.lock();
            asked_for.entry(record.queue.clone()).or_default().insert(record.ticket.id.clone());
        }
    }

    /// Notes until the tasks stop, and then what is left to note.
    pub(crate) async fn run(self: Arc<Self>, tasks: Tasks) {
        let (mut changes, mut rounds) = (self.queues.changes(), Rounds::default());
        loop {
            drop(changes.borrow_and_update());
            let now = Instant::now();
            let absences: BTreeMap<_, _> = self.queues.absences().into_iter().collect();
            rounds.next.retain(|queue, _| absences.contains_key(queue));
            for (queue, absence) in &absences {
                // One that is configured anew may have got a shorter time.
                let next = rounds.next.entry(queue.clone()).or_insert(now);
                *next = (*next).min(now + absence.pace());
            }
            let due: HashSet<_> =
                rounds.next.iter().filter(|(_, at)| **at <= now).map(|(queue, _)| queue.clone()).collect();
            if !due.is_empty() {
                self.note(&mut rounds, &due).await;
                for queue in due {
                    let next = now + absences[&queue].pace();
                    rounds.next.insert(queue, next);
                }
                continue;
            }
            let next = rounds.next.values().min().copied();
            tokio::select! {
                () = sleep_until(next.unwrap_or(now)), if next.is_some() => {}
                // Its other side is there as long as this is.
                Ok(()) = changes.changed() => {}
                () = tasks.stopping().cancelled() => break,
            }
        }
        let all = rounds.next.keys().cloned().collect();
        drop(timeout(LAST_NOTES, self.note(&mut rounds, &all)).await);
    }

    /// Notes who is there of these queues.
    async fn note(&self, rounds: &mut Rounds, queues: &HashSet<QueueKey>) {
        // Before anybody is looked for: who has gone by the time of the note was there then.
        let now = Time(self.clock.now_ms());
        let mut there: BTreeMap<_, HashSet<_>> = {
            let mut asked_for = self.asked_for.lock();
            queues.iter().filter_map(|queue| asked_for.remove_entry(queue)).collect()
        };
        self.find_homes(rounds).await;
        for (ticket, queue) in &rounds.homes {
            if queues.contains(queue) {
                there.entry(queue.clone()).or_default().insert(ticket.clone());
            }
        }
        for (queue, tickets) in there {
            let mut tickets: Vec<_> = tickets.into_iter().collect();
            tickets.sort_unstable();
            if let Err(error) = self.storage.presence().note_seen(&queue, &tickets, now).await {
                trouble::note(&error);
                tracing::debug!(%queue, %error, "who is there is noted the next time");
                self.asked_for.lock().entry(queue).or_default().extend(tickets);
            }
        }
    }

    /// Finds out in which queues the followed tickets are. A ticket stays in its queue, so each is read once.
    async fn find_homes(&self, rounds: &mut Rounds) {
        let followed = self.storage.signals().followed_tickets();
        let mut homes = HashMap::with_capacity(followed.len());
        let mut unknown = Vec::new();
        for ticket in followed {
            match rounds.homes.remove_entry(&ticket) {
                Some((ticket, queue)) => drop(homes.insert(ticket, queue)),
                None => unknown.push(ticket),
            }
        }
        rounds.homes = homes;
        for some in unknown.chunks(READ_AT_ONCE) {
            match self.storage.read(some).await {
                Ok(states) => rounds.homes.extend(
                    states
                        .into_iter()
                        .flatten()
                        .map(|TicketState { record, .. }| (record.ticket.id.clone(), record.queue.clone())),
                ),
                Err(error) => {
                    trouble::note(&error);
                    tracing::debug!(%error, "followed tickets are looked for the next time");
                    return;
                }
            }
        }
    }
}
