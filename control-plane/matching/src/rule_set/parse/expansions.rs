//! Reads `expansions`, and puts each where its number is.

use std::cmp::Ordering;

use super::{
    super::{
        Changing, Rule, RuleKind, Step, TeamSpec,
        numbers::Number,
        report::{Place, Report},
        suggest,
    },
    Sites, bounds,
    cursor::{Cursor, Fault},
    fields::Fields,
    node::Node,
    rules::seconds,
};

const TARGETS: &str = "a target is such as `rules[FairTeams].maxDistance` or `teams[red].minPlayers`";

/// What a target names.
struct Target<'t> {
    team: bool,
    name: &'t str,
    property: &'t str,
    /// Where the parts stand.
    name_at: usize,
    property_at: usize,
}

pub(super) fn apply(
    node: Option<Node<'_>>,
    rules: &mut [Rule],
    teams: &mut [TeamSpec],
    sites: &Sites,
    report: &mut Report<'_>,
) {
    let nodes = node.and_then(|node| node.list("expansions", report)).unwrap_or_default();
    let mut seen = std::collections::BTreeSet::new();
    for node in &nodes {
        let Some(mut fields) = Fields::of(node, report) else { continue };
        let target = fields.require("target");
        let linear = fields.take("linear");
        let steps = fields.require("steps");
        fields.finish("an expansion", &[], report);
        let place = linear.as_ref().map(|node| node.place.clone());
        let linear = linear.and_then(|node| node.flag(report)).unwrap_or(false);
        let Some(node) = target else { continue };
        let Some(text) = node.text(report) else { continue };
        let target = match target_of(text) {
            Ok(target) => target,
            Err(fault) => {
                report.error(&node.inside(fault.at), fault.message);
                continue;
            }
        };
        if !seen.insert((target.team, target.name, target.property)) {
            report.error(&node.place, "this target has an expansion already; write all steps into one");
            continue;
        }
        let found = if target.team { of_team(&target, teams) } else { of_rule(&target, rules) };
        let (number, loosens) = match found {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            Err(fault) => {
                report.error(&node.inside(fault.at), fault.message);
                continue;
            }
        };
        if linear && bounds::is_count(target.property) {
            let place = place.as_ref().unwrap_or(&node.place);
            report.error(place, "players and counts are whole: they can only go in steps");
        }
        let Some(steps) = steps else { continue };
        number.steps = self::steps(&steps, target.property, number.first, loosens, report);
        number.linear = linear;
        let rule = rules.iter().position(|rule| !target.team && rule.name == target.name);
        if let Some(rule) = rule {
            late(&rules[rule], target.property, &steps, sites.rules[rule].of("optionalAfterSeconds"), report);
        }
    }
}

fn target_of(text: &str) -> Result<Target<'_>, Fault> {
    let mut cursor = Cursor::new(text)?;
    let start = cursor.at();
    let team = match cursor.word() {
        "teams" => true,
        "rules" => false,
        other => {
            let hint = suggest::closest(other, ["rules", "teams"]);
            let hint = hint.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
            return Err(Fault::new(start, format!("{TARGETS}{hint}")));
        }
    };
    let name_at = cursor.at() + 1;
    let name = cursor.brackets()?.trim();
    cursor.expect('.')?;
    let property_at = cursor.at();
    let property = cursor.word();
    cursor.end()?;
    Ok(Target { team, name, property, name_at, property_at })
}

/// The number, and which way it loosens. `None`: what is named is broken, and that is said.
type Found<'a> = Option<(&'a mut Changing, Option<Ordering>)>;

fn of_team<'a>(target: &Target<'_>, teams: &'a mut [TeamSpec]) -> Result<Found<'a>, Fault> {
    let Some(team) = teams.iter().position(|team| team.name == target.name) else {
        let kind = target.name.rsplit_once('_').map(|(kind, _)| kind);
        let message =
            match kind.filter(|kind| teams.iter().any(|team| team.name == *kind && team.quantity > 1)) {
                Some(kind) => format!("an expansion is of all teams of a kind: `teams[{kind}]`"),
                None => {
                    let hint = suggest::hint(target.name, teams.iter().map(|team| team.name.as_str()));
                    format!("there is no team {}{hint}", suggest::shown(target.name))
                }
            };
        return Err(Fault::new(target.name_at, message));
    };
    match target.property {
        "minPlayers" => Ok(Some((&mut teams[team].min_players, Some(Ordering::Less)))),
        "maxPlayers" => Ok(Some((&mut teams[team].max_players, Some(Ordering::Greater)))),
        other => {
            let hint = suggest::hint(other, ["minPlayers", "maxPlayers"]);
            let message = format!("{} of a team can't change{hint}", suggest::shown(other));
            Err(Fault::new(target.property_at, message))
        }
    }
}

