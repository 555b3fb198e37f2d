//! Whether any match could ever take a ticket, as far as it alone tells.

use super::{
    Breach, Facts, Judge, Unfit,
    ages::Spans,
    derive,
    pairs::{Ask, PairTest},
    plan,
};

/// # Errors
/// None could: why, and what would help.
pub(super) fn check(judge: &Judge, facts: &Facts) -> Result<(), Unfit> {
    sizes(judge, facts)?;
    attributes(judge, facts)?;
    // Players of one party chose each other.
    let asked = judge.pairs.iter().filter(|test| !matches!(test.ask, Ask::Strangers { .. }));
    for test in asked {
        if let Some(broken) = test.why_apart(facts, facts, Spans::ALL) {
            debug_assert!(matches!(broken.what, Breach::Rule(_)), "tests are made of rules");
            return Err(Unfit(alone(&judge.rules.rules[test.rule].name, test)));
        }
    }
    Ok(())
}

fn sizes(judge: &Judge, facts: &Facts) -> Result<(), Unfit> {
    let size = facts.size();
    if size == 0 {
        return Err(Unfit("A ticket has at least one player.".to_owned()));
    }
    let most = || plan::most_in(&judge.plan.teams, facts);
    if most().all(|(_, most)| most < size) {
        let most = most().map(|(_, most)| most).max().unwrap_or(0);
        return Err(Unfit(format!("A party of {size} fits no team: the largest it may be in takes {most}.")));
    }
    let fits = |(team, most): (usize, usize)| most >= size && judge.roles[team].fit(facts, most);
    if !most().any(fits) {
        return Err(Unfit("No team has places for the roles of this ticket's players.".to_owned()));
    }
    Ok(())
}

/// A hard rule that is asked for ever keeps out who lacks what it looks at.
fn attributes(judge: &Judge, facts: &Facts) -> Result<(), Unfit> {
    let demanded = derive::demanded(&judge.compiled);
    for (index, rule) in demanded.into_iter().filter(|(_, rule)| rule.optional_after.is_none()) {
        let kept_out = rule.looks_at.iter().find(|(teams, wanted)| {
            facts.lacks(wanted) && facts.teams().all(|team| teams.indices.contains(&team))
        });
        if let Some((_, wanted)) = kept_out {
            let (rule, attribute) = (&judge.rules.rules[index].name, &wanted.name);
            let kind = wanted.kind_in_words();
            return Err(Unfit(format!(
                "A player has no attribute \"{attribute}\" ({kind}), and the rule \"{rule}\" needs it of everybody."
            )));
        }
    }
    Ok(())
}

/// Why the test fails for one ticket alone.
fn alone(rule: &str, test: &PairTest) -> String {
    match &test.ask {
        Ask::Region { .. } => {
            format!(
                "There is no region for which all its players have a latency that the rule \"{rule}\" ever allows."
            )
        }
        Ask::Key(_) | Ask::Same(_) => {
            format!("Its players differ in what the rule \"{rule}\" wants to be the same for all.")
        }
        Ask::Share { .. } => {
            format!("Its players have fewer values in common than the rule \"{rule}\" ever allows.")
        }
        Ask::Bound { .. } | Ask::Around { .. } | Ask::Text { .. } => {
            format!("The rule \"{rule}\" never allows a value that one of its players has.")
        }
        Ask::Apart { .. } | Ask::Strangers { .. } => {
            format!("Its players can never play together under the rule \"{rule}\".")
        }
    }
}
