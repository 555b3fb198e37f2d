//! What owners say about their queues, and where tickets stand in them.

use std::{sync::Arc, time::Duration};

use matching::{QueueKey, Time};
use storage::{Fenced, Lease, NewTicket, Place, QueueReport, TicketRecord, WorkerId};

use crate::fixture::{LEASE, LIFETIME, NOW, Subject, a_match, claim, enqueue, id, queue, ticket};

/// A report with something in each of its fields.
fn report(matches_made: u64) -> QueueReport {
    QueueReport {
        land_type: "hero-defense".to_owned(),
        rules: "teams 3v3 \"quoted\"\n".to_owned(),
        queued_tickets: 7,
        queued_players: u32::MAX,
        oldest: Some(NOW),
        matches_made,
        held_up_by: "no server is free".to_owned(),
        estimated_wait: Some(Duration::from_millis(1_500)),
        estimated_range: Some((Duration::from_millis(900), Duration::from_secs(4))),
    }
}

async fn claim_at(storage: &Subject, now: Time) -> Lease {
    storage.claim(&queue(), &WorkerId::new("w-2"), LEASE, now).await.unwrap().unwrap()
}

async fn records(storage: &Subject, names: &[&str]) -> Vec<Arc<TicketRecord>> {
    let ids: Vec<_> = names.iter().map(|name| id(name)).collect();
    storage.read(&ids).await.unwrap().into_iter().map(|state| state.unwrap().record).collect()
}

async fn positions(storage: &Subject, records: &[Arc<TicketRecord>]) -> Vec<Option<u32>> {
    let places = storage.places(records, NOW).await.unwrap();
    places.into_iter().map(|place| place.map(|place| place.position)).collect()
}

pub(crate) async fn the_newest_report_of_a_queue_is_read(storage: Subject) {
    let lease = claim(&storage).await;
    assert_eq!(storage.reports(NOW).await.unwrap(), [], "nothing was said yet");
    for matches_made in [1, 2] {
        assert!(storage.report(&lease, report(matches_made)).await.unwrap());
        assert_eq!(storage.reports(NOW).await.unwrap(), [(queue(), report(matches_made))]);
    }
    let nothing = QueueReport::default();
    assert!(storage.report(&lease, nothing.clone()).await.unwrap());
    assert_eq!(storage.reports(NOW).await.unwrap(), [(queue(), nothing)]);
}

pub(crate) async fn a_report_ends_with_its_lease(storage: Subject) {
    // A ticket, so that the queue stays.
    enqueue(&storage, "t", &["p"]).await;
    let lease = claim(&storage).await;
    storage.report(&lease, report(1)).await.unwrap();
    storage.release(&lease).await.unwrap();
    assert_eq!(storage.reports(NOW).await.unwrap(), [], "released");

    let lease = claim_at(&storage, NOW).await;
    assert_eq!(storage.reports(NOW).await.unwrap(), [], "the next owner has said nothing yet");
    storage.report(&lease, report(2)).await.unwrap();
    assert_eq!(storage.reports(NOW + LEASE).await.unwrap(), [], "its time is over");
    assert!(storage.renew(&lease, LEASE, NOW + LEASE / 2).await.unwrap());
    assert_eq!(storage.reports(NOW + LEASE).await.unwrap().len(), 1, "it was renewed");

    claim_at(&storage, NOW + LEASE * 2).await;
    assert_eq!(storage.reports(NOW + LEASE * 2).await.unwrap(), [], "somebody newer owns the queue");
}

pub(crate) async fn an_older_fence_reports_nothing(storage: Subject) {
    let paused = claim(&storage).await;
    let later = NOW + LEASE;
    let owner = claim_at(&storage, later).await;
    assert!(!storage.report(&paused, report(1)).await.unwrap());
    assert_eq!(storage.reports(later).await.unwrap(), []);
    assert!(storage.report(&owner, report(2)).await.unwrap());
    assert!(!storage.report(&paused, report(1)).await.unwrap());
    assert_eq!(storage.reports(later).await.unwrap(), [(queue(), report(2))]);
    storage.release(&owner).await.unwrap();
    assert!(!storage.report(&owner, report(3)).await.unwrap());
    assert_eq!(storage.reports(later).await.unwrap(), []);
}

