//! The ways in which a history is spoilt. Each is made of what a real fault would leave behind, and of nothing else.

mod matches;
mod tickets;

use rand::{RngExt as _, rngs::StdRng};

use crate::chaos::{
    check::Kind,
    history::{Assignment, Event, LandId, PlayerId, Seen, ServerId, TicketId},
};

/// Spoils a history. False where it has nothing that can be spoilt like this.
pub(super) type Plant = fn(&mut Vec<Event>, &mut StdRng) -> bool;

/// Every fault, with what it must be found as.
pub(super) const PLANTS: &[(&str, Kind, Plant)] = &[
    ("a ticket is not there when it is read", Kind::Vanished, tickets::missing_when_read),
    ("a watcher hears that there is no such ticket", Kind::Vanished, tickets::missing_for_its_watchers),
    ("a ticket is assigned again, elsewhere", Kind::TwoMatches, matches::assigned_twice),
    ("a ticket has one match and two assignments", Kind::TwoMatches, matches::another_assignment_id),
    (
        "a cancel is acknowledged after the assignment",
        Kind::AssignedAfterCancel,
        tickets::cancelled_after_assigned,
    ),
    ("an assignment comes after the cancel", Kind::AssignedAfterCancel, tickets::assigned_after_cancelled),
    ("a server is given one land too many", Kind::OverCapacity, matches::too_many_lands),
    ("a stranger plays on a land", Kind::OverCapacity, matches::a_stranger),
    ("one land is given to two matches", Kind::OverCapacity, matches::one_land_for_two),
    ("a match has one ticket too many", Kind::OverCapacity, matches::one_ticket_too_many),
    ("a member's token is for another land", Kind::GroupSplit, matches::another_land_for_one),
    ("a member is in the other team", Kind::GroupSplit, matches::another_team_for_one),
    ("a ticket of a match is sent elsewhere", Kind::MatchDisagrees, matches::elsewhere_for_one_ticket),
    ("a ticket of a match sees other teams", Kind::MatchDisagrees, matches::other_teams_for_one_ticket),
    ("a server was told of other players", Kind::MatchDisagrees, matches::another_roster),
    (
        "a match is made without a ticket that was cancelled",
        Kind::MatchDisagrees,
        matches::without_one_ticket,
    ),
    ("a match is on a land that nobody made", Kind::MatchDisagrees, matches::no_land),
    ("a watcher is not told", Kind::NeverTold, tickets::not_told),
    ("an assigned ticket expires too", Kind::Contradicted, tickets::expired_too),
    ("a ticket that had ended is queued again", Kind::Contradicted, tickets::queued_again),
    ("a ticket is cancelled and nobody asked", Kind::Contradicted, tickets::nobody_asked),
    ("two tickets wait for each other", Kind::LeftWaiting, tickets::two_left),
    ("a ticket comes to no end", Kind::LeftWaiting, tickets::no_end),
    ("a player is not let in", Kind::TurnedAway, tickets::turned_away),
    ("a repeated enqueue is refused", Kind::WronglyRefused, tickets::refused),
    ("a program panics", Kind::Crashed, tickets::crashed),
    ("an agent stays away", Kind::NotMended, tickets::not_mended),
];

/// Where something that fits is; one of them by chance.
fn find(events: &[Event], rng: &mut StdRng, fits: impl Fn(&Event) -> bool) -> Option<usize> {
    let places: Vec<usize> = (0..events.len()).filter(|place| fits(&events[*place])).collect();
    (!places.is_empty()).then(|| places[rng.random_range(0..places.len())])
}

/// An assigned ticket that fits, and its assignment.
fn assigned(
    events: &[Event],
    rng: &mut StdRng,
    fits: impl Fn(&Assignment) -> bool,
) -> Option<(TicketId, Assignment)> {
    let place = find(events, rng, |event| match event {
        Event::Read { seen: Seen::Assigned(to), .. } => fits(to),
        _ => false,
    })?;
    match &events[place] {
        Event::Read { ticket, seen: Seen::Assigned(to), .. } => Some((ticket.clone(), to.clone())),
        _ => None,
    }
}

/// Changes whatever was seen of these tickets' assignments.
fn change(
    events: &mut [Event],
    of: impl Fn(&TicketId, &Assignment) -> bool,
    change: impl Fn(&mut Assignment),
) {
    for event in events {
        if let Event::Read { ticket, seen: Seen::Assigned(to), .. }
        | Event::Told { ticket, seen: Seen::Assigned(to), .. } = event
            && of(ticket, to)
        {
            change(to);
        }
    }
}

/// A land for these players on a server of its own.
fn another_land(events: &mut Vec<Event>, players: &[PlayerId]) -> (ServerId, LandId) {
    let (server, land) = (ServerId::from("server-9"), LandId::from("demo:another"));
    let made = Event::LandOpened { server: server.clone(), land: land.clone(), players: players.to_vec() };
    events.splice(1..1, [Event::ServerUp { server: server.clone(), capacity: 1 }, made]);
    (server, land)
}

fn roster(events: &[Event], wanted: &LandId) -> Vec<PlayerId> {
    let made = events.iter().find_map(|event| match event {
        Event::LandOpened { land, players, .. } if land == wanted => Some(players.clone()),
        _ => None,
    });
    made.unwrap()
}

/// Before the end of the round.
fn add(events: &mut Vec<Event>, more: impl IntoIterator<Item = Event>) -> bool {
    let end = events.len() - 1;
    events.splice(end..end, more);
    true
}

fn read_again(ticket: &TicketId, since: u64, seen: Seen) -> Event {
    Event::Read { ticket: ticket.clone(), since, seen }
}

/// Sends a ticket's players to another land.
fn send(to: &mut Assignment, server: &ServerId, land: &LandId) {
    (to.server, to.land) = (server.clone(), land.clone());
    to.tokens.values_mut().for_each(|token| *token = land.clone());
}
