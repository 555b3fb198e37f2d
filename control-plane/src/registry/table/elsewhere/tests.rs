//! What the table knows of servers elsewhere.

use std::collections::BTreeMap;

use super::*;
use crate::registry::{
    server::Arrival,
    table::{Freed, Place, Reserved, Told},
    wish::wants::Wants,
};

const NOW: Time = Time(1_000);
const SOON: Time = Time(9_000);

fn registration(id: &str, instance: &str) -> Registration {
    Registration {
        server: ServerId::new(id),
        instance: Some(instance.to_owned()),
        connect_base: format!("ws://{id}"),
        land_types: vec!["demo".into()],
        region: None,
        capacity: 2,
        player_capacity: None,
        labels: BTreeMap::new(),
        version: String::new(),
    }
}

fn notice(id: &str, term: u64, number: u64, free: usize) -> Notice {
    Notice {
        registration: Arc::new(registration(id, "i-1")),
        term,
        number,
        free,
        free_seats: None,
        occupied: false,
        avoided_for_ms: None,
        state: ServerState::Ready,
        registered_at: NOW,
        last_heard: NOW,
    }
}

fn replica(name: &str) -> ReplicaId {
    ReplicaId::new(name)
}

fn hello(table: &mut Table, id: &str, term: u64) -> bool {
    let arrival = Arrival { registration: registration(id, "i-1"), term, lands: Vec::new(), draining: false };
    table.hello(arrival, SOON, NOW).is_ok()
}

fn reserve(table: &mut Table, land: &str) -> Option<Reserved> {
    Wants::any("demo").with(land, |pick| table.reserve(pick, NOW))
}

#[test]
fn a_server_elsewhere_is_asked_there_and_never_for_more_than_it_has() {
    let mut table = Table::default();
    assert_eq!(table.announced(&replica("r"), notice("a", 5, 1, 2), NOW), (RoomChange::Appeared, None));
    assert_eq!(table.places("demo"), 2);
    let first = reserve(&mut table, "l1").unwrap();
    assert_eq!((first.place.clone(), first.connect_base.as_str()), (Place::Replica(replica("r")), "ws://a"));
    let second = reserve(&mut table, "l2").unwrap();
    assert!(reserve(&mut table, "l3").is_none(), "two are asked for already");

    // The first was made: there it counts now, here not any more.
    table.made_elsewhere(&first);
    table.announced(&replica("r"), notice("a", 5, 2, 1), NOW);
    assert_eq!(table.places("demo"), 0, "one is there, and one is still asked for");
    assert_eq!(table.free(&second.land), Some(Freed { server: second.server, replica: Some(replica("r")) }));
    assert_eq!(table.places("demo"), 1);
    assert_eq!(table.free(&first.land), None, "what was made is not this table's to give back");
}

#[test]
fn the_newest_word_counts() {
    let mut table = Table::default();
    table.announced(&replica("r"), notice("a", 5, 7, 1), NOW);
    table.announced(&replica("r"), notice("a", 5, 6, 2), NOW);
    assert_eq!(table.places("demo"), 1, "an older notice that came late");
    table.announced(&replica("other"), notice("a", 6, 1, 2), NOW);
    assert_eq!((table.places("demo"), table.replica_of(&ServerId::new("a"))), (2, Some(&replica("other"))));
    table.announced(&replica("r"), notice("a", 5, 8, 1), NOW);
    table.withdrawn(&replica("r"), &ServerId::new("a"));
    assert_eq!(table.places("demo"), 2, "it is another replica's by now");
    table.replica_gone(&replica("other"));
    assert_eq!((table.places("demo"), table.lands.len()), (0, 0));
}

#[test]
fn of_two_replicas_with_a_server_the_later_has_it() {
    let mut table = Table::default();
    assert!(hello(&mut table, "a", 5));
    table.announced(&replica("r"), notice("a", 4, 1, 2), NOW);
    assert_eq!(table.replica_of(&ServerId::new("a")), None, "it came here after that");
    let (_, superseded) = table.announced(&replica("r"), notice("a", 6, 1, 1), NOW);
    assert_eq!(superseded, Some((ServerId::new("a"), "i-1".to_owned())));
    assert_eq!((table.places("demo"), table.list(None).len()), (1, 0));
    assert!(!hello(&mut table, "a", 5), "the hold for this stream is over");
    assert!(hello(&mut table, "a", 7));
    assert_eq!((table.places("demo"), table.list(None).len()), (2, 1));
}

#[test]
fn a_silent_replica_is_left_alone_until_it_is_heard_of() {
    let mut table = Table::default();
    table.announced(&replica("r"), notice("a", 5, 1, 2), NOW);
    table.announced(&replica("s"), notice("b", 6, 1, 1), NOW);
    table.replica_silent(&replica("r"));
    assert_eq!(table.places("demo"), 1);
    assert_eq!(table.replica_heard(&replica("r")), RoomChange::Appeared);
    assert_eq!(table.places("demo"), 3);
    assert_eq!(table.replica_heard(&replica("r")), RoomChange::None);
    assert_eq!(table.replicas(), BTreeSet::from([replica("r"), replica("s")]));
}

#[test]
fn what_a_land_was_asked_for_on_ends_with_its_stream() {
    let mut table = Table::default();
    table.announced(&replica("r"), notice("a", 5, 1, 2), NOW);
    let asked = reserve(&mut table, "l1").unwrap();
    table.announced(&replica("s"), notice("a", 6, 1, 2), NOW);
    assert_eq!(table.places("demo"), 2, "another stream was asked for nothing");
    assert_eq!(table.free(&asked.land), None);
}

#[test]
fn there_is_news_when_room_changes_and_no_other() {
    let mut table = Table::default();
    hello(&mut table, "a", 5);
    assert!(!table.has_news(), "nobody wants any");
    table.keep_news();
    reserve(&mut table, "l1");
    let [(_, Told::Is(one))] = &*table.take_news(NOW) else { panic!("one notice") };
    assert_eq!((one.free, one.term), (1, 5));
    assert!(!table.has_news());
    let beat = crate::registry::Heartbeat {
        sequence: 1,
        healthy: true,
        draining: false,
        lands: Vec::new(),
        capacity: None,
        player_capacity: None,
    };
    table.heartbeat(&ServerId::new("a"), beat, SOON, NOW);
    assert!(!table.has_news(), "a heartbeat that changes nothing");
    table.lose(&ServerId::new("a"), SOON);
    assert_eq!(table.take_news(NOW), [(ServerId::new("a"), Told::Gone { term: 5 })]);
    assert_eq!(table.all_news(NOW), []);
}
