//! How a server goes: no new lands, a time for those that are left, and then the end.
//!
//! Two things may have a deadline. A drain that the control plane ordered ends the lands that are left, and tells the game server
//! to end; the agent stays, so that it can be seen that the server is drained. An agent that is told to stop drains
//! and waits for its lands, and leaves when they are over, when its time is up, or when nobody is there who could end them;
//! lands that are left then live on in the game server, which may have another agent soon.

use super::{
    Machine,
    lands::State,
    messages::{Draining, Note, Notice, Up},
    sdk::Standing,
};

/// For how long the game server may listen no more before an agent that is about to leave takes it for gone.
const GONE_MS: u64 = 2_000;

/// Why no new lands are taken, and until when the others may go on.
#[derive(Debug)]
pub(super) struct Drain {
    pub(super) reason: String,
    /// When the lands that are left end.
    deadline_ms: Option<u64>,
    /// Whether that time has come.
    pub(super) over: bool,
}

impl Machine {
    /// Takes no new lands from now on, and ends those that are left after `within_ms`. Of two deadlines the earlier one
    /// holds, as at the control plane; repeating it changes nothing.
    pub fn drain(&mut self, now_ms: u64, reason: String, within_ms: Option<u64>) {
        /// What a deadline may be off that was sent a second time.
        const SAME_MS: u64 = 1_000;
        let deadline_ms = within_ms.map(|ms| now_ms.saturating_add(ms));
        match &mut self.draining {
            None => self.draining = Some(Drain { reason, deadline_ms, over: false }),
            Some(drain) => {
                let Some(deadline_ms) = deadline_ms else { return };
                let holds = |known: u64| deadline_ms.saturating_add(SAME_MS) > known;
                if drain.over || drain.deadline_ms.is_some_and(holds) {
                    return;
                }
                (drain.reason, drain.deadline_ms) = (reason, Some(deadline_ms));
            }
        }
        self.tell_of_drain(now_ms);
        self.link.hurry(now_ms);
    }

    /// The agent is to end within `patience_ms`: drains, waits for the lands, says goodbye. Repeating it changes nothing.
    pub fn stop(&mut self, now_ms: u64, patience_ms: u64) {
        if self.leaves_ms.is_some() || self.link.is_stopping() {
            return;
        }
        let reason = "the agent is shutting down";
        for command in self.lands.undecided() {
            self.lands.remove(&command.land_id);
            self.refuse(command.command_id.clone(), command.land_id.as_str(), reason);
            self.tell(Notice::Release { land_id: command.land_id.clone(), reason: reason.to_owned() });
        }
        if patience_ms == 0 || self.nothing_to_wait_for(now_ms) {
            self.shut_down(now_ms);
            return;
        }
        self.leaves_ms = Some(now_ms.saturating_add(patience_ms));
        if self.draining.is_none() {
            self.drain(now_ms, reason.to_owned(), None);
        } else {
            self.tell_of_drain(now_ms);
        }
    }

