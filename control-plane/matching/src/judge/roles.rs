//! Roles: whether a team's players can fill its slots.

use smol_str::SmolStr;

use super::Facts;
use crate::rule_set::RoleSlot;

/// The slots of a team, one entry a role.
#[derive(Debug, Default)]
pub(super) struct Roles(Vec<(SmolStr, usize)>);

impl Roles {
    pub(super) fn new(slots: &[RoleSlot]) -> Self {
        let mut roles: Vec<(SmolStr, usize)> = Vec::new();
        for slot in slots {
            let count = slot.count as usize;
            match roles.iter_mut().find(|(role, _)| role.as_str() == slot.role) {
                Some((_, known)) => *known += count,
                None => roles.push((SmolStr::new(&slot.role), count)),
            }
        }
        Self(roles)
    }

    /// How many slots stay empty. A player has one role, or may have any; so what is left over after those with a role goes to
    /// those without, and no search is needed. A team without players has nothing to fill.
    pub(super) fn unfilled(&self, team: &[&Facts]) -> usize {
        if self.0.is_empty() || team.is_empty() {
            return 0;
        }
        let players = || team.iter().flat_map(|facts| facts.players.iter());
        let having = |role: Option<&SmolStr>| players().filter(|player| player.role.as_ref() == role).count();
        let missing: usize =
            self.0.iter().map(|(role, count)| count.saturating_sub(having(Some(role)))).sum();
        missing.saturating_sub(having(None))
    }

    /// Whether the ticket's players leave room for those who can fill the rest, in a team of at most so many.
    pub(super) fn fit(&self, facts: &Facts, most_players: usize) -> bool {
        self.unfilled(&[facts]) + facts.size() <= most_players
    }
}
