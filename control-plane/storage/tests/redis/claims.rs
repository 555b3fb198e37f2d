//! One player, one queued ticket: over queues, processes, and attempts that died half-way.

use std::{collections::HashSet, sync::Arc, time::Duration};

use matching::{Attribute, Player, PlayerId, QueueKey};
use storage::{EnqueueError, Enqueued, NewTicket, Redis, RedisSettings, Status, Storage as _, WorkerId};
use tokio::task::JoinSet;

use crate::{
    fixture::{LEASE, LIFETIME, NOW, id, queue, ticket},
    ground::{open, settings},
};

/// Plants a claim, as a process does that dies before its script.
async fn plant(settings: &RedisSettings, claim: &str, holder: &str) {
    let mut behind = crate::raw(settings).await;
    let key = format!("{}{claim}", settings.prefix);
    redis::cmd("SET").arg(key).arg(holder).query_async::<String>(&mut behind).await.unwrap();
}

#[tokio::test]
async fn what_a_dead_attempt_left_is_taken_over() {
    let settings = settings();
    let (storage, _upkeep) = open(&settings);
    for claim in ["ticket:t", "group:g-t", "player:p"] {
        plant(&settings, claim, r#"["t","elsewhere","00ff"]"#).await;
    }
    let enqueued = storage.enqueue(ticket("t", &["p", "q"]), NOW).await.unwrap();
    assert!(matches!(enqueued, Enqueued::New(_)), "{enqueued:?}");
    let read = storage.read(&[id("t")]).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap().record.queue, queue());
    let busy = storage.enqueue(ticket("u", &["p"]), NOW).await;
    assert_eq!(busy, Err(EnqueueError::PlayerQueued(PlayerId::new("p"))));
}

#[tokio::test]
async fn what_an_ended_ticket_left_is_taken_over() {
    let settings = settings();
    let (storage, _upkeep) = open(&settings);
    storage.enqueue(ticket("t", &["p"]), NOW).await.unwrap();
    let mut behind = crate::raw(&settings).await;
    let key = format!("{}player:p", settings.prefix);
    let claim: String = redis::cmd("GET").arg(&key).query_async(&mut behind).await.unwrap();
    storage.cancel(&id("t"), NOW).await.unwrap();
    // As if nobody had cleaned up.
    plant(&settings, "player:p", &claim).await;
    let enqueued = storage.enqueue(ticket("u", &["p"]), NOW).await.unwrap();
    assert!(matches!(enqueued, Enqueued::New(_)), "{enqueued:?}");
}

