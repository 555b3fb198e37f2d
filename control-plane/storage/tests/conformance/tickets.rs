//! A ticket's life.

use std::time::Duration;

use matching::{GroupId, QueueKey};
use storage::{Cancelled, EnqueueError, Enqueued, Fenced, KEEP_ENDED, Status};

use crate::fixture::{LASTING, LIFETIME, NOW, Subject, a_match, claim, enqueue, id, status, ticket};

pub(crate) async fn an_enqueued_ticket_is_queued_and_readable(storage: Subject) {
    let enqueued = storage.enqueue(ticket("t", &["p", "q"]), NOW).await.unwrap();
    let read = storage.read(&[id("t")]).await.unwrap().remove(0).unwrap();
    assert_eq!(enqueued, Enqueued::New(read.clone()));
    assert_eq!(read.status, Status::Queued);
    assert_eq!(read.record.ticket.size(), 2);
    assert_eq!(read.record.ticket.enqueued_at, NOW);
    assert_eq!(read.record.ticket.expires_at, NOW + LIFETIME);
}

pub(crate) async fn the_same_request_again_is_the_same_ticket(storage: Subject) {
    enqueue(&storage, "t", &["p"]).await;
    let by_id = storage.enqueue(ticket("t", &["p"]), NOW).await.unwrap();
    let by_group = storage
        .enqueue(storage::NewTicket { id: id("other"), ..ticket("t", &["p"]) }, NOW + Duration::from_secs(1))
        .await
        .unwrap();
    for again in [by_id, by_group] {
        assert!(matches!(&again, Enqueued::Known(state) if state.record.ticket.id == id("t")), "{again:?}");
    }
    assert_eq!(status(&storage, "other").await, None);
}

pub(crate) async fn a_ticket_id_with_other_content_is_refused(storage: Subject) {
    enqueue(&storage, "t", &["p"]).await;
    let other = storage.enqueue(ticket("t", &["q"]), NOW).await;
    assert_eq!(other, Err(EnqueueError::TicketIdTaken));
}

pub(crate) async fn a_group_with_other_content_is_refused(storage: Subject) {
    enqueue(&storage, "t", &["p"]).await;
    let mut other = ticket("u", &["p", "q"]);
    other.group = GroupId::new("g-t");
    assert_eq!(storage.enqueue(other, NOW).await, Err(EnqueueError::GroupQueued(id("t"))));
}

pub(crate) async fn a_player_is_in_one_active_ticket(storage: Subject) {
    enqueue(&storage, "t", &["p", "q"]).await;
    let refused = storage.enqueue(ticket("u", &["r", "q"]), NOW).await;
    assert_eq!(refused, Err(EnqueueError::PlayerQueued(matching::PlayerId::new("q"))));
    // The refused ticket left nothing behind.
    enqueue(&storage, "v", &["r"]).await;
}

pub(crate) async fn a_full_queue_takes_no_more(storage: Subject) {
    let limited = |name: &str| storage::NewTicket { queue_limit: 1, ..ticket(name, &[name]) };
    storage.enqueue(limited("t"), NOW).await.unwrap();
    assert_eq!(storage.enqueue(limited("u"), NOW).await, Err(EnqueueError::QueueFull));
    storage.cancel(&id("t"), NOW).await.unwrap();
    storage.enqueue(limited("u"), NOW).await.unwrap();
}

pub(crate) async fn one_queue_more_than_there_may_be_is_refused(storage: Subject) {
    let limited = |name: &str, queue: &str| storage::NewTicket {
        queue: QueueKey::new(queue),
        queues_limit: 2,
        ..ticket(name, &[name])
    };
    storage.enqueue(limited("t", "first"), NOW).await.unwrap();
    storage.enqueue(limited("u", "second"), NOW).await.unwrap();
    assert_eq!(storage.enqueue(limited("v", "third"), NOW).await, Err(EnqueueError::TooManyQueues));
    storage.enqueue(limited("v", "first"), NOW).await.unwrap();
    storage.cancel(&id("u"), NOW).await.unwrap();
    storage.enqueue(limited("w", "third"), NOW).await.unwrap();
}

pub(crate) async fn cancel_is_final_and_repeatable(storage: Subject) {
    assert_eq!(storage.cancel(&id("t"), NOW).await.unwrap(), None);
    enqueue(&storage, "t", &["p"]).await;
    for _ in 0..2 {
        assert_eq!(storage.cancel(&id("t"), NOW).await.unwrap(), Some(Cancelled::Yes));
        assert_eq!(status(&storage, "t").await, Some(Status::Cancelled));
    }
}

