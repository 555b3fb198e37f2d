//! Lands: asked for, decided, reported, ended.

use super::*;

#[test]
fn a_full_life() {
    let mut bench = Bench::report();
    assert_eq!(bench.status().phase, Phase::Starting);
    bench.pass(60_000);
    assert!(bench.outputs().is_empty(), "nobody registers a server that isn't ready");
    bench.machine.watcher_came(bench.now_ms);
    bench.machine.game_server_ready(bench.now_ms, &[]).unwrap();
    assert_eq!(bench.status().phase, Phase::Connecting);
    bench.join();
    assert_eq!(bench.status().phase, Phase::Registered);

    bench.allocate("c1", "arena:1");
    assert_eq!(bench.told(), ["allocate arena:1"]);
    assert_eq!(bench.status().lands[0].state, "allocating");
    bench.machine.land_ready(&id("arena:1")).unwrap();
    assert_eq!(bench.sent(), [ready("c1")]);
    bench.machine.players_are(bench.now_ms, &id("arena:1"), players(&["ann"])).unwrap();
    bench.pass(250);
    let land = LandReport { land_id: id("arena:1"), players: players(&["ann"]), awaited: Vec::new() };
    let heartbeat = |sequence, lands: &[LandReport]| Up::Heartbeat {
        sequence,
        healthy: true,
        lands: lands.to_vec(),
        draining: false,
        capacity: None,
    };
    assert_eq!(bench.sent(), [heartbeat(1, std::slice::from_ref(&land))], "a change is told soon");
    bench.pass(2_000);
    assert_eq!(
        bench.sent(),
        [heartbeat(2, std::slice::from_ref(&land)), heartbeat(3, std::slice::from_ref(&land))]
    );
    bench.pass(100);
    assert!(bench.machine.land_ended(bench.now_ms, &id("arena:1")));
    assert!(!bench.machine.land_ended(bench.now_ms, &id("arena:1")));
    bench.pass(0);
    assert_eq!(bench.sent(), [heartbeat(4, &[])], "a free place is told at once");

    bench.machine.shut_down(bench.now_ms);
    bench.machine.shut_down(bench.now_ms);
    assert!(matches!(bench.sent().as_slice(), [Up::Goodbye { .. }]));
    assert_eq!(bench.status().phase, Phase::Stopping);
    bench.lose("closed");
    assert!(matches!(bench.outputs().as_slice(), [Output::Finished(End::Stopped)]));
}

#[test]
fn many_changes_are_few_heartbeats() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    for n in 0..500 {
        let name = format!("p{n}");
        bench.machine.players_are(bench.now_ms, &id("arena:1"), players(&[&name])).unwrap();
        bench.pass(2);
    }
    let heartbeats = bench.sent().len();
    assert!((3..=4).contains(&heartbeats), "{heartbeats} in a second");
}

#[test]
fn a_silent_game_server_is_given_up() {
    let mut bench = Bench::registered();
    bench.allocate("c1", "arena:1");
    bench.pass(1_999);
    assert_eq!(bench.machine.land_count(), 1);
    bench.outputs();
    bench.pass(1);
    let outputs = bench.outputs();
    let refused = outputs
        .iter()
        .find_map(|output| match output {
            Output::Send(message @ Up::LandRefused { .. }) => Some(refusal(message, "c1")),
            _ => None,
        })
        .unwrap();
    assert!(refused.contains("did not answer"), "{refused}");
    assert!(
        outputs
            .iter()
            .any(|output| matches!(output, Output::Tell(notice) if short(notice) == "release arena:1"))
    );
    assert_eq!(bench.machine.land_ready(&id("arena:1")), Err(LandError::NotFound), "too late");
}

#[test]
fn a_command_that_comes_twice_is_answered_once_it_is_decided() {
    let mut bench = Bench::registered();
    bench.allocate("c1", "arena:1");
    bench.allocate("c1", "arena:1");
    assert_eq!(bench.told(), ["allocate arena:1"], "asked once");
    bench.pass(1_500);
    bench.outputs();
    bench.allocate("c2", "arena:1");
    assert!(bench.outputs().is_empty(), "still the same question");
    bench.pass(1_500);
    assert_eq!(bench.machine.land_count(), 1, "the new question has its own deadline");
    bench.outputs();
    bench.machine.land_ready(&id("arena:1")).unwrap();
    bench.machine.land_ready(&id("arena:1")).unwrap();
    assert_eq!(bench.sent(), [ready("c2")], "who asked last is answered, once");
    bench.machine.drain(bench.now_ms, "over".to_owned(), None);
    bench.outputs();
    bench.allocate("c3", "arena:1");
    assert_eq!(bench.sent(), [ready("c3")], "a land that is there is ready again, whatever else");
}

#[test]
fn what_can_not_be_taken_is_refused_with_the_reason() {
    let mut bench = Bench::registered();
    bench.allocate("c1", "castle:1");
    assert!(refusal(&bench.sent()[0], "c1").contains("castle"));
    for n in 1..=3 {
        bench.ready_land(&format!("arena:{n}"));
    }
    bench.allocate("c2", "arena:4");
    assert!(refusal(&bench.sent()[0], "c2").contains("full"));
    bench.machine.land_ended(bench.now_ms, &id("arena:1"));
    bench.machine.drain(bench.now_ms, "update at noon".to_owned(), None);
    bench.outputs();
    bench.allocate("c3", "arena:4");
    assert!(refusal(&bench.sent()[0], "c3").contains("update at noon"));
    bench.hear(Down::Unusable { command_id: command("c4"), reason: "é".repeat(400) });
    assert_eq!(refusal(&bench.sent()[0], "c4").len(), 512, "a reason fits the contract");
}

