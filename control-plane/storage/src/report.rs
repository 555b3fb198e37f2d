//! What there is to say about a queue: for operators, and for players who wait.

use std::time::Duration;

use matching::Time;
use serde::{Deserialize, Serialize};

/// What a queue's owner says about it, at one moment of a few seconds ago.
///
/// One program may read what a newer or an older one wrote: what it doesn't know it leaves out, what isn't there is empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct QueueReport {
    /// The kind of land that the queue's matches are played on.
    pub land_type: String,
    /// The queue's rules, for people.
    pub rules: String,
    /// Tickets that wait.
    pub queued_tickets: u32,
    /// The players in them.
    pub queued_players: u32,
    /// When the first of them was enqueued; `None` where none waits.
    pub oldest: Option<Time>,
    /// Matches that this owner has made.
    pub matches_made: u64,
    /// Why no match is made although one could be, for people; empty where nothing is in the way.
    pub held_up_by: String,
    /// The middle of the waits of recent matches' tickets; `None` without recent matches.
    pub estimated_wait: Option<Duration>,
    /// Their lower and upper quartile.
    pub estimated_range: Option<(Duration, Duration)>,
}

/// Where a queued ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// How many tickets of the queue are no younger: 1 for the oldest.
    pub position: u32,
    /// [`QueueReport::estimated_wait`].
    pub estimated_wait: Option<Duration>,
    /// [`QueueReport::estimated_range`].
    pub estimated_range: Option<(Duration, Duration)>,
}

impl Place {
    /// A position, and what the queue's owner says of waits there.
    pub(crate) fn new(position: u32, report: Option<&QueueReport>) -> Self {
        let (estimated_wait, estimated_range) =
            report.map_or((None, None), |report| (report.estimated_wait, report.estimated_range));
        Self { position, estimated_wait, estimated_range }
    }
}
