//! One queue: its tickets in order, its owner, and what the owner is told and tells.

use std::sync::Arc;

use matching::Time;

use super::{line::Line, presence::Seen};
use crate::{Place, QueueChange, QueueFeed, QueueReport, TicketRecord, WorkerId, feed::FeedSender};

#[derive(Debug, Default)]
pub(super) struct Queue {
    queued: Line,
    pub(super) seen: Seen,
    owner: Option<Owner>,
}

#[derive(Debug)]
struct Owner {
    /// For who looks at the state; ownership is proved by the fence.
    #[expect(dead_code, reason = "shown by Debug")]
    worker: WorkerId,
    fence: u64,
    until: Time,
    feed: Option<FeedSender>,
    /// The newest.
    report: Option<Arc<QueueReport>>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.queued.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queued.len() == 0
    }

    pub(super) fn insert(&mut self, record: Arc<TicketRecord>) {
        self.tell(QueueChange::Queued(Arc::clone(&record)));
        self.queued.push(record);
    }

    pub(super) fn remove(&mut self, record: &TicketRecord) {
        self.queued.remove(record.ticket.order);
        self.seen.forget(&record.ticket.id);
        self.tell(QueueChange::Gone(record.ticket.id.clone()));
    }

    pub(super) fn is_owned(&self, now: Time) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.until > now)
    }

    /// The fence of the newest claim, also past its time: until somebody else claims the queue, it is still its owner's.
    pub(super) fn fence(&self) -> Option<u64> {
        self.owner.as_ref().map(|owner| owner.fence)
    }

    pub(super) fn own(&mut self, worker: WorkerId, fence: u64, until: Time) {
        self.owner = Some(Owner { worker, fence, until, feed: None, report: None });
    }

    pub(super) fn prolong(&mut self, until: Time) {
        if let Some(owner) = &mut self.owner {
            owner.until = until;
        }
    }

    pub(super) fn disown(&mut self) {
        self.owner = None;
    }

    pub(super) fn follow(&mut self) -> QueueFeed {
        let (sender, feed) = FeedSender::new(self.queued.iter().cloned().collect());
        if let Some(owner) = &mut self.owner {
            owner.feed = Some(sender);
        }
        feed
    }

    /// Takes the owner's report.
    pub(super) fn report(&mut self, report: Arc<QueueReport>) {
        if let Some(owner) = &mut self.owner {
            owner.report = Some(report);
        }
    }

    /// The newest report; `None` where the owner is over, or hasn't said anything.
    pub(super) fn reported(&self, now: Time) -> Option<&Arc<QueueReport>> {
        let owner = self.owner.as_ref().filter(|owner| owner.until > now)?;
        owner.report.as_ref()
    }

    /// Where the ticket of this order stands; `None` where it isn't queued.
    pub(super) fn place(&self, order: u64, now: Time) -> Option<Place> {
        Some(Place::new(self.queued.position(order)?, self.reported(now).map(AsRef::as_ref)))
    }

    fn tell(&mut self, change: QueueChange) {
        if let Some(feed) = self.owner.as_mut().and_then(|owner| owner.feed.as_mut()) {
            feed.send(change);
        }
    }
}
