//! The agent as a program.

use std::process::ExitCode;

use provisioning_agent::{
    Agents, Config,
    exec::{self, Launcher},
};

fn main() -> ExitCode {
    // A game server is started by way of a process of this program.
    if let Some(failed) = exec::enter(std::env::args_os()) {
        return failed;
    }
    runtime::program::run(async |config: Config, servers, stop| {
        Agents::bind(config, servers, Launcher::Beside).await?.run(stop).await
    })
}
