//! Teams as they are played, and which of them an expression names.

use std::ops::Range;

use super::{PlayedTeam, measure::Crew, slots::Wanted};
use crate::rule_set::{RuleSet, Teams};

/// Teams as they are played, by index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TeamSet {
    pub(super) indices: Vec<usize>,
    /// Whether what is taken of them is a list for each, as it is where several are named.
    pub(super) nested: bool,
    /// Whether these are all teams there are.
    pub(super) all: bool,
}

impl TeamSet {
    /// `names` are the teams' own and their kinds'.
    pub(super) fn new(teams: &Teams, names: &[[String; 2]]) -> Self {
        let wanted = |own: &[String; 2]| match teams {
            Teams::All => true,
            Teams::Named(named) => named.iter().any(|name| own.contains(name)),
        };
        let indices: Vec<usize> = (0..names.len()).filter(|&team| wanted(&names[team])).collect();
        let nested = indices.len() != 1 || matches!(teams, Teams::All);
        Self { all: indices.len() == names.len(), nested, indices }
    }

    /// Every team there is.
    pub(super) fn every(count: usize) -> Self {
        Self { indices: (0..count).collect(), nested: true, all: true }
    }

    /// Whether a player of these teams lacks the attribute.
    pub(super) fn lack(&self, crew: &Crew<'_>, wanted: &Wanted) -> bool {
        self.indices.iter().any(|&team| crew[team].iter().any(|facts| facts.lacks(wanted)))
    }
}

/// One for each of a team's quantity, in the order of the rule set.
pub(super) fn as_played(rules: &RuleSet) -> Vec<PlayedTeam> {
    let mut teams = Vec::new();
    for (spec, team) in rules.teams.iter().enumerate() {
        for number in 1..=team.quantity {
            let name = if team.quantity == 1 { team.name.clone() } else { format!("{}_{number}", team.name) };
            let (min_players, max_players) = (team.min_players.clone(), team.max_players.clone());
            teams.push(PlayedTeam { name, spec, alike: spec, min_players, max_players });
        }
    }
    teams
}

/// Tells those teams from the others of their kind that a rule names without them.
pub(super) fn tell_apart(teams: &mut [PlayedTeam], named: impl Iterator<Item = TeamSet>) {
    for set in named {
        let specs: Vec<usize> = set.indices.iter().map(|&team| teams[team].spec).collect();
        for spec in specs {
            let of_kind = (0..teams.len()).filter(|&team| teams[team].spec == spec);
            let of_kind: Vec<usize> = of_kind.collect();
            if !of_kind.iter().all(|team| set.indices.contains(team)) {
                // No kind has a number as high as this.
                of_kind.into_iter().for_each(|team| teams[team].alike = teams.len() + team);
            }
        }
    }
}

/// Which teams a ticket may be in, as its players ask: a range of indices. `Err`: the name that no team has, or that another player of
/// the ticket doesn't ask for.
pub(super) fn asked_for<'p>(
    asked: impl Iterator<Item = &'p str>,
    names: &[[String; 2]],
) -> Result<Range<usize>, &'p str> {
    let mut teams = 0..names.len();
    for name in asked {
        // Those of one kind lie side by side.
        let named = |team: &usize| names[*team].iter().any(|known| known == name);
        let found = teams.clone().find(named).ok_or(name)?;
        teams = found..teams.clone().rfind(named).map_or(found, |last| last) + 1;
    }
    Ok(teams)
}
