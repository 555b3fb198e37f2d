//! What is wrong with a match, its land or its groups.
#![expect(clippy::ptr_arg, reason = "every plant has the same signature")]

use rand::rngs::StdRng;

use super::{add, another_land, assigned, change, find, read_again, roster, send};
use crate::chaos::history::{Assignment, Event, LandId, Op, PlayerId, Seen, TicketId, Watcher};

pub(super) fn assigned_twice(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((ticket, mut to)) = assigned(events, rng, |_| true) else { return false };
    // Whoever else is there came by tickets that nobody knows of.
    let players: Vec<PlayerId> = to.tokens.keys().cloned().collect();
    to.teams.clear();
    let (server, land) = another_land(events, &players);
    send(&mut to, &server, &land);
    to.match_id = "another".into();
    to.assignment = "another".into();
    add(events, [read_again(&ticket, 0, Seen::Assigned(to))])
}

pub(super) fn another_assignment_id(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((ticket, mut to)) = assigned(events, rng, |_| true) else { return false };
    to.assignment = "another".into();
    add(events, [read_again(&ticket, 0, Seen::Assigned(to))])
}

pub(super) fn too_many_lands(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some(place) = find(events, rng, |event| matches!(event, Event::ServerUp { .. })) else {
        return false;
    };
    let Event::ServerUp { server, capacity } = events[place].clone() else { return false };
    // Made and ended at once, so that what comes later has its room.
    let land = |number| LandId::from(format!("demo:more-{number}"));
    let opened = |number| Event::LandOpened { server: server.clone(), land: land(number), players: vec![] };
    let over = |number| Event::LandOver { server: server.clone(), land: land(number) };
    let more: Vec<Event> = (0..=capacity).map(opened).chain((0..=capacity).map(over)).collect();
    events.splice(place + 1..=place, more);
    true
}

pub(super) fn a_stranger(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((_, to)) = assigned(events, rng, |_| true) else { return false };
    let (land, stranger) = (to.land, PlayerId::from("stranger"));
    add(events, [Event::Present { land, player: stranger.clone(), players: vec![stranger] }])
}

pub(super) fn one_land_for_two(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    // Without teams, so that nothing but the land tells the two matches apart.
    let Some((_, first)) = assigned(events, rng, |to| to.teams.is_empty()) else { return false };
    let other = |to: &Assignment| to.teams.is_empty() && to.match_id != first.match_id;
    let Some((_, second)) = assigned(events, rng, other) else { return false };
    let moved = roster(events, &second.land);
    for event in events.iter_mut() {
        if let Event::LandOpened { land, players, .. } = event
            && *land == first.land
        {
            players.extend(moved.iter().cloned());
        }
    }
    change(events, |_, to| to.match_id == second.match_id, |to| send(to, &first.server, &first.land));
    true
}

pub(super) fn one_ticket_too_many(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((_, to)) = assigned(events, rng, |_| true) else { return false };
    let queue = events.iter().find_map(|event| match event {
        Event::Enqueue { queue, players, .. }
            if players.iter().any(|player| to.tokens.contains_key(player)) =>
        {
            Some(queue.clone())
        }
        _ => None,
    });
    let (op, watcher, ticket) = (Op(900_001), Watcher(900_002), TicketId::from("more"));
    let players: Vec<PlayerId> = (0..4).map(|number| format!("more-{number}").into()).collect();
    let mut seen = to.clone();
    seen.assignment = "more".into();
    seen.tokens = players.iter().map(|player| (player.clone(), to.land.clone())).collect();
    let seen = Seen::Assigned(seen);
    let by = "rest".to_owned();
    let enqueue =
        Event::Enqueue { op, queue: queue.unwrap(), group: "more".to_owned(), players, by: by.clone() };
    let more = [
        enqueue,
        Event::Enqueued { op, ticket: ticket.clone() },
        Event::Watch { watcher, ticket: ticket.clone(), by },
        Event::Told { watcher, ticket, seen },
    ];
    add(events, more)
}

pub(super) fn another_land_for_one(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((split, to)) = assigned(events, rng, |to| to.tokens.len() > 1) else { return false };
    let torn = to.tokens.into_keys().next_back().unwrap();
    let elsewhere = LandId::from("demo:elsewhere");
    change(
        events,
        |ticket, _| *ticket == split,
        |to| drop(to.tokens.insert(torn.clone(), elsewhere.clone())),
    );
    true
}

pub(super) fn another_team_for_one(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let of_parties = |to: &Assignment| to.teams.len() == 2 && to.tokens.len() > 1;
    let Some((_, to)) = assigned(events, rng, of_parties) else { return false };
    change(
        events,
        |_, other| other.match_id == to.match_id,
        |to| {
            let (first, second) = to.teams.split_at_mut(1);
            std::mem::swap(&mut first[0][0], &mut second[0][0]);
        },
    );
    true
}

pub(super) fn elsewhere_for_one_ticket(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((sent, to)) = with_others(events, rng) else { return false };
    let players = roster(events, &to.land);
    let (server, land) = another_land(events, &players);
    change(events, |ticket, _| *ticket == sent, |to| send(to, &server, &land));
    true
}

pub(super) fn other_teams_for_one_ticket(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((other, to)) = with_others(events, rng) else { return false };
    if to.teams.is_empty() {
        return false;
    }
    change(events, |ticket, _| *ticket == other, |to| to.teams.reverse());
    true
}

/// An assigned ticket whose match has another one that is known.
fn with_others(events: &[Event], rng: &mut StdRng) -> Option<(TicketId, Assignment)> {
    let known = |id: &Assignment| {
        let of_match = |event: &&Event| matches!(event, Event::Read { seen: Seen::Assigned(to), .. } if to.match_id == id.match_id);
        events.iter().filter(of_match).count()
    };
    assigned(events, rng, |to| known(to) > 1)
}

pub(super) fn another_roster(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((_, to)) = assigned(events, rng, |_| true) else { return false };
    for event in events {
        if let Event::LandOpened { land, players, .. } = event
            && *land == to.land
        {
            players.retain(|player| !to.tokens.contains_key(player));
        }
    }
    true
}

pub(super) fn no_land(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((_, to)) = assigned(events, rng, |_| true) else { return false };
    events.retain(|event| !matches!(event, Event::LandOpened { land, .. } if *land == to.land));
    true
}

pub(super) fn without_one_ticket(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((gone, to)) = with_others(events, rng) else { return false };
    let asked = |event: &Event| match event {
        Event::Enqueue { players, .. } => players.iter().any(|player| to.tokens.contains_key(player)),
        _ => false,
    };
    if events.iter().filter(|event| asked(event)).count() > 1 {
        // An earlier attempt without an answer could be the one that is in the match.
        return false;
    }
    for event in events.iter_mut() {
        if let Event::Read { ticket, seen, .. } | Event::Told { ticket, seen, .. } = event
            && *ticket == gone
        {
            *seen = Seen::Cancelled;
        }
    }
    let op = Op(900_001);
    let cancel = Event::Cancel { op, ticket: gone, at_rest: false, by: "rest".to_owned() };
    add(events, [cancel, Event::Cancelled { op, cancelled: true, status: None }])
}
