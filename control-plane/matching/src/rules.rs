//! What a queue wants of its matches: read from its configuration, or from its key.

use std::{fmt, time::Duration};

use crate::QueueKey;

/// A queue's configuration, as far as matching goes. What is absent follows the queue's key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueConfig {
    /// Fewest players of a match, from `relax_after` on.
    pub min_players: Option<u32>,
    /// Most players of a match, and what it waits for until `relax_after`.
    pub max_players: Option<u32>,
    /// Players per team, one entry a team; excludes `min_players` and `max_players`.
    pub teams: Option<Vec<u32>>,
    /// How long the oldest ticket of a match has waited at least.
    pub min_wait: Option<Duration>,
    /// After how long the oldest ticket takes a match of `min_players`.
    pub relax_after: Option<Duration>,
}

/// How a queue's tickets form a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rules {
    /// Every ticket is a match of its own, at once.
    StartAlone,
    /// Any tickets that together have the right number of players.
    FillGroup {
        /// Fewest players, once the oldest ticket has waited for `relax_after`.
        min_players: u32,
        /// The number of players until then.
        max_players: u32,
        /// How long the oldest ticket has waited at least.
        min_wait: Duration,
        /// `None`: never less than `max_players`.
        relax_after: Option<Duration>,
    },
    /// Every team filled exactly, no ticket split over teams.
    Teams {
        /// Players per team, one entry a team, in the teams' order.
        sizes: Vec<u32>,
        /// How long the oldest ticket has waited at least.
        min_wait: Duration,
    },
}

/// A configuration that can't be followed: the field, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct RuleError {
    /// As [`QueueConfig`] names it.
    pub field: &'static str,
    /// A sentence.
    pub message: String,
}

impl Rules {
    /// Most players that a match may have, whatever the queue.
    pub const MAX_PLAYERS: u32 = 1000;
    /// Most teams that a match may have.
    pub const MAX_TEAMS: usize = 100;

    /// The rules of the queue `key` under `config`; where it says nothing, the key does: `x:3v3` is two teams of three, `x:4` any
    /// four, anything else starts alone.
    pub fn new(key: &QueueKey, config: &QueueConfig) -> Result<Self, RuleError> {
        todo!("{key} {config:?}")
    }

    /// The most players that one ticket can have and still be matched.
    pub fn max_party(&self) -> u32 {
        todo!()
    }
}

/// For people: `start alone`, `group of 2 to 4`, `teams 3v3`.
impl fmt::Display for Rules {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
