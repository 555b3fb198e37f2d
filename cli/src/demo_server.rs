//! The demo game server: the example to read for anyone who puts their own game server behind Muster.
//!
//! A game server needs six things, and each has one place here:
//!
//! | question | answer |
//! |---|---|
//! | How do I tell the agent that I am ready? | `link.rs`: `POST /v1/ready`, then follow `GET /v1/lands/watch` |
//! | How do I learn of a land and who will play on it? | `link.rs`: `land.allocate` on that watch; answer ready or refuse |
//! | How do I verify a player's token? | `passes.rs`: the JWKS from the agent, and what to compare afterwards |
//! | How do I let each token in only once? | `redemption.rs`: `POST /v1/tokens/redeem`, and what to do when nobody answers |
//! | How do I end a land? | `life.rs`: `DELETE /v1/lands/{landId}` once it is over |
//! | Where is the game? | `land.rs`: a score, and who is there. Yours is more fun |
//!
//! `agent.rs` holds the plain HTTP calls, `entrance.rs` is the WebSocket's way in, `player.rs` is one connected player,
//! `lands.rs` the set of all lands. Nothing here knows of queues or matches: that is the control plane's business.

mod agent;
mod config;
mod entrance;
mod ids;
mod land;
mod lands;
mod life;
mod link;
mod passes;
mod player;
mod redemption;
mod server;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use runtime::{Tasks, listen::listen};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::{Config, Mode, Redeem};

use self::server::Server;

/// What the agent at `addr` says of itself, `registered` once all is well; `None` where it doesn't answer.
pub(crate) async fn agent_state(addr: SocketAddr) -> Option<String> {
    let agent = agent::Agent::new(&format!("http://{addr}")).ok()?;
    agent.status().await.ok().map(|status| status.state)
}

/// How long the players' sockets and the lands' last reports may take when the server stops.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// A demo game server with its port open.
#[derive(Debug)]
pub struct DemoServer {
    config: Config,
    listener: TcpListener,
}

impl DemoServer {
    /// Checks the settings and opens the port. Nothing is said to the agent before [`DemoServer::run`].
    ///
    /// Fails where a setting can't be used, or the port can't be opened.
    pub async fn bind(config: Config) -> anyhow::Result<Self> {
        config.check()?;
        let listener = listen(config.addr, "players", "--addr").await?;
        Ok(Self { config, listener })
    }

    /// Where players connect.
    pub fn addr(&self) -> anyhow::Result<SocketAddr> {
        self.listener.local_addr().context("the port was closed")
    }

    /// Names the agent after the fact, where the agent's port is known only once this server's is.
    #[must_use]
    pub fn with_agent(mut self, url: impl Into<String>) -> Self {
        self.config.agent = url.into();
        self
    }

    /// Serves players until `stop` is cancelled, then closes their sockets (1001) and ends.
    ///
    /// Fails where the agent's address is no URL, or a task panicked.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let tasks = Tasks::new(stop.child_token());
        let server = Arc::new(Server::new(self.config, tasks.clone())?);

        // With a control plane, lands come from the agent; without one, players make them.
        if let Some(link) = server.link.clone() {
            tasks.spawn("agent link", link::follow(Arc::clone(&server), link));
        }

        let app = entrance::routes(Arc::clone(&server));
        let stopping = tasks.stopping().clone();
        let stopped = stopping.clone();
        // A state is one small write that should leave at once.
        let listener = self.listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "a connection stays with delayed writes");
            }
        });
        let serve =
            axum::serve(listener, app).with_graceful_shutdown(async move { stopping.cancelled().await });
        tokio::select! {
            served = serve => served.context("players are no longer served")?,
            // A request that hangs doesn't hold up the end.
            () = async { stopped.cancelled().await; tokio::time::sleep(Duration::from_secs(1)).await } => {}
        }
        // Their sockets see `stopping` themselves; the lands end with them.
        tasks.join(SHUTDOWN).await?;
        Ok(())
    }
}
