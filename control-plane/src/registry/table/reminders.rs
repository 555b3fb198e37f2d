//! What a server is told again, because it doesn't do it.

use matching::Time;
use storage::ServerId;

use super::{DrainOrder, Ended, Table};
use crate::registry::server::FreedSeats;

/// See the file's header. What is sent may be lost, and the word of a server may have crossed it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reminder {
    /// It was told to drain and doesn't say that it does.
    pub(crate) drain: Option<DrainOrder>,
    /// It has lands that were given back, or some after its deadline.
    pub(crate) ended: Vec<Ended>,
    /// It expects players whose seats were freed.
    pub(crate) freed: Vec<FreedSeats>,
}

impl Table {
    /// After a server has said what it has.
    pub(crate) fn remind(&mut self, id: &ServerId, now: Time) -> Reminder {
        let ended = self.end_unwanted(id);
        let mut reminder = Reminder { ended, ..Reminder::default() };
        let Some(server) = self.servers.get_mut(id) else { return reminder };
        reminder.freed = std::mem::take(&mut server.unheard);
        // The same order every time, whatever the map's.
        reminder.freed.sort_unstable_by(|one, other| one.land.cmp(&other.land));
        let Some(drain) = &server.drain else { return reminder };
        reminder.drain = (!server.draining).then(|| drain.order(now));
        if drain.is_over(now) {
            reminder.ended.extend(self.end_all(id));
        }
        reminder
    }
}
