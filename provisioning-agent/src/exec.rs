//! `--exec -- ./game-server …`: the agent starts the game server itself, and starts it again when it ends.
//!
//! | where | what |
//! |---|---|
//! | `exec/beside.rs` | a process that becomes the game server, and dies with the agent |
//! | `exec/child.rs` | one run of it: started, waited for, ended |
//! | `exec/pauses.rs` | how long to wait before the next |
//!
//! For where nothing else does it: one container, or one unit of the machine's own supervisor, that holds both. What the end
//! of a game server means for its lands is the machine's business (`machine/drain.rs`); this only says so, at once.

mod beside;
mod child;
mod pauses;

use std::{process::ExitStatus, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::handle::Handle;
use child::Child;
use pauses::Pauses;

pub use beside::{Launcher, enter};

/// When a game server that has ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// However it ended.
    #[default]
    Always,
    /// Where it ended with another exit code than 0, or by a signal.
    OnFailure,
    /// Never: the agent ends with it.
    Never,
}

/// What to start, and how.
#[derive(Debug, Clone)]
pub(crate) struct Exec {
    /// The program and its arguments; the program is never empty.
    pub(crate) command: Vec<String>,
    pub(crate) restart: Restart,
    /// How long it has to end once it was asked to.
    pub(crate) kill_after: Duration,
}

/// Looks after one game server.
pub(crate) struct Supervisor {
    pub(crate) exec: Exec,
    pub(crate) launcher: Launcher,
    /// What it finds in its environment, beside what the agent itself has.
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) server_id: String,
    pub(crate) agent: Handle,
    /// Cancelled when it is to end for good.
    pub(crate) stop: CancellationToken,
}

/// How it came to an end that nothing follows.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It was told to.
    Stopped,
    /// By itself, and it isn't started again.
    Done(ExitStatus),
}

impl Supervisor {
    /// Starts it, again and again, until it is told to end or isn't to be started any more.
    pub(crate) async fn run(self) -> Ended {
        let server_id = self.server_id.as_str();
        let mut pauses = Pauses::default();
        let restarts =
            metrics::counter!("agent_game_server_starts_total", "server_id" => server_id.to_owned());
        loop {
            let began = Instant::now();
            restarts.increment(1);
            let why = match Child::start(&self.exec, self.launcher, &self.environment) {
                Ok(mut child) => {
                    tracing::info!(%server_id, pid = child.id(), command = ?self.exec.command, "the game server was started");
                    self.agent.ask(|machine, now_ms| machine.game_server_started(now_ms)).await.ok();
                    let Some(status) = self.stop.run_until_cancelled(child.ended()).await else {
                        child.end(self.exec.kill_after).await;
                        self.say_that_it_ended("the game server was ended").await;
                        return Ended::Stopped;
                    };
                    match status {
                        Ok(status) if !self.exec.restart.follows(status) => {
                            tracing::warn!(%server_id, %status, "the game server has ended, and is not started again");
                            self.say_that_it_ended(&format!("the game server ended: {status}")).await;
                            return Ended::Done(status);
                        }
                        Ok(status) => format!("the game server ended: {status}"),
                        Err(error) => format!("the game server is lost: {error}"),
                    }
                }
                Err(error) => format!("the game server can't be started: {error}"),
            };
            self.say_that_it_ended(&why).await;
            let pause = pauses.next(began.elapsed());
            tracing::warn!(%server_id, %why, restart_in = ?pause, "it is started again soon");
            if self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return Ended::Stopped;
            }
        }
    }

    /// Fails only where the agent has said goodbye, and then nobody misses it.
    async fn say_that_it_ended(&self, why: &str) {
        let why = why.to_owned();
        self.agent.ask(move |machine, now_ms| machine.game_server_exited(now_ms, &why)).await.ok();
    }
}

impl Restart {
    fn follows(self, status: ExitStatus) -> bool {
        match self {
            Self::Always => true,
            Self::OnFailure => !status.success(),
            Self::Never => false,
        }
    }
}
