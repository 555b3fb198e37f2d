//! One suite for everything that allocates, run against our own servers and against stand-ins for the services outside, which
//! behave badly when they are told to; then what each of the ports has of its own.

mod agones_alone;
mod agones_service;
mod certificates;
mod ground;
mod http_alone;
mod http_service;
mod own_ground;
mod suite;
mod whole;

use std::{sync::Arc, time::Duration};

use matching::{GroupId, PlayerId, QueueKey, Team};
use storage::MatchId;

use super::{AllocationRequest, GroupWish};
use crate::registry::{Latencies, Policy};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A match of two players, `<id>-a` and `<id>-b`.
pub(super) fn match_of(land_type: &str, id: &str) -> AllocationRequest {
    let players: Vec<_> = ["a", "b"].iter().map(|name| PlayerId::new(format!("{id}-{name}"))).collect();
    let team = |name: &str, player: &PlayerId| Team { name: name.to_owned(), players: vec![player.clone()] };
    AllocationRequest {
        match_id: MatchId::new(id),
        queue: QueueKey::new(format!("{land_type}:2")),
        land_type: land_type.into(),
        groups: vec![GroupWish { group: GroupId::new(id), constraints: Some(r#"{"map":"reef"}"#.into()) }],
        teams: [team("red", &players[0]), team("blue", &players[1])].into(),
        seats: players.len(),
        players: players.into(),
        region: None,
        latencies: Latencies::default(),
        selectors: Arc::from([]),
        policy: Policy::default(),
        prefer: None,
        land: None,
        may_be_there: false,
        lasting: Duration::from_secs(300),
    }
}

/// Waits until it is so.
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}
