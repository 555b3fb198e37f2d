//! What is done to the programs and their connections, and when: all of it follows from a seed.

mod plan;

use std::{sync::Arc, time::Duration};

use runtime::Tasks;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

pub use self::plan::{Planned, plan};
use super::{
    ground::{Ground, Keeper, Link},
    history::{Event, History},
};
use crate::proxy;

/// One fault. It begins, lasts, and is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL, and a start after this long. The program is named by its place in the ground.
    Kill(usize, Duration),
    /// SIGTERM, which the program has to follow well, and a start after this long.
    Restart(usize, Duration),
    /// SIGSTOP, and SIGCONT after this long.
    Pause(usize, Duration),
    /// A connection breaks, and can't be made again for this long. It is named by its place in the ground.
    Cut(usize, Duration),
    /// Nothing gets through a connection for this long.
    Stall(usize, Duration),
}

/// The faults of a round that are being done.
#[derive(Debug)]
pub struct Faults(Tasks);

impl Faults {
    /// Does each fault at its time. Each is a task of its own: faults come while others last.
    pub fn start(planned: Vec<Planned>, ground: &Ground, history: &Arc<History>) -> Self {
        let tasks = Tasks::new(CancellationToken::new());
        let begun = Instant::now();
        for Planned { at, fault } in planned {
            let history = Arc::clone(history);
            match fault {
                Fault::Kill(place, down) => {
                    let keeper = Arc::clone(&ground.keepers[place]);
                    tasks.spawn("kill", async move {
                        sleep_until(begun + at).await;
                        kill(&keeper, down, &history).await;
                    });
                }
                Fault::Restart(place, down) => {
                    let keeper = Arc::clone(&ground.keepers[place]);
                    tasks.spawn("restart", async move {
                        sleep_until(begun + at).await;
                        restart(&keeper, down, &history).await;
                    });
                }
                Fault::Pause(place, lasting) => {
                    let keeper = Arc::clone(&ground.keepers[place]);
                    tasks.spawn("pause", async move {
                        sleep_until(begun + at).await;
                        pause(&keeper, lasting, &history).await;
                    });
                }
                Fault::Cut(place, lasting) | Fault::Stall(place, lasting) => {
                    let link = Arc::clone(&ground.links[place]);
                    let cut = matches!(fault, Fault::Cut(..));
                    tasks.spawn("broken connection", async move {
                        sleep_until(begun + at).await;
                        disturb(&link, cut, lasting, &history).await;
                    });
                }
            }
        }
        Self(tasks)
    }

    /// Waits until every fault is done and mended.
    pub async fn ended(self) {
        self.0.ended().await;
    }
}

async fn kill(keeper: &Keeper, down: Duration, history: &History) {
    let _suffering = keeper.suffering.lock().await;
    note(history, format!("SIGKILL {}, down for {down:?}", keeper.name));
    keeper.kill();
    sleep(down).await;
    keeper.begin();
    note(history, format!("{} is started again", keeper.name));
}

async fn restart(keeper: &Keeper, down: Duration, history: &History) {
    let _suffering = keeper.suffering.lock().await;
    note(history, format!("SIGTERM {}, down for {down:?}", keeper.name));
    keeper.stop().await;
    sleep(down).await;
    keeper.begin();
    note(history, format!("{} is started again", keeper.name));
}

async fn pause(keeper: &Keeper, lasting: Duration, history: &History) {
    let _suffering = keeper.suffering.lock().await;
    note(history, format!("SIGSTOP {} for {lasting:?}", keeper.name));
    keeper.signal("STOP");
    sleep(lasting).await;
    keeper.signal("CONT");
    note(history, format!("SIGCONT {}", keeper.name));
}

async fn disturb(link: &Link, cut: bool, lasting: Duration, history: &History) {
    let _suffering = link.suffering.lock().await;
    note(history, format!("{} {} for {lasting:?}", if cut { "cut" } else { "stall" }, link.name));
    link.proxy.hurt(if cut { proxy::Fault::Cut } else { proxy::Fault::Stall });
    sleep(lasting).await;
    link.proxy.heal();
    note(history, format!("heal {}", link.name));
}

fn note(history: &History, what: String) {
    history.record(Event::Fault { what });
}
