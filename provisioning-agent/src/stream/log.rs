//! What people see of an agent: its log, once for each change, and its metrics.

use std::net::SocketAddr;

use metrics::{Counter, Gauge};

use crate::{
    config::Server,
    machine::{Draining, Machine, Note, Standing, Up},
};

/// The log and the metrics of one agent. Several may share a process, so each carries its server's id.
pub(super) struct Log {
    server_id: String,
    registered: Gauge,
    lands: Gauge,
    reconnects: Counter,
    failovers: Counter,
    /// Where it was registered last.
    registered_at: Option<SocketAddr>,
    heartbeats: Counter,
    failed: Counter,
}

impl Log {
    pub(super) fn new(server: &Server) -> Self {
        let server_id = server.server_id.as_str().to_owned();
        let label = || [("server_id", server_id.clone())];
        Self {
            registered: metrics::gauge!("agent_registered", &label()),
            lands: metrics::gauge!("agent_lands", &label()),
            reconnects: metrics::counter!("agent_reconnects_total", &label()),
            failovers: metrics::counter!("agent_failovers_total", &label()),
            registered_at: None,
            heartbeats: metrics::counter!("agent_heartbeats_total", &label()),
            failed: metrics::counter!("agent_lands_failed_total", &label()),
            server_id,
        }
    }

    /// What is so now.
    pub(super) fn state(&self, machine: &Machine) {
        self.registered.set(if machine.is_registered() { 1.0 } else { 0.0 });
        self.lands.set(machine.land_count() as f64);
    }

    pub(super) fn sending(&self, message: &Up) {
        if matches!(message, Up::Heartbeat { .. }) {
            self.heartbeats.increment(1);
        }
    }

    /// `addr` is where the present stream goes.
    pub(super) fn note(&mut self, note: &Note, addr: Option<SocketAddr>) {
        if matches!(note, Note::Registered { .. }) {
            let before = std::mem::replace(&mut self.registered_at, addr);
            if before.is_some() && before != addr {
                self.failovers.increment(1);
            }
        }
        let server_id = &self.server_id;
        let addr = addr.map(tracing::field::display);
        match note {
            Note::Registered { again: false } => {
                tracing::info!(%server_id, addr, "registered with the control plane");
            }
            Note::Registered { again: true } => {
                self.reconnects.increment(1);
                tracing::info!(%server_id, addr, "registered with the control plane again");
            }
            Note::Lost { cause } => {
                tracing::warn!(%server_id, addr, %cause, "the control plane is lost; trying until it is found again");
            }
            Note::Refused { land_id, reason } => {
                tracing::warn!(%server_id, %land_id, %reason, "a land was refused");
            }
            Note::GameServer { standing: Standing::Suspect } => {
                tracing::warn!(%server_id, "the game server is silent: no new lands until it is heard of");
            }
            Note::GameServer { standing: Standing::Dead } => {
                tracing::error!(%server_id, "the game server has been silent for as long as it may: it is taken for dead");
            }
            Note::GameServer { .. } => tracing::info!(%server_id, "the game server is heard of again"),
            Note::Failed { land_id, reason } => {
                self.failed.increment(1);
                tracing::warn!(%server_id, %land_id, %reason, "a land that was ready broke");
            }
            Note::Draining(Draining { reason, deadline_ms }) => {
                tracing::info!(%server_id, %reason, deadline_ms, "draining: no new lands");
            }
            Note::Drained { left } => {
                tracing::info!(%server_id, lands_left = left, "the drain's deadline has come; the game server is told to end");
            }
        }
    }
}
