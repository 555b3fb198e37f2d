//! Lands for a studio's own services, without a ticket.

use std::{collections::HashMap, sync::Arc};

use matching::{GroupId, PlayerId, QueueKey, Time};
use parking_lot::Mutex;
use proto::{
    error::{Reason, Refusal},
    provisioning::v1 as pb,
};
use smol_str::SmolStr;
use storage::{LandId, MatchId, ServerId};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::Shared;
use crate::{
    allocation::{AllocationError, AllocationRequest, GroupWish},
    grpc::fields::Fields,
    registry::Latencies,
};

/// Calls that are remembered before the first look for those that are over.
const TIDY_AT_LEAST: usize = 1_000;

/// What was allocated under which `allocation_id`, so that a call can be repeated. An answer is remembered while its land
/// lives: there are no more of them than the servers hold lands, and some that nobody has tidied away yet.
#[derive(Debug, Default)]
pub(crate) struct DirectAllocations(Mutex<Calls>);

#[derive(Debug, Default)]
struct Calls {
    by_id: HashMap<String, Arc<Call>>,
    /// At how many calls those that are over are looked for.
    tidy_at: usize,
}

/// One allocation: repeated calls wait for the first, and get its answer.
type Call = OnceCell<pb::AllocateResponse>;

/// A call that somebody makes or waits for. One that comes to nothing is forgotten.
struct Use<'a> {
    all: &'a DirectAllocations,
    id: String,
    call: Arc<Call>,
}

impl DirectAllocations {
    fn begin(&self, id: &str, is_there: impl Fn(&pb::AllocateResponse) -> bool) -> Use<'_> {
        let lives = |call: &Call| call.get().is_none_or(&is_there);
        let mut calls = self.0.lock();
        if calls.by_id.len() >= calls.tidy_at {
            calls.by_id.retain(|_, call| lives(call));
            calls.tidy_at = (calls.by_id.len() * 2).max(TIDY_AT_LEAST);
        }
        let call = calls.by_id.entry(id.to_owned()).or_default();
        if !lives(call) {
            *call = Arc::default();
        }
        Use { all: self, id: id.to_owned(), call: Arc::clone(call) }
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        let mut calls = self.all.0.lock();
        // The map's and this one: nobody else waits for it.
        let abandoned = self.call.get().is_none() && Arc::strong_count(&self.call) == 2;
        if abandoned {
            calls.by_id.remove(&self.id);
        }
    }
}

/// A land for the request's group, ready for its players.
pub(super) async fn allocate(
    shared: &Shared,
    request: pb::AllocateRequest,
) -> Result<pb::AllocateResponse, Refusal> {
    check(&request)?;
    let begun = shared.direct.begin(&request.allocation_id, |answer| is_there(shared, answer));
    let answer = begun.call.get_or_try_init(|| first(shared, request)).await;
    answer.cloned()
}

/// Whether the land lives. Of one on a server whose agent speaks to another replica it is taken for granted, for as long as
/// its assignment lasts.
fn is_there(shared: &Shared, answer: &pb::AllocateResponse) -> bool {
    shared.registry.is_there(&LandId::new(&answer.land_id))
        || (shared.registry.replica_of(&ServerId::new(&answer.server_id)).is_some()
            && shared.clock.wall_ms() < answer.expires_at_unix_ms)
}

async fn first(shared: &Shared, request: pb::AllocateRequest) -> Result<pb::AllocateResponse, Refusal> {
    let queue = QueueKey::new(&request.queue_key);
    let constraints =
        (!request.constraints_json.is_empty()).then(|| Arc::from(request.constraints_json.as_str()));
    let settings = shared.queues.of(&queue);
    let wanted = AllocationRequest {
        match_id: MatchId::new(Uuid::now_v7().to_string()),
        land_type: SmolStr::new(&settings.land_type),
        queue,
        groups: vec![GroupWish { group: GroupId::new(&request.group_id), constraints }],
        players: request.player_ids.iter().map(PlayerId::new).collect(),
        seats: usize::try_from(request.group_size).unwrap_or(usize::MAX),
        teams: Arc::from([]),
        region: (!request.region.is_empty()).then(|| SmolStr::new(&request.region)),
        latencies: Latencies::default(),
        selectors: Arc::clone(&settings.placement.selectors),
        policy: settings.placement.policy,
        prefer: None,
        land: None,
        lasting: shared.assignment_lifetime,
    };
    let land = shared.allocation.allocate(&wanted).await.map_err(refusal)?;
    let expires_at = Time(shared.clock.wall_ms()) + shared.assignment_lifetime;
    let expires_at = land.expires_at.map_or(expires_at, |land| land.min(expires_at));
    Ok(pb::AllocateResponse {
        server_id: land.server.to_string(),
        land_id: land.land.to_string(),
        connect_url: land.connect_url,
        expires_at_unix_ms: expires_at.0,
        assignment_hints_json: land.hints.unwrap_or_default(),
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
        AllocationError::NoneFits { land_type, seats } => format!(
            "servers that host `{land_type}` have room, but none of them fits the selectors and has {seats} free seats; try again when one has"
        ),
        AllocationError::NoneAnswered { land_type, .. } => {
            format!("every server with room for `{land_type}` refused or stayed silent; try again shortly")
        }
        AllocationError::Outside { said, .. } => format!("the allocation service {said}; try again shortly"),
    };
    Refusal::new(Reason::NoServerAvailable, message).retry_after(std::time::Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(land: &str) -> pb::AllocateResponse {
        pb::AllocateResponse { land_id: land.to_owned(), ..Default::default() }
    }

    #[test]
    fn a_call_that_came_to_nothing_is_forgotten() {
        let all = DirectAllocations::default();
        let (first, second) = (all.begin("a", |_| true), all.begin("a", |_| true));
        drop(first);
        assert_eq!(all.0.lock().by_id.len(), 1, "somebody else still waits for it");
        drop(second);
        assert_eq!(all.0.lock().by_id.len(), 0);
    }

    #[test]
    fn an_answer_is_remembered_while_its_land_lives() {
        let all = DirectAllocations::default();
        all.begin("a", |_| true).call.set(answer("demo:1")).unwrap();
        assert_eq!(all.begin("a", |_| true).call.get(), Some(&answer("demo:1")));
        assert_eq!(all.begin("a", |_| false).call.get(), None);
    }

    #[test]
    fn answers_whose_land_has_ended_are_tidied_away() {
        let all = DirectAllocations::default();
        for n in 0..TIDY_AT_LEAST * 5 {
            all.begin(&n.to_string(), |_| false).call.set(answer("demo:1")).unwrap();
            assert!(all.0.lock().by_id.len() <= TIDY_AT_LEAST);
        }
    }
}
