//! Whether a proposal from outside is a match: asked as strictly as our own engine asks itself, at the time at which it is taken.

use std::{collections::HashSet, sync::Arc, time::Duration};

use matching::{
    Rules, Team, Time,
    judge::{Breach, Facts, Judge, Lineup},
};
use smol_str::SmolStr;
use storage::TicketRecord;

use super::{
    super::place::Match,
    refusals::{Reason, Refused},
};
use crate::ids::{self, MAX_ID};

/// A team as it was proposed.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) name: SmolStr,
    pub(super) tickets: Vec<Arc<TicketRecord>>,
}

/// The match that these tickets in these teams are.
///
/// # Errors
/// What keeps them from being one under the queue's rules, now.
pub(super) fn check(
    rules: &Rules,
    judge: Option<&Judge>,
    sides: Vec<Side>,
    now: Time,
) -> Result<Match, Refused> {
    let mut all: Vec<_> = sides.iter().flat_map(|side| &side.tickets).cloned().collect();
    all.sort_unstable_by_key(|record| record.ticket.order);
    if let Some(late) = all.iter().find(|record| record.ticket.expires_at <= now) {
        return Err(Refused::new(Reason::Expired, format!("the lifetime of `{}` is over", late.ticket.id)));
    }
    let Some(oldest) = all.iter().map(|record| now.since(record.ticket.enqueued_at)).max() else {
        return Err(Refused::new(Reason::Size, "it names no ticket".to_owned()));
    };
    let teams = match rules {
        Rules::RuleSet(_) => {
            // Whoever has a rule set has its judge.
            let judge =
                judge.ok_or_else(|| Refused::new(Reason::Rule, "there is nobody to judge it".to_owned()))?;
            let names = judge.plan().teams.iter().map(|team| team.name.clone());
            let sides = by_name(names.collect(), sides)?;
            judged(judge, &sides, now)?;
            sides
        }
        Rules::Teams { sizes, min_wait } => {
            let names = (1..=sizes.len()).map(|number| format!("team-{number}"));
            let sides = by_name(names.collect(), sides)?;
            for ((name, tickets), size) in sides.iter().zip(sizes) {
                wants(name, players(tickets), *size, *size)?;
            }
            waited(oldest, *min_wait)?;
            sides
        }
        Rules::FillGroup { min_players, max_players, min_wait, relax_after } => {
            let is_relaxed = relax_after.is_some_and(|age| oldest >= age);
            let fewest = if is_relaxed { *min_players } else { *max_players };
            wants("the match", players(&all), fewest, *max_players)?;
            waited(oldest, *min_wait)?;
            own_teams(sides)?
        }
        Rules::StartAlone => {
            if all.len() != 1 {
                return Err(Refused::new(Reason::Size, "every ticket starts alone here".to_owned()));
            }
            own_teams(sides)?
        }
    };
    Ok(Match { records: all, teams: teams.into_iter().map(team).collect() })
}

/// A team's name and its tickets.
type Named = (String, Vec<Arc<TicketRecord>>);

/// The sides in the order of these names; one that is left out is empty.
fn by_name(names: Vec<String>, sides: Vec<Side>) -> Result<Vec<Named>, Refused> {
    let mut ordered: Vec<Option<Vec<_>>> = names.iter().map(|_| None).collect();
    for side in sides {
        let index = names.iter().position(|name| name == side.name);
        let place = index.map(|index| &mut ordered[index]).ok_or_else(|| {
            let known = names.join("`, `");
            Refused::new(Reason::Teams, format!("there is no team `{}`; there are `{known}`", side.name))
        })?;
        if place.replace(side.tickets).is_some() {
            return Err(Refused::new(Reason::Teams, format!("the team `{}` is there twice", side.name)));
        }
    }
    Ok(names.into_iter().zip(ordered.into_iter().map(Option::unwrap_or_default)).collect())
}

/// Where the rules know no teams, the function may have made some.
fn own_teams(sides: Vec<Side>) -> Result<Vec<Named>, Refused> {
    if let [side] = &sides[..]
        && side.name.is_empty()
    {
        return Ok(Vec::new());
    }
    let mut seen = HashSet::new();
    for side in &sides {
        let problem = if side.name.is_empty() {
            Some("has no name, and there are others".to_owned())
        } else if side.tickets.is_empty() {
            Some("has no ticket".to_owned())
        } else if !seen.insert(&side.name) {
            Some("is there twice".to_owned())
        } else {
            ids::problem(&side.name, MAX_ID)
        };
        if let Some(problem) = problem {
            return Err(Refused::new(
                Reason::Teams,
                format!("the team `{}` {problem}", side.name.escape_debug()),
            ));
        }
    }
    Ok(sides.into_iter().map(|side| (side.name.to_string(), side.tickets)).collect())
}

/// All hard rules of the rule set.
fn judged(judge: &Judge, sides: &[Named], now: Time) -> Result<(), Refused> {
    let facts = |record: &Arc<TicketRecord>| judge.facts(&record.ticket);
    let facts: Result<Vec<Vec<Facts>>, _> =
        sides.iter().map(|(_, tickets)| tickets.iter().map(facts).collect()).collect();
    let facts = facts.map_err(|unfit| Refused::new(Reason::Rule, unfit.to_string()))?;
    let crew: Vec<Vec<&Facts>> = facts.iter().map(|team| team.iter().collect()).collect();
    let Some(broken) = judge.judge(&Lineup { teams: &crew }, now).broken else {
        return Ok(());
    };
    let name = |team: usize| sides.get(team).map_or("", |(name, _)| name);
    let by = broken.by.map_or(String::new(), |by| format!(" by {by}"));
    Err(match broken.what {
        Breach::TeamSize(team) => {
            Refused::new(Reason::Size, format!("the size of `{}` is wrong{by}", name(team)))
        }
        Breach::TeamAsked(team) => {
            Refused::new(Reason::Teams, format!("a player of `{}` asked for another team", name(team)))
        }
        Breach::Roles(team) => {
            Refused::new(Reason::Rule, format!("the roles of `{}` can't be filled{by}", name(team)))
        }
        Breach::PremadeParity => Refused::new(Reason::Rule, format!("premade parity is broken{by}")),
        Breach::Rule(rule) => {
            let rule = judge.rules().rules.get(rule).map_or("", |rule| &rule.name);
            Refused::new(Reason::Rule, format!("the rule `{rule}` is broken{by}"))
        }
    })
}

fn wants(what: &str, players: usize, fewest: u32, most: u32) -> Result<(), Refused> {
    if u32::try_from(players).is_ok_and(|players| (fewest..=most).contains(&players)) {
        return Ok(());
    }
    let wanted = if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
    Err(Refused::new(Reason::Size, format!("{what} has {players} players and needs {wanted}")))
}

fn waited(oldest: Duration, min_wait: Duration) -> Result<(), Refused> {
    if oldest >= min_wait {
        return Ok(());
    }
    Err(Refused::new(
        Reason::TooYoung,
        format!("its oldest ticket has waited for {oldest:?}, not yet {min_wait:?}"),
    ))
}

fn players(tickets: &[Arc<TicketRecord>]) -> usize {
    tickets.iter().map(|record| record.ticket.size()).sum()
}

/// Ticket by ticket, the oldest first, like our own.
fn team((name, mut tickets): Named) -> Team {
    tickets.sort_unstable_by_key(|record| record.ticket.order);
    let players = tickets.iter().flat_map(|record| record.ticket.players.iter());
    Team { name, players: players.map(|player| player.id.clone()).collect() }
}

#[cfg(test)]
mod tests;