    /// The process of the game server has ended: so have its lands. Nothing is given to it before it is ready again.
    pub fn game_server_exited(&mut self, now_ms: u64, why: &str) {
        if self.link.is_stopping() {
            return;
        }
        let ids: Vec<_> = self.lands.iter().map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.fail(now_ms, &id, why);
        }
        self.exited = true;
        self.untold.clear();
        self.sdk.begin_anew();
        self.link.hurry(now_ms);
    }

    /// It was started again. Where it says by itself when it is ready, that is still to come.
    pub fn game_server_started(&mut self, now_ms: u64) {
        if self.terms.mode != super::Mode::Report && std::mem::take(&mut self.exited) {
            self.link.hurry(now_ms);
        }
    }

    /// What there is to say of the drain, where there is one.
    pub(super) fn drain_told(&self, now_ms: u64) -> Option<Draining> {
        let drain = self.draining.as_ref()?;
        let deadline_ms = [drain.deadline_ms, self.leaves_ms].into_iter().flatten().min();
        let deadline_ms = deadline_ms.map(|at_ms| at_ms.saturating_sub(now_ms));
        Some(Draining { reason: drain.reason.clone(), deadline_ms })
    }

    /// When the lands that are left have to be over, in milliseconds since 1970.
    pub(super) fn drain_deadline_ms(&self) -> Option<u64> {
        let ordered = self.draining.as_ref().and_then(|drain| drain.deadline_ms);
        [ordered, self.leaves_ms].into_iter().flatten().min()
    }

    /// The game server was told to end.
    pub(super) fn drain_is_over(&self) -> bool {
        self.draining.as_ref().is_some_and(|drain| drain.over)
    }

    pub(super) fn next_drain_ms(&self) -> Option<u64> {
        let ordered = self.draining.as_ref().and_then(|drain| drain.deadline_ms);
        if self.link.is_stopping() {
            return None;
        }
        let leaves = self.leaves_ms.map(|at_ms| match (self.lands.len(), self.unwatched_since_ms) {
            // Now: whatever ended the last land.
            (0, _) => 0,
            (_, Some(since_ms)) if self.ever_watched => at_ms.min(since_ms.saturating_add(GONE_MS)),
            _ => at_ms,
        });
        [ordered, leaves].into_iter().flatten().min()
    }

    pub(super) fn drain_time_passed(&mut self, now_ms: u64) {
        if self.link.is_stopping() {
            return;
        }
        if self.draining.as_ref().and_then(|drain| drain.deadline_ms).is_some_and(|at_ms| at_ms <= now_ms) {
            self.end_the_drain(now_ms);
        }
        if self.leaves_ms.is_some_and(|at_ms| at_ms <= now_ms || self.nothing_to_wait_for(now_ms)) {
            self.shut_down(now_ms);
        }
    }

    fn end_the_drain(&mut self, now_ms: u64) {
        let Some(drain) = &mut self.draining else { return };
        (drain.deadline_ms, drain.over) = (None, true);
        let left: Vec<_> = self.lands.iter().map(|(id, _)| id.clone()).collect();
        let reason = "the drain's deadline has come";
        self.note(Note::Drained { left: left.len() });
        for land_id in left {
            if let Some(State::Allocating(command)) = self.lands.remove(&land_id).map(|land| land.state) {
                self.refuse(command.command_id.clone(), land_id.as_str(), reason);
            }
            self.tell(Notice::Release { land_id, reason: reason.to_owned() });
        }
        self.tell(Notice::Shutdown { reason: reason.to_owned() });
        self.sdk.changed();
        self.link.hurry(now_ms);
    }

    /// No land is left, or nobody who could end one.
    fn nothing_to_wait_for(&self, now_ms: u64) -> bool {
        let unwatched_ms = self.unwatched_since_ms.map_or(0, |since_ms| now_ms.saturating_sub(since_ms));
        let gone = self.ever_watched && unwatched_ms >= GONE_MS;
        self.lands.len() == 0 || gone || self.sdk.standing() == Standing::Dead
    }

    fn tell_of_drain(&mut self, now_ms: u64) {
        if let Some(draining) = self.drain_told(now_ms) {
            self.note(Note::Draining(draining.clone()));
            self.tell(Notice::Drain(draining));
            self.sdk.changed();
        }
    }

    /// The land broke. Returns whether it was ready; then its place is free, and the command that ordered it is refused after
    /// the fact, so that the reason is told on.
    pub(super) fn fail(&mut self, now_ms: u64, id: &crate::ids::LandId, reason: &str) -> bool {
        let Some(land) = self.lands.remove(id) else { return false };
        match land.state {
            State::Allocating(command) => {
                self.refuse(command.command_id.clone(), id.as_str(), reason);
                false
            }
            State::Ready => {
                let reason = super::shortened(reason).to_owned();
                self.note(Note::Failed { land_id: id.clone(), reason: reason.clone() });
                if let Some(command_id) = land.command {
                    self.send(Up::LandRefused { command_id, reason });
                }
                self.link.hurry(now_ms);
                true
            }
        }
    }
}
