//! One run of a game server. It has a process group of its own, so that whatever it starts itself ends with it, and a Ctrl-C in
//! the agent's terminal reaches it by way of a drain.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{process, time::timeout};

use super::{Exec, Launcher};

/// What the agent knows and its game server need not.
const SECRETS: [&str; 1] = ["CONTROL_PLANE_KEY"];

/// A process that was started, and all that it starts. Dropped, it is killed.
pub(super) struct Child {
    process: process::Child,
    group: Option<Pid>,
}

impl Child {
    /// Its output goes where the agent's goes; it reads nothing.
    pub(super) fn start(
        exec: &Exec,
        launcher: Launcher,
        environment: &[(&'static str, String)],
    ) -> io::Result<Self> {
        let mut command = launcher.command(&exec.command);
        for secret in SECRETS {
            command.env_remove(secret);
        }
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        let process = command.spawn()?;
        let id = process.id().and_then(|id| i32::try_from(id).ok());
        Ok(Self { process, group: id.and_then(Pid::from_raw) })
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Waits for its end, and ends what it has left behind.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.process.wait().await;
        self.signal(Signal::KILL);
        status
    }

    /// Asks it to end, and after `patience` kills it.
    pub(super) async fn end(mut self, patience: Duration) {
        self.signal(Signal::TERM);
        if timeout(patience, self.process.wait()).await.is_err() {
            tracing::warn!(?patience, "the game server did not end when it was asked to; it is killed");
            self.signal(Signal::KILL);
            // A process that was killed ends, as soon as the machine lets it.
            timeout(patience.max(Duration::from_secs(1)), self.process.wait()).await.ok();
        }
        self.signal(Signal::KILL);
    }

    /// To the whole group. Fails where nobody is left in it.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            kill_process_group(group, signal).ok();
        }
    }
}
