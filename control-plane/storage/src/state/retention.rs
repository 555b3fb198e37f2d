//! Until when ended tickets are kept.

use std::collections::BTreeSet;

use matching::{TicketId, Time};

#[derive(Debug, Default)]
pub(super) struct Retention(BTreeSet<(Time, TicketId)>);

impl Retention {
    pub(super) fn keep(&mut self, id: TicketId, until: Time) {
        self.0.insert((until, id));
    }

    /// Takes what need not be kept at `now`, earliest first.
    pub(super) fn take_due(&mut self, now: Time, limit: usize) -> Vec<TicketId> {
        let mut due = Vec::new();
        while due.len() < limit && self.0.first().is_some_and(|(until, _)| *until <= now) {
            due.extend(self.0.pop_first().map(|(_, id)| id));
        }
        due
    }
}
