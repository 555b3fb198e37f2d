//! The agent's mind: one state machine without network, clock or task.
//!
//! Everything that happens is a call with the time in it; what follows from it comes out of [`Machine::next_output`], in order.
//! Whoever drives it (`stream.rs`) calls [`Machine::time_passed`] no later than [`Machine::next_deadline_ms`]. So a
//! test lives through a week of failures in a microsecond, and nothing here can block or be cut off halfway.
//!
//! It owns which lands there are, what the control plane was told, when it is told next and when it is tried again. What the
//! control plane commands is in `machine/commands.rs`, what the game server asks in `machine/game_server.rs`, or, through the
//! Agones SDK, in `machine/sdk.rs`. How a server goes is in `machine/drain.rs`, how much fits in `machine/capacity.rs`.

mod capacity;
mod commands;
mod drain;
mod game_server;
mod lands;
mod link;
mod messages;
mod sdk;
mod untold;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::ids::{CommandId, LandId};
use drain::Drain;
use lands::{Lands, State};
use link::{FAREWELL_MS, Link, LinkState};
use sdk::Sdk;
use untold::Untold;

pub use game_server::{AdoptError, LandError, LandStatus, MOST_PLAYERS, Phase, Status};
pub use lands::TooMuch;
pub use messages::{
    Allocation, Capacity, Down, Draining, End, LandReport, Loss, Mode, Note, Notice, Output, Team, Terms, Up,
};
pub use sdk::{
    Counter, CounterChange, HealthTerms, List, ListChange, MOST_VALUES, PLAYERS, ROOMS, SdkError, SdkLands,
    SdkTerms, SdkView, Standing,
};

/// For how long nobody may listen for lands before the control plane is told that the game server doesn't answer.
const UNWATCHED_MS: u64 = 10_000;
/// The most lands that a server can hold at once.
pub const MOST_LANDS: u32 = 100_000;
/// The most players, in all its lands.
pub const MOST_SEATS: u32 = 100_000_000;
/// The longest reason that goes to the control plane, in bytes.
pub const MAX_REASON_BYTES: usize = 512;

/// The state of one agent.
#[derive(Debug)]
pub struct Machine {
    terms: Terms,
    /// Whether the game server can take lands: the first registration waits for it.
    ready: bool,
    /// Why no new lands are taken, where none are.
    draining: Option<Drain>,
    /// When the agent leaves at the latest, where it is about to.
    leaves_ms: Option<u64>,
    /// Whether the game server's process has ended, and none has said since that it is ready.
    exited: bool,
    /// Whether capacities have changed since the hello of this stream.
    capacity_changed: bool,
    /// Since when nobody listens for lands; `None` while somebody does.
    unwatched_since_ms: Option<u64>,
    /// Whether anybody ever listened for lands: such a game server is asked, also while it is away for a moment.
    ever_watched: bool,
    link: Link,
    lands: Lands,
    /// What is said and asked through the Agones SDK.
    sdk: Sdk,
    /// What is to end and was not told.
    untold: Untold,
    outputs: VecDeque<Output>,
}

impl Machine {
    /// Starts at `now_ms`. With [`Mode::Auto`] registration begins at once, else when the game server says that it is ready.
    pub fn start(mut terms: Terms, now_ms: u64) -> Self {
        if let Some(players) = terms.player_capacity {
            let capacity = i64::from(players).min(MOST_VALUES);
            terms.sdk.lists.entry(PLAYERS.to_owned()).or_insert(capacity);
        }
        let mut machine = Self {
            ready: terms.mode != Mode::Report,
            sdk: Sdk::new(terms.sdk.clone()),
            terms,
            draining: None,
            leaves_ms: None,
            exited: false,
            capacity_changed: false,
            unwatched_since_ms: Some(now_ms),
            ever_watched: false,
            link: Link::default(),
            lands: Lands::default(),
            untold: Untold::default(),
            outputs: VecDeque::new(),
        };
        if machine.ready {
            machine.connect(now_ms);
        }
        machine
    }

