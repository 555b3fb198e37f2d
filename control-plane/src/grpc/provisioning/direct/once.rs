//! One allocation, made once, however often and to whichever replica the call is made.
//!
//! The id is claimed in the storage with the land that is to be made, before any server is asked; the answer is written there
//! before it is given. So a call that comes again finds the answer, or an attempt under way, which it waits for, or one
//! whose maker died. Then the land may be there: its server's replica, or its agent when it comes back, says so, and the answer
//! is given after all. Where nobody knows of the land, the same land is made.

use std::{sync::Arc, time::Duration};

use matching::Time;
use proto::{
    error::{FieldError, Reason, Refusal},
    provisioning::v1 as pb,
};
use storage::{AttemptId, Begun, LandId, MatchId, NewAttempt};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::{super::Shared, answer::Answer, lasting::KEEP, request::Wanted};
use crate::{
    allocation::{Allocated, AllocationError},
    grpc::refusals,
    registry::Whereabouts,
};

/// Allocations that are remembered at most: a few hundred bytes each.
const MOST: usize = 500_000;
/// How long a claim outlives its call: its maker is slow, not dead.
const GRACE: Duration = Duration::from_secs(2);
/// How often an attempt that somebody else makes is looked at.
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// What becomes of a call.
pub(super) type Land = Result<pb::AllocateResponse, Refusal>;

/// A land for the request's group. At the deadline, what was reserved is given back.
pub(super) async fn allocate(shared: &Arc<Shared>, wanted: Wanted, deadline: Instant) -> Land {
    let allocated = match timeout_at(deadline, once(shared, wanted, deadline)).await {
        Ok(allocated) => allocated,
        Err(_) => Err(Refusal::new(
            Reason::DeadlineExceeded,
            "no server was ready within the call's deadline; nothing is left reserved, so ask again",
        )),
    };
    let outcome = allocated.as_ref().err().map_or("OK", |refusal| refusal.reason.name());
    metrics::counter!("control_plane_direct_allocations_total", "outcome" => outcome).increment(1);
    allocated
}

async fn once(shared: &Arc<Shared>, wanted: Wanted, deadline: Instant) -> Land {
    let mut attempt = Attempt::new(shared, &wanted, deadline);
    let mut pause = LOOKS.0;
    loop {
        let begun = shared.storage.allocations().begin(attempt.new.clone(), attempt.now()).await;
        match begun.map_err(|error| refusals::storage(&error))? {
            Begun::First { land, again } => return attempt.make(wanted, land, again).await,
            Begun::UnderWay(until) => {
                // At its end it is anybody's.
                let left = until.since(attempt.now()).max(Duration::from_millis(1));
                sleep(pause.min(left)).await;
                pause = (pause * 2).min(LOOKS.1);
            }
            Begun::Made(made) => {
                let answer = Answer::read(&made)?;
                if !is_over(shared, &answer).await {
                    return Ok(answer.into());
                }
                attempt.new.instead_of = Some(made.land);
            }
            Begun::OtherContent => return Err(other_content()),
            Begun::TooMany => {
                let message =
                    "as many allocations are remembered as may be; release lands that are not needed";
                return Err(Refusal::new(Reason::RateLimited, message).retry_after(Duration::from_secs(30)));
            }
        }
    }
}

/// Whether the land has ended. Where nobody can tell, its server or the replica that has it may be on its way back: then it is
/// taken for there, for as long as it is kept for its players.
async fn is_over(shared: &Shared, answer: &Answer) -> bool {
    match shared.peers.whereabouts(&answer.land, &answer.server).await {
        Whereabouts::Ready { .. } | Whereabouts::Reserved => false,
        Whereabouts::Gone => true,
        Whereabouts::Unknown => Time(shared.clock.wall_ms()) >= answer.expires_at,
    }
}

/// A call's claim on an allocation. Dropped before its answer is written down, it gives back what it made and then the claim.
struct Attempt {
    shared: Arc<Shared>,
    new: NewAttempt,
    deadline: Instant,
    /// Made, and nobody has been told yet.
    made: Option<Allocated>,
    /// Its answer is written down, or it isn't ours any more.
    over: bool,
}

impl Attempt {
    fn new(shared: &Arc<Shared>, wanted: &Wanted, deadline: Instant) -> Self {
        let land = format!("{}:{}", wanted.request.land_type, Uuid::now_v7());
        let new = NewAttempt {
            allocation: wanted.allocation.clone(),
            content: wanted.content.clone(),
            land: LandId::new(land),
            attempt: AttemptId::new(Uuid::now_v7().to_string()),
            lasting: deadline.saturating_duration_since(Instant::now()) + GRACE,
            instead_of: None,
            limit: MOST,
        };
        Self { shared: Arc::clone(shared), new, deadline, made: None, over: false }
    }

