//! What the log says while the state fails: that it does, and now and then that it still does.
//!
//! A state that is away fails every call and every queue, thousands in a second; a line for each would say no more than the
//! first, and hide all else. That it is back is said by the storage, which connects or writes again.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use storage::StorageError;

/// How long the log is silent about it after a line.
const SILENCE: Duration = Duration::from_secs(10);

// The log is the process's, and so is what it has said.
static TROUBLE: Trouble = Trouble(Mutex::new(Said { last: None, unsaid: 0 }));

/// Notes that the state failed somebody.
pub(crate) fn note(error: &StorageError) {
    if let Some(unsaid) = TROUBLE.line(Instant::now()) {
        tracing::error!(%error, unsaid, "the state fails; what needs it is refused until it answers again");
    }
}

struct Trouble(Mutex<Said>);

struct Said {
    last: Option<Instant>,
    /// Failures since then.
    unsaid: u64,
}

impl Trouble {
    /// Whether a failure is to be said now; then, how many were not since the last line.
    fn line(&self, now: Instant) -> Option<u64> {
        let mut said = self.0.lock();
        if said.last.is_some_and(|last| now.duration_since(last) < SILENCE) {
            said.unsaid += 1;
            return None;
        }
        said.last = Some(now);
        Some(std::mem::take(&mut said.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_fails_is_said_once_in_a_while() {
        let trouble = Trouble(Mutex::new(Said { last: None, unsaid: 0 }));
        let begun = Instant::now();
        assert_eq!(trouble.line(begun), Some(0), "at once");
        for millis in 0..1_000 {
            assert_eq!(trouble.line(begun + Duration::from_millis(millis)), None);
        }
        assert_eq!(trouble.line(begun + SILENCE), Some(1_000), "it goes on");
        assert_eq!(trouble.line(begun + SILENCE * 3), Some(0), "it fails again");
    }
}
