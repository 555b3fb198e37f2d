//! The watch hub: every ticket that somebody here follows, on one stream to the control plane.
//!
//! Whoever follows a ticket gets a [`Follow`], and events in a [`Mailbox`] of theirs. The hub tells the control plane once
//! which tickets it wants, however many follow each; where the stream breaks it subscribes all of them again, and because
//! every subscription is answered with the ticket's present state, nothing is missed. A slow follower never holds up
//! the others: its mailbox is bounded and overflows.
//!
//! Followers of one ticket share its subscription, so it is made in nobody's name. Whether a follower may know of the ticket is
//! decided here, whenever its state is told: to who may not, it isn't there.
//!
//! On the same stream goes what gateways tell each other of players' [`sessions`].
//!
//! [`stream`] runs the stream; here is what is followed. The two meet in a set of tickets whose subscription may have
//! to change (`dirty`), not in a list of commands: it never holds more than there are tickets, and the order in which
//! followers came and went doesn't matter.

mod mailbox;
mod sessions;
mod stream;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use metrics::gauge;
use parking_lot::Mutex;
use proto::{error::Refusal, matchmaking::v1 as pb};
use tokio::sync::Notify;

use crate::{
    identity::{Caller, no_such_ticket, without_a_hint},
    wire::ticket::TicketStatus,
};

pub(crate) use mailbox::Mailbox;
pub(crate) use sessions::{OnlySession, Sessions};
pub(crate) use stream::run;

/// A ticket's id, shared by everything that names it.
pub(crate) type TicketId = Arc<str>;

/// What a follower is told.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// The ticket's present state. After a final one nothing follows.
    State(Arc<pb::Ticket>),
    /// The control plane refused the subscription. Nothing follows.
    Refused(TicketId, Arc<Refusal>),
}

/// The followed tickets. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct WatchHub(Arc<Inner>);

#[derive(Default)]
struct Inner {
    // Held for map operations and for putting events into mailboxes, never over an await.
    followed: Mutex<Followed>,
    // Tells the stream's task that `dirty` has something.
    changed: Notify,
}

#[derive(Default)]
struct Followed {
    tickets: HashMap<TicketId, Ticket>,
    /// What the control plane sends events of.
    upstream: HashSet<TicketId>,
    /// What may have to be subscribed or unsubscribed.
    dirty: HashSet<TicketId>,
    followers: usize,
    next_follower: u64,
}

#[derive(Default)]
struct Ticket {
    /// The present state, where this stream has told it: what a further follower is told at once.
    state: Option<Arc<pb::Ticket>>,
    followers: Vec<Follower>,
}

struct Follower {
    number: u64,
    caller: Caller,
    mailbox: Arc<Mailbox>,
}

/// Follows a ticket until it is dropped.
pub(crate) struct Follow {
    hub: WatchHub,
    ticket_id: TicketId,
    follower: u64,
}

impl WatchHub {
    /// Follows a ticket: its present state comes into `mailbox` soon, then every change. Where it is none that `caller` may see,
    /// what comes is the same refusal as of a ticket that isn't there.
    pub(crate) fn follow(&self, ticket_id: &str, caller: &Caller, mailbox: &Arc<Mailbox>) -> Follow {
        let mut guard = self.0.followed.lock();
        let followed = &mut *guard;
        let follower = followed.next_follower;
        followed.next_follower += 1;
        followed.followers += 1;
        gauge!("gateway_subscriptions").increment(1);
        let ticket_id: TicketId = match followed.tickets.get_key_value(ticket_id) {
            Some((id, _)) => Arc::clone(id),
            None => ticket_id.into(),
        };
        let ticket = followed.tickets.entry(Arc::clone(&ticket_id)).or_default();
        let new = Follower { number: follower, caller: caller.clone(), mailbox: Arc::clone(mailbox) };
        match &ticket.state {
            Some(state) => new.tell(&ticket_id, state),
            None => {
                followed.dirty.insert(Arc::clone(&ticket_id));
                self.0.changed.notify_one();
            }
        }
        ticket.followers.push(new);
        Follow { hub: self.clone(), ticket_id, follower }
    }

    /// How many follow something.
    pub(crate) fn followers(&self) -> usize {
        self.0.followed.lock().followers
    }

