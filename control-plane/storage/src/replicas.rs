//! What the replicas of one control plane say to each other, in their own words.
//!
//! Only a storage that several processes share has replicas, so none of this is in [`crate::Storage`]: see
//! [`crate::Redis::join`].

use crate::ReplicaId;

/// What comes to a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mail {
    /// Somebody sent this to us, or to all.
    Post {
        /// Who.
        from: ReplicaId,
        /// What, as it was sent.
        text: String,
    },
    /// A replica lives, and says what changed of what it keeps announced. It builds on all that came before: whoever has
    /// forgotten a replica for a reason of its own reads everything again.
    Announced {
        /// Who.
        from: ReplicaId,
        /// Whether this is everything: what is not in it is gone.
        all: bool,
        /// Names and what they stand for; `None`: not any more. Empty: it only says that it lives.
        entries: Vec<(String, Option<String>)>,
    },
    /// A replica leaves, and what it kept announced is gone.
    Left {
        /// Who.
        from: ReplicaId,
    },
    /// Something was missed, or may have been: read everything again ([`crate::Mailbox::announced`]). Also the first mail
    /// of all, when what is sent begins to be heard, and what comes when a replica has been silent for so long that it is gone.
    Missed,
}

/// What became of an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announce {
    /// It is kept, and the others are told.
    Done,
    /// Nothing happened: what was announced before isn't (all) there. Either this replica was away for so long that the others
    /// take it for gone, or Redis lost data, or the last answer was lost, or this is the first one. Announce everything,
    /// and hold again the servers that are to be held: they may be others' now.
    SayAll,
}

/// Whose a server id is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// Ours.
    Held {
        /// Greater than that of every earlier hold of any server.
        term: u64,
    },
    /// A newer instance holds it, or an agent's where we came without.
    Superseded {
        /// The instance.
        by: String,
    },
    /// A server without an agent that another live replica holds: that one is to be asked.
    Elsewhere(ReplicaId),
}
