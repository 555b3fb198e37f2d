//! Tickets whose players are gone, and what else happens to them at the same time.

use std::{sync::Arc, time::Duration};

use matching::{QueueKey, TicketId};
use storage::{Local, Status, Storage};

use super::world::World;
use crate::{
    config::{QueueEntry, Sections},
    registry::{Answer, Command},
};

const AFTER: Duration = Duration::from_secs(1);

/// Where `demo:2` drops tickets whose players have been gone for a second.
fn world(storage: Arc<dyn Storage>) -> World {
    let entry = QueueEntry { drop_absent_after: Some(AFTER), ..QueueEntry::default() };
    World::with(storage, &Sections { queues: [("demo:2".to_owned(), entry)].into() })
}

async fn note(world: &World, ticket: &str) {
    let tickets = [TicketId::new(ticket)];
    world.storage.presence().note_seen(&QueueKey::new("demo:2"), &tickets, world.now()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_is_not_noted_is_dropped_in_time_and_who_is_waits() {
    let world = world(Arc::new(Local::in_memory()));
    for name in ["gone", "there"] {
        // Nobody can play with so many.
        world.enqueue_ticket(World::ticket("demo:2", name, 3)).await;
    }
    let noting = async {
        loop {
            note(&world, "there").await;
            tokio::time::sleep(AFTER / 4).await;
        }
    };
    let (status, after) = tokio::select! {
        () = noting => unreachable!("it notes for ever"),
        ended = world.ended("gone") => ended,
    };
    assert_eq!(status, Status::Absent);
    assert!((AFTER..=AFTER * 2).contains(&after), "after {after:?}");
    assert_eq!(world.status("there").await, Some(Status::Queued));
    assert_eq!(world.ended("there").await.0, Status::Absent, "it was noted no more");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_match_whose_players_leave_while_its_land_is_made_does_not_happen() {
    let world = world(Arc::new(Local::in_memory()));
    let mut server = world.server("s-1", 10);
    for name in ["gone", "there"] {
        world.enqueue("demo:2", name).await;
    }
    let (command, land) = server.order().await;
    let noting = async {
        loop {
            note(&world, "there").await;
            tokio::time::sleep(AFTER / 4).await;
        }
    };
    tokio::select! {
        () = noting => unreachable!("it notes for ever"),
        (status, _) = world.ended("gone") => assert_eq!(status, Status::Absent),
    }
    server.answer(&command, Answer::Ready);
    let released = loop {
        if let Some(Command::Release { land, .. }) = server.command().await {
            break land;
        }
    };
    assert_eq!(released, land, "nobody comes to it");
    world.enqueue("demo:2", "next").await;
    server.make_all_lands();
    let [one, other] = [world.assignment("there").await, world.assignment("next").await];
    assert_eq!(one.match_id, other.match_id, "who was there plays with who comes next");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_owner_gives_everybody_the_whole_time() {
    let storage: Arc<dyn Storage> = Arc::new(Local::in_memory());
    let before = world(Arc::clone(&storage));
    before.enqueue("demo:2", "gone").await;
    tokio::time::sleep(AFTER).await;
    before.stop().await;
    let after = world(storage);
    let (status, waited) = after.ended("gone").await;
    assert_eq!(status, Status::Absent);
    assert!(waited >= AFTER, "dropped after {waited:?}");
    after.stop().await;
}
