//! The ages at which a number of a rule set changes.

use std::time::Duration;

use super::rule::{Against, Asks, Rule};
use crate::rule_set::{Changing, RuleSet};

/// All numbers that change and that decide whether there is a match, with the ages from which rules aren't asked.
#[derive(Debug, Default)]
pub(super) struct Moments {
    /// Sorted.
    ages: Vec<Duration>,
    /// Those that move each second.
    moving: Vec<Changing>,
}

impl Moments {
    pub(super) fn new(rules: &RuleSet, compiled: &[Rule]) -> Self {
        let mut moments = Self::default();
        for team in &rules.teams {
            moments.add(&team.min_players);
            moments.add(&team.max_players);
        }
        // A preference opens no match when it changes.
        for rule in compiled.iter().filter(|rule| rule.weight.is_none() || rule.only_in_compounds) {
            moments.ages.extend(rule.optional_after);
            rule.numbers().into_iter().for_each(|number| moments.add(number));
        }
        moments.ages.sort_unstable();
        moments.ages.dedup();
        moments
    }

    /// The first after `age`.
    pub(super) fn after(&self, age: Duration) -> Option<Duration> {
        let step = self.ages.get(self.ages.partition_point(|known| *known <= age)).copied();
        let moving = self.moving.iter().filter_map(|number| number.next_change(age)).min();
        step.into_iter().chain(moving).min()
    }

    fn add(&mut self, number: &Changing) {
        if number.linear {
            self.moving.push(number.clone());
        } else {
            self.ages.extend(number.steps.iter().map(|step| step.after));
        }
    }
}

impl Rule {
    /// Those of its numbers that may change.
    fn numbers(&self) -> Vec<&Changing> {
        match &self.asks {
            Asks::Comparison { against: Some(Against::Number(reference)), .. } => vec![reference],
            Asks::Distance { against, min, max, .. } => {
                let reference = match against {
                    Against::Number(reference) => Some(reference),
                    Against::Measure(_) => None,
                };
                reference.into_iter().chain(min).chain(max).collect()
            }
            Asks::Close { max, .. } => max.iter().collect(),
            Asks::Collection { min, max, .. } => min.iter().chain(max).collect(),
            Asks::Latency { max, apart, .. } => max.iter().chain(apart).collect(),
            Asks::WinProbability { max, .. } => vec![max],
            Asks::Comparison { .. }
            | Asks::Same(_)
            | Asks::Compound(_)
            | Asks::Strangers { .. }
            | Asks::Nothing => Vec::new(),
        }
    }
}
