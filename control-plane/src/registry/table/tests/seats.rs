//! Players' seats: kept, taken, freed, and never more of them than there are.

use super::*;
use crate::registry::{server::FreedSeats, table::NoShows};

/// A server for three lands and four players.
fn table_of_four() -> Table {
    let mut table = Table::default();
    let server = Registration { capacity: 3, player_capacity: Some(4), ..server("a", "i-1") };
    table.hello(arrival(server, Vec::new()), SOON, NOW).unwrap();
    table
}

fn place(table: &mut Table, land: &str, players: &[&str]) -> bool {
    picked(table, land, &Wants::any("hero").seats_for(players)).is_some()
}

fn with_players(sequence: u64, lands: &[(&str, &[&str])]) -> Heartbeat {
    let land = |(id, players): &(&str, &[&str])| Land {
        id: LandId::new(id),
        players: players.iter().map(PlayerId::new).collect(),
        awaited: Vec::new(),
    };
    Heartbeat { lands: lands.iter().map(land).collect(), ..beat(sequence, &[]) }
}

#[test]
fn a_server_takes_no_more_players_than_it_can_hold() {
    let mut table = table_of_four();
    assert!(!place(&mut table, "l0", &["a", "b", "c", "d", "e"]));
    assert!(place(&mut table, "l1", &["a", "b", "c"]));
    assert!(!place(&mut table, "l2", &["d", "e"]), "one seat is left");
    assert!(place(&mut table, "l2", &["d"]));
    assert_eq!(table.places("hero"), 0, "a third land would have no seat");
    table.free(&LandId::new("l1"));
    assert_eq!(table.places("hero"), 2);
}

#[test]
fn who_comes_sits_on_the_seat_that_was_kept_and_who_leaves_frees_it() {
    let mut table = table_of_four();
    let id = ServerId::new("a");
    place(&mut table, "l1", &["a", "b", "c"]);
    table.land_ready(&LandId::new("l1"), None);
    let view = |table: &Table| {
        let view = table.view(&id).unwrap();
        (view.seats_reserved, view.lands[0].players.len(), table.servers[&id].fits().seats)
    };
    table.heartbeat(&id, with_players(1, &[("l1", &["a", "b"])]), SOON, NOW);
    assert_eq!(view(&table), (1, 2, 1));
    table.heartbeat(&id, with_players(2, &[("l1", &["a", "b", "x"])]), SOON, NOW);
    assert_eq!(view(&table), (1, 3, 0), "nobody expected this one");
    let room = table.heartbeat(&id, with_players(3, &[("l1", &["c"])]), SOON, NOW);
    assert_eq!((view(&table), room), ((0, 1, 3), RoomChange::Appeared));
}

#[test]
fn the_seats_of_those_who_never_come_are_freed() {
    let mut table = table_of_four();
    let id = ServerId::new("a");
    place(&mut table, "l1", &["c", "a", "b"]);
    table.land_ready(&LandId::new("l1"), Some(Time(5_000)));
    table.heartbeat(&id, with_players(1, &[("l1", &["b"])]), SOON, NOW);
    assert_eq!(table.expire(Time(4_999), SOON), Expired::default());
    let players = vec![PlayerId::new("a"), PlayerId::new("c")];
    let no_shows = NoShows { server: id.clone(), land: LandId::new("l1"), seats: 2, players };
    let expired = table.expire(Time(5_000), SOON);
    assert_eq!(expired, Expired { room: true, no_shows: vec![no_shows], ..Expired::default() });
    assert!(table.is_there(&LandId::new("l1")) && place(&mut table, "l2", &["d", "e", "f"]));
    table.land_ready(&LandId::new("l2"), None);
    table.heartbeat(&id, with_players(2, &[("l1", &["b", "a"]), ("l2", &[])]), SOON, NOW);
    assert_eq!(table.servers[&id].fits().seats, 0, "who came too late is a player all the same");
    assert_eq!(table.expire(Time(6_000), SOON), Expired::default(), "once");
}

#[test]
fn a_heartbeat_changes_what_is_free_at_once() {
    let mut table = table_of_four();
    let id = ServerId::new("a");
    place(&mut table, "l1", &["a"]);
    table.land_ready(&LandId::new("l1"), None);
    let lands = |sequence, capacity| Heartbeat { capacity: Some(capacity), ..beat(sequence, &["l1"]) };
    assert_eq!(table.heartbeat(&id, lands(1, 1), SOON, NOW), RoomChange::None);
    assert_eq!(table.places("hero"), 0);
    assert_eq!(table.heartbeat(&id, lands(2, 0), SOON, NOW), RoomChange::None);
    assert_eq!(table.view(&id).unwrap().lands.len(), 1, "what is there goes on");
    assert_eq!(table.heartbeat(&id, lands(3, 5), SOON, NOW), RoomChange::Appeared);
    assert_eq!(table.places("hero"), 4);
    let players = |sequence, all| Heartbeat { player_capacity: Some(all), ..beat(sequence, &["l1"]) };
    table.heartbeat(&id, players(4, Some(1)), SOON, NOW);
    assert_eq!(table.places("hero"), 0, "the one seat is kept");
    assert_eq!(table.heartbeat(&id, players(5, None), SOON, NOW), RoomChange::Appeared);
    assert_eq!((table.places("hero"), table.servers[&id].fits().seats), (4, usize::MAX));
    assert_eq!(table.view(&id).unwrap().registration.capacity, 5, "a heartbeat without it changes nothing");
}

