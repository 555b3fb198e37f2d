//! What there is to say about the queues that this process owns: for operators, and for players who wait.

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use matching::{QueueKey, Time};
use parking_lot::Mutex;

use crate::queues::QueueSettings;

/// The newest report of each queue.
#[derive(Debug, Default)]
pub(crate) struct Board(Arc<Reports>);

// A report is written often and read rarely, so it sits behind a lock that is held for a copy.
type Reports = DashMap<QueueKey, Arc<Mutex<QueueReport>>>;

/// One queue at one moment, at most a few seconds ago.
#[derive(Debug, Clone)]
pub(crate) struct QueueReport {
    pub(crate) land_type: String,
    pub(crate) rules: String,
    pub(crate) queued_tickets: usize,
    pub(crate) queued_players: usize,
    pub(crate) oldest: Option<Time>,
    pub(crate) matches_made: u64,
    /// Why no match is made although one could be, for people; empty where nothing is in the way.
    pub(crate) held_up_by: String,
    /// The middle of the waits of recent matches' tickets.
    pub(crate) estimated_wait: Option<Duration>,
    /// The orders of the waiting tickets, sorted: eight bytes a ticket, and its place is a binary search away.
    pub(crate) orders: Arc<[u64]>,
}

impl QueueReport {
    pub(crate) fn new(settings: &QueueSettings) -> Self {
        Self {
            land_type: settings.land_type.clone(),
            rules: settings.rules.to_string(),
            queued_tickets: 0,
            queued_players: 0,
            oldest: None,
            matches_made: 0,
            held_up_by: String::new(),
            estimated_wait: None,
            orders: Arc::from([]),
        }
    }
}

impl Board {
    /// All of them, in the order of their keys.
    pub(crate) fn all(&self) -> Vec<(QueueKey, QueueReport)> {
        let reports: Vec<_> =
            self.0.iter().map(|entry| (entry.key().clone(), Arc::clone(entry.value()))).collect();
        let mut reports: Vec<_> =
            reports.into_iter().map(|(key, report)| (key, report.lock().clone())).collect();
        reports.sort_by(|a, b| a.0.cmp(&b.0));
        reports
    }

    /// The place of the ticket with this `order` in its queue, 1 for the oldest. `None`: the queue's owner has not
    /// counted since the ticket came.
    pub(crate) fn place(&self, queue: &QueueKey, order: u64) -> Option<(u32, Option<Duration>)> {
        let report = Arc::clone(&*self.0.get(queue)?);
        let report = report.lock();
        let index = report.orders.binary_search(&order).ok()?;
        Some((u32::try_from(index + 1).unwrap_or(u32::MAX), report.estimated_wait))
    }

    /// Puts a queue up, until what is returned is dropped.
    pub(super) fn add(&self, queue: QueueKey, report: QueueReport) -> OnBoard {
        let report = Arc::new(Mutex::new(report));
        self.0.insert(queue.clone(), Arc::clone(&report));
        OnBoard { board: Arc::clone(&self.0), queue, report }
    }
}

/// A queue's place on the board.
#[derive(Debug)]
pub(super) struct OnBoard {
    board: Arc<Reports>,
    queue: QueueKey,
    report: Arc<Mutex<QueueReport>>,
}

impl OnBoard {
    pub(super) fn update(&self, change: impl FnOnce(&mut QueueReport)) {
        change(&mut self.report.lock());
    }
}

impl Drop for OnBoard {
    fn drop(&mut self) {
        // The queue's next owner in this process may have put its own report up already.
        self.board.remove_if(&self.queue, |_, report| Arc::ptr_eq(report, &self.report));
    }
}
