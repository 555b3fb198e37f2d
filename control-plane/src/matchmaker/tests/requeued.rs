//! Matches that don't happen are counted, by why.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use parking_lot::Mutex;

use super::world::World;
use crate::registry::Answer;

/// Keeps the counts of matches that were requeued, by reason.
#[derive(Debug, Default)]
struct Requeued(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Requeued {
    /// The reasons that were counted since the last call.
    fn reasons(&self) -> Vec<String> {
        let mut counts = self.0.lock();
        counts.retain(|_, count| count.load(Ordering::Relaxed) > 0);
        std::mem::take(&mut *counts).into_keys().collect()
    }
}

impl Recorder for Requeued {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        if key.name() != "control_plane_matches_requeued_total" {
            return Counter::noop();
        }
        let reason = key.labels().find(|label| label.key() == "reason").unwrap().value().to_owned();
        Counter::from_arc(Arc::clone(self.0.lock().entry(reason).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test(start_paused = true)]
async fn a_match_that_does_not_happen_is_counted() {
    let requeued = Requeued::default();
    // All tasks of this test run on its own thread.
    let _recording = metrics::set_default_local_recorder(&requeued);
    let world = World::new();
    world.enqueue("demo", "a").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(requeued.reasons(), ["no_server"]);

    let mut server = world.server("s-1", 10).holds_players(4);
    let (command, _) = server.order().await;
    assert_eq!(requeued.reasons(), Vec::<String>::new(), "its server is asked");
    server.answer(&command, Answer::Refused("no mood".to_owned()));
    let (command, _) = server.order().await;
    assert_eq!(requeued.reasons(), ["none_answered"]);

    world.cancel("a").await;
    server.answer(&command, Answer::Ready);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(requeued.reasons(), ["cancelled"]);

    world.enqueue_ticket(World::ticket("demo", "party", 5)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(requeued.reasons(), ["none_fits"]);

    server.make_all_lands();
    world.enqueue("demo", "b").await;
    world.assignment("b").await;
    world.stop().await;
}
