//! What travels between agents and the control plane arrives, or doesn't.

use proto::provisioning::v1::{self as pb, connect_response::Message as Told};
use provisioning_agent::machine::Loss;
use tonic::Status;

use super::World;
use crate::simulation::{
    history::{Event, Log},
    names::Roster,
    network::{Connection, ConnectionNo, Parcel, Side},
};

impl World {
    /// An agent's connection comes to the control plane's port, where there is one.
    pub(super) fn reached(&mut self, number: ConnectionNo) {
        let connection = self.stage.network.at(number);
        let server = connection.server;
        if !connection.agent_open || self.stage.network.is_cut(server) {
            // The agent gives up in its time.
            return;
        }
        let Some(control) = &self.control else {
            let loss = Loss::Broken("connection refused".to_owned());
            return self.servers[server.0].lost(&mut self.stage, number, loss);
        };
        let connection = self.stage.network.at(number);
        connection.life = Some(control.life);
        connection.to_control = Some(control.accept(number));
        self.servers[server.0].opened(&mut self.stage, number);
    }

    pub(super) fn arrived(&mut self, number: ConnectionNo, side: Side) {
        while let Some(parcel) = self.stage.network.arrived(self.stage.now_ms, number, side) {
            match (side, parcel) {
                (Side::Control, Parcel::Up(message)) => self.reaches_control(number, message),
                (Side::Control, _) => self.stage.network.at(number).to_control = None,
                (Side::Agent, parcel) => {
                    let server = self.stage.network.at(number).server;
                    self.servers[server.0].received(&mut self.stage, number, parcel);
                }
            }
        }
    }

    pub(super) fn reaches_control(&mut self, number: ConnectionNo, message: pb::ConnectRequest) {
        if let Some(to_control) = &self.stage.network.at(number).to_control {
            // One that doesn't read so much has died.
            drop(to_control.try_send(Ok(message)));
        }
    }

    /// The control plane has said something on a connection.
    pub(super) fn control_said(
        &mut self,
        number: ConnectionNo,
        said: Option<Result<pb::ConnectResponse, Status>>,
    ) {
        let connection = self.stage.network.at(number);
        if connection.life.is_none_or(|life| !self.speaking.contains(&life)) {
            return;
        }
        let parcel = match said {
            Some(Ok(message)) => {
                if let Some(told) = &message.message {
                    note_told(&self.stage.log, connection, told);
                }
                Parcel::Down(message)
            }
            Some(Err(status)) => Parcel::Refused(status),
            None => {
                connection.to_control = None;
                Parcel::Closed
            }
        };
        self.stage.network.send(&mut self.stage.agenda, self.stage.now_ms, number, Side::Agent, parcel);
    }

    /// One end has heard nothing for long.
    pub(super) fn unheard(&mut self, number: ConnectionNo, side: Side, cut: u32) {
        let server = self.stage.network.at(number).server;
        if !self.stage.network.is_still_cut(server, cut) {
            return;
        }
        match side {
            Side::Control => self.stage.network.at(number).to_control = None,
            Side::Agent => {
                let loss = Loss::Broken("nothing is heard".to_owned());
                self.servers[server.0].lost(&mut self.stage, number, loss);
            }
        }
    }
}

fn note_told(log: &Log, connection: &Connection, told: &Told) {
    let Connection { server, instance, life, .. } = *connection;
    let event = match told {
        Told::AllocateLand(command) => Event::Asked {
            server,
            instance,
            by: life.unwrap_or_default(),
            land: log.land(&command.land_id),
            the_match: log.the_match(&command.match_id),
        },
        Told::ReleaseLand(command) => {
            Event::TakenBack { server, land: log.land(&command.land_id), why: command.reason.clone() }
        }
        Told::SeatsFreed(freed) => {
            let players = Roster(freed.player_ids.iter().cloned().collect());
            Event::SeatsFreed { server, land: log.land(&freed.land_id), players }
        }
        Told::Drain(drain) => Event::Drained { server, instance, deadline_ms: drain.deadline_ms },
        Told::Welcome(_) | Told::Superseded(_) => return,
    };
    log.note(event);
}
