//! Following tickets: one, or thousands on one stream.
//!
//! A watcher that is woken reads the truth from storage; one that was not woken for [`READ_AGAIN`] reads it all the same. What goes
//! out is the present state, so that a slow reader gets fewer messages, never wrong ones.

use std::{collections::HashMap, time::Duration};

use futures_util::{StreamExt as _, stream};
use matching::TicketId;
use proto::{
    error::{Reason, Refusal},
    matchmaking::v1::{self as pb, watch_request::Action, watch_response::Event},
};
use storage::{Place, TicketState};
use tokio::{sync::mpsc::Sender, time::MissedTickBehavior};
use tonic::{Status as GrpcStatus, Streaming};

use super::{Shared, sessions::Heard};
use crate::{
    access::Caller,
    delivery,
    grpc::{
        fields::{required_id, shortened},
        refusals,
    },
    ids::MAX_ID,
};

/// How often tickets are read that nobody woke: a lost signal costs no more than this, and places are told this often.
const READ_AGAIN: Duration = Duration::from_secs(5);
/// Tickets that one stream may follow.
const MAX_SUBSCRIPTIONS: usize = 100_000;
/// Tickets read from storage at once.
const READ_AT_ONCE: usize = 512;
/// Assignments signed ahead of a reader.
const DELIVERIES_AT_ONCE: usize = 32;

type Answers<T> = Sender<Result<T, GrpcStatus>>;

/// Follows one ticket to its end.
pub(super) async fn one(shared: &Shared, id: &TicketId, answers: &Answers<pb::WatchTicketResponse>) {
    let mut inbox = shared.storage.signals().inbox();
    inbox.follow(id);
    let mut told = None;
    loop {
        let read = async {
            let state = shared.read(id).await?;
            if told.is_none() {
                shared.presence.asked_for(&state);
            }
            let ended = state.status.is_final();
            Ok::<_, Refusal>((shared.shown(&state).await?, ended))
        };
        let (ticket, ended) = match read.await {
            Ok(read) => read,
            Err(refusal) => {
                drop(answers.send(Err(refusal.into_status())).await);
                return;
            }
        };
        if told.as_ref() != Some(&ticket) {
            told = Some(ticket.clone());
            let sent = answers.send(Ok(pb::WatchTicketResponse { ticket: Some(ticket) })).await;
            if sent.is_err() {
                return;
            }
        }
        if ended {
            return;
        }
        // Woken, or waited long: either way the next round reads.
        drop(tokio::time::timeout(READ_AGAIN, inbox.woken()).await);
    }
}

/// What one stream of many subscriptions has told about each ticket so far.
struct Watch<'a> {
    shared: &'a Shared,
    caller: &'a Caller,
    inbox: storage::Inbox,
    sessions: Heard,
    told: HashMap<TicketId, (pb::TicketStatus, Option<pb::QueuePlace>)>,
    answers: &'a Answers<pb::WatchResponse>,
}

/// The reader of the stream has gone.
struct Gone;

/// Follows what the other side subscribes to, until it closes its half.
pub(super) async fn many(
    shared: &Shared,
    caller: &Caller,
    requests: Streaming<pb::WatchRequest>,
    answers: &Answers<pb::WatchResponse>,
) {
    let inbox = shared.storage.signals().inbox();
    let mut watch =
        Watch { shared, caller, inbox, sessions: Heard::default(), told: HashMap::new(), answers };
    // Who subscribes to many at once has them read at once.
    let mut requests = requests.ready_chunks(READ_AT_ONCE);
    let mut read_again = tokio::time::interval(READ_AGAIN);
    // A slow reader's turns are left out, not made up for.
    read_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            some = requests.next() => match some {
                Some(some) => watch.take(some).await,
                // The other side has gone.
                None => return,
            },
            session = watch.sessions.next() => answers.send(Ok(session)).await.map_err(|_| Gone),
            woken = watch.inbox.woken() => watch.tell(woken, Tell::Woken).await,
            _ = read_again.tick() => {
                let all = watch.inbox.followed().iter().cloned().collect();
                watch.tell(all, Tell::InPassing).await
            }
        };
        if done.is_err() {
            return;
        }
    }
}

/// Why tickets are told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tell {
    /// They were subscribed to: whatever there is to say is said.
    Asked,
    /// They changed.
    Woken,
    /// It is time to look: what was told already isn't told again.
    InPassing,
}

