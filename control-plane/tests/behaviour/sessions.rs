//! Players' sessions: what one gateway opens, all that take part hear of, whichever replica they are at.

use std::time::Duration;

use control_plane::Role;
use proto::matchmaking::v1::{
    self as mm, matchmaking_client::MatchmakingClient, watch_request::Action, watch_response::Event,
};
use runtime::control_plane::Calls;
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::{
    replicas::Shared,
    stack::{PATIENCE, Stack},
};

/// A gateway's stream.
pub(crate) struct Gateway {
    up: mpsc::Sender<mm::WatchRequest>,
    down: Streaming<mm::WatchResponse>,
}

impl Gateway {
    async fn at(stack: &Stack) -> Self {
        let (up, requests) = mpsc::channel(16);
        let down = stack.matchmaking().watch(ReceiverStream::new(requests)).await.unwrap().into_inner();
        Self { up, down }
    }

    /// By a connection with credentials.
    pub(crate) async fn by(calls: &Calls) -> Self {
        let (up, requests) = mpsc::channel(16);
        let watch = MatchmakingClient::new(calls.clone()).watch(ReceiverStream::new(requests)).await;
        Self { up, down: watch.unwrap().into_inner() }
    }

    async fn send(&self, action: Action) {
        self.up.send(mm::WatchRequest { action: Some(action) }).await.unwrap();
    }

    pub(crate) async fn tell(&self, player: &str, id: &str, at: u64, open_for_ms: u64) {
        let session = mm::Session {
            player_id: player.to_owned(),
            session_id: id.to_owned(),
            opened_at_unix_ms: at,
            open_for_ms,
        };
        self.send(Action::Session(session)).await;
    }

    async fn event(&mut self) -> Event {
        let next = tokio::time::timeout(PATIENCE, self.down.message()).await.expect("an event comes");
        next.unwrap().unwrap().event.unwrap()
    }

    /// The next session that it is told of, and when that was opened.
    pub(crate) async fn hears(&mut self) -> (String, u64) {
        match self.event().await {
            Event::Session(session) => {
                (format!("{}/{}", session.player_id, session.session_id), session.opened_at_unix_ms)
            }
            other => panic!("no session: {other:?}"),
        }
    }

    /// Nothing that was told before this is still to come. The stream is in order.
    pub(crate) async fn hears_nothing(&mut self) {
        self.send(Action::Subscribe("nobody".to_owned())).await;
        let next = self.event().await;
        assert!(matches!(&next, Event::Refused(refused) if refused.reason == "TICKET_NOT_FOUND"), "{next:?}");
    }
}

#[tokio::test]
async fn every_gateway_that_takes_part_hears_of_every_session_and_when_it_was_opened() {
    let stack = Stack::start().await;
    let (mut a, mut b, mut silent) =
        (Gateway::at(&stack).await, Gateway::at(&stack).await, Gateway::at(&stack).await);
    b.tell("bob", "b-1", 0, 0).await;
    let (bob, bobs) = b.hears().await;
    assert_eq!(bob, "bob/b-1");

    // Before anybody else: what can't be a session is ignored, and the stream goes on.
    for (player, id) in [("", "s"), ("ann", ""), ("a\nnn", "s"), ("ann", &"s".repeat(129))] {
        a.tell(player, id, 0, 0).await;
    }
    a.tell("ann", "a-1", 0, 0).await;
    let (ann, anns) = a.hears().await;
    assert_eq!((&*ann, b.hears().await), ("ann/a-1", (ann.clone(), anns)));
    assert!(anns > bobs, "of two on one replica the later one has the later time: {anns} and {bobs}");

    // Again on a new stream, with the time that it has; and one that could not be told for an hour.
    let mut again = Gateway::at(&stack).await;
    again.tell("ann", "a-1", anns, 0).await;
    again.tell("cy", "c-1", 0, 3_600_000).await;
    for gateway in [&mut again, &mut a, &mut b] {
        assert_eq!(gateway.hears().await, (ann.clone(), anns));
        let (cy, cys) = gateway.hears().await;
        assert!(cy == "cy/c-1" && cys < bobs, "{cy} {cys}");
    }
    silent.hears_nothing().await;
    drop((a, b, again, silent));
    stack.stop().await;
}

#[tokio::test]
async fn gateways_at_different_replicas_hear_of_each_others() {
    let shared = Shared::new();
    let (one, two) = (shared.replica(Role::Api).await, shared.replica(Role::Api).await);
    let (mut a, mut b) = (Gateway::at(&one).await, Gateway::at(&two).await);
    b.tell("bob", "b-1", 0, 0).await;
    assert_eq!(b.hears().await.0, "bob/b-1");
    a.tell("ann", "a-1", 0, 0).await;
    let anns = a.hears().await.1;

    // Replicas learn of each other in a moment; until then nobody is told.
    let deadline = Instant::now() + PATIENCE;
    let heard = loop {
        a.tell("ann", "a-1", anns, 0).await;
        if let Ok(heard) = tokio::time::timeout(Duration::from_millis(50), b.hears()).await {
            break heard;
        }
        assert!(Instant::now() < deadline, "a session that was opened at another replica is told");
    };
    assert_eq!(heard, ("ann/a-1".to_owned(), anns));

    // Who has heard of a session opens later ones, whatever the clocks say.
    let ahead = anns + 60_000;
    a.tell("ann", "a-2", ahead, 0).await;
    while b.hears().await != ("ann/a-2".to_owned(), ahead) {}
    b.tell("ann", "b-2", 0, 0).await;
    let newer = b.hears().await;
    assert!(newer.0 == "ann/b-2" && newer.1 > ahead, "{newer:?} is later than {ahead}");
    while a.hears().await != newer {}
    drop((a, b));
    one.stop().await;
    two.stop().await;
}
