//! What the table knows after what it was told.

use std::time::Duration;

use super::*;
use crate::registry::server::ServerState;

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
        labels: BTreeMap::new(),
        version: String::new(),
    }
}

fn table(ids: &[&str]) -> Table {
    let mut table = Table::default();
    for id in ids {
        table.hello(server(id, "i-1"), Vec::new(), false, SOON, NOW).unwrap();
    }
    table
}

fn reserve(table: &mut Table, land: &str) -> Option<String> {
    reserve_in(table, land, None)
}

fn reserve_in(table: &mut Table, land: &str, region: Option<&str>) -> Option<String> {
    let region = region.map(SmolStr::new);
    let (land, except) = (LandId::new(land), HashSet::new());
    let pick = Pick { land_type: "hero", land: &land, region: region.as_ref(), except: &except };
    table.reserve(&pick).map(|reserved| reserved.server.to_string())
}

fn beat(sequence: u64, lands: &[&str]) -> Heartbeat {
    let lands = lands.iter().map(|land| Land { id: LandId::new(land), players: Vec::new() }).collect();
    Heartbeat { sequence, healthy: true, draining: false, lands }
}

fn state(table: &Table, id: &str) -> ServerState {
    table.servers[&ServerId::new(id)].state()
}

#[test]
fn servers_are_taken_in_turn_until_they_are_full() {
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
    let (land, except) = (LandId::new("l"), HashSet::from([ServerId::new("a"), ServerId::new("b")]));
    let pick = Pick { land_type: "hero", land: &land, region: None, except: &except };
    assert_eq!(table.reserve(&pick), None);
}

#[test]
fn a_land_that_a_heartbeat_leaves_out_has_ended() {
    let mut table = table(&["a"]);
    for land in ["l1", "l2"] {
        reserve(&mut table, land);
    }
    table.land_ready(&LandId::new("l1"), None);
    assert!(!table.heartbeat(&ServerId::new("a"), beat(1, &["l1"]), SOON, NOW), "l2 waits for its answer");
    assert_eq!(reserve(&mut table, "l3"), None);
    assert!(table.heartbeat(&ServerId::new("a"), beat(2, &[]), SOON, NOW), "l1 ended");
    assert!(!table.is_live(&LandId::new("l1")) && table.is_live(&LandId::new("l2")));
    assert_eq!(reserve(&mut table, "l3").as_deref(), Some("a"));
}

#[test]
fn an_old_heartbeat_changes_nothing() {
    let mut table = table(&["a"]);
    table.heartbeat(&ServerId::new("a"), beat(5, &["l1"]), SOON, NOW);
    table.heartbeat(&ServerId::new("a"), beat(4, &[]), SOON, NOW);
    assert!(table.is_live(&LandId::new("l1")));
}

#[test]
fn a_silent_server_is_lost_then_back_then_forgotten() {
    let mut table = table(&["a"]);
    let id = ServerId::new("a");
    assert_eq!(table.next_deadline(), Some(SOON));
    assert_eq!(table.expire(Time(SOON.0 - 1), SOON + SHOWN), Expired::default());
    assert_eq!(table.expire(SOON, SOON + SHOWN).lost, std::slice::from_ref(&id));
    assert_eq!((state(&table, "a"), reserve(&mut table, "l")), (ServerState::Lost, None));

    assert!(table.heartbeat(&id, beat(1, &[]), SOON + SHOWN, SOON), "it is heard of again");
    assert_eq!(reserve(&mut table, "l").as_deref(), Some("a"));

    table.lose(&id, SOON + SHOWN * 2);
    assert!(!table.is_live(&LandId::new("l")));
    table.expire(SOON + SHOWN * 2, SOON + SHOWN * 3);
    assert!(table.list(None).is_empty() && table.lands.is_empty());
    assert_eq!(table.next_deadline(), None);
}

#[test]
fn the_newer_instance_takes_over_and_the_older_is_refused() {
    let mut table = table(&["a"]);
    reserve(&mut table, "l1");
    let lands = vec![Land { id: LandId::new("l9"), players: Vec::new() }];
    table.hello(server("a", "i-2"), lands, false, SOON, NOW).unwrap();
    assert!(!table.is_live(&LandId::new("l1")), "the older instance's open question died with it");
    assert!(table.is_live(&LandId::new("l9")));
    let refused = table.hello(server("a", "i-1"), Vec::new(), false, SOON, NOW);
    assert_eq!(refused, Err(HelloRefused::Superseded { by: "i-2".to_owned() }));
    // Once the newer one is lost, the older may come back.
    table.lose(&ServerId::new("a"), SOON);
    table.hello(server("a", "i-1"), Vec::new(), false, SOON, NOW).unwrap();
}

#[test]
fn draining_and_unhealthy_servers_get_nothing() {
    let mut table = table(&["a"]);
    let id = ServerId::new("a");
    table.heartbeat(&id, Heartbeat { draining: true, ..beat(1, &[]) }, SOON, NOW);
    assert_eq!((state(&table, "a"), reserve(&mut table, "l")), (ServerState::Draining, None));
    table.heartbeat(&id, Heartbeat { healthy: false, ..beat(2, &[]) }, SOON, NOW);
    assert_eq!((state(&table, "a"), reserve(&mut table, "l")), (ServerState::Unhealthy, None));
    assert!(table.heartbeat(&id, beat(3, &[]), SOON, NOW));
    assert!(reserve(&mut table, "l").is_some());
}

#[test]
fn a_server_without_an_agent_frees_its_places_by_time() {
    let mut table = Table::default();
    let plain = Registration { instance: None, capacity: 1, ..server("a", "") };
    table.register(plain.clone(), SOON, NOW).unwrap();
    reserve(&mut table, "l1");
    table.land_ready(&LandId::new("l1"), Some(Time(5_000)));
    table.register(plain, SOON, NOW).unwrap();
    assert_eq!(reserve(&mut table, "l2"), None, "registering again is a heartbeat and frees nothing");
    assert_eq!(table.next_deadline(), Some(Time(5_000)));
    assert!(table.expire(Time(5_000), SOON).freed);
    assert_eq!(reserve(&mut table, "l2").as_deref(), Some("a"));
    assert_eq!(table.deregister(&ServerId::new("a")), Ok(true));
    assert_eq!(table.deregister(&ServerId::new("a")), Ok(false));
}
