//! What the table knows after what it was told.

mod naive;
mod properties;
mod seats;
mod unwanted;
mod wishes;

use std::time::Duration;

use matching::PlayerId;

use super::{time::Expired, *};
use crate::registry::{
    server::{Land, ServerState},
    wish::{
        Latencies, Policy,
        wants::{ANSWER_WITHIN, Wants},
    },
};

const NOW: Time = Time(1_000);
const SOON: Time = Time(9_000);
const SHOWN: Duration = Duration::from_secs(60);

fn server(id: &str, instance: &str) -> Registration {
    Registration {
        server: ServerId::new(id),
        instance: Some(instance.to_owned()),
        connect_base: format!("ws://{id}"),
        land_types: vec!["hero".into(), "demo".into()],
        region: Some(if id.ends_with("eu") { "eu" } else { "us" }.into()),
        capacity: 2,
        player_capacity: None,
        labels: BTreeMap::new(),
        version: String::new(),
    }
}

fn arrival(registration: Registration, lands: Vec<Land>) -> Arrival {
    Arrival { registration, term: 1, lands, draining: false }
}

fn table(ids: &[&str]) -> Table {
    let mut table = Table::default();
    for id in ids {
        table.hello(arrival(server(id, "i-1"), Vec::new()), SOON, NOW).unwrap();
    }
    table
}

fn freed(server: &str) -> Option<Freed> {
    Some(Freed { server: ServerId::new(server), replica: None })
}

fn reserve(table: &mut Table, land: &str) -> Option<String> {
    reserve_in(table, land, None)
}

fn reserve_in(table: &mut Table, land: &str, region: Option<&str>) -> Option<String> {
    let regions = region.map(|region| Latencies::only(&region.into())).unwrap_or_default();
    picked(table, land, &Wants { regions, ..Wants::any("hero") })
}

fn picked(table: &mut Table, land: &str, wants: &Wants) -> Option<String> {
    wants.with(land, |pick| table.reserve(pick, NOW)).map(|reserved| reserved.server.to_string())
}

fn beat(sequence: u64, lands: &[&str]) -> Heartbeat {
    let lands = lands
        .iter()
        .map(|land| Land { id: LandId::new(land), players: Vec::new(), awaited: Vec::new() })
        .collect();
    Heartbeat { sequence, healthy: true, draining: false, lands, capacity: None, player_capacity: None }
}

fn state(table: &Table, id: &str) -> ServerState {
    table.servers[&ServerId::new(id)].state()
}

#[test]
fn lands_are_spread_until_all_servers_are_full() {
    let mut table = table(&["a", "b"]);
    let picked: Vec<_> = (0..5).map(|n| reserve(&mut table, &format!("l{n}"))).collect();
    let names: Vec<_> = picked.iter().map(|server| server.as_deref()).collect();
    assert_eq!(names, [Some("a"), Some("b"), Some("a"), Some("b"), None]);
    table.free(&LandId::new("l0"));
    assert_eq!(reserve(&mut table, "l5").as_deref(), Some("a"));
}

#[test]
fn the_region_comes_first_and_the_rest_after_it() {
    let mut table = table(&["a-us", "b-eu", "c-us"]);
    let picked: Vec<_> = (0..4).map(|n| reserve_in(&mut table, &format!("l{n}"), Some("eu"))).collect();
    let names: Vec<_> = picked.iter().map(|server| server.as_deref()).collect();
    assert_eq!(names, [Some("b-eu"), Some("b-eu"), Some("a-us"), Some("c-us")]);
}

#[test]
fn servers_that_were_asked_are_passed_over() {
    let mut table = table(&["a", "b"]);
    let except = vec![ServerId::new("a"), ServerId::new("b")];
    let mut wants = Wants { except, ..Wants::any("hero") };
    assert_eq!(picked(&mut table, "l", &wants), None);
    wants.except.pop();
    assert_eq!(picked(&mut table, "l", &wants).as_deref(), Some("b"));
}

