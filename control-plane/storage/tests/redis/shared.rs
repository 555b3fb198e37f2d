//! Two processes with one state.

use std::sync::Arc;

use storage::{Enqueued, Fenced, Place, QueueChange, QueueReport, Redis, Status, Storage as _, WorkerId};
use tokio::time::timeout;

use crate::{
    PATIENCE, eventually,
    fixture::{LEASE, NOW, a_match, id, queue, ticket},
    ground::{Upkeep, open, settings},
};

fn two() -> [(Arc<Redis>, Upkeep); 2] {
    let settings = settings();
    [open(&settings), open(&settings)]
}

async fn put(storage: &Redis, name: &str) {
    let enqueued = storage.enqueue(ticket(name, &[name]), NOW).await.unwrap();
    assert!(matches!(enqueued, Enqueued::New(_)), "{enqueued:?}");
}

#[tokio::test]
async fn a_worker_whose_queue_was_taken_over_changes_nothing() {
    let [(paused, _one), (next, _two)] = two();
    put(&paused, "t").await;
    let lost = paused.claim(&queue(), &WorkerId::new("w-1"), LEASE, NOW).await.unwrap().unwrap();
    let mut feed = paused.follow(&lost).await.unwrap().unwrap();
    let late = NOW + LEASE;
    let lease = next.claim(&queue(), &WorkerId::new("w-2"), LEASE, late).await.unwrap().unwrap();
    assert!(lease.fence > lost.fence);
    assert_eq!(timeout(PATIENCE, feed.changes.recv()).await.unwrap(), None, "its feed ended");
    assert_eq!(paused.assign(&lost, a_match(&["t"]), late).await.unwrap(), Fenced::LeaseLost);
    assert!(!paused.renew(&lost, LEASE, late).await.unwrap());
    paused.release(&lost).await.unwrap();

    let feed = next.follow(&lease).await.unwrap().unwrap();
    assert_eq!(feed.queued[0].ticket.enqueued_at, NOW, "its age is kept");
    assert_eq!(next.assign(&lease, a_match(&["t"]), late).await.unwrap(), Fenced::Done);
}

#[tokio::test]
async fn an_owner_hears_what_others_do_to_its_queue() {
    let [(owner, _one), (door, _two)] = two();
    let lease = owner.claim(&queue(), &WorkerId::new("w"), LEASE, NOW).await.unwrap().unwrap();
    let mut feed = owner.follow(&lease).await.unwrap().unwrap();
    put(&door, "t").await;
    door.cancel(&id("t"), NOW).await.unwrap();
    let first = timeout(PATIENCE, feed.changes.recv()).await.unwrap().unwrap();
    assert!(matches!(&first, QueueChange::Queued(record) if record.ticket.id == id("t")), "{first:?}");
    let second = timeout(PATIENCE, feed.changes.recv()).await.unwrap().unwrap();
    assert_eq!(second, QueueChange::Gone(id("t")));
}

#[tokio::test]
async fn what_an_owner_reports_is_read_by_every_process() {
    let [(owner, _one), (door, _two)] = two();
    for name in ["t", "u"] {
        put(&door, name).await;
    }
    let lease = owner.claim(&queue(), &WorkerId::new("w"), LEASE, NOW).await.unwrap().unwrap();
    let estimated_wait = Some(std::time::Duration::from_secs(3));
    let report = QueueReport { queued_tickets: 2, estimated_wait, ..QueueReport::default() };
    assert!(owner.report(&lease, report.clone()).await.unwrap());
    assert_eq!(door.reports(NOW).await.unwrap(), [(queue(), report)]);
    let record = owner.read(&[id("u")]).await.unwrap()[0].as_ref().unwrap().record.clone();
    let place = Place { position: 2, estimated_wait, estimated_range: None };
    assert_eq!(door.places(&[record], NOW).await.unwrap(), [Some(place)]);
}

