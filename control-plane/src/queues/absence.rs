//! For how long a queue waits for players who are gone.

use std::{fmt, time::Duration};

use crate::config::QueueEntry;

/// Less is no time to connect again.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest pause between two notes of who is there.
const LONGEST_PACE: Duration = Duration::from_secs(5);

/// A queue drops tickets whose players have been gone for this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Absence {
    after: Duration,
}

/// The queue's, where it has one. It ends before the tickets' lifetime does.
///
/// # Errors
/// What would be right.
pub(super) fn read(entry: &QueueEntry, ticket_lifetime: Duration) -> Result<Option<Absence>, String> {
    let Some(after) = entry.drop_absent_after else { return Ok(None) };
    if after < SHORTEST {
        return Err(format!("must be {SHORTEST:?} or more: players need time to connect again."));
    }
    if after >= ticket_lifetime {
        return Err(format!(
            "must be shorter than ticket_lifetime, {ticket_lifetime:?}: no ticket waits for longer than that."
        ));
    }
    Ok(Some(Absence { after }))
}

impl Absence {
    /// How often is noted who is there, and looked who isn't.
    pub(crate) fn pace(self) -> Duration {
        (self.after / 4).min(LONGEST_PACE)
    }

    /// How long ago the players of a ticket were noted last that is dropped. Who has left may have been noted one pace before, and
    /// who is back is noted one pace after: neither shortens the time in which they may come back.
    pub(crate) fn overdue(self) -> Duration {
        self.after + self.pace() * 2
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dropped after {:?}", self.after)
    }
}
