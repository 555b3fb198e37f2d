//! Which server is taken, of those that will do.

use super::*;
use crate::registry::{
    table::Ended,
    wish::{Selector, Use},
};

/// Lands that are placed one after the other, each on which server.
fn placed(table: &mut Table, count: usize, wants: &Wants) -> Vec<String> {
    let place = |n| picked(table, &format!("l{n}"), wants).unwrap_or_else(|| "none".to_owned());
    (0..count).map(place).collect()
}

fn any() -> Wants {
    Wants::any("hero")
}

fn with(label: Option<(&str, &str)>, id: &str) -> Registration {
    let labels = label.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Registration { labels, ..server(id, "i-1") }
}

fn table_of(servers: Vec<Registration>) -> Table {
    let mut table = Table::default();
    for server in servers {
        table.hello(arrival(server, Vec::new()), SOON, NOW).unwrap();
    }
    table
}

#[test]
fn packed_fills_one_server_before_the_next() {
    let mut packed = table(&["b", "a", "c"]);
    let wants = Wants { policy: Policy::Packed, ..any() };
    assert_eq!(placed(&mut packed, 7, &wants), ["a", "a", "b", "b", "c", "c", "none"]);
    let mut spread = table(&["b", "a", "c"]);
    assert_eq!(placed(&mut spread, 7, &any()), ["a", "b", "c", "a", "b", "c", "none"]);
}

#[test]
fn the_first_selector_that_one_with_room_fits_decides() {
    let mut table = table_of(vec![
        with(None, "a"),
        with(Some(("pool", "ranked")), "b"),
        Registration { version: "2".to_owned(), ..with(Some(("pool", "ranked")), "c") },
    ]);
    let ranked = Selector {
        labels: BTreeMap::from([("pool".to_owned(), "ranked".to_owned())]),
        ..Selector::default()
    };
    let new = Selector { version: Some("2".to_owned()), ..ranked.clone() };
    let mut wants = Wants { selectors: vec![new, ranked, Selector::default()], ..any() };
    assert_eq!(placed(&mut table, 5, &wants), ["c", "c", "b", "b", "a"]);
    wants.selectors.pop();
    assert_eq!(picked(&mut table, "more", &wants), None, "a has room, and no selector takes it");
}

#[test]
fn selectors_ask_whether_a_server_is_in_use_and_where_it_is() {
    let mut table = table(&["a-us", "b-eu", "c-us"]);
    reserve_in(&mut table, "first", Some("eu"));
    let using = |in_use| Selector { in_use, ..Selector::default() };
    let wants = Wants { selectors: vec![using(Use::Occupied), using(Use::Empty)], ..any() };
    assert_eq!(placed(&mut table, 4, &wants), ["b-eu", "a-us", "a-us", "c-us"]);
    let there = Selector { region: Some("eu".into()), ..Selector::default() };
    let wants = Wants { selectors: vec![there], ..any() };
    assert_eq!(picked(&mut table, "more", &wants), None, "a selector's region is no preference");
}

#[test]
fn a_preferred_server_is_taken_while_it_has_room_and_will_do() {
    let mut table = table(&["a", "b", "c"]);
    let wants = Wants { prefer: Some(ServerId::new("c")), ..any() };
    assert_eq!(placed(&mut table, 4, &wants), ["c", "c", "a", "b"]);
    table.free(&LandId::new("l0"));
    let selectors = vec![Selector { region: Some("eu".into()), ..Selector::default() }];
    assert_eq!(picked(&mut table, "more", &Wants { selectors, ..wants.clone() }), None);
    assert_eq!(
        picked(&mut table, "more", &Wants { except: vec![ServerId::new("c")], ..wants }).as_deref(),
        Some("a")
    );
}

#[test]
fn the_region_that_is_best_for_the_player_who_is_worst_off_comes_first_then_the_one_with_most_room() {
    let region = |id: &str, region: &str| Registration { region: Some(region.into()), ..server(id, "i-1") };
    let mut table =
        table_of(vec![region("a", "far"), region("b", "near"), region("c", "same"), region("d", "same")]);
    let players: Vec<matching::ByName<u32>> =
        [[("near", 30), ("same", 20), ("far", 10)], [("near", 10), ("same", 30), ("far", 90)]]
            .map(|player| player.into_iter().collect())
            .into();
    let wants = Wants { regions: Latencies::of(players.iter()), ..any() };
    // `near` and `same` have 30 ms for somebody each, and `same` has twice the room.
    assert_eq!(placed(&mut table, 8, &wants), ["c", "d", "b", "c", "b", "d", "a", "a"]);
}

