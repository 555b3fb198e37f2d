//! What becomes of calls, feeds and followers while Redis is away, and after.

use std::{sync::Arc, time::Duration};

use storage::{Fenced, QueueChange, RedemptionId, Status, Storage, StorageError, TokenId};
use tokio::time::{Instant, timeout};

use crate::{
    PATIENCE, eventually,
    fixture::{LEASE, LIFETIME, NOW, Subject, a_match, claim, enqueue, id, queue, status, ticket},
    ground::{at, open},
    server::Server,
};

/// A call on a server that is away must have failed within this.
const FAST: Duration = Duration::from_secs(2);

/// Waits until the storage answers.
async fn until_back(storage: &Subject) {
    eventually("the storage answers", || async { storage.read(&[id("t")]).await.ok() }).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_crash_of_the_server() {
    let server = Server::start_with(&["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
    let (storage, _upkeep) = open(&at(server.port));
    let storage: Subject = storage;
    for name in ["queued", "assigned", "cancelled"] {
        enqueue(&storage, name, &[name]).await;
    }
    let lease = claim(&storage).await;
    assert_eq!(storage.assign(&lease, a_match(&["assigned"]), NOW).await.unwrap(), Fenced::Done);
    storage.cancel(&id("cancelled"), NOW).await.unwrap();
    storage.redeem(&TokenId::new("used"), &RedemptionId::new("ours"), NOW + LIFETIME, NOW).await.unwrap();
    let names = [id("queued"), id("assigned"), id("cancelled")];
    let before = storage.read(&names).await.unwrap();

    let _server = server.kill().restart();
    until_back(&storage).await;
    assert_eq!(storage.read(&names).await.unwrap(), before);
    for (by, expected) in [("ours", true), ("theirs", false)] {
        let by = RedemptionId::new(by);
        let redeemed = storage.redeem(&TokenId::new("used"), &by, NOW + LIFETIME, NOW).await.unwrap();
        assert_eq!(redeemed, expected, "{by}");
    }
    let busy = storage.enqueue(ticket("other", &["queued"]), NOW).await;
    assert!(busy.is_err(), "its player waits: {busy:?}");
    assert!(storage.renew(&lease, LEASE, NOW).await.unwrap(), "the lease holds");
    assert_eq!(storage.assign(&lease, a_match(&["queued"]), NOW).await.unwrap(), Fenced::Done);
}

#[tokio::test]
async fn calls_fail_fast_while_the_server_is_away_and_work_when_it_is_back() {
    let server = Server::start();
    let (storage, _upkeep) = open(&at(server.port));
    let storage: Subject = storage;
    let lease = claim(&storage).await;
    let stopped = server.kill();

    // The first calls may find out that the connection is lost; those after it know.
    for _ in 0..10 {
        let begun = Instant::now();
        let enqueued = storage.enqueue(ticket("t", &["p"]), NOW).await;
        assert!(enqueued.is_err(), "{enqueued:?}");
        assert!(storage.read(&[id("t")]).await.is_err());
        assert!(storage.follow(&lease).await.is_err());
        assert!(begun.elapsed() < FAST, "{:?}", begun.elapsed());
    }
    let _server = stopped.restart();
    until_back(&storage).await;
    enqueue(&storage, "u", &["p"]).await;
}

#[tokio::test]
async fn calls_fail_fast_while_the_server_is_silent() {
    let server = Server::start();
    let (storage, _upkeep) = open(&at(server.port));
    let storage: Subject = storage;
    server.signal("STOP");
    let begun = Instant::now();
    let enqueued = storage.enqueue(ticket("t", &["p"]), NOW).await;
    let Err(storage::EnqueueError::Storage(StorageError::Unavailable(_))) = enqueued else {
        panic!("{enqueued:?}");
    };
    assert!(begun.elapsed() < FAST, "{:?}", begun.elapsed());
    server.signal("CONT");
    until_back(&storage).await;
    // Whatever became of the call whose answer was not heard: it can be sent again.
    eventually("the same request again", || async { storage.enqueue(ticket("t", &["p"]), NOW).await.ok() })
        .await;
    assert_eq!(status(&storage, "t").await, Some(Status::Queued));
}

#[tokio::test]
async fn a_feed_ends_with_the_connection_and_is_followed_anew() {
    let server = Server::start();
    let (storage, _upkeep) = open(&at(server.port));
    let storage: Subject = storage;
    let lease = claim(&storage).await;
    enqueue(&storage, "t", &["t"]).await;
    let mut feed = storage.follow(&lease).await.unwrap().unwrap();
    let _server = server.kill().restart();
    assert_eq!(timeout(PATIENCE, feed.changes.recv()).await.unwrap(), None, "the feed ended");

    let mut feed =
        eventually("the queue is followed", || async { storage.follow(&lease).await.ok().flatten() }).await;
    assert_eq!(feed.queued.len(), 1);
    enqueue(&storage, "u", &["u"]).await;
    let change = timeout(PATIENCE, feed.changes.recv()).await.unwrap().unwrap();
    assert!(matches!(&change, QueueChange::Queued(record) if record.ticket.id == id("u")), "{change:?}");
}

#[tokio::test]
async fn who_follows_a_ticket_is_woken_when_the_connection_is_back() {
    let server = Server::start();
    let (storage, _upkeep) = open(&at(server.port));
    let storage: Subject = storage;
    enqueue(&storage, "t", &["t"]).await;
    let mut inbox = storage.signals().inbox();
    inbox.follow(&id("t"));
    storage.read(&[id("t")]).await.unwrap();
    let _server = server.kill().restart();
    assert_eq!(timeout(PATIENCE, inbox.woken()).await.unwrap(), [id("t")]);
}

#[tokio::test]
async fn a_message_that_was_lost_ends_the_feed() {
    let settings = crate::ground::settings();
    let (storage, _upkeep) = open(&settings);
    let storage: Arc<dyn Storage> = storage;
    let lease = claim(&storage).await;
    let mut feed = storage.follow(&lease).await.unwrap().unwrap();
    // As if a change had been made whose message did not come.
    let meta = format!("{}{{q:{}}}:meta", settings.prefix, queue());
    let mut behind = crate::raw(&settings).await;
    redis::cmd("HINCRBY").arg(meta).arg("seq").arg(1).query_async::<i64>(&mut behind).await.unwrap();

    assert!(storage.renew(&lease, LEASE, NOW).await.unwrap());
    assert_eq!(timeout(PATIENCE, feed.changes.recv()).await.unwrap(), None, "the feed ended");
    let mut feed = storage.follow(&lease).await.unwrap().unwrap();
    enqueue(&storage, "t", &["t"]).await;
    assert!(timeout(PATIENCE, feed.changes.recv()).await.unwrap().is_some());
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
    let settings = crate::ground::settings();
    let (storage, _upkeep) = open(&settings);
    let storage: Subject = storage;
    enqueue(&storage, "t", &["t"]).await;
    let mut behind = crate::raw(&settings).await;
    redis::cmd("SCRIPT").arg("FLUSH").query_async::<String>(&mut behind).await.unwrap();
    enqueue(&storage, "u", &["u"]).await;
}
