//! One address of the control plane: its connection, and whether it is worth trying.
//!
//! A connection is made once and never repaired: where it broke, whoever comes next makes another. Many may wait for it
//! at the same time, and all of them learn at the same time that it can't be made. (A channel that reconnects by
//! itself tells one caller after the other, each after a timeout of its own.)

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use runtime::{
    control_plane::{Calls, Way},
    endpoints,
};

use super::shared::SharedAnswer;

/// Room for this many bytes on the way: thousands of tickets change at once on one stream, and the default of 64 KiB would
/// stall it, or end it for too many tiny frames.
const WINDOW: u32 = 16 * 1024 * 1024;

/// A peer that vanished without a word is noticed within the sum of the two, also while nobody calls: early enough for
/// another replica to answer the calls that waited for it.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(3);

/// Whether a replica is worth trying, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It said so itself, and nothing spoke against it since.
    Serving,
    /// It is new, or failed somebody a moment ago; it is being asked.
    InDoubt,
    /// It can't be reached, or says that it doesn't serve.
    Away,
    /// It is well and serves no clients. Not tried at all: it can only say no, which would hide why the others fail.
    OtherRole,
}

/// One address of the control plane.
pub(crate) struct Replica {
    endpoint: endpoints::Endpoint,
    connect_timeout: Duration,
    way: Way,
    connection: SharedAnswer<Result<Connection, Arc<str>>>,
    // Held to read or to write it.
    standing: Mutex<Standing>,
    calls: AtomicUsize,
}

/// A connection. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    channel: Calls,
    given_up: Arc<AtomicBool>,
}

/// Counts a call for as long as it lives.
pub(super) struct InFlight<'a>(&'a AtomicUsize);

impl Replica {
    pub(super) fn new(endpoint: endpoints::Endpoint, connect_timeout: Duration, way: Way) -> Self {
        Self {
            endpoint,
            connect_timeout,
            way,
            connection: SharedAnswer::new(connect_timeout),
            standing: Mutex::new(Standing::InDoubt),
            calls: AtomicUsize::default(),
        }
    }

    /// Its address and name.
    pub(crate) fn endpoint(&self) -> &endpoints::Endpoint {
        &self.endpoint
    }

    /// Whether it is worth trying.
    pub(crate) fn standing(&self) -> Standing {
        *self.standing.lock()
    }

    /// Returns what it was.
    pub(super) fn stands(&self, standing: Standing) -> Standing {
        std::mem::replace(&mut *self.standing.lock(), standing)
    }

    /// It failed somebody. What is known to be away stays so.
    pub(super) fn doubt(&self) {
        let mut standing = self.standing.lock();
        *standing = (*standing).max(Standing::InDoubt);
    }

    /// How many calls wait for its answer.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    pub(super) fn begin_call(&self) -> InFlight<'_> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.calls)
    }

    /// The connection, which is made where there is none. Fails within the connect timeout, with the cause.
    pub(crate) async fn connection(&self) -> Result<Connection, Arc<str>> {
        let usable = |answer: &Result<Connection, _>, _| {
            answer.as_ref().is_ok_and(|connection| !connection.given_up.load(Ordering::Relaxed))
        };
        let (way, endpoint, within) = (self.way.clone(), self.endpoint.clone(), self.connect_timeout);
        self.connection.get(usable, move || connect(way, endpoint, within)).await
    }
}

impl Connection {
    /// For clients.
    pub(crate) fn channel(&self) -> Calls {
        self.channel.clone()
    }

    /// Whoever comes next makes another. What is under way on this one goes on.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connect(way: Way, endpoint: endpoints::Endpoint, within: Duration) -> Result<Connection, Arc<str>> {
    let connected = way.connect(&endpoint, within, |transport| {
        transport
            .http2_keep_alive_interval(KEEPALIVE_EVERY)
            .keep_alive_timeout(KEEPALIVE_ANSWER)
            .keep_alive_while_idle(true)
            .initial_connection_window_size(WINDOW)
            .initial_stream_window_size(WINDOW)
    });
    match connected.await {
        Ok(channel) => Ok(Connection { channel, given_up: Arc::default() }),
        Err(error) => Err(format!("{error:#}").into()),
    }
}
