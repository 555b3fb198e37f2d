//! How a server goes: drains with deadlines, an agent that stops, a game server whose process ends.

use super::*;

fn drain(reason: &str, deadline_ms: u64) -> Down {
    Down::Drain { reason: reason.to_owned(), deadline_ms }
}

#[test]
fn at_the_deadline_lands_end_and_the_game_server_is_told_to_go() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    bench.allocate("c2", "arena:2");
    bench.outputs();
    bench.hear(drain("update", 60_000));
    assert_eq!(bench.told(), ["drain within 60000 ms"]);
    bench.pass(200);
    bench.hear(drain("update", 59_800));
    assert!(bench.told().is_empty(), "the same deadline, said again after a reconnect");
    bench.hear(drain("update at once", 4_800));
    assert_eq!(bench.told(), ["drain within 4800 ms"], "the earlier one holds");
    bench.hear(drain("update in peace", 30_000));
    assert!(bench.told().is_empty(), "and a later one changes nothing");
    bench.hear(drain("update", 0));
    assert_eq!(bench.status().draining.unwrap().deadline_ms, Some(4_800), "none takes none away");
    bench.pass(4_799);
    assert!(bench.machine.land_count() > 0);
    let missed = bench.machine.watcher_came(bench.now_ms);
    assert!(missed.iter().any(|notice| short(notice) == "drain within 1 ms"), "{missed:?}");
    bench.outputs();
    bench.pass(30);
    let (mut told, mut sent) = (Vec::new(), Vec::new());
    for output in bench.outputs() {
        match output {
            Output::Tell(notice) => told.push(short(&notice)),
            Output::Send(message) => sent.push(message),
            _ => {}
        }
    }
    assert_eq!(told, ["release arena:1", "shutdown"]);
    assert!(matches!(sent.last(), Some(Up::Heartbeat { lands, draining: true, .. }) if lands.is_empty()));
    assert_eq!((bench.status().phase, bench.machine.sdk_view().state), (Phase::Draining, "Shutdown"));
    bench.hear(drain("update", 1_000));
    bench.pass(2_000);
    assert!(bench.told().is_empty(), "it is over once");
}

#[test]
fn what_waits_for_an_answer_at_the_deadline_is_refused() {
    let mut bench = Bench::registered();
    bench.allocate("c1", "arena:1");
    bench.hear(drain("now", 100));
    bench.outputs();
    bench.pass(100);
    let refused = bench.sent().into_iter().find(|up| matches!(up, Up::LandRefused { .. })).unwrap();
    assert!(refusal(&refused, "c1").contains("deadline"));
}

#[test]
fn who_speaks_the_sdk_sees_the_drain_in_annotations() {
    let mut bench = Bench::registered();
    let before = bench.machine.sdk_revision();
    bench.hear(drain("update", 60_000));
    let view = bench.machine.sdk_view();
    assert_eq!(view.annotations["muster.dev/draining"], "update");
    let at_ms = (bench.now_ms + 60_000).to_string();
    assert_eq!(view.annotations["muster.dev/drain-deadline-unix-ms"], at_ms);
    assert!(view.revision > before, "watchers are woken");
}

#[test]
fn an_agent_that_stops_waits_for_its_lands() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    bench.allocate("c2", "arena:2");
    bench.outputs();
    bench.machine.stop(bench.now_ms, 25_000);
    bench.machine.stop(bench.now_ms, 25_000);
    let outputs = bench.outputs();
    assert!(
        outputs.iter().any(|output| matches!(output, Output::Send(up @ Up::LandRefused { .. }) if refusal(up, "c2").contains("shutting down")))
    );
    let told = outputs.iter().filter_map(|output| match output {
        Output::Tell(notice) => Some(short(notice)),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["release arena:2", "drain within 25000 ms"]);
    bench.pass(10_000);
    assert!(
        bench
            .sent()
            .iter()
            .all(|up| matches!(up, Up::Heartbeat { draining: true, lands, .. } if lands.len() == 1))
    );
    bench.machine.land_ended(bench.now_ms, &id("arena:1"));
    bench.pass(0);
    assert!(matches!(bench.sent().last(), Some(Up::Goodbye { .. })), "as soon as the last one is over");
}

