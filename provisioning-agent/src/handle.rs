//! The way from the local API to the machine: bounded, and every question gets its answer or an error.
//!
//! One task owns the machine, so no lock is needed and nothing is ever seen half done. A question is a function that the task
//! calls with the machine and the time.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::machine::{Machine, Notice};

/// How many questions may wait. The loopback API has one game server as its client.
const WAITING: usize = 64;
/// How long an answer may take. The task answers in microseconds unless it is sending to a peer that doesn't read.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be done with the machine, at that time in milliseconds.
type Question = Box<dyn FnOnce(&mut Machine, u64) + Send>;

/// What the owner of the machine is asked.
pub(crate) enum Call {
    /// Do this.
    Machine(Question),
    /// Tell me what the game server has to know, in place of whoever was told before.
    Watch(oneshot::Sender<Watch>),
}

/// What a new watcher gets: what it missed, and what follows.
pub(crate) struct Watch {
    pub(crate) missed: Vec<Notice>,
    pub(crate) following: mpsc::Receiver<Notice>,
}

/// The agent doesn't answer: it is shutting down.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the agent is shutting down")]
pub(crate) struct Gone;

/// Asks the owner of the machine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handle {
    calls: mpsc::Sender<Call>,
}

impl Handle {
    /// A handle, and what the owner of the machine reads.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Call>) {
        let (calls, asked) = mpsc::channel(WAITING);
        (Self { calls }, asked)
    }

    /// Has `question` asked of the machine. Once it is on its way it is asked, even where the caller doesn't wait for the answer.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Machine, u64) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (answer, answered) = oneshot::channel();
        let call = Call::Machine(Box::new(move |machine, now_ms| {
            // Who has stopped waiting needs no answer.
            drop(answer.send(question(machine, now_ms)));
        }));
        self.call(call, answered).await
    }

    /// Becomes the one who is told.
    pub(crate) async fn watch(&self) -> Result<Watch, Gone> {
        let (answer, answered) = oneshot::channel();
        self.call(Call::Watch(answer), answered).await
    }

    async fn call<T>(&self, call: Call, answered: oneshot::Receiver<T>) -> Result<T, Gone> {
        let answer = async {
            self.calls.send(call).await.map_err(|_| Gone)?;
            answered.await.map_err(|_| Gone)
        };
        tokio::time::timeout(PATIENCE, answer).await.unwrap_or(Err(Gone))
    }
}
