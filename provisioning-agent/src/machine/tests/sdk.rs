//! A game server that speaks the Agones SDK, and nothing else.

use uuid::Uuid;

use super::*;
use crate::ids::{CommandId, LandId};

/// A game server that has said ready and is registered. Nobody listens for lands.
fn ready() -> Bench {
    let mut bench = Bench::report();
    bench.machine.sdk_ready(bench.now_ms);
    bench.join();
    bench
}

fn reported() -> Bench {
    let mut bench = Bench::with(Mode::Report, SdkLands::Reported);
    bench.machine.sdk_ready(bench.now_ms);
    bench.join();
    bench
}

impl Bench {
    fn state(&self) -> &'static str {
        self.machine.sdk_view().state
    }

    fn rooms(&self) -> i64 {
        self.machine.sdk_counter(ROOMS).unwrap().count
    }

    /// Keeps saying that it is well, for so long.
    fn pass_well(&mut self, ms: u64) {
        for _ in 0..ms / 1_000 {
            self.machine.sdk_health(self.now_ms);
            self.pass(1_000);
        }
    }

    /// The next heartbeat within a second: health, how many lands, whether none are wanted.
    fn beat(&mut self) -> (bool, usize, bool) {
        self.outputs();
        self.pass(1_000);
        let beats = self.outputs().into_iter().filter_map(|output| match output {
            Output::Send(Up::Heartbeat { healthy, lands, draining, .. }) => {
                Some((healthy, lands.len(), draining))
            }
            _ => None,
        });
        beats.last().unwrap()
    }

    fn refusal(&mut self) -> Option<String> {
        self.outputs().into_iter().find_map(|output| match output {
            Output::Send(Up::LandRefused { reason, .. }) => Some(reason),
            _ => None,
        })
    }

    fn order(&mut self, n: usize) {
        self.hear(Down::Allocate(Allocation {
            command_id: CommandId::parse(&format!("c-{n}")).unwrap(),
            land_id: land(n),
            land_type: LandType::parse("arena").unwrap(),
            match_id: format!("m-{n}"),
            queue_key: "arena:2".to_owned(),
            players: vec![player("ann", n), player("bob", n)],
            teams: Vec::new(),
            constraints: None,
            answer_within_ms: 60_000,
        }));
    }
}

fn land(n: usize) -> LandId {
    LandId::parse(&format!("arena:{n}")).unwrap()
}

fn player(name: &str, n: usize) -> PlayerId {
    PlayerId::parse(&format!("{name}-{n}")).unwrap()
}

fn is_ready(outputs: &[Output], n: usize) -> bool {
    let id = CommandId::parse(&format!("c-{n}")).unwrap();
    outputs
        .iter()
        .any(|output| matches!(output, Output::Send(Up::LandReady { command_id }) if *command_id == id))
}

#[test]
fn ready_registers_and_lands_make_it_allocated_at_once() {
    let mut bench = Bench::report();
    assert_eq!(bench.state(), "Scheduled");
    assert!(bench.outputs().is_empty(), "nothing is said before it is ready");
    bench.machine.sdk_ready(bench.now_ms);
    bench.join();
    assert_eq!(bench.state(), "Ready");
    let before = bench.machine.sdk_revision();
    bench.order(1);
    bench.order(2);
    let outputs = bench.outputs();
    assert!(is_ready(&outputs, 1) && is_ready(&outputs, 2), "{outputs:?}");
    assert!(bench.machine.sdk_revision() > before);
    let view = bench.machine.sdk_view();
    assert_eq!((view.state, view.counters[ROOMS]), ("Allocated", Counter { count: 2, capacity: 3 }));
    assert_eq!(view.annotations["muster.dev/land-id"], "arena:2");
    let lands: serde_json::Value = serde_json::from_str(&view.annotations["muster.dev/lands"]).unwrap();
    assert_eq!((&lands[0]["landId"], &lands[0]["matchId"]), (&"arena:1".into(), &"m-1".into()));
    assert_eq!(lands[1]["players"], serde_json::json!(["ann-2", "bob-2"]));
    bench.order(3);
    bench.order(4);
    assert!(bench.refusal().unwrap().contains("full"));
    bench.machine.sdk_ready(bench.now_ms);
    assert_eq!((bench.state(), bench.rooms()), ("Ready", 0), "who is ready again has ended its lands");
    assert_eq!(bench.beat(), (true, 0, false));
}

