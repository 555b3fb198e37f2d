//! Drives the machine: brings it what happens, and does what it says, one thing at a time and in order.
//!
//! This is the only place where the machine meets the network, the clock and chance. It decides nothing. The one stream to
//! the control plane is a task of its own (`stream/connection.rs`); of a stream that was given up nothing is heard any more.

mod connection;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod log;
mod wire;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use proto::provisioning::v1::ConnectRequest;
use runtime::{Clock, Tasks};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::route::Route;
use crate::{
    config::Server,
    handle::{Call, Watch},
    ids::InstanceId,
    machine::{End, Loss, Machine, Note, Notice, Output, Up},
};
use connection::{Event, Events};

/// What may wait to be sent to the control plane, and to be read from it.
const UPSTREAM: usize = 256;
const EVENTS: usize = 64;
/// How long the control plane may not read before its stream is taken for stuck.
const STUCK: Duration = Duration::from_secs(1);
/// What may wait for a game server that doesn't read, before it is cut off.
const WATCHED: usize = 256;
/// Where nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// Who the agent speaks for.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) server: Arc<Server>,
    pub(crate) instance_id: InstanceId,
}

/// Owns the machine and everything that it acts on.
pub(crate) struct Driver {
    identity: Identity,
    machine: Machine,
    clock: Clock,
    route: Route,
    /// Where the present stream goes.
    addr: Option<SocketAddr>,
    tasks: Tasks,
    /// The number of the present stream; what other streams report is old news.
    stream_number: u64,
    upstream: Option<Upstream>,
    events: mpsc::Receiver<(u64, Event)>,
    report: mpsc::Sender<(u64, Event)>,
    watcher: Option<mpsc::Sender<Notice>>,
    game_server: GameServer,
    log: log::Log,
}

/// The game server's side of it.
pub(crate) struct GameServer {
    /// What it asks.
    pub(crate) calls: mpsc::Receiver<Call>,
    /// Says that there is something new to see through the Agones SDK.
    pub(crate) changes: watch::Sender<u64>,
    /// How long its lands may go on once the agent is to stop.
    pub(crate) patience_ms: u64,
    /// Cancelled when it is to end.
    pub(crate) shutdown: CancellationToken,
}

/// The present stream.
struct Upstream {
    /// `None` while it is being opened, and after the goodbye.
    outbound: Option<mpsc::Sender<ConnectRequest>>,
    /// Ends the stream's task when it is dropped.
    _give_up: DropGuard,
}

impl Driver {
    pub(crate) fn new(
        identity: Identity,
        machine: Machine,
        clock: Clock,
        route: Route,
        tasks: Tasks,
        game_server: GameServer,
    ) -> Self {
        let (report, events) = mpsc::channel(EVENTS);
        Self {
            log: log::Log::new(&identity.server),
            identity,
            machine,
            clock,
            route,
            addr: None,
            tasks,
            stream_number: 0,
            upstream: None,
            events,
            report,
            watcher: None,
            game_server,
        }
    }