#[test]
fn a_land_that_a_heartbeat_leaves_out_has_ended() {
    let mut table = table(&["a"]);
    for land in ["l1", "l2"] {
        reserve(&mut table, land);
    }
    table.land_ready(&LandId::new("l1"), None);
    let room = table.heartbeat(&ServerId::new("a"), beat(1, &["l1"]), SOON, NOW);
    assert_eq!(room, RoomChange::None, "l2 waits for its answer");
    assert_eq!(reserve(&mut table, "l3"), None);
    let room = table.heartbeat(&ServerId::new("a"), beat(2, &[]), SOON, NOW);
    assert_eq!(room, RoomChange::Appeared, "l1 ended");
    assert!(!table.is_there(&LandId::new("l1")) && table.is_there(&LandId::new("l2")));
    assert_eq!(reserve(&mut table, "l3").as_deref(), Some("a"));
}

#[test]
fn an_old_heartbeat_changes_nothing() {
    let mut table = table(&["a"]);
    table.heartbeat(&ServerId::new("a"), beat(5, &["l1"]), SOON, NOW);
    table.heartbeat(&ServerId::new("a"), beat(4, &[]), SOON, NOW);
    assert!(table.is_there(&LandId::new("l1")));
}

#[test]
fn a_silent_server_is_lost_then_back_then_forgotten() {
    let mut table = table(&["a"]);
    let id = ServerId::new("a");
    assert_eq!(table.next_deadline(), Some(SOON));
    assert_eq!(table.expire(Time(SOON.0 - 1), SOON + SHOWN), Expired::default());
    assert_eq!(table.expire(SOON, SOON + SHOWN).lost, std::slice::from_ref(&id));
    assert_eq!((state(&table, "a"), reserve(&mut table, "l")), (ServerState::Lost, None));

    let room = table.heartbeat(&id, beat(1, &[]), SOON + SHOWN, SOON);
    assert_eq!(room, RoomChange::Appeared, "it is heard of again");
    assert_eq!(reserve(&mut table, "l").as_deref(), Some("a"));

    table.lose(&id, SOON + SHOWN * 2);
    table.expire(SOON + SHOWN * 2, SOON + SHOWN * 3);
    assert!(table.list(None).is_empty() && table.lands.is_empty());
    assert_eq!(table.next_deadline(), None);
}

#[test]
fn the_newer_instance_takes_over_and_the_older_is_refused() {
    let mut table = table(&["a"]);
    reserve(&mut table, "l1");
    let lands = vec![Land { id: LandId::new("l9"), players: Vec::new(), awaited: Vec::new() }];
    table.hello(arrival(server("a", "i-2"), lands), SOON, NOW).unwrap();
    assert!(!table.is_there(&LandId::new("l1")), "the older instance's open question died with it");
    assert!(table.is_there(&LandId::new("l9")));
    let refused = table.hello(arrival(server("a", "i-1"), Vec::new()), SOON, NOW);
    assert_eq!(refused, Err(HelloRefused::Superseded { by: "i-2".to_owned() }));
    // Once the newer one is lost, the older may come back.
    table.lose(&ServerId::new("a"), SOON);
    table.hello(arrival(server("a", "i-1"), Vec::new()), SOON, NOW).unwrap();
}

#[test]
fn draining_and_unhealthy_servers_get_nothing() {
    let mut table = table(&["a"]);
    let id = ServerId::new("a");
    table.heartbeat(&id, Heartbeat { draining: true, ..beat(1, &[]) }, SOON, NOW);
    assert_eq!((state(&table, "a"), reserve(&mut table, "l")), (ServerState::Draining, None));
    table.heartbeat(&id, Heartbeat { healthy: false, ..beat(2, &[]) }, SOON, NOW);
    assert_eq!((state(&table, "a"), reserve(&mut table, "l")), (ServerState::Unhealthy, None));
    assert_eq!(table.heartbeat(&id, beat(3, &[]), SOON, NOW), RoomChange::Appeared);
    assert!(reserve(&mut table, "l").is_some());
}

