//! Each kind of wrong is planted in the history of good runs, and has to be found there, and nothing else.

mod orders;

use std::collections::BTreeSet;

use super::*;
use crate::simulation::{
    names::{MatchNo, Roster},
    outcome::TicketEnd,
    plan::{Flaw, Host, Manner, Ways},
    run,
};

/// What is changed in a run. False: this run has nothing to change.
type Plant = fn(&mut Plan, &mut Vec<Entry>, &mut End) -> bool;

/// Plants it in runs that have what it takes, until there were some.
fn finds(kind: Kind, plant: Plant) {
    let mut planted = 0;
    for seed in 0..200 {
        let plan = Plan::of(seed);
        if plan.servers.len() > 10 {
            continue;
        }
        let run = run(plan);
        let (mut plan, mut history, mut end) = (run.plan, run.history, run.end);
        assert_eq!(run.findings, [], "seed {seed} is good before anything is planted");
        if plant(&mut plan, &mut history, &mut end) {
            let found: BTreeSet<_> =
                check(&plan, &history, &end).into_iter().map(|found| found.kind).collect();
            assert_eq!(found, BTreeSet::from([kind]), "in seed {seed}");
            planted += 1;
        }
        if planted == 3 {
            return;
        }
    }
    panic!("{kind:?} could be planted in {planted} runs only");
}

fn add(history: &mut Vec<Entry>, event: Event) {
    let at_ms = history.last().map_or(0, |entry| entry.at_ms);
    history.push(Entry { at_ms, event });
}

/// The first match: where it is in the history, its land and its tickets.
fn first_match(history: &[Entry]) -> Option<(usize, MatchNo, LandNo, ServerNo, Vec<TicketNo>)> {
    history.iter().enumerate().find_map(|(at, entry)| match &entry.event {
        Event::Assigned { the_match, land, server, tickets } => {
            Some((at, *the_match, *land, *server, tickets.clone()))
        }
        _ => None,
    })
}

fn roster_of(history: &[Entry], of: LandNo) -> Option<Roster> {
    history.iter().find_map(|entry| match &entry.event {
        Event::Accepted { land, players, .. } if *land == of => Some(players.clone()),
        _ => None,
    })
}

#[test]
fn more_lands_than_fit() {
    finds(Kind::OverCapacity, |plan, history, _| {
        for number in 0..=plan.servers[0].capacity {
            add(
                history,
                Event::Accepted {
                    server: ServerNo(0),
                    land: LandNo(10_000 + number),
                    the_match: MatchNo(10_000),
                    players: Roster::default(),
                },
            );
        }
        true
    });
}

#[test]
fn more_players_than_fit() {
    finds(Kind::OverCapacity, |_, history, _| {
        for entry in history.iter_mut() {
            if let Event::ServerUp { seats, .. } = &mut entry.event {
                *seats = Some(0);
            }
        }
        first_match(history).is_some()
    });
}

#[test]
fn a_full_server_that_is_asked() {
    finds(Kind::Overcommitted, |plan, history, _| {
        plan.ways = Ways::good();
        let why = "the server is full: it holds 3 lands".to_owned();
        add(history, Event::Refused { server: ServerNo(0), land: None, why });
        true
    });
}

#[test]
fn a_place_that_is_kept_for_nobody() {
    finds(Kind::Leaked, |_, _, end| {
        let known = end.known.first_mut();
        known.is_some_and(|known| known.lands.insert(LandNo(10_000), true).is_none())
    });
}

#[test]
fn a_land_that_nobody_knows_of() {
    finds(Kind::Disagrees, |_, _, end| end.real[0].lands.insert(LandNo(10_000)));
    finds(Kind::Disagrees, |_, _, end| end.known[0].lands.insert(LandNo(10_000), false).is_none());
}

