//! The names that a rule set declares, for those who use them.

use super::super::AttributeType;

/// What may be named.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The attributes; no type where the declaration is broken.
    pub(super) attributes: Vec<(String, Option<AttributeType>)>,
    /// The teams and how many there are of each.
    pub(super) teams: Vec<(String, u32)>,
}

impl Names {
    pub(super) fn attribute(&self, name: &str) -> Option<Option<AttributeType>> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind)
    }

    pub(super) fn attribute_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.attributes.iter().map(|(name, _)| name.as_str())
    }

    /// How many teams this name stands for: all of a kind, or one of them by its number.
    pub(super) fn teams_of(&self, name: &str) -> Option<u32> {
        let kind = self.teams.iter().find(|(known, _)| known == name);
        kind.map(|(_, quantity)| *quantity).or_else(|| {
            let (kind, number) = name.rsplit_once('_')?;
            let number: u32 = number.parse().ok()?;
            let (_, quantity) = self.teams.iter().find(|(known, _)| known == kind)?;
            (*quantity > 1 && (1..=*quantity).contains(&number)).then_some(1)
        })
    }

    pub(super) fn team_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.teams.iter().map(|(name, _)| name.as_str())
    }
}
