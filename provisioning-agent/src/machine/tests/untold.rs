//! Releases that nobody heard.

use super::*;

impl Bench {
    /// Nobody takes what there is to tell.
    fn unheard(&mut self) {
        for output in self.outputs() {
            if let Output::Tell(notice) = output {
                self.machine.not_told(notice);
            }
        }
    }

    fn release(&mut self, land: &str) {
        self.hear(Down::Release { land_id: id(land), reason: "nobody came".repeat(1_000) });
        self.unheard();
    }

    /// What who listens now has missed.
    fn missed(&mut self) -> Vec<String> {
        self.machine.watcher_came(self.now_ms).iter().map(short).collect()
    }
}

#[test]
fn a_release_that_nobody_heard_is_told_to_who_listens_next_and_once() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    bench.allocate("c2", "arena:2");
    bench.machine.watcher_went(bench.now_ms);
    bench.unheard();
    bench.release("arena:1");
    bench.release("arena:1");
    bench.pass(2_000);
    bench.unheard();
    let missed = bench.machine.watcher_came(bench.now_ms);
    assert_eq!(missed.iter().map(short).collect::<Vec<_>>(), ["release arena:1", "release arena:2"]);
    let Notice::Release { reason, .. } = &missed[0] else { panic!("{missed:?}") };
    assert_eq!(reason.len(), MAX_REASON_BYTES, "what is kept is bounded");
    assert!(bench.missed().is_empty(), "it was told");
}

#[test]
fn a_land_that_has_ended_since_is_not_released_again() {
    let mut bench = Bench::registered();
    for land in ["arena:1", "arena:2", "arena:3"] {
        bench.ready_land(land);
    }
    bench.machine.watcher_went(bench.now_ms);
    for land in ["arena:1", "arena:2", "arena:3"] {
        bench.release(land);
    }
    assert!(!bench.machine.land_ended(bench.now_ms, &id("arena:1")));
    assert_eq!(bench.machine.land_failed(bench.now_ms, &id("arena:2"), "broke"), Err(LandError::NotFound));
    assert_eq!(bench.missed(), ["release arena:3"]);

    bench.release("arena:4");
    bench.machine.game_server_exited(bench.now_ms, "signal 9");
    assert!(bench.missed().is_empty(), "a process takes its lands with it");
}

#[test]
fn a_land_that_was_ordered_again_is_ended_before_it_is_made_and_not_after() {
    let mut bench = Bench::registered();
    bench.machine.watcher_went(bench.now_ms);
    for land in ["arena:1", "arena:2"] {
        bench.release(land);
        bench.allocate(&format!("for {land}"), land);
    }
    bench.machine.land_ready(&id("arena:2")).unwrap();
    bench.unheard();
    assert_eq!(bench.missed(), ["release arena:1", "allocate arena:1"]);
}

#[test]
fn of_too_many_the_oldest_are_forgotten() {
    let mut bench = Bench::registered();
    bench.machine.watcher_went(bench.now_ms);
    for n in 0..1_030 {
        bench.release(&format!("arena:{n}"));
    }
    let missed = bench.missed();
    assert_eq!(
        (missed.len(), missed[0].as_str(), missed[1_023].as_str()),
        (1_024, "release arena:6", "release arena:1029")
    );
}
