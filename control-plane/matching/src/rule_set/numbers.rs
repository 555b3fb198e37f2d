//! The numbers of rules and teams by their names in the file: what expansions change, and what is shown of them.

use std::cmp::Ordering;

use super::{Changing, Comparator, Reference, RuleKind, TeamSpec};

/// A number that an expansion may name.
#[derive(Debug)]
pub(super) enum Number<'a> {
    /// There is one.
    Here(&'a mut Changing),
    /// A rule or team of this kind may have it, but this one has none.
    Unset,
    /// It is no number here, but a text or an expression.
    Other,
}

impl TeamSpec {
    /// Its numbers, by name.
    pub fn numbers(&self) -> [(&'static str, &Changing); 2] {
        [("minPlayers", &self.min_players), ("maxPlayers", &self.max_players)]
    }

    /// How many teams of this kind a name in an expression stands for: all by its own name, one by `<name>_<number>`.
    pub fn stands_for(&self, name: &str) -> u32 {
        if self.name == name {
            return self.quantity;
        }
        let number = name.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('_'));
        let number = number.and_then(|number| number.parse::<u32>().ok());
        u32::from(self.quantity > 1 && number.is_some_and(|number| (1..=self.quantity).contains(&number)))
    }
}

impl RuleKind {
    /// Its numbers, by name: those that are set.
    pub fn numbers(&self) -> Vec<(&'static str, &Changing)> {
        let all = match self {
            Self::Comparison { reference, .. } => {
                vec![("referenceValue", reference.as_ref().and_then(number_of))]
            }
            Self::Distance { reference, min, max, .. } => vec![
                ("referenceValue", number_of(reference)),
                ("minDistance", min.as_ref()),
                ("maxDistance", max.as_ref()),
            ],
            Self::BatchDistance { max, .. } => vec![("maxDistance", max.as_ref())],
            Self::Collection { min_count, max_count, .. } => {
                vec![("minCount", min_count.as_ref()), ("maxCount", max_count.as_ref())]
            }
            Self::Latency { max_latency, max_distance, .. } => {
                vec![("maxLatency", max_latency.as_ref()), ("maxDistance", max_distance.as_ref())]
            }
            Self::WinProbability { max, .. } => vec![("maxProbability", Some(max))],
            _ => Vec::new(),
        };
        all.into_iter().filter_map(|(name, number)| Some((name, number?))).collect()
    }

    /// The number of this name. `None`: rules of this kind have none of this name.
    pub(super) fn number_mut(&mut self, name: &str) -> Option<Number<'_>> {
        let slot = match (self, name) {
            (Self::Distance { reference, .. }, "referenceValue") => return Some(reference_mut(reference)),
            (Self::Comparison { reference, .. }, "referenceValue") => {
                return Some(reference.as_mut().map_or(Number::Unset, reference_mut));
            }
            (Self::Collection { reference: Some(_), .. }, "referenceValue") => return Some(Number::Other),
            (Self::Distance { min, .. }, "minDistance") => min,
            (Self::Distance { max, .. } | Self::BatchDistance { max, .. }, "maxDistance") => max,
            (Self::Latency { max_distance, .. }, "maxDistance") => max_distance,
            (Self::Latency { max_latency, .. }, "maxLatency") => max_latency,
            (Self::Collection { min_count, .. }, "minCount") => min_count,
            (Self::Collection { max_count, .. }, "maxCount") => max_count,
            (Self::WinProbability { max, .. }, "maxProbability") => return Some(Number::Here(max)),
            _ => return None,
        };
        Some(slot.as_mut().map_or(Number::Unset, Number::Here))
    }

    /// Which way the number of this name goes when it loosens. `None`: there is no such way.
    pub(super) fn loosens(&self, name: &str) -> Option<Ordering> {
        match (name, self) {
            ("maxDistance" | "maxLatency" | "maxCount" | "maxProbability", _) => Some(Ordering::Greater),
            ("minDistance" | "minCount", _) => Some(Ordering::Less),
            ("referenceValue", Self::Comparison { operation, .. }) => match operation {
                Comparator::Less | Comparator::AtMost => Some(Ordering::Greater),
                Comparator::Greater | Comparator::AtLeast => Some(Ordering::Less),
                Comparator::Equal | Comparator::NotEqual => None,
            },
            _ => None,
        }
    }
}

fn number_of(reference: &Reference) -> Option<&Changing> {
    match reference {
        Reference::Number(number) => Some(number),
        Reference::Expression(_) => None,
    }
}

fn reference_mut(reference: &mut Reference) -> Number<'_> {
    match reference {
        Reference::Number(number) => Number::Here(number),
        Reference::Expression(_) => Number::Other,
    }
}
