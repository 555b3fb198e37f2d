//! Reads `algorithm`.

use super::{
    super::{
        AgeBasis, Algorithm, AttributeType, BackfillPriority, Batching, Strategy, limits, report::Report,
        suggest,
    },
    Site, Sites,
    fields::Fields,
    names::Names,
    node::Node,
};

/// Words of `expansionAgeSelection` and `ageBasis`.
pub(super) const AGES: [(&str, AgeBasis); 2] = [("newest", AgeBasis::Newest), ("oldest", AgeBasis::Oldest)];

const BATCHING: [(&str, Batching); 4] = [
    ("random", Batching::Random),
    ("sorted", Batching::Sorted),
    ("largestPopulation", Batching::LargestPopulation),
    ("fastestRegion", Batching::FastestRegion),
];

const BACKFILL: [(&str, BackfillPriority); 3] =
    [("normal", BackfillPriority::Normal), ("low", BackfillPriority::Low), ("high", BackfillPriority::High)];

pub(super) fn read(
    node: Option<Node<'_>>,
    names: &Names,
    sites: &mut Sites,
    report: &mut Report<'_>,
) -> Algorithm {
    let mut algorithm = Algorithm {
        strategy: Strategy::ExhaustiveSearch,
        batching: Batching::Random,
        sort_by: Vec::new(),
        expansion_age: AgeBasis::Newest,
        backfill_priority: BackfillPriority::Normal,
        premade_parity: None,
    };
    let Some(node) = node else { return algorithm };
    let Some(mut fields) = Fields::of(&node, report) else { return algorithm };
    let mut site = Site { place: node.place.clone(), fields: Vec::new() };

    let balanced = fields.take("strategy");
    let choices = [("exhaustiveSearch", false), ("balanced", true)];
    let balanced = balanced.and_then(|node| node.choice(&choices, report)).unwrap_or(false);
    let attribute = site.keep("balancedAttribute", fields.take("balancedAttribute"));
    match (balanced, attribute) {
        (true, Some(node)) => {
            if let Some(attribute) = number_attribute(&node, names, report) {
                algorithm.strategy = Strategy::Balanced { attribute };
            }
        }
        (true, None) => report.error(&node.place, "`balanced` needs a `balancedAttribute`, of type number"),
        (false, Some(node)) => {
            report.warning(&node.place, "it does nothing without `\"strategy\": \"balanced\"`");
        }
        (false, None) => {}
    }
    let batching = site.keep("batchingPreference", fields.take("batchingPreference"));
    let default = if balanced { Batching::LargestPopulation } else { Batching::Random };
    algorithm.batching = batching.and_then(|node| node.choice(&BATCHING, report)).unwrap_or(default);
    if let Some(node) = site.keep("sortByAttributes", fields.take("sortByAttributes")) {
        algorithm.sort_by = sort_by(&node, algorithm.batching, names, report);
    } else if algorithm.batching == Batching::Sorted {
        report.warning(site.of("batchingPreference"), "`sorted` does nothing without `sortByAttributes`");
    }
    let age = fields.take("expansionAgeSelection").and_then(|node| node.choice(&AGES, report));
    algorithm.expansion_age = age.unwrap_or(AgeBasis::Newest);
    let backfill = fields.take("backfillPriority").and_then(|node| node.choice(&BACKFILL, report));
    algorithm.backfill_priority = backfill.unwrap_or(BackfillPriority::Normal);
    let parity = site.keep("premadeParity", fields.take("premadeParity"));
    algorithm.premade_parity = parity.and_then(|node| node.whole(0, limits::PLAYERS, report));
    fields.finish("`algorithm`", &[], report);
    sites.algorithm = site;
    algorithm
}

fn sort_by(node: &Node<'_>, batching: Batching, names: &Names, report: &mut Report<'_>) -> Vec<String> {
    if batching != Batching::Sorted {
        let message = "it does nothing without `\"batchingPreference\": \"sorted\"`";
        report.warning(&node.place, message);
    }
    let list = node.list("sortByAttributes", report).unwrap_or_default();
    let attributes =
        list.iter().filter_map(|node| match node.as_text().and_then(|name| names.attribute(name)) {
            Some(Some(
                AttributeType::String | AttributeType::StringList | AttributeType::StringNumberMap,
            )) => {
                report
                    .warning(&node.place, "only numbers can be close to each other; this one is passed over");
                None
            }
            _ => number_attribute(node, names, report),
        });
    attributes.collect()
}

/// The name of a number attribute.
fn number_attribute(node: &Node<'_>, names: &Names, report: &mut Report<'_>) -> Option<String> {
    let name = node.text(report)?;
    match names.attribute(name) {
        Some(None | Some(AttributeType::Number)) => Some(name.to_owned()),
        Some(Some(_)) => {
            report.error(&node.place, format!("{} is no number attribute", suggest::shown(name)));
            None
        }
        None => {
            let hint = suggest::hint(name, names.attribute_names());
            let shown = suggest::shown(name);
            report
                .error(&node.place, format!("no attribute {shown} is declared in `playerAttributes`{hint}"));
            None
        }
    }
}
