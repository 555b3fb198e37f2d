//! How a rule set loosens as tickets wait: all its numbers, age by age.

use std::{collections::BTreeSet, time::Duration};

use super::{AgeBasis, Changing, RuleSet};

/// How everything changes over time, as a table.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Loosening {
    /// The ages, in seconds, at which something is another than before, from 0 on.
    pub ages: Vec<f64>,
    /// Teams first, then rules, in the order of the file.
    pub rows: Vec<LooseningRow>,
}

/// One number.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LooseningRow {
    /// As an expansion names it, such as `rules[FairTeams].maxDistance`; for rules without a number that become optional, the
    /// rule alone.
    pub target: String,
    /// Whose age counts.
    pub age: &'static str,
    /// Whether it moves in a straight line between the ages.
    pub linear: bool,
    /// The weight of a preference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// At each of the ages.
    pub values: Vec<LooseningValue>,
}

/// What a row says of an age.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LooseningValue {
    /// The number.
    Is(f64),
    /// The rule is asked; it has no number.
    Asked,
    /// The rule isn't asked any more.
    NotAsked,
}

impl RuleSet {
    /// How its numbers change with age.
    pub fn loosening(&self) -> Loosening {
        let ages = self.loosening_ages();
        let mut rows = Vec::new();
        let whose = |age| match age {
            AgeBasis::Newest => "newest",
            AgeBasis::Oldest => "oldest",
        };
        let algorithm = self.algorithm.expansion_age;
        for team in &self.teams {
            for (name, number) in team.numbers() {
                rows.push(LooseningRow {
                    target: format!("teams[{}].{name}", team.name),
                    age: whose(algorithm),
                    linear: number.linear,
                    weight: None,
                    values: ages.iter().map(|age| LooseningValue::Is(number.at(*age))).collect(),
                });
            }
        }
        for rule in &self.rules {
            let mut add = |name: &str, number: Option<&Changing>| {
                let value = |age: &Duration| match (rule.optional_after, number) {
                    (Some(end), _) if *age >= end => LooseningValue::NotAsked,
                    (_, Some(number)) => LooseningValue::Is(number.at(*age)),
                    (_, None) => LooseningValue::Asked,
                };
                rows.push(LooseningRow {
                    target: format!("rules[{}]{name}", rule.name),
                    age: whose(rule.age_basis.unwrap_or(algorithm)),
                    linear: number.is_some_and(|number| number.linear),
                    weight: rule.weight,
                    values: ages.iter().map(value).collect(),
                });
            };
            let numbers = rule.kind.numbers();
            if numbers.is_empty() && rule.optional_after.is_some() {
                add("", None);
            }
            numbers.iter().for_each(|(name, number)| add(&format!(".{name}"), Some(number)));
        }
        Loosening { ages: ages.iter().map(Duration::as_secs_f64).collect(), rows }
    }

    fn loosening_ages(&self) -> BTreeSet<Duration> {
        let rules = self.rules.iter().flat_map(|rule| rule.kind.numbers());
        let numbers = self.teams.iter().flat_map(|team| team.numbers()).chain(rules);
        let steps = numbers.flat_map(|(_, number)| number.steps.iter().map(|step| step.after));
        let ends = self.rules.iter().filter_map(|rule| rule.optional_after);
        steps.chain(ends).chain([Duration::ZERO]).collect()
    }
}
