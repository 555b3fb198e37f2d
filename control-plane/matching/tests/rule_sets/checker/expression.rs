//! Property expressions, as lists of lists.

use matching::{
    Attribute, Ticket,
    rule_set::{Aggregate, Aggregation, AttributeType, Expression, Property, SetAggregation, Teams},
};

use super::{Match, Missing, team_names, value};

/// What an expression yields.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Yield {
    Number(f64),
    Text(String),
    /// And how many levels of lists there are from here on.
    List(Vec<Yield>, u32),
}

use Yield::{List, Number, Text};

/// How a party's values become one; `None`: each player has their own.
#[derive(Clone, Copy)]
pub(super) struct Parties {
    pub(super) numbers: Option<Aggregation>,
    pub(super) lists: Option<SetAggregation>,
}

impl Match<'_> {
    /// `Ok(None)`: no value.
    pub(super) fn eval(&self, expression: &Expression, parties: Parties) -> Result<Option<Yield>, Missing> {
        Ok(match expression {
            Expression::Number(number) => Some(Number(*number)),
            Expression::Text(text) => Some(Text(text.clone())),
            Expression::List(list) => {
                let values: Vec<Option<Yield>> =
                    list.iter().map(|one| self.eval(one, parties)).collect::<Result<_, _>>()?;
                let values: Vec<Yield> = values.into_iter().flatten().collect();
                let levels = values.iter().map(levels).max().unwrap_or(0);
                Some(List(values, levels + 1))
            }
            Expression::Property { teams, property } => Some(self.property(teams, property, parties)?),
            Expression::Flattened(inner) => self.eval(inner, parties)?.map(|inner| match inner {
                List(list, levels) if levels >= 2 => {
                    let values = list.into_iter().flat_map(|value| match value {
                        List(values, _) => values,
                        single => vec![single],
                    });
                    List(values.collect(), levels - 1)
                }
                other => other,
            }),
            Expression::SetIntersection(inner) => self.eval(inner, parties)?.map(set_intersection),
            Expression::Aggregated(by, inner) => {
                self.eval(inner, parties)?.and_then(|inner| aggregated(*by, inner))
            }
        })
    }

    fn property(&self, teams: &Teams, property: &Property, parties: Parties) -> Result<Yield, Missing> {
        let named = |(own, kind): &(String, String)| match teams {
            Teams::All => true,
            Teams::Named(names) => names.contains(own) || names.contains(kind),
        };
        let mut by_team = Vec::new();
        let mut levels = 1;
        if let Property::Attribute(name) = property
            && self.declared(name) == Some(AttributeType::StringList)
        {
            levels = 2;
        }
        for (names, tickets) in team_names(self.rules).iter().zip(&self.teams) {
            if named(names) {
                let mut players = Vec::new();
                for ticket in tickets {
                    players.extend(self.of_ticket(ticket, property, parties)?);
                }
                by_team.push(List(players, levels));
            }
        }
        Ok(match (teams, by_team.len()) {
            (Teams::Named(_), 1) => by_team.remove(0),
            _ => List(by_team, levels + 1),
        })
    }

    /// One value a player.
    fn of_ticket(
        &self,
        ticket: &Ticket,
        property: &Property,
        parties: Parties,
    ) -> Result<Vec<Yield>, Missing> {
        let Property::Attribute(name) = property else {
            return Ok(ticket.players.iter().map(|player| Text(player.id.to_string())).collect());
        };
        let own: Vec<Attribute> =
            ticket.players.iter().map(|player| value(self.rules, player, name)).collect::<Result<_, _>>()?;
        let size = own.len();
        Ok(match self.declared(name) {
            Some(AttributeType::Number) => {
                let numbers: Vec<f64> = own.iter().map(number).collect();
                let party = parties.numbers.map(|by| vec![party_number(by, &numbers); size]);
                party.unwrap_or(numbers).into_iter().map(Number).collect()
            }
            Some(AttributeType::StringList) => {
                let lists: Vec<Vec<String>> = own.iter().map(list).collect();
                let party = parties.lists.map(|by| vec![party_list(by, &lists); size]);
                let lists = party.unwrap_or(lists).into_iter();
                lists.map(|list| List(list.into_iter().map(Text).collect(), 1)).collect()
            }
            _ => own
                .iter()
                .map(|value| match value {
                    Attribute::String(text) => Text(text.to_string()),
                    _ => panic!("not in an expression"),
                })
                .collect(),
        })
    }

    pub(super) fn declared(&self, name: &str) -> Option<AttributeType> {
        self.rules.attributes.iter().find(|declared| declared.name == name).map(|declared| declared.kind)
    }
}

