//! The tickets that a socket follows, and when their place in the queue is worth a message.

use std::{sync::Arc, time::Duration};

use proto::matchmaking::v1 as pb;
use tokio::time::Instant;

use crate::{
    identity::Caller,
    upstream::hub::{Follow, Mailbox, WatchHub},
};

/// How many tickets one socket may have at once.
pub(super) const MAX_TICKETS: usize = 16;

/// A socket's tickets that are not over.
pub(super) struct Tickets {
    followed: Vec<Followed>,
    // The shortest time between two messages about a ticket's place.
    interval: Duration,
}

struct Followed {
    ticket_id: String,
    // Dropped with this, it ends the subscription.
    _follow: Follow,
    place: Option<pb::QueuePlace>,
    told: Option<(pb::QueuePlace, Instant)>,
}

impl Followed {
    /// When its client should be told of its place: `now` where it never was; never where it knows.
    fn due(&self, interval: Duration, now: Instant) -> Option<(Instant, pb::QueuePlace)> {
        let place = self.place?;
        match self.told {
            None => Some((now, place)),
            Some((told, _)) if told == place => None,
            Some((_, at)) => Some((at + interval, place)),
        }
    }
}

impl Tickets {
    /// None yet.
    pub(super) fn new(interval: Duration) -> Self {
        Self { followed: Vec::new(), interval }
    }

    /// Follows a ticket. Harmless where it is followed already.
    pub(super) fn follow(
        &mut self,
        ticket_id: &str,
        caller: &Caller,
        hub: &WatchHub,
        mailbox: &Arc<Mailbox>,
    ) {
        if !self.contains(ticket_id) {
            self.followed.push(Followed {
                ticket_id: ticket_id.to_owned(),
                _follow: hub.follow(ticket_id, caller, mailbox),
                place: None,
                told: None,
            });
        }
    }

    /// Follows a ticket no longer. Says whether it was followed.
    pub(super) fn remove(&mut self, ticket_id: &str) -> bool {
        let before = self.followed.len();
        self.followed.retain(|followed| followed.ticket_id != ticket_id);
        self.followed.len() < before
    }

    /// Whether a ticket is followed.
    pub(super) fn contains(&self, ticket_id: &str) -> bool {
        self.followed.iter().any(|followed| followed.ticket_id == ticket_id)
    }

    /// The followed tickets' ids.
    pub(super) fn ids(&self) -> Vec<String> {
        self.followed.iter().map(|followed| followed.ticket_id.clone()).collect()
    }

    /// Whether there is room for one more.
    pub(super) fn is_full(&self) -> bool {
        self.followed.len() >= MAX_TICKETS
    }

    /// A followed ticket is at this place now.
    pub(super) fn set_place(&mut self, ticket_id: &str, place: Option<pb::QueuePlace>) {
        let followed = self.followed.iter_mut().find(|followed| followed.ticket_id == ticket_id);
        if let (Some(followed), Some(place)) = (followed, place) {
            followed.place = Some(place);
        }
    }

    /// When the next message about a place is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let now = Instant::now();
        let due = self.followed.iter().filter_map(|followed| followed.due(self.interval, now));
        due.map(|(at, _)| at).min()
    }

    /// A ticket whose client should be told of its place now. Counts as told.
    pub(super) fn take_due(&mut self) -> Option<(String, pb::QueuePlace)> {
        let now = Instant::now();
        for followed in &mut self.followed {
            if let Some((at, place)) = followed.due(self.interval, now)
                && at <= now
            {
                followed.told = Some((place, now));
                return Some((followed.ticket_id.clone(), place));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(position: u32) -> Option<pb::QueuePlace> {
        Some(pb::QueuePlace { position, ..pb::QueuePlace::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_told_at_once_and_then_rarely() {
        let interval = Duration::from_secs(5);
        let mut tickets = Tickets::new(interval);
        tickets.follow("t", &Caller::Trusted, &WatchHub::default(), &Arc::new(Mailbox::new(1)));
        assert!(tickets.next_due().is_none());
        tickets.set_place("t", place(3));
        assert_eq!(tickets.take_due().unwrap().1.position, 3);
        assert!(tickets.take_due().is_none(), "told once");
        tickets.set_place("t", place(2));
        tickets.set_place("t", place(1));
        assert_eq!(tickets.next_due().unwrap(), Instant::now() + interval);
        assert!(tickets.take_due().is_none(), "too soon");
        tokio::time::advance(interval).await;
        assert_eq!(tickets.take_due().unwrap().1.position, 1, "the latest alone");
    }
    #[tokio::test(start_paused = true)]
    async fn an_estimate_that_changes_is_worth_a_message_too() {
        let interval = Duration::from_secs(5);
        let mut tickets = Tickets::new(interval);
        tickets.follow("t", &Caller::Trusted, &WatchHub::default(), &Arc::new(Mailbox::new(1)));
        tickets.set_place("t", place(1));
        assert!(tickets.take_due().is_some());
        tokio::time::advance(interval).await;
        tickets.set_place("t", place(1));
        assert!(tickets.take_due().is_none() && tickets.next_due().is_none(), "nothing is new");
        let estimated = pb::QueuePlace { estimated_wait_high_ms: Some(9_000), ..place(1).unwrap() };
        tickets.set_place("t", Some(estimated));
        assert_eq!(tickets.take_due().unwrap().1, estimated);
    }
}
