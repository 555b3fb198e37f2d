//! The tasks of a program: none without an owner, none that fails unseen.

use std::{any::Any, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Owns the tasks that one part of a program spawns. Cheap to clone; all clones own the same tasks.
///
/// A task that panics takes the part down: [`Tasks::stopping`] is cancelled, and [`Tasks::join`] names the task.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    // Held for a moment by a failing task and by `join`; never over an await.
    failed: Arc<Mutex<Option<TaskFailed>>>,
}

/// A task that ended badly.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TaskFailed {
    /// It panicked.
    #[error("the task `{name}` panicked: {message}")]
    Panicked {
        /// The task's name.
        name: &'static str,
        /// What the panic said.
        message: String,
    },
    /// It did not end in the time that a shutdown may take.
    #[error("{count} tasks did not stop within {within:?}")]
    StillRunning {
        /// How many.
        count: usize,
        /// The time they had.
        within: Duration,
    },
}

impl Tasks {
    /// An owner without tasks. `stop` is cancelled from outside to end them, and from inside when one panics.
    pub fn new(stop: CancellationToken) -> Self {
        Self { tracker: TaskTracker::new(), stop, failed: Arc::default() }
    }

    /// What tasks wait for beside their work: cancelled when they should end.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Starts a task. It should end soon after [`Tasks::stopping`] is cancelled.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let failed = Arc::clone(&self.failed);
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
                let message = panic_text(panic.as_ref());
                tracing::error!(task = name, %message, "a task panicked; shutting down");
                failed.lock().get_or_insert(TaskFailed::Panicked { name, message });
                stop.cancel();
            }
        });
    }

    /// How many tasks have not ended.
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Whether all tasks have ended.
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Waits until all tasks have ended. No more are to be spawned.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Tells all tasks to stop, and waits for them up to `within`. Fails where one panicked or didn't end.
    pub async fn join(&self, within: Duration) -> Result<(), TaskFailed> {
        self.stop.cancel();
        let ended = tokio::time::timeout(within, self.ended()).await;
        if let Some(failed) = self.failed.lock().clone() {
            return Err(failed);
        }
        ended.map_err(|_| TaskFailed::StillRunning { count: self.tracker.len(), within })
    }
}

/// What a panic said, where it said something.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_stops_the_rest_and_is_named() {
        let tasks = Tasks::new(CancellationToken::new());
        let stop = tasks.stopping().clone();
        tasks.spawn("patient", async move { stop.cancelled().await });
        tasks.spawn("clumsy", async { panic!("dropped the {}", "ball") });
        tasks.stopping().cancelled().await;
        let failed = tasks.join(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(failed.to_string(), "the task `clumsy` panicked: dropped the ball");
    }

    #[tokio::test]
    async fn a_task_that_does_not_stop_is_reported() {
        let tasks = Tasks::new(CancellationToken::new());
        tasks.spawn("deaf", std::future::pending());
        let failed = tasks.join(Duration::from_secs(1)).await.unwrap_err();
        assert!(matches!(failed, TaskFailed::StillRunning { count: 1, .. }), "{failed}");
    }
}