#[test]
fn a_land_that_lives_on_still_expects_its_players() {
    let mut table = table_of_four();
    place(&mut table, "l1", &["a", "b", "c"]);
    table.land_ready(&LandId::new("l1"), Some(Time(5_000)));
    let server = |instance| Registration { capacity: 3, player_capacity: Some(4), ..server("a", instance) };
    let lands =
        || vec![Land { id: LandId::new("l1"), players: vec![PlayerId::new("a")], awaited: Vec::new() }];
    table.hello(arrival(server("i-1"), lands()), SOON, NOW).unwrap();
    let fits = |table: &Table| table.servers[&ServerId::new("a")].fits().seats;
    assert_eq!((fits(&table), table.next_deadline()), (1, Some(Time(5_000))));
    table.hello(arrival(server("i-2"), lands()), SOON, NOW).unwrap();
    let known = (fits(&table), table.next_deadline());
    assert_eq!(known, (1, Some(Time(5_000))), "its agent was started anew, and the game goes on");
    table.hello(arrival(server("i-3"), Vec::new()), SOON, NOW).unwrap();
    assert_eq!((fits(&table), table.next_deadline()), (4, Some(SOON)), "all of it was started anew");
}

#[test]
fn who_is_still_expected_in_a_land_that_was_unknown_has_a_seat_until_they_come_or_are_given_up() {
    let mut table = Table::new(Some(Duration::from_secs(2)));
    let id = ServerId::new("a");
    let names = |names: &[&str]| names.iter().map(PlayerId::new).collect::<Vec<_>>();
    let land = |land: &str, players: &[&str], awaited: &[&str]| Land {
        id: LandId::new(land),
        players: names(players),
        awaited: names(awaited),
    };
    let registration = || Registration { capacity: 3, player_capacity: Some(5), ..server("a", "i-1") };
    table.hello(arrival(registration(), vec![land("l1", &["a"], &["b", "c"])]), SOON, NOW).unwrap();
    let seats = |table: &Table| (table.view(&id).unwrap().seats_reserved, table.servers[&id].fits().seats);
    assert_eq!(seats(&table), (2, 2));
    let later =
        Heartbeat { lands: vec![land("l1", &["a", "b"], &["c"]), land("l2", &[], &["d"])], ..beat(1, &[]) };
    table.heartbeat(&id, later, SOON, NOW + Duration::from_secs(1));
    assert_eq!(seats(&table), (2, 1), "b came; l2 was made for one who ordered it before");
    assert_eq!(table.next_deadline(), Some(Time(3_000)));
    let of =
        |expired: Expired| expired.no_shows.into_iter().flat_map(|gone| gone.players).collect::<Vec<_>>();
    assert_eq!((of(table.expire(Time(3_000), SOON)), seats(&table)), (names(&["c"]), (1, 2)));
    // What its agent says before it has heard of that changes nothing, and it is told again.
    table.heartbeat(
        &id,
        Heartbeat { lands: vec![land("l1", &["a", "b"], &["c"]), land("l2", &[], &["d"])], ..beat(2, &[]) },
        SOON,
        NOW,
    );
    let again = table.remind(&id, Time(3_500)).freed;
    assert_eq!(again, [FreedSeats { land: LandId::new("l1"), players: names(&["c"]) }]);
    assert_eq!(table.remind(&id, Time(3_500)), Reminder::default(), "once for each time that it says so");
    assert_eq!((of(table.expire(Time(4_000), SOON)), seats(&table)), (names(&["d"]), (0, 3)));

    let lands = vec![land("l1", &["a", "b"], &["c"]), land("l2", &[], &[])];
    table.hello(arrival(registration(), lands), SOON, Time(4_500)).unwrap();
    assert_eq!(table.remind(&id, Time(4_500)).freed, again, "nor does another stream");
    assert_eq!((seats(&table), table.next_deadline()), ((0, 3), Some(SOON)));
}

#[test]
fn a_reservation_that_nobody_confirms_is_given_back() {
    let mut table = table_of_four();
    place(&mut table, "l1", &["a"]);
    let due = table.next_deadline().unwrap();
    assert_eq!(due, NOW + ANSWER_WITHIN + Duration::from_secs(2));
    let expired = table.expire(due, SOON);
    assert!(expired.room && expired.ended[0].land == LandId::new("l1"), "{expired:?}");
    assert_eq!((table.places("hero"), table.is_there(&LandId::new("l1"))), (3, false));

    // Nor does it help that its server has it: nobody heard the answer.
    place(&mut table, "l2", &["a"]);
    table.heartbeat(&ServerId::new("a"), with_players(1, &[("l2", &[])]), SOON, NOW);
    assert_eq!(table.expire(due, SOON).ended.len(), 1);
}
