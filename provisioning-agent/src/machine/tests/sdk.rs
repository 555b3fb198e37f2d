//! A game server that speaks the Agones SDK, and nothing else.

mod values;

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
fn who_listened_once_is_asked_also_while_it_is_away() {
    let mut bench = ready();
    bench.machine.watcher_came(bench.now_ms);
    bench.machine.watcher_went(bench.now_ms);
    bench.order(1);
    assert!(!is_ready(&bench.outputs(), 1));
    let missed = bench.machine.watcher_came(bench.now_ms);
    assert!(matches!(missed.as_slice(), [Notice::Allocate(_)]), "{missed:?}");
    bench.machine.watcher_went(bench.now_ms);
    bench.pass_well(11_000);
    assert!(!bench.beat().0, "it is well, but nobody hears of lands");
}

#[test]
fn health_alone_answers_for_no_land() {
    let mut bench = Bench::report();
    bench.machine.game_server_ready(bench.now_ms, &[]).unwrap();
    bench.join();
    assert_eq!(bench.state(), "Ready", "said through the local API");
    bench.machine.sdk_health(bench.now_ms);
    bench.order(1);
    assert!(!is_ready(&bench.outputs(), 1));
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
    assert_eq!((bench.state(), bench.status().health), ("Allocated", Standing::Suspect));
    bench.order(2);
    assert!(bench.refusal().unwrap().contains("silent"));
    bench.machine.sdk_health(bench.now_ms);
    assert_eq!((bench.status().health, bench.beat()), (Standing::Well, (true, 1, false)));

    bench.pass(14_000);
    assert_eq!((bench.state(), bench.beat()), ("Unhealthy", (false, 1, false)));
    bench.machine.sdk_ready(bench.now_ms);
    assert_eq!((bench.state(), bench.beat()), ("Ready", (true, 0, false)));
}

#[test]
fn health_counts_from_first_contact_and_only_through_the_sdk() {
    let mut bench = Bench::registered();
    bench.pass(100_000);
    assert_eq!(bench.status().health, Standing::Unknown);
    assert_eq!(bench.beat(), (true, 0, false));
    bench.machine.sdk_health(bench.now_ms);
    bench.pass(5_000);
    assert_eq!(bench.status().health, Standing::Suspect);
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
