//! All servers of one agent: each with its own machine, stream, listeners and tasks, so that one that fails leaves the others
//! as they are.

use std::time::Duration;

use runtime::Tasks;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{
    agent::ProvisioningAgent,
    config::{Config, Servers},
    exec::Launcher,
};

/// How long what is left of a server's tasks may take once it has ended.
const JOIN: Duration = Duration::from_secs(1);

/// An agent with all its ports open.
pub struct Agents {
    all: Vec<ProvisioningAgent>,
}

impl Agents {
    /// Checks the settings of every server, then opens all ports.
    ///
    /// # Errors
    /// As [`ProvisioningAgent::bind`].
    pub async fn bind(config: Config, servers: Servers, launcher: Launcher) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for config in config.each(servers)? {
            all.push(ProvisioningAgent::bind_with(config, launcher).await?);
        }
        Ok(Self { all })
    }

    /// Each server's agent, in the order of the file.
    pub fn all(&self) -> &[ProvisioningAgent] {
        &self.all
    }

    /// Runs until `stop`, or until every server has ended. One that ends before is told of in the log.
    ///
    /// # Errors
    /// The first server's that ended badly.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let alone = self.all.len() == 1;
        let mut running = Vec::with_capacity(self.all.len());
        for agent in self.all {
            // Of its own: a task that panics takes its own server down, and no other.
            let tasks = Tasks::new(stop.child_token());
            let (tell, told) = oneshot::channel();
            let (server_id, stop) = (agent.server_id().clone(), tasks.stopping().clone());
            tasks.spawn("server", async move {
                let end = agent.run(stop).await;
                if let Err(error) = &end
                    && !alone
                {
                    tracing::error!(%server_id, error = format!("{error:#}"), "a server has ended; the others go on");
                }
                // Whoever is dropped doesn't want to know.
                tell.send(end).ok();
            });
            running.push((tasks, told));
        }
        let _end_all = stop.drop_guard_ref();
        let mut ends = Vec::new();
        for (tasks, told) in running {
            let end = match told.await {
                Ok(end) => end,
                Err(_) => tasks.join(JOIN).await.map_err(Into::into),
            };
            ends.push(end);
        }
        ends.into_iter().collect()
    }
}
