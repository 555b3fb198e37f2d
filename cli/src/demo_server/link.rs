//! How a game server tells its agent that it is ready, and learns of its lands.
//!
//! Three calls, then a loop: ask who we are, open the watch, say that we are ready; from then on every line of the watch is
//! a command. The connection may break at any time and nothing is lost by that: what we have not answered yet is sent again.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    agent::{Agent, AgentError, Command, KnownLand},
    ids::{LandId, PlayerId},
    land::{Land, Roster},
    passes::Passes,
    server::Server,
};

/// The pause before the agent is tried again: it doubles from the first to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// What connects a game server to the control plane, by way of its agent.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) agent: Agent,
    pub(super) passes: Passes,
    /// Our `serverId`, once the agent has told it. Set on every connection, read for every token.
    pub(super) server_id: Mutex<Option<Arc<str>>>,
    /// Grows with each connection: an agent that was restarted has to be told again who is where.
    pub(super) connections: watch::Sender<u64>,
    /// Whether the watch is open now.
    pub(super) connected: AtomicBool,
    /// Whether we were told to take no new lands.
    pub(super) draining: AtomicBool,
}

impl Link {
    pub(super) fn new(agent: Agent, passes: Passes) -> Self {
        Self {
            agent,
            passes,
            server_id: Mutex::default(),
            connections: watch::Sender::default(),
            connected: AtomicBool::new(false),
            draining: AtomicBool::new(false),
        }
    }
}

/// Follows the agent until the server stops.
pub(super) async fn follow(server: Arc<Server>, link: Arc<Link>) {
    let stop = server.tasks.stopping().clone();
    let mut pause = PAUSE.0;
    loop {
        let Some(Err(error)) = stop.run_until_cancelled(follow_once(&server, &link)).await else {
            return;
        };
        // A connection that stood for a while starts again quickly.
        if link.connected.swap(false, Ordering::Relaxed) {
            pause = PAUSE.0;
        }
        // Two that come back at once would take the watch from each other for ever.
        if matches!(error, AgentError::Replaced) {
            pause = PAUSE.1;
        }
        // An agent that says goodbye is updated or stopped; one that falls silent is a failure.
        let goodbye = matches!(error, AgentError::Closed);
        if goodbye {
            tracing::info!(retry_in = ?pause, "the agent has gone; lands that are there go on");
        } else {
            tracing::warn!(%error, retry_in = ?pause, "no connection to the agent; lands that are there go on");
        }
        let waited = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0)));
        if stop.run_until_cancelled(waited).await.is_none() {
            return;
        }
        pause = (pause * 2).min(PAUSE.1);
    }
}

async fn follow_once(server: &Arc<Server>, link: &Link) -> Result<Infallible, AgentError> {
    // Who are we? Tokens name the server that they are for.
    let status = link.agent.status().await?;
    *link.server_id.lock() = Some(status.server_id.as_str().into());
    // First listen, then say that we are ready: so no command is sent before somebody hears it.
    let mut commands = link.agent.watch().await?;
    // An agent that drains says so on every watch; a new one may not.
    link.draining.store(false, Ordering::Relaxed);
    agree_on_lands(server, link, status.lands).await?;
    link.connected.store(true, Ordering::Relaxed);
    link.connections.send_modify(|count| *count += 1);
    tracing::info!(server_id = status.server_id, "ready for lands");
    loop {
        match commands.next().await? {
            Command::Allocate { land_id, land_type, players } => {
                allocate(server, link, land_id, land_type, players).await?;
            }
            Command::Release { land_id, reason } => {
                if let Some(land) = server.lands.get(&land_id) {
                    tracing::info!(%land_id, reason, "land released");
                    land.end();
                }
            }
            // They may still come; a game with a waiting list would let others in now.
            Command::SeatsFreed { land_id, players } => {
                tracing::info!(%land_id, players = players.len(), "seats are free again");
            }
            Command::Drain { reason, deadline_ms } => {
                tracing::info!(reason, deadline_ms, "draining: no new lands");
                link.draining.store(true, Ordering::Relaxed);
            }
            // A game server of its own would end here. This one may be part of `muster dev`, which goes on.
            Command::Shutdown { reason } => {
                tracing::info!(reason, "drained: this server may be stopped");
                server.lands.end_all();
            }
            Command::Replaced => return Err(AgentError::Replaced),
            Command::Ping | Command::Unknown => {}
        }
    }
}

/// Either side may have been restarted without the other. Lands that only the agent knows ended with an earlier run of this
/// server; lands that only we know are told to it, or it would give their places to others.
async fn agree_on_lands(server: &Server, link: &Link, known: Vec<KnownLand>) -> Result<(), AgentError> {
    for land in known {
        // Those that it still asks us to make, the watch repeats.
        if land.state == "ready" && server.lands.get(&land.land_id).is_none() {
            link.agent.land_ended(&land.land_id).await?;
        }
    }
    let living = server.lands.living();
    match link.agent.ready(&living).await {
        // It can't take them: the players play on, and their lands end like any others.
        Err(AgentError::Refused { status, body }) => {
            tracing::warn!(%status, body, "the agent does not take the lands that live here");
            link.agent.ready(&[]).await?;
        }
        told => told?,
    }
    // Those that ended meanwhile may have been reported to an agent that didn't know them yet.
    for land in living.iter().filter(|land| server.lands.get(&land.land_id).is_none()) {
        match link.agent.land_ended(&land.land_id).await {
            // Unknown is as good as ended.
            Ok(()) | Err(AgentError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes a land for `players`, or says why not. The answer has to come within the command's `answerWithinMs`, or the match
/// is given to another server; making a land takes this game no time.
async fn allocate(
    server: &Arc<Server>,
    link: &Link,
    land_id: LandId,
    land_type: String,
    players: Vec<PlayerId>,
) -> Result<(), AgentError> {
    let known = server.lands.get(&land_id).is_some();
    let roster = Roster::Only(players.into_iter().collect());
    let outcome = if link.draining.load(Ordering::Relaxed) && !known {
        Err("this server is draining".to_owned())
    } else {
        server.open(Land::new(land_id.clone(), land_type, roster))
    };
    match outcome {
        Ok(land) => match link.agent.land_ready(&land_id).await {
            // It is no longer wanted: we were too late, or the match is gone.
            Err(AgentError::Refused { status, body }) if status.is_client_error() => {
                tracing::info!(%land_id, %status, body, "the land is not needed any more");
                land.end();
                Ok(())
            }
            answered => answered,
        },
        Err(reason) => {
            tracing::info!(%land_id, reason, "land refused");
            match link.agent.land_refused(&land_id, &reason).await {
                Err(AgentError::Refused { .. }) => Ok(()),
                answered => answered,
            }
        }
    }
}