pub(super) fn number(value: &Attribute) -> f64 {
    if let Attribute::Number(number) = value { *number } else { panic!("{value:?}") }
}

pub(super) fn list(value: &Attribute) -> Vec<String> {
    let Attribute::StringList(list) = value else { panic!("{value:?}") };
    list.iter().map(ToString::to_string).collect()
}

pub(super) fn party_number(by: Aggregation, numbers: &[f64]) -> f64 {
    let by = match by {
        Aggregation::Avg => Aggregate::Avg,
        Aggregation::Min => Aggregate::Min,
        Aggregation::Max => Aggregate::Max,
    };
    of_numbers(by, numbers).unwrap()
}

fn party_list(by: SetAggregation, lists: &[Vec<String>]) -> Vec<String> {
    let mut all: Vec<String> = lists.concat();
    all.sort();
    all.dedup();
    if by == SetAggregation::Intersection {
        all.retain(|text| lists.iter().all(|list| list.contains(text)));
    }
    all
}

pub(super) fn levels(value: &Yield) -> u32 {
    if let List(_, levels) = value { *levels } else { 0 }
}

pub(super) fn texts(values: &[Yield]) -> Vec<String> {
    let text = |value: &Yield| if let Text(text) = value { text.clone() } else { panic!("{value:?}") };
    values.iter().map(text).collect()
}

/// Every single value in it.
pub(super) fn leaves(value: &Yield) -> Vec<Yield> {
    match value {
        List(list, _) => list.iter().flat_map(leaves).collect(),
        single => vec![single.clone()],
    }
}

/// The texts that all lists have.
pub(super) fn common(lists: &[Vec<String>]) -> Vec<String> {
    let Some(first) = lists.first() else {
        return Vec::new();
    };
    let mut common: Vec<String> =
        first.iter().filter(|text| lists.iter().all(|list| list.contains(text))).cloned().collect();
    common.sort();
    common.dedup();
    common
}

fn set_intersection(value: Yield) -> Yield {
    let as_list = |list: Vec<String>| List(list.into_iter().map(Text).collect(), 1);
    match value {
        List(list, 1) => as_list(common(&[texts(&list)])),
        List(lists, 2) => {
            let lists: Vec<Vec<String>> = lists
                .iter()
                .map(|list| if let List(list, _) = list { texts(list) } else { panic!("{list:?}") })
                .collect();
            as_list(common(&lists))
        }
        List(list, levels) => List(list.into_iter().map(set_intersection).collect(), levels - 1),
        single => single,
    }
}

fn aggregated(by: Aggregate, value: Yield) -> Option<Yield> {
    match value {
        List(list, 1) if by == Aggregate::Count => Some(Number(list.len() as f64)),
        List(list, 1) => {
            let number =
                |value: &Yield| if let Number(number) = value { *number } else { panic!("{value:?}") };
            of_numbers(by, &list.iter().map(number).collect::<Vec<f64>>()).map(Number)
        }
        List(list, levels) => {
            Some(List(list.into_iter().filter_map(|value| aggregated(by, value)).collect(), levels - 1))
        }
        Number(number) => of_numbers(by, &[number]).map(Number),
        Text(_) => panic!("an aggregate of a text"),
    }
}

fn of_numbers(by: Aggregate, numbers: &[f64]) -> Option<f64> {
    let mut sum = 0.0;
    for number in numbers {
        sum += number;
    }
    let count = numbers.len() as f64;
    if by == Aggregate::Sum {
        return Some(sum);
    }
    if by == Aggregate::Count {
        return Some(count);
    }
    if numbers.is_empty() {
        return None;
    }
    let mut sorted = numbers.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
    Some(match by {
        Aggregate::Min => sorted[0],
        Aggregate::Max => sorted[sorted.len() - 1],
        Aggregate::Avg => sum / count,
        Aggregate::Median => (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0,
        Aggregate::Stddev => {
            let mut squares = 0.0;
            for number in numbers {
                squares += (number - sum / count).powi(2);
            }
            (squares / count).sqrt()
        }
        Aggregate::Sum | Aggregate::Count => unreachable!("answered above"),
    })
}
