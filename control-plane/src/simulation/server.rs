//! A host: a game server, and beside it the agent's real machine, driven as its own program drives it.

use std::collections::{BTreeMap, BTreeSet};

use provisioning_agent::{
    ids::{CommandId, InstanceId, LandId, LandType},
    machine::{Down, Loss, Machine, Mode, Output, SdkTerms, Terms, Up},
};

use super::{
    agenda::Due,
    dice::Dice,
    game::{Game, GameEvent},
    history::Event,
    names::{LandNo, MatchNo, Roster, ServerNo},
    network::{ConnectionNo, Parcel, Side},
    plan::{Flaw, Host, Manner},
    stage::Stage,
    wire::{self, Card},
};

/// How an agent went that said goodbye.
pub(super) const STOPPED: &str = "has stopped";

#[derive(Debug)]
pub(super) struct Server {
    pub(super) number: ServerNo,
    plan: Host,
    card: Card,
    /// The agent's mind, while its program runs.
    pub(super) machine: Option<Machine>,
    instance: u32,
    pub(super) connection: Option<ConnectionNo>,
    pub(super) game: Game,
    /// What it was asked for on this connection, by command.
    orders: BTreeMap<CommandId, Order>,
    /// The lands of an agent that answers for its game server.
    auto: BTreeMap<LandId, LandNo>,
    /// When the machine is looked at next.
    wake_ms: Option<u64>,
    /// It is started anew when it comes back.
    pub(super) retires: bool,
    dice: Dice,
}

#[derive(Debug, Clone)]
struct Order {
    land_id: LandId,
    land: LandNo,
    the_match: MatchNo,
    players: Roster,
}

impl Server {
    pub(super) fn new(number: ServerNo, plan: Host, dice: &mut Dice) -> Self {
        let card =
            Card { server: number.id(), instance: String::new(), region: plan.region.unwrap_or_default() };
        Self {
            number,
            card,
            machine: None,
            instance: 0,
            connection: None,
            game: Game::new(number, plan.manner.clone(), plan.flaw, dice.fork()),
            orders: BTreeMap::new(),
            auto: BTreeMap::new(),
            wake_ms: None,
            retires: false,
            dice: dice.fork(),
            plan,
        }
    }

    /// Starts what doesn't run.
    pub(super) fn start(&mut self, stage: &mut Stage) {
        let game_was_down = !self.game.up;
        if game_was_down {
            self.game.start();
            let (server, capacity, seats) = (self.number, self.plan.capacity, self.plan.seats);
            stage.log.note(Event::ServerUp { server, capacity, seats });
        }
        if self.machine.is_none() {
            self.instance += 1;
            self.card.instance = format!("i-{:04}", self.instance);
            stage.log.note(Event::AgentUp { server: self.number, instance: self.instance });
            self.machine = Some(Machine::start(self.terms(), stage.now_ms));
        } else if !game_was_down {
            return;
        }
        if matches!(self.plan.manner, Manner::Answers { .. }) {
            let lands = self.game.report();
            self.with_machine(stage, |machine, game, stage| {
                machine.game_server_ready(stage.now_ms, &lands).expect("the agent takes its server's lands");
                for notice in machine.watcher_came(stage.now_ms) {
                    game.told(stage, notice);
                }
                // It asks what its agent knows, and ends what it doesn't have.
                for land in
                    machine.status(stage.now_ms).lands.into_iter().filter(|land| !game.has(&land.land_id))
                {
                    machine.land_ended(stage.now_ms, &land.land_id);
                }
            });
        }
        self.drive(stage);
    }

    fn terms(&self) -> Terms {
        let lies = self.plan.flaw == Some(Flaw::HidesALand);
        let count = |number: usize| u32::try_from(number).expect("a small number");
        Terms {
            instance_id: InstanceId::parse(&self.card.instance).expect("a good id"),
            land_types: vec![LandType::parse("demo").expect("a good type")],
            capacity: count(self.plan.capacity + usize::from(lies)),
            player_capacity: self.plan.seats.map(count),
            mode: match &self.plan.manner {
                Manner::Auto => Mode::Auto { lifetime_ms: 8_000 },
                Manner::Answers { .. } => Mode::Report,
            },
            sdk: SdkTerms::default(),
        }
    }

