//! Whose players are there, and the tickets of those that are not.

use std::time::Duration;

use matching::QueueKey;
use storage::{Cancelled, Fenced, KEEP_ENDED, QueueChange, Status, WorkerId};

use crate::fixture::{LEASE, NOW, Subject, a_match, claim, enqueue, id, queue, status, ticket};

const LATER: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);

async fn seen(storage: &Subject, tickets: &[&str], after: Duration) {
    let tickets: Vec<_> = tickets.iter().map(|ticket| id(ticket)).collect();
    storage.presence().note_seen(&queue(), &tickets, NOW + after).await.unwrap();
}

async fn absent(storage: &Subject, since: Duration, limit: usize) -> Vec<String> {
    let absent = storage.presence().absent(&queue(), NOW + since, limit).await.unwrap();
    absent.iter().map(ToString::to_string).collect()
}

pub(crate) async fn who_was_seen_the_longest_ago_is_absent_first(storage: Subject) {
    for name in ["t", "u", "v", "unknown"] {
        enqueue(&storage, name, &[name]).await;
    }
    assert!(absent(&storage, LATER, 10).await.is_empty(), "of nobody anything was noted");
    seen(&storage, &["v"], Duration::ZERO).await;
    seen(&storage, &["t", "u"], LATER).await;
    seen(&storage, &["t"], LATER * 2).await;
    // Whoever notes late takes nothing back.
    seen(&storage, &["t"], Duration::ZERO).await;
    assert_eq!(absent(&storage, Duration::ZERO, 10).await, ["v"]);
    assert_eq!(absent(&storage, LATER, 10).await, ["v", "u"]);
    assert_eq!(absent(&storage, LATER * 2, 10).await, ["v", "u", "t"]);
    assert_eq!(absent(&storage, LATER * 2, 2).await, ["v", "u"]);
}

pub(crate) async fn only_what_is_queued_there_is_noted(storage: Subject) {
    let elsewhere = storage::NewTicket { queue: QueueKey::new("other"), ..ticket("elsewhere", &["p"]) };
    storage.enqueue(elsewhere, NOW).await.unwrap();
    enqueue(&storage, "cancelled", &["q"]).await;
    storage.cancel(&id("cancelled"), NOW).await.unwrap();
    seen(&storage, &["elsewhere", "cancelled", "nobody"], Duration::ZERO).await;
    assert!(absent(&storage, LATER, 10).await.is_empty());
    storage.presence().note_seen(&QueueKey::new("nowhere"), &[id("elsewhere")], NOW).await.unwrap();
    assert!(storage.presence().absent(&QueueKey::new("nowhere"), NOW, 10).await.unwrap().is_empty());
}

pub(crate) async fn a_ticket_takes_its_note_along_however_it_ends(storage: Subject) {
    let lease = claim(&storage).await;
    for name in ["assigned", "cancelled", "expired", "dropped", "waits"] {
        enqueue(&storage, name, &[name]).await;
        seen(&storage, &[name], Duration::ZERO).await;
    }
    storage.assign(&lease, a_match(&["assigned"]), NOW).await.unwrap();
    storage.cancel(&id("cancelled"), NOW).await.unwrap();
    let late = NOW + crate::fixture::LIFETIME;
    storage.expire(&lease, &[id("expired")], late).await.unwrap();
    storage.presence().drop_absent(&lease, &[id("dropped")], NOW, NOW).await.unwrap();
    assert_eq!(absent(&storage, Duration::ZERO, 10).await, ["waits"]);
    // The same id again, after all is forgotten, begins anew.
    storage.cancel(&id("waits"), NOW).await.unwrap();
    storage.sweep(late + KEEP_ENDED, 10).await.unwrap();
    enqueue(&storage, "waits", &["waits"]).await;
    assert!(absent(&storage, LATER, 10).await.is_empty());
}

pub(crate) async fn absent_tickets_are_dropped_and_others_are_not(storage: Subject) {
    for name in ["gone", "back", "unnoted"] {
        enqueue(&storage, name, &[name]).await;
    }
    let lease = claim(&storage).await;
    let mut feed = storage.follow(&lease).await.unwrap().unwrap();
    let mut inbox = storage.signals().inbox();
    inbox.follow(&id("gone"));
    seen(&storage, &["gone", "back"], Duration::ZERO).await;
    seen(&storage, &["back"], LATER).await;
    let all = ["gone", "back", "unnoted", "nobody"].map(id);
    for expected in [vec![id("gone")], vec![]] {
        let dropped = storage.presence().drop_absent(&lease, &all, NOW, NOW + LATER).await.unwrap();
        assert_eq!(dropped, Some(expected), "once");
    }
    assert_eq!(status(&storage, "gone").await, Some(Status::Absent));
    for name in ["back", "unnoted"] {
        assert_eq!(status(&storage, name).await, Some(Status::Queued));
    }

    // Its owner and its followers hear of it, its player is free, and it is over.
    let change = tokio::time::timeout(PATIENCE, feed.changes.recv()).await.unwrap();
    assert_eq!(change, Some(QueueChange::Gone(id("gone"))));
    assert_eq!(tokio::time::timeout(PATIENCE, inbox.woken()).await.unwrap(), [id("gone")]);
    enqueue(&storage, "again", &["gone"]).await;
    assert_eq!(storage.cancel(&id("gone"), NOW + LATER).await.unwrap(), Some(Cancelled::Yes));
    assert_eq!(status(&storage, "gone").await, Some(Status::Absent), "that it was cancelled is no news");
    let refused = storage.assign(&lease, a_match(&["gone"]), NOW + LATER).await.unwrap();
    assert_eq!(refused, Fenced::NotQueued(vec![id("gone")]));
    assert_eq!(storage.sweep(NOW + LATER + KEEP_ENDED, 10).await.unwrap(), 1);
    assert_eq!(status(&storage, "gone").await, None);
}

pub(crate) async fn many_are_dropped_at_once(storage: Subject) {
    const MANY: usize = 1_000;
    let names: Vec<_> = (0..MANY).map(|n| format!("t-{n}")).collect();
    for name in &names {
        enqueue(&storage, name, &[name]).await;
    }
    let lease = claim(&storage).await;
    let ids: Vec<_> = names.iter().map(|name| id(name)).collect();
    storage.presence().note_seen(&queue(), &ids, NOW).await.unwrap();
    assert_eq!(absent(&storage, Duration::ZERO, 2 * MANY).await.len(), MANY);
    let dropped = storage.presence().drop_absent(&lease, &ids, NOW, NOW).await.unwrap();
    assert_eq!(dropped.map(|dropped| dropped.len()), Some(MANY));
    assert!(absent(&storage, LATER, 10).await.is_empty());
}

pub(crate) async fn an_older_fence_drops_nobody(storage: Subject) {
    enqueue(&storage, "t", &["p"]).await;
    seen(&storage, &["t"], Duration::ZERO).await;
    let paused = claim(&storage).await;
    let late = NOW + LEASE;
    let owner = storage.claim(&queue(), &WorkerId::new("w-2"), LEASE, late).await.unwrap().unwrap();
    for tickets in [&[id("t")][..], &[]] {
        assert_eq!(storage.presence().drop_absent(&paused, tickets, NOW, late).await.unwrap(), None);
    }
    assert_eq!(status(&storage, "t").await, Some(Status::Queued));
    let dropped = storage.presence().drop_absent(&owner, &[id("t")], NOW, late).await.unwrap();
    assert_eq!(dropped, Some(vec![id("t")]));
}
