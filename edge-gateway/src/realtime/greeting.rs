//! The beginning of a socket: nothing is done for its client before it is known who that is.
//!
//! A client that can set headers has said so in the handshake. A browser can't, so it may say so in its first message, within
//! a few seconds; until then nobody else's time is spent on it.

use proto::error::{Reason, Refusal};
use tokio::time::timeout;

use super::{
    protocol::{Action, Close, Outgoing},
    socket::{End, Incoming, Socket},
};
use crate::{
    app::App,
    identity::{Caller, Credentials},
    upstream::hub::Mailbox,
};

/// Who is at the other end of a socket that has just been opened.
pub(super) async fn greet(app: &App, socket: &mut Socket, credentials: Credentials) -> Result<Caller, End> {
    let stopping = app.tasks.stopping().clone();
    tokio::select! {
        caller = greet_in_time(app, socket, credentials) => caller,
        () = stopping.cancelled() => Err(End::Close(Close::GoingAway)),
    }
}

async fn greet_in_time(app: &App, socket: &mut Socket, credentials: Credentials) -> Result<Caller, End> {
    let waits = credentials == Credentials::None && !app.config.allow_client_player_id;
    if !waits {
        return match app.identity.caller(&credentials).await {
            Ok(caller) => Ok(caller),
            Err(refusal) => Err(turn_away(socket, &refusal).await),
        };
    }
    let Ok(token) = timeout(app.config.identity.authenticate_within, first_token(socket)).await else {
        return Err(End::Close(Close::NotAuthenticated));
    };
    match app.identity.player(&token?).await {
        Ok(player) => {
            say(socket, Outgoing::authenticated(&player)).await?;
            Ok(Caller::Player(player))
        }
        Err(refusal) => Err(turn_away(socket, &refusal).await),
    }
}

/// The token in the first message.
async fn first_token(socket: &mut Socket) -> Result<crate::identity::Secret, End> {
    let refusal = loop {
        match socket.receive().await? {
            Incoming::Alive => {}
            Incoming::Text(text) => match Action::read(&text) {
                Ok(Action::Authenticate(token)) => return Ok(token),
                Ok(_) => break not_first(),
                Err(refusal) => break refusal,
            },
            Incoming::Binary => break not_first(),
        }
    };
    Err(turn_away(socket, &refusal).await)
}

fn not_first() -> Refusal {
    let message =
        "say who you are first: send {\"action\":\"authenticate\",\"token\":…} before anything else";
    Refusal::new(Reason::Unauthenticated, message)
}

/// Says why, and how the socket ends.
async fn turn_away(socket: &mut Socket, refusal: &Refusal) -> End {
    match say(socket, Outgoing::error(refusal)).await {
        Err(end) => end,
        Ok(()) if refusal.reason.retryable() => End::Close(Close::TryAgain),
        Ok(()) => End::Close(Close::NotAuthenticated),
    }
}

/// Sends to a client for whom nothing else can arrive yet.
async fn say(socket: &mut Socket, message: Outgoing) -> Result<(), End> {
    socket.send(message, &Mailbox::new(1)).await
}
