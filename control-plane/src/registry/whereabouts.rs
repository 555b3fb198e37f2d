//! Where a land is, for who knows it from before.

use serde::{Deserialize, Serialize};
use storage::{LandId, ServerId};

use super::Registry;

/// What this replica, or all of them together, know of a land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whereabouts {
    /// It is on a server that is there.
    Ready {
        server: ServerId,
        /// The part of a connect URL before `/game/`.
        connect_base: String,
    },
    /// A server was asked to make it, and has not answered yet.
    Reserved,
    /// The server that had it says what it has, and that isn't among it.
    Gone,
    /// Nobody here can tell.
    Unknown,
}

impl Registry {
    /// Of this replica's own servers. `server`: where the land was made, as far as that is known.
    pub(crate) fn whereabouts(&self, land: &LandId, server: Option<&ServerId>) -> Whereabouts {
        self.inner.lock().table.whereabouts(land, server)
    }
}
