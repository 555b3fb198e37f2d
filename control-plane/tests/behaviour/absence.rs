//! Queues that drop tickets whose players are gone: who is dropped, and what keeps a ticket.
//!
//! To ask for a ticket is to be there, so these tests ask why it waits, which anybody may, until it doesn't.

use std::time::Duration;

use control_plane::{QueueEntry, Role, Sections};
use proto::matchmaking::v1::{
    self as mm, CancelReason, TicketStatus, watch_request::Action, watch_response::Event,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::{
    replicas::Shared,
    stack::{PATIENCE, Stack, config, keys},
};

/// A queue that drops, and that never has enough players.
const QUEUE: &str = "demo:9";
const AFTER: Duration = Duration::from_secs(1);

fn dropping() -> QueueEntry {
    QueueEntry { drop_absent_after: Some(AFTER), ..QueueEntry::default() }
}

async fn start() -> Stack {
    Stack::with(config(), &[(QUEUE, dropping())]).await
}

/// Follows tickets as a gateway does.
struct Watch {
    up: mpsc::Sender<mm::WatchRequest>,
    down: Streaming<mm::WatchResponse>,
}

impl Watch {
    async fn of(stack: &Stack, ticket: &str) -> Self {
        let (up, requests) = mpsc::channel(16);
        let down = stack.matchmaking().watch(ReceiverStream::new(requests)).await.unwrap().into_inner();
        let watch = Self { up, down };
        watch.send(Action::Subscribe(ticket.to_owned())).await;
        watch
    }

    async fn send(&self, action: Action) {
        self.up.send(mm::WatchRequest { action: Some(action) }).await.unwrap();
    }

    async fn event(&mut self) -> Event {
        let next = tokio::time::timeout(PATIENCE, self.down.message()).await.expect("an event comes");
        next.unwrap().unwrap().event.unwrap()
    }

    /// The ticket's next status that is not queued, and why.
    async fn ended(&mut self) -> (TicketStatus, CancelReason) {
        loop {
            match self.event().await {
                Event::Ticket(ticket) if ticket.status() == TicketStatus::Queued => {}
                Event::Ticket(ticket) => return (ticket.status(), ticket.cancel_reason()),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Waits until a ticket was dropped.
async fn is_dropped(stack: &Stack, id: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = mm::ExplainTicketRequest { ticket_id: id.to_owned() };
        let explained = stack.matchmaking().explain_ticket(request).await.unwrap().into_inner();
        if explained.status() != TicketStatus::Queued {
            break;
        }
        assert!(Instant::now() < deadline, "`{id}` is not dropped");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ticket = stack.ticket(id).await;
    assert_eq!((ticket.status(), ticket.cancel_reason()), (TicketStatus::Cancelled, CancelReason::Absent));
}

/// Enqueues somebody who never shows up, and waits until they are dropped: whoever is kept meanwhile is kept.
async fn somebody_is_dropped(stack: &Stack) {
    let gone = stack.enqueue(QUEUE, &["gone"]).await;
    is_dropped(stack, &gone).await;
    // It is over like any other: cancelled is cancelled, and the player is free.
    assert!(stack.cancel(&gone).await.cancelled);
}

#[tokio::test]
async fn who_is_gone_is_dropped_and_who_is_there_in_any_way_is_kept() {
    let stack = start().await;
    let followed = stack.enqueue(QUEUE, &["followed", "of the same party"]).await;
    let watch = Watch::of(&stack, &followed).await;
    let watched = stack.enqueue(QUEUE, &["watched"]).await;
    let request = mm::WatchTicketRequest { ticket_id: watched.clone() };
    let alone = stack.matchmaking().watch_ticket(request).await.unwrap().into_inner();
    let held = stack.enqueue(QUEUE, &["held"]).await;
    let hold = {
        let request = mm::GetTicketRequest { ticket_id: held.clone(), wait_ms: 60_000 };
        let mut client = stack.matchmaking();
        tokio::spawn(async move { client.get_ticket(request).await })
    };
    let polled = stack.enqueue(QUEUE, &["polled"]).await;
    let poll = async {
        loop {
            assert_eq!(stack.ticket(&polled).await.status(), TicketStatus::Queued);
            tokio::time::sleep(AFTER / 4).await;
        }
    };
    let patient = stack.enqueue("demo:8", &["patient"]).await;
    tokio::select! {
        () = poll => unreachable!("it polls for ever"),
        () = async {
            for _ in 0..3 {
                somebody_is_dropped(&stack).await;
            }
        } => {}
    }
    for (ticket, place) in [(&followed, 1), (&watched, 2), (&held, 3), (&polled, 4), (&patient, 1)] {
        stack.place_is(ticket, place).await;
    }

    // One that nobody follows any more is dropped after its time.
    drop((watch, alone));
    hold.abort();
    for ticket in [followed, watched, held, polled] {
        is_dropped(&stack, &ticket).await;
    }
    assert_eq!(stack.ticket(&patient).await.status(), TicketStatus::Queued);
    stack.stop().await;
}

#[tokio::test]
async fn who_comes_back_in_time_keeps_their_place() {
    let stack = start().await;
    let first = stack.enqueue(QUEUE, &["first"]).await;
    let second = stack.enqueue(QUEUE, &["second"]).await;
    let _there = Watch::of(&stack, &second).await;
    let began = Instant::now();
    while began.elapsed() < AFTER * 4 {
        // For a moment only: it is told where it stands, and leaves.
        let mut watch = Watch::of(&stack, &first).await;
        let told = watch.event().await;
        assert!(
            matches!(&told, Event::Ticket(ticket) if ticket.place.is_some_and(|place| place.position == 1))
        );
        drop(watch);
        tokio::time::sleep(AFTER / 2).await;
    }
    stack.place_is(&first, 1).await;
    stack.place_is(&second, 2).await;
    stack.stop().await;
}

#[tokio::test]
async fn who_follows_a_ticket_is_told_why_it_was_cancelled() {
    let stack = start().await;
    let id = stack.enqueue(QUEUE, &["a"]).await;
    is_dropped(&stack, &id).await;
    let (status, reason) = Watch::of(&stack, &id).await.ended().await;
    assert_eq!((status, reason), (TicketStatus::Cancelled, CancelReason::Absent));
    let cancelled = stack.enqueue(QUEUE, &["b"]).await;
    let mut watch = Watch::of(&stack, &cancelled).await;
    stack.cancel(&cancelled).await;
    assert_eq!(watch.ended().await, (TicketStatus::Cancelled, CancelReason::Unspecified));
    stack.stop().await;
}

#[tokio::test]
async fn what_is_configured_anew_gives_everybody_the_whole_time() {
    let dir = keys();
    let file = dir.path().join("muster.toml");
    std::fs::write(&file, "").unwrap();
    let mut config = config();
    (config.keys_dir, config.config) = (dir.path().join("keys"), Some(file.clone()));
    let stack = Stack::with_sections(config, Sections::default()).await;
    let followed = stack.enqueue(QUEUE, &["followed"]).await;
    let watch = Watch::of(&stack, &followed).await;
    let gone = stack.enqueue(QUEUE, &["left long ago"]).await;

    std::fs::write(&file, format!("[queues.'{QUEUE}']\ndrop_absent_after = '1s'")).unwrap();
    let reloaded_at = Instant::now();
    stack.matchmaking().reload_queues(mm::ReloadQueuesRequest {}).await.unwrap();
    is_dropped(&stack, &gone).await;
    assert!(reloaded_at.elapsed() >= AFTER, "nobody was told to be quick");
    stack.place_is(&followed, 1).await;

    // And no more of them, while another queue's are.
    std::fs::write(&file, "[queues.'demo:8']\ndrop_absent_after = '1s'").unwrap();
    stack.matchmaking().reload_queues(mm::ReloadQueuesRequest {}).await.unwrap();
    let waits = stack.enqueue(QUEUE, &["waits"]).await;
    drop(watch);
    for player in ["one", "another"] {
        let gone = stack.enqueue("demo:8", &[player]).await;
        is_dropped(&stack, &gone).await;
    }
    stack.place_is(&followed, 1).await;
    stack.place_is(&waits, 2).await;
    stack.stop().await;
}

#[tokio::test]
async fn whoever_follows_at_whichever_replica_is_there_for_the_owner() {
    let shared = Shared::new();
    let sections = || Sections { queues: [(QUEUE.to_owned(), dropping())].into() };
    let replica = async |role| Stack::with_sections(shared.config(role), sections()).await;
    let (one, two) = (replica(Role::Api).await, replica(Role::Api).await);
    let worker = replica(Role::QueueWorker).await;
    let (at_one, at_two) = (one.enqueue(QUEUE, &["a"]).await, one.enqueue(QUEUE, &["b"]).await);
    let watch = Watch::of(&one, &at_one).await;
    let other = Watch::of(&two, &at_two).await;
    for _ in 0..2 {
        somebody_is_dropped(&one).await;
    }
    // From one replica to the other without losing the place.
    drop(watch);
    let watch = Watch::of(&two, &at_one).await;
    somebody_is_dropped(&two).await;
    one.place_is(&at_one, 1).await;
    one.place_is(&at_two, 2).await;

    // A new owner begins anew, and nobody is dropped before their time.
    worker.stop().await;
    let worker = replica(Role::QueueWorker).await;
    somebody_is_dropped(&one).await;
    drop((watch, other));
    for ticket in [at_one, at_two] {
        is_dropped(&two, &ticket).await;
    }
    for stack in [worker, one, two] {
        stack.stop().await;
    }
}
