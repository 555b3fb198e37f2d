//! That a service has one land for each allocation, made for its players, until it gives it back.

use std::collections::BTreeMap;

use super::{About, Finding, Kind};
use crate::simulation::{
    history::{Entry, Event},
    names::{LandNo, OrderNo, Roster, ServerNo},
    outcome::End,
    plan::Plan,
};

/// A land that some server made.
struct Made {
    players: Roster,
    over: bool,
    /// Where in the history.
    at: usize,
}

pub(super) fn judge(plan: &Plan, history: &[Entry], end: &End, findings: &mut Vec<Finding>) {
    let mut made: BTreeMap<(ServerNo, LandNo), Made> = BTreeMap::new();
    let mut given: BTreeMap<OrderNo, (ServerNo, LandNo)> = BTreeMap::new();
    let mut back = BTreeMap::new();
    // What a control plane was about to tell a server dies with it.
    let mut control_changed = 0;
    for (at, entry) in history.iter().enumerate() {
        match &entry.event {
            Event::Accepted { server, land, players, .. } => {
                made.insert((*server, *land), Made { players: players.clone(), over: false, at });
            }
            Event::LandOver { server, land } => {
                made.get_mut(&(*server, *land)).into_iter().for_each(|made| made.over = true);
            }
            Event::ServerDown { server } => {
                let theirs = made.iter_mut().filter(|((on, _), _)| on == server);
                theirs.for_each(|(_, made)| made.over = true);
            }
            Event::Released { order, .. } => drop(back.insert(*order, at)),
            Event::ControlUp { .. } | Event::ControlDown { .. } => control_changed = at,
            Event::Allocated { order, land, server, .. } => {
                let about = [About::Order(*order), About::Land(*land), About::Server(*server)];
                let players = (0..plan.orders[order.0].players).map(|place| order.player(place)).collect();
                match made.get(&(*server, *land)) {
                    None => {
                        let what = format!("{order} was given {land} on {server}, which had not made it");
                        findings.push(Finding::new(Kind::NotAccepted, what, about));
                    }
                    Some(made) if made.players != Roster(players) => {
                        let what = format!("{order} was given {land}, which was made for {}", made.players);
                        findings.push(Finding::new(Kind::WrongPlayers, what, about));
                    }
                    Some(_) => {}
                }
                // Where messages change their order, a land may be taken to have ended that lives.
                if let Some(before) = given.insert(*order, (*server, *land))
                    && plan.ways.keep_order()
                    && before != (*server, *land)
                    && made.get(&before).is_some_and(|made| !made.over)
                {
                    let what =
                        format!("{order} was given {land} on {server}, and had {} on {}", before.1, before.0);
                    findings.push(Finding::new(Kind::AllocatedTwice, what, about));
                }
            }
            _ => {}
        }
    }
    // As above: it may be so when the land is given back.
    for real in end.real.iter().filter(|real| real.up && plan.ways.keep_order()) {
        for land in &real.lands {
            let Some(made) = made.get(&(real.server, *land)) else { continue };
            let Some(order) = order_of(&made.players) else { continue };
            let is_given = given.get(&order) == Some(&(real.server, *land));
            let told_at = back.get(&order).filter(|_| is_given).map_or(made.at, |at| *at);
            if told_at < control_changed {
                continue;
            }
            let about = [About::Order(order), About::Land(*land), About::Server(real.server)];
            if back.contains_key(&order) {
                let what = format!("{order} has given its land back, and {land} is on {}", real.server);
                findings.push(Finding::new(Kind::NotReleased, what, about));
            } else if given.contains_key(&order) && !is_given {
                let what = format!("{order} has another land than {land}, which is on {}", real.server);
                findings.push(Finding::new(Kind::AllocatedTwice, what, about));
            }
        }
    }
}

fn order_of(players: &Roster) -> Option<OrderNo> {
    let first = players.0.first()?.strip_prefix("a-")?;
    first.split_once('.').and_then(|(number, _)| number.parse().ok()).map(OrderNo)
}