    /// Does something with the agent, and what follows from it. Nothing, where it doesn't run.
    pub(super) fn with_machine(
        &mut self,
        stage: &mut Stage,
        what: impl FnOnce(&mut Machine, &mut Game, &mut Stage),
    ) {
        if let Some(machine) = &mut self.machine {
            what(machine, &mut self.game, stage);
            self.drive(stage);
        }
    }

    /// The connection is there.
    pub(super) fn opened(&mut self, stage: &mut Stage, connection: ConnectionNo) {
        if self.connection == Some(connection) {
            self.with_machine(stage, |machine, _, stage| machine.stream_opened(stage.now_ms));
        }
    }

    /// Something has come over the connection.
    pub(super) fn received(&mut self, stage: &mut Stage, connection: ConnectionNo, parcel: Parcel) {
        if self.connection != Some(connection) || !stage.network.at(connection).agent_open {
            return;
        }
        match parcel {
            Parcel::Down(message) => {
                let message = wire::response(message);
                if matches!(message, Down::Welcome { .. }) {
                    stage.log.note(Event::Welcomed { server: self.number });
                }
                if let Down::Allocate(order) = &message {
                    let players = order.players.iter().map(ToString::to_string).collect();
                    let order_here = Order {
                        land_id: order.land_id.clone(),
                        land: stage.log.land(order.land_id.as_str()),
                        the_match: stage.log.the_match(&order.match_id),
                        players: Roster(players),
                    };
                    self.orders.insert(order.command_id.clone(), order_here);
                }
                let jitter = self.dice.share();
                self.with_machine(stage, |machine, _, stage| machine.received(stage.now_ms, jitter, message));
            }
            Parcel::Refused(status) => self.lost(stage, connection, wire::loss(&status)),
            Parcel::Closed => {
                self.lost(stage, connection, Loss::Broken("the control plane closed it".to_owned()));
            }
            Parcel::Up(_) => {}
        }
    }

    /// The connection is over, as the agent sees it.
    pub(super) fn lost(&mut self, stage: &mut Stage, connection: ConnectionNo, loss: Loss) {
        if self.connection != Some(connection) {
            return;
        }
        self.hang_up(stage);
        let jitter = self.dice.share();
        self.with_machine(stage, |machine, _, stage| machine.stream_lost(stage.now_ms, jitter, loss));
    }

    /// The machine's time has come.
    pub(super) fn wake(&mut self, stage: &mut Stage) {
        self.wake_ms = None;
        let jitter = self.dice.share();
        self.with_machine(stage, |machine, _, stage| machine.time_passed(stage.now_ms, jitter));
    }

    /// The game server does what it was about to do.
    pub(super) fn game_acts(&mut self, stage: &mut Stage, life: u32, event: GameEvent) {
        if self.game.up && self.game.life == life {
            self.game.acts(stage, self.machine.as_mut(), event);
            self.drive(stage);
        }
    }

    /// The agent's program is gone. `silently`: so is the machine that it ran on, and nothing tells the other end.
    pub(super) fn kill_agent(&mut self, stage: &mut Stage, silently: bool) {
        if self.machine.take().is_none() {
            return;
        }
        let how = if silently { "is gone without a trace" } else { "is killed" };
        stage.log.note(Event::AgentDown { server: self.number, how });
        if let (true, Some(connection)) = (silently, self.connection) {
            stage.network.lose(connection, Side::Control);
            stage.network.at(connection).agent_open = false;
            self.connection = None;
        }
        self.hang_up(stage);
        if !self.auto.is_empty() || self.plan.manner_is_auto() {
            self.kill_game(stage);
        }
    }

    /// The game server's process is gone.
    pub(super) fn kill_game(&mut self, stage: &mut Stage) {
        if self.game.up {
            self.game.die();
            self.auto.clear();
            stage.log.note(Event::ServerDown { server: self.number });
        }
    }

    /// The game server alone is gone. `supervised`: its agent started it, and sees it.
    pub(super) fn game_dies(&mut self, stage: &mut Stage, supervised: bool) {
        if self.plan.manner_is_auto() || !self.game.up {
            return;
        }
        self.kill_game(stage);
        self.with_machine(stage, |machine, _, stage| {
            if supervised {
                machine.game_server_exited(stage.now_ms, "it was killed");
            }
            machine.watcher_went(stage.now_ms);
        });
    }

