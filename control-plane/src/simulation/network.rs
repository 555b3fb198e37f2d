//! The network between agents and the control plane: every connection is two lanes, in which messages keep their order but take
//! their time, and which are cut, broken and held up.
//!
//! A real stream loses nothing in the middle and reorders nothing. What the registry promises holds all the same where
//! heartbeats are lost, doubled and late, so in some runs they are.

use std::collections::VecDeque;

use proto::provisioning::v1::{self as pb, connect_request::Message as Up};
use tokio::sync::mpsc;
use tonic::Status;

use super::{
    agenda::{Agenda, Due},
    dice::Dice,
    names::ServerNo,
    plan::Ways,
};

/// What the control plane's end takes in.
pub(super) type ToControl = mpsc::Sender<Result<pb::ConnectRequest, Status>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionNo(pub(super) usize);

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Agent,
    Control,
}

/// What travels.
#[derive(Debug)]
pub(super) enum Parcel {
    Up(pb::ConnectRequest),
    Down(pb::ConnectResponse),
    /// The control plane refuses, and closes.
    Refused(Status),
    /// The other end has closed it.
    Closed,
}

/// A message that comes out of its turn.
#[derive(Debug)]
pub(super) struct Stray(pub(super) pb::ConnectRequest);

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) server: ServerNo,
    /// Of the agent that opened it.
    pub(super) instance: u32,
    /// Which control plane it goes to, by its life; none before it is reached.
    pub(super) life: Option<u32>,
    up: Lane,
    down: Lane,
    /// The control plane's end, while it is open.
    pub(super) to_control: Option<ToControl>,
    /// Whether the agent's end is open.
    pub(super) agent_open: bool,
}

#[derive(Debug, Default)]
struct Lane {
    parcels: VecDeque<(u64, Parcel)>,
    last_ms: u64,
}

/// Whether a server's host is reached.
#[derive(Debug, Default, Clone, Copy)]
struct Reach {
    cut: bool,
    /// Of the newest cut.
    number: u32,
}

#[derive(Debug)]
pub(super) struct Network {
    ways: Ways,
    dice: Dice,
    connections: Vec<Connection>,
    reach: Vec<Reach>,
}

impl Network {
    pub(super) fn new(ways: Ways, dice: Dice, servers: usize) -> Self {
        Self { ways, dice, connections: Vec::new(), reach: vec![Reach::default(); servers] }
    }

    /// An agent wants to be connected.
    pub(super) fn open(
        &mut self,
        agenda: &mut Agenda,
        now_ms: u64,
        server: ServerNo,
        instance: u32,
    ) -> ConnectionNo {
        let number = ConnectionNo(self.connections.len());
        self.connections.push(Connection {
            server,
            instance,
            life: None,
            up: Lane::default(),
            down: Lane::default(),
            to_control: None,
            agent_open: true,
        });
        agenda.add(now_ms + 2 * self.latency(), Due::Reached(number));
        number
    }

    pub(super) fn at(&mut self, number: ConnectionNo) -> &mut Connection {
        &mut self.connections[number.0]
    }

    /// The connections that any end holds open.
    pub(super) fn open_ones(&self) -> impl Iterator<Item = ConnectionNo> {
        let is_open = |connection: &Connection| connection.agent_open || connection.to_control.is_some();
        (0..self.connections.len()).filter(move |at| is_open(&self.connections[*at])).map(ConnectionNo)
    }

    pub(super) fn is_cut(&self, server: ServerNo) -> bool {
        self.reach[server.0].cut
    }

    /// Nothing goes to or from the host any more. The number of this cut.
    pub(super) fn cut(&mut self, server: ServerNo) -> u32 {
        let reach = &mut self.reach[server.0];
        *reach = Reach { cut: true, number: reach.number + 1 };
        reach.number
    }

    pub(super) fn is_still_cut(&self, server: ServerNo, number: u32) -> bool {
        let reach = self.reach[server.0];
        reach.cut && reach.number == number
    }

    /// The host is reached again: what was held up goes on.
    pub(super) fn mend(&mut self, agenda: &mut Agenda, now_ms: u64, server: ServerNo) {
        self.reach[server.0].cut = false;
        for (at, connection) in self.connections.iter().enumerate() {
            if connection.server == server {
                for (lane, side) in [(&connection.up, Side::Control), (&connection.down, Side::Agent)] {
                    if !lane.parcels.is_empty() {
                        agenda.add(now_ms, Due::Arrived(ConnectionNo(at), side));
                    }
                }
            }
        }
    }

    /// The agent says something.
    pub(super) fn send_up(
        &mut self,
        agenda: &mut Agenda,
        now_ms: u64,
        number: ConnectionNo,
        message: pb::ConnectRequest,
    ) {
        if matches!(message.message, Some(Up::Heartbeat(_))) {
            if self.dice.chance(self.ways.beats_lost) {
                return;
            }
            let stray_at = now_ms + self.dice.within(&self.ways.stray_ms);
            if self.dice.chance(self.ways.beats_doubled) {
                agenda.add(stray_at, Due::Stray(number, Box::new(Stray(message.clone()))));
            }
            if self.dice.chance(self.ways.beats_late) {
                agenda.add(stray_at, Due::Stray(number, Box::new(Stray(message))));
                return;
            }
        }
        self.send(agenda, now_ms, number, Side::Control, Parcel::Up(message));
    }

    /// Something goes to that side.
    pub(super) fn send(
        &mut self,
        agenda: &mut Agenda,
        now_ms: u64,
        number: ConnectionNo,
        to: Side,
        parcel: Parcel,
    ) {
        let latency = self.latency();
        let lane = self.lane(number, to);
        lane.last_ms = lane.last_ms.max(now_ms + latency);
        let at_ms = lane.last_ms;
        lane.parcels.push_back((at_ms, parcel));
        agenda.add(at_ms, Due::Arrived(number, to));
    }

    /// What has come to that side and is not taken yet.
    pub(super) fn arrived(&mut self, now_ms: u64, number: ConnectionNo, at: Side) -> Option<Parcel> {
        if self.is_cut(self.connections[number.0].server) {
            return None;
        }
        let lane = self.lane(number, at);
        let due = lane.parcels.front().is_some_and(|(at_ms, _)| *at_ms <= now_ms);
        if due { lane.parcels.pop_front().map(|(_, parcel)| parcel) } else { None }
    }

    /// What is on its way to that side is lost.
    pub(super) fn lose(&mut self, number: ConnectionNo, to: Side) {
        self.lane(number, to).parcels.clear();
    }

    /// From now on, all is as it should be.
    pub(super) fn calm(&mut self) {
        self.ways = Ways { latency_ms: self.ways.latency_ms.clone(), ..Ways::good() };
    }

    fn latency(&mut self) -> u64 {
        let slow = self.dice.chance(self.ways.slow);
        self.dice.within(if slow { &self.ways.slow_ms } else { &self.ways.latency_ms })
    }

    fn lane(&mut self, number: ConnectionNo, to: Side) -> &mut Lane {
        let connection = &mut self.connections[number.0];
        match to {
            Side::Agent => &mut connection.down,
            Side::Control => &mut connection.up,
        }
    }
}
