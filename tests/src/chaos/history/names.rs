//! The names in a history, as types of their own so that they can't be mixed up.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as it is on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+ };
}

texts! {
    /// A ticket.
    TicketId,
    /// A queue.
    QueueKey,
    /// A player.
    PlayerId,
    /// A match.
    MatchId,
    /// An assignment.
    AssignmentId,
    /// A land.
    LandId,
    /// A game server.
    ServerId,
}

/// One operation of a client, unique in a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Op(pub u64);

/// One client that wants to be told what becomes of a ticket; over reconnections it stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Watcher(pub u64);
