//! Sort rules: which of the tickets that lie close enough are looked at first.

use std::cmp::Ordering;

use super::{Facts, numbers::party};
use crate::{
    Attribute, Player,
    rule_set::{Aggregation, Direction, MapKey, RuleKind, RuleSet},
};

/// The sort rules of a rule set, in the file's order.
#[derive(Debug, Default)]
pub(super) struct Sorting(Vec<Sort>);

#[derive(Debug)]
struct Sort {
    attribute: String,
    default: Option<Attribute>,
    map_key: Option<MapKey>,
    party: Aggregation,
    direction: Direction,
    /// Whether what counts is how far a value is from the anchor's.
    from_anchor: bool,
}

impl Sorting {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let sort = |kind: &RuleKind| {
            let (from_anchor, direction, attribute, map_key, party) = match kind {
                RuleKind::DistanceSort { direction, attribute, map_key, party } => {
                    (true, *direction, attribute, *map_key, *party)
                }
                RuleKind::AbsoluteSort { direction, attribute, map_key, party } => {
                    (false, *direction, attribute, *map_key, *party)
                }
                _ => return None,
            };
            let declared = rules.attributes.iter().find(|declared| declared.name == *attribute);
            let default = declared.and_then(|declared| declared.default.clone());
            Some(Sort { attribute: attribute.clone(), default, map_key, party, direction, from_anchor })
        };
        Self(rules.rules.iter().filter_map(|rule| sort(&rule.kind)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a ticket stands for this anchor: by the first rule, then by the next. Lower is looked at first; what has no
    /// value is last.
    pub(super) fn place(&self, anchor: &Facts, other: &Facts) -> Vec<f64> {
        self.0.iter().map(|sort| sort.place(anchor, other)).collect()
    }
}

/// Compares two places.
pub(super) fn compare(a: &[f64], b: &[f64]) -> Ordering {
    a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

impl Sort {
    fn place(&self, anchor: &Facts, other: &Facts) -> f64 {
        let key = self.map_key.map(|which| self.key(anchor, which));
        // An anchor without any key has nothing to sort others by.
        let Some(value) = self.value(other, key.as_ref().map(Option::as_deref)) else { return f64::INFINITY };
        let value = if self.from_anchor {
            let Some(own) = self.value(anchor, key.as_ref().map(Option::as_deref)) else {
                return f64::INFINITY;
            };
            (value - own).abs()
        } else {
            value
        };
        match self.direction {
            Direction::Ascending => value,
            Direction::Descending => -value,
        }
    }

    /// A party's value; `key`: of a map, the value under that key.
    fn value(&self, facts: &Facts, key: Option<Option<&str>>) -> Option<f64> {
        let values = facts.players.iter().map(|player| match (self.attribute_of(player)?, key) {
            (Attribute::Number(number), None) => Some(*number),
            (Attribute::StringNumberMap(map), Some(key)) => map.get(key?).copied(),
            _ => None,
        });
        let values: Option<Vec<f64>> = values.collect();
        party(self.party, values?.into_iter())
    }

    /// The key under which the ticket's value is the lowest, or the highest; of equals the first by name.
    fn key(&self, facts: &Facts, which: MapKey) -> Option<String> {
        let Attribute::StringNumberMap(map) = self.attribute_of(facts.players.first()?)? else { return None };
        let values = map.iter().filter_map(|(key, _)| Some((key, self.value(facts, Some(Some(key)))?)));
        let best = match which {
            MapKey::MinValue => values.min_by(|a, b| a.1.total_cmp(&b.1)),
            MapKey::MaxValue => values.max_by(|a, b| a.1.total_cmp(&b.1).then_with(|| b.0.cmp(a.0))),
        };
        best.map(|(key, _)| key.to_string())
    }

    fn attribute_of<'a>(&'a self, player: &'a Player) -> Option<&'a Attribute> {
        player.attributes.get(&self.attribute).or(self.default.as_ref())
    }
}
