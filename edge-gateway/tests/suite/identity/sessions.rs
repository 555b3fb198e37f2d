//! Where a player may have one session: at two gateways, which hear of each other by their control planes alone.

use std::sync::atomic::Ordering;

use runtime::endpoints::system_resolver;
use serde_json::json;

use super::{
    sockets::{authorization, open},
    token,
};
use crate::support::{
    PATIENCE, Stack, control_plane::ControlPlane, eventually, signer::Signer, socket::Socket,
};

/// Two gateways, each before a replica of its own that can crash.
struct Two {
    a: Stack,
    b: Stack,
}

impl Two {
    async fn start() -> Self {
        let control_plane = ControlPlane::start().await;
        *control_plane.state.signer.lock() = Some(Signer::new("k1"));
        let gateway = async || {
            let replica = control_plane.beside().await;
            let flags = ["--control-plane", &replica.url(), "--one-session-per-player"];
            Stack::start_before(replica, &flags, system_resolver()).await
        };
        Self { a: gateway().await, b: gateway().await }
    }

    async fn finish(self) {
        self.a.finish().await;
        self.b.finish().await;
    }
}

async fn socket(stack: &Stack, player: &str) -> Socket {
    open(stack, "", &[authorization(&token(stack, player))]).await.0
}

/// The socket is open, and answers.
async fn lives(socket: &mut Socket) {
    socket.send(&json!({"action": "heartbeat"})).await;
    socket.expect("heartbeat").await;
}

#[tokio::test]
async fn at_two_gateways_the_newer_socket_closes_the_older() {
    let two = Two::start().await;
    let mut told = two.a.control_plane.state.sessions.subscribe();
    let mut others = socket(&two.a, "bob").await;
    let mut first = socket(&two.a, "ann").await;
    // Of two that are told at the same time by different ways, nobody knows which is the newer one.
    while told.recv().await.unwrap().player_id != "ann" {}
    lives(&mut first).await;
    let mut second = socket(&two.b, "ann").await;
    assert_eq!(first.closed().await.0, 4000);
    lives(&mut second).await;
    let mut third = socket(&two.a, "ann").await;
    assert_eq!(second.closed().await.0, 4000);
    for socket in [&mut third, &mut others] {
        lives(socket).await;
    }
    drop((third, others));
    two.finish().await;
}

#[tokio::test]
async fn who_was_cut_off_meanwhile_hears_of_it_afterwards() {
    let mut two = Two::start().await;
    let state = std::sync::Arc::clone(&two.a.control_plane.state);
    let mut told = state.sessions.subscribe();
    let mut first = socket(&two.a, "ann").await;
    told.recv().await.unwrap();
    two.a.control_plane.crash();
    let mut second = socket(&two.b, "ann").await;
    told.recv().await.unwrap();
    lives(&mut first).await;
    two.a.control_plane.come_up().await;
    assert_eq!(first.closed().await.0, 4000);
    lives(&mut second).await;

    // And where the newer one could not be told when it was opened.
    two.a.control_plane.crash();
    eventually("the gateway noticed", || two.a.control_plane.seen.streams.load(Ordering::SeqCst) == 0).await;
    let mut third = socket(&two.a, "ann").await;
    lives(&mut third).await;
    lives(&mut second).await;
    two.a.control_plane.come_up().await;
    assert_eq!(second.closed().await.0, 4000);
    lives(&mut third).await;
    drop(third);
    two.finish().await;
}

#[tokio::test]
async fn of_two_in_the_same_millisecond_exactly_one_stays() {
    let two = Two::start().await;
    two.a.control_plane.state.time_stands.store(true, Ordering::SeqCst);
    for round in 0..20 {
        let player = format!("ann-{round}");
        let (mut first, mut second) = tokio::join!(socket(&two.a, &player), socket(&two.b, &player));
        let closed = async {
            tokio::select! {
                closed = first.closed() => (closed, true),
                closed = second.closed() => (closed, false),
            }
        };
        let (closed, first_closed) = tokio::time::timeout(PATIENCE, closed).await.expect("one is closed");
        assert_eq!(closed.0, 4000);
        lives(if first_closed { &mut second } else { &mut first }).await;
    }
    two.finish().await;
}
