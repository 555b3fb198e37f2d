//! Several control planes: one dies, all die, one comes back, one says that it can't; and a name that stands for several.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, future::join_all};
use parking_lot::Mutex;
use proto::error::{Reason, Refusal};
use runtime::endpoints::{Resolver, system_resolver};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{PATIENCE, Stack, control_plane::ControlPlane, eventually};

/// A gateway that is told of the replicas by one list.
async fn before(control_plane: ControlPlane, others: &[SocketAddr], flags: &[&str]) -> Stack {
    let mut urls = control_plane.url();
    for other in others {
        urls += &format!(",http://{other}");
    }
    let all = [&["--allow-client-player-id", "--control-plane", &urls], flags].concat();
    Stack::start_before(control_plane, &all, system_resolver()).await
}

fn calls(control_plane: &ControlPlane) -> usize {
    control_plane.seen.calls.load(Ordering::SeqCst)
}

fn has_stream(control_plane: &ControlPlane) -> bool {
    control_plane.seen.streams.load(Ordering::SeqCst) == 1
}

/// Asks for a ticket's status again and again until a replica has answered once more.
async fn until_it_answers(stack: &Stack, replica: &ControlPlane, ticket_id: &str) {
    let (before, deadline) = (calls(replica), Instant::now() + PATIENCE);
    while calls(replica) == before {
        assert!(Instant::now() < deadline, "the replica gets its share again");
        assert_eq!(stack.status(ticket_id).await.status, 200);
    }
}

#[tokio::test]
async fn calls_are_shared_and_go_on_when_a_replica_crashes() {
    let first = ControlPlane::start().await;
    let (mut second, third) = (first.beside().await, first.beside().await);
    let stack = before(first, &[second.addr, third.addr], &[]).await;
    let id = stack.enqueue(&["alice"]).await;
    for replica in [&stack.control_plane, &second, &third] {
        until_it_answers(&stack, replica, &id).await;
    }

    // Four clients that never pause; in the midst of it a replica breaks off whatever it was doing.
    let crashed = Mutex::new(false);
    let clients = join_all((0..4).map(|client| {
        let (stack, crashed) = (&stack, &crashed);
        async move {
            let mut after = 0;
            for number in 0.. {
                after += usize::from(*crashed.lock());
                if after > 50 {
                    break;
                }
                stack.enqueue(&[&format!("player-{client}-{number}")]).await;
            }
        }
    }));
    let crash = async {
        let (before, deadline) = (calls(&second), Instant::now() + PATIENCE);
        while calls(&second) < before + 20 {
            assert!(Instant::now() < deadline, "the second replica takes part");
            tokio::task::yield_now().await;
        }
        second.crash();
        *crashed.lock() = true;
    };
    tokio::join!(clients, crash);

    second.come_up().await;
    until_it_answers(&stack, &second, &id).await;
    stack.finish().await;
}

#[tokio::test]
async fn a_follower_gets_the_final_state_from_another_replica() {
    let first = ControlPlane::start().await;
    let mut second = first.beside().await;
    let mut stack = before(first, &[second.addr], &[]).await;
    let id = stack.enqueue(&["alice"]).await;
    let mut socket = stack.socket_of(&id).await;
    stack.control_plane.subscribed(1).await;
    // Both ways of losing a replica, in the order that meets the stream where it is.
    for _ in 0..2 {
        if has_stream(&second) {
            second.crash();
            eventually("the first has the stream", || has_stream(&stack.control_plane)).await;
            second.come_up().await;
        } else {
            stack.control_plane.stop().await;
            eventually("the second has the stream", || has_stream(&second)).await;
            stack.control_plane.restart().await;
        }
        stack.control_plane.subscribed(1).await;
    }
    stack.control_plane.assign(&id);
    socket.expect("match.assigned").await;
    stack.finish().await;
}

