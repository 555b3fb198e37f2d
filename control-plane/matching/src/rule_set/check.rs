//! Finds what would surprise the author of a rule set that reads well: rules that can never hold or always do, sizes that nobody
//! can fill, and what does nothing.
//!
//! What can never become a match is an error, because a queue under it would wait for ever. What is merely odd is a
//! warning. Nothing here is guessed: where it takes players to know, nothing is said.

mod compounds;
mod effects;
mod outcome;
mod range;
mod sizes;

use std::{collections::BTreeSet, time::Duration};

use super::{Changing, RuleSet, parse::Sites, report::Report};

/// Checks a rule set that was read without errors.
pub(super) fn check(rules: &RuleSet, sites: &Sites, report: &mut Report<'_>) {
    sizes::check(rules, sites, report);
    outcome::check(rules, sites, report);
    compounds::check(rules, sites, report);
    effects::check(rules, sites, report);
}

/// Ages between which nothing of these numbers happens that doesn't show at one of them: each step, and just before it.
fn ages<'a>(numbers: impl IntoIterator<Item = &'a Changing>) -> BTreeSet<Duration> {
    let steps = numbers.into_iter().flat_map(|number| &number.steps).map(|step| step.after);
    let just_before = |after: Duration| after.saturating_sub(Duration::from_millis(1));
    steps.flat_map(|after| [just_before(after), after]).chain([Duration::ZERO]).collect()
}

/// An age as a message names it.
fn from(age: Duration) -> String {
    if age.is_zero() { "from the start".to_owned() } else { format!("from {} s on", age.as_secs_f64()) }
}
