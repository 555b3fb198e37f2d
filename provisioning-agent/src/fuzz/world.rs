//! An agent without a network: its machine, and what is around it.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use proto::provisioning::v1::{
    ConnectResponse, connect_request::Message as Up, connect_response::Message as Down, land_answer::Outcome,
};

use crate::{
    agent::terms,
    config::{Config, Server},
    ids::InstanceId,
    machine::{Machine, Output},
    stream::{
        Identity,
        fuzz::{request, response},
    },
};

/// How many lands there may be.
pub(crate) const CAPACITY: usize = 3;
/// The longest reason that goes up, in bytes.
const MAX_REASON: usize = 512;
/// What is to be done at one moment comes to an end.
const AT_ONCE: usize = 100_000;

/// An agent whose game server is ready, and whose stream is open.
pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) now_ms: u64,
    pub(crate) identity: Identity,
    /// By command: how often it came, and how often it was answered `ready` and `refused`.
    commands: HashMap<String, [usize; 3]>,
    pub(crate) has_ended: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        static SERVER: OnceLock<Arc<Server>> = OnceLock::new();
        let server = SERVER.get_or_init(|| {
            let flags =
                ["--server-id", "server-1", "--host", "10.0.0.5", "--port", "7001", "--capacity", "3"];
            let more = ["--land-type", "hero-defense", "--sdk-counter", "rounds=10", "--sdk-list", "maps=2"];
            let config: Config = runtime::config::defaults(&[&flags[..], &more].concat());
            Arc::new(Server::check(&config).expect("the settings are good"))
        });
        let instance_id = InstanceId::parse("instance-1").expect("it is an id");
        let identity = Identity { server: Arc::clone(server), instance_id };
        let now_ms = 1_000_000;
        let machine = Machine::start(terms(&identity), now_ms);
        Self { machine, now_ms, identity, commands: HashMap::new(), has_ended: false }
    }

    /// The game server listens, is ready, and the stream is open.
    pub(crate) fn open(mut self) -> Self {
        self.machine.watcher_came(self.now_ms);
        self.machine.game_server_ready(self.now_ms, &[]).expect("it brings no lands");
        self.settle();
        self
    }

    /// The control plane says something.
    pub(crate) fn hear(&mut self, message: ConnectResponse) {
        if let Some(Down::AllocateLand(command)) = &message.message {
            self.commands.entry(command.command_id.clone()).or_default()[0] += 1;
        }
        match response(message) {
            Ok(down) => self.machine.received(self.now_ms, 0.5, down),
            Err(why) => assert!(!why.is_empty() && why.len() < 300, "{why}"),
        }
        self.settle();
    }

    /// Time passes, as a driver lets it.
    pub(crate) fn pass(&mut self, ms: u64) {
        let until_ms = self.now_ms.saturating_add(ms);
        for _ in 0..AT_ONCE {
            let Some(at_ms) = self.machine.next_deadline_ms().filter(|at_ms| *at_ms <= until_ms) else {
                self.now_ms = until_ms;
                return;
            };
            self.now_ms = self.now_ms.max(at_ms);
            self.machine.time_passed(self.now_ms, 0.5);
            self.settle();
        }
        panic!("time doesn't pass");
    }

    /// Does what the machine says.
    pub(crate) fn settle(&mut self) {
        for _ in 0..AT_ONCE {
            match self.machine.next_output() {
                None => return,
                Some(Output::Connect) => self.machine.stream_opened(self.now_ms),
                Some(Output::Send(up)) => {
                    self.said(request(&self.identity, up).message.expect("something is said"));
                }
                Some(Output::Finished(_)) => self.has_ended = true,
                Some(_) => {}
            }
        }
        panic!("there is no end of what is to be done");
    }

    /// What goes up is within the contract.
    fn said(&mut self, up: Up) {
        match up {
            Up::Hello(hello) => assert!(hello.lands.len() <= CAPACITY, "{hello:?}"),
            Up::Heartbeat(beat) => assert!(beat.sequence > 0 && beat.lands.len() <= CAPACITY, "{beat:?}"),
            Up::LandAnswer(answer) => {
                let command = self.commands.get_mut(&answer.command_id);
                let [asked, ready, refused] = command.unwrap_or_else(|| panic!("nobody asked: {answer:?}"));
                match answer.outcome.expect("an answer has an outcome") {
                    Outcome::Ready(_) => *ready += 1,
                    Outcome::Refused(why) => {
                        assert!(why.reason.len() <= MAX_REASON, "{why:?}");
                        *refused += 1;
                    }
                }
                assert!(
                    *ready <= *asked && *refused <= *asked,
                    "answered more often than asked: {}",
                    answer.command_id
                );
            }
            Up::Goodbye(goodbye) => assert!(goodbye.reason.len() <= MAX_REASON),
        }
    }
}
