//! What was asked, answered and seen, in the order in which it was: the only thing that the checker knows.
//!
//! An operation is recorded twice: when it is asked for, and when it is answered. What comes between is open; so a thing is
//! only taken to have happened before another where its answer was recorded before the other was asked for.

mod event;
mod names;
mod recorder;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    event::{Assignment, Event, Seen},
    names::{AssignmentId, LandId, MatchId, Op, PlayerId, QueueKey, ServerId, TicketId, Watcher},
    recorder::History,
};

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was recorded, in nanoseconds since the history's start.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl fmt::Display for Entry {
    /// For an operator: the time in seconds, and the event in a few words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.at / 1_000_000_000, self.at % 1_000_000_000 / 1_000);
        write!(f, "{seconds:>5}.{micros:06}  {}", self.event)
    }
}
