//! What a rule set says of where to look for tickets that fit.

use std::time::Duration;

use crate::rule_set::{Changing, RuleSet};

/// What makes a search fast. Derived from the rules; following it is never needed for a match to be right.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The teams as they are played: one for each of a team's quantity.
    pub teams: Vec<PlayedTeam>,
    /// How many texts [`Facts::key`](super::Facts::key) has; tickets whose keys differ never meet.
    pub keys: usize,
    /// The number by which close tickets fit best. `None`: nothing of that kind, or nothing that all tickets have.
    pub near: Option<Near>,
    /// Whether there must be a region with latency that all share.
    pub regions: bool,
    /// How many lists [`Facts::shared`](super::Facts::shared) has: any two of a match have a value in common in each.
    pub shared: usize,
}

/// A team as it is played.
#[derive(Debug, Clone, PartialEq)]
pub struct PlayedTeam {
    /// The team's name, or with a quantity above 1 `<name>_1`, `<name>_2`, …
    pub name: String,
    /// Which team of [`RuleSet::teams`] it is of.
    pub spec: usize,
    /// Fewest players, by the age that the algorithm goes by.
    pub min_players: Changing,
    /// Most players.
    pub max_players: Changing,
}

/// The number by which close tickets fit best.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// The attribute that it comes of.
    pub attribute: String,
}

impl Near {
    /// How far two tickets of a match may be apart at most, where the ages of the match's tickets are from `newest` to `oldest`: no
    /// ticket is younger than it, so `newest` may also be an age that the newest has at most. `None`: no limit.
    pub fn limit(&self, _newest: Duration, _oldest: Duration) -> Option<f64> {
        None
    }
}

impl Plan {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let mut teams = Vec::new();
        for (spec, team) in rules.teams.iter().enumerate() {
            for number in 1..=team.quantity {
                let name =
                    if team.quantity == 1 { team.name.clone() } else { format!("{}_{number}", team.name) };
                let (min_players, max_players) = (team.min_players.clone(), team.max_players.clone());
                teams.push(PlayedTeam { name, spec, min_players, max_players });
            }
        }
        Self { teams, keys: 0, near: None, regions: false, shared: 0 }
    }
}
