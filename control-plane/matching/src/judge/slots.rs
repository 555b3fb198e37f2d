//! Which values of a ticket the rules look at, numbered.
//!
//! An expression names an attribute and how a party's values become one; compiled, it names a slot. What two rules look at in the
//! same way lies in a ticket's facts once. What rules ask of each player by itself has no slot: it is read from the player.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::{
    Attribute, Player,
    rule_set::{Aggregation, AttributeDeclaration, AttributeType, SetAggregation},
};

/// All slots of a rule set.
#[derive(Debug, Default)]
pub(super) struct Slots {
    declared: BTreeMap<SmolStr, Wanted>,
    /// One number a ticket; NaN where it has none.
    pub(super) numbers: Vec<(Wanted, NumberOf)>,
    /// One list a ticket.
    pub(super) lists: Vec<(Wanted, SetAggregation)>,
    /// One number a region.
    pub(super) latencies: Vec<Aggregation>,
    /// Texts that are the same for all tickets of a match.
    pub(super) keys: Vec<Wanted>,
    /// What rules ask for; a ticket remembers what it lacks of it.
    pub(super) looked_at: Vec<Wanted>,
}

/// An attribute that rules look at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) name: SmolStr,
    pub(super) kind: AttributeType,
    default: Option<Attribute>,
    /// Its place in the declarations: its name in a list of what a ticket lacks.
    pub(super) index: u16,
}

/// How an attribute becomes one number for a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberOf {
    /// A party's numbers, aggregated.
    Party(Aggregation),
    /// The sum of the means of `{mu, sigma}`.
    Mu,
    /// The sum of the squares of their deviations.
    Variance,
}

impl Wanted {
    /// A player's value or the default. `None`: there is none, or one of another type.
    pub(super) fn of<'a>(&'a self, player: &'a Player) -> Option<&'a Attribute> {
        let own = player.attributes.get(&self.name).filter(|value| self.fits(value));
        own.or(self.default.as_ref().filter(|value| self.fits(value)))
    }

    pub(super) fn number(&self, player: &Player) -> Option<f64> {
        if let Attribute::Number(number) = self.of(player)? { Some(*number) } else { None }
    }

    pub(super) fn text<'a>(&'a self, player: &'a Player) -> Option<&'a SmolStr> {
        if let Attribute::String(text) = self.of(player)? { Some(text) } else { None }
    }

    pub(super) fn list<'a>(&'a self, player: &'a Player) -> Option<&'a [SmolStr]> {
        if let Attribute::StringList(list) = self.of(player)? { Some(list) } else { None }
    }

    /// A value of `{mu, sigma}`.
    pub(super) fn of_map(&self, player: &Player, key: &str) -> Option<f64> {
        let Attribute::StringNumberMap(map) = self.of(player)? else {
            return None;
        };
        map.get(key).copied().filter(|number| number.is_finite())
    }

    /// For messages.
    pub(super) fn kind_in_words(&self) -> &'static str {
        match self.kind {
            AttributeType::Number => "a number",
            AttributeType::String => "a text",
            AttributeType::StringList => "a list of texts",
            AttributeType::StringNumberMap => "a map of numbers",
        }
    }

    fn fits(&self, value: &Attribute) -> bool {
        match (value, self.kind) {
            (Attribute::Number(number), AttributeType::Number) => number.is_finite(),
            (Attribute::String(_), AttributeType::String)
            | (Attribute::StringList(_), AttributeType::StringList)
            | (Attribute::StringNumberMap(_), AttributeType::StringNumberMap) => true,
            _ => false,
        }
    }
}

impl Slots {
    pub(super) fn new(declared: &[AttributeDeclaration]) -> Self {
        let wanted = (0_u16..).zip(declared).map(|(index, declaration)| {
            let name = SmolStr::new(&declaration.name);
            let default = declaration.default.clone();
            (name.clone(), Wanted { name, kind: declaration.kind, default, index })
        });
        Self { declared: wanted.collect(), ..Self::default() }
    }

    /// `None`: it isn't declared, as no name is in a checked rule set.
    pub(super) fn wanted(&self, attribute: &str) -> Option<&Wanted> {
        self.declared.get(attribute)
    }

    pub(super) fn number(&mut self, wanted: &Wanted, of: NumberOf) -> usize {
        slot(&mut self.numbers, (wanted.clone(), of))
    }

    pub(super) fn list(&mut self, wanted: &Wanted, party: SetAggregation) -> usize {
        slot(&mut self.lists, (wanted.clone(), party))
    }

    pub(super) fn latency(&mut self, party: Aggregation) -> usize {
        slot(&mut self.latencies, party)
    }

    pub(super) fn key(&mut self, wanted: &Wanted) -> usize {
        slot(&mut self.keys, wanted.clone())
    }

    pub(super) fn look_at(&mut self, wanted: &Wanted) {
        slot(&mut self.looked_at, wanted.clone());
    }

    /// Whether it is wanted as `{mu, sigma}`.
    pub(super) fn is_skill(&self, wanted: &Wanted) -> bool {
        self.numbers.iter().any(|(known, of)| *of == NumberOf::Mu && known == wanted)
    }
}

fn slot<T: PartialEq>(slots: &mut Vec<T>, wanted: T) -> usize {
    slots.iter().position(|known| *known == wanted).unwrap_or_else(|| {
        slots.push(wanted);
        slots.len() - 1
    })
}