fn of_rule<'a>(target: &Target<'_>, rules: &'a mut [Rule]) -> Result<Found<'a>, Fault> {
    let Some(rule) = rules.iter().position(|rule| rule.name == target.name) else {
        let hint = suggest::hint(target.name, rules.iter().map(|rule| rule.name.as_str()));
        let message = format!("there is no rule {}{hint}", suggest::shown(target.name));
        return Err(Fault::new(target.name_at, message));
    };
    if matches!(&rules[rule].kind, RuleKind::Compound { statement: super::super::Logic::And(parts) } if parts.is_empty())
    {
        return Ok(None);
    }
    let known: Vec<_> = rules[rule].kind.numbers().iter().map(|(name, _)| *name).collect();
    let loosens = rules[rule].kind.loosens(target.property).filter(|_| !is_turned(rule, rules));
    let fault = |message: String| Err(Fault::new(target.property_at, message));
    let shown = suggest::shown(target.property);
    match rules[rule].kind.number_mut(target.property) {
        Some(Number::Here(number)) => Ok(Some((number, loosens))),
        Some(Number::Unset) => fault(format!("the rule has no {shown} to start from; give it one")),
        Some(Number::Other) => fault(format!("the rule's {shown} is no number, so steps can't change it")),
        None => fault(format!("{shown} of this rule can't change{}", suggest::hint(target.property, known))),
    }
}

/// Whether a `not` or `xor` asks for the rule: then what loosens it may tighten the whole.
fn is_turned(rule: usize, rules: &[Rule]) -> bool {
    let mut statements = rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Compound { statement } => Some(statement),
        _ => None,
    });
    statements.any(|statement| statement.turns(rule))
}

fn steps(
    node: &Node<'_>,
    name: &str,
    first: f64,
    loosens: Option<Ordering>,
    report: &mut Report<'_>,
) -> Vec<Step> {
    let list = node.list("steps", report).unwrap_or_default();
    if list.is_empty() {
        report.warning(&node.place, "an expansion without steps does nothing");
    }
    let mut steps: Vec<Step> = Vec::new();
    for node in &list {
        let Some(mut fields) = Fields::of(node, report) else { continue };
        let after_node = fields.require("waitTimeSeconds");
        let after = after_node.as_ref().and_then(|node| seconds(node, report));
        let value_node = fields.require("value");
        let value = value_node.as_ref().and_then(|node| bounds::number(name, node, report));
        fields.finish("a step", &[], report);
        let (Some(after_node), Some(after), Some(value_node), Some(value)) =
            (after_node, after, value_node, value)
        else {
            continue;
        };
        match steps.last() {
            Some(last) if last.after >= after => {
                let last = last.after.as_secs_f64();
                let message = format!(
                    "the step before is at {last} s: steps stand in the order of their waits, each later"
                );
                report.error(&after_node.place, message);
                continue;
            }
            None if after.is_zero() => {
                let message = format!(
                    "at 0 s the step is there from the start: the rule's own {} never holds",
                    suggest::shown(name)
                );
                report.warning(&after_node.place, message);
            }
            _ => {}
        }
        let before = steps.last().map_or(first, |step| step.value);
        way(before, value, name, loosens, &value_node.place, report);
        steps.push(Step { after, value });
    }
    steps
}

/// Whether a step goes anywhere, and the way that it should.
fn way(
    before: f64,
    value: f64,
    name: &str,
    loosens: Option<Ordering>,
    place: &Place,
    report: &mut Report<'_>,
) {
    match (value.total_cmp(&before), loosens) {
        (Ordering::Equal, _) => {
            report.warning(place, format!("the step has no effect: the value is {before} already"));
        }
        (way, Some(loosens)) if way != loosens => {
            let direction = if loosens == Ordering::Greater { "grows" } else { "falls" };
            let message = format!(
                "the step tightens, from {before} to {value}: {} loosens where it {direction}",
                suggest::shown(name)
            );
            report.warning(place, message);
        }
        _ => {}
    }
}

/// Steps of a rule that isn't asked any more by then.
fn late(rule: &Rule, name: &str, steps: &Node<'_>, optional: &Place, report: &mut Report<'_>) {
    let Some(end) = rule.optional_after else { return };
    let number = rule.kind.numbers().into_iter().find(|(known, _)| *known == name);
    let last = number.and_then(|(_, number)| number.steps.last().copied());
    if let Some(last) = last.filter(|last| last.after >= end) {
        let message = format!(
            "the step at {} s has no effect: from {} s on the rule isn't asked ({})",
            last.after.as_secs_f64(),
            end.as_secs_f64(),
            optional.path
        );
        report.warning(&steps.place, message);
    }
}
