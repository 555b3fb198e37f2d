//! The programs of a run: real processes on ports of their own, in a directory of their own, and gone with the run.
//!
//! Every connection that a fault may cut goes through a proxy of its own, so that one worker can be cut off from Redis while
//! the others are not. Clients come straight to the gateways: a player's broken network is the player's to deal with.

mod build;
mod game_server;
mod keeper;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use runtime::Tasks;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

pub use self::keeper::Keeper;
use super::{history::History, topology::Topology};
use crate::Proxy;

/// The kinds of programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A control plane that does all.
    ControlPlane,
    /// A control plane that serves calls.
    Api,
    /// A control plane that forms matches.
    QueueWorker,
    /// A gateway.
    Gateway,
    /// An agent.
    Agent,
    /// A game server.
    GameServer,
    /// Redis.
    Redis,
}

/// A connection between two programs that can be cut.
#[derive(Debug)]
pub struct Link {
    /// Who connects, and to whom.
    pub name: String,
    /// What kind of program connects.
    pub from: Kind,
    /// What kind of program it connects to.
    pub to: Kind,
    /// What stands in between.
    pub proxy: Proxy,
    /// Held for as long as a fault is done to the connection.
    pub suffering: tokio::sync::Mutex<()>,
}

/// Everything that runs.
#[derive(Debug)]
pub struct Ground {
    /// The programs, in the order in which they were started.
    pub keepers: Vec<Arc<Keeper>>,
    /// The connections between them.
    pub links: Vec<Arc<Link>>,
    /// Where players connect.
    pub gateways: Vec<String>,
    agents: Vec<String>,
    http: reqwest::Client,
    tasks: Tasks,
}

impl Ground {
    /// Starts a topology in an empty directory, and returns when players can be matched.
    pub async fn start(topology: &Topology, dir: PathBuf, history: &Arc<History>) -> anyhow::Result<Self> {
        let tasks = Tasks::new(CancellationToken::new());
        let ground = build::start(topology, dir, history, tasks).await?;
        ground.mended(Duration::from_secs(30)).await.context("the programs did not come up")?;
        Ok(ground)
    }

    /// Waits until every program is there and knows its neighbours. Fails with what is not.
    pub async fn mended(&self, within: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + within;
        loop {
            let Some(missing) = self.missing().await else { return Ok(()) };
            if Instant::now() > deadline {
                anyhow::bail!("after {within:?}: {missing}");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What is not as it should be.
    async fn missing(&self) -> Option<String> {
        for gateway in &self.gateways {
            let health = self.http.get(format!("{gateway}/health")).send().await;
            if !health.as_ref().is_ok_and(|answer| answer.status().is_success()) {
                return Some(format!("{gateway} says it is not well: {}", told(health).await));
            }
        }
        for agent in &self.agents {
            let status = self.http.get(format!("{agent}/v1/status")).send().await;
            let text = told(status).await;
            if !text.contains("\"registered\"") {
                return Some(format!("the agent at {agent} is not registered: {text}"));
            }
        }
        None
    }

    /// Ends everything. Nobody is asked nicely: that is what other tests try.
    pub async fn stop(self) -> anyhow::Result<()> {
        for keeper in &self.keepers {
            keeper.kill();
        }
        Ok(self.tasks.join(Duration::from_secs(5)).await?)
    }
}

async fn told(answer: reqwest::Result<reqwest::Response>) -> String {
    match answer {
        Ok(answer) => answer.text().await.unwrap_or_else(|error| error.to_string()),
        Err(error) => error.to_string(),
    }
}
