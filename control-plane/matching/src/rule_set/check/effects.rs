//! What is written and does nothing.

use super::super::{
    Rule, RuleKind, RuleSet,
    parse::{Site, Sites},
    report::Report,
    suggest,
};

pub(super) fn check(rules: &RuleSet, sites: &Sites, report: &mut Report<'_>) {
    for (index, (rule, site)) in rules.rules.iter().zip(&sites.rules).enumerate() {
        additions(rule, site, report);
        let same = |other: &&Rule| {
            other.kind == rule.kind
                && (other.weight, other.age_basis, other.optional_after)
                    == (rule.weight, rule.age_basis, rule.optional_after)
                && other.named_by_compound == rule.named_by_compound
        };
        if let Some(other) = rules.rules[..index].iter().find(same) {
            let message =
                format!("{} asks the same as {}", suggest::shown(&rule.name), suggest::shown(&other.name));
            report.warning(&site.place, message);
        }
    }
}

fn additions(rule: &Rule, site: &Site, report: &mut Report<'_>) {
    let sort = matches!(rule.kind, RuleKind::DistanceSort { .. } | RuleKind::AbsoluteSort { .. });
    if rule.weight.is_some() && sort {
        report.warning(site.of("weight"), "it does nothing: a sort is a preference anyway");
    } else if rule.weight.is_some() && rule.named_by_compound {
        report.warning(
            site.of("weight"),
            "it does nothing: a compound asks for this rule; give the weight to that",
        );
    }
    if rule.optional_after.is_some() && sort {
        report.warning(site.of("optionalAfterSeconds"), "it does nothing: no match is kept back by a sort");
    } else if rule.optional_after.is_some_and(|after| after.is_zero()) {
        report.warning(site.of("optionalAfterSeconds"), "from 0 s on the rule isn't asked: it does nothing");
    }
    let changes = rule.kind.numbers().iter().any(|(_, number)| !number.steps.is_empty());
    if rule.age_basis.is_some() && rule.optional_after.is_none() && !changes {
        report.warning(site.of("ageBasis"), "it does nothing: no number of this rule changes with age");
    }
}
