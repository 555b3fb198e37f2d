//! Counters and lists: two that are the lands and their players, and those of the game server's own.

use super::*;

#[test]
fn rooms_up_are_its_own_lands_and_down_end_those_first() {
    let mut bench = ready();
    bench.order(1);
    bench.order(2);
    let mut next = 0;
    let mut change = |bench: &mut Bench, change| {
        let own = || {
            next += 1;
            Uuid::from_u128(next)
        };
        bench.machine.sdk_update_counter(bench.now_ms, ROOMS, change, own)
    };
    let by = |diff| CounterChange { diff, ..CounterChange::default() };
    assert_eq!(change(&mut bench, by(1)).unwrap().count, 3);
    assert!(matches!(change(&mut bench, by(1)), Err(SdkError::OutOfRange(_))));
    let capacity = |most| CounterChange { capacity: Some(most), ..CounterChange::default() };
    let too_many = capacity(100_001);
    assert!(matches!(change(&mut bench, too_many), Err(SdkError::OutOfRange(_))));
    assert_eq!(change(&mut bench, capacity(1)), Ok(Counter { count: 3, capacity: 1 }), "no land ends of it");
    let capacity = Some(Capacity { lands: 1, players: 0 });
    bench.pass(25);
    assert!(matches!(bench.sent().last(), Some(Up::Heartbeat { capacity: told, .. }) if *told == capacity));
    change(&mut bench, by(-2)).unwrap();
    let left: Vec<_> = bench.status().lands.into_iter().map(|land| land.land_id).collect();
    assert_eq!(left, [land(2)], "its own, then the oldest");
    assert_eq!(bench.beat(), (true, 1, false));
}

#[test]
fn players_go_to_the_land_that_expects_them() {
    let mut bench = ready();
    let add = |bench: &mut Bench, name: &str| bench.machine.sdk_add_value(bench.now_ms, PLAYERS, name);
    add(&mut bench, "early").unwrap();
    bench.order(1);
    bench.order(2);
    for name in ["ann-2", "bob-1", "guest"] {
        add(&mut bench, name).unwrap();
    }
    assert!(matches!(add(&mut bench, "ann-2"), Err(SdkError::AlreadyExists(_))));
    assert!(matches!(add(&mut bench, ""), Err(SdkError::Invalid(_))));
    let lands = bench.status().lands;
    let of = |n: usize| lands[n].players.iter().map(PlayerId::as_str).collect::<Vec<_>>();
    assert_eq!((of(0), of(1)), (vec!["bob-1"], vec!["ann-2"]));
    assert_eq!(bench.machine.sdk_list(PLAYERS).unwrap().values, ["bob-1", "ann-2", "early", "guest"]);
    bench.machine.sdk_remove_value(bench.now_ms, PLAYERS, "bob-1").unwrap();
    let gone = bench.machine.sdk_remove_value(bench.now_ms, PLAYERS, "bob-1");
    assert!(matches!(gone, Err(SdkError::NotFound(_))));

    let values = Some(vec!["ann-2".to_owned(), "ann-1".to_owned()]);
    let change = ListChange { values, capacity: Some(2) };
    let list = bench.machine.sdk_update_list(bench.now_ms, PLAYERS, change).unwrap();
    assert_eq!((list.values.as_slice(), list.capacity), (&["ann-1".to_owned(), "ann-2".to_owned()][..], 2));
    assert!(matches!(add(&mut bench, "bob-1"), Err(SdkError::OutOfRange(_))));
    let less = ListChange { values: None, capacity: Some(1) };
    let refused = bench.machine.sdk_update_list(bench.now_ms, PLAYERS, less);
    assert!(matches!(refused, Err(SdkError::OutOfRange(_))), "players are not dropped by a number");
    bench.machine.sdk_ready(bench.now_ms);
    assert!(bench.machine.sdk_list(PLAYERS).unwrap().values.is_empty());
}

#[test]
fn counters_and_lists_of_its_own_keep_what_they_are_told() {
    let mut bench = ready();
    let count = CounterChange { count: Some(4), capacity: Some(20), diff: 0 };
    bench.machine.sdk_update_counter(bench.now_ms, "rounds", count, Uuid::nil).unwrap();
    assert_eq!(bench.machine.sdk_view().counters["rounds"], Counter { count: 4, capacity: 20 });
    for name in ["lava", "ice"] {
        bench.machine.sdk_add_value(bench.now_ms, "maps", name).unwrap();
    }
    let full = bench.machine.sdk_add_value(bench.now_ms, "maps", "sand");
    assert!(matches!(full, Err(SdkError::OutOfRange(_))));
    let less = ListChange { capacity: Some(1), values: None };
    assert_eq!(bench.machine.sdk_update_list(bench.now_ms, "maps", less).unwrap().values, ["lava"]);
    let revision = bench.machine.sdk_revision();
    for unknown in ["nothing", "players"] {
        assert!(matches!(bench.machine.sdk_counter(unknown), Err(SdkError::NotFound(_))));
    }
    assert!(matches!(bench.machine.sdk_list("rooms"), Err(SdkError::NotFound(_))));
    assert_eq!(bench.machine.sdk_revision(), revision, "who only asks changes nothing");
}
