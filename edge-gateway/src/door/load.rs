//! How much is under way, and how more is turned away at once: a request that would wait in a line costs memory and is
//! answered when nobody listens any more.
//!
//! Two numbers: requests, for the memory that each may hold; and calls that wait for the control plane, because those are what
//! piles up when it is slow. What was acknowledged is not touched by either: news of tickets come on a stream of their own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use proto::error::{Reason, Refusal};

/// For how long after something was turned away the gateway calls itself not ready.
const OVERLOAD_LASTS: Duration = Duration::from_secs(2);

/// Who was turned away comes back after 1 to this many seconds, in turn: all at once would be the next wave.
const SPREAD_S: usize = 4;

/// What is under way.
pub(crate) struct Load {
    requests: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
    max_requests: usize,
    max_calls: usize,
    sheds: AtomicUsize,
    // Held to read or write it.
    last_shed: Mutex<Option<Instant>>,
}

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// More work for the control plane.
    Enqueue,
    /// About a ticket that is there already.
    Ticket,
}

/// One request or call, until it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<AtomicUsize>);

impl Load {
    /// At most so many.
    pub(crate) fn new(max_requests: usize, max_calls: usize) -> Self {
        Self {
            requests: Arc::default(),
            calls: Arc::default(),
            max_requests,
            max_calls,
            sheds: AtomicUsize::default(),
            last_shed: Mutex::default(),
        }
    }

    /// Begins a request.
    pub(crate) fn begin_request(&self) -> Result<UnderWay, Refusal> {
        let begun = begin(&self.requests, self.max_requests);
        begun.ok_or_else(|| self.shed("there are as many requests under way as there may be"))
    }

    /// Begins a call to the control plane, on behalf of a client.
    pub(crate) fn begin_call(&self, call: Call) -> Result<UnderWay, Refusal> {
        let most = match call {
            Call::Enqueue => self.max_calls - self.max_calls / 4,
            Call::Ticket => self.max_calls,
        };
        begin(&self.calls, most)
            .ok_or_else(|| self.shed("more is asked for than can be done at the moment; nothing was done"))
    }

    /// Turns something away.
    pub(crate) fn shed(&self, why: &str) -> Refusal {
        *self.last_shed.lock() = Some(Instant::now());
        let seconds = 1 + self.sheds.fetch_add(1, Ordering::Relaxed) % SPREAD_S;
        Refusal::new(Reason::Unavailable, why).retry_after(Duration::from_secs(seconds as u64))
    }

    /// Whether something was turned away a moment ago.
    pub(crate) fn is_over(&self) -> bool {
        self.last_shed.lock().is_some_and(|at| at.elapsed() < OVERLOAD_LASTS)
    }
}

fn begin(number: &Arc<AtomicUsize>, most: usize) -> Option<UnderWay> {
    let one_more = |now| (now < most).then_some(now + 1);
    number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
    Some(UnderWay(Arc::clone(number)))
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enqueues_leave_room_for_reading_and_cancelling() {
        let load = Load::new(1, 8);
        let enqueues: Vec<_> = std::iter::from_fn(|| load.begin_call(Call::Enqueue).ok()).collect();
        assert_eq!(enqueues.len(), 6);
        let others: Vec<_> = std::iter::from_fn(|| load.begin_call(Call::Ticket).ok()).collect();
        assert_eq!(others.len(), 2);
        drop(enqueues);
        load.begin_call(Call::Enqueue).unwrap();
    }

    #[test]
    fn who_is_turned_away_comes_back_at_different_times() {
        let load = Load::new(1, 4);
        assert!(!load.is_over());
        let _under_way = load.begin_request().unwrap();
        let waits: Vec<_> =
            (0..4).map(|_| load.begin_request().unwrap_err().retry_after.unwrap().as_secs()).collect();
        assert_eq!(waits, [1, 2, 3, 4]);
        assert!(load.is_over());
    }
}
