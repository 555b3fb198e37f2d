//! Finishes the rules: reads the statements of compounds, now that all rules are known by name.

use super::{
    super::{
        Logic, Rule, RuleKind, limits,
        report::{Place, Report},
        suggest,
    },
    Sites,
    node::Node,
    rules::{Body, Draft},
    statement,
};

/// The rules. Those that are broken are there by their name, asking for nothing; that they are broken is said already.
pub(super) fn resolve(drafts: Vec<Draft<'_>>, sites: &mut Sites, report: &mut Report<'_>) -> Vec<Rule> {
    unique(&drafts, report);
    let (idle, drafts): (Vec<_>, Vec<_>) =
        drafts.into_iter().partition(|draft| matches!(draft.body, Body::Idle));
    let idle: Vec<_> = idle.into_iter().map(|draft| draft.name).collect();
    let known: Vec<_> = drafts.iter().map(|draft| (draft.name.clone(), is_sort(&draft.body))).collect();
    let mut rules = Vec::new();
    for draft in drafts {
        let kind = match draft.body {
            Body::Kind(kind) => kind,
            Body::Statement(node) => match compound(&node, &known, &idle, report) {
                Some(statement) => RuleKind::Compound { statement },
                None => nothing(),
            },
            Body::Idle | Body::Broken => nothing(),
        };
        let Draft { name, description, weight, optional_after, age_basis, site, .. } = draft;
        rules.push(Rule {
            name,
            description,
            kind,
            weight,
            optional_after,
            age_basis,
            named_by_compound: false,
        });
        sites.rules.push(site);
    }
    let mut named = vec![false; rules.len()];
    for rule in &rules {
        if let RuleKind::Compound { statement } = &rule.kind {
            statement.each(&mut |rule| named[rule] = true);
        }
    }
    rules.iter_mut().zip(named).for_each(|(rule, named)| rule.named_by_compound = named);
    if !cycles(&rules, sites, report) {
        let mut sizes = vec![None; rules.len()];
        for (index, rule) in rules.iter().enumerate() {
            let size = written_out(index, &rules, &mut sizes);
            if size > limits::WRITTEN_OUT {
                let most = limits::WRITTEN_OUT;
                let shown = suggest::shown(&rule.name);
                let message = format!(
                    "with the compounds that it names written out, {shown} names more than {most} rules"
                );
                report.error(sites.rules[index].of("statement"), message);
            }
        }
    }
    rules
}

fn is_sort(body: &Body<'_>) -> bool {
    matches!(body, Body::Kind(RuleKind::DistanceSort { .. } | RuleKind::AbsoluteSort { .. }))
}

/// Stands for what is broken until the whole file is refused.
fn nothing() -> RuleKind {
    RuleKind::Compound { statement: Logic::And(Vec::new()) }
}

fn unique(drafts: &[Draft<'_>], report: &mut Report<'_>) {
    let mut seen = std::collections::BTreeSet::new();
    for draft in drafts.iter().filter(|draft| !draft.name.is_empty()) {
        if !seen.insert(draft.name.as_str()) {
            let message = format!("there is a rule {} already", suggest::shown(&draft.name));
            report.error(draft.site.of("name"), message);
        }
    }
}

fn compound(
    node: &Node<'_>,
    known: &[(String, bool)],
    idle: &[String],
    report: &mut Report<'_>,
) -> Option<Logic> {
    let text = node.text(report)?;
    let lookup = |name: &str| {
        let found = known.iter().position(|(known, _)| known == name);
        match found {
            Some(index) if !known[index].1 => Ok(index),
            None if !idle.iter().any(|idle| idle == name) => {
                let hint = suggest::hint(name, known.iter().map(|(name, _)| name.as_str()));
                Err(format!("there is no rule {}{hint}", suggest::shown(name)))
            }
            _ => Err(format!("{} is a sort, which neither holds nor is broken", suggest::shown(name))),
        }
    };
    match statement::read(text, &lookup) {
        Ok(logic) => Some(logic),
        Err(fault) => {
            report.error(&node.inside(fault.at), fault.message);
            None
        }
    }
}

/// How many rules a rule comes to where compounds are written out.
fn written_out(rule: usize, rules: &[Rule], sizes: &mut [Option<usize>]) -> usize {
    if let Some(size) = sizes[rule] {
        return size;
    }
    let mut size: usize = 1;
    if let RuleKind::Compound { statement } = &rules[rule].kind {
        statement.each(&mut |named| size = size.saturating_add(written_out(named, rules, sizes)));
    }
    sizes[rule] = Some(size);
    size
}

/// Compounds that come back to themselves: says so of each, and whether there are any.
fn cycles(rules: &[Rule], sites: &Sites, report: &mut Report<'_>) -> bool {
    let mut any = false;
    for (start, rule) in rules.iter().enumerate() {
        let mut reached = vec![false; rules.len()];
        let mut next = vec![start];
        while let Some(at) = next.pop() {
            if let RuleKind::Compound { statement } = &rules[at].kind {
                statement.each(&mut |rule| {
                    if !std::mem::replace(&mut reached[rule], true) {
                        next.push(rule);
                    }
                });
            }
        }
        if reached[start] {
            let place: &Place = sites.rules[start].of("statement");
            let message = format!("{} names itself, if by way of others", suggest::shown(&rule.name));
            report.error(place, message);
            any = true;
        }
    }
    any
}

impl Logic {
    /// Whether a `not` or `xor` stands around that rule.
    pub(in super::super) fn turns(&self, rule: usize) -> bool {
        match self {
            Self::Rule(_) => false,
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.turns(rule)),
            Self::Not(_) | Self::Xor(_) => {
                let mut named = false;
                self.each(&mut |other| named |= other == rule);
                named
            }
        }
    }

    /// Each rule that it names, as often as it does.
    pub(in super::super) fn each(&self, f: &mut impl FnMut(usize)) {
        match self {
            Self::Rule(rule) => f(*rule),
            Self::Not(part) => part.each(f),
            Self::And(parts) | Self::Or(parts) | Self::Xor(parts) => {
                parts.iter().for_each(|part| part.each(f));
            }
        }
    }
}
