//! Why a ticket waits, in numbers: what its owner is told who asks "why am I waiting?".

use serde::{Deserialize, Serialize};

use crate::Time;

/// How things stand for one ticket among those that wait with it.
///
/// It says nothing of any single other ticket: whoever asks learns how many are kept away by what, not who they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Other tickets that wait.
    pub candidates: usize,
    /// How many of them were looked at: those that lie closest first. Where it is fewer, the numbers below are about these.
    pub looked_at: usize,
    /// Of those looked at, the ones that could be in a match with it.
    pub fitting: usize,
    /// Their players.
    pub fitting_players: usize,
    /// Of those looked at, the ones that can't, by the first thing that parts them from it; the most first.
    pub exclusions: Vec<Exclusion>,
    /// How many players a match needs at least, with the ticket's own.
    pub players_needed: usize,
    /// How many of these are not there. 0: enough are there, but they don't make a match yet.
    pub players_missing: usize,
    /// When waiting changes next what the rules ask. `None`: never any more.
    pub next_change: Option<Time>,
}

/// What keeps some tickets from another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exclusion {
    /// A rule's name, or what else it is: `team size`, `team asked`, `roles`, `premade parity`.
    pub what: String,
    /// Whether it is a rule of the rule set.
    pub is_rule: bool,
    /// How many tickets it keeps away; at least 1.
    pub tickets: usize,
    /// By how much the nearest of them misses, in the rule's own unit. `None` where that means nothing.
    pub nearest_by: Option<f64>,
}

impl Explanation {
    /// Of what parts tickets by an amount, the smallest, and by how much.
    pub fn nearest_miss(&self) -> Option<(&str, f64)> {
        let misses = self.exclusions.iter().filter_map(|one| Some((one.what.as_str(), one.nearest_by?)));
        misses.min_by(|(_, a), (_, b)| a.total_cmp(b))
    }
}
