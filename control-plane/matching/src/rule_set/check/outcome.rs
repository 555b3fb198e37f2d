//! Rules whose outcome is known without looking at a player: they never hold, or always do.

use std::collections::BTreeSet;

use super::{
    super::{
        Changing, CollectionOperation, Comparator, Expression, Reference, Rule, RuleKind, RuleSet, TeamSpec,
        parse::{Site, Sites},
        report::Report,
        suggest,
    },
    ages, from,
    range::Range,
};

/// What is known of a rule.
enum Outcome {
    Never(&'static str, String),
    Always(&'static str, String),
}

pub(super) fn check(rules: &RuleSet, sites: &Sites, report: &mut Report<'_>) {
    for (rule, site) in rules.rules.iter().zip(&sites.rules) {
        crossed(rule, site, report);
        for outcome in outcome(&rule.kind, rules) {
            match outcome {
                Outcome::Never(field, why) => never(rule, site, field, &why, report),
                Outcome::Always(field, why) => {
                    let shown = suggest::shown(&rule.name);
                    report.warning(site.of(field), format!("{shown} always holds: {why}"));
                }
            }
        }
    }
}

/// A wall that can't be passed is an error; a preference, or a part of a compound, merely odd.
fn never(rule: &Rule, site: &Site, field: &str, why: &str, report: &mut Report<'_>) {
    let message = format!("{} can never hold: {why}", suggest::shown(&rule.name));
    if rule.weight.is_some() || rule.named_by_compound || rule.optional_after.is_some() {
        report.warning(site.of(field), message);
    } else {
        report.error(site.of(field), message);
    }
}

/// A least that is above the most.
fn crossed(rule: &Rule, site: &Site, report: &mut Report<'_>) {
    let numbers = rule.kind.numbers();
    let number = |wanted: &str| numbers.iter().find(|(name, _)| *name == wanted).map(|(_, number)| *number);
    for (least, most) in [("minDistance", "maxDistance"), ("minCount", "maxCount")] {
        let (Some(min), Some(max)) = (number(least), number(most)) else { continue };
        let ages = ages([min, max]);
        let crossed: Vec<_> = ages.iter().copied().filter(|age| min.at(*age) > max.at(*age)).collect();
        let Some(first) = crossed.first().copied() else { continue };
        let why = format!("{} `{least}` is {} and `{most}` is {}", from(first), min.at(first), max.at(first));
        if crossed.len() == ages.len() {
            never(rule, site, least, &why, report);
        } else {
            let shown = suggest::shown(&rule.name);
            report.warning(site.of(least), format!("{shown} can't hold at some ages: {why}"));
        }
    }
}

fn outcome(kind: &RuleKind, rules: &RuleSet) -> Vec<Outcome> {
    match kind {
        RuleKind::Comparison { measurements, reference: Some(reference), operation, .. } => {
            let reference = of_reference(reference, rules);
            let compared = |measured| compared(Range::of_expression(measured, rules), *operation, reference);
            measurements.iter().filter_map(compared).collect()
        }
        RuleKind::Distance { measurements, reference, min, max, .. } => {
            let reference = of_reference(reference, rules);
            let apart = |measured| Range::of_expression(measured, rules).distance(reference);
            measurements
                .iter()
                .flat_map(|measured| distant(apart(measured), min.as_ref(), max.as_ref()))
                .collect()
        }
        RuleKind::Collection { measurements, reference, operation, min_count, max_count, .. } => {
            let most = |measured: &Expression| match (operation, reference) {
                (CollectionOperation::Contains, _) => Range::of_players(measured, rules).high,
                (
                    CollectionOperation::ReferenceIntersectionCount,
                    Some(Reference::Expression(Expression::List(list))),
                ) => distinct(list) as f64,
                _ => f64::INFINITY,
            };
            let most = measurements.iter().map(most).fold(0.0, f64::max);
            counted(most, min_count.as_ref(), max_count.as_ref())
        }
        RuleKind::WinProbability { max, .. } => {
            let teams: u32 = rules.teams.iter().map(|team| team.quantity).sum();
            let (least, range) = (1.0 / f64::from(teams), Range::of(max));
            if teams == 1 {
                vec![Outcome::Always("type", "there is one team, and nobody to win against".to_owned())]
            } else if range.high < least && surely_playing(rules) >= 2 {
                let why = format!("of {teams} teams, the likeliest winner's chance is {least} at least");
                vec![Outcome::Never("maxProbability", why)]
            } else if range.low >= 1.0 {
                vec![Outcome::Always("maxProbability", "no chance is above 1".to_owned())]
            } else {
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}

/// How many teams have players in every match.
fn surely_playing(rules: &RuleSet) -> u32 {
    let playing = |team: &&TeamSpec| Range::of(&team.min_players).low >= 1.0;
    rules.teams.iter().filter(playing).map(|team| team.quantity).sum()
}

fn of_reference(reference: &Reference, rules: &RuleSet) -> Range {
    match reference {
        Reference::Number(number) => Range::of(number),
        Reference::Expression(expression) => Range::of_expression(expression, rules),
    }
}

fn compared(measured: Range, operation: Comparator, reference: Range) -> Option<Outcome> {
    let why = || {
        let Range { low, high } = measured;
        format!("by the team sizes, what is measured is from {low} to {high}")
    };
    let single = measured.low == measured.high && reference.low == reference.high;
    let apart = measured.high < reference.low || measured.low > reference.high;
    let (never, always) = match operation {
        Comparator::Less => (measured.low >= reference.high, measured.high < reference.low),
        Comparator::AtMost => (measured.low > reference.high, measured.high <= reference.low),
        Comparator::Greater => (measured.high <= reference.low, measured.low > reference.high),
        Comparator::AtLeast => (measured.high < reference.low, measured.low >= reference.high),
        Comparator::Equal => (apart, single && !apart),
        Comparator::NotEqual => (single && !apart, apart),
    };
    match (never, always) {
        (true, _) => Some(Outcome::Never("referenceValue", why())),
        (_, true) => Some(Outcome::Always("referenceValue", why())),
        _ => None,
    }
}

fn distant(apart: Range, min: Option<&Changing>, max: Option<&Changing>) -> Vec<Outcome> {
    let why = format!("by the team sizes, the distance is from {} to {}", apart.low, apart.high);
    let mut outcomes = Vec::new();
    if let Some(max) = max.map(Range::of) {
        if max.high < apart.low {
            outcomes.push(Outcome::Never("maxDistance", why.clone()));
        } else if max.low >= apart.high && min.is_none() {
            outcomes.push(Outcome::Always("maxDistance", why.clone()));
        }
    }
    if let Some(min) = min.map(Range::of) {
        if min.low > apart.high {
            outcomes.push(Outcome::Never("minDistance", why));
        } else if min.high <= 0.0 && max.is_none() {
            outcomes.push(Outcome::Always("minDistance", "no distance is below 0".to_owned()));
        }
    }
    outcomes
}

/// Of counts of which none is above `most`.
fn counted(most: f64, min: Option<&Changing>, max: Option<&Changing>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let (min, max) = (min.map(Range::of), max.map(Range::of));
    if min.is_some_and(|min| min.low > most) {
        outcomes.push(Outcome::Never("minCount", format!("there are {most} at most")));
    }
    let no_least = min.is_none_or(|min| min.high <= 0.0);
    if no_least && max.is_none_or(|max| max.low >= most) {
        let why = match max {
            Some(_) => format!("there are {most} at most"),
            None => "no count is below 0".to_owned(),
        };
        outcomes.push(Outcome::Always(if max.is_some() { "maxCount" } else { "minCount" }, why));
    }
    outcomes
}

fn distinct(texts: &[Expression]) -> usize {
    let texts = texts.iter().filter_map(|text| match text {
        Expression::Text(text) => Some(text),
        _ => None,
    });
    texts.collect::<BTreeSet<_>>().len()
}
