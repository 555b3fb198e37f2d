//! Allocation from the control plane's own servers: the one that suits best, asked before it is used, and then the next.
//!
//! A server whose agent speaks to this replica is asked [`here`]; one elsewhere through the [`Peers`], with one message that
//! reserves the land there and has it made.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use storage::LandId;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Allocated, Allocation, AllocationError, AllocationRequest, here};
use crate::{
    connect_url,
    peers::Peers,
    registry::{LandOrder, Latencies, Pick, Place, Registry, Reserved},
};

/// How many servers a match asks where it isn't said otherwise.
const TRIES: usize = 8;
/// After the time in which as many servers as this stayed silent, a match goes back to its queue: there its tickets can expire,
/// and others of the queue have their turn.
const PATIENCE: u32 = 5;

/// The servers that the registry knows, here and elsewhere.
#[derive(Debug)]
pub(crate) struct OwnServers {
    registry: Arc<Registry>,
    peers: Arc<Peers>,
    answer_within: Duration,
    tries: usize,
}

impl OwnServers {
    /// A server that doesn't answer `answer_within` this long is passed over.
    pub(crate) fn new(registry: Arc<Registry>, peers: Arc<Peers>, answer_within: Duration) -> Self {
        Self { registry, peers, answer_within, tries: TRIES }
    }

    /// A match that `tries` servers didn't make a land for goes back to its queue.
    pub(crate) fn asking_at_most(self, tries: usize) -> Self {
        Self { tries, ..self }
    }

    fn none(&self, request: &AllocationRequest, asked: usize, last: Option<String>) -> AllocationError {
        let land_type = request.land_type.clone();
        match last {
            Some(last) => AllocationError::NoneAnswered { land_type, asked, last },
            None if self.registry.places(&land_type) > 0 => {
                AllocationError::NoneFits { land_type, seats: request.seats }
            }
            None => AllocationError::NoServer { land_type },
        }
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
        let regions = request.region.as_ref().map(Latencies::only);
        let regions = regions.as_ref().unwrap_or(&request.latencies);
        let mut asked = Vec::new();
        let mut last = None;
        let started = Instant::now();
        let patience = self.answer_within.saturating_mul(PATIENCE);
        loop {
            let new = || LandId::new(format!("{land_type}:{}", Uuid::now_v7()));
            let land = request.land.clone().unwrap_or_else(new);
            let pick = Pick {
                land_type,
                land: order.land(&land),
                selectors: &request.selectors,
                policy: request.policy,
                regions,
                prefer: request.prefer.as_ref(),
                except: &asked,
            };
            let tries_on = asked.len() < self.tries && started.elapsed() < patience;
            let Some(reserved) = tries_on.then(|| self.registry.reserve(&pick)).flatten() else {
                return Err(self.none(request, asked.len(), last));
            };
            match self.make(&reserved, &order, request.lasting).await {
                Ok(()) => {
                    let connect_url = connect_url::of_land(&reserved.connect_base, land_type, &reserved.land);
                    let Reserved { server, land, .. } = reserved;
                    return Ok(Allocated { server, land, connect_url, expires_at: None, hints: None });
                }
                Err(reason) => {
                    let server = &reserved.server;
                    tracing::warn!(%server, land = %reserved.land, %reason, "a land was not made; asking the next server");
                    metrics::counter!("control_plane_land_refusals_total").increment(1);
                    last = Some(reason);
                    asked.push(reserved.server);
                }
            }
        }
    }

    fn places(&self, land_type: &str) -> usize {
        self.registry.places(land_type)
    }

    async fn release(&self, allocated: &Allocated, reason: &str) {
        let Allocated { server, land, .. } = allocated;
        if self.registry.release(land, reason).is_none() && !self.peers.release(server, land, reason) {
            self.registry.unwant(server, land);
        }
    }
}
