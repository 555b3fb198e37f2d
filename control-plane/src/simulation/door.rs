//! The way to whichever control plane is there, for who comes from outside.

use std::{sync::Arc, time::Duration};

use matching::Time;
use parking_lot::Mutex;
use runtime::Clock;
use tokio_util::sync::CancellationToken;

use super::{history::Log, slow::Slow};
use crate::grpc::provisioning::ProvisioningService;

/// How long somebody waits who got no answer, before they ask again.
pub(super) const AGAIN: Duration = Duration::from_millis(300);

#[derive(Debug, Clone)]
pub(super) struct Door {
    present: Arc<Mutex<Option<Present>>>,
    clock: Clock,
    pub(super) log: Log,
}

/// A control plane that takes calls.
#[derive(Debug, Clone)]
pub(super) struct Present {
    pub(super) storage: Arc<Slow>,
    pub(super) provisioning: ProvisioningService,
    /// When it is, no call is answered any more.
    pub(super) died: CancellationToken,
}

impl Door {
    pub(super) fn new(clock: Clock, log: Log) -> Self {
        Self { present: Arc::default(), clock, log }
    }

    /// From now on, this one answers; or nobody does.
    pub(super) fn leads_to(&self, present: Option<Present>) {
        *self.present.lock() = present;
    }

    pub(super) fn present(&self) -> Option<Present> {
        self.present.lock().clone()
    }

    pub(super) fn now(&self) -> Time {
        Time(self.clock.now_ms())
    }
}
