//! Players: who came, who left, whose seat is free again, and how many fit.

use super::*;

fn expecting(command_id: &str, land: &str, roster: &[&str]) -> Down {
    let players = players(roster).to_vec();
    Down::Allocate(Allocation { players, ..allocation(command_id, land) })
}

fn freed(land: &str, roster: &[&str]) -> Down {
    Down::SeatsFreed { land_id: id(land), players: players(roster).to_vec() }
}

#[test]
fn players_come_and_go_and_only_changes_are_told() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    let arena = id("arena:1");
    assert_eq!(bench.machine.players_joined(bench.now_ms, &arena, &players(&["ann", "bob"])), Ok(2));
    assert_eq!(bench.machine.players_joined(bench.now_ms, &arena, &players(&["bob", "cat", "cat"])), Ok(3));
    assert_eq!(bench.machine.players_left(bench.now_ms, &arena, &players(&["ann", "dan"])), Ok(2));
    assert_eq!(&*bench.status().lands[0].players, &*players(&["bob", "cat"]));
    bench.pass(1_000);
    bench.sent();
    assert_eq!(bench.machine.players_left(bench.now_ms, &arena, &players(&["ann"])), Ok(2));
    bench.pass(200);
    assert!(bench.sent().is_empty(), "nothing has changed");
    let crowd: Vec<_> = (0..999).map(|n| PlayerId::parse(&n.to_string()).unwrap()).collect();
    let many = bench.machine.players_joined(bench.now_ms, &arena, &crowd);
    assert_eq!(many, Err(LandError::TooManyPlayers));
    assert_eq!(bench.machine.players_joined(bench.now_ms, &id("arena:9"), &[]), Err(LandError::NotFound));
}

#[test]
fn a_freed_seat_is_told_until_its_player_comes_after_all() {
    let mut bench = Bench::registered();
    bench.hear(expecting("c1", "arena:1", &["ann", "bob", "cat"]));
    bench.machine.land_ready(&id("arena:1")).unwrap();
    bench.machine.players_joined(bench.now_ms, &id("arena:1"), &players(&["ann"])).unwrap();
    bench.outputs();
    bench.hear(freed("arena:1", &["ann", "bob", "stranger"]));
    bench.hear(freed("arena:1", &["bob"]));
    bench.hear(freed("arena:9", &["bob"]));
    assert_eq!(bench.told(), ["1 seats freed in arena:1"], "once, and only of those who never came");
    bench.hear(freed("arena:1", &["cat"]));
    assert_eq!(bench.told(), ["2 seats freed in arena:1"]);
    let missed =
        |bench: &mut Bench| bench.machine.watcher_came(bench.now_ms).iter().map(short).collect::<Vec<_>>();
    assert_eq!(missed(&mut bench), ["2 seats freed in arena:1"]);
    bench.machine.players_joined(bench.now_ms, &id("arena:1"), &players(&["bob", "cat"])).unwrap();
    assert!(missed(&mut bench).is_empty());
}

#[test]
fn the_control_plane_is_told_who_is_still_expected() {
    let mut bench = Bench::registered();
    bench.hear(expecting("c1", "arena:1", &["ann", "bob", "cat", "dan"]));
    bench.machine.land_ready(&id("arena:1")).unwrap();
    bench.machine.players_joined(bench.now_ms, &id("arena:1"), &players(&["ann", "bob", "eve"])).unwrap();
    bench.machine.players_left(bench.now_ms, &id("arena:1"), &players(&["bob"])).unwrap();
    bench.hear(freed("arena:1", &["cat"]));
    bench.sent();
    bench.pass(1_000);
    let sent = bench.sent();
    let Some(Up::Heartbeat { lands, .. }) = sent.last() else { panic!("{sent:?}") };
    assert_eq!((&*lands[0].players, &*lands[0].awaited), (&*players(&["ann", "eve"]), &*players(&["dan"])));
}

