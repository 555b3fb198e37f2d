//! Asking another replica.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use smol_str::SmolStr;
use storage::{Hold, LandId, ReplicaId, ServerId};
use tokio::time::{Instant, timeout};

use super::{
    HoldRefused, Peers, Post,
    letter::{Answer, Letter, Question},
};
use crate::registry::{HelloRefused, LandOrder, Registration, Reserved, ServerState, ServerView};

/// For a letter's way there and back, beside what its answer takes.
pub(super) const WAY: Duration = Duration::from_millis(500);

impl Peers {
    /// Has a land reserved and made by the replica that has its server. `Err`: it was not, and is given back here and there.
    ///
    /// Dropping the future gives it back as well.
    pub(crate) async fn make(
        &self,
        replica: &ReplicaId,
        reserved: &Reserved,
        order: &Arc<LandOrder>,
        lasting: Duration,
    ) -> Result<(), String> {
        let mut asked = Asked { peers: self, reserved, replica: Some(replica) };
        let Some(post) = &self.post else { return Err("there is no such replica".to_owned()) };
        let question = Question::Make {
            server: reserved.server.clone(),
            land: reserved.land.clone(),
            order: LandOrder::clone(order),
            lasting_ms: millis(lasting),
        };
        let begun = Instant::now();
        let answer = post.ask(replica, question, order.answer_within + WAY).await;
        let (made, now) = match answer {
            Ok(Answer::Made { now }) => {
                asked.dealt_with();
                self.registry.made_elsewhere(reserved);
                (Ok(()), now)
            }
            Ok(Answer::NotMade { reason, full, now }) => {
                asked.dealt_with();
                // What it knows, it has given back already.
                self.registry.withdraw(&reserved.land, &reason);
                if !full {
                    self.registry.failed(&reserved.server, begun.elapsed());
                }
                (Err(reason), now)
            }
            Ok(_) => (Err("the replica answered something else".to_owned()), None),
            Err(unanswered) => {
                if unanswered == Unanswered::Silent {
                    self.registry.replica_silent(replica);
                }
                (Err(unanswered.to_string()), None)
            }
        };
        if let Some(now) = now {
            self.registry.announced(replica, now);
        }
        made
    }

    /// Registers a server without an agent, or prolongs its registration, on the replica that has it.
    pub(crate) async fn register(
        &self,
        registration: Registration,
        expiry: Duration,
    ) -> Result<(), HoldRefused> {
        let Some(post) = &self.post else {
            return Ok(self.registry.register(registration, 0, expiry)?);
        };
        let replica = match post.replicas.hold(&registration.server, None).await? {
            Hold::Held { term } => return Ok(self.registry.register(registration, term, expiry)?),
            Hold::Superseded { by } => return Err(HelloRefused::Superseded { by }.into()),
            Hold::Elsewhere(replica) => replica,
        };
        match post
            .ask(
                &replica,
                Question::Register { registration, expiry_ms: millis(expiry) },
                post.pace.interval + WAY,
            )
            .await
        {
            Ok(Answer::Done(true)) => Ok(()),
            Ok(Answer::Superseded { by }) => Err(HelloRefused::Superseded { by }.into()),
            Ok(_) | Err(_) => Err(HoldRefused::Busy),
        }
    }

    /// Removes a server without an agent, wherever it is. False: it wasn't there.
    pub(crate) async fn deregister(&self, server: &ServerId) -> Result<bool, HoldRefused> {
        let removed = self.registry.deregister(server)?;
        let Some(post) = &self.post else { return Ok(removed) };
        let holder = post.replicas.holder(server).await?;
        let Some(replica) = holder.filter(|replica| replica != post.replicas.me()) else {
            return Ok(removed);
        };
        let question = Question::Deregister { server: server.clone() };
        match post.ask(&replica, question, post.pace.interval + WAY).await {
            Ok(Answer::Done(done)) => Ok(removed || done),
            Ok(Answer::Superseded { by }) => Err(HelloRefused::Superseded { by }.into()),
            Ok(_) | Err(_) => Err(HoldRefused::Busy),
        }
    }

    /// Ends a land, wherever it is. False: it wasn't anywhere that answered.
    pub(crate) async fn end(&self, land: &LandId, reason: &str) -> bool {
        if self.registry.release(land, reason).is_some() {
            return true;
        }
        let answers = self.ask_all(|| Question::End { land: land.clone() }).await;
        answers.into_iter().any(|(_, answer)| matches!(answer, Ok(Answer::Done(true))))
    }

    /// Every server of every replica, or those that host a land type, in the order of their ids. Of a replica that doesn't
    /// answer, what it announced is known: all but its servers' lands.
    pub(crate) async fn servers(&self, land_type: Option<&str>) -> Vec<ServerView> {
        let mut servers = self.registry.list(land_type);
        let question = || Question::Servers { land_type: land_type.map(SmolStr::new) };
        for (replica, answer) in self.ask_all(question).await {
            match answer {
                Ok(Answer::Servers(theirs)) => servers.extend(theirs),
                _ => servers.extend(self.registry.list_announced(&replica, land_type)),
            }
        }
        // A server that moved while they were asked may be there twice; where it is lost, it was.
        servers.sort_by_key(|view| (view.registration.server.clone(), view.state == ServerState::Lost));
        servers.dedup_by(|later, first| later.registration.server == first.registration.server);
        servers
    }

    /// Asks all replicas that have servers.
    pub(super) async fn ask_all(
        &self,
        question: impl Fn() -> Question,
    ) -> Vec<(ReplicaId, Result<Answer, Unanswered>)> {
        let Some(post) = &self.post else { return Vec::new() };
        let asked = self.registry.replicas().into_iter().map(async |replica| {
            let answer = post.ask(&replica, question(), post.pace.interval + WAY).await;
            (replica, answer)
        });
        join_all(asked).await
    }
}

impl Post {
    pub(super) async fn ask(
        &self,
        to: &ReplicaId,
        question: Question,
        within: Duration,
    ) -> Result<Answer, Unanswered> {
        let mut open = self.questions.ask(to);
        let letter = Letter::Question { number: open.number, question };
        let answered =
            async { if self.send(to, &letter).await { (&mut open.answer).await.ok() } else { None } };
        match timeout(within, answered).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(Unanswered::Gone),
            Err(_) => Err(Unanswered::Silent),
        }
    }
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("the replica that its agent speaks to can't be reached")]
    Gone,
    #[error("the replica that its agent speaks to didn't answer in time")]
    Silent,
}

/// Gives a land back that was asked for elsewhere, unless that was dealt with.
struct Asked<'a> {
    peers: &'a Peers,
    reserved: &'a Reserved,
    replica: Option<&'a ReplicaId>,
}

impl Asked<'_> {
    fn dealt_with(&mut self) {
        self.replica = None;
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(replica) = self.replica {
            let reason = "nobody waits for it any more";
            self.peers.registry.withdraw(&self.reserved.land, reason);
            self.peers.post_later(replica.clone(), &self.reserved.land, reason);
        }
    }
}
