//! What a queue wants of its matches: read from its configuration, or from its key.

mod config;
mod shape;

use std::{fmt, sync::Arc, time::Duration};

use crate::rule_set::RuleSet;

/// A queue's configuration, as far as matching goes. What is absent follows the queue's key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueConfig {
    /// Fewest players of a match, from `relax_after` on (without that, never); needs `max_players` beside it.
    /// Absent: as many as `max_players`.
    pub min_players: Option<u32>,
    /// Most players of a match, and what it waits for until `relax_after`; from 1 to [`Rules::MAX_PLAYERS`].
    pub max_players: Option<u32>,
    /// Players per team, one entry a team; excludes `min_players`, `max_players` and `relax_after`.
    pub teams: Option<Vec<u32>>,
    /// How long the oldest ticket of a match has waited at least. Counted in whole milliseconds.
    pub min_wait: Option<Duration>,
    /// After how long the oldest ticket takes a match of `min_players`. Counted in whole milliseconds; not before
    /// `min_wait`.
    pub relax_after: Option<Duration>,
}

/// How a queue's tickets form a match.
#[derive(Debug, Clone, PartialEq)]
pub enum Rules {
    /// Every ticket is a match of its own, at once.
    StartAlone,
    /// Any tickets that together have the right number of players.
    FillGroup {
        /// Fewest players, once the oldest ticket has waited for `relax_after`. The match still takes as many as
        /// there are, up to `max_players`.
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
    /// What a rule set says.
    RuleSet(Arc<RuleSet>),
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

    /// The most players that one ticket can have and still be matched.
    pub fn max_party(&self) -> u32 {
        match self {
            Self::StartAlone => Self::MAX_PLAYERS,
            Self::FillGroup { max_players, .. } => *max_players,
            Self::Teams { sizes, .. } => sizes.iter().copied().max().unwrap_or(0),
            Self::RuleSet(set) => set.max_party(),
        }
    }

    /// The ages at which a ticket may do what it might not do before, as an anchor.
    pub(crate) fn turning_ages(&self) -> impl Iterator<Item = Duration> + use<> {
        let (min_wait, relax_after) = match self {
            Self::StartAlone | Self::RuleSet(_) => (Duration::ZERO, None),
            Self::FillGroup { min_wait, relax_after, .. } => (*min_wait, *relax_after),
            Self::Teams { min_wait, .. } => (*min_wait, None),
        };
        // What holds from the first moment on is no turn.
        [Some(min_wait), relax_after].into_iter().flatten().filter(|age| !age.is_zero())
    }
}

/// For people: `start alone`, `group of 4`, `group of 2 to 4`, `teams 3v3`, `rule set `ranked``.
impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartAlone => f.write_str("start alone"),
            Self::FillGroup { min_players, max_players, .. } if min_players == max_players => {
                write!(f, "group of {max_players}")
            }
            Self::FillGroup { min_players, max_players, .. } => {
                write!(f, "group of {min_players} to {max_players}")
            }
            Self::Teams { sizes, .. } => {
                for (index, size) in sizes.iter().enumerate() {
                    f.write_str(if index == 0 { "teams " } else { "v" })?;
                    write!(f, "{size}")?;
                }
                Ok(())
            }
            Self::RuleSet(set) if set.name.is_empty() => f.write_str("rule set"),
            Self::RuleSet(set) => write!(f, "rule set `{}`", set.name),
        }
    }
}