#[tokio::test]
async fn there_is_no_pause_before_another_replica_is_followed() {
    // The shortest pause that there is; a busy machine may need several goes to stay below it.
    const PAUSE: Duration = Duration::from_millis(50);
    let mut gaps = Vec::new();
    while gaps.iter().all(|gap| *gap >= PAUSE) {
        assert!(gaps.len() < 8, "{gaps:?}");
        let state = ControlPlane::start().await;
        let mut both = [state.beside().await, state.beside().await];
        let urls = format!("http://{},http://{}", both[0].addr, both[1].addr);
        let flags = ["--allow-client-player-id", "--control-plane", &urls];
        let stack = Stack::start_before(state, &flags, system_resolver()).await;
        eventually("one of them has the stream", || both.iter().any(has_stream)).await;
        until_it_answers(&stack, &both[0], &stack.enqueue(&["alice"]).await).await;
        both.sort_by_key(has_stream);
        let [other, holder] = &mut both;
        let crashed_at = Instant::now();
        holder.crash();
        eventually("the other has it", || has_stream(other)).await;
        gaps.push(crashed_at.elapsed());
        stack.finish().await;
    }
}

#[tokio::test]
async fn with_all_of_them_away_it_says_so_and_one_is_enough_to_be_well() {
    let first = ControlPlane::start().await;
    let mut second = first.beside().await;
    let mut stack = before(first, &[second.addr], &[]).await;
    let ids = [stack.enqueue(&["alice"]).await, stack.enqueue(&["bob"]).await];
    let mut sockets = [stack.socket_of(&ids[0]).await, stack.socket_of(&ids[1]).await];
    stack.control_plane.subscribed(2).await;

    stack.control_plane.stop().await;
    assert_eq!(stack.get("/health").await.status, 200, "one is enough");
    assert_eq!(stack.get("/.well-known/jwks.json").await.status, 200);
    second.crash();
    stack.control_plane.subscribed(0).await;
    stack.control_plane.assign(&ids[0]);
    let enqueue =
        stack.post("/v1/matchmaking/enqueue", &json!({"queueKey": "q", "members": ["carol"]})).await;
    enqueue.assert_problem(503, "UNAVAILABLE");
    assert_eq!(enqueue.header("retry-after"), "1");
    let deadline = Instant::now() + PATIENCE;
    while stack.get("/health").await.status != 503 {
        assert!(Instant::now() < deadline, "health says that nobody is there");
    }

    second.come_up().await;
    assert_eq!(stack.status(&ids[1]).await.status, 200);
    sockets[0].expect("match.assigned").await;
    stack.control_plane.subscribed(1).await;
    stack.control_plane.assign(&ids[1]);
    sockets[1].expect("match.assigned").await;
    while stack.get("/health").await.status != 200 {
        assert!(Instant::now() < deadline, "health comes back");
    }
    stack.finish().await;
}

#[tokio::test]
async fn a_replica_that_says_it_cannot_is_passed_over() {
    let first = ControlPlane::start().await;
    let second = first.beside().await;
    let stack = before(first, &[second.addr], &[]).await;
    let refusal = || Refusal::new(Reason::Unavailable, "this control plane is shutting down; try again");
    stack.control_plane.state.refusals.lock().push_back(refusal());
    let id = stack.enqueue(&["alice"]).await;
    assert_eq!((calls(&stack.control_plane), calls(&second)), (1, 1), "one said no, the other did it");
    // What was decided is no reason to ask another.
    let no = Refusal::new(Reason::TicketNotFound, "there is no such ticket");
    stack.control_plane.state.refusals.lock().push_back(no);
    stack.status(&id).await.assert_problem(404, "TICKET_NOT_FOUND");
    // Both say it: nobody asks for ever.
    stack.control_plane.state.refusals.lock().extend([refusal(), refusal()]);
    stack.status(&id).await.assert_problem(503, "UNAVAILABLE");
    assert_eq!(stack.control_plane.state.refusals.lock().len(), 0);
    stack.finish().await;
}

