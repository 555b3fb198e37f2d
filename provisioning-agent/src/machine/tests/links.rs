//! Streams: opened, silent, lost, found again, taken over, closed.

use super::*;

#[test]
fn a_resumed_stream_begins_with_all_that_lives() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    bench.machine.players_are(bench.now_ms, &id("arena:1"), players(&["ann", "bob"])).unwrap();
    bench.allocate("c2", "arena:2");
    bench.machine.drain(bench.now_ms, "update".to_owned(), None);
    bench.outputs();
    bench.lose("reset");
    assert_eq!(bench.told(), ["release arena:2"], "what was open is given up");
    assert_eq!(bench.machine.land_ready(&id("arena:2")), Err(LandError::NotFound));
    bench.pass(200);
    assert!(matches!(bench.outputs().as_slice(), [Output::Connect]));
    bench.machine.stream_opened(bench.now_ms);
    let expected = Up::Hello {
        lands: vec![LandReport {
            land_id: id("arena:1"),
            players: players(&["ann", "bob"]),
            awaited: Vec::new(),
        }],
        draining: true,
        capacity: Capacity { lands: 3, players: 0 },
    };
    assert_eq!(bench.sent(), [expected]);
    bench.machine.land_ended(bench.now_ms, &id("arena:1"));
    bench.hear(Down::Welcome { heartbeat_interval_ms: 1_000 });
    assert_eq!(bench.notes(), [Note::Registered { again: true }]);
    bench.pass(0);
    let sent = bench.sent();
    let first =
        Up::Heartbeat { sequence: 1, healthy: true, lands: Vec::new(), draining: true, capacity: None };
    assert_eq!(sent, [first], "what changed after hello is told at once, and counted from one again");
}

#[test]
fn tries_come_ever_more_slowly_up_to_a_limit() {
    let mut bench = Bench::registered();
    let mut waits = Vec::new();
    bench.lose("reset");
    for _ in 0..10 {
        let lost_ms = bench.now_ms;
        let at_ms = bench.machine.next_deadline_ms().unwrap();
        bench.pass(at_ms - lost_ms);
        waits.push(at_ms - lost_ms);
        bench.lose("refused");
    }
    assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000, 10_000]);
    let notes = bench.notes();
    assert_eq!(notes, [Note::Lost { cause: "reset".to_owned() }], "one loss is one line, however many tries");
}

#[test]
fn all_replicas_are_tried_before_it_waits() {
    let mut bench = Bench::registered();
    bench.machine.set_replicas(3);
    let mut waits = Vec::new();
    for _ in 0..6 {
        bench.lose("refused");
        let wait_ms = bench.machine.next_deadline_ms().unwrap() - bench.now_ms;
        bench.outputs();
        bench.pass(wait_ms);
        assert!(matches!(bench.outputs().as_slice(), [Output::Connect]));
        waits.push(wait_ms);
    }
    assert_eq!(waits, [0, 0, 200, 0, 0, 400]);
    bench.machine.stream_opened(bench.now_ms);
    bench.hear(Down::Welcome { heartbeat_interval_ms: 1_000 });
    bench.pass(10_000);
    bench.lose("shut down");
    assert_eq!(
        bench.machine.next_deadline_ms(),
        Some(bench.now_ms),
        "after a good stream the others come at once"
    );
}

#[test]
fn one_that_is_not_for_agents_is_passed_over_without_a_word() {
    let mut bench = Bench::report();
    bench.machine.set_replicas(2);
    bench.machine.game_server_ready(bench.now_ms, &[]).unwrap();
    bench.outputs();
    let pass_over = |bench: &mut Bench| {
        bench.machine.stream_lost(bench.now_ms, 1.0, Loss::PassedOver("a queue-worker".to_owned()));
    };
    pass_over(&mut bench);
    assert_eq!(bench.machine.next_deadline_ms(), Some(bench.now_ms), "the next comes at once");
    assert_eq!(bench.notes(), []);
    bench.pass(0);
    pass_over(&mut bench);
    let noted = bench.notes();
    assert_eq!(noted, [Note::Lost { cause: "a queue-worker".to_owned() }], "there is no other: it is said");
    assert_eq!(bench.machine.next_deadline_ms(), Some(bench.now_ms + 200));
}

#[test]
fn replicas_that_welcome_and_hang_up_are_not_stormed() {
    let mut bench = Bench::registered();
    bench.machine.set_replicas(2);
    let mut waits = Vec::new();
    for _ in 0..4 {
        bench.lose("reset");
        let wait_ms = bench.machine.next_deadline_ms().unwrap() - bench.now_ms;
        bench.outputs();
        bench.pass(wait_ms);
        bench.join();
        waits.push(wait_ms);
    }
    assert_eq!(waits, [0, 200, 0, 400]);
}

