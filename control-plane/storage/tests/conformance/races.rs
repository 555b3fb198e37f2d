//! What holds when many call at once.

use std::sync::Arc;

use storage::{Cancelled, Fenced, Status, WorkerId};
use tokio::task::JoinSet;

use crate::fixture::{LEASE, NOW, Subject, a_match, claim, enqueue, id, queue, ticket};

pub(crate) async fn cancel_and_assign_never_both_win(storage: Subject) {
    let lease = claim(&storage).await;
    for round in 0..200 {
        let name = format!("t-{round}");
        enqueue(&storage, &name, &[&name]).await;
        let (canceller, ticket) = (Arc::clone(&storage), id(&name));
        let cancel = tokio::spawn(async move { canceller.cancel(&ticket, NOW).await.unwrap() });
        let assigned = storage.assign(&lease, a_match(&[&name]), NOW).await.unwrap() == Fenced::Done;
        let cancelled = cancel.await.unwrap() == Some(Cancelled::Yes);
        assert!(assigned != cancelled, "round {round}: assigned {assigned}, cancelled {cancelled}");
    }
}

pub(crate) async fn an_absent_ticket_is_dropped_or_assigned_or_cancelled(storage: Subject) {
    let lease = claim(&storage).await;
    for round in 0..200 {
        let name = format!("t-{round}");
        enqueue(&storage, &name, &[&name]).await;
        let tickets = [id(&name)];
        storage.presence().note_seen(&queue(), &tickets, NOW).await.unwrap();
        let (dropper, canceller) = (Arc::clone(&storage), Arc::clone(&storage));
        let (its_lease, ticket) = (lease.clone(), id(&name));
        let drop = tokio::spawn(async move {
            dropper.presence().drop_absent(&its_lease, &tickets, NOW, NOW).await.unwrap().unwrap()
        });
        let cancel = tokio::spawn(async move { canceller.cancel(&ticket, NOW).await.unwrap() });
        let assigned = storage.assign(&lease, a_match(&[&name]), NOW).await.unwrap() == Fenced::Done;
        let (dropped, cancelled) = (!drop.await.unwrap().is_empty(), cancel.await.unwrap());
        let ended = storage.read(&[id(&name)]).await.unwrap().remove(0).unwrap().status;
        let (is_absent, is_cancelled) = (ended == Status::Absent, ended == Status::Cancelled);
        assert_eq!((dropped, assigned), (is_absent, !is_absent && !is_cancelled), "round {round}: {ended:?}");
        assert_eq!(cancelled == Some(Cancelled::Yes), !assigned, "round {round}: {ended:?}");
    }
}

pub(crate) async fn one_of_many_enqueues_of_a_player_wins(storage: Subject) {
    let mut calls = JoinSet::new();
    for caller in 0..32 {
        let storage = Arc::clone(&storage);
        calls
            .spawn(async move { storage.enqueue(ticket(&format!("t-{caller}"), &["p"]), NOW).await.is_ok() });
    }
    let won = calls.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
}

pub(crate) async fn one_of_many_claims_wins(storage: Subject) {
    let mut calls = JoinSet::new();
    for caller in 0..32 {
        let storage = Arc::clone(&storage);
        let worker = WorkerId::new(format!("w-{caller}"));
        calls.spawn(async move { storage.claim(&queue(), &worker, LEASE, NOW).await.unwrap().is_some() });
    }
    let won = calls.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
}
