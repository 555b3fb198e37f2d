//! Who follows which ticket, and how they are woken.
//!
//! A follower has one [`Inbox`] for all its tickets, however many: an inbox holds each woken ticket once, so that it can't grow
//! past the tickets that are followed. Every backend shares this code: it calls [`Signals::wake`] after a change can be read, be
//! the change its own or news from another process.

use std::{collections::HashSet, sync::Arc};

use dashmap::DashMap;
use matching::TicketId;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Who follows which ticket.
#[derive(Debug, Default)]
pub struct Signals {
    followers: DashMap<TicketId, Vec<Arc<Woken>>>,
}

/// Where one follower learns which of its tickets changed. Follows nothing any more once dropped.
#[derive(Debug)]
pub struct Inbox {
    signals: Arc<Signals>,
    followed: HashSet<TicketId>,
    woken: Arc<Woken>,
}

#[derive(Debug, Default)]
struct Woken {
    // Held to add or take ids, never over an await.
    tickets: Mutex<HashSet<TicketId>>,
    news: Notify,
}

impl Signals {
    /// An inbox that follows nothing yet.
    pub fn inbox(self: &Arc<Self>) -> Inbox {
        Inbox { signals: Arc::clone(self), followed: HashSet::new(), woken: Arc::default() }
    }

    /// Tells the followers of a ticket that it changed.
    pub fn wake(&self, ticket: &TicketId) {
        // The guard is held over short locks of the inboxes only, which never wait for the map.
        let Some(followers) = self.followers.get(ticket) else {
            return;
        };
        for woken in followers.iter() {
            woken.tickets.lock().insert(ticket.clone());
            woken.news.notify_one();
        }
    }

    /// Tells everybody: changes of any ticket may have been missed.
    pub(crate) fn wake_all(&self) {
        self.followed_tickets().iter().for_each(|ticket| self.wake(ticket));
    }

    /// Whether anybody here follows a ticket.
    pub(crate) fn is_followed(&self, ticket: &TicketId) -> bool {
        self.followers.contains_key(ticket)
    }

    /// The tickets that somebody here follows, in no order.
    pub fn followed_tickets(&self) -> Vec<TicketId> {
        self.followers.iter().map(|followers| followers.key().clone()).collect()
    }

    /// How many tickets are followed.
    pub fn followed(&self) -> usize {
        self.followers.len()
    }
}

impl Inbox {
    /// Follows a ticket. To miss nothing, follow first and read then. False: it was followed already.
    pub fn follow(&mut self, ticket: &TicketId) -> bool {
        let new = self.followed.insert(ticket.clone());
        if new {
            self.signals.followers.entry(ticket.clone()).or_default().push(Arc::clone(&self.woken));
        }
        new
    }

    /// Follows a ticket no longer.
    pub fn unfollow(&mut self, ticket: &TicketId) {
        if self.followed.remove(ticket) {
            self.forget(ticket);
            self.woken.tickets.lock().remove(ticket);
        }
    }

    /// The tickets that are followed.
    pub fn followed(&self) -> &HashSet<TicketId> {
        &self.followed
    }

    /// Waits until followed tickets have changed, and returns them. Cancel-safe: what was not returned stays.
    pub async fn woken(&self) -> Vec<TicketId> {
        loop {
            let tickets: Vec<_> = self.woken.tickets.lock().drain().collect();
            if !tickets.is_empty() {
                return tickets;
            }
            self.woken.news.notified().await;
        }
    }

    fn forget(&self, ticket: &TicketId) {
        self.signals.followers.remove_if_mut(ticket, |_, followers| {
            followers.retain(|woken| !Arc::ptr_eq(woken, &self.woken));
            followers.is_empty()
        });
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        for ticket in &self.followed {
            self.forget(ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_follower_hears_of_its_tickets_once() {
        let signals = Arc::new(Signals::default());
        let (a, b) = (TicketId::new("a"), TicketId::new("b"));
        let (mut first, mut second) = (signals.inbox(), signals.inbox());
        assert!(first.follow(&a) && !first.follow(&a) && second.follow(&a) && second.follow(&b));
        signals.wake(&a);
        signals.wake(&a);
        assert_eq!(first.woken().await, std::slice::from_ref(&a));
        second.unfollow(&a);
        signals.wake(&b);
        assert_eq!(second.woken().await, [b]);
        drop(second);
        assert_eq!(signals.followed(), 1);
        drop(first);
        assert_eq!(signals.followed(), 0);
    }
}
