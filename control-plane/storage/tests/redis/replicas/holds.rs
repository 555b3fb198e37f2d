//! A server id is one live replica's.

use std::time::Duration;

use storage::{Announce, Hold, RedisSettings, ServerId, Storage as _};

use super::{LASTING, Replica};
use crate::{
    eventually,
    fixture::NOW,
    ground::{cluster_settings, settings},
};

async fn hold(replica: &Replica, server: &str, instance: Option<&str>) -> Hold {
    replica.replicas.hold(&ServerId::new(server), instance).await.unwrap()
}

/// Held, under a term greater than all before.
async fn held(replica: &Replica, server: &str, instance: Option<&str>, newest: &mut u64) -> u64 {
    let Hold::Held { term } = hold(replica, server, instance).await else { panic!("not held") };
    assert!(term > *newest);
    *newest = term;
    term
}

async fn two(settings: &RedisSettings) -> [Replica; 2] {
    [
        Replica::start(settings, LASTING, Some("one")).await,
        Replica::start(settings, LASTING, Some("other")).await,
    ]
}

#[tokio::test]
async fn the_newest_instance_of_an_agent_holds_its_server() {
    for settings in [settings(), cluster_settings()] {
        let [one, other] = two(&settings).await;
        let newest = &mut 0;
        held(&one, "s", Some("b"), newest).await;
        held(&one, "t", Some("b"), newest).await;
        // Bytes, and not letters: B < a.
        for older in ["a", "B", ""] {
            assert_eq!(hold(&other, "s", Some(older)).await, Hold::Superseded { by: "b".to_owned() });
        }
        assert_eq!(hold(&one, "s", None).await, Hold::Superseded { by: "b".to_owned() });
        held(&other, "s", Some("b"), newest).await;
        held(&one, "s", Some("b"), newest).await;
        held(&other, "s", Some("b 2"), newest).await;
        assert_eq!(hold(&one, "s", Some("b")).await, Hold::Superseded { by: "b 2".to_owned() });
        let holder = async |server: &str| one.replicas.holder(&ServerId::new(server)).await.unwrap();
        assert_eq!(holder("s").await, Some(other.id()));
        assert_eq!(holder("t").await, Some(one.id()));
        assert_eq!(holder("nobody's").await, None);
    }
}

#[tokio::test]
async fn a_server_without_an_agent_stays_where_it_is() {
    let [one, other] = two(&settings()).await;
    let newest = &mut 0;
    let term = held(&one, "s", None, newest).await;
    assert_eq!(hold(&one, "s", None).await, Hold::Held { term }, "it is its already");
    assert_eq!(hold(&other, "s", None).await, Hold::Elsewhere(one.id()));
    // An agent comes, wherever.
    held(&other, "s", Some("a"), newest).await;
    assert_eq!(hold(&one, "s", None).await, Hold::Superseded { by: "a".to_owned() });
}

#[tokio::test]
async fn what_is_given_back_is_anybodys_and_only_the_newest_can_give_it() {
    let [one, other] = two(&settings()).await;
    let newest = &mut 0;
    let server = ServerId::new("s");
    let old = held(&one, "s", Some("a"), newest).await;
    let new = held(&one, "s", Some("a"), newest).await;
    one.replicas.let_go(&server, old).await.unwrap();
    assert_eq!(one.replicas.holder(&server).await.unwrap(), Some(one.id()));
    one.replicas.let_go(&server, new).await.unwrap();
    assert_eq!(one.replicas.holder(&server).await.unwrap(), None);
    held(&other, "s", None, newest).await;
}

#[tokio::test]
async fn what_a_dead_replica_held_is_anybodys() {
    let settings = settings();
    let lasting = Duration::from_millis(300);
    let dead = Replica::start(&settings, lasting, None).await;
    let [left, alive] = two(&settings).await;
    let newest = &mut 0;
    let lost = held(&dead, "s", Some("z"), newest).await;
    held(&left, "t", Some("z"), newest).await;
    assert_eq!(hold(&alive, "t", None).await, Hold::Superseded { by: "z".to_owned() });
    left.replicas.leave().await.unwrap();
    held(&alive, "t", None, newest).await;

    let server = ServerId::new("s");
    eventually("it is dead", async || alive.replicas.holder(&server).await.unwrap().is_none().then_some(()))
        .await;
    held(&alive, "s", None, newest).await;
    // It was only paused, and has to hear what happened.
    dead.replicas.let_go(&server, lost).await.unwrap();
    assert_eq!(alive.replicas.holder(&server).await.unwrap(), Some(alive.id()));
    assert_eq!(hold(&dead, "s", None).await, Hold::Elsewhere(alive.id()));
    assert_eq!(dead.announce(&[], false).await, Announce::SayAll);
}

#[tokio::test]
async fn whoever_was_taken_for_gone_is_told_so_after_a_hold_too() {
    let settings = settings();
    let lasting = Duration::from_millis(500);
    let paused = Replica::start(&settings, lasting, Some("paused")).await;
    held(&paused, "s", None, &mut 0).await;
    let reader = Replica::start(&settings, LASTING, None).await;
    let server = ServerId::new("s");
    eventually("it is gone", async || reader.replicas.holder(&server).await.unwrap().is_none().then_some(()))
        .await;
    held(&paused, "t", None, &mut 0).await;
    assert_eq!(paused.announce(&[], false).await, Announce::SayAll);
}

#[tokio::test]
async fn what_nobody_remembers_is_swept() {
    const SERVERS: usize = 1_000;
    for settings in [settings(), cluster_settings()] {
        let [gone, alive] = two(&settings).await;
        for n in 0..SERVERS {
            let of = if n % 2 == 0 { &gone } else { &alive };
            hold(of, &format!("s-{n}"), Some("a")).await;
        }
        let storage = &alive.redis;
        // Nobody forgets a replica that may be back soon.
        let mut swept = 0;
        for _ in 0..SERVERS / 10 {
            swept += storage.sweep(NOW, 10).await.unwrap();
        }
        assert_eq!(swept, 0);
        gone.replicas.leave().await.unwrap();
        let mut longest = 0;
        eventually("all are swept", async || {
            let now = storage.sweep(NOW, 10).await.unwrap();
            (swept, longest) = (swept + now, longest.max(now));
            (swept == SERVERS / 2).then_some(())
        })
        .await;
        assert!(longest < 100, "{longest} at once");
        let holder = async |n: usize| alive.replicas.holder(&ServerId::new(format!("s-{n}"))).await.unwrap();
        assert_eq!((holder(0).await, holder(1).await), (None, Some(alive.id())));
    }
}