#[tokio::test]
async fn a_report_that_a_newer_program_wrote_keeps_no_other_from_being_read() {
    let settings = settings();
    let (storage, _upkeep) = open(&settings);
    let mut behind = crate::raw(&settings).await;
    for (name, text) in [("more", r#"{"queued_tickets":3,"mood":"good"}"#), ("other", "<report/>")] {
        let queue = matching::QueueKey::new(name);
        storage.claim(&queue, &WorkerId::new("w"), LEASE, NOW).await.unwrap().unwrap();
        let meta = format!("{}{{q:{name}}}:meta", settings.prefix);
        redis::cmd("HSET").arg(meta).arg("report").arg(text).exec_async(&mut behind).await.unwrap();
    }
    let reports = storage.reports(NOW).await.unwrap();
    let expected = QueueReport { queued_tickets: 3, ..QueueReport::default() };
    assert_eq!(reports, [(matching::QueueKey::new("more"), expected)]);
}

#[tokio::test]
async fn who_follows_a_ticket_is_woken_by_another_process() {
    let [(owner, _one), (door, _two)] = two();
    put(&door, "t").await;
    let mut inbox = door.signals().inbox();
    inbox.follow(&id("t"));
    let read = door.read(&[id("t")]).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap().status, Status::Queued);
    let lease = owner.claim(&queue(), &WorkerId::new("w"), LEASE, NOW).await.unwrap().unwrap();
    owner.assign(&lease, a_match(&["t"]), NOW).await.unwrap();
    assert_eq!(timeout(PATIENCE, inbox.woken()).await.unwrap(), [id("t")]);
    let read = door.read(&[id("t")]).await.unwrap();
    assert!(matches!(read[0].as_ref().unwrap().status, Status::Assigned(_)));
}

#[tokio::test]
async fn a_worker_hears_of_a_queue_that_another_process_filled() {
    let [(worker, _one), (door, _two)] = two();
    let signal = worker.unowned_signal();
    // The first one comes with the connection.
    timeout(PATIENCE, signal.notified()).await.unwrap();
    put(&door, "t").await;
    timeout(PATIENCE, signal.notified()).await.unwrap();
    assert_eq!(worker.unowned_queues(NOW).await.unwrap(), [queue()]);
}

#[tokio::test]
async fn channels_that_nobody_needs_end() {
    let settings = settings();
    let (storage, _upkeep) = open(&settings);
    let mut behind = crate::raw(&settings).await;
    put(&storage, "t").await;
    let mut inbox = storage.signals().inbox();
    inbox.follow(&id("t"));
    storage.read(&[id("t")]).await.unwrap();
    let lease = storage.claim(&queue(), &WorkerId::new("w"), LEASE, NOW).await.unwrap().unwrap();
    let feed = storage.follow(&lease).await.unwrap().unwrap();
    let channels = async |behind: &mut redis::aio::MultiplexedConnection| {
        let mut list = redis::cmd("PUBSUB");
        list.arg("SHARDCHANNELS").arg(format!("{}*", settings.prefix));
        list.query_async::<Vec<String>>(behind).await.unwrap().len()
    };
    assert_eq!(channels(&mut behind).await, 2);
    drop((feed, inbox));
    while channels(&mut behind).await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // And are there again for the next.
    let mut feed =
        eventually("the queue is followed", || async { storage.follow(&lease).await.ok().flatten() }).await;
    put(&storage, "u").await;
    assert!(timeout(PATIENCE, feed.changes.recv()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_queue_longer_than_a_page_is_followed_whole() {
    const TICKETS: usize = 5_000;
    let [(owner, _one), (door, _two)] = two();
    let mut puts = tokio::task::JoinSet::new();
    for some in 0..50 {
        let door = Arc::clone(&door);
        puts.spawn(async move {
            for n in 0..TICKETS / 50 {
                let name = format!("t-{some}-{n}");
                let new = storage::NewTicket { queue_limit: TICKETS, ..ticket(&name, &[&name]) };
                door.enqueue(new, NOW).await.unwrap();
            }
        });
    }
    puts.join_all().await;
    let lease = owner.claim(&queue(), &WorkerId::new("w"), LEASE, NOW).await.unwrap().unwrap();
    let feed = owner.follow(&lease).await.unwrap().unwrap();
    assert_eq!(feed.queued.len(), TICKETS);
    assert!(feed.queued.is_sorted_by(|a, b| a.ticket.order < b.ticket.order));
}
