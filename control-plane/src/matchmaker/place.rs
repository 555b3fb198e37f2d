//! A proposed match becomes a real one: a land is allocated, and the tickets get their assignments, or none does.

use std::{sync::Arc, time::Duration};

use matching::{Team, TicketId, Time};
use smol_str::SmolStr;
use storage::{Assignment, AssignmentId, Fenced, Lease, MatchId, NewMatch, StorageError, TicketRecord};
use uuid::Uuid;

use super::{Matchmaker, requeue};
use crate::{
    allocation::{AllocationError, AllocationRequest, GroupWish},
    queues::QueueSettings,
    registry::Latencies,
};

/// Tickets that may play together.
#[derive(Debug)]
pub(super) struct Match {
    /// Oldest first.
    pub(super) records: Vec<Arc<TicketRecord>>,
    /// Who plays with whom; empty where the queue has no teams.
    pub(super) teams: Arc<[Team]>,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Placed {
    /// Its tickets are assigned.
    Done(Match),
    /// No land was to be had: its tickets wait on.
    NoLand(Match, AllocationError),
    /// These tickets were cancelled meanwhile: the others wait on.
    NotQueued(Match, Vec<TicketId>),
    /// The queue has another owner.
    LeaseLost,
    /// Nobody can tell: the queue has to be read anew.
    Unknown(StorageError),
}

impl Matchmaker {
    /// Finds a land for the match and commits it. Everything that was reserved for a match that doesn't happen is given back.
    pub(super) async fn place(&self, lease: &Lease, settings: &QueueSettings, the_match: Match) -> Placed {
        let match_id = MatchId::new(Uuid::now_v7().to_string());
        let request = request(lease, settings, &match_id, &the_match, self.assignment_lifetime);
        let land = match self.allocation.allocate(&request).await {
            Ok(land) => land,
            Err(error) => {
                requeue::no_land(&the_match, &match_id, &error);
                return Placed::NoLand(the_match, error);
            }
        };
        let expires_at = Time(self.clock.wall_ms()) + self.assignment_lifetime;
        let expires_at = land.expires_at.map_or(expires_at, |land| land.min(expires_at));
        let assignment = |record: &Arc<TicketRecord>| {
            let assignment = Assignment {
                id: AssignmentId::new(Uuid::now_v7().to_string()),
                match_id: match_id.clone(),
                server: land.server.clone(),
                land: land.land.clone(),
                connect_url: land.connect_url.clone(),
                expires_at,
                teams: Arc::clone(&request.teams),
            };
            (record.ticket.id.clone(), Arc::new(assignment))
        };
        let assignments = the_match.records.iter().map(assignment).collect();
        let new = NewMatch { assignments, lasting: self.assignment_lifetime };
        let committed = self.storage.assign(lease, new, Time(self.clock.now_ms())).await;
        let (placed, needed) = match committed {
            Ok(Fenced::Done) => (Placed::Done(the_match), true),
            Ok(Fenced::NotQueued(gone)) => {
                requeue::cancelled(&the_match, &match_id, gone.len());
                (Placed::NotQueued(the_match, gone), false)
            }
            Ok(Fenced::LeaseLost) => (Placed::LeaseLost, false),
            // It may have happened: a land that nobody comes to ends by itself, a land that is taken away doesn't come back.
            Err(error) => (Placed::Unknown(error), true),
        };
        if !needed {
            self.allocation.release(&land, "the match did not happen").await;
        }
        placed
    }
}

fn request(
    lease: &Lease,
    settings: &QueueSettings,
    match_id: &MatchId,
    the_match: &Match,
    lasting: Duration,
) -> AllocationRequest {
    let records = &the_match.records;
    let players = records.iter().flat_map(|record| record.ticket.players.iter());
    // Of those who said where they want to play, the one that waited longest is heard.
    let region = records.iter().find_map(|record| record.region.clone());
    AllocationRequest {
        match_id: match_id.clone(),
        queue: lease.queue.clone(),
        land_type: SmolStr::new(&settings.land_type),
        groups: records
            .iter()
            .map(|record| GroupWish {
                group: record.ticket.group.clone(),
                constraints: record.constraints.clone(),
            })
            .collect(),
        seats: records.iter().map(|record| record.ticket.size()).sum(),
        players: players.clone().map(|player| player.id.clone()).collect(),
        teams: Arc::clone(&the_match.teams),
        latencies: match region {
            None => Latencies::of(players.map(|player| &player.latencies)),
            Some(_) => Latencies::default(),
        },
        region,
        selectors: Arc::clone(&settings.placement.selectors),
        policy: settings.placement.policy,
        prefer: None,
        land: None,
        may_be_there: false,
        lasting,
    }
}
