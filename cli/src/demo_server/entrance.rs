//! The way in: `GET /game/{landType}?landId=…&token=…`, and who is sent away at the door.
//!
//! A browser can't read why an upgrade was refused, so the socket is opened first and then closed with a code and a reason:
//! 4401 the token is not accepted, 4403 the player is not one of this land's, 4404 there is no such land, 1013 come back later.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State, WebSocketUpgrade, ws::WebSocket},
    response::Response,
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use uuid::Uuid;

use super::{
    ids::{self, LandId, PlayerId},
    land::{Land, Roster, Seat},
    link::Link,
    passes::NoPass,
    player::{self, Close, MAX_MESSAGE},
    redemption,
    server::Server,
};

/// How long the check of a token may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// What a player brings along.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    land_id: Option<String>,
    /// Required by a control plane's land.
    token: Option<String>,
    /// Direct mode only.
    player: Option<String>,
}

pub(super) fn routes(server: Arc<Server>) -> Router {
    Router::new().route("/game/{land_type}", get(enter)).route("/health", get(health)).with_state(server)
}

async fn health(State(server): State<Arc<Server>>) -> Json<Value> {
    let (lands, players) = server.lands.count();
    let link = server.link.as_deref();
    Json(json!({
        "ok": true,
        "lands": lands,
        "players": players,
        "agent": link.map(|link| if link.connected.load(Ordering::Relaxed) { "connected" } else { "not connected" }),
        "draining": link.is_some_and(|link| link.draining.load(Ordering::Relaxed)),
    }))
}

async fn enter(
    State(server): State<Arc<Server>>,
    Path(land_type): Path<String>,
    Query(ticket): Query<Ticket>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let permit = Arc::clone(&server.room).try_acquire_owned().ok();
    let tasks = server.tasks.clone();
    // Small buffers: a server holds thousands of these, and a message is a line of text.
    upgrade
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(256 * 1024)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(async move |socket| {
            tasks.spawn("player", serve(server, land_type, ticket, permit, socket));
        })
}

/// One connection, from the door to the end.
async fn serve(
    server: Arc<Server>,
    land_type: String,
    ticket: Ticket,
    permit: Option<OwnedSemaphorePermit>,
    socket: WebSocket,
) {
    if permit.is_none() {
        return player::close_with(socket, Close::new(1013, "this server is full; try again later")).await;
    }
    let stop = server.tasks.stopping().clone();
    let checked = timeout(CHECK_TIMEOUT, admit(&server, &land_type, ticket));
    let admitted = match stop.run_until_cancelled(checked).await {
        Some(Ok(admitted)) => admitted,
        Some(Err(_)) => Err(Close::new(1013, "your token can't be checked now; try again")),
        None => Err(Close::new(1001, "the server stops; find another match")),
    };
    match admitted {
        Ok((land, player, seat)) => player::play(socket, &land, player, seat, stop).await,
        Err(close) => {
            tracing::debug!(code = close.code, reason = close.reason, "a player was sent away");
            player::close_with(socket, close).await;
        }
    }
}

/// Decides who may come in.
async fn admit(
    server: &Arc<Server>,
    land_type: &str,
    ticket: Ticket,
) -> Result<(Arc<Land>, PlayerId, Seat), Close> {
    let Some(link) = &server.link else {
        let (land, player) = welcome(server, land_type, ticket)?;
        return seated(land, player);
    };
    let token = ticket.token.as_deref().ok_or_else(no_token)?;
    let (land, player) = invited(server, link, land_type, &ticket, token).await?;
    if !land.admits(&player) {
        return Err(Close::new(4403, "you are not one of this land's players"));
    }
    redemption::redeem(&link.agent, server.config.redeem, token, &land.id).await?;
    seated(land, player)
}

fn seated(land: Arc<Land>, player: PlayerId) -> Result<(Arc<Land>, PlayerId, Seat), Close> {
    let seat = land.join(player.clone()).ok_or_else(no_such_land)?;
    Ok((land, player, seat))
}

/// The control plane's way: a token says who the player is and where they play; the land was announced by the agent.
async fn invited(
    server: &Server,
    link: &Link,
    land_type: &str,
    ticket: &Ticket,
    token: &str,
) -> Result<(Arc<Land>, PlayerId), Close> {
    let land_id = LandId::from(ticket.land_id.as_deref().ok_or_else(no_such_land)?);
    // Before the agent has told who we are, it has announced no land either.
    let server_id = link.server_id.lock().clone().ok_or_else(no_such_land)?;
    let claims = match link.passes.verify(token, &land_id, &server_id).await {
        Ok(claims) => claims,
        Err(NoPass::Token(error)) => return Err(Close::new(4401, error.to_string())),
        Err(NoPass::NoKeys(error)) => {
            tracing::warn!(%error, "a token can't be checked");
            return Err(Close::new(1013, "your token can't be checked now; try again"));
        }
    };
    let land = server.lands.get(&land_id).filter(|land| land.land_type == land_type);
    Ok((land.ok_or_else(no_such_land)?, PlayerId::from(claims.player_id.as_str())))
}

/// The old way: a player says who they are, and the land is made where it isn't there.
fn welcome(server: &Arc<Server>, land_type: &str, ticket: Ticket) -> Result<(Arc<Land>, PlayerId), Close> {
    let name = ticket.player.unwrap_or_else(|| format!("player-{}", Uuid::new_v4()));
    let land_id = ticket.land_id.unwrap_or_else(|| format!("{land_type}:{}", Uuid::new_v4()));
    for (field, text) in [("player", &name), ("landId", &land_id)] {
        if !ids::is_valid(text) {
            return Err(Close::new(4400, format!("{field} takes 1 to 128 bytes without control characters")));
        }
    }
    let land = Land::new(land_id.as_str().into(), land_type.to_owned(), Roster::Anyone);
    let land = server.open(land).map_err(|reason| {
        let hosted = server.config.land_type.iter().any(|hosted| hosted == land_type);
        Close::new(if hosted { 1013 } else { 4404 }, reason)
    })?;
    Ok((land, name.as_str().into()))
}

fn no_token() -> Close {
    Close::new(4401, "the token is missing: add &token=<your matchToken>")
}

fn no_such_land() -> Close {
    Close::new(4404, "there is no such land here; it may have ended")
}
