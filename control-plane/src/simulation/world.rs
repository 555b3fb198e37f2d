//! One run: everything in it happens here, one thing after the other, in virtual time.
//!
//! The control plane's tasks are real ones, on a runtime with one thread and a clock that runs ahead whenever all of them wait.
//! Everything outside of it (agents, game servers, the network, who dies when) is one loop over an agenda, so that a seed
//! decides the order of all things.

mod delivery;
mod ending;
mod faults;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use matching::TicketId;
use runtime::Clock;
use tokio::sync::mpsc;

use super::{
    agenda::{Due, Mend},
    control::{Control, Said},
    dice::Dice,
    door::Door,
    history::{Entry, Log},
    names::{OrderNo, ServerNo, TicketNo},
    outcome::End,
    plan::Plan,
    server::Server,
    slow::Kept,
    stage::Stage,
};
use crate::{
    config::{Config, Sections},
    queues::Queues,
};

/// How long there is rest in which lands still end: until nothing has happened for so long, and at most.
const QUIET_MS: u64 = 12_000;
const REST_MS: u64 = 45_000;
/// Two heartbeats, in which nothing ends any more.
const SETTLE_MS: u64 = 4_000;

pub(super) struct World {
    plan: Plan,
    stage: Stage,
    servers: Vec<Server>,
    control: Option<Control>,
    /// The control planes that are not dead, by their lives: one may stop while another runs.
    speaking: BTreeSet<u32>,
    lives: u32,
    kept: Arc<Kept>,
    door: Door,
    clock: Clock,
    config: Config,
    queues: Arc<Queues>,
    said: mpsc::Receiver<Said>,
    say: mpsc::Sender<Said>,
    dice: Dice,
}

impl World {
    pub(super) fn new(plan: Plan) -> Self {
        let mut dice = Dice::new(plan.seed ^ 0x5EED);
        let (log, clock) = (Log::start(), Clock::start());
        let stage = Stage::new(&plan, &mut dice, log.clone());
        let servers = plan.servers.iter().enumerate();
        let servers = servers.map(|(at, host)| Server::new(ServerNo(at), host.clone(), &mut dice)).collect();
        let mut config: Config = runtime::config::defaults(&[]);
        config.no_show_after = Duration::from_millis(plan.no_show_ms);
        let queues = Queues::new(&config, &Sections::default()).expect("the defaults are good");
        let (say, said) = mpsc::channel(64);
        Self {
            servers,
            control: None,
            speaking: BTreeSet::new(),
            lives: 0,
            kept: Kept::new(plan.storage.clone(), dice.fork(), log.clone()),
            door: Door::new(clock, log),
            clock,
            config,
            queues: Arc::new(queues),
            said,
            say,
            dice,
            stage,
            plan,
        }
    }

    /// Runs to its end.
    pub(super) async fn run(mut self) -> (Vec<Entry>, End) {
        self.start_control();
        for at in 0..self.servers.len() {
            self.stage.agenda.add(self.dice.below(500), Due::Mend(Mend::Host(ServerNo(at))));
        }
        for (at, group) in self.plan.groups.iter().enumerate() {
            self.stage.agenda.add(group.at_ms, Due::Enqueue(at));
        }
        for (at, order) in self.plan.orders.iter().enumerate() {
            self.stage.agenda.add(order.at_ms, Due::Order(at));
        }
        for (at_ms, fault) in &self.plan.faults {
            self.stage.agenda.add(*at_ms, Due::Fault(*fault));
        }
        self.until(self.plan.load_ms).await;
        self.calm();
        self.rest().await;
        self.stage.frozen = true;
        self.until(self.stage.now_ms + SETTLE_MS).await;
        let before = self.known();
        self.until(self.stage.now_ms + SETTLE_MS / 2).await;
        let end = self.end(&before).await;
        (self.stage.log.take(), end)
    }

    /// Until nothing more happens.
    async fn rest(&mut self) {
        let end_ms = self.stage.now_ms + REST_MS;
        let mut quiet = 0;
        let mut entries = 0;
        while quiet < QUIET_MS && self.stage.now_ms < end_ms {
            self.until(self.stage.now_ms + SETTLE_MS).await;
            let so_far = self.stage.log.len();
            quiet = if so_far == entries { quiet + SETTLE_MS } else { 0 };
            entries = so_far;
        }
    }

    /// Lets things happen until that time.
    async fn until(&mut self, end_ms: u64) {
        loop {
            self.stage.now_ms = self.stage.log.now_ms();
            while let Some(due) = self.stage.agenda.take(self.stage.now_ms) {
                self.happens(due);
            }
            if self.stage.now_ms >= end_ms {
                return;
            }
            let next_ms = self.stage.agenda.next_ms().map_or(end_ms, |at_ms| at_ms.min(end_ms));
            tokio::select! {
                biased;
                Some((connection, said)) = self.said.recv() => {
                    self.stage.now_ms = self.stage.log.now_ms();
                    self.control_said(connection, said);
                }
                () = tokio::time::sleep_until(self.stage.log.instant_of(next_ms)) => {}
            }
        }
    }

    fn happens(&mut self, due: Due) {
        match due {
            Due::Agent(server) => self.servers[server.0].wake(&mut self.stage),
            Due::Game { server, life, event } => {
                self.servers[server.0].game_acts(&mut self.stage, life, event);
            }
            Due::Reached(connection) => self.reached(connection),
            Due::Arrived(connection, side) => self.arrived(connection, side),
            Due::Stray(connection, message) => {
                self.reaches_control(connection, message.0);
            }
            Due::Unheard(connection, side, cut) => self.unheard(connection, side, cut),
            Due::Enqueue(at) => {
                let group = self.plan.groups[at].clone();
                if let Some(after_ms) = group.cancel_after_ms {
                    let ticket = TicketId::new(TicketNo(at).id());
                    self.stage.agenda.add(self.stage.now_ms + after_ms, Due::Cancel(ticket));
                }
                tokio::spawn(self.door.clone().enqueue(TicketNo(at), group));
            }
            Due::Cancel(ticket) => {
                tokio::spawn(self.door.clone().cancel(TicketNo::of(ticket.as_str())));
            }
            Due::Order(at) => {
                let (order, dice) = (self.plan.orders[at].clone(), self.dice.fork());
                tokio::spawn(self.door.clone().order(OrderNo(at), order, dice));
            }
            Due::Fault(fault) => self.befalls(fault),
            Due::Mend(mend) => self.mends(mend),
        }
    }

    fn start_control(&mut self) {
        self.lives += 1;
        let (log, say) = (self.stage.log.clone(), self.say.clone());
        let control =
            Control::start(self.lives, self.clock, &self.config, &self.queues, &self.kept, say, log);
        self.door.leads_to(Some(control.present()));
        self.speaking.insert(self.lives);
        self.control = Some(control);
    }
}
