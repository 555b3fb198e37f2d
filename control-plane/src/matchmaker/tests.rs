//! What a queue's owner does when things happen at the same time, late, or not at all.

mod absent;
mod races;
mod requeued;
mod unreliable;
mod world;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use matching::TicketId;
use storage::Status;
use tokio::time::Instant;

use self::{
    unreliable::{Reports, Unreliable},
    world::World,
};
use crate::registry::{Answer, Command};

#[tokio::test(start_paused = true)]
async fn a_queue_without_tickets_is_given_up() {
    let world = World::new();
    world.enqueue("demo:2", "a").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.reports().await.len(), 1);
    world.cancel("a").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.reports().await.len(), 0, "nobody needs it any more");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_is_not_asked_without_pause() {
    let world = World::new();
    let mut server = world.server("s-1", 10);
    world.enqueue("demo", "a").await;
    let until = Instant::now() + Duration::from_secs(30);
    let mut asked = 0;
    while let Ok(command) = tokio::time::timeout_at(until, server.command()).await {
        if let Some(Command::Allocate { id, .. }) = command {
            asked += 1;
            assert!(asked < 20, "asked {asked} times");
            server.answer(&id, Answer::Refused("no mood".to_owned()));
        }
    }
    assert!(asked > 5, "asked again after each pause, not {asked} times");
    let report = &world.reports().await[0];
    assert!(report.held_up_by.contains("no mood") && report.queued_tickets == 1, "{report:?}");
    server.make_all_lands();
    world.assignment("a").await;
    world.stop().await;
}

/// Enqueues parties that are too large for any server, and then one player, who is placed in this time.
async fn placed_behind(parties: usize, capacity: usize) -> Duration {
    let world = World::new();
    world.server("s-1", capacity).holds_players(4).make_all_lands();
    for n in 0..parties {
        world.enqueue_ticket(World::ticket("demo", &format!("party-{n}"), 5)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.enqueue("demo", "solo").await;
    let (status, after) = world.ended("solo").await;
    assert!(matches!(status, Status::Assigned(_)), "{status:?} after {after:?}");
    world.stop().await;
    after
}

#[tokio::test(start_paused = true)]
async fn matches_that_fit_nowhere_do_not_keep_others_from_servers() {
    for (parties, capacity) in [(8, 100), (8, 1), (200, 100)] {
        let after = placed_behind(parties, capacity).await;
        assert!(after < Duration::from_secs(15), "{parties} parties, {capacity} places: {after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn room_that_appears_beside_other_news_ends_the_pause() {
    let world = World::new();
    world.enqueue("demo", "a").await;
    // By now a pause is five seconds, and one has just begun.
    tokio::time::sleep(Duration::from_millis(60_300)).await;
    world.server("s-1", 10).make_all_lands();
    world.enqueue("demo", "b").await;
    let (status, after) = world.ended("a").await;
    assert!(matches!(status, Status::Assigned(_)) && after < Duration::from_millis(100), "after {after:?}");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_fits_no_match_expires() {
    let world = World::new();
    // The door refuses such a party; one that was queued before its queue's rules changed is there all the same.
    world.enqueue_ticket(World::ticket("demo:2", "large", 3)).await;
    let (status, after) = world.ended("large").await;
    assert_eq!(status, Status::Expired);
    assert!(after <= world::LIFETIME + Duration::from_secs(5), "after {after:?}");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_emptied_while_it_pauses_comes_to_rest() {
    let world = World::new();
    world.enqueue("demo", "a").await;
    tokio::time::sleep(Duration::from_millis(10_300)).await;
    world.cancel("a").await;
    // Here time passes only while nobody has anything to do: a worker that spins stops it.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let report = &world.reports().await[0];
    assert_eq!((report.queued_tickets, report.held_up_by.as_str()), (0, ""));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_ends_is_read_anew() {
    // Each feed ends after ten changes, as if its reader had been too slow.
    let storage = Arc::new(Unreliable { feed_lasts: Some(10), ..Unreliable::default() });
    let world = World::on(storage);
    world.server("s-1", 1_000).make_all_lands();
    for n in 0..100 {
        world.enqueue("demo:2", &format!("t-{n}")).await;
        if n % 7 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for n in 0..100 {
        world.assignment(&format!("t-{n}")).await;
    }
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_fails_is_not_asked_without_pause() {
    let storage = Arc::new(Unreliable::default());
    storage.fails.store(true, Ordering::Relaxed);
    let world = World::on(Arc::clone(&storage) as _);
    world.server("s-1", 10).make_all_lands();
    world.enqueue("demo", "a").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let asked = storage.followed.load(Ordering::Relaxed);
    assert!((5..=100).contains(&asked), "asked {asked} times in a minute");
    storage.fails.store(false, Ordering::Relaxed);
    world.assignment("a").await;
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn matches_do_not_wait_for_reports() {
    let storage = Arc::new(Unreliable::default());
    *storage.reports.lock() = Reports::Unanswered;
    let world = World::on(Arc::clone(&storage) as _);
    world.server("s-1", 10).make_all_lands();
    for n in 0..10 {
        world.enqueue("demo", &format!("t-{n}")).await;
        let (status, after) = world.ended(&format!("t-{n}")).await;
        assert!(matches!(status, Status::Assigned(_)) && after < Duration::from_millis(100), "{after:?}");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    assert_eq!(storage.reported.load(Ordering::Relaxed), 1, "one is on its way at a time");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_report_that_was_not_taken_is_made_up_for() {
    let storage = Arc::new(Unreliable::default());
    *storage.reports.lock() = Reports::Refused;
    let world = World::on(Arc::clone(&storage) as _);
    world.enqueue("demo:2", "a").await;
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    let reported = storage.reported.load(Ordering::Relaxed);
    assert!((5..=12).contains(&reported), "reported {reported} times in ten seconds");
    assert_eq!(storage.followed.load(Ordering::Relaxed), 1, "the queue isn't given up for it");
    *storage.reports.lock() = Reports::Taken;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(world.reports().await[0].queued_tickets, 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_assignment_stays_readable_though_the_wall_clock_was_set_back() {
    let world = World::new();
    world.server("s-1", 10).make_all_lands();
    // Here only the steady clock runs on, as if somebody had set the other back by an hour.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    world.enqueue("demo", "a").await;
    world.assignment("a").await;
    world.storage.sweep(world.now(), 100).await.unwrap();
    assert!(world.status("a").await.is_some(), "its players have had no time to read it");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_ticket_whose_server_is_asked_counts_as_waiting() {
    let world = World::new();
    let mut silent = world.server("s-1", 10);
    world.enqueue("demo", "a").await;
    silent.order().await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let report = &world.reports().await[0];
    assert_eq!((report.queued_tickets, report.queued_players), (1, 1), "{report:?}");
    let record = world.storage.read(&[TicketId::new("a")]).await.unwrap()[0].as_ref().unwrap().record.clone();
    let place = world.storage.places(&[record], world.now()).await.unwrap()[0].unwrap();
    assert_eq!(place.position, 1);
    world.stop().await;
}
