//! Lands for a studio's own services, without a ticket.

use std::{collections::HashMap, sync::Arc};

use matching::{GroupId, PlayerId, QueueKey, Time};
use parking_lot::Mutex;
use proto::{
    error::{Reason, Refusal},
    provisioning::v1 as pb,
};
use smol_str::SmolStr;
use storage::{LandId, MatchId};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::Shared;
use crate::{
    allocation::{AllocationError, AllocationRequest, GroupWish},
    grpc::fields::Fields,
};

/// Calls that are remembered; one more forgets the oldest that is over.
const MAX_REMEMBERED: usize = 100_000;

/// What was allocated under which `allocation_id`, so that a call can be repeated.
#[derive(Debug, Default)]
pub(crate) struct DirectAllocations(Mutex<HashMap<String, Arc<Call>>>);

/// One allocation: repeated calls wait for the first, and get its answer.
#[derive(Debug, Default)]
struct Call {
    answer: OnceCell<pb::AllocateResponse>,
}

impl DirectAllocations {
    /// The land is not needed any more: its `allocation_id` may be used again.
    pub(super) fn forget(&self, land: &LandId) {
        let is_lands =
            |call: &Arc<Call>| call.answer.get().is_some_and(|answer| answer.land_id == land.as_str());
        self.0.lock().retain(|_, call| !is_lands(call));
    }

    fn call(&self, id: &str, now: Time) -> Result<Arc<Call>, Refusal> {
        let mut calls = self.0.lock();
        if calls.len() >= MAX_REMEMBERED {
            calls.retain(|_, call| call.answer.get().is_none_or(|answer| answer.expires_at_unix_ms > now.0));
        }
        if calls.len() >= MAX_REMEMBERED && !calls.contains_key(id) {
            let message = "too many allocations are open; release lands that are not needed";
            return Err(Refusal::new(Reason::RateLimited, message));
        }
        Ok(Arc::clone(calls.entry(id.to_owned()).or_default()))
    }
}

/// A land for the request's group, ready for its players.
pub(super) async fn allocate(
    shared: &Shared,
    request: pb::AllocateRequest,
) -> Result<pb::AllocateResponse, Refusal> {
    check(&request)?;
    let call = shared.direct.call(&request.allocation_id, Time(shared.clock.wall_ms()))?;
    let answer = call.answer.get_or_try_init(|| first(shared, request)).await;
    answer.cloned()
}

async fn first(shared: &Shared, request: pb::AllocateRequest) -> Result<pb::AllocateResponse, Refusal> {
    let queue = QueueKey::new(&request.queue_key);
    let expires_at = Time(shared.clock.wall_ms()) + shared.assignment_lifetime;
    let constraints =
        (!request.constraints_json.is_empty()).then(|| Arc::from(request.constraints_json.as_str()));
    let wanted = AllocationRequest {
        match_id: MatchId::new(Uuid::now_v7().to_string()),
        land_type: SmolStr::new(&shared.queues.of(&queue).land_type),
        queue,
        groups: vec![GroupWish { group: GroupId::new(&request.group_id), constraints }],
        players: request.player_ids.iter().map(PlayerId::new).collect(),
        teams: Arc::from([]),
        region: (!request.region.is_empty()).then(|| SmolStr::new(&request.region)),
        expires_at,
    };
    let land = shared.allocation.allocate(&wanted).await.map_err(refusal)?;
    Ok(pb::AllocateResponse {
        server_id: land.server.to_string(),
        land_id: land.land.to_string(),
        connect_url: land.connect_url,
        expires_at_unix_ms: expires_at.0,
        assignment_hints_json: String::new(),
    })
}

fn check(request: &pb::AllocateRequest) -> Result<(), Refusal> {
    let mut fields = Fields::default();
    fields.id("allocation_id", &request.allocation_id);
    fields.id("queue_key", &request.queue_key);
    fields.id("group_id", &request.group_id);
    fields.optional_id("region", &request.region);
    fields.json_object("constraints_json", &request.constraints_json);
    if !(1..=1_000).contains(&request.group_size) {
        fields.wrong("group_size", "must be 1 to 1000");
    }
    let count = request.player_ids.len();
    if count > 0 && usize::try_from(request.group_size) != Ok(count) {
        fields
            .wrong("player_ids", format!("names {count} players, but group_size is {}", request.group_size));
    } else {
        for (index, player) in request.player_ids.iter().enumerate() {
            fields.id(&format!("player_ids[{index}]"), player);
        }
    }
    fields.check()
}

fn refusal(error: AllocationError) -> Refusal {
    tracing::info!(%error, "no land could be allocated");
    let message = match error {
        AllocationError::NoServer { land_type } => {
            format!(
                "no server with room hosts `{land_type}`; try again when one has registered or a land has ended"
            )
        }
        AllocationError::NoneAnswered { land_type, .. } => {
            format!("every server with room for `{land_type}` refused or stayed silent; try again shortly")
        }
    };
    Refusal::new(Reason::NoServerAvailable, message).retry_after(std::time::Duration::from_secs(1))
}