#[tokio::test]
async fn a_queue_worker_behind_the_same_name_is_left_alone() {
    let first = ControlPlane::start().await;
    let worker = first.worker_beside().await;
    let mut stack = before(first, &[worker.addr], &[]).await;
    let id = stack.enqueue(&["alice"]).await;
    let mut socket = stack.socket_of(&id).await;
    stack.control_plane.subscribed(1).await;
    // Before it is known what it is, it may be asked, and what it says no to is done elsewhere.
    let deadline = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while quiet < 20 {
        assert!(Instant::now() < deadline, "the worker is left alone");
        let before = calls(&worker);
        assert_eq!(stack.status(&id).await.status, 200);
        quiet = if calls(&worker) == before { quiet + 1 } else { 0 };
    }

    // A worker alone is no control plane for clients, and its "no" is not what they are told.
    stack.control_plane.stop().await;
    let known = calls(&worker);
    let refused = stack.status(&id).await;
    refused.assert_problem(503, "UNAVAILABLE");
    assert!(!refused.body["detail"].as_str().unwrap().contains("forms matches"), "{refused:#?}");
    assert_eq!(stack.get("/health").await.status, 503);
    assert_eq!(calls(&worker), known);

    stack.control_plane.restart().await;
    stack.control_plane.subscribed(1).await;
    stack.control_plane.assign(&id);
    socket.expect("match.assigned").await;
    stack.finish().await;
}

#[tokio::test]
async fn a_replica_that_answers_nothing_is_not_waited_for() {
    // Connections to it are made, and nobody ever reads from them.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let control_plane = ControlPlane::start().await;
    let flags = ["--request-timeout", "4s"];
    let stack = before(control_plane, &[mute.local_addr().unwrap()], &flags).await;
    let bodies: Vec<_> =
        (0..8).map(|number| json!({"queueKey": "q", "members": [format!("player-{number}")]})).collect();
    let enqueued = bodies.iter().map(|body| stack.post("/v1/matchmaking/enqueue", body));
    for answer in join_all(enqueued).await {
        assert_eq!(answer.status, 201, "{answer:#?}");
    }
    // From now on it is known to be no good.
    let deadline = Instant::now() + PATIENCE;
    let mut quick = 0;
    while quick < 10 {
        assert!(Instant::now() < deadline, "the mute one is left out");
        let asked_at = Instant::now();
        stack.status("none").await.assert_problem(404, "TICKET_NOT_FOUND");
        quick = if asked_at.elapsed() < Duration::from_secs(1) { quick + 1 } else { 0 };
    }
    stack.finish().await;
}

#[tokio::test]
async fn a_name_stands_for_all_its_addresses_and_is_resolved_again() {
    let first = ControlPlane::start().await;
    let (second, third) = (first.beside().await, first.beside().await);
    let addresses = Arc::new(Mutex::new(vec![first.addr, second.addr]));
    let resolver: Resolver = {
        let addresses = Arc::clone(&addresses);
        Arc::new(move |host, port| {
            assert_eq!((host, port), ("control-plane.internal", 3001));
            std::future::ready(Ok(addresses.lock().clone())).boxed()
        })
    };
    let flags = [
        "--allow-client-player-id",
        "--control-plane",
        "http://control-plane.internal:3001",
        "--control-plane-refresh",
        "100ms",
    ];
    let stack = Stack::start_before(first, &flags, resolver).await;
    let id = stack.enqueue(&["alice"]).await;
    for replica in [&stack.control_plane, &second] {
        until_it_answers(&stack, replica, &id).await;
    }
    *addresses.lock() = vec![third.addr];
    until_it_answers(&stack, &third, &id).await;
    let before = calls(&stack.control_plane) + calls(&second);
    for _ in 0..10 {
        assert_eq!(stack.status(&id).await.status, 200);
    }
    assert_eq!(
        calls(&stack.control_plane) + calls(&second),
        before,
        "what the name no longer means is left alone"
    );
    stack.finish().await;
}