#[test]
fn who_answers_for_its_lands_does_it_by_allocate_or_by_name() {
    let mut bench = reported();
    bench.order(1);
    bench.order(2);
    bench.order(3);
    assert_eq!(bench.state(), "Allocated");
    assert!(!is_ready(&bench.outputs(), 1));
    bench.machine.sdk_set_annotation(bench.now_ms, "muster-land-refused", "arena:2").unwrap();
    assert!(bench.refusal().unwrap().contains("refused"));
    bench.machine.sdk_set_annotation(bench.now_ms, "muster-land-ready", "arena:1").unwrap();
    assert!(is_ready(&bench.outputs(), 1));
    bench.machine.sdk_allocate(bench.now_ms, Uuid::nil()).unwrap();
    assert!(is_ready(&bench.outputs(), 3));
    assert_eq!(bench.rooms(), 2, "it has something to do: no land of its own");
    for _ in 0..2 {
        bench.machine.sdk_set_annotation(bench.now_ms, "muster-land-ended", "arena:1").unwrap();
    }
    assert_eq!(bench.rooms(), 1);
    let unknown = bench.machine.sdk_set_annotation(bench.now_ms, "muster-land-ready", "arena:9");
    assert!(matches!(unknown, Err(SdkError::NotFound(_))), "{unknown:?}");
}

#[test]
fn one_that_is_silent_about_a_land_loses_it() {
    let mut bench = reported();
    bench.order(1);
    bench.pass_well(61_000);
    assert!(bench.refusal().unwrap().contains("in time"));
    assert_eq!(bench.state(), "Ready");
}

#[test]
fn a_land_of_its_own_takes_a_place() {
    let mut bench = ready();
    for _ in 0..2 {
        bench.machine.sdk_allocate(bench.now_ms, Uuid::from_u128(7)).unwrap();
        assert_eq!((bench.state(), bench.rooms()), ("Allocated", 1));
    }
    assert_eq!(bench.beat(), (true, 1, false));
    bench.order(1);
    bench.order(2);
    bench.order(3);
    assert!(bench.refusal().unwrap().contains("full"));
}

#[test]
fn allocate_before_ready_registers_too() {
    let mut bench = Bench::report();
    bench.machine.sdk_allocate(bench.now_ms, Uuid::nil()).unwrap();
    bench.join();
    assert_eq!(bench.state(), "Allocated");
}

#[test]
fn reserved_takes_no_lands_until_its_time_is_over() {
    let mut bench = ready();
    bench.machine.sdk_reserve(bench.now_ms, Some(3_000));
    assert_eq!((bench.state(), bench.beat()), ("Reserved", (true, 0, true)));
    bench.order(1);
    assert!(bench.refusal().unwrap().contains("reserved"));
    bench.pass(1_999);
    assert_eq!(bench.state(), "Reserved");
    bench.pass(1);
    assert_eq!((bench.state(), bench.beat()), ("Ready", (true, 0, false)));

    bench.machine.sdk_reserve(bench.now_ms, None);
    bench.pass_well(1_000_000);
    assert_eq!(bench.state(), "Reserved", "zero is for good");
    bench.machine.sdk_allocate(bench.now_ms, Uuid::nil()).unwrap();
    assert_eq!(bench.state(), "Allocated");
}

#[test]
fn reserved_before_ready_registers_when_its_time_is_over() {
    let mut bench = Bench::report();
    bench.machine.sdk_reserve(bench.now_ms, Some(500));
    bench.pass(499);
    assert!(bench.outputs().is_empty());
    bench.pass(1);
    bench.join();
    assert_eq!(bench.state(), "Ready");
}

#[test]
fn suspect_gets_no_lands_dead_is_unhealthy_and_both_may_return() {
    let mut bench = ready();
    bench.order(1);
    bench.pass(4_999);
    assert_eq!(bench.beat(), (false, 1, false), "suspect: the land lives on");
    assert_eq!((bench.state(), bench.machine.status().health), ("Allocated", Standing::Suspect));
    bench.order(2);
    assert!(bench.refusal().unwrap().contains("silent"));
    bench.machine.sdk_health(bench.now_ms);
    assert_eq!((bench.machine.status().health, bench.beat()), (Standing::Well, (true, 1, false)));

    bench.pass(14_000);
    assert_eq!((bench.state(), bench.beat()), ("Unhealthy", (false, 1, false)));
    bench.machine.sdk_ready(bench.now_ms);
    assert_eq!((bench.state(), bench.beat()), ("Ready", (true, 0, false)));
}