#[test]
fn a_server_without_an_agent_frees_its_places_by_time() {
    let mut table = Table::default();
    let plain = Registration { instance: None, capacity: 1, ..server("a", "") };
    table.register(plain.clone(), 1, SOON, NOW).unwrap();
    reserve(&mut table, "l1");
    table.land_ready(&LandId::new("l1"), Some(Time(5_000)));
    assert_eq!(table.register(plain, 1, SOON, NOW), Ok(RoomChange::None));
    assert_eq!(reserve(&mut table, "l2"), None, "registering again is a heartbeat and frees nothing");
    assert_eq!(table.next_deadline(), Some(Time(5_000)));
    assert!(table.expire(Time(5_000), SOON).room);
    assert_eq!(reserve(&mut table, "l2").as_deref(), Some("a"));
    assert_eq!(table.deregister(&ServerId::new("a")), Ok(true));
    assert_eq!(table.deregister(&ServerId::new("a")), Ok(false));
}

fn plain(id: &str, capacity: usize) -> Registration {
    Registration { instance: None, capacity, ..server(id, "") }
}

#[test]
fn a_server_without_an_agent_that_is_described_anew_keeps_its_places() {
    let mut table = Table::default();
    table.register(plain("a", 3), 1, SOON, NOW).unwrap();
    for land in ["l1", "l2"] {
        reserve(&mut table, land);
        table.land_ready(&LandId::new(land), Some(Time(5_000)));
    }
    let other = Registration { version: "2".to_owned(), land_types: vec!["hero".into()], ..plain("a", 2) };
    table.register(other, 1, SOON, NOW).unwrap();
    assert_eq!(reserve(&mut table, "l3"), None, "it has two lands and room for two");
    assert_eq!(table.register(plain("a", 3), 1, SOON, NOW), Ok(RoomChange::Appeared));
    assert!(reserve(&mut table, "l3").is_some());
    table.deregister(&ServerId::new("a")).unwrap();
    assert_eq!(table.next_deadline(), None);
}

#[test]
fn a_land_that_two_servers_claim_stays_where_it_was_placed() {
    let mut table = table(&["a"]);
    reserve(&mut table, "l1");
    table.hello(Arrival { draining: true, ..arrival(server("b", "i-1"), Vec::new()) }, SOON, NOW).unwrap();
    table.heartbeat(&ServerId::new("b"), beat(1, &["l1"]), SOON, NOW);
    assert_eq!(table.free(&LandId::new("l1")), freed("a"), "its place is given back where it is");
    assert_eq!(table.servers[&ServerId::new("a")].lands.len(), 0);
}

#[test]
fn a_land_follows_its_game_server_to_another_server_id() {
    let mut table = table(&["old"]);
    reserve(&mut table, "l1");
    table.land_ready(&LandId::new("l1"), None);
    table.lose(&ServerId::new("old"), SOON);
    let lands = vec![Land { id: LandId::new("l1"), players: Vec::new(), awaited: Vec::new() }];
    table.hello(arrival(server("new", "i-1"), lands), SOON + SHOWN, NOW).unwrap();
    table.expire(SOON, SOON + SHOWN);
    assert_eq!(table.free(&LandId::new("l1")), freed("new"), "the lost one took it along");
}

#[test]
fn land_types_are_forgotten_with_their_servers() {
    let mut table = table(&["a"]);
    for round in 0..100 {
        let other = Registration { land_types: vec![format!("type-{round}").into()], ..server("a", "i-1") };
        table.hello(arrival(other, Vec::new()), SOON, NOW).unwrap();
        table.register(plain(&format!("plain-{round}"), 1), 1, SOON, NOW).unwrap();
        table.deregister(&ServerId::new(format!("plain-{round}"))).unwrap();
    }
    assert_eq!(table.room.len(), 2, "one land type, in one region and in any");
}

#[test]
fn places_are_counted() {
    let mut table = table(&["a", "b"]);
    assert_eq!((table.places("hero"), table.places("demo"), table.places("other")), (4, 4, 0));
    reserve(&mut table, "l1");
    assert_eq!(table.places("demo"), 3, "a server's lands are of any of its types");
    table.lose(&ServerId::new("b"), SOON);
    assert_eq!(table.places("hero"), 1);
    table.free(&LandId::new("l1"));
    assert_eq!(table.places("hero"), 2);
}
