//! What one direction of one connection waits at.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{Fault, State};

/// How many pieces a second are made of what is throttled.
const PIECES: u32 = 20;

/// The connection is to be reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// Knows what is done to its connection.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    seen: watch::Receiver<State>,
    felt: Arc<AtomicU64>,
    /// What the state was when the connection was made.
    born: State,
    /// Of which change the budget is, and what is left of it.
    budget: (u64, usize),
}

impl Gate {
    pub(super) fn new(seen: watch::Receiver<State>, felt: Arc<AtomicU64>) -> Self {
        let born = *seen.borrow();
        Self { seen, felt, born, budget: (0, 0) }
    }

    /// Waits until a new connection may go on to its target.
    pub(super) async fn opened(&mut self) -> Result<(), Broken> {
        self.admits(0).await.map(|_| ())
    }

    /// When bytes that arrive now may go on.
    pub(super) fn due(&mut self) -> Instant {
        let fault = self.seen.borrow().fault;
        let Some(Fault::Delay(delay)) = fault else { return Instant::now() };
        self.feel();
        Instant::now() + delay
    }

    /// Waits until something may pass, and says how many of `count` bytes.
    pub(super) async fn admits(&mut self, count: usize) -> Result<usize, Broken> {
        loop {
            let state = *self.seen.borrow_and_update();
            if state.cuts != self.born.cuts {
                return Err(Broken);
            }
            match state.fault {
                Some(Fault::Cut) => {
                    self.feel();
                    return Err(Broken);
                }
                Some(Fault::Stall) => self.feel(),
                // It was open before.
                Some(Fault::HoldOpen) if self.born.changes < state.changes => self.feel(),
                Some(Fault::Throttle(rate)) if count > 0 => {
                    self.feel();
                    sleep(Duration::from_secs(1) / PIECES).await;
                    let piece = usize::try_from(rate / PIECES).unwrap_or(usize::MAX);
                    return Ok(count.min(piece.max(1)));
                }
                Some(Fault::Truncate(bytes)) if count > 0 => {
                    if self.budget.0 != state.changes {
                        self.budget = (state.changes, bytes);
                    }
                    if self.budget.1 == 0 {
                        self.feel();
                        return Err(Broken);
                    }
                    let admitted = count.min(self.budget.1);
                    self.budget.1 -= admitted;
                    return Ok(admitted);
                }
                _ => return Ok(count),
            }
            if self.seen.changed().await.is_err() {
                return Err(Broken);
            }
        }
    }

    /// Waits until the connection is cut.
    pub(super) async fn cut(&mut self) -> Broken {
        let cuts = self.born.cuts;
        drop(self.seen.wait_for(|state| state.cuts != cuts || state.fault == Some(Fault::Cut)).await);
        self.feel();
        Broken
    }

    fn feel(&self) {
        self.felt.fetch_add(1, Ordering::Relaxed);
    }
}
