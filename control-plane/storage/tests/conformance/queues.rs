//! Owners of queues, and what only they may do.

use std::time::Duration;

use matching::QueueKey;
use storage::{EnqueueError, Fenced, QueueChange, Status, WorkerId};

use crate::fixture::{LEASE, LIFETIME, NOW, Subject, a_match, claim, enqueue, id, queue, status, ticket};

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn a_queue_has_one_owner(storage: Subject) {
    let first = claim(&storage).await;
    let second = storage.claim(&queue(), &WorkerId::new("w-2"), LEASE, NOW).await.unwrap();
    assert_eq!(second, None);
    storage.release(&first).await.unwrap();
    let second = storage.claim(&queue(), &WorkerId::new("w-2"), LEASE, NOW).await.unwrap().unwrap();
    assert!(second.fence > first.fence);
}

pub(crate) async fn a_lease_that_ran_out_can_be_taken_over(storage: Subject) {
    let first = claim(&storage).await;
    let early = NOW + LEASE - Duration::from_millis(1);
    assert_eq!(storage.claim(&queue(), &WorkerId::new("w-2"), LEASE, early).await.unwrap(), None);
    let second = storage.claim(&queue(), &WorkerId::new("w-2"), LEASE, NOW + LEASE).await.unwrap().unwrap();
    assert!(second.fence > first.fence);
    assert!(!storage.renew(&first, LEASE, NOW + LEASE).await.unwrap());
    assert!(storage.follow(&first).await.unwrap().is_none());
}

pub(crate) async fn an_older_fence_changes_nothing(storage: Subject) {
    enqueue(&storage, "t", &["p"]).await;
    let paused = claim(&storage).await;
    let owner = storage.claim(&queue(), &WorkerId::new("w-2"), LEASE, NOW + LEASE).await.unwrap().unwrap();
    let late = NOW + LIFETIME;
    assert_eq!(storage.assign(&paused, a_match(&["t"]), late).await.unwrap(), Fenced::LeaseLost);
    assert_eq!(storage.expire(&paused, &[id("t")], late).await.unwrap(), Fenced::LeaseLost);
    storage.release(&paused).await.unwrap();
    assert_eq!(status(&storage, "t").await, Some(Status::Queued));
    assert_eq!(storage.assign(&owner, a_match(&["t"]), late).await.unwrap(), Fenced::Done);
}

pub(crate) async fn a_renewed_lease_holds(storage: Subject) {
    let lease = claim(&storage).await;
    assert!(storage.renew(&lease, LEASE, NOW + LEASE / 2).await.unwrap());
    let other = storage.claim(&queue(), &WorkerId::new("w-2"), LEASE, NOW + LEASE).await.unwrap();
    assert_eq!(other, None);
}

pub(crate) async fn a_feed_has_no_gap(storage: Subject) {
    let lease = claim(&storage).await;
    enqueue(&storage, "before", &["p"]).await;
    let mut feed = storage.follow(&lease).await.unwrap().unwrap();
    assert_eq!(feed.queued.len(), 1);
    enqueue(&storage, "after", &["q"]).await;
    storage.cancel(&id("before"), NOW).await.unwrap();
    storage.assign(&lease, a_match(&["after"]), NOW).await.unwrap();

    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(tokio::time::timeout(PATIENCE, feed.changes.recv()).await.unwrap().unwrap());
    }
    assert!(matches!(&heard[0], QueueChange::Queued(record) if record.ticket.id == id("after")));
    assert_eq!(heard[1..], [QueueChange::Gone(id("before")), QueueChange::Gone(id("after"))]);
}

pub(crate) async fn a_feed_begins_with_what_is_queued_in_order(storage: Subject) {
    for name in ["c", "a", "b"] {
        enqueue(&storage, name, &[name]).await;
    }
    let lease = claim(&storage).await;
    let feed = storage.follow(&lease).await.unwrap().unwrap();
    let names: Vec<_> = feed.queued.iter().map(|record| record.ticket.id.as_str()).collect();
    assert_eq!(names, ["c", "a", "b"]);
    assert!(feed.queued.is_sorted_by_key(|record| record.ticket.order));
}

