//! Reads `rules` and `additionalRules`, each by its type. Compounds are read when all rules are known.

mod collection;
mod measured;
mod of_attribute;
mod reference;

use std::time::Duration;

use super::{
    super::{
        AgeBasis, Aggregation, Changing, RuleKind, limits,
        report::{Place, Report},
        suggest,
    },
    Site,
    algorithm::AGES,
    bounds,
    fields::Fields,
    names::Names,
    node::Node,
};

/// A rule as far as it was read.
#[derive(Debug)]
pub(super) struct Draft<'j> {
    /// Empty where it has none.
    pub(super) name: String,
    pub(super) description: String,
    pub(super) body: Body<'j>,
    pub(super) weight: Option<f64>,
    pub(super) optional_after: Option<Duration>,
    pub(super) age_basis: Option<AgeBasis>,
    pub(super) site: Site,
}

/// What a rule asks for.
#[derive(Debug)]
pub(super) enum Body<'j> {
    Kind(RuleKind),
    /// A compound's.
    Statement(Node<'j>),
    /// A sort by something that has no order: it does nothing.
    Idle,
    /// What was wrong is said.
    Broken,
}

/// What reading a rule of some type needs.
struct Reading<'r, 'j, 't> {
    fields: Fields<'j>,
    site: Site,
    names: &'r Names,
    report: &'r mut Report<'t>,
}

const TYPES: [&str; 10] = [
    "comparison",
    "distance",
    "batchDistance",
    "collection",
    "latency",
    "distanceSort",
    "absoluteSort",
    "compound",
    "winProbability",
    "blockList",
];

/// Properties that rules of some type have.
const PROPERTIES: [&str; 17] = [
    "measurements",
    "referenceValue",
    "operation",
    "partyAggregation",
    "minDistance",
    "maxDistance",
    "batchAttribute",
    "minCount",
    "maxCount",
    "maxLatency",
    "distanceReference",
    "sortDirection",
    "sortAttribute",
    "mapKey",
    "statement",
    "attribute",
    "maxProbability",
];

pub(super) fn read<'j>(
    list: &'static str,
    node: Option<Node<'j>>,
    names: &Names,
    report: &mut Report<'_>,
) -> Vec<Draft<'j>> {
    let nodes = node.and_then(|node| node.list(list, report)).unwrap_or_default();
    nodes.iter().filter_map(|node| rule(list, node, names, report)).collect()
}

fn rule<'j>(list: &str, node: &Node<'j>, names: &Names, report: &mut Report<'_>) -> Option<Draft<'j>> {
    let mut fields = Fields::of(node, report)?;
    let mut site = Site { place: node.place.clone(), fields: Vec::new() };
    let name = site.keep("name", fields.require("name")).and_then(|name| name.name(report));
    if name.is_some_and(|name| name.contains(['(', ')', '[', ']', ',']) || name.trim() != name) {
        let message = "no statement or target can name it: it has one of `( ) [ ] ,` or blanks at its ends";
        report.warning(site.of("name"), message);
    }
    let description = fields.take("description").and_then(|text| text.text(report)).unwrap_or_default();
    let weight = site.keep("weight", fields.take("weight")).and_then(|node| weight(&node, report));
    let optional = site.keep("optionalAfterSeconds", fields.take("optionalAfterSeconds"));
    let optional_after = optional.and_then(|node| seconds(&node, report));
    let age_basis = site.keep("ageBasis", fields.take("ageBasis"));
    let age_basis = age_basis.and_then(|node| node.choice(&AGES, report));
    let kind = fields.require("type");
    let known = kind.as_ref().and_then(|kind| {
        let types = TYPES.map(|word| (word, word));
        kind.choice(&types, report)
    });
    if let (Some("winProbability" | "blockList"), "rules", Some(kind)) = (known, list, &kind) {
        let message = "other readers refuse this type; in `additionalRules` they pass over it";
        report.warning(&kind.place, message);
    }
    let mut reading = Reading { fields, site, names, report };
    let body = known.map_or(Body::Broken, |known| reading.body(known));
    let Reading { fields, site, report, .. } = reading;
    match known {
        Some(known) => fields.finish(&format!("a `{known}` rule"), &PROPERTIES, report),
        None => fields.leave("a rule", report),
    }
    let (name, description) = (name.unwrap_or_default().to_owned(), description.to_owned());
    Some(Draft { name, description, body, weight, optional_after, age_basis, site })
}

fn weight(node: &Node<'_>, report: &mut Report<'_>) -> Option<f64> {
    let weight = node.number(report)?;
    if weight <= 0.0 || weight > 1_000_000.0 {
        report.error(&node.place, format!("a weight is above 0 and at most 1000000, and this is {weight}"));
        return None;
    }
    Some(weight)
}

/// A wait.
pub(super) fn seconds(node: &Node<'_>, report: &mut Report<'_>) -> Option<Duration> {
    let seconds = node.number(report)?;
    let wait = Duration::try_from_secs_f64(seconds).ok().filter(|wait| *wait <= limits::WAIT);
    if wait.is_none() {
        let most = limits::WAIT.as_secs();
        report.error(&node.place, format!("a wait is from 0 to {most} seconds, and this is {seconds}"));
    }
    wait
}

impl<'j> Reading<'_, 'j, '_> {
    fn body(&mut self, kind: &str) -> Body<'j> {
        let kind = match kind {
            "comparison" => self.comparison(),
            "distance" => self.distance(),
            "collection" => self.collection(),
            "batchDistance" => self.batch_distance(),
            "latency" => self.latency(),
            "winProbability" => self.win_probability(),
            "blockList" => self.block_list(),
            "compound" => return self.require("statement").map_or(Body::Broken, Body::Statement),
            "distanceSort" => return self.sort(true),
            _ => return self.sort(false),
        };
        kind.map_or(Body::Broken, Body::Kind)
    }

    fn take(&mut self, name: &'static str) -> Option<Node<'j>> {
        let node = self.fields.take(name);
        self.site.keep(name, node)
    }

    fn require(&mut self, name: &'static str) -> Option<Node<'j>> {
        let node = self.fields.require(name);
        self.site.keep(name, node)
    }

    fn place(&self) -> &Place {
        &self.fields.place
    }

    /// A number that may change. Outer `None`: it is there and broken.
    fn number(&mut self, name: &'static str) -> Option<Option<Changing>> {
        match self.take(name) {
            None => Some(None),
            Some(node) => {
                bounds::number(name, &node, self.report).map(|number| Some(Changing::fixed(number)))
            }
        }
    }

    /// `partyAggregation` of numbers. `matters`: why it does nothing here, if so.
    fn party(&mut self, does_nothing: Option<&str>) -> Aggregation {
        let choices = [("avg", Aggregation::Avg), ("min", Aggregation::Min), ("max", Aggregation::Max)];
        self.party_of(&choices, does_nothing).unwrap_or(Aggregation::Avg)
    }

    fn party_of<T: Copy>(&mut self, choices: &[(&str, T)], does_nothing: Option<&str>) -> Option<T> {
        let node = self.take("partyAggregation")?;
        let choice = node.choice(choices, self.report)?;
        if let Some(why) = does_nothing {
            self.report.warning(&node.place, format!("it does nothing here: {why}"));
        }
        Some(choice)
    }

    /// Says of an attribute that it isn't there.
    fn undeclared(&mut self, node: &Node<'_>, name: &str) {
        let hint = suggest::hint(name, self.names.attribute_names());
        let shown = suggest::shown(name);
        let message = format!("no attribute {shown} is declared in `playerAttributes`{hint}");
        self.report.error(&node.place, message);
    }
}
