//! Writes rule sets as files: the way back from what was read.

use matching::{
    Attribute,
    rule_set::{
        AgeBasis, Aggregate, Aggregation, AttributeType, BackfillPriority, Batching, Changing,
        CollectionOperation, Comparator, Direction, Expression, Logic, MapKey, Property, Reference, Rule,
        RuleKind, RuleSet, SetAggregation, Strategy, Teams,
    },
};
use serde_json::{Map, Value, json};

/// The file of a rule set.
pub(super) fn file(rules: &RuleSet) -> String {
    serde_json::to_string_pretty(&json!({
        "name": rules.name,
        "ruleLanguageVersion": "1.0",
        "playerAttributes": rules.attributes.iter().map(|declared| {
            let kind = match declared.kind {
                AttributeType::String => "string",
                AttributeType::Number => "number",
                AttributeType::StringList => "string_list",
                AttributeType::StringNumberMap => "string_number_map",
            };
            object([
                ("name", Some(json!(declared.name))),
                ("type", Some(json!(kind))),
                ("default", declared.default.as_ref().map(attribute)),
            ])
        }).collect::<Vec<_>>(),
        "algorithm": algorithm(rules),
        "teams": rules.teams.iter().map(|team| json!({
            "name": team.name,
            "minPlayers": team.min_players.first,
            "maxPlayers": team.max_players.first,
            "quantity": team.quantity,
            "roles": team.roles.iter().map(|slot| json!({ "role": slot.role, "count": slot.count })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "additionalRules": rules.rules.iter().map(|one| rule(one, rules)).collect::<Vec<_>>(),
        "expansions": expansions(rules),
    }))
    .unwrap()
}

fn object<const N: usize>(properties: [(&str, Option<Value>); N]) -> Value {
    let there = properties.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}

fn attribute(value: &Attribute) -> Value {
    match value {
        Attribute::Number(number) => json!(number),
        Attribute::String(text) => json!(text),
        Attribute::StringList(texts) => json!(texts),
        Attribute::StringNumberMap(numbers) => json!(numbers),
    }
}

fn algorithm(rules: &RuleSet) -> Value {
    let algorithm = &rules.algorithm;
    let (strategy, balanced) = match &algorithm.strategy {
        Strategy::ExhaustiveSearch => ("exhaustiveSearch", None),
        Strategy::Balanced { attribute } => ("balanced", Some(json!(attribute))),
    };
    let batching = match algorithm.batching {
        Batching::Random => "random",
        Batching::Sorted => "sorted",
        Batching::LargestPopulation => "largestPopulation",
        Batching::FastestRegion => "fastestRegion",
    };
    let backfill = match algorithm.backfill_priority {
        BackfillPriority::Normal => "normal",
        BackfillPriority::Low => "low",
        BackfillPriority::High => "high",
    };
    object([
        ("strategy", Some(json!(strategy))),
        ("balancedAttribute", balanced),
        ("batchingPreference", Some(json!(batching))),
        ("sortByAttributes", Some(json!(algorithm.sort_by))),
        ("expansionAgeSelection", Some(json!(age(algorithm.expansion_age)))),
        ("backfillPriority", Some(json!(backfill))),
        ("premadeParity", algorithm.premade_parity.map(|parity| json!(parity))),
    ])
}

fn age(age: AgeBasis) -> &'static str {
    match age {
        AgeBasis::Newest => "newest",
        AgeBasis::Oldest => "oldest",
    }
}

fn rule(rule: &Rule, rules: &RuleSet) -> Value {
    let mut written = kind(&rule.kind, rules);
    let more = object([
        ("name", Some(json!(rule.name))),
        ("description", Some(json!(rule.description))),
        ("weight", rule.weight.map(|weight| json!(weight))),
        ("optionalAfterSeconds", rule.optional_after.map(|after| json!(after.as_secs_f64()))),
        ("ageBasis", rule.age_basis.map(|basis| json!(age(basis)))),
    ]);
    let (Value::Object(written), Value::Object(more)) = (&mut written, more) else { unreachable!() };
    written.extend(more);
    Value::Object(written.clone())
}

fn kind(kind: &RuleKind, rules: &RuleSet) -> Value {
    let number = |number: &Option<Changing>| number.as_ref().map(|number| json!(number.first));
    let party = |party: &Aggregation| Some(json!(aggregation(*party)));
    let measured =
        |measured: &[Expression]| Some(measured.iter().map(|one| json!(expression(one))).collect::<Value>());
    match kind {
        RuleKind::Comparison { measurements, reference, operation, party: by } => object([
            ("type", Some(json!("comparison"))),
            ("measurements", measured(measurements)),
            ("referenceValue", reference.as_ref().map(referred)),
            ("operation", Some(json!(comparator(*operation)))),
            ("partyAggregation", party(by)),
        ]),
        RuleKind::Distance { measurements, reference, min, max, party: by } => object([
            ("type", Some(json!("distance"))),
            ("measurements", measured(measurements)),
            ("referenceValue", Some(referred(reference))),
            ("minDistance", number(min)),
            ("maxDistance", number(max)),
            ("partyAggregation", party(by)),
        ]),
        RuleKind::BatchDistance { attribute, max, party: by } => object([
            ("type", Some(json!("batchDistance"))),
            ("batchAttribute", Some(json!(attribute))),
            ("maxDistance", number(max)),
            ("partyAggregation", party(by)),
        ]),
        RuleKind::Collection { measurements, reference, operation, min_count, max_count, party } => {
            let operation = match operation {
                CollectionOperation::Intersection => "intersection",
                CollectionOperation::Contains => "contains",
                CollectionOperation::ReferenceIntersectionCount => "reference_intersection_count",
            };
            let party = match party {
                SetAggregation::Union => "union",
                SetAggregation::Intersection => "intersection",
            };
            object([
                ("type", Some(json!("collection"))),
                ("measurements", measured(measurements)),
                ("referenceValue", reference.as_ref().map(referred)),
                ("operation", Some(json!(operation))),
                ("minCount", number(min_count)),
                ("maxCount", number(max_count)),
                ("partyAggregation", Some(json!(party))),
            ])
        }
        RuleKind::Latency { max_latency, max_distance, distance_reference, party: by } => object([
            ("type", Some(json!("latency"))),
            ("maxLatency", number(max_latency)),
            ("maxDistance", number(max_distance)),
            ("distanceReference", distance_reference.as_ref().map(|by| json!(aggregation(*by)))),
            ("partyAggregation", party(by)),
        ]),
        RuleKind::DistanceSort { direction, attribute, map_key, party } => {
            sort("distanceSort", *direction, attribute, *map_key, *party)
        }
        RuleKind::AbsoluteSort { direction, attribute, map_key, party } => {
            sort("absoluteSort", *direction, attribute, *map_key, *party)
        }
        RuleKind::Compound { statement } => {
            json!({ "type": "compound", "statement": logic(statement, rules) })
        }
        RuleKind::WinProbability { attribute, max } => {
            json!({ "type": "winProbability", "attribute": attribute, "maxProbability": max.first })
        }
        RuleKind::BlockList { attribute } => json!({ "type": "blockList", "attribute": attribute }),
    }
}

fn sort(kind: &str, direction: Direction, attribute: &str, key: Option<MapKey>, party: Aggregation) -> Value {
    let direction = match direction {
        Direction::Ascending => "ascending",
        Direction::Descending => "descending",
    };
    let key = key.map(|key| match key {
        MapKey::MinValue => json!("minValue"),
        MapKey::MaxValue => json!("maxValue"),
    });
    object([
        ("type", Some(json!(kind))),
        ("sortDirection", Some(json!(direction))),
        ("sortAttribute", Some(json!(attribute))),
        ("mapKey", key),
        ("partyAggregation", Some(json!(aggregation(party)))),
    ])
}

fn aggregation(by: Aggregation) -> &'static str {
    match by {
        Aggregation::Avg => "avg",
        Aggregation::Min => "min",
        Aggregation::Max => "max",
    }
}

fn comparator(operation: Comparator) -> &'static str {
    match operation {
        Comparator::Less => "<",
        Comparator::AtMost => "<=",
        Comparator::Equal => "=",
        Comparator::NotEqual => "!=",
        Comparator::Greater => ">",
        Comparator::AtLeast => ">=",
    }
}

fn referred(reference: &Reference) -> Value {
    match reference {
        Reference::Number(number) => json!(number.first),
        Reference::Expression(Expression::List(texts)) => {
            texts.iter().map(|text| json!(expression(text))).collect()
        }
        Reference::Expression(one) => json!(expression(one)),
    }
}

/// An expression as it is written.
pub(super) fn expression(written: &Expression) -> String {
    match written {
        Expression::Number(number) => number.to_string(),
        Expression::Text(text) => text.clone(),
        Expression::List(list) => list.iter().map(expression).collect::<Vec<_>>().join(","),
        Expression::Property { teams, property } => {
            let teams = match teams {
                Teams::All => "*".to_owned(),
                Teams::Named(names) => names.join(","),
            };
            let property = match property {
                Property::Attribute(name) => format!(".attributes[{name}]"),
                Property::PlayerId => "[playerId]".to_owned(),
                Property::Players => String::new(),
            };
            format!("teams[{teams}].players{property}")
        }
        Expression::Flattened(inner) => format!("flatten({})", expression(inner)),
        Expression::SetIntersection(inner) => format!("set_intersection({})", expression(inner)),
        Expression::Aggregated(aggregate, inner) => {
            let aggregate = match aggregate {
                Aggregate::Min => "min",
                Aggregate::Max => "max",
                Aggregate::Avg => "avg",
                Aggregate::Median => "median",
                Aggregate::Sum => "sum",
                Aggregate::Count => "count",
                Aggregate::Stddev => "stddev",
            };
            format!("{aggregate}({})", expression(inner))
        }
    }
}

fn logic(statement: &Logic, rules: &RuleSet) -> String {
    let all = |word: &str, parts: &[Logic]| {
        let parts: Vec<_> = parts.iter().map(|part| logic(part, rules)).collect();
        format!("{word}({})", parts.join(", "))
    };
    match statement {
        Logic::Rule(rule) => rules.rules[*rule].name.clone(),
        Logic::And(parts) => all("and", parts),
        Logic::Or(parts) => all("or", parts),
        Logic::Xor(parts) => all("xor", parts),
        Logic::Not(part) => format!("not({})", logic(part, rules)),
    }
}

fn expansions(rules: &RuleSet) -> Vec<Value> {
    let teams = rules.teams.iter().flat_map(|team| {
        let named = |(name, number)| (format!("teams[{}].{name}", team.name), number);
        team.numbers().map(named)
    });
    let of_rules = rules.rules.iter().flat_map(|rule| {
        let named = move |(name, number)| (format!("rules[{}].{name}", rule.name), number);
        rule.kind.numbers().into_iter().map(named)
    });
    let changing = teams.chain(of_rules).filter(|(_, number): &(_, &Changing)| !number.steps.is_empty());
    let written = changing.map(|(target, number)| {
        let steps = number.steps.iter();
        let steps =
            steps.map(|step| json!({ "waitTimeSeconds": step.after.as_secs_f64(), "value": step.value }));
        json!({ "target": target, "linear": number.linear, "steps": steps.collect::<Vec<_>>() })
    });
    written.collect()
}