pub(crate) async fn assign_takes_all_or_none(storage: Subject) {
    for name in ["a", "b", "c"] {
        enqueue(&storage, name, &[name]).await;
    }
    let lease = claim(&storage).await;
    storage.cancel(&id("b"), NOW).await.unwrap();
    let refused = storage.assign(&lease, a_match(&["a", "b", "unknown"]), NOW).await.unwrap();
    assert_eq!(refused, Fenced::NotQueued(vec![id("b"), id("unknown")]));
    assert_eq!(status(&storage, "a").await, Some(Status::Queued));

    assert_eq!(storage.assign(&lease, a_match(&["a", "c"]), NOW).await.unwrap(), Fenced::Done);
    let again = storage.assign(&lease, a_match(&["a"]), NOW).await.unwrap();
    assert_eq!(again, Fenced::NotQueued(vec![id("a")]));
    let Some(Status::Assigned(assignment)) = status(&storage, "c").await else { panic!("not assigned") };
    assert_eq!(assignment.id.as_str(), "a-c");
}

pub(crate) async fn a_ticket_of_another_queue_is_not_assigned(storage: Subject) {
    let elsewhere = storage::NewTicket { queue: QueueKey::new("other"), ..ticket("t", &["p"]) };
    storage.enqueue(elsewhere, NOW).await.unwrap();
    let lease = claim(&storage).await;
    let refused = storage.assign(&lease, a_match(&["t"]), NOW).await.unwrap();
    assert_eq!(refused, Fenced::NotQueued(vec![id("t")]));
}

pub(crate) async fn only_what_is_due_expires(storage: Subject) {
    enqueue(&storage, "due", &["p"]).await;
    let young = storage::NewTicket { lifetime: LIFETIME * 2, ..ticket("young", &["q"]) };
    storage.enqueue(young, NOW).await.unwrap();
    let lease = claim(&storage).await;
    let both = [id("due"), id("young")];
    assert_eq!(storage.expire(&lease, &both, NOW + LIFETIME).await.unwrap(), Fenced::Done);
    assert_eq!(status(&storage, "due").await, Some(Status::Expired));
    assert_eq!(status(&storage, "young").await, Some(Status::Queued));
}

pub(crate) async fn queues_without_an_owner_are_found(storage: Subject) {
    let signal = storage.unowned_signal();
    assert!(storage.unowned_queues(NOW).await.unwrap().is_empty());
    enqueue(&storage, "t", &["p"]).await;
    tokio::time::timeout(PATIENCE, signal.notified()).await.unwrap();
    assert_eq!(storage.unowned_queues(NOW).await.unwrap(), [queue()]);

    let lease = claim(&storage).await;
    assert!(storage.unowned_queues(NOW).await.unwrap().is_empty());
    assert_eq!(storage.unowned_queues(NOW + LEASE).await.unwrap(), [queue()], "its owner fell silent");
    storage.release(&lease).await.unwrap();
    tokio::time::timeout(PATIENCE, signal.notified()).await.unwrap();
    storage.cancel(&id("t"), NOW).await.unwrap();
    assert!(storage.unowned_queues(NOW).await.unwrap().is_empty());
}

pub(crate) async fn an_owner_that_is_over_leaves_no_queue_behind(storage: Subject) {
    claim(&storage).await;
    let elsewhere =
        || storage::NewTicket { queue: QueueKey::new("other"), queues_limit: 1, ..ticket("t", &["p"]) };
    let refused = storage.enqueue(elsewhere(), NOW).await;
    assert_eq!(refused, Err(EnqueueError::TooManyQueues), "a queue with an owner is there");
    storage.sweep(NOW + LEASE, 10).await.unwrap();
    storage.enqueue(elsewhere(), NOW + LEASE).await.unwrap();
}
