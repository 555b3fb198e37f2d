//! The life of a land: the agent is told who is in it, and that it is over.
//!
//! A land is over when nobody joined it in time, when everybody has left it for a while, or when the control plane takes it
//! back. Then it is removed here and with the agent, which gives its place on this server to another match.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{agent::AgentError, ids::PlayerId, land::Land, link::Link, server::Server};

/// The pause before a report that failed is repeated.
const RETRY: Duration = Duration::from_secs(1);
/// How often the end of a land is reported before it is left to the agent's next question.
const END_TRIES: usize = 30;

/// Looks after a land until it is over or the server stops.
pub(super) async fn look_after(server: Arc<Server>, land: Arc<Land>) {
    let stop = server.tasks.stopping().clone();
    let life = async {
        tokio::select! {
            why = until_over(&server, &land) => tracing::debug!(land_id = %land.id, why, "land over"),
            never = report_players(&server, &land) => match never {},
        }
        server.lands.forget(&land.id);
        if let Some(link) = &server.link {
            report_end(link, &land).await;
        }
    };
    // At the end of the server everything ends; the agent notices that without a word from here.
    if stop.run_until_cancelled(life).await.is_none() {
        land.end();
    }
}

/// Waits until nobody will play here any more; nobody can join afterwards.
async fn until_over(server: &Server, land: &Land) -> &'static str {
    let mut players = land.players();
    let abandoned = async {
        let mut patience = (server.config.join_within, "nobody joined");
        loop {
            let joined = timeout(patience.0, until(&mut players, |present| !present.is_empty())).await;
            if joined.is_err() && land.end_if_empty() {
                return patience.1;
            }
            until(&mut players, <[_]>::is_empty).await;
            patience = (server.config.empty_grace, "everybody left");
        }
    };
    tokio::select! {
        why = abandoned => why,
        () = land.ended() => "released",
    }
}

async fn until(players: &mut watch::Receiver<Vec<PlayerId>>, fits: impl Fn(&[PlayerId]) -> bool) {
    let seen = players.wait_for(|present| fits(present)).await;
    seen.expect("the land outlives those who watch it");
}

/// Tells the agent who is in the land: at every change, after every reconnection, and again where it failed. What changes
/// while a report is on its way is part of the next one, so the reports can't overtake each other.
async fn report_players(server: &Server, land: &Land) -> Infallible {
    let Some(link) = &server.link else {
        return std::future::pending().await;
    };
    let mut players = land.players();
    let mut connections = link.connections.subscribe();
    loop {
        tokio::select! {
            changed = players.changed() => changed.expect("the land outlives its reports"),
            changed = connections.changed() => changed.expect("the link outlives the lands"),
        }
        let present = players.borrow_and_update().clone();
        connections.mark_unchanged();
        match link.agent.players(&land.id, &present).await {
            Ok(()) => {}
            Err(AgentError::Refused { status, body }) => {
                tracing::warn!(land_id = %land.id, %status, body, "the agent doesn't take the players of a land");
            }
            Err(error) => {
                tracing::debug!(%error, "players not reported");
                players.mark_changed();
                sleep(RETRY).await;
            }
        }
    }
}

/// Tells the agent that the land is over, until it has heard it.
async fn report_end(link: &Link, land: &Land) {
    for _ in 0..END_TRIES {
        match link.agent.land_ended(&land.id).await {
            // Unknown is as good as ended.
            Ok(()) | Err(AgentError::Refused { .. }) => return,
            Err(error) => tracing::debug!(%error, "end of a land not reported"),
        }
        sleep(RETRY).await;
    }
    tracing::warn!(land_id = %land.id, "the agent was not told that a land is over");
}