#[test]
fn a_server_that_nobody_knows_of() {
    finds(Kind::Disagrees, |_, _, end| {
        end.known.remove(0);
        true
    });
    finds(Kind::Disagrees, |_, _, end| std::mem::replace(&mut end.real[0].up, false));
}

#[test]
fn a_ticket_in_two_matches() {
    finds(Kind::TwoMatches, |_, history, _| {
        let Some((_, _, land, server, tickets)) = first_match(history) else { return false };
        let Some(players) = roster_of(history, land) else { return false };
        let (other, the_match) = (LandNo(10_000), MatchNo(10_000));
        // At another server, where there is room.
        let down = Event::ServerDown { server };
        add(history, down);
        add(history, Event::ServerUp { server, capacity: 100, seats: None });
        add(history, Event::Accepted { server, land: other, the_match, players });
        add(history, Event::Assigned { the_match, land: other, server, tickets });
        true
    });
}

#[test]
fn an_assignment_after_a_cancel() {
    finds(Kind::AssignedAfterCancel, |_, history, _| {
        let Some((at, .., tickets)) = first_match(history) else { return false };
        let (at_ms, ticket) = (history[at].at_ms, tickets[0]);
        history.insert(at, Entry { at_ms, event: Event::CancelAnswered { ticket, yes: true } });
        history.insert(at, Entry { at_ms, event: Event::CancelAsked { ticket } });
        true
    });
}

#[test]
fn an_end_that_nothing_explains() {
    let ends: [Plant; 3] = [
        |_, history, end| {
            let ticket = first_match(history).map(|(.., tickets)| tickets[0].0);
            ticket.map(|ticket| end.tickets[ticket] = TicketEnd::Assigned(LandNo(10_000))).is_some()
        },
        |plan, _, end| {
            let long = |at: &usize| plan.groups[*at].lifetime_ms > end.at_ms;
            let ticket = (0..end.tickets.len()).find(long);
            ticket.map(|ticket| end.tickets[ticket] = TicketEnd::Expired).is_some()
        },
        |plan, history, end| {
            let asks = |at: &usize| plan.groups[*at].cancel_after_ms.is_none();
            let Some(ticket) = (0..end.tickets.len()).find(asks) else { return false };
            end.tickets[ticket] = TicketEnd::Cancelled;
            !history.iter().any(|entry| entry.event == Event::CancelAsked { ticket: TicketNo(ticket) })
        },
    ];
    ends.into_iter().for_each(|plant| finds(Kind::Contradicted, plant));
}

#[test]
fn a_ticket_that_vanished() {
    finds(Kind::Vanished, |_, _, end| {
        end.tickets[0] = TicketEnd::Missing;
        true
    });
}

#[test]
fn a_land_that_was_never_made() {
    finds(Kind::NotAccepted, |_, history, _| {
        let Some((_, _, of, ..)) = first_match(history) else { return false };
        history.retain(|entry| !matches!(entry.event, Event::Accepted { land, .. } if land == of));
        true
    });
}

#[test]
fn a_land_that_was_made_too_late() {
    finds(Kind::NotAccepted, |_, history, _| {
        let Some((at, _, of, ..)) = first_match(history) else { return false };
        let accepted = |entry: &Entry| matches!(entry.event, Event::Accepted { land, .. } if land == of);
        let Some(made) = history.iter().position(accepted) else { return false };
        let made = history.remove(made);
        history.insert(at, made);
        true
    });
}

#[test]
fn a_land_for_others() {
    finds(Kind::WrongPlayers, |_, history, _| {
        let Some((_, _, of, ..)) = first_match(history) else { return false };
        history.iter_mut().any(|entry| match &mut entry.event {
            Event::Accepted { land, players, .. } if *land == of => players.0.pop_last().is_some(),
            _ => false,
        })
    });
}

