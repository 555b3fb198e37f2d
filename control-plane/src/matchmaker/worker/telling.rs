//! What a queue's owner tells: how the queue is, to storage where every replica reads it; and how one ticket stands, to who asks.

use std::{sync::Arc, time::Duration};

use matching::{TicketId, Time};
use storage::{QueueReport, StorageError};
use tokio::time::Instant;

use super::{
    super::{outlook::Outlook, outside::Outside, unknown},
    End, Worker,
};

/// How often the queue is reported where something changed, and where time alone makes the last report wrong: waits are
/// not recent for ever.
const REPORT_EVERY: Duration = Duration::from_secs(1);
const REPORT_AGAIN: Duration = Duration::from_secs(60);

impl Worker {
    pub(super) fn outlook(&self, ticket: &TicketId) -> Option<Outlook> {
        let standing = self.waiting.standing(ticket, self.now())?;
        let (rules, held_up_by) = (self.settings.shown_rules(), self.held_up_by().to_owned());
        Some(Outlook { rules, held_up_by, standing })
    }

    pub(super) fn report_due_at(&self) -> Instant {
        if self.unreported { self.next_report } else { self.next_report + REPORT_AGAIN }
    }

    /// Says how the queue is, at most once in a while. Matches don't wait for it.
    pub(super) fn report(&mut self, now: Time) {
        if !self.reporting.is_empty() || Instant::now() < self.report_due_at() {
            return;
        }
        let census = self.waiting.census();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let usual = self.waits.usual(now);
        let report = QueueReport {
            queued_tickets: count(census.tickets),
            queued_players: count(census.players),
            oldest: census.oldest,
            matches_made: self.matches_made,
            held_up_by: if census.tickets == 0 { String::new() } else { self.held_up_by().to_owned() },
            estimated_wait: usual.map(|usual| usual.middle),
            estimated_range: usual.map(|usual| usual.range),
            ..unknown(&self.settings)
        };
        let (storage, lease) = (Arc::clone(&self.shared.storage), self.lease.clone());
        self.reporting.push(Box::pin(async move { storage.report(&lease, report).await }));
        self.unreported = false;
        self.next_report = Instant::now() + REPORT_EVERY;
    }

    pub(super) fn reported(&mut self, outcome: Result<bool, StorageError>) -> Result<(), End> {
        match outcome {
            Ok(true) => Ok(()),
            Ok(false) => Err(End::LeaseLost),
            Err(error) => {
                tracing::debug!(queue = %self.queue, %error, "the queue's report was not taken; the next one will do");
                self.unreported = true;
                Ok(())
            }
        }
    }

    /// Why no match is made although it could be; empty where nothing is in the way.
    fn held_up_by(&self) -> &str {
        let trouble = self.outside.as_ref().map_or("", Outside::trouble);
        if trouble.is_empty() { self.held_up.reason() } else { trouble }
    }
}
