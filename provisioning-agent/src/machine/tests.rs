//! The machine's life, without a network: a test says what happens and when, and looks at what follows.

mod drain;
mod lands;
mod links;
mod sdk;
mod seats;
mod untold;

use super::*;
use crate::ids::{InstanceId, LandType, PlayerId};

/// A machine with a clock that the test moves.
struct Bench {
    machine: Machine,
    now_ms: u64,
}

impl Bench {
    fn report() -> Self {
        Self::new(Mode::Report)
    }

    fn new(mode: Mode) -> Self {
        Self::with(mode, SdkLands::AtOnce)
    }

    fn with(mode: Mode, lands: SdkLands) -> Self {
        let terms = Terms {
            instance_id: InstanceId::parse("instance-1").unwrap(),
            land_types: vec![LandType::parse("arena").unwrap()],
            capacity: 3,
            player_capacity: None,
            mode,
            sdk: SdkTerms {
                lands,
                counters: [("rounds".to_owned(), 10)].into(),
                lists: [("maps".to_owned(), 2)].into(),
                ..SdkTerms::default()
            },
        };
        Self { machine: Machine::start(terms, 1_000), now_ms: 1_000 }
    }

    /// A machine that is registered, its game server watching, a heartbeat wanted each second.
    fn registered() -> Self {
        let mut bench = Self::report();
        bench.machine.watcher_came(bench.now_ms);
        bench.machine.game_server_ready(bench.now_ms, &[]).unwrap();
        bench.join();
        bench
    }

    fn join(&mut self) {
        assert!(matches!(self.outputs().as_slice(), [Output::Connect]));
        self.machine.stream_opened(self.now_ms);
        self.hear(Down::Welcome { heartbeat_interval_ms: 1_000 });
        self.outputs();
    }

    fn status(&self) -> Status {
        self.machine.status(self.now_ms)
    }

    fn hear(&mut self, message: Down) {
        self.machine.received(self.now_ms, 1.0, message);
    }

    /// Lets time pass as a driver does, stopping at each deadline.
    fn pass(&mut self, ms: u64) {
        let until_ms = self.now_ms + ms;
        while let Some(at_ms) = self.machine.next_deadline_ms().filter(|at_ms| *at_ms <= until_ms) {
            self.now_ms = self.now_ms.max(at_ms);
            self.machine.time_passed(self.now_ms, 1.0);
        }
        self.now_ms = until_ms;
    }

    fn lose(&mut self, cause: &str) {
        self.machine.stream_lost(self.now_ms, 1.0, Loss::Broken(cause.to_owned()));
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.machine.next_output()).collect()
    }

    /// What was sent up since the last look; everything else is dropped.
    fn sent(&mut self) -> Vec<Up> {
        let outputs = self.outputs().into_iter();
        outputs
            .filter_map(|output| match output {
                Output::Send(message) => Some(message),
                _ => None,
            })
            .collect()
    }

    /// The same for what the game server was told, in short.
    fn told(&mut self) -> Vec<String> {
        let outputs = self.outputs().into_iter();
        outputs
            .filter_map(|output| match output {
                Output::Tell(notice) => Some(short(&notice)),
                _ => None,
            })
            .collect()
    }

    fn notes(&mut self) -> Vec<Note> {
        let outputs = self.outputs().into_iter();
        outputs
            .filter_map(|output| match output {
                Output::Note(note) => Some(note),
                _ => None,
            })
            .collect()
    }

    fn allocate(&mut self, command: &str, land: &str) {
        self.hear(Down::Allocate(allocation(command, land)));
    }

    /// A land that is ready, with nothing left to look at.
    fn ready_land(&mut self, land: &str) {
        self.allocate(&format!("for {land}"), land);
        self.machine.land_ready(&id(land)).unwrap();
        self.outputs();
    }
}

fn short(notice: &Notice) -> String {
    match notice {
        Notice::Allocate(allocation) => format!("allocate {}", allocation.land_id),
        Notice::Release { land_id, .. } => format!("release {land_id}"),
        Notice::SeatsFreed { land_id, players } => format!("{} seats freed in {land_id}", players.len()),
        Notice::Drain(Draining { deadline_ms: None, .. }) => "drain".to_owned(),
        Notice::Drain(Draining { deadline_ms: Some(ms), .. }) => format!("drain within {ms} ms"),
        Notice::Shutdown { .. } => "shutdown".to_owned(),
        Notice::Replaced => "replaced".to_owned(),
    }
}

fn id(land: &str) -> LandId {
    LandId::parse(land).unwrap()
}

fn command(id: &str) -> CommandId {
    CommandId::parse(id).unwrap()
}

fn players(ids: &[&str]) -> std::sync::Arc<[PlayerId]> {
    ids.iter().map(|id| PlayerId::parse(id).unwrap()).collect()
}

fn allocation(command_id: &str, land: &str) -> Allocation {
    Allocation {
        command_id: command(command_id),
        land_id: id(land),
        land_type: LandType::parse(land.split(':').next().unwrap()).unwrap(),
        match_id: "m".to_owned(),
        queue_key: "q".to_owned(),
        players: Vec::new(),
        teams: Vec::new(),
        constraints: None,
        answer_within_ms: 2_000,
    }
}

fn ready(command_id: &str) -> Up {
    Up::LandReady { command_id: command(command_id) }
}

/// The reason, where the message refuses this command.
fn refusal(message: &Up, of: &str) -> String {
    match message {
        Up::LandRefused { command_id, reason } if command_id.as_str() == of => reason.clone(),
        other => panic!("{other:?} does not refuse {of}"),
    }
}
