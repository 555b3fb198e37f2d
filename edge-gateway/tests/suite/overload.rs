//! More than can be done: what is too much is turned away at once, and what was acknowledged is kept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{PATIENCE, Stack, eventually};

const CALLERS: usize = 80;
/// Of the calls that may wait, enqueues get 30.
const CALLS: &str = "40";
const SLOWNESS: Duration = Duration::from_millis(400);
const LASTS: Duration = Duration::from_secs(2);

/// What the callers were told.
#[derive(Default)]
struct Told {
    tickets: Vec<String>,
    /// How long it took to be turned away.
    turned_away: Vec<Duration>,
}

/// Enqueues again and again, whatever the answer.
async fn insist(stack: Arc<Stack>, caller: usize) -> Told {
    let mut told = Told::default();
    let begun = Instant::now();
    for number in 0.. {
        if begun.elapsed() > LASTS {
            break;
        }
        let body = json!({"queueKey": "q", "members": [format!("p{caller}-{number}")]});
        let asked_at = Instant::now();
        let answer = stack.post("/v1/matchmaking/enqueue", &body).await;
        let took = asked_at.elapsed();
        if answer.status == 201 {
            told.tickets.push(answer.body["ticketId"].as_str().unwrap().to_owned());
            continue;
        }
        answer.assert_problem(503, "UNAVAILABLE");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=4).contains(&wait), "{wait}");
        assert_eq!(answer.body["ticketId"], Value::Null, "nothing was done, and it says so");
        told.turned_away.push(took);
        // A client that doesn't do as it is told, and comes back much too soon.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_is_turned_away_at_once_and_what_was_acknowledged_is_matched() {
    let stack = Stack::start_with(&["--allow-client-player-id", "--max-calls", CALLS]).await;
    let early = stack.enqueue(&["early"]).await;
    let mut socket = stack.socket_of(&early).await;
    stack.control_plane.subscribed(1).await;
    assert_eq!(stack.get("/ready").await.status, 200);
    *stack.control_plane.state.slowness.lock() = SLOWNESS;

    let stack = Arc::new(stack);
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(insist(Arc::clone(&stack), caller));
    }
    // In the middle of it: the balancer is told, nobody restarts the gateway, and news go out.
    tokio::time::sleep(LASTS / 2).await;
    let (health, ready) = (stack.get("/health").await, stack.get("/ready").await);
    assert_eq!((health.status, ready.status), (200, 503), "{ready:#?}");
    let assigned_at = Instant::now();
    stack.control_plane.assign(&early);
    socket.expect("match.assigned").await;
    let push = assigned_at.elapsed();
    // Who has a ticket can still look at it.
    assert_eq!(stack.status(&early).await.body["status"], "assigned");

    let told = callers.join_all().await;
    let tickets: Vec<_> = told.iter().flat_map(|told| &told.tickets).collect();
    let mut waits: Vec<_> = told.iter().flat_map(|told| told.turned_away.iter().copied()).collect();
    waits.sort_unstable();
    assert!(tickets.len() >= 60 && waits.len() > tickets.len(), "{} {}", tickets.len(), waits.len());
    let at = |share: usize| waits[waits.len() * share / 100];
    let (half, most, worst) = (at(50), at(95), waits[waits.len() - 1]);
    eprintln!(
        "{} turned away: p50 {half:.1?}, p95 {most:.1?}, p99 {:.1?}, worst {worst:.1?}; {} acknowledged; a push in {push:.1?}",
        waits.len(),
        at(99),
        tickets.len(),
    );
    // Half of them, because machines are shared: what waited for the control plane would take eight times as long.
    assert!(half < Duration::from_millis(50), "p50 {half:?}, p95 {most:?}");

    // All of it is there, and nothing else.
    *stack.control_plane.state.slowness.lock() = Duration::ZERO;
    assert_eq!(stack.control_plane.state.tickets.lock().len(), tickets.len() + 1);
    for id in tickets {
        stack.control_plane.assign(id);
        assert_eq!(stack.status(id).await.body["status"], "assigned");
    }
    let ready = async { while stack.get("/ready").await.status != 200 {} };
    tokio::time::timeout(PATIENCE, ready).await.expect("the balancer may come back");
    Arc::into_inner(stack).expect("nobody else has it").finish().await;
}

#[tokio::test]
async fn more_requests_than_may_be_under_way_are_turned_away() {
    let stack = Stack::start_with(&["--allow-client-player-id", "--max-requests", "3"]).await;
    let id = stack.enqueue(&["ann"]).await;
    let waiting: Vec<_> = (0..3)
        .map(|_| tokio::spawn(stack.request("GET", &format!("/v1/matchmaking/status/{id}?wait=20")).send()))
        .collect();
    eventually("all wait", || stack.probe.subscriptions() == 3).await;
    let refused = stack.status(&id).await;
    refused.assert_problem(503, "UNAVAILABLE");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!((stack.get("/health").await.status, stack.get("/ready").await.status), (200, 503));
    stack.control_plane.assign(&id);
    for answer in waiting {
        let answer: Value = answer.await.unwrap().unwrap().json().await.unwrap();
        assert_eq!(answer["status"], "assigned", "who was let in is served to the end");
    }
    assert_eq!(stack.status(&id).await.status, 200);
    stack.finish().await;
}

#[tokio::test]
async fn tickets_are_read_and_cancelled_while_enqueues_are_turned_away() {
    let stack = Stack::start_with(&["--allow-client-player-id", "--max-calls", "4"]).await;
    let id = stack.enqueue(&["ann"]).await;
    *stack.control_plane.state.slowness.lock() = Duration::from_millis(500);
    let enqueue = |player: &str| {
        let body = json!({"queueKey": "q", "members": [player]});
        stack.request("POST", "/v1/matchmaking/enqueue").json(&body).send()
    };
    let waiting: Vec<_> = ["a", "b", "c"].map(|player| tokio::spawn(enqueue(player))).into_iter().collect();
    let arrived = || stack.control_plane.state.metadata.lock().len() == 4;
    eventually("all three wait for the control plane", arrived).await;
    let refused = enqueue("d").await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(stack.cancel(&id).await.body, json!({"cancelled": true}));
    for answer in waiting {
        assert_eq!(answer.await.unwrap().unwrap().status(), 201);
    }
    stack.finish().await;
}
