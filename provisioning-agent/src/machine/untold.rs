//! Lands that are to end, of which the game server has not heard: nobody listened, or who did read too slowly.
//!
//! The agent has given their places back already, so a game server that never hears of them runs more lands than it has room
//! for. All else that a game server may miss is kept where it is (`Machine::watcher_came`); of a released land nothing else is left.

use std::collections::VecDeque;

use super::{Machine, lands::State, messages::Notice, shortened};
use crate::ids::LandId;

/// The most that are kept; of more the oldest are forgotten.
const MOST: usize = 1_024;

/// The oldest first, each land once.
#[derive(Debug, Default)]
pub(super) struct Untold(VecDeque<(LandId, String)>);

impl Untold {
    fn remember(&mut self, id: LandId, reason: &str) {
        self.forget(&id);
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((id, shortened(reason).to_owned()));
    }

    /// The game server has ended it by itself.
    pub(super) fn forget(&mut self, id: &LandId) {
        self.0.retain(|(known, _)| known != id);
    }

    /// No land lives there any more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Machine {
    /// This was for the game server, and nobody took it. A land's release is told to who listens next; whatever else there was
    /// to say is known here without this.
    pub fn not_told(&mut self, notice: Notice) {
        if let Notice::Release { land_id, reason } = notice {
            self.untold.remember(land_id, &reason);
        }
    }

    /// What was not told, for who listens now. A land that was ordered again and is ready stays.
    pub(super) fn take_untold(&mut self) -> Vec<Notice> {
        let untold = std::mem::take(&mut self.untold).0.into_iter();
        let lands = &self.lands;
        let is_over = |id: &LandId| !matches!(lands.get(id).map(|land| &land.state), Some(State::Ready));
        let over = untold.filter(|(id, _)| is_over(id));
        over.map(|(land_id, reason)| Notice::Release { land_id, reason }).collect()
    }
}