#[test]
fn one_that_failed_is_asked_after_all_others_until_its_time_is_over() {
    let mut table = table(&["a", "b"]);
    let a = ServerId::new("a");
    table.failed(&a, Duration::ZERO, NOW);
    assert_eq!(table.view(&a).unwrap().avoided_until, Some(Time(1_500)));
    assert_eq!(placed(&mut table, 3, &any()), ["b", "b", "a"], "and it is asked where there is no other");
    for land in ["l0", "l1", "l2"] {
        table.free(&LandId::new(land));
    }
    assert_eq!(table.next_deadline(), Some(Time(1_500)));
    table.expire(Time(1_500), SOON);
    assert_eq!(picked(&mut table, "l0", &any()).as_deref(), Some("a"));
    table.failed(&a, Duration::ZERO, NOW);
    assert_eq!(table.view(&a).unwrap().avoided_until, Some(Time(2_000)), "twice in a row, twice as long");
    table.land_ready(&LandId::new("l0"), None);
    assert_eq!(table.view(&a).unwrap().avoided_until, None, "it made one");
}

#[test]
fn a_server_that_drains_gets_nothing_and_its_lands_end_at_the_earliest_deadline() {
    let mut table = table(&["a"]);
    let a = ServerId::new("a");
    assert_eq!(table.drain(&ServerId::new("b"), "", None, NOW), None);
    reserve(&mut table, "l1");
    table.land_ready(&LandId::new("l1"), None);
    let mut left = |deadline| table.drain(&a, "new version", deadline, NOW).unwrap().left;
    assert_eq!(left(None), None);
    assert_eq!(left(Some(Time(3_000))), Some(Duration::from_secs(2)));
    assert_eq!(left(Some(Time(9_000))), Some(Duration::from_secs(2)), "the earlier one holds");
    assert_eq!((state(&table, "a"), reserve(&mut table, "l2")), (ServerState::Draining, None));
    assert_eq!(table.view(&a).unwrap().drain_deadline, Some(Time(3_000)));

    table.heartbeat(&a, beat(1, &["l1"]), SOON, NOW);
    let Reminder { drain: order, ended, .. } = table.remind(&a, Time(2_000));
    assert_eq!(
        (order.unwrap().left, ended.len()),
        (Some(Duration::from_secs(1)), 0),
        "it doesn't say so yet"
    );
    table.heartbeat(&a, Heartbeat { draining: true, ..beat(2, &["l1"]) }, SOON, NOW);
    assert_eq!(table.remind(&a, Time(2_000)), Reminder::default());

    assert_eq!(table.next_deadline(), Some(Time(3_000)));
    let ended = table.expire(Time(3_000), SOON).ended;
    let [Ended { server, land, reason }] = &*ended else { panic!("{ended:?}") };
    assert_eq!((server, land.as_str()), (&a, "l1"));
    assert!(reason.contains("new version") && !table.is_there(land), "{reason}");

    // The word of the server crossed it.
    table.heartbeat(&a, Heartbeat { draining: true, ..beat(3, &["l1"]) }, SOON, NOW);
    assert_eq!(table.remind(&a, Time(3_001)), Reminder { ended, ..Reminder::default() });
}

#[test]
fn a_drain_outlives_the_stream_and_where_lands_live_on_the_agent() {
    let mut table = table(&["a"]);
    let a = ServerId::new("a");
    reserve(&mut table, "l1");
    table.land_ready(&LandId::new("l1"), None);
    table.drain(&a, "", Some(Time(3_000)), NOW);
    let mut comes = |instance, lands: &[&str]| {
        table.hello(arrival(server("a", instance), beat(0, lands).lands), SOON, NOW).unwrap();
        let fits = reserve(&mut table, "l3").is_some();
        (table.remind(&a, NOW).drain.is_some(), table.next_deadline() == Some(Time(3_000)), fits)
    };
    assert_eq!(comes("i-1", &["l1"]), (true, true, false), "its stream was lost");
    assert_eq!(comes("i-2", &["l1", "l2"]), (true, true, false), "its agent was started anew");
    assert_eq!(comes("i-2", &[]), (true, true, false), "its stream was lost, and its lands are over");
    assert_eq!(comes("i-3", &["l2"]), (false, false, true), "nothing that was there lives on");
}