    /// Runs until the machine has ended, which `stop` makes it do.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> End {
        let crashed = self.tasks.stopping().clone();
        let (mut stopping, mut crashing) = (false, false);
        loop {
            if let Some(end) = self.carry_out().await {
                return end;
            }
            self.log.state(&self.machine);
            let revision = self.machine.sdk_revision();
            self.game_server.changes.send_if_modified(|shown| std::mem::replace(shown, revision) != revision);
            self.machine.set_replicas(self.route.len());
            let due = match self.machine.next_deadline_ms() {
                Some(at_ms) => self.clock.instant_of(at_ms),
                None => tokio::time::Instant::now() + IDLE,
            };
            tokio::select! {
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.machine.stop(self.clock.now_ms(), self.game_server.patience_ms);
                }
                // A crash elsewhere leaves time for a goodbye and no more.
                () = crashed.cancelled(), if !crashing => {
                    crashing = true;
                    self.machine.shut_down(self.clock.now_ms());
                }
                Some((number, event)) = self.events.recv() => self.happened(number, event),
                Some(call) = self.game_server.calls.recv() => self.asked(call),
                () = gone(self.watcher.as_ref()) => self.unwatched(),
                () = tokio::time::sleep_until(due) => self.machine.time_passed(self.clock.now_ms(), jitter()),
            }
        }
    }

    fn happened(&mut self, number: u64, event: Event) {
        let now_ms = self.clock.now_ms();
        let Some(upstream) = self.upstream.as_mut().filter(|_| number == self.stream_number) else {
            return;
        };
        match event {
            Event::Opened(outbound) => {
                upstream.outbound = Some(outbound);
                self.machine.stream_opened(now_ms);
            }
            Event::Received(message) => self.machine.received(now_ms, jitter(), message),
            Event::Lost(loss) => {
                self.upstream = None;
                self.route.failed();
                self.machine.stream_lost(now_ms, jitter(), loss);
            }
        }
    }

    fn asked(&mut self, call: Call) {
        let now_ms = self.clock.now_ms();
        match call {
            Call::Machine(question) => question(&mut self.machine, now_ms),
            Call::Watch(answer) => {
                let (watcher, following) = mpsc::channel(WATCHED);
                if let Some(older) = self.watcher.replace(watcher) {
                    // Where it doesn't read, its stream ends all the same, as its sender is dropped here.
                    older.try_send(Notice::Replaced).ok();
                }
                let missed = self.machine.watcher_came(now_ms);
                if let Err(Watch { missed, .. }) = answer.send(Watch { missed, following }) {
                    missed.into_iter().for_each(|notice| self.machine.not_told(notice));
                    self.unwatched();
                }
            }
        }
    }

    fn unwatched(&mut self) {
        self.watcher = None;
        self.machine.watcher_went(self.clock.now_ms());
    }

    /// Does what the machine says. Returns how it ended, where it did.
    async fn carry_out(&mut self) -> Option<End> {
        while let Some(output) = self.machine.next_output() {
            match output {
                Output::Connect => self.connect(),
                Output::Disconnect => {
                    self.upstream = None;
                    self.route.failed();
                }
                Output::Send(message) => self.send(message).await,
                Output::Tell(notice) => self.tell(notice),
                Output::Note(note) => {
                    if matches!(note, Note::Registered { .. }) {
                        self.route.arrived();
                    }
                    self.log.note(&note, self.addr);
                }
                Output::Finished(end) => return Some(end),
            }
        }
        None
    }

    fn connect(&mut self) {
        self.stream_number += 1;
        let give_up = CancellationToken::new();
        let events = Events::new(self.stream_number, self.report.clone());
        let endpoint = self.route.next();
        self.addr = endpoint.as_ref().map(|endpoint| endpoint.addr);
        let stream = connection::run(self.route.way().clone(), endpoint, UPSTREAM, events);
        let given_up = give_up.clone();
        self.tasks.spawn("stream to the control plane", async move {
            tokio::select! {
                () = stream => {}
                // Not when tasks stop: after a crash elsewhere there is still a goodbye to say.
                () = given_up.cancelled() => {}
            }
        });
        self.upstream = Some(Upstream { outbound: None, _give_up: give_up.drop_guard() });
    }

    async fn send(&mut self, message: Up) {
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        let Some(outbound) = &upstream.outbound else {
            return;
        };
        self.log.sending(&message);
        let last = matches!(message, Up::Goodbye { .. });
        let message = wire::request(&self.identity, message);
        match outbound.send_timeout(message, STUCK).await {
            // The end of our side tells the control plane that nothing follows.
            Ok(()) if last => upstream.outbound = None,
            Ok(()) => {}
            // The stream's task says why it ended.
            Err(mpsc::error::SendTimeoutError::Closed(_)) => upstream.outbound = None,
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                self.upstream = None;
                let loss = Loss::Broken("the control plane does not read what it is sent".to_owned());
                self.machine.stream_lost(self.clock.now_ms(), jitter(), loss);
            }
        }
    }

    fn tell(&mut self, notice: Notice) {
        if matches!(notice, Notice::Shutdown { .. }) {
            self.game_server.shutdown.cancel();
        }
        let Some(watcher) = &self.watcher else {
            self.machine.not_told(notice);
            return;
        };
        match watcher.try_send(notice) {
            Ok(()) => {}
            // That it has gone is seen in a moment.
            Err(mpsc::error::TrySendError::Closed(notice)) => self.machine.not_told(notice),
            Err(mpsc::error::TrySendError::Full(notice)) => {
                tracing::warn!("the game server does not read its land commands; its connection is cut");
                self.machine.not_told(notice);
                self.unwatched();
            }
        }
    }
}

/// Returns when the watcher has gone; never where there is none.
async fn gone(watcher: Option<&mpsc::Sender<Notice>>) {
    match watcher {
        Some(watcher) => watcher.closed().await,
        None => std::future::pending().await,
    }
}

fn jitter() -> f64 {
    rand::random()
}
