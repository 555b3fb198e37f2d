//! The whole control plane in virtual time: servers, agents, players and a network that do what a seed says.
//!
//! What runs is real: the registry, the allocation, the matchmaker with its engine, the state (in memory), the service that
//! agents speak to, and the agents' own machine. What a run needs around them is simulated: the network between, the game servers,
//! who wants to play, and who dies when. Nothing is random but by the seed, and no time passes but the virtual one, so a run that
//! went wrong goes wrong again, event for event.
//!
//! | where | what |
//! |---|---|
//! | `plan` | what a seed means |
//! | `world` | the run: one loop over an `agenda`, beside the control plane's own tasks |
//! | `control`, `slow` | the control plane, which dies and comes back, and storage, which outlives it |
//! | `server`, `game`, `wire` | a host: the agent's machine and a game server |
//! | `network` | connections, cut and held up |
//! | `players`, `services` | who wants to play, who wants lands |
//! | `history`, `names`, `outcome` | what happened, and how it ended |
//! | `check`, `report` | what must never be; what a person reads |

mod agenda;
mod check;
mod control;
mod dice;
mod door;
mod game;
mod history;
mod names;
mod network;
mod outcome;
mod plan;
mod players;
mod report;
mod server;
mod services;
mod slow;
mod stage;
mod tests;
mod wire;
mod world;

use self::{check::Finding, history::Entry, outcome::End, plan::Plan, world::World};

/// One run.
struct Run {
    plan: Plan,
    history: Vec<Entry>,
    end: End,
    findings: Vec<Finding>,
}

fn run(plan: Plan) -> Run {
    crate::chance::seed(plan.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    // All of it inside, also the making: outside, clocks show the machine's time.
    let (history, end) =
        runtime.expect("a runtime can be had").block_on(async { World::new(plan.clone()).run().await });
    let findings = check::check(&plan, &history, &end);
    Run { plan, history, end, findings }
}

impl Run {
    /// All there is to say, where something was found.
    fn complaint(&self) -> Option<String> {
        (!self.findings.is_empty()).then(|| report::report(&self.plan, &self.history, &self.findings))
    }
}
