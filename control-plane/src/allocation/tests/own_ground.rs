//! Our own servers, in a registry of this process, with agents that do what they are told.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use runtime::Clock;
use storage::ServerId;
use tokio::sync::mpsc;

use super::ground::{CALL, Ground, Trouble};
use crate::{
    allocation::{Allocation, OwnServers},
    config::Sections,
    matchmaker::Desks,
    peers::{Own, Peers},
    queues::Queues,
    registry::{Answer, Arrival, Command, Link, Registration, Registry},
};

const SERVERS: u64 = 30;
const EXPIRY: Duration = Duration::from_secs(3_600);

/// What the agents share.
#[derive(Default)]
struct State {
    lands: BTreeSet<String>,
    trouble: VecDeque<Trouble>,
}

pub(super) struct OwnGround {
    registry: Arc<Registry>,
    port: Arc<dyn Allocation>,
    state: Arc<Mutex<State>>,
}

pub(super) fn own() -> OwnGround {
    let registry = Registry::new(Clock::start());
    let config = runtime::config::defaults(&[]);
    let queues = Arc::new(Queues::new(&config, &Sections::default()).unwrap());
    let own = Own { queues, desks: Arc::new(Desks::default()), sessions: Arc::default() };
    let peers = Peers::alone(Arc::clone(&registry), own);
    let port = Arc::new(OwnServers::new(Arc::clone(&registry), peers, CALL));
    let state = Arc::<Mutex<State>>::default();
    (0..SERVERS).for_each(|n| serve(Arc::clone(&registry), n, Arc::clone(&state)));
    OwnGround { registry, port, state }
}

fn server(n: u64) -> ServerId {
    ServerId::new(format!("s-{n}"))
}

fn serve(registry: Arc<Registry>, n: u64, state: Arc<Mutex<State>>) {
    let (commands, mut commanded) = mpsc::channel(1_024);
    let registration = Registration {
        server: server(n),
        instance: Some("i-1".to_owned()),
        connect_base: format!("ws://s-{n}"),
        land_types: vec!["demo".into()],
        region: None,
        capacity: 10,
        player_capacity: None,
        labels: std::collections::BTreeMap::new(),
        version: String::new(),
    };
    let arrival = Arrival { registration, term: 1, lands: Vec::new(), draining: false };
    registry.connect(arrival, EXPIRY, Link { id: n, commands }).unwrap();
    tokio::spawn(async move {
        while let Some(command) = commanded.recv().await {
            match command {
                Command::Allocate { id, land, .. } => {
                    let trouble = state.lock().trouble.pop_front();
                    let answer = match trouble {
                        Some(Trouble::Refuses) => Answer::Refused("not in the mood".to_owned()),
                        Some(Trouble::Silent) => continue,
                        lost => {
                            state.lock().lands.insert(land.to_string());
                            if lost.is_some() {
                                continue;
                            }
                            Answer::Ready
                        }
                    };
                    registry.answer(&server(n), n, &id, answer);
                }
                Command::Release { land, .. } => drop(state.lock().lands.remove(land.as_str())),
                _ => {}
            }
        }
    });
}

impl Ground for OwnGround {
    fn port(&self) -> Arc<dyn Allocation> {
        Arc::clone(&self.port)
    }

    fn trouble(&self, trouble: Trouble) {
        if trouble == Trouble::NoServer {
            (0..SERVERS).for_each(|n| self.registry.disconnected(&server(n), n));
        } else {
            self.state.lock().trouble.push_back(trouble);
        }
    }

    fn lands(&self) -> BTreeSet<String> {
        self.state.lock().lands.clone()
    }

    fn takes_back(&self) -> bool {
        true
    }

    fn most_at_once(&self) -> Option<usize> {
        None
    }
}
