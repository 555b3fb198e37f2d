//! What a test asks to find out whether the gateway let go of everything.

use std::sync::{Arc, atomic::Ordering};

use crate::app::App;

/// Looks at what a gateway holds at the moment. Cheap to clone, also good after the gateway has ended.
#[derive(Clone)]
pub struct Probe {
    app: Arc<App>,
}

impl Probe {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Open sockets on `/realtime`.
    pub fn sockets(&self) -> usize {
        self.app.sockets.load(Ordering::Relaxed)
    }

    /// Open connections that are no sockets, on both listeners.
    pub fn connections(&self) -> usize {
        self.app.connections.load(Ordering::Relaxed)
    }

    /// Followers of tickets: sockets' tickets, and requests that wait for a status.
    pub fn subscriptions(&self) -> usize {
        self.app.hub.followers()
    }

    /// Tickets that the control plane was asked to send events of, and not yet told to stop.
    pub fn upstream_subscriptions(&self) -> usize {
        self.app.hub.subscribed_upstream()
    }

    /// Tasks that have not ended.
    pub fn tasks(&self) -> usize {
        self.app.tasks.len()
    }
}
