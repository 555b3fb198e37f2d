//! What happens between the table and the links.

use std::collections::BTreeMap;

use super::*;

const EXPIRY: Duration = Duration::from_secs(60);

fn registration(instance: Option<&str>) -> Registration {
    Registration {
        server: ServerId::new("s-1"),
        instance: instance.map(str::to_owned),
        connect_base: "ws://s-1".to_owned(),
        land_types: vec!["demo".into()],
        region: None,
        capacity: 10,
        player_capacity: None,
        labels: BTreeMap::new(),
        version: String::new(),
    }
}

fn order() -> Arc<LandOrder> {
    Arc::new(LandOrder {
        land_type: "demo".into(),
        match_id: storage::MatchId::new("m"),
        queue: matching::QueueKey::new("demo"),
        players: Arc::from([]),
        seats: 1,
        teams: Arc::from([]),
        constraints: String::new(),
        answer_within: EXPIRY,
    })
}

fn reserve(registry: &Registry) -> Reserved {
    wish::wants::Wants::any("demo").with("demo:1", |pick| registry.reserve(pick)).unwrap()
}

#[tokio::test]
async fn a_server_that_came_anew_is_not_asked_for_a_place_that_it_forgot() {
    let registry = Registry::new(Clock::start());
    let connect = |id| {
        let (commands, commanded) = tokio::sync::mpsc::channel(8);
        let link = Link { id, commands };
        let registration = registration(Some("i-1"));
        let arrival = Arrival { registration, term: 1, lands: Vec::new(), draining: false };
        registry.connect(arrival, EXPIRY, link).unwrap();
        commanded
    };
    let _first = connect(1);
    let reserved = reserve(&registry);
    let mut second = connect(2);
    assert!(registry.ask(&reserved, &order()).await.is_err(), "no answer can come");
    assert!(second.try_recv().is_err(), "and nobody is asked");

    let reserved = reserve(&registry);
    let answer = registry.ask(&reserved, &order());
    let Some(Command::Allocate { id, .. }) = second.recv().await else { panic!("not asked") };
    registry.answer(&reserved.server, 1, &id, Answer::Ready);
    registry.answer(&reserved.server, 2, &id, Answer::Ready);
    assert_eq!(answer.await, Ok(Answer::Ready), "from the stream that was asked, and no other");
}

#[test]
fn a_place_on_a_server_that_was_deregistered_is_not_assumed() {
    let registry = Registry::new(Clock::start());
    registry.register(registration(None), 1, EXPIRY).unwrap();
    let reserved = reserve(&registry);
    assert_eq!(registry.deregister(&reserved.server), Ok(true));
    assert!(!registry.assume_ready(&reserved, EXPIRY));
}

#[test]
fn room_is_told_where_it_appears_and_nowhere_else() {
    let registry = Registry::new(Clock::start());
    let mut room = registry.room();
    let mut is_told = || {
        let told = room.is_new();
        room.see();
        told
    };
    registry.register(registration(None), 1, EXPIRY).unwrap();
    assert!(is_told(), "a server came");
    registry.register(registration(None), 1, EXPIRY).unwrap();
    assert!(!is_told(), "it is still there");
    registry.withdraw(&reserve(&registry).land, "it refused");
    assert!(!is_told(), "it will refuse again");
    registry.release(&reserve(&registry).land, "the match did not happen");
    assert!(is_told());
}

/// A registered server that was told nothing, and its stream.
fn connected(registry: &Registry, id: u64) -> tokio::sync::mpsc::Receiver<Command> {
    let (commands, commanded) = tokio::sync::mpsc::channel(8);
    let registration = registration(Some("i-1"));
    let arrival = Arrival { registration, term: 1, lands: Vec::new(), draining: false };
    registry.connect(arrival, EXPIRY, Link { id, commands }).unwrap();
    commanded
}

#[tokio::test(start_paused = true)]
async fn a_server_is_told_to_drain_until_it_says_so() {
    let registry = Registry::new(Clock::start());
    let server = ServerId::new("s-1");
    let mut first = connected(&registry, 1);
    registry.drain(&server, "a new version", Some(Duration::from_secs(60))).unwrap();
    let is_told = |commands: &mut tokio::sync::mpsc::Receiver<Command>| match commands.try_recv() {
        Ok(Command::Drain { reason, deadline }) => Some((reason, deadline.map(|left| left.as_secs()))),
        Ok(other) => panic!("{other:?}"),
        Err(_) => None,
    };
    assert_eq!(is_told(&mut first), Some(("a new version".to_owned(), Some(60))));
    tokio::time::advance(Duration::from_secs(20)).await;
    let mut second = connected(&registry, 2);
    assert_eq!(
        is_told(&mut second),
        Some(("a new version".to_owned(), Some(40))),
        "on the new stream as well"
    );
    let beat = |sequence, draining| Heartbeat {
        sequence,
        healthy: true,
        draining,
        lands: Vec::new(),
        capacity: None,
        player_capacity: None,
    };
    assert!(registry.heartbeat(&server, 2, beat(1, false), EXPIRY));
    assert!(is_told(&mut second).is_some(), "it may have missed it");
    assert!(registry.heartbeat(&server, 2, beat(2, true), EXPIRY));
    assert_eq!(is_told(&mut second), None);
    assert_eq!(registry.drain(&ServerId::new("s-2"), "", None).map(|_| ()), None);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_land_that_a_drain_ended_learns_it() {
    let registry = Registry::new(Clock::start());
    let mut commands = connected(&registry, 1);
    let reserved = reserve(&registry);
    let answer = registry.ask(&reserved, &order());
    registry.drain(&reserved.server, "", Some(Duration::from_millis(500))).unwrap();
    tokio::time::advance(Duration::from_millis(500)).await;
    registry.expire();
    assert!(answer.await.is_err());
    let mut told = Vec::new();
    while let Ok(command) = commands.try_recv() {
        told.push(command);
    }
    assert!(
        matches!(&*told, [Command::Allocate { .. }, Command::Drain { .. }, Command::Release { land, .. }] if *land == reserved.land),
        "{told:?}"
    );
}