#[test]
fn it_leaves_at_its_time_and_the_lands_live_on() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    bench.machine.stop(bench.now_ms, 25_000);
    bench.outputs();
    bench.pass(24_999);
    assert!(!bench.sent().iter().any(|up| matches!(up, Up::Goodbye { .. })));
    bench.pass(1);
    let outputs = bench.outputs();
    assert!(outputs.iter().any(|output| matches!(output, Output::Send(Up::Goodbye { .. }))));
    assert!(
        !outputs.iter().any(|output| matches!(output, Output::Tell(_))),
        "nobody is told to end anything"
    );
}

#[test]
fn it_does_not_wait_for_nobody() {
    let mut none = Bench::registered();
    none.machine.stop(none.now_ms, 25_000);
    assert!(matches!(none.sent().last(), Some(Up::Goodbye { .. })), "no land, no wait");

    let mut hurried = Bench::registered();
    hurried.ready_land("arena:1");
    hurried.machine.stop(hurried.now_ms, 0);
    assert!(matches!(hurried.sent().last(), Some(Up::Goodbye { .. })));

    let mut left = Bench::registered();
    left.ready_land("arena:1");
    left.machine.watcher_went(left.now_ms);
    left.machine.stop(left.now_ms, 25_000);
    left.pass(1_999);
    assert!(!left.sent().iter().any(|up| matches!(up, Up::Goodbye { .. })), "it may be away for a moment");
    left.pass(1);
    assert!(matches!(left.sent().last(), Some(Up::Goodbye { .. })), "the game server has gone before");
}

#[test]
fn it_waits_also_while_the_control_plane_is_lost() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    bench.lose("reset");
    bench.machine.stop(bench.now_ms, 25_000);
    bench.outputs();
    bench.pass(10);
    assert!(!bench.outputs().iter().any(|output| matches!(output, Output::Finished(_))));
    bench.machine.land_ended(bench.now_ms, &id("arena:1"));
    bench.pass(0);
    assert!(bench.outputs().iter().any(|output| matches!(output, Output::Finished(End::Stopped))));
}

#[test]
fn a_game_server_that_exits_takes_its_lands_with_it() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    bench.allocate("c2", "arena:2");
    bench.outputs();
    bench.machine.game_server_exited(bench.now_ms, "the game server ended: signal 9");
    bench.pass(25);
    let sent = bench.sent();
    assert_eq!(refusal(&sent[0], "for arena:1"), "the game server ended: signal 9", "told after the fact");
    assert_eq!(refusal(&sent[1], "c2"), "the game server ended: signal 9");
    let last = sent.last();
    assert!(
        matches!(last, Some(Up::Heartbeat { healthy: false, lands, .. }) if lands.is_empty()),
        "{last:?}"
    );
    bench.allocate("c3", "arena:3");
    assert!(refusal(bench.sent().last().unwrap(), "c3").contains("not back"));
    bench.machine.game_server_started(bench.now_ms);
    bench.machine.watcher_came(bench.now_ms);
    bench.allocate("c4", "arena:4");
    assert!(
        refusal(bench.sent().last().unwrap(), "c4").contains("not back"),
        "it says itself when it is ready"
    );
    bench.machine.game_server_ready(bench.now_ms, &[]).unwrap();
    bench.pass(25);
    assert!(matches!(bench.sent().last(), Some(Up::Heartbeat { healthy: true, .. })));
    bench.allocate("c5", "arena:5");
    assert_eq!(bench.told(), ["allocate arena:5"]);
}

#[test]
fn with_auto_lands_a_start_is_enough() {
    let mut bench = Bench::new(Mode::Auto { lifetime_ms: 60_000 });
    bench.join();
    bench.machine.game_server_exited(bench.now_ms, "it ended");
    bench.pass(25);
    assert!(matches!(bench.sent().last(), Some(Up::Heartbeat { healthy: false, .. })));
    bench.machine.game_server_started(bench.now_ms);
    bench.pass(25);
    assert!(matches!(bench.sent().last(), Some(Up::Heartbeat { healthy: true, .. })));
}
