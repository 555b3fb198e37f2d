//! What can be wrong with the lands that services have.

use super::*;
use crate::simulation::names::OrderNo;

/// The first land that a service was given and heard of: where that is in the history, whose it is, and its server.
fn first_order(history: &[Entry]) -> Option<(usize, OrderNo, LandNo, ServerNo)> {
    history.iter().enumerate().find_map(|(at, entry)| match entry.event {
        Event::Allocated { order, land, server, heard: true } => Some((at, order, land, server)),
        _ => None,
    })
}

#[test]
fn an_allocation_with_two_lands() {
    finds(Kind::AllocatedTwice, |plan, history, _| {
        plan.ways = Ways::good();
        let Some((at, order, land, _)) = first_order(history) else { return false };
        let Some(players) = roster_of(history, land) else { return false };
        let over = history
            .iter()
            .position(|entry| matches!(entry.event, Event::LandOver { land: it, .. } if it == land));
        // Another land before the one that it has, which never ends.
        let (server, other, the_match) = (ServerNo(0), LandNo(10_000), MatchNo(10_000));
        let at_ms = history[at].at_ms;
        let events = [
            Event::ServerUp { server, capacity: 100, seats: None },
            Event::Accepted { server, land: other, the_match, players },
            Event::Allocated { order, land: other, server, heard: false },
        ];
        let quiet = !history[at..].iter().any(|entry| matches!(entry.event, Event::ServerDown { server: it } | Event::ServerUp { server: it, .. } if it == server));
        events.into_iter().rev().for_each(|event| history.insert(at, Entry { at_ms, event }));
        over.is_some() && quiet
    });
}

#[test]
fn a_land_that_lives_on_for_nobody() {
    finds(Kind::NotReleased, |plan, history, end| {
        plan.ways = Ways::good();
        let Some((_, order, land, server)) = first_order(history) else { return false };
        let released = history.iter().position(|entry| entry.event == Event::Released { order, land });
        let Some(released) = released else { return false };
        let changed =
            |entry: &Entry| matches!(entry.event, Event::ControlUp { .. } | Event::ControlDown { .. });
        if history[released..].iter().any(changed) {
            return false;
        }
        if let Some(known) = end.known.iter_mut().find(|known| known.server == server) {
            known.lands.insert(land, false);
        }
        end.real[server.0].lands.insert(land)
    });
}