#[test]
fn the_game_server_may_say_no() {
    let mut bench = Bench::registered();
    bench.allocate("c1", "arena:1");
    bench.outputs();
    bench.machine.land_refused(&id("arena:1"), "map is missing").unwrap();
    assert_eq!(refusal(&bench.sent()[0], "c1"), "map is missing");
    assert_eq!(bench.machine.land_refused(&id("arena:1"), "again"), Err(LandError::NotFound));
    bench.allocate("c2", "arena:2");
    bench.outputs();
    assert!(bench.machine.land_ended(bench.now_ms, &id("arena:2")));
    assert!(refusal(&bench.sent()[0], "c2").contains("before it was ready"));
    bench.ready_land("arena:3");
    assert_eq!(bench.machine.land_refused(&id("arena:3"), "no"), Err(LandError::AlreadyReady));
}

#[test]
fn a_release_ends_a_land_and_frees_its_place() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    bench.allocate("c2", "arena:2");
    bench.outputs();
    for land in ["arena:1", "arena:2"] {
        bench.hear(Down::Release { land_id: id(land), reason: "empty".to_owned() });
    }
    assert_eq!(bench.told(), ["release arena:1", "release arena:2"]);
    bench.pass(25);
    let sent = bench.sent();
    assert!(matches!(sent.as_slice(), [Up::Heartbeat { lands, .. }] if lands.is_empty()), "{sent:?}");
}

#[test]
fn draining_is_told_once_to_both_sides() {
    let mut bench = Bench::registered();
    bench.hear(Down::Drain { reason: "update".to_owned(), deadline_ms: 0 });
    bench.hear(Down::Drain { reason: "update".to_owned(), deadline_ms: 0 });
    assert_eq!(bench.told(), ["drain"]);
    assert_eq!(bench.status().phase, Phase::Draining);
    bench.pass(25);
    assert!(matches!(bench.sent().as_slice(), [Up::Heartbeat { draining: true, .. }]));
    let missed = bench.machine.watcher_came(bench.now_ms);
    assert_eq!(missed.iter().map(short).collect::<Vec<_>>(), ["drain"]);
}

#[test]
fn a_game_server_that_restarts_hears_what_it_has_to_decide() {
    let mut bench = Bench::registered();
    bench.ready_land("arena:1");
    bench.machine.watcher_went(bench.now_ms);
    bench.allocate("c2", "arena:2");
    bench.allocate("c3", "arena:3");
    let missed = bench.machine.watcher_came(bench.now_ms);
    assert_eq!(missed.iter().map(short).collect::<Vec<_>>(), ["allocate arena:2", "allocate arena:3"]);
}

#[test]
fn nobody_who_listens_is_an_unhealthy_server() {
    let mut bench = Bench::registered();
    bench.machine.watcher_went(bench.now_ms);
    let health = |bench: &mut Bench| {
        let sent = bench.sent();
        match sent.last() {
            Some(Up::Heartbeat { healthy, .. }) => *healthy,
            other => panic!("{other:?}"),
        }
    };
    bench.pass(9_500);
    assert!(health(&mut bench), "a restart takes a moment");
    bench.pass(1_000);
    assert!(!health(&mut bench));
    bench.machine.watcher_came(bench.now_ms);
    bench.pass(0);
    assert!(health(&mut bench), "told at once, not a second later");
}

#[test]
fn auto_mode_needs_no_game_server() {
    let mut bench = Bench::new(Mode::Auto { lifetime_ms: 60_000 });
    bench.join();
    bench.allocate("c1", "arena:1");
    bench.allocate("c2", "arena:2");
    assert_eq!(bench.sent(), [ready("c1"), ready("c2")]);
    bench.hear(Down::Release { land_id: id("arena:2"), reason: "empty".to_owned() });
    assert!(bench.told().is_empty());
    bench.pass(59_999);
    assert_eq!(bench.machine.land_count(), 1);
    bench.outputs();
    bench.pass(30);
    let sent = bench.sent();
    assert!(
        matches!(sent.last(), Some(Up::Heartbeat { lands, healthy: true, .. }) if lands.is_empty()),
        "{sent:?}"
    );
}

#[test]
fn a_game_server_that_outlived_its_agent_brings_its_lands() {
    let mut bench = Bench::report();
    let bring = |bench: &mut Bench, lands: &[&str]| {
        let lands = lands.iter().map(|land| LandReport {
            land_id: id(land),
            players: players(&["ann"]),
            awaited: Vec::new(),
        });
        bench.machine.game_server_ready(bench.now_ms, &lands.collect::<Vec<_>>())
    };
    assert_eq!(bring(&mut bench, &["arena:1", "castle:1"]), Err((1, AdoptError::LandType)));
    let four = ["arena:1", "arena:2", "arena:3", "arena:4"];
    assert_eq!(bring(&mut bench, &four), Err((3, AdoptError::Full)));
    assert_eq!((bench.machine.land_count(), bench.status().phase), (0, Phase::Starting));
    bring(&mut bench, &["arena:1", "arena:1"]).unwrap();
    bench.machine.stream_opened(bench.now_ms);
    let sent = bench.sent();
    assert!(matches!(sent.as_slice(), [Up::Hello { lands, .. }] if lands.len() == 1), "{sent:?}");
    bring(&mut bench, &["arena:2"]).unwrap();
    assert_eq!(bench.machine.land_count(), 1, "a repeated call brings nothing back");
}