#[test]
fn a_land_of_two_matches() {
    finds(Kind::SharedLand, |_, history, end| {
        let Some((first, _, shared, ..)) = first_match(history) else { return false };
        let Some((_, _, other, _, tickets)) = first_match(&history[first + 1..]) else { return false };
        let over = |of| {
            history.iter().position(|entry| matches!(entry.event, Event::LandOver { land, .. } if land == of))
        };
        let made = |of| {
            history.iter().position(|entry| matches!(entry.event, Event::Accepted { land, .. } if land == of))
        };
        // The one had ended before the other was made: so no server has more of them than before.
        if over(other).is_none() || over(shared).is_none_or(|over| Some(over) > made(other)) {
            return false;
        }
        for entry in &mut *history {
            match &mut entry.event {
                Event::Accepted { land, .. }
                | Event::Assigned { land, .. }
                | Event::SeatsFreed { land, .. }
                | Event::Left { land, .. }
                | Event::LandOver { land, .. }
                    if *land == other =>
                {
                    *land = shared;
                }
                _ => {}
            }
        }
        tickets.iter().for_each(|ticket| end.tickets[ticket.0] = TicketEnd::Assigned(shared));
        true
    });
}

#[test]
fn a_land_that_was_taken_back() {
    finds(Kind::TakenBack, |_, history, _| {
        let drains = history.iter().any(|entry| matches!(entry.event, Event::Drained { .. }));
        let Some((at, _, land, server, _)) = first_match(history).filter(|_| !drains) else { return false };
        let event = Event::TakenBack { server, land, why: "planted".to_owned() };
        history.insert(at + 1, Entry { at_ms: history[at].at_ms, event });
        true
    });
}

#[test]
fn tickets_that_could_play() {
    finds(Kind::LeftWaiting, |plan, history, end| {
        let alone = |entry: &Entry| match &entry.event {
            Event::Assigned { tickets, .. } => {
                tickets.len() == 1 && plan.groups[tickets[0].0].queue == "demo"
            }
            _ => false,
        };
        let Some(at) = history.iter().position(alone) else { return false };
        let Event::Assigned { tickets, .. } = history.remove(at).event else { return false };
        end.tickets[tickets[0].0] = TicketEnd::Queued;
        (end.known[0].free_lands, end.known[0].free_seats) = (1, None);
        true
    });
}

#[test]
fn a_draining_server_that_is_asked() {
    finds(Kind::AskedAfterDrain, |_, history, _| {
        let (server, land, the_match) = (ServerNo(0), LandNo(10_000), MatchNo(10_000));
        add(history, Event::Drained { server, instance: 9, deadline_ms: 0 });
        add(history, Event::Asked { server, instance: 9, by: 1, land, the_match });
        true
    });
}

#[test]
fn a_control_plane_that_breaks() {
    finds(Kind::Broken, |_, _, end| {
        end.failed = true;
        true
    });
    finds(Kind::Broken, |_, history, _| {
        add(history, Event::ControlDown { life: 1, how: STUCK });
        true
    });
}

/// A small run without faults, in which all servers have this flaw; what is found.
fn flawed(flaw: Flaw) -> BTreeSet<Kind> {
    let manner = Manner::Answers { refuses: 0, silent: 0, after_ms: 0..=20 };
    let host = Host { capacity: 2, seats: None, region: None, manner, flaw: Some(flaw) };
    let mut plan = Plan { ways: Ways::good(), faults: Vec::new(), land_ms: 5_000..=8_000, ..Plan::of(1) };
    plan.servers = vec![host; 3];
    run(plan).findings.into_iter().map(|found| found.kind).collect()
}

#[test]
fn servers_that_do_what_none_does() {
    assert!(flawed(Flaw::HidesALand).is_superset(&BTreeSet::from([Kind::OverCapacity])));
    assert_eq!(flawed(Flaw::OtherPlayers), BTreeSet::from([Kind::WrongPlayers]));
    assert_eq!(flawed(Flaw::MadeUpLand), BTreeSet::from([Kind::Disagrees]));
}
