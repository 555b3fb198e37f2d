//! What befalls a run, and how it is mended.

use super::World;
use crate::simulation::{
    agenda::{Due, Mend},
    history::Event,
    names::ServerNo,
    network::{Parcel, Side},
    plan::Fault,
};

/// An agent that hears nothing gives its connection up after so long, a control plane later.
const AGENT_PATIENCE_MS: u64 = 4_000;
const CONTROL_PATIENCE_MS: u64 = 30_000;

impl World {
    pub(super) fn befalls(&mut self, fault: Fault) {
        self.stage.log.note(Event::Fault(format!("{fault:?}")));
        let now_ms = self.stage.now_ms;
        match fault {
            Fault::Break(server) => self.break_connection(server),
            Fault::Cut(server, for_ms) => self.cut(server, for_ms),
            Fault::CutAll(for_ms) => (0..self.servers.len()).for_each(|at| self.cut(ServerNo(at), for_ms)),
            Fault::KillHost { server, down_ms, silently } => {
                let host = &mut self.servers[server.0];
                host.kill_agent(&mut self.stage, silently);
                host.kill_game(&mut self.stage);
                self.stage.agenda.add(now_ms + down_ms, Due::Mend(Mend::Host(server)));
            }
            Fault::KillAgent(server, down_ms) => {
                self.servers[server.0].kill_agent(&mut self.stage, false);
                self.stage.agenda.add(now_ms + down_ms, Due::Mend(Mend::Host(server)));
            }
            Fault::KillGame(server, down_ms) => {
                let supervised = self.dice.chance(500);
                self.servers[server.0].game_dies(&mut self.stage, supervised);
                self.stage.agenda.add(now_ms + down_ms, Due::Mend(Mend::Host(server)));
            }
            Fault::StopAgent(server, down_ms) => {
                let patience_ms = *self.dice.pick(&[0, 3_000]);
                self.servers[server.0].with_machine(&mut self.stage, |machine, _, stage| {
                    machine.stop(stage.now_ms, patience_ms);
                });
                self.stage.agenda.add(now_ms + 4_000 + down_ms, Due::Mend(Mend::Host(server)));
            }
            Fault::DrainByGame(server, down_ms) => {
                let host = &mut self.servers[server.0];
                host.with_machine(&mut self.stage, |machine, _, stage| {
                    machine.drain(stage.now_ms, "the game server says so".to_owned(), None);
                });
                host.retires = true;
                self.stage.agenda.add(now_ms + down_ms, Due::Mend(Mend::Host(server)));
            }
            Fault::Drain { server, deadline_ms, down_ms } => {
                if let Some(control) = &self.control {
                    control.drain(&server.id(), deadline_ms);
                }
                self.servers[server.0].retires = true;
                self.stage.agenda.add(now_ms + deadline_ms + down_ms, Due::Mend(Mend::Host(server)));
            }
            Fault::KillControl(down_ms) => {
                if let Some(control) = self.control.take() {
                    self.control_is_gone(control.life);
                    control.die();
                    self.stage.agenda.add(now_ms + down_ms, Due::Mend(Mend::Control));
                }
            }
            Fault::StopControl(down_ms) => {
                if let Some(control) = self.control.take() {
                    self.door.leads_to(None);
                    tokio::spawn(control.stop());
                    self.stage.agenda.add(now_ms + down_ms, Due::Mend(Mend::Control));
                }
            }
            Fault::StallStorage(for_ms) => self.kept.stall(for_ms),
        }
    }

    pub(super) fn mends(&mut self, mend: Mend) {
        match mend {
            Mend::Cut(server, cut) => {
                if self.stage.network.is_still_cut(server, cut) {
                    self.stage.network.mend(&mut self.stage.agenda, self.stage.now_ms, server);
                }
            }
            Mend::Host(server) => {
                let host = &mut self.servers[server.0];
                if std::mem::take(&mut host.retires) {
                    host.kill_agent(&mut self.stage, false);
                    host.kill_game(&mut self.stage);
                }
                host.start(&mut self.stage);
            }
            Mend::Control => {
                if self.control.is_none() {
                    self.start_control();
                }
            }
        }
    }

    /// Whoever spoke with it learns that nobody is there.
    fn control_is_gone(&mut self, life: u32) {
        self.door.leads_to(None);
        self.speaking.remove(&life);
        let theirs: Vec<_> = self.stage.network.open_ones().collect();
        for number in theirs {
            let connection = self.stage.network.at(number);
            if connection.life == Some(life) {
                connection.to_control = None;
                let now_ms = self.stage.now_ms;
                self.stage.network.send(&mut self.stage.agenda, now_ms, number, Side::Agent, Parcel::Closed);
            }
        }
    }

    fn break_connection(&mut self, server: ServerNo) {
        let Some(number) = self.servers[server.0].connection else { return };
        for side in [Side::Agent, Side::Control] {
            self.stage.network.lose(number, side);
            let now_ms = self.stage.now_ms;
            self.stage.network.send(&mut self.stage.agenda, now_ms, number, side, Parcel::Closed);
        }
    }

    fn cut(&mut self, server: ServerNo, for_ms: u64) {
        let cut = self.stage.network.cut(server);
        let now_ms = self.stage.now_ms;
        self.stage.agenda.add(now_ms + for_ms, Due::Mend(Mend::Cut(server, cut)));
        if let Some(number) = self.servers[server.0].connection {
            let agent_ms = now_ms + AGENT_PATIENCE_MS + self.dice.below(500);
            self.stage.agenda.add(agent_ms, Due::Unheard(number, Side::Agent, cut));
            self.stage.agenda.add(now_ms + CONTROL_PATIENCE_MS, Due::Unheard(number, Side::Control, cut));
        }
    }

    /// Faults are over: everything is mended, and nobody comes any more.
    pub(super) fn calm(&mut self) {
        self.stage.log.note(Event::Rest);
        self.stage.rest = true;
        self.stage.agenda.calm();
        self.stage.network.calm();
        self.kept.calm();
        for at in 0..self.servers.len() {
            let (server, now_ms) = (ServerNo(at), self.stage.now_ms);
            if self.stage.network.is_cut(server) {
                self.stage.network.mend(&mut self.stage.agenda, now_ms, server);
            }
            self.stage.agenda.add(now_ms + 5_000, Due::Mend(Mend::Host(server)));
        }
        if self.control.is_none() {
            self.start_control();
        }
    }
}