    /// The lands that live on it.
    pub(super) fn lands(&self) -> BTreeSet<LandNo> {
        self.game.lands().chain(self.auto.values().copied()).collect()
    }

    fn hang_up(&mut self, stage: &mut Stage) {
        self.orders.clear();
        if let Some(connection) = self.connection.take()
            && std::mem::take(&mut stage.network.at(connection).agent_open)
        {
            stage.network.lose(connection, Side::Agent);
            stage.network.send(&mut stage.agenda, stage.now_ms, connection, Side::Control, Parcel::Closed);
        }
    }

    /// Does what the machine says.
    fn drive(&mut self, stage: &mut Stage) {
        while let Some(output) = self.machine.as_mut().and_then(Machine::next_output) {
            match output {
                Output::Connect => {
                    self.hang_up(stage);
                    let connection =
                        stage.network.open(&mut stage.agenda, stage.now_ms, self.number, self.instance);
                    self.connection = Some(connection);
                }
                Output::Disconnect => self.hang_up(stage),
                Output::Send(message) => self.send(stage, message),
                Output::Tell(notice) => self.game.told(stage, notice),
                Output::Note(_) => {}
                Output::Finished(_) => {
                    self.machine = None;
                    self.hang_up(stage);
                    stage.log.note(Event::AgentDown { server: self.number, how: STOPPED });
                    if self.plan.manner_is_auto() {
                        self.kill_game(stage);
                    }
                }
            }
        }
        self.see_auto_lands(stage);
        let next_ms = self.machine.as_ref().and_then(Machine::next_deadline_ms);
        if let Some(at_ms) = next_ms.map(|at_ms| at_ms.max(stage.now_ms))
            && self.wake_ms.is_none_or(|planned_ms| at_ms < planned_ms)
        {
            self.wake_ms = Some(at_ms);
            stage.agenda.add(at_ms, Due::Agent(self.number));
        }
    }

    fn send(&mut self, stage: &mut Stage, mut message: Up) {
        let Some(connection) = self.connection.filter(|at| stage.network.at(*at).agent_open) else { return };
        match &message {
            Up::LandReady { command_id } if self.plan.manner_is_auto() => {
                if let Some(order) = self.orders.get(command_id)
                    && self.auto.insert(order.land_id.clone(), order.land).is_none()
                {
                    let (server, Order { land, the_match, players, .. }) = (self.number, order.clone());
                    stage.log.note(Event::Accepted { server, land, the_match, players });
                }
            }
            Up::LandRefused { command_id, reason } => {
                let land = self.orders.get(command_id).map(|order| order.land);
                stage.log.note(Event::Refused { server: self.number, land, why: reason.clone() });
            }
            _ => {}
        }
        if matches!(message, Up::Hello { .. }) {
            stage.log.note(Event::Hello { server: self.number });
        }
        if let Up::Hello { lands, capacity, .. } = &mut message
            && self.plan.flaw == Some(Flaw::HidesALand)
        {
            lands.pop();
            capacity.lands -= 1;
        }
        if let Up::Heartbeat { lands, .. } = &mut message {
            match self.plan.flaw {
                Some(Flaw::HidesALand) => drop(lands.pop()),
                Some(Flaw::MadeUpLand) => lands.push(provisioning_agent::machine::LandReport {
                    land_id: LandId::parse("demo:made-up").expect("a good id"),
                    players: std::sync::Arc::default(),
                    awaited: Vec::new(),
                }),
                _ => {}
            }
        }
        let last = matches!(message, Up::Goodbye { .. });
        let message = wire::request(&self.card, message);
        stage.network.send_up(&mut stage.agenda, stage.now_ms, connection, message);
        if last {
            stage.network.send(&mut stage.agenda, stage.now_ms, connection, Side::Control, Parcel::Closed);
        }
    }

    /// An agent that answers for its game server ends lands by itself.
    fn see_auto_lands(&mut self, stage: &Stage) {
        if self.auto.is_empty() {
            return;
        }
        let status = self.machine.as_ref().map(|machine| machine.status(stage.now_ms));
        let live: BTreeSet<_> =
            status.into_iter().flat_map(|status| status.lands).map(|land| land.land_id).collect();
        let (server, log) = (self.number, &stage.log);
        self.auto.retain(|id, land| {
            let lives = live.contains(id);
            if !lives {
                log.note(Event::LandOver { server, land: *land });
            }
            lives
        });
    }
}