    fn now(&self) -> Time {
        Time(self.shared.clock.now_ms())
    }

    async fn make(mut self, wanted: Wanted, land: LandId, again: bool) -> Land {
        let shared = Arc::clone(&self.shared);
        let found = if again { self.look_for(&land).await } else { None };
        let allocated = match found {
            Some(found) => found,
            None => {
                let mut request = wanted.request;
                // A match of its own, and the same one in every attempt: whoever allocates may know it by that.
                let (_, unique) = land.as_str().rsplit_once(':').unwrap_or(("", land.as_str()));
                request.match_id = MatchId::new(unique);
                request.land = Some(land);
                request.may_be_there = again;
                shared.allocation.allocate(&request).await.map_err(refusal)?
            }
        };
        let answer = Answer::of(&allocated, Time(shared.clock.wall_ms()) + shared.assignment_lifetime);
        self.made = Some(allocated);
        let keep_until = self.now() + shared.assignment_lifetime + KEEP;
        let (id, attempt) = (&self.new.allocation, &self.new.attempt);
        let written = shared.storage.allocations().made(id, attempt, &answer.write(), keep_until).await;
        let ours = written.map_err(|error| refusals::storage(&error))?;
        self.over = true;
        if !ours {
            // This process stood still for longer than its claim lasted. Who goes on with it means the same land, and may have
            // found it: so it is left alone, and whoever repeats the call gets that one's answer.
            let message = "another call with this allocation_id took over; ask again for its answer";
            return Err(Refusal::new(Reason::Unavailable, message).retry_after(Duration::from_secs(1)));
        }
        Ok(answer.into())
    }

    /// The land of an attempt that died, wherever it is. An agent whose replica died brings it with its next hello: that is waited
    /// for, but not for longer than half of the call.
    async fn look_for(&self, land: &LandId) -> Option<Allocated> {
        let begun = Instant::now();
        let patience =
            (self.shared.agent_pace.interval * 2).min(self.deadline.saturating_duration_since(begun) / 2);
        loop {
            if let Some((server, connect_url)) = self.shared.peers.find(land).await {
                tracing::info!(%land, %server, "the land of a call that died is there");
                return Some(Allocated {
                    server,
                    land: land.clone(),
                    connect_url,
                    expires_at: None,
                    hints: None,
                });
            }
            if begun.elapsed() >= patience {
                return None;
            }
            sleep(LOOKS.1.min(patience)).await;
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let (shared, made) = (Arc::clone(&self.shared), self.made.take());
        let (allocation, attempt) = (self.new.allocation.clone(), self.new.attempt.clone());
        // Where the storage doesn't answer, the claim ends at its time.
        self.shared.tasks.spawn("allocation that came to nothing", async move {
            let allocations = shared.storage.allocations();
            if let Some(allocated) = made {
                shared.allocation.release(&allocated, "nobody waits for it any more").await;
                // It may have been written down.
                if let Err(error) = allocations.forget(&allocated.land).await {
                    tracing::debug!(%error, land = %allocated.land, "a land that was given back is remembered");
                }
            }
            if let Err(error) = allocations.give_up(&allocation, &attempt).await {
                tracing::debug!(%error, %allocation, "a claim on an allocation is left to its time");
            }
        });
    }
}

fn other_content() -> Refusal {
    Refusal::invalid(vec![FieldError::new(
        "allocation_id",
        "belongs to an allocation with other content; make a new id for each new one",
    )])
}

fn refusal(error: AllocationError) -> Refusal {
    tracing::info!(%error, "no land could be allocated");
    let message = match error {
        AllocationError::NoServer { land_type } => {
            format!(
                "no server with room hosts `{land_type}`; try again when one has registered or a land has ended"
            )
        }
        AllocationError::NoneFits { land_type, seats } => format!(
            "servers that host `{land_type}` have room, but none of them fits the selectors and has {seats} free seats; try again when one has"
        ),
        AllocationError::NoneAnswered { land_type, .. } => {
            format!("every server with room for `{land_type}` refused or stayed silent; try again shortly")
        }
        AllocationError::Outside { said, .. } => format!("the allocation service {said}; try again shortly"),
    };
    Refusal::new(Reason::NoServerAvailable, message).retry_after(Duration::from_secs(1))
}
