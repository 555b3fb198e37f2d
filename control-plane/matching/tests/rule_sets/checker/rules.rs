//! The rules, one by one.

use std::{collections::BTreeSet, time::Duration};

use matching::{
    Attribute, Ticket,
    rule_set::{
        Aggregation, AttributeType, Changing, CollectionOperation, Comparator, Expression, Logic, Property,
        Reference, RuleKind,
    },
};

use super::{
    Match, Missing,
    expression::{Parties, Yield, common, leaves, levels, list, number, party_number, texts},
    value,
};

impl Match<'_> {
    /// Whether the rule of this index holds or isn't asked any more.
    pub(crate) fn rule_holds(&self, index: usize) -> bool {
        let rule = &self.rules.rules[index];
        let age = self.age(rule.age_basis.unwrap_or(self.rules.algorithm.expansion_age));
        if rule.optional_after.is_some_and(|after| age >= after) {
            return true;
        }
        self.kind_holds(&rule.kind, age).unwrap_or(false)
    }

    fn kind_holds(&self, kind: &RuleKind, age: Duration) -> Result<bool, Missing> {
        let at = |number: &Option<Changing>, without: f64| {
            number.as_ref().map_or(without, |number| self.at(number, age))
        };
        match kind {
            RuleKind::Comparison { measurements, reference: Some(reference), operation, party } => {
                let parties = Parties { numbers: Some(*party), lists: None };
                let measured = self.measured(measurements, parties)?;
                let Some(reference) = self.reference(reference, parties, age)? else {
                    return Ok(true);
                };
                Ok(measured.iter().all(|value| compares(value, *operation, &reference)))
            }
            RuleKind::Comparison { measurements, reference: None, operation, .. } => {
                let measured = self.measured(measurements, Parties { numbers: None, lists: None })?;
                let pairs = |ask: fn(&Yield, &Yield) -> bool| {
                    (0..measured.len()).all(|b| (0..b).all(|a| ask(&measured[a], &measured[b])))
                };
                Ok(match operation {
                    Comparator::Equal => pairs(|a, b| a == b),
                    Comparator::NotEqual => pairs(|a, b| a != b),
                    _ => false,
                })
            }
            RuleKind::Distance { measurements, reference, min, max, party } => {
                let parties = Parties { numbers: Some(*party), lists: None };
                let measured = self.measured(measurements, parties)?;
                let Some(Yield::Number(reference)) = self.reference(reference, parties, age)? else {
                    return Ok(true);
                };
                let (min, max) = (at(min, 0.0), at(max, f64::INFINITY));
                Ok(measured.iter().all(|value| {
                    let Yield::Number(value) = value else { panic!("{value:?}") };
                    let distance = (value - reference).abs();
                    min <= distance && distance <= max
                }))
            }
            RuleKind::BatchDistance { attribute, max, party } => {
                if self.declared(attribute) == Some(AttributeType::String) {
                    let mut texts = BTreeSet::new();
                    for player in self.tickets().iter().flat_map(|ticket| ticket.players.iter()) {
                        let Attribute::String(text) = value(self.rules, player, attribute)? else { panic!() };
                        texts.insert(text);
                    }
                    return Ok(texts.len() <= 1);
                }
                let mut numbers = Vec::new();
                for ticket in self.tickets() {
                    numbers.push(party_number(*party, &self.own(ticket, attribute, number)?));
                }
                let max = at(max, f64::INFINITY);
                Ok(numbers.iter().all(|a| numbers.iter().all(|b| (a - b).abs() <= max)))
            }
            RuleKind::Collection { measurements, reference, operation, min_count, max_count, party } => {
                let parties = Parties {
                    numbers: None,
                    lists: (*operation != CollectionOperation::Contains).then_some(*party),
                };
                let reference = match reference {
                    Some(reference) => self.reference(reference, parties, age)?,
                    None => None,
                };
                let reference: Vec<String> = texts(&reference.iter().flat_map(leaves).collect::<Vec<_>>());
                let range = at(min_count, 0.0)..=at(max_count, f64::INFINITY);
                for measurement in measurements {
                    let Some(value) = self.eval(measurement, parties)? else { continue };
                    let players_lists = self.is_of_players_lists(measurement) && levels(&value) >= 2;
                    for count in counts(&value, *operation, &reference, players_lists) {
                        if !range.contains(&(count as f64)) {
                            return Ok(false);
                        }
                    }
                }
                Ok(true)
            }
            RuleKind::Latency { max_latency, max_distance, distance_reference, party } => {
                let (max, apart) = (at(max_latency, f64::INFINITY), at(max_distance, f64::INFINITY));
                Ok(self.regions().iter().any(|region| {
                    let of = |ticket: &Ticket| -> Option<f64> {
                        let of_players = ticket.players.iter().map(|player| player.latencies.get(region));
                        let latencies: Option<Vec<f64>> =
                            of_players.map(|latency| latency.map(|&latency| f64::from(latency))).collect();
                        latencies.map(|latencies| party_number(*party, &latencies))
                    };
                    let mut latencies = Vec::new();
                    for ticket in self.tickets() {
                        let Some(latency) = of(ticket) else { return false };
                        latencies.extend(vec![latency; ticket.size()]);
                    }
                    let reference = party_number(distance_reference.unwrap_or(Aggregation::Min), &latencies);
                    latencies.iter().all(|latency| *latency <= max && (latency - reference).abs() <= apart)
                }))
            }
            RuleKind::DistanceSort { .. } | RuleKind::AbsoluteSort { .. } => Ok(true),
            RuleKind::Compound { statement } => Ok(self.statement_holds(statement)),
            RuleKind::WinProbability { attribute, max } => {
                let mut teams = Vec::new();
                for tickets in self.teams.iter().filter(|tickets| !tickets.is_empty()) {
                    let (mut mu, mut variance) = (0.0, 0.0);
                    for player in tickets.iter().flat_map(|ticket| ticket.players.iter()) {
                        let Attribute::StringNumberMap(map) = value(self.rules, player, attribute)? else {
                            panic!()
                        };
                        mu += map.get("mu").ok_or(Missing)?;
                        variance += map.get("sigma").ok_or(Missing)?.powi(2);
                    }
                    teams.push((mu, variance));
                }
                Ok(teams.len() < 2 || likeliest(&teams) <= self.at(max, age))
            }
            RuleKind::BlockList { attribute } => {
                for ticket in self.tickets() {
                    for player in ticket.players.iter() {
                        let blocked = list(&value(self.rules, player, attribute)?);
                        let others = self.tickets().into_iter().filter(|other| other.id != ticket.id);
                        let mut met = others.flat_map(|other| other.players.iter());
                        if met.any(|other| blocked.iter().any(|id| id == other.id.as_str())) {
                            return Ok(false);
                        }
                    }
                }
                Ok(true)
            }
        }
    }

    fn statement_holds(&self, statement: &Logic) -> bool {
        let count = |list: &[Logic]| list.iter().filter(|logic| self.statement_holds(logic)).count();
        match statement {
            Logic::Rule(index) => self.rule_holds(*index),
            Logic::And(list) => count(list) == list.len(),
            Logic::Or(list) => count(list) > 0,
            Logic::Xor(list) => count(list) == 1,
            Logic::Not(inner) => !self.statement_holds(inner),
        }
    }

    /// All single values that the measurements yield.
    fn measured(&self, measurements: &[Expression], parties: Parties) -> Result<Vec<Yield>, Missing> {
        let mut all = Vec::new();
        for measurement in measurements {
            all.extend(self.eval(measurement, parties)?.iter().flat_map(leaves));
        }
        Ok(all)
    }

    fn reference(
        &self,
        reference: &Reference,
        parties: Parties,
        age: Duration,
    ) -> Result<Option<Yield>, Missing> {
        match reference {
            Reference::Number(number) => Ok(Some(Yield::Number(self.at(number, age)))),
            Reference::Expression(expression) => self.eval(expression, parties),
        }
    }

    fn own<T>(&self, ticket: &Ticket, name: &str, read: fn(&Attribute) -> T) -> Result<Vec<T>, Missing> {
        ticket
            .players
            .iter()
            .map(|player| value(self.rules, player, name).map(|value| read(&value)))
            .collect()
    }

    /// Whether its innermost lists are the values of a `string_list` attribute.
    fn is_of_players_lists(&self, expression: &Expression) -> bool {
        match expression {
            Expression::Property { property: Property::Attribute(name), .. } => {
                self.declared(name) == Some(AttributeType::StringList)
            }
            Expression::Flattened(inner) => self.is_of_players_lists(inner),
            _ => false,
        }
    }

    fn regions(&self) -> BTreeSet<String> {
        let players = self.tickets().into_iter().flat_map(|ticket| ticket.players.iter());
        players.flat_map(|player| player.latencies.iter().map(|(region, _)| region.to_string())).collect()
    }
}