impl Watch<'_> {
    async fn take(&mut self, requests: Vec<Result<pb::WatchRequest, GrpcStatus>>) -> Result<(), Gone> {
        let mut subscribed = Vec::new();
        for request in requests {
            // An error: the other side broke off; it subscribes anew on its next stream.
            match request.map_err(|_| Gone)?.action {
                Some(Action::Subscribe(ticket)) => subscribed.extend(self.subscribe(ticket).await?),
                Some(Action::Unsubscribe(ticket)) => {
                    let id = TicketId::new(ticket);
                    subscribed.retain(|subscribed| *subscribed != id);
                    self.end(&id);
                }
                Some(Action::Session(session)) => self.sessions.opened(self.shared, self.caller, session),
                None => {}
            }
        }
        self.tell(subscribed, Tell::Asked).await
    }

    /// Follows a ticket; what there is to say about it is still to be told. `None`: it was refused.
    async fn subscribe(&mut self, ticket: String) -> Result<Option<TicketId>, Gone> {
        if let Err(refusal) = required_id("ticket_id", &ticket) {
            // As much of it as an id can have: a megabyte isn't sent back.
            return self.refuse(shortened(&ticket, MAX_ID).to_owned(), &refusal).await.map(|()| None);
        }
        let id = TicketId::new(ticket);
        let followed = self.inbox.followed();
        if followed.len() >= MAX_SUBSCRIPTIONS && !followed.contains(&id) {
            let message = format!("this stream follows {MAX_SUBSCRIPTIONS} tickets already; open another");
            let refusal = Refusal::new(Reason::RateLimited, message);
            return self.refuse(id.to_string(), &refusal).await.map(|()| None);
        }
        // Followed before it is read: a change in between is not missed.
        self.inbox.follow(&id);
        Ok(Some(id))
    }

    /// Reads tickets and sends their states.
    async fn tell(&mut self, tickets: Vec<TicketId>, why: Tell) -> Result<(), Gone> {
        for ids in tickets.chunks(READ_AT_ONCE) {
            let states = match self.shared.storage.read(ids).await {
                Ok(states) => states,
                Err(error) => {
                    let refusal = refusals::storage(&error);
                    if why == Tell::Asked {
                        for id in ids {
                            self.end(id);
                            self.refuse(id.to_string(), &refusal).await?;
                        }
                    }
                    // The others stay subscribed, and are read again.
                    return Ok(());
                }
            };
            let (answers, shared) = (self.answers, self.shared);
            if why == Tell::Asked {
                let theirs = states.iter().flatten().filter(|state| self.caller.sees(&state.record.ticket));
                theirs.for_each(|state| shared.presence.asked_for(state));
            }
            let mut places = shared.places(states.iter().flatten()).await.into_iter();
            let found = states.into_iter().map(|state| state.map(|state| (state, places.next().flatten())));
            // What isn't theirs to see isn't there.
            let found = found.map(|found| found.filter(|(state, _)| self.caller.sees(&state.record.ticket)));
            let is_told = |(_, found): &(_, Option<(TicketState, Option<Place>)>)| {
                let known = found.as_ref().filter(|_| why == Tell::InPassing);
                known.is_none_or(|(state, place)| self.is_news(state, place.as_ref()))
            };
            let news: Vec<_> = ids.iter().cloned().zip(found).filter(is_told).collect();
            // Signing takes its time: some ahead, in order, so that one large party doesn't hold up all others.
            let mut deliveries = stream::iter(news)
                .map(|(id, found)| async move {
                    let Some((state, place)) = found else {
                        return (id, Err(refusals::ticket_not_found()), true);
                    };
                    (id, shared.delivery.ticket(&state, place).await, state.status.is_final())
                })
                .buffered(DELIVERIES_AT_ONCE);
            while let Some((id, delivery, ended)) = deliveries.next().await {
                let event = match delivery {
                    Ok(ticket) => {
                        self.told.insert(id.clone(), (ticket.status(), ticket.place));
                        Event::Ticket(ticket)
                    }
                    Err(refusal) => refused(&refusal),
                };
                let response = pb::WatchResponse { ticket_id: id.to_string(), event: Some(event) };
                answers.send(Ok(response)).await.map_err(|_| Gone)?;
                if ended {
                    self.end(&id);
                }
            }
        }
        Ok(())
    }

    /// Whether it isn't what was told last. A place that can't be had is no news.
    fn is_news(&self, state: &TicketState, place: Option<&Place>) -> bool {
        let Some((status, told)) = self.told.get(&state.record.ticket.id) else {
            return true;
        };
        *status != delivery::status(&state.status)
            || place.is_some_and(|place| *told != Some(delivery::queue_place(*place)))
    }

    async fn refuse(&self, ticket_id: String, refusal: &Refusal) -> Result<(), Gone> {
        let response = pb::WatchResponse { ticket_id, event: Some(refused(refusal)) };
        self.answers.send(Ok(response)).await.map_err(|_| Gone)
    }

    fn end(&mut self, id: &TicketId) {
        self.inbox.unfollow(id);
        self.told.remove(id);
    }
}

fn refused(refusal: &Refusal) -> Event {
    Event::Refused(pb::WatchRefusal {
        reason: refusal.reason.name().to_owned(),
        message: refusal.message.clone(),
    })
}

/// Ends a stream at shutdown in words; where its buffer is full, it just ends.
pub(super) fn say_goodbye<T>(answers: &Answers<T>) {
    drop(answers.try_send(Err(refusals::shutting_down().into_status())));
}
