//! Allocation from the control plane's own registry: servers in turn, each asked before it is used.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;
use storage::LandId;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Allocated, Allocation, AllocationError, AllocationRequest};
use crate::registry::{Answer, LandOrder, Pick, Registry, Reserved};

/// After as many servers as this stayed silent, a match goes back to its queue: there its tickets can expire, and others of
/// the queue have their turn.
const SILENT_SERVERS: u32 = 5;

/// The registry's servers.
#[derive(Debug)]
pub(crate) struct OwnServers {
    registry: Arc<Registry>,
    answer_within: Duration,
}

impl OwnServers {
    /// A server that doesn't answer `answer_within` this long is passed over.
    pub(crate) fn new(registry: Arc<Registry>, answer_within: Duration) -> Self {
        Self { registry, answer_within }
    }

    /// Asks the reserved land's server. `Err`: it refused, went away or stayed silent.
    async fn ask(
        &self,
        reserved: &Reserved,
        order: &Arc<LandOrder>,
        lasting: Duration,
    ) -> Result<(), String> {
        if !reserved.must_ask {
            let there = self.registry.assume_ready(reserved, lasting);
            return if there { Ok(()) } else { Err("it was deregistered".to_owned()) };
        }
        let answer = self.registry.ask(reserved, order);
        match tokio::time::timeout(self.answer_within, answer).await {
            Ok(Ok(Answer::Ready)) => Ok(()),
            Ok(Ok(Answer::Refused(reason))) => Err(format!("refused: {reason}")),
            Ok(Err(_)) => Err("its agent went away".to_owned()),
            Err(_) => Err(format!("it didn't answer within {:?}", self.answer_within)),
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
            teams: Arc::clone(&request.teams),
            constraints: constraints_by_group(request),
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
            let hold = Hold { registry: &self.registry, land: Some(&reserved.land) };
            match self.ask(&reserved, &order, request.lasting).await {
                Ok(()) => {
                    hold.dealt_with();
                    let connect_url = connect_url(&reserved.connect_base, land_type, &reserved.land);
                    return Ok(Allocated { server: reserved.server, land: reserved.land, connect_url });
                }
                Err(reason) => {
                    hold.dealt_with();
                    self.registry.withdraw(&reserved.land, "another server is asked");
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

    async fn release(&self, land: &LandId, reason: &str) {
        self.registry.release(land, reason);
    }
}

/// Gives a reserved land back unless it was dealt with: whoever stops waiting for the answer leaks no place.
struct Hold<'a> {
    registry: &'a Registry,
    land: Option<&'a LandId>,
}

impl Hold<'_> {
    fn dealt_with(mut self) {
        self.land = None;
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Some(land) = self.land {
            self.registry.release(land, "nobody waits for it any more");
        }
    }
}

/// What may stand in a URL's path segment and query value as it is (RFC 3986: unreserved, and the colon of a land id).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// `<base>/game/<landType>?landId=<landId>`
fn connect_url(base: &str, land_type: &str, land: &LandId) -> String {
    let land_type = utf8_percent_encode(land_type, PLAIN);
    let land = utf8_percent_encode(land.as_str(), PLAIN);
    format!("{base}/game/{land_type}?landId={land}")
}

/// The groups' constraints as one JSON object by group id; empty where no group has any.
fn constraints_by_group(request: &AllocationRequest) -> String {
    let by_group: std::collections::BTreeMap<&str, &RawValue> = request
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