#[test]
fn health_counts_from_first_contact_and_only_through_the_sdk() {
    let mut bench = Bench::registered();
    bench.pass(100_000);
    assert_eq!(bench.machine.status().health, Standing::Unknown);
    assert_eq!(bench.beat(), (true, 0, false));
    bench.machine.sdk_health(bench.now_ms);
    bench.pass(5_000);
    assert_eq!(bench.machine.status().health, Standing::Suspect);
}

#[test]
fn who_returns_silent_says_so_with_the_first_heartbeat() {
    let mut bench = ready();
    bench.pass(20_000);
    bench.outputs();
    bench.lose("gone");
    bench.pass(10_000);
    bench.machine.stream_opened(bench.now_ms);
    bench.hear(Down::Welcome { heartbeat_interval_ms: 1_000 });
    bench.outputs();
    bench.pass(0);
    let outputs = bench.outputs();
    assert!(
        matches!(outputs.as_slice(), [Output::Send(Up::Heartbeat { healthy: false, .. })]),
        "{outputs:?}"
    );
}

#[test]
fn shutdown_says_goodbye_and_another_life_begins_with_ready() {
    let mut bench = ready();
    bench.machine.sdk_set_label("mode", "duel").unwrap();
    bench.order(1);
    bench.outputs();
    let before = bench.machine.sdk_revision();
    bench.machine.sdk_shutdown(bench.now_ms);
    let outputs = bench.outputs();
    assert!(matches!(outputs.as_slice(), [Output::Send(Up::Goodbye { .. })]), "{outputs:?}");
    assert_eq!((bench.state(), bench.rooms()), ("Shutdown", 0));
    assert!(bench.machine.sdk_revision() > before);
    bench.machine.sdk_health(bench.now_ms);
    bench.machine.sdk_reserve(bench.now_ms, None);
    bench.machine.sdk_allocate(bench.now_ms, Uuid::nil()).unwrap();
    assert_eq!(bench.state(), "Shutdown", "there is no way back but a new life");

    bench.machine.sdk_ready(bench.now_ms);
    assert!(bench.outputs().is_empty(), "the goodbye goes first");
    bench.machine.stream_lost(bench.now_ms, 1.0, Loss::Broken("closed".to_owned()));
    bench.join();
    let view = bench.machine.sdk_view();
    assert_eq!((view.state, view.labels.len()), ("Ready", 0), "nothing is known of a new life");
    bench.machine.sdk_shutdown(bench.now_ms);
    bench.outputs();
    bench.pass(1_000);
    assert!(matches!(bench.outputs().as_slice(), [Output::Disconnect]), "who doesn't hear a goodbye is left");
    bench.pass(1_000_000);
    assert!(bench.outputs().is_empty());
    bench.machine.shut_down(bench.now_ms);
    assert!(matches!(bench.outputs().last(), Some(Output::Finished(End::Stopped))));
}

#[test]
fn the_agents_own_stop_waits_for_the_game_servers_goodbye() {
    let mut bench = ready();
    bench.machine.sdk_shutdown(bench.now_ms);
    bench.outputs();
    bench.machine.shut_down(bench.now_ms);
    assert!(bench.outputs().is_empty());
    bench.machine.stream_lost(bench.now_ms, 1.0, Loss::Broken("closed".to_owned()));
    assert!(matches!(bench.outputs().as_slice(), [Output::Finished(End::Stopped)]));
}

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
    let capacity = CounterChange { capacity: Some(5), ..CounterChange::default() };
    assert!(matches!(change(&mut bench, capacity), Err(SdkError::Precondition(_))));
    assert_eq!(bench.rooms(), 3);
    change(&mut bench, by(-2)).unwrap();
    let left: Vec<_> = bench.machine.status().lands.into_iter().map(|land| land.land_id).collect();
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
    let lands = bench.machine.status().lands;
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
