//! How everything is when a run has come to rest.

use matching::TicketId;
use storage::{Status, Storage as _};

use super::World;
use crate::{
    registry::{LandState, ServerState},
    simulation::{
        control::Control,
        names::{ServerNo, TicketNo},
        outcome::{End, KnownServer, RealServer, TicketEnd},
    },
};

impl World {
    /// The servers, as the control plane knows them.
    pub(super) fn known(&self) -> Vec<KnownServer> {
        let log = &self.stage.log;
        let servers = self.control.as_ref().map(Control::servers).unwrap_or_default();
        let known = servers.into_iter().map(|view| {
            let lands = view.lands.iter();
            let lands = lands.map(|land| (log.land(land.id.as_str()), land.state == LandState::Reserved));
            let present: usize = view.lands.iter().map(|land| land.players.len()).sum();
            let takes_lands = view.state == ServerState::Ready;
            let free = view.registration.capacity.saturating_sub(view.lands.len());
            let seats = view.registration.player_capacity;
            KnownServer {
                server: ServerNo::of(view.registration.server.as_str()),
                lost: view.state == ServerState::Lost,
                free_lands: if takes_lands { free } else { 0 },
                free_seats: seats.map(|all| all.saturating_sub(present + view.seats_reserved)),
                lands: lands.collect(),
            }
        });
        known.collect()
    }

    /// What is so at the end, as the control plane knows it and as it is. `before`: what it knew some seconds ago.
    pub(super) async fn end(&mut self, before: &[KnownServer]) -> End {
        let mut known = self.known();
        for server in &mut known {
            // Room that has only just appeared leaves nobody waiting.
            let earlier = before.iter().find(|earlier| earlier.server == server.server);
            server.free_lands = server.free_lands.min(earlier.map_or(0, |earlier| earlier.free_lands));
            let seats = earlier.map(|earlier| earlier.free_seats);
            server.free_seats = server.free_seats.min(seats.unwrap_or(Some(0)));
        }
        let log = &self.stage.log;
        let real = self.servers.iter().map(|server| RealServer {
            server: server.number,
            up: server.game.up && server.machine.is_some(),
            lands: server.lands(),
        });
        let ids: Vec<_> = (0..self.plan.groups.len()).map(|at| TicketId::new(TicketNo(at).id())).collect();
        let read = self.kept.state.read(&ids).await.expect("what is in memory can be read");
        let tickets = read.into_iter().map(|state| match state.map(|state| state.status) {
            None => TicketEnd::Missing,
            Some(Status::Queued) => TicketEnd::Queued,
            Some(Status::Cancelled) => TicketEnd::Cancelled,
            Some(Status::Expired) => TicketEnd::Expired,
            Some(Status::Absent) => unreachable!("nobody asks whether players are there"),
            Some(Status::Assigned(to)) => TicketEnd::Assigned(log.land(to.land.as_str())),
        });
        End {
            at_ms: log.now_ms(),
            known,
            real: real.collect(),
            tickets: tickets.collect(),
            failed: self.control.as_ref().is_none_or(Control::has_failed),
        }
    }
}
