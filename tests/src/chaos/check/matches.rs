//! What is known of each match, from its tickets and from its game server, and whether all of it agrees.

use std::collections::BTreeMap;

use super::{Finding, Kind, Rules, lands::Lands, tickets::Ticket};
use crate::chaos::history::{Assignment, LandId, MatchId, PlayerId, QueueKey, ServerId, TicketId};

/// The matches of a round.
#[derive(Debug, Default)]
pub(super) struct Matches {
    all: BTreeMap<MatchId, Match>,
    /// The matches that each land was given to: a legal history has one.
    on: BTreeMap<LandId, Vec<MatchId>>,
}

#[derive(Debug)]
struct Match {
    queue: QueueKey,
    server: ServerId,
    land: LandId,
    teams: Vec<Vec<PlayerId>>,
    tickets: Vec<TicketId>,
    players: Vec<PlayerId>,
    disagrees: bool,
}

impl Matches {
    /// Takes in what a ticket says of its match, unless something is wrong with that alone. Whether it did.
    pub(super) fn add(&mut self, ticket: &Ticket, to: &Assignment, findings: &mut Vec<Finding>) -> bool {
        if let Some(split) = split(ticket, to) {
            findings.push(ticket.finding(Kind::GroupSplit, format!("ticket {}: {split}", ticket.id)));
            return false;
        }
        let known = self.all.entry(to.match_id.clone()).or_insert_with(|| Match {
            queue: ticket.queue.clone(),
            server: to.server.clone(),
            land: to.land.clone(),
            teams: to.teams.clone(),
            tickets: Vec::new(),
            players: Vec::new(),
            disagrees: false,
        });
        known.disagrees |= (&known.server, &known.land, &known.teams) != (&to.server, &to.land, &to.teams);
        known.disagrees |= known.queue != ticket.queue;
        // A ticket with two assignments is another finding; it is counted once.
        if known.tickets.last() != Some(&ticket.id) {
            known.tickets.push(ticket.id.clone());
            known.players.extend(ticket.players.iter().cloned());
        }
        let on = self.on.entry(to.land.clone()).or_default();
        if !on.contains(&to.match_id) {
            on.push(to.match_id.clone());
        }
        true
    }

    /// Says what is wrong with each match, and each land that was given to one. A match takes all its tickets or none:
    /// `only_ticket_of` a player on its land has to be one of them.
    pub(super) fn judge<'a>(
        &self,
        rules: &Rules,
        lands: &Lands,
        only_ticket_of: impl Fn(&PlayerId) -> Option<&'a TicketId>,
        findings: &mut Vec<Finding>,
    ) {
        for (id, known) in &self.all {
            if let Some((kind, what)) = known.wrong(rules, lands) {
                findings.push(known.finding(kind, format!("match {id}: {what}")));
            } else if self.on.get(&known.land).is_some_and(|on| on.len() == 1)
                && let Some(absent) = known.absent(lands, &only_ticket_of)
            {
                let what = format!("match {id} was made without ticket {absent}, whose players are in it");
                let mut finding = known.finding(Kind::MatchDisagrees, what);
                finding.tickets.push(absent.clone());
                findings.push(finding);
            }
        }
        for (land, matches) in self.on.iter().filter(|(_, matches)| matches.len() > 1) {
            // One whose parts disagree about the land is named as that.
            let matches = matches.iter().filter_map(|id| self.all.get(id)).filter(|known| !known.disagrees);
            let tickets: Vec<TicketId> = matches.clone().flat_map(|known| known.tickets.clone()).collect();
            if matches.count() > 1 {
                let what = format!("{land} was given to two matches");
                findings.push(Finding {
                    tickets,
                    lands: vec![land.clone()],
                    ..Finding::new(Kind::OverCapacity, what)
                });
            }
        }
    }
}

impl Match {
    fn wrong(&self, rules: &Rules, lands: &Lands) -> Option<(Kind, String)> {
        if self.disagrees {
            return Some((
                Kind::MatchDisagrees,
                "its tickets name different lands, servers, teams or queues".to_owned(),
            ));
        }
        let size = rules.shape(&self.queue).players();
        let of_one_ticket = size.is_none() && self.tickets.len() > 1;
        if of_one_ticket || size.is_some_and(|size| self.players.len() > size) {
            let what =
                format!("its tickets have {} players, more than {} takes", self.players.len(), self.queue);
            return Some((Kind::OverCapacity, what));
        }
        if let Some(player) = self.players.iter().find(|player| !self.teams.is_empty() && !self.has(player)) {
            return Some((Kind::MatchDisagrees, format!("{player} is in none of its teams")));
        }
        let Some(land) = lands.made(&self.land) else {
            return Some((Kind::MatchDisagrees, format!("no server was given {}", self.land)));
        };
        if land.server != self.server {
            return Some((
                Kind::MatchDisagrees,
                format!("{} is on {}, not on {}", self.land, land.server, self.server),
            ));
        }
        let in_teams = self.teams.iter().flatten();
        if let Some(player) =
            self.players.iter().chain(in_teams).find(|player| !land.roster.contains(*player))
        {
            let what = format!("{} was given {} without {player}", self.server, self.land);
            return Some((Kind::MatchDisagrees, what));
        }
        let stranger = land.present.iter().find(|player| !land.roster.contains(*player));
        let too_many = size.is_some_and(|size| land.roster.len() > size || land.present.len() > size);
        if stranger.is_some() || too_many {
            let (given, seen) = (land.roster.len(), land.present.len());
            let what = format!(
                "{} was given {given} players and {seen} were there, more than the match has",
                self.land
            );
            return Some((Kind::OverCapacity, what));
        }
        None
    }

    /// A ticket that is not in the match although its land was made for the ticket's players.
    fn absent<'a>(
        &self,
        lands: &Lands,
        only_ticket_of: impl Fn(&PlayerId) -> Option<&'a TicketId>,
    ) -> Option<&'a TicketId> {
        let roster = &lands.made(&self.land)?.roster;
        roster.iter().filter_map(only_ticket_of).find(|ticket| !self.tickets.contains(ticket))
    }

    fn has(&self, player: &PlayerId) -> bool {
        self.teams.iter().flatten().any(|member| member == player)
    }

    fn finding(&self, kind: Kind, what: String) -> Finding {
        Finding { tickets: self.tickets.clone(), lands: vec![self.land.clone()], ..Finding::new(kind, what) }
    }
}

/// How a ticket's group is torn apart by its assignment, where it is.
fn split(ticket: &Ticket, to: &Assignment) -> Option<String> {
    for player in &ticket.players {
        match to.tokens.get(player) {
            None => return Some(format!("{player} has no token")),
            Some(land) if *land != to.land => {
                return Some(format!("the token of {player} is for {land}, not {}", to.land));
            }
            Some(_) => {}
        }
    }
    let team_of = |player: &PlayerId| to.teams.iter().position(|team| team.contains(player));
    let first = ticket.players.first().and_then(team_of);
    let other = ticket.players.iter().find(|player| team_of(player).is_some_and(|team| Some(team) != first));
    // Who is in no team at all is a matter of the match.
    first.and(other).map(|player| format!("{player} is in another team than the rest of the group"))
}
