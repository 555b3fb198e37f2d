//! One process of the fleet: started, watched, signalled, stopped; and its side of that, which dies with its parent.
//!
//! A fleet that is killed must not leave fourteen programs behind. So every child is this executable again, which first has the
//! system kill it when its parent dies, and then becomes what it is to be: one of Muster's programs, or (by `exec`, which keeps
//! that promise) another one.

use std::{
    env,
    ffi::OsString,
    fs::{File, OpenOptions},
    io,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{ExitCode, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use rustix::process::{Pid, Signal};
use tokio::{
    process::{Child as Process, Command},
    time::{Instant, timeout},
};

use super::plan::{Program, Spec};

/// Tells a child whose it is.
const PARENT: &str = "MUSTER_FLEET_PARENT";
/// Tells a child to become another program.
const EXEC: &str = "MUSTER_FLEET_EXEC";
/// What a child has of this process's environment: the programs' settings are in their arguments, and only there.
const INHERITED: [&str; 5] = ["PATH", "HOME", "TMPDIR", "LANG", "RUST_BACKTRACE"];

/// A program of the fleet, whether it runs or not.
pub(super) struct Child {
    pub(super) spec: Spec,
    log: PathBuf,
    process: Option<Process>,
    /// When to start it again, where it died.
    pub(super) restart_at: Option<Instant>,
}

impl Child {
    pub(super) fn new(spec: Spec, log: PathBuf) -> Self {
        Self { spec, log, process: None, restart_at: None }
    }

    /// Starts it. To be called from the main thread: what the system watches is the thread that made the child.
    pub(super) fn start(&mut self) -> anyhow::Result<()> {
        let name = &self.spec.name;
        let log = self.open_log().with_context(|| format!("can't write the log {}", self.log.display()))?;
        let output = log.try_clone().context("the log")?;
        let mut command = std::process::Command::new(env::current_exe().context("where this program is")?);
        command.env_clear().env(PARENT, std::process::id().to_string()).env("MUSTER_LOG", "info");
        command.envs(INHERITED.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        match &self.spec.program {
            Program::Own(program) => command.arg0(program),
            Program::Other(program) => command.env(EXEC, program),
        };
        command.args(&self.spec.args).envs(self.spec.env.clone());
        // In a group of its own, so that Ctrl-C in a terminal reaches only the parent, which stops them in order.
        command.process_group(0).stdin(Stdio::null()).stdout(output).stderr(log);
        let process = Command::from(command).kill_on_drop(true).spawn();
        self.process = Some(process.with_context(|| format!("{name} can't be started"))?);
        self.restart_at = None;
        Ok(())
    }

    fn open_log(&self) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(&self.log)
    }

    /// Its process id while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.as_ref().and_then(Process::id)
    }

    /// How it ended, once.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        let ended = self.process.as_mut()?.try_wait().ok().flatten()?;
        self.process = None;
        Some(ended)
    }

    /// The last lines of its log.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Asks it to end; it may be paused, so it is woken too.
    pub(super) fn ask_to_end(&self) {
        for signal in [Signal::TERM, Signal::CONT] {
            let pid = self.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
            // Gone already is as good.
            pid.map(|pid| rustix::process::kill_process(pid, signal).ok());
        }
    }

    /// Waits for its end for at most `patience`, and then ends it. False where that was necessary.
    pub(super) async fn end_within(&mut self, patience: Duration) -> bool {
        let Some(mut process) = self.process.take() else { return true };
        if timeout(patience, process.wait()).await.is_ok() {
            return true;
        }
        // Nothing can be done about one that even this doesn't end.
        process.kill().await.ok();
        false
    }
}

/// Where this process is a child of a fleet: makes sure that it dies with its parent, and runs what it is to be. `None` where it
/// is `muster`, or no child at all.
pub(crate) fn enter(args: &[OsString]) -> Option<ExitCode> {
    let parent = env::var(PARENT).ok()?;
    die_with(&parent);
    if let Some(program) = env::var_os(EXEC) {
        let mut command = std::process::Command::new(program);
        let error = command.args(&args[1..]).env_remove(PARENT).env_remove(EXEC).exec();
        return Some(failed(&error));
    }
    match args.first()?.to_str()? {
        "control-plane" => {
            Some(runtime::program::run(async |config: control_plane::Config, sections, stop| {
                control_plane::ControlPlane::bind(config, sections).await?.run(stop).await
            }))
        }
        "edge-gateway" => {
            Some(runtime::program::run::<edge_gateway::Config>(async |config, sections, stop| {
                let resolver = runtime::endpoints::system_resolver();
                edge_gateway::EdgeGateway::bind_with(config, sections, resolver).await?.run(stop).await
            }))
        }
        "provisioning-agent" => {
            Some(runtime::program::run(async |config: provisioning_agent::Config, servers, stop| {
                let launcher = provisioning_agent::exec::Launcher::Plain;
                provisioning_agent::Agents::bind(config, servers, launcher).await?.run(stop).await
            }))
        }
        _ => None,
    }
}

#[cfg(target_os = "linux")]
fn die_with(parent: &str) {
    let asked = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let present = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    // It may have died before it was asked for.
    if asked.is_err() || present.as_deref() != Some(parent) {
        std::process::exit(1);
    }
}

/// Other systems have no such thing: there, a fleet that is killed with `-9` leaves its children.
#[cfg(not(target_os = "linux"))]
fn die_with(_parent: &str) {}

#[expect(clippy::print_stderr, reason = "the last words of a child that has no log yet")]
fn failed(error: &io::Error) -> ExitCode {
    eprintln!("error: can't be run: {error}");
    ExitCode::FAILURE
}