pub(crate) async fn an_assigned_ticket_is_not_cancelled(storage: Subject) {
    enqueue(&storage, "t", &["p"]).await;
    let lease = claim(&storage).await;
    assert_eq!(storage.assign(&lease, a_match(&["t"]), NOW).await.unwrap(), Fenced::Done);
    let cancelled = storage.cancel(&id("t"), NOW).await.unwrap();
    assert!(matches!(cancelled, Some(Cancelled::No(Status::Assigned(_)))), "{cancelled:?}");
}

pub(crate) async fn ended_tickets_free_their_group_and_players(storage: Subject) {
    let lease = claim(&storage).await;
    enqueue(&storage, "t", &["p"]).await;
    storage.cancel(&id("t"), NOW).await.unwrap();
    for (round, end) in ["u", "v", "w"].into_iter().zip(["assign", "expire", "nothing"]) {
        let mut again = ticket(round, &["p"]);
        again.group = GroupId::new("g-t");
        storage.enqueue(again, NOW).await.unwrap();
        let ended = match end {
            "assign" => storage.assign(&lease, a_match(&[round]), NOW).await.unwrap(),
            "expire" => storage.expire(&lease, &[id(round)], NOW + LIFETIME).await.unwrap(),
            _ => continue,
        };
        assert_eq!(ended, Fenced::Done);
    }
}

pub(crate) async fn a_known_ticket_id_tells_what_became_of_it(storage: Subject) {
    let lease = claim(&storage).await;
    enqueue(&storage, "t", &["p"]).await;
    storage.assign(&lease, a_match(&["t"]), NOW).await.unwrap();
    let again = storage.enqueue(ticket("t", &["p"]), NOW).await.unwrap();
    assert!(
        matches!(&again, Enqueued::Known(state) if matches!(state.status, Status::Assigned(_))),
        "a retry after a lost answer makes no second ticket: {again:?}"
    );
}

pub(crate) async fn ended_tickets_are_kept_and_then_forgotten(storage: Subject) {
    let lease = claim(&storage).await;
    for name in ["assigned", "cancelled", "expired", "queued"] {
        enqueue(&storage, name, &[name]).await;
    }
    storage.assign(&lease, a_match(&["assigned"]), NOW).await.unwrap();
    storage.cancel(&id("cancelled"), NOW).await.unwrap();
    storage.expire(&lease, &[id("expired")], NOW + LIFETIME).await.unwrap();

    let almost = NOW + LASTING - Duration::from_millis(1);
    assert_eq!(storage.sweep(almost, 10).await.unwrap(), 0);
    assert_eq!(storage.sweep(NOW + LASTING, 10).await.unwrap(), 1);
    assert_eq!(status(&storage, "assigned").await, None);
    assert_eq!(storage.sweep(NOW + KEEP_ENDED, 10).await.unwrap(), 1);
    assert_eq!(status(&storage, "cancelled").await, None);
    assert_eq!(storage.sweep(NOW + LIFETIME + KEEP_ENDED, 10).await.unwrap(), 1);
    assert_eq!(status(&storage, "expired").await, None);
    assert_eq!(status(&storage, "queued").await, Some(Status::Queued));
}

pub(crate) async fn what_is_read_comes_in_the_order_asked(storage: Subject) {
    enqueue(&storage, "t", &["p"]).await;
    enqueue(&storage, "u", &["q"]).await;
    let read = storage.read(&[id("u"), id("nobody"), id("t")]).await.unwrap();
    let names: Vec<_> =
        read.iter().map(|state| state.as_ref().map(|s| s.record.ticket.id.as_str())).collect();
    assert_eq!(names, [Some("u"), None, Some("t")]);
}

pub(crate) async fn followers_are_woken_after_the_change_is_readable(storage: Subject) {
    enqueue(&storage, "t", &["p"]).await;
    let mut inbox = storage.signals().inbox();
    inbox.follow(&id("t"));
    storage.cancel(&id("t"), NOW).await.unwrap();
    let woken = tokio::time::timeout(Duration::from_secs(10), inbox.woken()).await.unwrap();
    assert_eq!(woken, [id("t")]);
    assert_eq!(status(&storage, "t").await, Some(Status::Cancelled));
}
