//! Allocation: a land for a match. The port, and what every implementation of it does.
//!
//! The matchmaker knows only [`Allocation`]; [`OwnServers`] serves it from the control plane's own registry, and services
//! [`outside`] may serve it instead: one of the studio's own by [`http`], or Agones' by [`agones`].

mod agones;
mod choice;
pub(crate) mod here;
mod http;
mod outside;
mod own_servers;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use matching::{GroupId, PlayerId, QueueKey, Team, Time};
use serde_json::value::RawValue;
use smol_str::SmolStr;
use storage::{LandId, MatchId, ServerId};

pub(crate) use choice::{Chosen, Opening};
pub(crate) use own_servers::OwnServers;

use crate::registry::{Latencies, Policy, Selector};

/// What a match needs.
#[derive(Debug, Clone)]
pub(crate) struct AllocationRequest {
    pub(crate) match_id: MatchId,
    pub(crate) queue: QueueKey,
    pub(crate) land_type: SmolStr,
    /// The groups of the match, oldest first, with what each wants.
    pub(crate) groups: Vec<GroupWish>,
    pub(crate) players: Arc<[PlayerId]>,
    pub(crate) teams: Arc<[Team]>,
    /// How many players a seat is kept for: those named, or more.
    pub(crate) seats: usize,
    /// Servers there are preferred.
    pub(crate) region: Option<SmolStr>,
    /// Which regions are preferred where none was wished for.
    pub(crate) latencies: Latencies,
    /// Which servers will do, in order: the first that one with room fits decides. None: any.
    pub(crate) selectors: Arc<[Selector]>,
    /// Which of those that will do.
    pub(crate) policy: Policy,
    /// Taken before all others, where it has room and a selector takes it.
    pub(crate) prefer: Option<ServerId>,
    /// The land's id, where it is chosen already; else every server that is asked gets a new one.
    pub(crate) land: Option<LandId>,
    /// That land was asked for before, by a call that nobody heard the end of: it may be there.
    pub(crate) may_be_there: bool,
    /// How long the land is kept for players who have not come.
    pub(crate) lasting: Duration,
}

/// One group of a match, and the constraints that it was enqueued with.
#[derive(Debug, Clone)]
pub(crate) struct GroupWish {
    pub(crate) group: GroupId,
    /// A JSON object, unread.
    pub(crate) constraints: Option<Arc<str>>,
}

/// A land that is ready for its players.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allocated {
    pub(crate) server: ServerId,
    pub(crate) land: LandId,
    pub(crate) connect_url: String,
    /// By the wall's clock, where it is kept for less long than was asked for.
    pub(crate) expires_at: Option<Time>,
    /// A JSON object for whoever asked, where there is one.
    pub(crate) hints: Option<String>,
}

/// Why there is no land.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AllocationError {
    /// No server has room.
    #[error("no server with room hosts `{land_type}`")]
    NoServer { land_type: SmolStr },
    /// Servers have room, but none that will do.
    #[error(
        "servers that host `{land_type}` have room, but none of them fits the selectors and has {seats} free seats"
    )]
    NoneFits { land_type: SmolStr, seats: usize },
    /// Servers had room, but each refused or stayed silent.
    #[error(
        "{asked} servers were asked for a land of `{land_type}`, and none made it; the last said: {last}"
    )]
    NoneAnswered { land_type: SmolStr, asked: usize, last: String },
    /// A service outside gave none.
    #[error("the allocation service {said}")]
    Outside {
        /// As metrics name it.
        kind: &'static str,
        said: String,
        /// How long it wants to be left alone.
        pause: Duration,
    },
}

impl AllocationRequest {
    /// The groups' constraints as one JSON object by group id; empty where no group has any.
    fn constraints_by_group(&self) -> String {
        let by_group: BTreeMap<&str, &RawValue> = self
            .groups
            .iter()
            .filter_map(|wish| {
                let constraints = wish.constraints.as_deref()?;
                Some((wish.group.as_str(), serde_json::from_str(constraints).ok()?))
            })
            .collect();
        if by_group.is_empty() {
            return String::new();
        }
        serde_json::to_string(&by_group).unwrap_or_default()
    }
}

/// Picks servers for matches, and reserves lands on them.
#[async_trait]
pub(crate) trait Allocation: Send + Sync + std::fmt::Debug {
    /// A land for the match, ready for its players. Dropping the future gives back whatever it had reserved.
    async fn allocate(&self, request: &AllocationRequest) -> Result<Allocated, AllocationError>;

    /// How many lands of the type may fit now. A hint, so that a queue of a million doesn't try all of it for two places: there
    /// may be fewer, or more for some match.
    fn places(&self, land_type: &str) -> usize;

    /// Gives a land back that is not needed after all.
    async fn release(&self, allocated: &Allocated, reason: &str);
}

#[cfg(test)]
mod tests;