#[test]
fn who_left_keeps_no_seat() {
    let mut bench = Bench::registered();
    bench.machine.set_capacity(bench.now_ms, None, Some(3));
    bench.hear(expecting("c1", "arena:1", &["ann", "bob"]));
    bench.machine.land_ready(&id("arena:1")).unwrap();
    bench.machine.players_joined(bench.now_ms, &id("arena:1"), &players(&["ann"])).unwrap();
    bench.machine.players_left(bench.now_ms, &id("arena:1"), &players(&["ann"])).unwrap();
    bench.sent();
    bench.hear(expecting("c2", "arena:2", &["cat", "dan", "eve"]));
    assert!(refusal(&bench.sent()[0], "c2").contains("3 players"), "bob is still to come");
    bench.hear(expecting("c3", "arena:3", &["cat", "dan"]));
    assert_eq!(bench.told(), ["allocate arena:3"], "ann has been there");
}

#[test]
fn a_roster_that_does_not_fit_is_refused() {
    let mut bench = Bench::registered();
    bench.machine.set_capacity(bench.now_ms, None, Some(4));
    bench.hear(expecting("c1", "arena:1", &["ann", "bob", "cat"]));
    bench.machine.land_ready(&id("arena:1")).unwrap();
    bench.outputs();
    bench.hear(expecting("c2", "arena:2", &["dan", "eve"]));
    assert!(refusal(&bench.sent()[0], "c2").contains("4 players"));
    bench.hear(freed("arena:1", &["cat"]));
    bench.outputs();
    bench.hear(expecting("c3", "arena:3", &["dan", "eve"]));
    assert_eq!(bench.told(), ["allocate arena:3"]);
}

#[test]
fn capacity_is_told_where_it_has_changed_and_with_every_hello() {
    let mut bench = Bench::registered();
    let told = |sent: &[Up]| match sent.last() {
        Some(Up::Heartbeat { capacity, draining, .. }) => (*capacity, *draining),
        other => panic!("{other:?}"),
    };
    bench.pass(1_000);
    assert_eq!(told(&bench.sent()), (None, false));
    bench.machine.set_capacity(bench.now_ms, Some(1), Some(64));
    bench.pass(25);
    assert_eq!(told(&bench.sent()), (Some(Capacity { lands: 1, players: 64 }), false));
    assert_eq!(bench.machine.sdk_list(PLAYERS).unwrap().capacity, 64);
    bench.ready_land("arena:1");
    bench.allocate("c2", "arena:2");
    assert!(refusal(&bench.sent()[0], "c2").contains("holds 1 lands"));
    bench.machine.set_capacity(bench.now_ms, Some(0), None);
    bench.pass(25);
    assert_eq!(told(&bench.sent()), (Some(Capacity { lands: 1, players: 64 }), true), "none is a drain");
    assert_eq!(bench.machine.land_count(), 1, "and ends nothing");
    bench.machine.set_capacity(bench.now_ms, Some(2), None);
    bench.lose("reset");
    bench.pass(200);
    bench.machine.stream_opened(bench.now_ms);
    let sent = bench.sent();
    let expected = Capacity { lands: 2, players: 64 };
    assert!(
        matches!(sent.last(), Some(Up::Hello { capacity, draining: false, .. }) if *capacity == expected)
    );
}

#[test]
fn a_land_that_breaks_is_refused_or_has_ended_with_its_reason() {
    let mut bench = Bench::registered();
    bench.allocate("c1", "arena:1");
    bench.outputs();
    assert_eq!(bench.machine.land_failed(bench.now_ms, &id("arena:1"), "no map"), Ok(false));
    assert_eq!(refusal(&bench.sent()[0], "c1"), "no map");
    bench.ready_land("arena:2");
    assert_eq!(bench.machine.land_failed(bench.now_ms, &id("arena:2"), "the physics broke"), Ok(true));
    let failed = Note::Failed { land_id: id("arena:2"), reason: "the physics broke".to_owned() };
    let outputs = bench.outputs();
    assert!(outputs.iter().any(|output| matches!(output, Output::Note(note) if *note == failed)));
    bench.pass(25);
    assert!(matches!(bench.sent().last(), Some(Up::Heartbeat { lands, .. }) if lands.is_empty()));
    let gone = bench.machine.land_failed(bench.now_ms, &id("arena:2"), "again");
    assert_eq!(gone, Err(LandError::NotFound));
}