    /// What is to be done next.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Machine::time_passed`], at the latest.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        let own = [self.link.next_ms(), self.lands.next_due_ms(), self.sdk.next_ms()];
        let deadlines = own.into_iter().chain([self.next_drain_ms()]);
        deadlines.flatten().min()
    }

    /// Whether the control plane has this server on its list, as far as is known here.
    pub fn is_registered(&self) -> bool {
        self.link.is_registered()
    }

    /// There are that many replicas of the control plane; one, until this is told. Each [`Output::Connect`] goes to another of
    /// them, and there is no wait before all have failed.
    pub fn set_replicas(&mut self, count: usize) {
        self.link.replicas = count.max(1);
    }

    /// How many lands there are, decided or not.
    pub fn land_count(&self) -> usize {
        self.lands.len()
    }

    /// The stream that [`Output::Connect`] asked for is open.
    pub fn stream_opened(&mut self, now_ms: u64) {
        if !matches!(self.link.state, LinkState::Opening { .. }) {
            return;
        }
        self.link.opened(now_ms);
        self.capacity_changed = false;
        let (lands, draining, capacity) = (self.lands.report(), self.takes_no_lands(), self.capacity());
        self.send(Up::Hello { lands, draining, capacity });
        if !self.healthy(now_ms) {
            // Hello doesn't say so; the first heartbeat does, right after the welcome.
            self.link.soon(now_ms);
        }
    }

    /// The stream ended, or could not be opened. `jitter` is a random number from 0 to 1.
    pub fn stream_lost(&mut self, now_ms: u64, jitter: f64, loss: Loss) {
        match (&self.link.state, loss) {
            (LinkState::Leaving { .. }, _) => self.finish(End::Stopped),
            (LinkState::Parting { .. }, _) => self.parted(now_ms),
            (LinkState::Idle | LinkState::Waiting { .. } | LinkState::Ended, _) => {}
            (_, Loss::Superseded) => self.superseded(String::new()),
            // Who was welcome before may be again: another try costs nothing and a server that gives up costs its players.
            (_, Loss::Refused(cause)) if !self.link.ever_registered => self.finish(End::Refused(cause)),
            (_, Loss::Broken(cause) | Loss::Refused(cause)) => self.lost(now_ms, jitter, cause),
            (_, Loss::PassedOver(cause)) => self.passed_over(now_ms, jitter, cause),
        }
    }

    /// Does what is due at `now_ms`. `jitter` is a random number from 0 to 1.
    pub fn time_passed(&mut self, now_ms: u64, jitter: f64) {
        match &self.link.state {
            LinkState::Waiting { until_ms } if *until_ms <= now_ms => self.connect(now_ms),
            LinkState::Opening { give_up_ms } if *give_up_ms <= now_ms => {
                self.outputs.push_back(Output::Disconnect);
                self.lost(now_ms, jitter, "no connection within 5 s".to_owned());
            }
            LinkState::Greeting { give_up_ms, .. } if *give_up_ms <= now_ms => {
                self.outputs.push_back(Output::Disconnect);
                self.lost(now_ms, jitter, "no welcome within 5 s".to_owned());
            }
            LinkState::Leaving { give_up_ms } if *give_up_ms <= now_ms => {
                self.outputs.push_back(Output::Disconnect);
                self.finish(End::Stopped);
            }
            LinkState::Parting { give_up_ms } if *give_up_ms <= now_ms => {
                self.outputs.push_back(Output::Disconnect);
                self.parted(now_ms);
            }
            _ => {}
        }
        self.sdk_time_passed(now_ms);
        self.drain_time_passed(now_ms);
        while let Some((land_id, land)) = self.lands.take_due(now_ms) {
            match land.state {
                State::Allocating(command) => self.give_up(&command.command_id, &land_id),
                State::Ready => self.link.hurry(now_ms),
            }
        }
        if let Some(sequence) = self.link.due_heartbeat(now_ms) {
            self.send(Up::Heartbeat {
                sequence,
                healthy: self.healthy(now_ms),
                lands: self.lands.report(),
                draining: self.takes_no_lands(),
                capacity: self.capacity_changed.then(|| self.capacity()),
            });
        }
    }

    /// Says goodbye where it can be heard, and ends; lands that are left live on in the game server. Repeating it changes nothing.
    pub fn shut_down(&mut self, now_ms: u64) {
        if self.link.is_stopping() {
            return;
        }
        self.forget_undecided("the agent is shutting down");
        if let LinkState::Parting { give_up_ms } = self.link.state {
            // Goodbye was said already, for the game server.
            self.link.state = LinkState::Leaving { give_up_ms };
        } else if self.link.is_open() {
            self.send(Up::Goodbye { reason: "the agent is shutting down" });
            self.link.state = LinkState::Leaving { give_up_ms: now_ms + FAREWELL_MS };
        } else {
            self.outputs.push_back(Output::Disconnect);
            self.finish(End::Stopped);
        }
    }

    /// The game server can take lands: registration begins, where it has not.
    fn open(&mut self, now_ms: u64) {
        self.exited = false;
        if std::mem::replace(&mut self.ready, true) {
            self.link.hurry(now_ms);
            return;
        }
        if self.unwatched_since_ms.is_some() {
            self.unwatched_since_ms = Some(now_ms);
        }
        self.sdk.revive();
        // Where a goodbye is on its way, it goes first.
        if !matches!(self.link.state, LinkState::Parting { .. }) {
            self.connect(now_ms);
        }
    }

    /// The goodbye of a game server has arrived, or never will. The next life may have begun.
    fn parted(&mut self, now_ms: u64) {
        self.link.state = LinkState::Idle;
        if self.ready {
            self.connect(now_ms);
        }
    }

    fn takes_no_lands(&self) -> bool {
        self.draining.is_some() || self.sdk.is_reserved() || self.has_no_room_at_all()
    }

    fn connect(&mut self, now_ms: u64) {
        self.link.open(now_ms);
        self.outputs.push_back(Output::Connect);
    }

    fn lost(&mut self, now_ms: u64, jitter: f64, cause: String) {
        // The control plane gives its open commands to other servers as soon as it sees the loss.
        self.forget_undecided("the control plane was lost before there was an answer");
        self.link.lost(now_ms, jitter);
        if !std::mem::replace(&mut self.link.noted_lost, true) {
            self.note(Note::Lost { cause });
        }
    }

    /// Not worth a word while there are others to try; where there are none, it is why nothing goes on.
    fn passed_over(&mut self, now_ms: u64, jitter: f64, cause: String) {
        self.link.lost(now_ms, jitter);
        let others = matches!(self.link.state, LinkState::Waiting { until_ms } if until_ms <= now_ms);
        if !others && !std::mem::replace(&mut self.link.noted_lost, true) {
            self.note(Note::Lost { cause });
        }
    }

    fn superseded(&mut self, by_instance_id: String) {
        self.forget_undecided("a newer instance holds this server id");
        let reason = "a newer instance holds this server id".to_owned();
        self.tell(Notice::Drain(Draining { reason, deadline_ms: None }));
        self.finish(End::Superseded(by_instance_id));
    }

    fn finish(&mut self, end: End) {
        self.link.state = LinkState::Ended;
        self.outputs.push_back(Output::Finished(end));
    }

    /// The game server was silent for as long as the control plane waits.
    fn give_up(&mut self, command_id: &CommandId, land_id: &LandId) {
        let reason = "the game server did not answer in time";
        self.refuse(command_id.clone(), land_id.as_str(), reason);
        self.tell(Notice::Release { land_id: land_id.clone(), reason: reason.to_owned() });
    }

    fn forget_undecided(&mut self, reason: &str) {
        for command in self.lands.undecided() {
            self.lands.remove(&command.land_id);
            self.tell(Notice::Release { land_id: command.land_id.clone(), reason: reason.to_owned() });
        }
    }

    fn refuse(&mut self, command_id: CommandId, land_id: &str, reason: &str) {
        let reason = shortened(reason).to_owned();
        self.note(Note::Refused { land_id: land_id.to_owned(), reason: reason.clone() });
        self.send(Up::LandRefused { command_id, reason });
    }

    /// Whether there is a game server to answer: with [`Mode::Auto`] none is needed, and one that speaks nothing but the SDK is
    /// judged by what is heard of it there.
    fn healthy(&self, now_ms: u64) -> bool {
        let unwatched_ms = self.unwatched_since_ms.map(|since| now_ms.saturating_sub(since));
        let listens = unwatched_ms.is_none_or(|ms| ms < UNWATCHED_MS);
        let answers =
            self.terms.mode != Mode::Report || listens || (self.sdk.has_spoken() && !self.ever_watched);
        answers && !self.exited && !self.sdk.standing().is_silent()
    }

    fn send(&mut self, message: Up) {
        self.outputs.push_back(Output::Send(message));
    }

    fn tell(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Tell(notice));
    }

    fn note(&mut self, note: Note) {
        self.outputs.push_back(Output::Note(note));
    }
}

/// As much of a reason as the contract allows, cut between characters.
fn shortened(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}