    /// How many tickets the control plane sends events of, as far as it was told.
    pub(crate) fn subscribed_upstream(&self) -> usize {
        self.0.followed.lock().upstream.len()
    }

    /// A new stream knows nothing of the old one's subscriptions.
    fn forget_upstream(&self) {
        let mut guard = self.0.followed.lock();
        let followed = &mut *guard;
        followed.upstream.clear();
        followed.dirty.clear();
        for (id, ticket) in &mut followed.tickets {
            ticket.state = None;
            followed.dirty.insert(Arc::clone(id));
        }
    }

    /// Up to `limit` requests that bring the control plane up to date.
    fn take_requests(&self, limit: usize) -> Vec<pb::WatchRequest> {
        use pb::watch_request::Action;
        let mut guard = self.0.followed.lock();
        let followed = &mut *guard;
        let ids: Vec<TicketId> = followed.dirty.iter().take(limit).cloned().collect();
        let mut requests = Vec::with_capacity(ids.len());
        for id in ids {
            followed.dirty.remove(&id);
            let action = match followed.tickets.get(&id) {
                // Subscribing again asks for the state again: somebody may wait for it.
                Some(ticket) if ticket.state.is_none() => {
                    followed.upstream.insert(Arc::clone(&id));
                    Action::Subscribe(id.to_string())
                }
                None if followed.upstream.remove(&id) => Action::Unsubscribe(id.to_string()),
                _ => continue,
            };
            requests.push(pb::WatchRequest { action: Some(action) });
        }
        requests
    }

    /// Asks for these tickets again.
    fn ask_again(&self, ticket_ids: impl IntoIterator<Item = TicketId>) {
        self.0.followed.lock().dirty.extend(ticket_ids);
        self.0.changed.notify_one();
    }

    /// Tells the followers of a ticket its state.
    fn tell(&self, state: pb::Ticket) {
        let mut guard = self.0.followed.lock();
        let followed = &mut *guard;
        let id = state.ticket_id.as_str();
        if TicketStatus::from(state.status()).is_final() {
            // The subscription has ended by itself.
            followed.upstream.remove(id);
            let Some((id, ticket)) = followed.tickets.remove_entry(id) else {
                return;
            };
            ticket.tell(&id, &Arc::new(state));
        } else if let Some((id, _)) = followed.tickets.get_key_value(id) {
            let (id, state) = (Arc::clone(id), Arc::new(state));
            if let Some(ticket) = followed.tickets.get_mut(&id) {
                ticket.state = Some(Arc::clone(&state));
                ticket.tell(&id, &state);
            }
        }
    }

    /// Tells the followers of a ticket that it can't be followed.
    fn refuse(&self, ticket_id: &str, refusal: Refusal) {
        let mut followed = self.0.followed.lock();
        followed.upstream.remove(ticket_id);
        if let Some((id, ticket)) = followed.tickets.remove_entry(ticket_id) {
            let event = Event::Refused(id, Arc::new(without_a_hint(refusal)));
            for follower in &ticket.followers {
                follower.mailbox.put(event.clone());
            }
        }
    }

    async fn changed(&self) {
        self.0.changed.notified().await;
    }
}

impl Ticket {
    fn tell(&self, id: &TicketId, state: &Arc<pb::Ticket>) {
        for follower in &self.followers {
            follower.tell(id, state);
        }
    }
}

impl Follower {
    fn tell(&self, id: &TicketId, state: &Arc<pb::Ticket>) {
        self.mailbox.put(if self.caller.may_see(state) {
            Event::State(Arc::clone(state))
        } else {
            Event::Refused(Arc::clone(id), Arc::new(no_such_ticket()))
        });
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        let mut guard = self.hub.0.followed.lock();
        let followed = &mut *guard;
        followed.followers -= 1;
        gauge!("gateway_subscriptions").decrement(1);
        // Where the ticket is over, the entry is gone, or is one that others made since.
        let Some(ticket) = followed.tickets.get_mut(&self.ticket_id) else {
            return;
        };
        ticket.followers.retain(|follower| follower.number != self.follower);
        if ticket.followers.is_empty() {
            followed.tickets.remove(&self.ticket_id);
            if followed.upstream.contains(&self.ticket_id) {
                followed.dirty.insert(Arc::clone(&self.ticket_id));
                self.hub.0.changed.notify_one();
            } else {
                followed.dirty.remove(&self.ticket_id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
