//! The gate before a service: how many calls are under way, until when it wants to be left alone, and whether it is in trouble.

use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Duration, Instant, timeout_at},
};

use super::{Failure, Kind, Then};
use crate::room::{Room, RoomNews};

/// However long a service wants to be left alone, it is asked again after this.
const LONGEST_CLOSED: Duration = Duration::from_secs(60);

/// Every call goes through it.
#[derive(Debug)]
pub(in crate::allocation) struct Gate {
    /// As metrics name it.
    pub(super) port: &'static str,
    permits: Semaphore,
    most: usize,
    state: Mutex<State>,
    /// Tells when trouble ended: queues that pause needn't any more.
    room: Room,
}

#[derive(Debug, Default)]
struct State {
    closed_until: Option<Instant>,
    in_trouble: bool,
}

impl Gate {
    pub(in crate::allocation) fn new(port: &'static str, most: usize) -> Self {
        let (permits, room) = (Semaphore::new(most), Room::default());
        Self { port, permits, most, state: Mutex::default(), room }
    }

    /// How many more calls may begin now.
    pub(in crate::allocation) fn places(&self) -> usize {
        if self.closed_until().is_some() { 0 } else { self.permits.available_permits() }
    }

    /// Follows the ends of trouble.
    pub(in crate::allocation) fn room(&self) -> RoomNews {
        self.room.news()
    }

    /// Waits for its turn, until `until` at most.
    pub(super) async fn enter(&self, until: Instant) -> Result<SemaphorePermit<'_>, Failure> {
        let busy = || {
            let said = format!("is asked by {} calls already", self.most);
            Failure::nothing(Kind::Busy, Then::Wait, said)
        };
        let permit = timeout_at(until, self.permits.acquire()).await.map_err(|_| busy())?;
        let permit = permit.expect("the semaphore is never closed");
        // Looked at last: it may have closed while this one waited.
        while let Some(closed_until) = self.closed_until() {
            let now = Instant::now();
            if closed_until >= until {
                let left = Duration::from_secs(closed_until.duration_since(now).as_secs() + 1);
                let said = format!("wants to be left alone for {left:?}");
                return Err(Failure::nothing(Kind::Overloaded, Then::AgainAfter(left), said));
            }
            tokio::time::sleep_until(closed_until).await;
        }
        Ok(permit)
    }

    /// A call brought a land.
    pub(super) fn worked(&self) {
        if std::mem::take(&mut self.state.lock().in_trouble) {
            tracing::info!(port = self.port, "the allocation service gives lands again");
            self.room.appeared();
        }
    }

    /// A call failed.
    pub(super) fn failed(&self, failure: &Failure) {
        let mut state = self.state.lock();
        if let Then::AgainAfter(pause) = failure.then {
            let until = Instant::now() + pause.min(LONGEST_CLOSED);
            state.closed_until = state.closed_until.max(Some(until));
        }
        let is_news = failure.kind.is_trouble() && !std::mem::replace(&mut state.in_trouble, true);
        drop(state);
        let Failure { said, detail, .. } = failure;
        if is_news {
            tracing::warn!(
                port = self.port,
                said,
                detail,
                "the allocation service is in trouble; tickets wait"
            );
        } else {
            tracing::debug!(port = self.port, said, detail, "the allocation service gave no land");
        }
    }

    fn closed_until(&self) -> Option<Instant> {
        let mut state = self.state.lock();
        state.closed_until.take_if(|until| *until <= Instant::now());
        state.closed_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_are_under_way_than_may() {
        let gate = Gate::new("http", 2);
        let first = gate.enter(soon()).await.unwrap();
        let _second = gate.enter(soon()).await.unwrap();
        assert_eq!(gate.places(), 0);
        let refused = gate.enter(soon()).await.unwrap_err();
        assert_eq!((refused.kind, refused.said.as_str()), (Kind::Busy, "is asked by 2 calls already"));
        drop(first);
        assert_eq!(gate.places(), 1);
        drop(gate.enter(soon()).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_wants_to_be_left_alone_is() {
        let gate = Gate::new("http", 2);
        let overloaded = |secs| {
            let then = Then::AgainAfter(Duration::from_secs(secs));
            Failure::nothing(Kind::Overloaded, then, "is overloaded")
        };
        gate.failed(&overloaded(3));
        gate.failed(&overloaded(1));
        assert_eq!(gate.places(), 0);
        let before = Instant::now();
        drop(gate.enter(soon()).await.unwrap());
        assert_eq!(before.elapsed(), Duration::from_secs(3), "the longest of them");
        gate.failed(&overloaded(1_000_000));
        let refused = gate.enter(soon()).await.unwrap_err();
        assert_eq!(
            (refused.kind, refused.said.as_str()),
            (Kind::Overloaded, "wants to be left alone for 61s")
        );
        tokio::time::sleep(LONGEST_CLOSED).await;
        assert_eq!(gate.places(), 2);
    }

    #[test]
    fn the_end_of_trouble_is_told_once() {
        let gate = Gate::new("http", 1);
        let mut room = gate.room();
        gate.failed(&Failure::nothing(Kind::NoServer, Then::Wait, "has no server"));
        gate.worked();
        assert!(!room.is_new(), "another match may have none all the same");
        gate.failed(&Failure::unclear(Kind::Broken, "hung up"));
        gate.worked();
        assert!(room.is_new());
        room.see();
        gate.worked();
        assert!(!room.is_new());
    }
}
