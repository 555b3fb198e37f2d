//! Between which numbers an expression can lie, as far as team sizes say it.

use super::{
    super::{Aggregate, AttributeType, Changing, Expression, Property, RuleSet, Teams},
    ages,
};

/// From the lowest to the highest; infinite where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Range {
    const ANY: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };
    const NOT_NEGATIVE: Self = Self { low: 0.0, high: f64::INFINITY };

    /// Of a number over all ages.
    pub(super) fn of(number: &Changing) -> Self {
        let values = ages([number]).into_iter().map(|age| number.at(age));
        let start = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };
        values.fold(start, |range, value| Self { low: range.low.min(value), high: range.high.max(value) })
    }

    /// How far numbers of two ranges are apart.
    pub(super) fn distance(self, other: Self) -> Self {
        let low = (self.low - other.high).max(other.low - self.high).max(0.0);
        let high = (self.high - other.low).max(other.high - self.low);
        Self { low, high }
    }

    /// Of each of an expression's numbers.
    pub(super) fn of_expression(expression: &Expression, rules: &RuleSet) -> Self {
        match expression {
            Expression::Number(number) => Self { low: *number, high: *number },
            Expression::Flattened(inner) => Self::of_expression(inner, rules),
            Expression::Aggregated(aggregate, inner) => match aggregate {
                Aggregate::Count => Self::of_count(inner, rules),
                Aggregate::Min | Aggregate::Max | Aggregate::Avg | Aggregate::Median => {
                    Self::of_expression(inner, rules)
                }
                Aggregate::Stddev => Self::NOT_NEGATIVE,
                Aggregate::Sum if Self::of_expression(inner, rules).low >= 0.0 => Self::NOT_NEGATIVE,
                Aggregate::Sum => Self::ANY,
            },
            _ => Self::ANY,
        }
    }

    /// Of how many elements the innermost lists of an expression have.
    pub(super) fn of_count(lists: &Expression, rules: &RuleSet) -> Self {
        match lists {
            Expression::Property { teams, property } if !is_list(property, rules) => {
                let sizes = sizes(teams, rules).map(|(size, _)| size);
                let join = |one: Self, other: Self| Self {
                    low: one.low.min(other.low),
                    high: one.high.max(other.high),
                };
                sizes.reduce(join).unwrap_or(Self::NOT_NEGATIVE)
            }
            Expression::Flattened(inner) => match inner.as_ref() {
                // One list of all players' values, also where a value is itself a list.
                Expression::Property { teams, property } if !is_list(property, rules) => {
                    let add = |sum: Self, (size, teams): (Self, f64)| Self {
                        low: sum.low + size.low * teams,
                        high: sum.high + size.high * teams,
                    };
                    sizes(teams, rules).fold(Self { low: 0.0, high: 0.0 }, add)
                }
                _ => Self::NOT_NEGATIVE,
            },
            _ => Self::NOT_NEGATIVE,
        }
    }

    /// Of how many values, perhaps themselves lists, a collection rule's measurement holds.
    pub(super) fn of_players(measured: &Expression, rules: &RuleSet) -> Self {
        let (teams, flat) = match measured {
            Expression::Property { teams, .. } => (teams, false),
            Expression::Flattened(inner) => match inner.as_ref() {
                Expression::Property { teams, property } if is_list(property, rules) => (teams, true),
                _ => return Self::of_count(measured, rules),
            },
            _ => return Self::NOT_NEGATIVE,
        };
        let whole: Vec<_> = sizes(teams, rules).collect();
        match flat {
            // Of several teams one list of all players' lists; of one team a list of all their texts.
            true if whole.len() > 1
                || whole.iter().any(|(_, teams)| *teams > 1.0)
                || *teams == Teams::All =>
            {
                let high = whole.iter().map(|(size, teams)| size.high * teams).sum();
                Self { low: 0.0, high }
            }
            true => Self::NOT_NEGATIVE,
            false => Self { low: 0.0, high: whole.iter().map(|(size, _)| size.high).fold(0.0, f64::max) },
        }
    }
}

fn is_list(property: &Property, rules: &RuleSet) -> bool {
    let Property::Attribute(name) = property else { return false };
    let declared = rules.attributes.iter().find(|declared| declared.name == *name);
    declared.is_some_and(|declared| declared.kind == AttributeType::StringList)
}

/// For each kind of team that is named: how many players one has, and how many of them there are.
fn sizes<'a>(teams: &'a Teams, rules: &'a RuleSet) -> impl Iterator<Item = (Range, f64)> + 'a {
    rules.teams.iter().filter_map(move |team| {
        let count = match teams {
            Teams::All => team.quantity,
            Teams::Named(names) => names.iter().map(|name| team.stands_for(name)).sum(),
        };
        let size = Range { low: Range::of(&team.min_players).low, high: Range::of(&team.max_players).high };
        (count > 0).then_some((size, f64::from(count)))
    })
}
