//! Looking for a land that was made before, and draining a server, on whichever replica.

use std::time::Duration;

use storage::{LandId, ReplicaId, ServerId};

use super::{
    Peers,
    asking::{WAY, millis},
    letter::{Answer, Question},
};
use crate::{
    connect_url,
    registry::{ServerView, Whereabouts},
};

/// Why a server can't be told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotReached {
    /// No replica has it.
    NoSuchServer,
    /// The replica that has it doesn't answer.
    Silent,
}

impl Peers {
    /// What is known of a land that was made on this server.
    pub(crate) async fn whereabouts(&self, land: &LandId, server: &ServerId) -> Whereabouts {
        let here = self.registry.whereabouts(land, Some(server));
        if here != Whereabouts::Unknown {
            return here;
        }
        let (Some(post), Some(replica)) = (&self.post, self.registry.replica_of(server)) else { return here };
        let question = Question::Land { land: land.clone(), server: Some(server.clone()) };
        match post.ask(&replica, question, post.pace.interval + WAY).await {
            Ok(Answer::Land(there)) => there,
            Ok(_) | Err(_) => Whereabouts::Unknown,
        }
    }

    /// The server that has this land ready, and where players connect to it. `None`: no replica that answers knows of it.
    pub(crate) async fn find(&self, land: &LandId) -> Option<(ServerId, String)> {
        let found = |whereabouts: Whereabouts| match whereabouts {
            Whereabouts::Ready { server, connect_base } => {
                let (land_type, _) = land.as_str().rsplit_once(':')?;
                Some((server, connect_url::of_land(&connect_base, land_type, land)))
            }
            _ => None,
        };
        if let Some(here) = found(self.registry.whereabouts(land, None)) {
            return Some(here);
        }
        let answers = self.ask_all(|| Question::Land { land: land.clone(), server: None }).await;
        answers.into_iter().find_map(|(_, answer)| match answer {
            Ok(Answer::Land(there)) => found(there),
            Ok(_) | Err(_) => None,
        })
    }

    /// Has a server take no new lands; see [`crate::registry::Registry::drain`]. How it is then.
    pub(crate) async fn drain(
        &self,
        server: &ServerId,
        reason: &str,
        deadline: Option<Duration>,
    ) -> Result<ServerView, NotReached> {
        let drain = || self.registry.drain(server, reason, deadline).ok_or(NotReached::NoSuchServer);
        let Some(post) = &self.post else { return drain() };
        // One that moved is shown as lost here for a while.
        let Some(replica) = self.holder(server).await else { return drain() };
        let question = Question::Drain {
            server: server.clone(),
            reason: reason.to_owned(),
            deadline_ms: deadline.map(millis),
        };
        match post.ask(&replica, question, post.pace.interval + WAY).await {
            Ok(Answer::Drains(Some(view))) => Ok(*view),
            Ok(Answer::Drains(None)) => drain(),
            Ok(_) | Err(_) => Err(NotReached::Silent),
        }
    }

    /// The other replica that has a server, as far as anybody knows.
    async fn holder(&self, server: &ServerId) -> Option<ReplicaId> {
        let post = self.post.as_ref()?;
        if let Some(replica) = self.registry.replica_of(server) {
            return Some(replica);
        }
        match post.replicas.holder(server).await {
            Ok(holder) => holder.filter(|replica| replica != post.replicas.me()),
            Err(error) => {
                tracing::debug!(%error, %server, "nobody says which replica has a server");
                None
            }
        }
    }
}
