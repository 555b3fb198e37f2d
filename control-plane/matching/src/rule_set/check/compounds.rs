//! Compounds whose outcome doesn't depend on the rules that they name.

use super::super::{Logic, Rule, RuleKind, RuleSet, limits, parse::Sites, report::Report, suggest};

/// Steps of evaluation that one compound is worth.
const EFFORT: usize = 100_000;

pub(super) fn check(rules: &RuleSet, sites: &Sites, report: &mut Report<'_>) {
    for (index, rule) in rules.rules.iter().enumerate() {
        let RuleKind::Compound { statement } = &rule.kind else { continue };
        let Some(outcomes) = outcomes(index, &rules.rules) else { continue };
        let place = sites.rules[index].of("statement");
        let shown = suggest::shown(&rule.name);
        if !outcomes.holds {
            let message = format!("{shown} can never hold, whichever of its rules do");
            if rule.named_by_compound || rule.weight.is_some() {
                report.warning(place, message);
            } else {
                report.error(place, message);
            }
        } else if !outcomes.fails {
            report.warning(place, format!("{shown} always holds, whichever of its rules do"));
        } else {
            for leaf in outcomes.idle {
                let idle = suggest::shown(&rules.rules[leaf].name);
                report.warning(
                    place,
                    format!("{idle} changes nothing in {shown}: whether it holds, the others decide"),
                );
            }
        }
        let mut optional = None;
        statement.each(&mut |named| {
            if rules.rules[named].optional_after.is_some() && statement.turns(named) {
                optional.get_or_insert(named);
            }
        });
        if let Some(named) = optional {
            let shown = suggest::shown(&rules.rules[named].name);
            let message = format!(
                "{shown} counts as holding once it isn't asked any more; within `not` or `xor` that tightens this compound"
            );
            report.warning(place, message);
        }
    }
}

/// What a compound can come to.
struct Outcomes {
    holds: bool,
    fails: bool,
    /// The rules on which it doesn't depend.
    idle: Vec<usize>,
}

/// Tries all combinations. `None`: there are too many.
fn outcomes(compound: usize, rules: &[Rule]) -> Option<Outcomes> {
    let mut seen = vec![false; rules.len()];
    let (mut leaves, mut size) = (Vec::new(), 0_usize);
    let mut next = vec![compound];
    while let Some(at) = next.pop() {
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        match &rules[at].kind {
            RuleKind::Compound { statement } => {
                statement.each(&mut |rule| {
                    size += 1;
                    next.push(rule);
                });
            }
            _ => leaves.push(at),
        }
    }
    if leaves.len() > limits::COMBINED_RULES || (size << leaves.len()) > EFFORT {
        return None;
    }
    let outcome = |combination: usize| {
        let mut known = vec![None; rules.len()];
        for (bit, leaf) in leaves.iter().enumerate() {
            known[*leaf] = Some(combination >> bit & 1 == 1);
        }
        of_rule(compound, rules, &mut known)
    };
    let all: Vec<bool> = (0..1 << leaves.len()).map(outcome).collect();
    let decides =
        |bit: usize| (0..all.len()).any(|combination| all[combination] != all[combination ^ 1 << bit]);
    let idle = leaves.iter().enumerate().filter(|(bit, _)| !decides(*bit)).map(|(_, leaf)| *leaf).collect();
    Some(Outcomes { holds: all.contains(&true), fails: all.contains(&false), idle })
}

/// Each rule is looked at once for a combination, however many compounds name it.
fn of_rule(rule: usize, rules: &[Rule], known: &mut [Option<bool>]) -> bool {
    if let Some(known) = known[rule] {
        return known;
    }
    let holds = match &rules[rule].kind {
        RuleKind::Compound { statement } => of_logic(statement, rules, known),
        _ => true,
    };
    known[rule] = Some(holds);
    holds
}

fn of_logic(logic: &Logic, rules: &[Rule], known: &mut [Option<bool>]) -> bool {
    match logic {
        Logic::Rule(rule) => of_rule(*rule, rules, known),
        Logic::Not(part) => !of_logic(part, rules, known),
        Logic::And(parts) => parts.iter().all(|part| of_logic(part, rules, known)),
        Logic::Or(parts) => parts.iter().any(|part| of_logic(part, rules, known)),
        Logic::Xor(parts) => parts.iter().filter(|part| of_logic(part, rules, known)).count() == 1,
    }
}
