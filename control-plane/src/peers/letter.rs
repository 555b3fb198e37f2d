//! What replicas write to each other. Replicas of two versions may run side by side: what can't be read is left unanswered.

use std::sync::Arc;

use matching::{QueueKey, TicketId};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use storage::{LandId, ServerId};

use crate::{
    matchmaker::Outlook,
    queues::Reload,
    registry::{LandOrder, Notice, Registration, ServerView, Whereabouts},
    sessions::Session,
};

/// One message.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Letter {
    /// To be answered under its number.
    Question {
        number: u64,
        question: Question,
    },
    Answer {
        number: u64,
        answer: Answer,
    },
    /// Players' sessions that were opened at gateways.
    Sessions(Vec<Arc<Session>>),
    /// A land that was asked for is not needed after all.
    Release {
        land: LandId,
        reason: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Question {
    /// Reserve the land on this server and have it made.
    Make { server: ServerId, land: LandId, order: LandOrder, lasting_ms: u64 },
    /// A server without an agent, which is yours, said that it is there.
    Register { registration: Registration, expiry_ms: u64 },
    /// A server without an agent goes.
    Deregister { server: ServerId },
    /// End this land if it is on a server of yours.
    End { land: LandId },
    /// What do you know of this land, which was made on that server?
    Land { land: LandId, server: Option<ServerId> },
    /// A server of yours is to take no new lands.
    Drain { server: ServerId, reason: String, deadline_ms: Option<u64> },
    /// Which servers do you have?
    Servers { land_type: Option<SmolStr> },
    /// How does this ticket stand, where you own its queue?
    Outlook { queue: QueueKey, ticket: TicketId },
    /// Read your queues' configuration again.
    ReloadQueues { how: Reload },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The land is there. How its server is now, where it still is.
    Made {
        now: Option<Notice>,
    },
    NotMade {
        reason: String,
        /// It had no room any more, which is no fault of the server.
        #[serde(default)]
        full: bool,
        now: Option<Notice>,
    },
    /// Whether that was done: there was such a thing.
    Done(bool),
    /// Somebody else has the server id.
    Superseded {
        by: String,
    },
    Servers(Vec<ServerView>),
    Land(Whereabouts),
    /// How it is now; `None`: there is no such server.
    Drains(Option<Box<ServerView>>),
    /// `None`: its queue is another's, or the ticket isn't known.
    Outlook(Option<Outlook>),
    /// What is wrong with the files; nothing where they were taken.
    Reloaded {
        errors: Vec<String>,
    },
}
