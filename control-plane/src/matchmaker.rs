//! The matchmaker: every queue with tickets has one owner, and this finds the ones that this process may own.
//!
//! A queue's work is done by its [`worker`]: it feeds the queue's engine from storage (what it knows is in [`waiting`]), and
//! [`place`]s what the engine proposes.
//! What there is to say about a queue meanwhile it reports to storage, where every replica reads it.

mod held_up;
mod outlook;
mod outside;
mod place;
mod requeue;
mod waiting;
mod waits;
mod worker;

use std::{sync::Arc, time::Duration};

use matching::{QueueKey, Time};
use runtime::{Clock, Tasks};
use storage::{Lease, QueueReport, Storage, WorkerId};
use uuid::Uuid;

pub(crate) use self::outlook::{Desks, Outlook, Standing};
use self::worker::Worker;
use crate::{
    allocation::Allocation,
    chance,
    queues::{QueueSettings, Queues},
    room::RoomNews,
    state::trouble,
};

/// How often it is looked whether a queue's owner fell silent: its tickets wait for the lease, and for this.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What every worker needs, and the same for all.
#[derive(Debug)]
pub(crate) struct Matchmaker {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) allocation: Arc<dyn Allocation>,
    pub(crate) queues: Arc<Queues>,
    /// Where the workers can be asked about tickets.
    pub(crate) desks: Arc<Desks>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    /// Tells when room for lands appears.
    pub(crate) room: RoomNews,
    /// How long an assignment can be used.
    pub(crate) assignment_lifetime: Duration,
    /// How long a queue stays owned by a worker that fell silent.
    pub(crate) lease: Duration,
}

impl Matchmaker {
    /// Takes over queues that have tickets and no owner, until the tasks stop.
    pub(crate) async fn run(self: Arc<Self>) {
        let worker = WorkerId::new(Uuid::now_v7().to_string());
        let signal = self.storage.unowned_signal();
        let stop = self.tasks.stopping().clone();
        while !stop.is_cancelled() {
            if let Err(error) = self.take_over(&worker).await {
                trouble::note(&error);
                tracing::debug!(%error, "queues can't be taken over; trying again");
            }
            // The signal is an accelerator: an owner that fell silent gives none, and where no ticket comes nobody does.
            let look_again = tokio::time::sleep(LOOK_AGAIN.min(self.lease / 4));
            chance::select! {
                () = signal.notified() => {}
                () = look_again => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn take_over(self: &Arc<Self>, worker: &WorkerId) -> Result<(), storage::StorageError> {
        for queue in self.storage.unowned_queues(self.now()).await? {
            if let Some(lease) = self.storage.claim(&queue, worker, self.lease, self.now()).await? {
                self.start(queue, lease);
            }
        }
        Ok(())
    }

    fn start(self: &Arc<Self>, queue: QueueKey, lease: Lease) {
        // A queue that was taken out of the configuration still has its tickets: its key says what to do with them.
        let settings = self.queues.of(&queue);
        tracing::debug!(%queue, fence = lease.fence, "owning a queue");
        let worker = Worker::new(Arc::clone(self), queue, settings, lease);
        self.tasks.spawn("queue worker", worker.run());
    }

    fn now(&self) -> Time {
        Time(self.clock.now_ms())
    }
}

/// What there is to say about a queue of which only the settings are known.
pub(crate) fn unknown(settings: &QueueSettings) -> QueueReport {
    QueueReport {
        land_type: settings.land_type.clone(),
        rules: settings.shown_rules(),
        ..QueueReport::default()
    }
}

#[cfg(test)]
mod tests;
