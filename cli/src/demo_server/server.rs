//! What all parts of the demo game server share.

use std::sync::Arc;

use runtime::Tasks;
use tokio::sync::Semaphore;

use super::{
    agent::Agent,
    config::{Config, Mode},
    land::Land,
    lands::{Lands, Opened},
    life,
    link::Link,
    passes::Passes,
};

/// A running demo game server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) config: Config,
    pub(super) lands: Lands,
    /// The way to the control plane; none in direct mode.
    pub(super) link: Option<Arc<Link>>,
    /// Room for connections.
    pub(super) room: Arc<Semaphore>,
    pub(super) tasks: Tasks,
}

impl Server {
    pub(super) fn new(config: Config, tasks: Tasks) -> anyhow::Result<Self> {
        let link = match config.mode {
            Mode::Direct => None,
            Mode::ControlPlane => {
                let agent = Agent::new(&config.agent)?;
                let passes = Passes::new(agent.clone(), config.issuer.clone());
                Some(Arc::new(Link::new(agent, passes)))
            }
        };
        Ok(Self {
            lands: Lands::new(config.max_lands as usize),
            link,
            room: Arc::new(Semaphore::new(config.max_connections as usize)),
            tasks,
            config,
        })
    }

    /// Opens a land, or returns the one that is there; fails with the reason.
    pub(super) fn open(self: &Arc<Self>, land: Land) -> Result<Arc<Land>, String> {
        if !self.config.land_type.contains(&land.land_type) {
            return Err(format!(
                "this server hosts {}, not {}",
                self.config.land_type.join(" and "),
                land.land_type
            ));
        }
        match self.lands.open(land) {
            Opened::Known(land) => Ok(land),
            Opened::New(land) => {
                tracing::debug!(land_id = %land.id, players = land.expected(), "land opened");
                self.tasks.spawn("land", life::look_after(Arc::clone(self), Arc::clone(&land)));
                Ok(land)
            }
            Opened::Full => Err(format!("this server is full: it has {} lands", self.config.max_lands)),
        }
    }
}
