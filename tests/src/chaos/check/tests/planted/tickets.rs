//! What is wrong with a ticket, its watchers or its players.
#![expect(clippy::ptr_arg, reason = "every plant has the same signature")]

use rand::{RngExt as _, rngs::StdRng};

use super::{add, assigned, find, read_again};
use crate::chaos::history::{Event, Op, PlayerId, Seen, TicketId, Watcher};

pub(super) fn missing_when_read(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some(place) = find(events, rng, |event| matches!(event, Event::Read { .. })) else { return false };
    if let Event::Read { seen, .. } = &mut events[place] {
        *seen = Seen::Missing;
    }
    true
}

pub(super) fn missing_for_its_watchers(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((vanished, _)) = assigned(events, rng, |_| true) else { return false };
    for event in events {
        if let Event::Read { ticket, seen, .. } | Event::Told { ticket, seen, .. } = event
            && *ticket == vanished
        {
            *seen = Seen::Missing;
        }
    }
    true
}

pub(super) fn cancelled_after_assigned(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((ticket, _)) = assigned(events, rng, |_| true) else { return false };
    let op = Op(900_001);
    let cancel = Event::Cancel { op, ticket, at_rest: false, by: "rest".to_owned() };
    add(events, [cancel, Event::Cancelled { op, cancelled: true, status: None }])
}

pub(super) fn assigned_after_cancelled(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((ticket, _)) = assigned(events, rng, |_| true) else { return false };
    let acknowledged =
        find(events, rng, |event| matches!(event, Event::Enqueued { ticket: of, .. } if *of == ticket))
            .unwrap();
    let op = Op(900_001);
    let cancel = Event::Cancel { op, ticket, at_rest: false, by: "rest".to_owned() };
    let cancelled = Event::Cancelled { op, cancelled: true, status: None };
    events.splice(acknowledged + 1..=acknowledged, [cancel, cancelled]);
    true
}

pub(super) fn not_told(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some(place) = find(events, rng, |event| matches!(event, Event::Told { .. })) else { return false };
    events.remove(place);
    true
}

pub(super) fn expired_too(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((ticket, _)) = assigned(events, rng, |_| true) else { return false };
    add(events, [read_again(&ticket, 0, Seen::Expired)])
}

pub(super) fn queued_again(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((ticket, _)) = assigned(events, rng, |_| true) else { return false };
    add(events, [read_again(&ticket, u64::MAX, Seen::Queued)])
}

pub(super) fn nobody_asked(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let (op, watcher, ticket) = (Op(900_001), Watcher(900_002), TicketId::from("unasked"));
    let players = vec![PlayerId::from("unasked")];
    let (group, by) = (format!("g{}", rng.random::<u32>()), "rest".to_owned());
    let more = [
        Event::Enqueue { op, queue: "demo:2".into(), group, players, by: by.clone() },
        Event::Enqueued { op, ticket: ticket.clone() },
        Event::Watch { watcher, ticket: ticket.clone(), by },
        Event::Told { watcher, ticket, seen: Seen::Cancelled },
    ];
    add(events, more)
}

pub(super) fn two_left(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let by = "rest".to_owned();
    for number in 0..2 {
        let (op, cancel, watcher) = (Op(900_001 + number), Op(900_011 + number), Watcher(900_021 + number));
        let ticket = TicketId::from(format!("left-{number}"));
        let players = vec![PlayerId::from(format!("left-{number}"))];
        let group = format!("g{}", rng.random::<u32>());
        let more = [
            Event::Enqueue { op, queue: "demo:2".into(), group, players, by: by.clone() },
            Event::Enqueued { op, ticket: ticket.clone() },
            Event::Watch { watcher, ticket: ticket.clone(), by: by.clone() },
            Event::Cancel { op: cancel, ticket: ticket.clone(), at_rest: true, by: by.clone() },
            Event::Cancelled { op: cancel, cancelled: true, status: None },
            Event::Told { watcher, ticket, seen: Seen::Cancelled },
        ];
        add(events, more);
    }
    true
}

pub(super) fn no_end(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let (op, watcher, ticket) = (Op(900_001), Watcher(900_002), TicketId::from("endless"));
    let players = vec![PlayerId::from("endless")];
    let (group, by) = (format!("g{}", rng.random::<u32>()), "rest".to_owned());
    let more = [
        Event::Enqueue { op, queue: "demo:2".into(), group, players, by: by.clone() },
        Event::Enqueued { op, ticket: ticket.clone() },
        Event::Watch { watcher, ticket: ticket.clone(), by },
        read_again(&ticket, 0, Seen::Queued),
    ];
    add(events, more)
}

pub(super) fn turned_away(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some((_, to)) = assigned(events, rng, |_| true) else { return false };
    let player = to.tokens.into_keys().next().unwrap();
    add(events, [Event::TurnedAway { land: to.land, player, code: 4401, reason: "unknown key".to_owned() }])
}

pub(super) fn crashed(events: &mut Vec<Event>, _: &mut StdRng) -> bool {
    let (program, how) = ("api-1".to_owned(), "exit code 101".to_owned());
    add(events, [Event::Ended { program, how, crash: true }])
}

pub(super) fn refused(events: &mut Vec<Event>, rng: &mut StdRng) -> bool {
    let Some(place) = find(events, rng, |event| matches!(event, Event::Unknown { .. })) else { return false };
    let asked = events[..place].iter().rev().find(|event| matches!(event, Event::Enqueue { .. }));
    let Some(Event::Enqueue { queue, group, players, by, .. }) = asked.cloned() else { return false };
    let op = Op(900_001);
    let again = Event::Enqueue { op, queue, group, players, by };
    events
        .splice(place + 1..=place, [again, Event::Refused { op, code: "PLAYER_ALREADY_QUEUED".to_owned() }]);
    true
}

pub(super) fn not_mended(events: &mut Vec<Event>, _: &mut StdRng) -> bool {
    add(events, [Event::NotMended { what: "the agent at :9358 is not registered".to_owned() }])
}