#[test]
fn jitter_takes_up_to_half_of_the_wait() {
    for (jitter, wait_ms) in [(0.0, 100), (0.5, 150), (1.0, 200), (-3.0, 100), (7.0, 200)] {
        let mut bench = Bench::registered();
        bench.machine.stream_lost(bench.now_ms, jitter, Loss::Broken(String::new()));
        assert_eq!(bench.machine.next_deadline_ms(), Some(bench.now_ms + wait_ms));
    }
}

#[test]
fn only_a_stream_that_lasted_makes_the_waits_short_again() {
    let mut bench = Bench::registered();
    let wait_after = |bench: &mut Bench, lived_ms: u64| {
        bench.pass(lived_ms);
        bench.lose("reset");
        let wait_ms = bench.machine.next_deadline_ms().unwrap() - bench.now_ms;
        bench.outputs();
        bench.pass(wait_ms);
        bench.join();
        wait_ms
    };
    let waits: Vec<_> = [0, 100, 100, 10_000].map(|lived_ms| wait_after(&mut bench, lived_ms)).into();
    assert_eq!(waits, [200, 400, 800, 200], "a control plane that welcomes and hangs up is not stormed");
}

#[test]
fn a_silent_stream_is_abandoned() {
    let mut bench = Bench::report();
    bench.machine.game_server_ready(bench.now_ms, &[]).unwrap();
    bench.outputs();
    bench.pass(5_000);
    let outputs = bench.outputs();
    assert!(
        matches!(outputs.as_slice(), [Output::Disconnect, Output::Note(Note::Lost { cause })] if cause.contains("connection")),
        "{outputs:?}"
    );
    bench.pass(200);
    bench.machine.stream_opened(bench.now_ms);
    bench.outputs();
    bench.pass(5_000);
    assert!(matches!(bench.outputs().as_slice(), [Output::Disconnect]), "noted once");
    bench.machine.stream_opened(bench.now_ms);
    bench.hear(Down::Welcome { heartbeat_interval_ms: 1_000 });
    assert!(bench.outputs().is_empty(), "what a stream that was given up says is not heard");
}

#[test]
fn a_newer_instance_ends_this_one() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    bench.hear(Down::Superseded { by_instance_id: "instance-2".to_owned() });
    let outputs = bench.outputs();
    assert!(
        matches!(outputs.last(), Some(Output::Finished(End::Superseded(by))) if by == "instance-2"),
        "{outputs:?}"
    );
    bench.pass(60_000);
    assert!(bench.outputs().is_empty(), "and it stays so");

    let mut refused = Bench::registered();
    refused.lose("reset");
    refused.pass(200);
    refused.outputs();
    refused.machine.stream_lost(refused.now_ms, 1.0, Loss::Superseded);
    assert!(matches!(refused.outputs().last(), Some(Output::Finished(End::Superseded(_)))));

    let mut own = Bench::registered();
    own.hear(Down::Superseded { by_instance_id: "instance-1".to_owned() });
    own.pass(200);
    assert!(matches!(own.outputs().last(), Some(Output::Connect)), "its own later stream is no stranger");
}

#[test]
fn a_refusal_ends_a_first_registration_and_no_later_one() {
    let refuse = |bench: &mut Bench| {
        let loss = Loss::Refused("port: is zero".to_owned());
        bench.machine.stream_lost(bench.now_ms, 1.0, loss);
        bench.outputs()
    };
    let mut fresh = Bench::new(Mode::Auto { lifetime_ms: 1_000 });
    fresh.outputs();
    assert!(matches!(refuse(&mut fresh).as_slice(), [Output::Finished(End::Refused(_))]));
    let mut known = Bench::registered();
    assert!(matches!(refuse(&mut known).as_slice(), [Output::Note(Note::Lost { .. })]));
}

#[test]
fn shutting_down_waits_for_nobody() {
    let mut starting = Bench::report();
    starting.machine.shut_down(starting.now_ms);
    assert!(matches!(starting.outputs().as_slice(), [Output::Disconnect, Output::Finished(End::Stopped)]));
    starting.machine.game_server_ready(starting.now_ms, &[]).unwrap();
    assert!(starting.outputs().is_empty(), "too late to begin");

    let mut deaf = Bench::registered();
    deaf.allocate("c1", "arena:1");
    deaf.outputs();
    deaf.machine.shut_down(deaf.now_ms);
    let outputs = deaf.outputs();
    assert!(
        matches!(outputs.as_slice(), [Output::Tell(notice), Output::Send(Up::Goodbye { .. })] if short(notice) == "release arena:1"),
        "{outputs:?}"
    );
    deaf.allocate("c2", "arena:2");
    assert!(deaf.outputs().is_empty(), "nothing counts after goodbye");
    deaf.pass(1_000);
    assert!(matches!(deaf.outputs().as_slice(), [Output::Disconnect, Output::Finished(End::Stopped)]));
}
