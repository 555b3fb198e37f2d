//! Property expressions, compiled.
//!
//! Names have become indices: of teams as they are played, and of slots in facts. A party's numbers and lists were aggregated when its
//! ticket came, and every player of it stands with them; what is each player's own is read from the player.

use smol_str::SmolStr;

use super::{
    Facts,
    numbers::aggregate,
    slots::{NumberOf, Slots, Wanted},
    teams::TeamSet,
    value::Value,
};
use crate::rule_set::{Aggregate, Aggregation, AttributeType, Expression, Property, SetAggregation};

/// The tickets of a lineup, by team.
pub(super) type Crew<'a> = [Vec<&'a Facts>];

/// A compiled expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Measure {
    Number(f64),
    Text(SmolStr),
    List(Vec<Measure>),
    Property { teams: TeamSet, source: Source },
    Flattened(Box<Measure>),
    Intersection(Box<Measure>),
    Aggregated(Aggregate, Box<Measure>),
}

/// What of a team's players.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    /// The party's, by slot.
    Number(usize),
    /// The party's, by slot.
    List(usize),
    /// The player's own.
    OwnNumber(Wanted),
    OwnText(Wanted),
    OwnList(Wanted),
    PlayerId,
    /// An attribute that can't stand in an expression; a checked rule set has none.
    Nothing,
}

/// How the values of a party become one; `None`: they don't.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parties {
    pub(super) numbers: Option<Aggregation>,
    pub(super) lists: Option<SetAggregation>,
}

impl Measure {
    /// What it yields; `None` where that is nothing, like the average of no players.
    ///
    /// The players it looks at must have what it looks at; the rules see to that first.
    pub(super) fn of<'a>(&'a self, crew: &Crew<'a>) -> Option<Value<'a>> {
        match self {
            Self::Number(number) => Some(Value::Number(*number)),
            Self::Text(text) => Some(Value::Text(text)),
            Self::List(list) => Some(Value::list(list.iter().filter_map(|one| one.of(crew)).collect())),
            Self::Property { teams, source } if teams.nested => {
                Some(Value::List(teams.indices.iter().map(|&team| source.of(&crew[team])).collect()))
            }
            Self::Property { teams, source } => Some(source.of(&crew[teams.indices[0]])),
            Self::Flattened(inner) => Some(inner.of(crew)?.flatten()),
            Self::Intersection(inner) => Some(inner.of(crew)?.intersection()),
            Self::Aggregated(by, inner) => match inner.aggregated_at_once(*by, crew) {
                Some(value) => value,
                None => inner.of(crew)?.aggregate(*by),
            },
        }
    }

    /// The usual aggregates, of numbers that lie in the facts, without collecting these first. `None`: this is another.
    fn aggregated_at_once<'a>(&self, by: Aggregate, crew: &Crew<'a>) -> Option<Option<Value<'a>>> {
        match self {
            Self::Property { teams, source: Source::Number(slot) } if teams.nested => {
                let of_team = |&team: &usize| aggregate(by, numbers(&crew[team], *slot));
                Some(Some(Value::Numbers(teams.indices.iter().filter_map(of_team).collect())))
            }
            Self::Property { teams, source: Source::Number(slot) } => {
                Some(aggregate(by, numbers(&crew[teams.indices[0]], *slot)).map(Value::Number))
            }
            Self::Flattened(inner) => match &**inner {
                Self::Property { teams, source: Source::Number(slot) } => {
                    let all = teams.indices.iter().flat_map(|&team| numbers(&crew[team], *slot));
                    Some(aggregate(by, all).map(Value::Number))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

impl Source {
    fn of<'a>(&'a self, team: &[&'a Facts]) -> Value<'a> {
        let players = || team.iter().flat_map(|facts| facts.players.iter());
        match self {
            Self::Number(slot) => Value::Numbers(numbers(team, *slot).collect()),
            Self::List(slot) => {
                let stands = |facts: &&'a Facts| {
                    let facts: &'a Facts = facts;
                    std::iter::repeat_n(Value::Own(&facts.lists()[*slot]), facts.size())
                };
                Value::List(team.iter().flat_map(stands).collect())
            }
            Self::OwnNumber(wanted) => {
                Value::Numbers(players().filter_map(|player| wanted.number(player)).collect())
            }
            Self::OwnText(wanted) => Value::Texts(
                players().filter_map(|player| wanted.text(player)).map(SmolStr::as_str).collect(),
            ),
            Self::OwnList(wanted) => {
                Value::List(players().filter_map(|player| wanted.list(player)).map(Value::Bag).collect())
            }
            Self::PlayerId => Value::Texts(players().map(|player| player.id.as_str()).collect()),
            Self::Nothing => Value::List(Vec::new()),
        }
    }
}

/// A team's numbers: of each player the party's.
pub(super) fn numbers<'f>(team: &'f [&Facts], slot: usize) -> impl Iterator<Item = f64> + Clone + 'f {
    team.iter().flat_map(move |facts| std::iter::repeat_n(facts.numbers[slot], facts.size()))
}

/// Compiles the expressions of one rule, and keeps what they look at.
#[derive(Debug)]
pub(super) struct Reading<'c> {
    pub(super) slots: &'c mut Slots,
    /// For each of the teams as played: its own name, and the name of its kind.
    pub(super) names: &'c [[String; 2]],
    pub(super) parties: Parties,
    /// Of whom the rule looks at which attribute.
    pub(super) looks_at: Vec<(TeamSet, Wanted)>,
    /// Whom the rule names.
    pub(super) named: Vec<TeamSet>,
}

impl Reading<'_> {
    pub(super) fn all(&mut self, expressions: &[Expression]) -> Vec<Measure> {
        expressions.iter().map(|expression| self.one(expression)).collect()
    }

    pub(super) fn one(&mut self, expression: &Expression) -> Measure {
        match expression {
            Expression::Number(number) => Measure::Number(*number),
            Expression::Text(text) => Measure::Text(text.into()),
            Expression::List(list) => Measure::List(self.all(list)),
            Expression::Flattened(inner) => Measure::Flattened(Box::new(self.one(inner))),
            Expression::SetIntersection(inner) => Measure::Intersection(Box::new(self.one(inner))),
            Expression::Aggregated(by, inner) => Measure::Aggregated(*by, Box::new(self.one(inner))),
            Expression::Property { teams, property } => {
                let teams = TeamSet::new(teams, self.names);
                self.named.push(teams.clone());
                let source = self.source(&teams, property);
                Measure::Property { teams, source }
            }
        }
    }

    fn source(&mut self, teams: &TeamSet, property: &Property) -> Source {
        let Property::Attribute(attribute) = property else {
            return Source::PlayerId;
        };
        let Some(wanted) = self.slots.wanted(attribute).cloned() else {
            return Source::Nothing;
        };
        self.looks_at.push((teams.clone(), wanted.clone()));
        match wanted.kind {
            AttributeType::Number => match self.parties.numbers {
                Some(party) => Source::Number(self.slots.number(&wanted, NumberOf::Party(party))),
                None => Source::OwnNumber(wanted),
            },
            AttributeType::String => Source::OwnText(wanted),
            AttributeType::StringList => match self.parties.lists {
                Some(party) => Source::List(self.slots.list(&wanted, party)),
                None => Source::OwnList(wanted),
            },
            AttributeType::StringNumberMap => Source::Nothing,
        }
    }
}