pub(crate) async fn reports_come_in_the_order_of_their_keys(storage: Subject) {
    // More than are asked for at once.
    const QUEUES: usize = 600;
    let mut expected = Vec::new();
    for n in 0..QUEUES {
        let queue = QueueKey::new(format!("q{}", n * 7 % QUEUES));
        let lease = storage.claim(&queue, &WorkerId::new("w"), LEASE, NOW).await.unwrap().unwrap();
        storage.report(&lease, report(n as u64)).await.unwrap();
        expected.push((queue, report(n as u64)));
    }
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(storage.reports(NOW).await.unwrap(), expected);
}

pub(crate) async fn a_queue_that_is_over_is_not_reported(storage: Subject) {
    let lease = claim(&storage).await;
    storage.report(&lease, report(1)).await.unwrap();
    storage.sweep(NOW + LEASE, 10).await.unwrap();
    assert!(!storage.report(&lease, report(2)).await.unwrap());
    claim_at(&storage, NOW + LEASE).await;
    assert_eq!(storage.reports(NOW + LEASE).await.unwrap(), []);
}

pub(crate) async fn a_place_is_counted_from_the_oldest(storage: Subject) {
    for name in ["a", "b", "c", "d", "e"] {
        enqueue(&storage, name, &[name]).await;
    }
    let all = records(&storage, &["e", "a", "c", "b", "d"]).await;
    assert_eq!(positions(&storage, &all).await, [Some(5), Some(1), Some(3), Some(2), Some(4)]);
    assert_eq!(positions(&storage, &[]).await, []);

    // Whatever takes a ticket out, those behind it move up.
    let lease = claim(&storage).await;
    storage.cancel(&id("b"), NOW).await.unwrap();
    assert_eq!(positions(&storage, &all).await, [Some(4), Some(1), Some(2), None, Some(3)]);
    assert_eq!(storage.assign(&lease, a_match(&["a"]), NOW).await.unwrap(), Fenced::Done);
    assert_eq!(positions(&storage, &all).await, [Some(3), None, Some(1), None, Some(2)]);
    storage.expire(&lease, &[id("d")], NOW + LIFETIME).await.unwrap();
    enqueue(&storage, "f", &["f"]).await;
    assert_eq!(positions(&storage, &all).await, [Some(2), None, Some(1), None, None]);
    assert_eq!(positions(&storage, &records(&storage, &["f"]).await).await, [Some(3)]);
}

pub(crate) async fn a_place_is_one_of_its_own_queue(storage: Subject) {
    let mut names = Vec::new();
    // More of each queue than are counted at once.
    for n in 0..300 {
        let (name, key) = (format!("t{n}"), QueueKey::new(["one", "other"][n % 2]));
        storage.enqueue(NewTicket { queue: key, ..ticket(&name, &[&name]) }, NOW).await.unwrap();
        names.push(name);
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let expected: Vec<_> = (0..300).map(|n| Some(n / 2 + 1)).collect();
    assert_eq!(positions(&storage, &records(&storage, &names).await).await, expected);
}

pub(crate) async fn a_place_comes_with_what_the_owner_estimates(storage: Subject) {
    enqueue(&storage, "t", &["p"]).await;
    let record = records(&storage, &["t"]).await;
    let place =
        |estimated_wait, estimated_range| [Some(Place { position: 1, estimated_wait, estimated_range })];
    let unknown = place(None, None);
    assert_eq!(storage.places(&record, NOW).await.unwrap(), unknown, "nobody owns the queue");
    let lease = claim(&storage).await;
    assert_eq!(storage.places(&record, NOW).await.unwrap(), unknown);
    storage.report(&lease, report(1)).await.unwrap();
    let known = place(report(1).estimated_wait, report(1).estimated_range);
    assert_eq!(storage.places(&record, NOW).await.unwrap(), known);
    assert_eq!(storage.places(&record, NOW + LEASE).await.unwrap(), unknown, "its owner fell silent");
    let nothing = QueueReport { estimated_wait: None, estimated_range: None, ..report(2) };
    storage.report(&lease, nothing).await.unwrap();
    assert_eq!(storage.places(&record, NOW).await.unwrap(), unknown);
}
