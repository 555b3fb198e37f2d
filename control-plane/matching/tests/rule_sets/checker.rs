//! A second opinion: what docs/rule-sets.md says of a match, in the slowest and plainest way.
//!
//! It works on the rule set as read and on raw tickets, looks everything up each time by name, and shares no code with the judge. Where
//! the two differ, one of them reads the page wrongly.

mod expression;
mod rules;

use std::time::Duration;

use matching::{
    Attribute, Player, Ticket, Time,
    rule_set::{AgeBasis, AttributeType, Changing, RuleSet, Strategy},
};

/// Tickets in teams, at a time.
pub(crate) struct Match<'a> {
    pub(crate) rules: &'a RuleSet,
    /// In the order of the teams as played.
    pub(crate) teams: Vec<Vec<&'a Ticket>>,
    pub(crate) now: Time,
}

/// A player lacks what a rule looks at.
#[derive(Debug)]
pub(crate) struct Missing;

/// The names of the teams as played: their own, and their kind's.
pub(crate) fn team_names(rules: &RuleSet) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for team in &rules.teams {
        for number in 1..=team.quantity {
            let own = if team.quantity > 1 { format!("{}_{number}", team.name) } else { team.name.clone() };
            names.push((own, team.name.clone()));
        }
    }
    names
}

/// A player's value, or the default; of another type than declared it counts as missing.
pub(crate) fn value(rules: &RuleSet, player: &Player, name: &str) -> Result<Attribute, Missing> {
    let declaration = rules.attributes.iter().find(|declaration| declaration.name == name).ok_or(Missing)?;
    let fits = |value: &Attribute| {
        matches!(
            (value, declaration.kind),
            (Attribute::Number(_), AttributeType::Number)
                | (Attribute::String(_), AttributeType::String)
                | (Attribute::StringList(_), AttributeType::StringList)
                | (Attribute::StringNumberMap(_), AttributeType::StringNumberMap)
        )
    };
    let own = player.attributes.get(name).cloned().filter(fits);
    own.or_else(|| declaration.default.clone()).ok_or(Missing)
}

impl<'a> Match<'a> {
    /// Whether everything holds that a match must keep.
    pub(crate) fn holds(&self) -> bool {
        let hard = |index: usize| {
            let rule = &self.rules.rules[index];
            rule.weight.is_none() && !rule.named_by_compound
        };
        self.sizes_hold()
            && self.asked_teams_hold()
            && self.roles_hold()
            && self.parity_holds()
            && (0..self.rules.rules.len()).all(|index| !hard(index) || self.rule_holds(index))
    }

    /// The weights of the preferences that are broken.
    pub(crate) fn broken_weight(&self) -> f64 {
        let mut sum = 0.0;
        for (index, rule) in self.rules.rules.iter().enumerate() {
            if let Some(weight) = rule.weight.filter(|_| !rule.named_by_compound)
                && !self.rule_holds(index)
            {
                sum += weight;
            }
        }
        sum
    }

    pub(crate) fn tickets(&self) -> Vec<&'a Ticket> {
        self.teams.iter().flatten().copied().collect()
    }

    pub(crate) fn age(&self, basis: AgeBasis) -> Duration {
        let ages = self.tickets().into_iter().map(|ticket| self.now.since(ticket.enqueued_at));
        match basis {
            AgeBasis::Newest => ages.min().unwrap(),
            AgeBasis::Oldest => ages.max().unwrap(),
        }
    }

    /// The number at an age, read anew from its steps.
    pub(crate) fn at(&self, number: &Changing, age: Duration) -> f64 {
        let (mut value, mut since) = (number.first, Duration::ZERO);
        for step in &number.steps {
            if step.after <= age {
                (value, since) = (step.value, step.after);
            } else if number.linear {
                let part = (age - since).as_secs() as f64 / (step.after - since).as_secs_f64();
                return value + (step.value - value) * part;
            } else {
                break;
            }
        }
        value
    }

    fn sizes_hold(&self) -> bool {
        let age = self.age(self.rules.algorithm.expansion_age);
        let names = team_names(self.rules);
        assert_eq!(names.len(), self.teams.len());
        names.iter().zip(&self.teams).all(|((_, kind), tickets)| {
            let team = self.rules.teams.iter().find(|team| team.name == *kind).unwrap();
            let players: usize = tickets.iter().map(|ticket| ticket.size()).sum();
            self.at(&team.min_players, age) <= players as f64
                && players as f64 <= self.at(&team.max_players, age)
        })
    }

    fn asked_teams_hold(&self) -> bool {
        team_names(self.rules).iter().zip(&self.teams).all(|((own, kind), tickets)| {
            let players = tickets.iter().flat_map(|ticket| ticket.players.iter());
            { players }.all(|player| player.team.as_ref().is_none_or(|team| team == own || team == kind))
        })
    }

    /// Tries every way in which players can take slots.
    fn roles_hold(&self) -> bool {
        fn fill(slots: &[&str], players: &mut Vec<Option<&str>>) -> bool {
            let Some((slot, rest)) = slots.split_first() else {
                return true;
            };
            (0..players.len()).any(|index| {
                if players[index].is_some_and(|role| role != *slot) {
                    return false;
                }
                let player = players.remove(index);
                let filled = fill(rest, players);
                players.insert(index, player);
                filled
            })
        }
        team_names(self.rules).iter().zip(&self.teams).all(|((_, kind), tickets)| {
            let team = self.rules.teams.iter().find(|team| team.name == *kind).unwrap();
            let slots: Vec<&str> =
                team.roles.iter().flat_map(|slot| vec![slot.role.as_str(); slot.count as usize]).collect();
            let players = tickets.iter().flat_map(|ticket| ticket.players.iter());
            let mut roles: Vec<Option<&str>> = players.map(|player| player.role.as_deref()).collect();
            roles.is_empty() || fill(&slots, &mut roles)
        })
    }

    fn parity_holds(&self) -> bool {
        let Some(most) = self.rules.algorithm.premade_parity else {
            return true;
        };
        let largest: Vec<usize> =
            self.teams.iter().filter_map(|team| team.iter().map(|ticket| ticket.size()).max()).collect();
        largest.iter().all(|one| largest.iter().all(|other| one.abs_diff(*other) <= most as usize))
    }

    /// By how much the sums of the balanced attribute differ; 0 under another strategy.
    pub(crate) fn imbalance(&self) -> f64 {
        let Strategy::Balanced { attribute } = &self.rules.algorithm.strategy else {
            return 0.0;
        };
        let number = |player: &Player| match value(self.rules, player, attribute) {
            Ok(Attribute::Number(number)) => Some(number),
            _ => None,
        };
        let sum = |team: &Vec<&Ticket>| -> f64 {
            // A party of which one has no number has none.
            let party =
                |ticket: &&Ticket| ticket.players.iter().map(number).sum::<Option<f64>>().unwrap_or(0.0);
            team.iter().map(party).sum()
        };
        let sums: Vec<f64> = self.teams.iter().map(sum).collect();
        sums.iter().copied().fold(f64::MIN, f64::max) - sums.iter().copied().fold(f64::MAX, f64::min)
    }
}
