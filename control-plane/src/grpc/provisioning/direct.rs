//! Lands for a studio's own services, without a ticket.

mod answer;
mod lasting;
mod once;
mod request;
mod selectors;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use proto::{error::Refusal, provisioning::v1 as pb};
use storage::LandId;
use tokio::time::Instant;

pub(crate) use self::lasting::keep_those_that_live;
use self::{answer::Answer, once::Land};
use super::Shared;
use crate::{allocation::Allocated, grpc::refusals, registry::Whereabouts};

/// Allocations of one batch that are made at once.
const AT_ONCE: usize = 16;

/// A land for the request's group, ready for its players.
pub(super) async fn allocate(
    shared: &Arc<Shared>,
    request: &pb::AllocateRequest,
    deadline: Instant,
) -> Result<pb::AllocateResponse, Refusal> {
    let wanted = request::one(shared, request)?;
    once::allocate(shared, wanted, deadline).await
}

/// The same for several, each for itself, once all of them have been found to be sound.
pub(super) async fn allocate_batch(
    shared: &Arc<Shared>,
    batch: &pb::AllocateBatchRequest,
    deadline: Instant,
) -> Result<pb::AllocateBatchResponse, Refusal> {
    let wanted = request::batch(shared, batch)?;
    let allocated = stream::iter(wanted).map(|wanted| once::allocate(shared, wanted, deadline));
    let outcomes = allocated.buffered(AT_ONCE).map(outcome).collect().await;
    Ok(pb::AllocateBatchResponse { outcomes })
}

/// Ends a land, and forgets the allocation that made it. False: it wasn't there.
pub(super) async fn release(shared: &Arc<Shared>, land: &LandId) -> Result<bool, Refusal> {
    const REASON: &str = "released by its service";
    // In this order: where the answer to the second fails, the call is repeated, and no land is left that nobody knows of.
    let ended = shared.peers.end(land, REASON).await;
    let known = shared.storage.allocations().forget(land).await;
    let Some(made) = known.map_err(|error| refusals::storage(&error))? else { return Ok(ended) };
    if ended {
        return Ok(true);
    }
    let answer = Answer::read(&made)?;
    if shared.peers.whereabouts(land, &answer.server).await == Whereabouts::Gone {
        return Ok(false);
    }
    // None of our own servers has it, or its replica can't be reached: whoever made it gets to hear of it.
    shared.allocation.release(&Allocated::from(answer), REASON).await;
    Ok(true)
}

fn outcome(allocated: Land) -> pb::AllocateOutcome {
    use pb::allocate_outcome::Outcome;
    let outcome = match allocated {
        Ok(response) => Outcome::Allocated(response),
        Err(refusal) => Outcome::Refused(refused(refusal)),
    };
    pb::AllocateOutcome { outcome: Some(outcome) }
}

fn refused(refusal: Refusal) -> pb::AllocateRefusal {
    /// Where nobody said how long to wait before it is tried again.
    const SOON: Duration = Duration::from_secs(1);
    let wait = refusal.reason.retryable().then(|| refusal.retry_after.unwrap_or(SOON));
    let wait_ms = |wait: Duration| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
    pb::AllocateRefusal {
        reason: refusal.reason.name().to_owned(),
        message: refusal.message,
        retry_after_ms: wait.map_or(0, |wait| NonZeroU32::new(wait_ms(wait)).map_or(1, NonZeroU32::get)),
    }
}