#[tokio::test]
async fn an_attempt_that_was_given_up_for_dead_does_not_enqueue() {
    let settings = settings();
    let (storage, _upkeep) = open(&settings);
    // Another attempt at `t` holds the player, and its ticket doesn't come: it is marked, and `u` gets the player.
    plant(&settings, "player:p", r#"["t","hero-defense:3v3","00ff"]"#).await;
    storage.enqueue(ticket("u", &["p"]), NOW).await.unwrap();
    let mut behind = crate::raw(&settings).await;
    let mark = format!("{}{{q:{}}}:t:t", settings.prefix, queue());
    let mark: String = redis::cmd("GET").arg(mark).query_async(&mut behind).await.unwrap();
    assert_eq!(mark, "V 00ff");
    assert_eq!(storage.read(&[id("t")]).await.unwrap(), [None]);
    // The mark is no obstacle for others.
    let enqueued = storage.enqueue(ticket("t", &["q"]), NOW).await.unwrap();
    assert!(matches!(enqueued, Enqueued::New(_)), "{enqueued:?}");
}

#[tokio::test]
async fn the_claims_of_an_ended_ticket_are_given_back() {
    let settings = settings();
    let (storage, _upkeep) = open(&settings);
    for name in ["t", "u"] {
        storage.enqueue(ticket(name, &[name]), NOW).await.unwrap();
    }
    let lease = storage.claim(&queue(), &WorkerId::new("w"), LEASE, NOW).await.unwrap().unwrap();
    storage.cancel(&id("t"), NOW).await.unwrap();
    storage.expire(&lease, &[id("u")], NOW + LIFETIME).await.unwrap();
    let mut behind = crate::raw(&settings).await;
    crate::eventually("no claims of groups and players", async || {
        let (mut left, prefix) = (0, &settings.prefix);
        for claim in ["group:g-t", "group:g-u", "player:t", "player:u"] {
            let mut exists = redis::cmd("EXISTS");
            exists.arg(format!("{prefix}{claim}"));
            left += exists.query_async::<i64>(&mut behind.clone()).await.unwrap();
        }
        (left == 0).then_some(())
    })
    .await;
    // All else goes with the sweep.
    storage.release(&lease).await.unwrap();
    assert_eq!(storage.sweep(NOW + LIFETIME * 1_000, 10).await.unwrap(), 2);
    let mut keys = redis::cmd("KEYS");
    keys.arg(format!("{}*", settings.prefix));
    let mut left: Vec<String> = keys.query_async(&mut behind).await.unwrap();
    left.sort();
    let name = |key: &str| format!("{}{key}", settings.prefix);
    let meta = name("{q:hero-defense:3v3}:meta");
    let [fence, generation, sweeper] =
        ["fence", "generation", "sweeper"].map(|key| name(&format!("{{queues}}:{key}")));
    assert_eq!(left, [meta, fence, generation, sweeper]);
}

#[tokio::test]
async fn the_same_request_is_known_whatever_its_numbers_are() {
    let (storage, _upkeep) = open(&settings());
    let mut player = Player::new(PlayerId::new("p"));
    let numbers = [0.1 + 0.2, 5e-324, 1.797_693_134_862_315_7e308, 31.245_270_191_439_438, -0.0];
    let attribute = |(place, number): (usize, f64)| (place.to_string(), Attribute::Number(number));
    player.attributes = numbers.into_iter().enumerate().map(attribute).collect();
    let new = || NewTicket { players: Arc::from([player.clone()]), ..ticket("t", &[]) };
    assert!(matches!(storage.enqueue(new(), NOW).await.unwrap(), Enqueued::New(_)));
    assert!(matches!(storage.enqueue(new(), NOW).await.unwrap(), Enqueued::Known(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_player_is_ever_in_two_queued_tickets() {
    const QUEUES: [&str; 3] = ["one", "two", "three"];
    const PLAYERS: usize = 6;
    let settings = settings();
    let both = [open(&settings), open(&settings)];
    let storages: Vec<Arc<Redis>> = both.iter().map(|(storage, _)| Arc::clone(storage)).collect();
    let mut callers = JoinSet::new();
    for caller in 0..16_usize {
        let storage = Arc::clone(&storages[caller % 2]);
        callers.spawn(async move {
            let mut queued = 0;
            let mut waiting = None;
            for round in 0..25 {
                // Its ticket ends now and then, and other callers want its players.
                if let Some(ticket) = waiting.take_if(|_| round % 2 == 0) {
                    storage.cancel(&ticket, NOW).await.unwrap();
                }
                let name = format!("t-{caller}-{round}");
                let (first, second) = ((caller + round) % PLAYERS, (caller * 3 + round * 5) % PLAYERS);
                let players = [format!("p{first}"), format!("p{second}")];
                let players: Vec<&str> = players.iter().map(String::as_str).collect();
                let players = if first == second { &players[..1] } else { &players[..] };
                let queue = QueueKey::new(QUEUES[(caller + round) % 3]);
                let new = NewTicket { queue, ..ticket(&name, players) };
                match storage.enqueue(new, NOW).await {
                    Ok(_) => {
                        queued += 1;
                        if let Some(older) = waiting.replace(id(&name)) {
                            storage.cancel(&older, NOW).await.unwrap();
                        }
                    }
                    Err(EnqueueError::PlayerQueued(_)) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            queued
        });
    }
    let watched = Arc::clone(&storages[0]);
    let watch = tokio::spawn(async move {
        loop {
            // The queues are read one after the other, so only what is queued before and after counts.
            let names =
                || (0..16).flat_map(|caller| (0..25).map(move |round| id(&format!("t-{caller}-{round}"))));
            let names: Vec<_> = names().collect();
            let queued = |states: Vec<Option<storage::TicketState>>| {
                let waiting = states.into_iter().flatten().filter(|state| state.status == Status::Queued);
                waiting.map(|state| (state.record.ticket.id.clone(), state)).collect::<Vec<_>>()
            };
            let before = queued(watched.read(&names).await.unwrap());
            let after: HashSet<_> =
                queued(watched.read(&names).await.unwrap()).into_iter().map(|(ticket, _)| ticket).collect();
            let mut busy = HashSet::new();
            for (ticket, state) in before.iter().filter(|(ticket, _)| after.contains(ticket)) {
                for player in state.record.ticket.players.iter() {
                    assert!(busy.insert(player.id.clone()), "{} is in two tickets: {ticket}", player.id);
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let queued: usize = callers.join_all().await.into_iter().sum();
    assert!(!watch.is_finished(), "the watch found something");
    watch.abort();
    assert!(queued > 20, "{queued} tickets were queued: no contention was tried");
}
