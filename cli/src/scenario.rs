//! `muster scenario`: plays a story of players from a JSON file, step by step, and says where it went otherwise.
//!
//! The format is described in docs/scenarios.md. A file is read and checked whole before its first step runs; the steps run
//! in their order, each prints one line, and the first that fails ends everything. The players are real clients of the
//! gateway and the game servers: nothing here looks behind them.

mod check;
mod format;
mod live;
mod parse;
mod report;
mod steps;
mod variables;
mod world;

use std::path::PathBuf;

use anyhow::bail;
use runtime::{Tasks, telemetry};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use format::Scenario;
pub use parse::ScenarioError;
pub use report::{Failure, StepResult};

use self::{steps::Stage, world::World};
use crate::gateway::Gateway;

/// Settings of `muster scenario`.
#[derive(Debug, Clone, clap::Parser)]
#[command(
    name = "scenario",
    about = "Play JSON scenarios against a gateway and print each step's result",
    long_about = "Plays scenarios: JSON files of steps that enqueue players, wait for their assignments, connect them to their \
        land, act there and assert what they see. The format is described in docs/scenarios.md.\n\n\
        Ends at the first step that fails, with what was expected and what was there; the exit code is 1 then, and 2 for a file \
        that can't be read."
)]
pub struct Config {
    /// The scenarios, played one after the other.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The gateway's URL.
    #[arg(long, env = "MUSTER_GATEWAY_URL", default_value = "http://127.0.0.1:3000")]
    pub gateway: String,
    /// A value for `${name}` in the files; repeat it for more.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variables::assignment)]
    pub vars: Vec<(String, String)>,
    /// The log.
    #[command(flatten)]
    pub telemetry: telemetry::Settings,
}

/// Plays all scenarios and prints how each step went. Fails at the first that fails.
#[expect(clippy::print_stdout, reason = "the results are what the command is for")]
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let gateway = Gateway::new(&config.gateway)?;
    // All files first: a misspelt last one should not be found after the others ran for a minute.
    let scenarios = config.files.iter().map(|path| Scenario::read(path, &config.vars));
    let scenarios = scenarios.collect::<Result<Vec<_>, _>>().map_err(ScenarioError::into_invalid)?;
    let count = scenarios.len();
    for (index, scenario) in scenarios.iter().enumerate() {
        println!("{}", report::headline(scenario));
        let passed = play(scenario, &gateway, &stop, |result| println!("{result}")).await?;
        println!();
        if !passed {
            println!("{index} of {count} scenarios passed, 1 failed, {} not played", count - index - 1);
            bail!("the scenario \"{}\" failed", scenario.name);
        }
    }
    println!("{count} of {count} scenarios passed");
    Ok(())
}

/// Plays one scenario; each step's result is handed to `tell` when it is there. Says whether all steps passed; the first
/// that fails is the last.
///
/// Fails only where the client itself fails; what the gateway or a game server does wrong is a step's result.
pub async fn play(
    scenario: &Scenario,
    gateway: &Gateway,
    stop: &CancellationToken,
    mut tell: impl FnMut(&StepResult),
) -> anyhow::Result<bool> {
    let tasks = Tasks::new(stop.child_token());
    let mut stage = Stage { gateway: gateway.clone(), world: World::default(), tasks: tasks.clone() };
    let mut passed = true;
    for (index, step) in scenario.steps.iter().enumerate() {
        let started = Instant::now();
        let played = stop.run_until_cancelled(stage.play(step)).await;
        let outcome = played.unwrap_or_else(|| Err(Failure::because("the scenario was stopped")));
        passed = outcome.is_ok();
        tell(&StepResult { number: index + 1, what: step.to_string(), took: started.elapsed(), outcome });
        if !passed {
            break;
        }
    }
    drop(stage);
    tasks.join(std::time::Duration::from_secs(5)).await?;
    Ok(passed)
}
