//! That every match plays on a land of its own, which its server made for its players, and which nobody takes away.

use std::collections::{BTreeMap, BTreeSet};

use super::{About, Finding, Kind};
use crate::simulation::{
    history::{Entry, Event},
    names::{LandNo, MatchNo, Roster, ServerNo, TicketNo},
};

pub(super) fn judge(history: &[Entry], findings: &mut Vec<Finding>) {
    let mut accepted: BTreeMap<(ServerNo, LandNo), (MatchNo, Roster)> = BTreeMap::new();
    let mut players: BTreeMap<TicketNo, usize> = BTreeMap::new();
    let mut on: BTreeMap<LandNo, MatchNo> = BTreeMap::new();
    let (mut live, mut taken_back) = (BTreeSet::new(), BTreeMap::new());
    // Where an operator said so, lands are ended while they are played on.
    let mut ended_by_drain = BTreeSet::new();
    // Of a ticket that is assigned before its acknowledgement was heard, too.
    for entry in history {
        if let Event::Enqueued { ticket, players: count, .. } = &entry.event {
            players.insert(*ticket, *count);
        }
    }
    for entry in history {
        match &entry.event {
            Event::Accepted { server, land, the_match, players } => {
                live.insert((*server, *land));
                accepted.insert((*server, *land), (*the_match, players.clone()));
            }
            Event::Drained { server, deadline_ms, .. } if *deadline_ms > 0 => {
                ended_by_drain.insert(*server);
            }
            Event::LandOver { server, land } => drop(live.remove(&(*server, *land))),
            Event::ServerDown { server } => {
                ended_by_drain.remove(server);
                live.retain(|(on, _)| on != server);
            }
            Event::TakenBack { server, land, why }
                if live.contains(&(*server, *land)) && !ended_by_drain.contains(server) =>
            {
                taken_back.insert(*land, why.clone());
            }
            Event::Assigned { the_match, land, server, tickets } => {
                let about = || {
                    let tickets = tickets.iter().copied().map(About::Ticket);
                    tickets.chain([About::Land(*land)])
                };
                if on.insert(*land, *the_match).is_some_and(|other| other != *the_match) {
                    let what = format!("{land} is {the_match}'s, and another's");
                    findings.push(Finding::new(Kind::SharedLand, what, about()));
                }
                let Some((made_for, made_for_players)) = accepted.get(&(*server, *land)) else {
                    let what = format!("{the_match} was sent to {land} of {server}, which had not made it");
                    findings.push(Finding::new(Kind::NotAccepted, what, about()));
                    continue;
                };
                let sent = tickets.iter().flat_map(|ticket| {
                    let count = players.get(ticket).copied().unwrap_or_default();
                    (0..count).map(|place| ticket.player(place))
                });
                let sent = Roster(sent.collect());
                if sent != *made_for_players || made_for != the_match {
                    let what = format!(
                        "{land} was made for {made_for} of {made_for_players}, and {sent} of {the_match} were sent there"
                    );
                    findings.push(Finding::new(Kind::WrongPlayers, what, about()));
                }
            }
            _ => {}
        }
    }
    for (land, why) in taken_back {
        if let Some(the_match) = on.get(&land) {
            let what = format!("{land} is {the_match}'s, and was taken back: {why}");
            findings.push(Finding::new(Kind::TakenBack, what, [About::Land(land)]));
        }
    }
}
