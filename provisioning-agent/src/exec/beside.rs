//! A process that becomes the game server, and dies with the agent, also where the agent is killed and can do nothing about it.
//!
//! On Linux a process may ask to be killed when its parent dies, and stays so when it becomes another program. So the agent
//! starts itself, as a process that asks for this and then becomes the game server. What the game server starts itself isn't
//! reached by it.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt as _,
    process::{Command as Program, ExitCode},
};

use tokio::process::Command;

/// The first argument of such a process; the agent's own id follows, then the program and its arguments.
const BESIDE: &str = "exec-beside";
/// The exit code of a shell whose program can't be run.
const NOT_STARTED: u8 = 127;

/// How game servers are started.
#[derive(Debug, Clone, Copy)]
pub enum Launcher {
    /// By a process of this program that becomes the game server: only where its `main` begins with [`enter`].
    Beside,
    /// As they are. One whose agent is killed is left behind.
    Plain,
}

impl Launcher {
    /// `words` are a program and its arguments.
    pub(super) fn command(self, words: &[String]) -> Command {
        let mut command = match (self, std::env::current_exe()) {
            (Self::Beside, Ok(own)) => {
                let mut command = Command::new(own);
                command.arg(BESIDE).arg(std::process::id().to_string()).args(words);
                return command;
            }
            (Self::Beside | Self::Plain, _) => Command::new(words.first().map_or("", String::as_str)),
        };
        command.args(words.iter().skip(1));
        command
    }
}

/// Where this process was started to become a game server, it does, and never returns unless that fails. `args` are the
/// process's own.
pub fn enter(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter().skip(1);
    if args.next()? != BESIDE {
        return None;
    }
    let (agent, program) = (args.next()?, args.next()?);
    if !dies_with(&agent) {
        return Some(ExitCode::FAILURE);
    }
    let error = Program::new(&program).args(args).exec();
    Some(failed(&program, &error))
}

#[cfg(target_os = "linux")]
fn dies_with(agent: &OsStr) -> bool {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    let asked = set_parent_process_death_signal(Some(Signal::KILL));
    let parent = getppid().map(|pid| pid.as_raw_nonzero().to_string());
    // It may have died before it was asked for.
    asked.is_ok() && parent.is_some_and(|parent| agent == parent.as_str())
}

/// Other systems have no such thing.
#[cfg(not(target_os = "linux"))]
fn dies_with(_agent: &OsStr) -> bool {
    true
}

#[expect(clippy::print_stderr, reason = "the last words of a process that has no log")]
fn failed(program: &OsStr, error: &io::Error) -> ExitCode {
    eprintln!("error: {} can't be run: {error}", program.display());
    ExitCode::from(NOT_STARTED)
}
