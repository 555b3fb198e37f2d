//! What could be matched, by trying everything: every choice of tickets, and every way to put them into teams.

use matching::{Ticket, Time, rule_set::RuleSet};

use crate::checker::{Match, team_names};

/// Whether some of these tickets can be a match at `now`.
pub(crate) fn any(rules: &RuleSet, tickets: &[&Ticket], now: Time) -> bool {
    let teams = vec![Vec::new(); team_names(rules).len()];
    place(&mut Match { rules, teams, now }, tickets, false)
}

/// Whether all of these tickets can be one match at `now`.
pub(crate) fn all(rules: &RuleSet, tickets: &[&Ticket], now: Time) -> bool {
    let teams = vec![Vec::new(); team_names(rules).len()];
    place(&mut Match { rules, teams, now }, tickets, true)
}

fn place<'t>(so_far: &mut Match<'t>, tickets: &[&'t Ticket], all: bool) -> bool {
    let Some((first, rest)) = tickets.split_first() else {
        return !so_far.tickets().is_empty() && so_far.holds();
    };
    for team in 0..so_far.teams.len() {
        so_far.teams[team].push(first);
        let found = place(so_far, rest, all);
        so_far.teams[team].pop();
        if found {
            return true;
        }
    }
    !all && place(so_far, rest, all)
}
