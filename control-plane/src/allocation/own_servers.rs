//! Allocation from the control plane's own servers: in turn, each asked before it is used.
//!
//! A server whose agent speaks to this replica is asked [`here`]; one elsewhere through the [`Peers`], with one message that
//! reserves the land there and has it made.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use storage::LandId;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Allocated, Allocation, AllocationError, AllocationRequest, here};
use crate::{
    connect_url,
    peers::Peers,
    registry::{LandOrder, Pick, Place, Registry, Reserved},
};

/// After as many servers as this stayed silent, a match goes back to its queue: there its tickets can expire, and others of
/// the queue have their turn.
const SILENT_SERVERS: u32 = 5;

/// The servers that the registry knows, here and elsewhere.
#[derive(Debug)]
pub(crate) struct OwnServers {
    registry: Arc<Registry>,
    peers: Arc<Peers>,
    answer_within: Duration,
}

impl OwnServers {
    /// A server that doesn't answer `answer_within` this long is passed over.
    pub(crate) fn new(registry: Arc<Registry>, peers: Arc<Peers>, answer_within: Duration) -> Self {
        Self { registry, peers, answer_within }
    }

    /// Has the reserved land made. `Err`: it was not, and its place is given back.
    async fn make(
        &self,
        reserved: &Reserved,
        order: &Arc<LandOrder>,
        lasting: Duration,
    ) -> Result<(), String> {
        match &reserved.place {
            Place::Agent | Place::NoAgent => here::make(&self.registry, reserved, order, lasting).await,
            Place::Replica(replica) => self.peers.make(replica, reserved, order, lasting).await,
        }
    }
}

#[async_trait]
impl Allocation for OwnServers {
    async fn allocate(&self, request: &AllocationRequest) -> Result<Allocated, AllocationError> {
        let land_type = &request.land_type;
        let order = Arc::new(LandOrder {
            land_type: land_type.clone(),
            match_id: request.match_id.clone(),
            queue: request.queue.clone(),
            players: Arc::clone(&request.players),
            seats: request.seats,
            teams: Arc::clone(&request.teams),
            constraints: request.constraints_by_group(),
            answer_within: self.answer_within,
        });
        let mut asked = HashSet::new();
        let mut last = None;
        let started = Instant::now();
        let patience = self.answer_within.saturating_mul(SILENT_SERVERS);
        loop {
            let land = LandId::new(format!("{land_type}:{}", Uuid::now_v7()));
            let region = request.region.as_ref();
            let pick = Pick { land_type, land: &land, region, except: &asked };
            let reserved = (started.elapsed() < patience).then(|| self.registry.reserve(&pick)).flatten();
            let Some(reserved) = reserved else {
                let land_type = land_type.clone();
                return Err(match last {
                    None => AllocationError::NoServer { land_type },
                    Some(last) => AllocationError::NoneAnswered { land_type, asked: asked.len(), last },
                });
            };
            match self.make(&reserved, &order, request.lasting).await {
                Ok(()) => {
                    let connect_url =
                        connect_url::of_land(&reserved.connect_base, land_type, &reserved.land);
                    let Reserved { server, land, .. } = reserved;
                    return Ok(Allocated { server, land, connect_url, expires_at: None, hints: None });
                }
                Err(reason) => {
                    let server = &reserved.server;
                    tracing::warn!(%server, land = %reserved.land, %reason, "a land was not made; asking the next server");
                    metrics::counter!("control_plane_land_refusals_total").increment(1);
                    last = Some(reason);
                    asked.insert(reserved.server);
                }
            }
        }
    }

    fn places(&self, land_type: &str) -> usize {
        self.registry.places(land_type)
    }

    async fn release(&self, allocated: &Allocated, reason: &str) {
        if self.registry.release(&allocated.land, reason).is_none() {
            self.peers.release(&allocated.server, &allocated.land, reason);
        }
    }
}