fn compares(value: &Yield, operation: Comparator, reference: &Yield) -> bool {
    match (value, reference) {
        (Yield::Number(value), Yield::Number(reference)) => match operation {
            Comparator::Less => value < reference,
            Comparator::AtMost => value <= reference,
            Comparator::Equal => value == reference,
            Comparator::NotEqual => value != reference,
            Comparator::Greater => value > reference,
            Comparator::AtLeast => value >= reference,
        },
        (Yield::Text(value), Yield::Text(reference)) => match operation {
            Comparator::Equal => value == reference,
            Comparator::NotEqual => value != reference,
            _ => false,
        },
        _ => panic!("{value:?} against {reference:?}"),
    }
}

/// The counts that a measurement of a collection rule yields.
fn counts(
    value: &Yield,
    operation: CollectionOperation,
    reference: &[String],
    players_lists: bool,
) -> Vec<usize> {
    let Yield::List(list, levels) = value else {
        return counts(&Yield::List(vec![value.clone()], 1), operation, reference, players_lists);
    };
    let own =
        |value: &Yield| if let Yield::List(list, _) = value { texts(list) } else { panic!("{value:?}") };
    match operation {
        CollectionOperation::Intersection if *levels == 2 && list.is_empty() => vec![],
        CollectionOperation::Intersection if *levels == 2 => {
            vec![common(&list.iter().map(own).collect::<Vec<_>>()).len()]
        }
        CollectionOperation::Intersection if *levels == 1 => vec![common(&[texts(list)]).len()],
        CollectionOperation::Contains if *levels == 2 && players_lists => {
            vec![list.iter().filter(|list| own(list).iter().any(|text| reference.contains(text))).count()]
        }
        CollectionOperation::Contains if *levels == 1 => {
            vec![texts(list).iter().filter(|text| reference.contains(text)).count()]
        }
        CollectionOperation::ReferenceIntersectionCount if *levels == 1 => {
            let distinct: BTreeSet<String> = texts(list).into_iter().collect();
            vec![distinct.iter().filter(|text| reference.contains(text)).count()]
        }
        _ => list.iter().flat_map(|value| counts(value, operation, reference, players_lists)).collect(),
    }
}

/// The likeliest winner's chance by Plackett and Luce, from each team's sum of mu and of sigma².
fn likeliest(teams: &[(f64, f64)]) -> f64 {
    let beta = 25.0_f64 / 6.0;
    let mut c = 0.0;
    for (_, variance) in teams {
        c += variance + beta.powi(2);
    }
    let c = c.sqrt();
    let chance = |mine: f64| 1.0 / teams.iter().map(|(other, _)| ((other - mine) / c).exp()).sum::<f64>();
    teams.iter().map(|(mu, _)| chance(*mu)).fold(0.0, f64::max)
}
