//! One connected player: their actions in, the land's state out.

use std::time::Duration;

use axum::{
    Error,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
};
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite;
use tokio_util::sync::CancellationToken;

use super::{
    ids::PlayerId,
    land::{Farewell, Land, Seat},
};

/// The longest message that a player may send, in bytes.
pub(super) const MAX_MESSAGE: usize = 16 * 1024;
/// How often a player is pinged; after three without any sign of life they are gone.
const PING: Duration = Duration::from_secs(10);
/// How long sending may take before the player counts as too slow.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How many messages a player may send in a second; more are answered with an error.
const MAX_PER_SECOND: u32 = 50;

/// Why a socket is closed, as the code and the words that the client sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Close {
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { code, reason }
    }
}

impl From<Farewell> for Close {
    fn from(why: Farewell) -> Self {
        match why {
            Farewell::TooSlow => Self::new(1013, "you read too slowly; connect again"),
            Farewell::Replaced => {
                Self::new(4000, "you are connected a second time; the newer connection stays")
            }
            Farewell::LandEnded => Self::new(1000, "the land has ended"),
        }
    }
}

/// What a player can do.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", deny_unknown_fields)]
enum Action {
    // With braces: so fields that mean nothing are refused.
    Play {},
}

/// Plays until the player or the server has enough.
pub(super) async fn play(
    socket: WebSocket,
    land: &Land,
    player: PlayerId,
    mut seat: Seat,
    stop: CancellationToken,
) {
    let mut player_socket = PlayerSocket { socket, second: Instant::now(), messages: 0 };
    let close = player_socket.run(land, &mut seat, &stop).await;
    land.leave(&player, &seat);
    if let Some(close) = close {
        close_with(player_socket.socket, close).await;
    }
}

/// Says goodbye to a socket. A client that doesn't listen is left.
pub(super) async fn close_with(mut socket: WebSocket, close: Close) {
    let frame = CloseFrame { code: close.code, reason: shortened(&close.reason) };
    let goodbye = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            // The client answers with its own close; until then what is on its way can still arrive.
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    drop(timeout(Duration::from_secs(1), goodbye).await);
}

struct PlayerSocket {
    socket: WebSocket,
    second: Instant,
    messages: u32,
}

impl PlayerSocket {
    /// Ends with what to tell the client, or `None` where it has gone.
    async fn run(&mut self, land: &Land, seat: &mut Seat, stop: &CancellationToken) -> Option<Close> {
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Some(Close::new(1001, "the server stops; find another match")),
                why = &mut seat.farewell => return why.ok().map(Close::from),
                state = seat.inbox.recv() => self.send(Message::Text(state?)).await?,
                message = self.socket.recv() => {
                    heard = Instant::now();
                    match message? {
                        Ok(Message::Text(text)) => self.act(land, &text).await?,
                        Ok(Message::Binary(_)) => self.complain("send text, not binary data").await?,
                        Ok(Message::Close(_)) => return None,
                        Ok(Message::Ping(_) | Message::Pong(_)) => {}
                        Err(error) => return broken(error),
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > PING * 3 {
                        return None;
                    }
                    self.send(Message::Ping(Default::default())).await?;
                }
            }
        }
    }

    async fn act(&mut self, land: &Land, text: &str) -> Option<()> {
        if self.second.elapsed() >= Duration::from_secs(1) {
            (self.second, self.messages) = (Instant::now(), 0);
        }
        self.messages += 1;
        if self.messages > MAX_PER_SECOND {
            return self
                .complain(&format!("slow down: at most {MAX_PER_SECOND} messages a second count"))
                .await;
        }
        match serde_json::from_str(text) {
            Ok(Action::Play {}) => {
                land.play();
                Some(())
            }
            Err(error) => {
                let message = format!("{error}; send {{\"action\":\"Play\"}}");
                self.complain(&message).await
            }
        }
    }

    async fn complain(&mut self, message: &str) -> Option<()> {
        let error = serde_json::json!({ "type": "error", "message": message }).to_string();
        self.send(Message::Text(error.into())).await
    }

    /// `None` where the player has gone or takes too long.
    async fn send(&mut self, message: Message) -> Option<()> {
        timeout(SEND_TIMEOUT, self.socket.send(message)).await.ok()?.ok()
    }
}

/// A message that is too long is answered with the close code for it; a broken connection needs no answer.
fn broken(error: Error) -> Option<Close> {
    let error = error.into_inner().downcast::<tungstenite::Error>().ok()?;
    matches!(*error, tungstenite::Error::Capacity(_))
        .then(|| Close::new(1009, format!("a message may have {MAX_MESSAGE} bytes at most")))
}

/// A close frame has room for 123 bytes of reason.
fn shortened(reason: &str) -> Utf8Bytes {
    const ROOM: usize = 123;
    if reason.len() <= ROOM {
        return reason.into();
    }
    let fits = |end: &usize| reason.is_char_boundary(*end);
    let end = (0..=ROOM - "…".len()).rev().find(fits).unwrap_or_default();
    format!("{}…", &reason[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_where_a_letter_ends() {
        let short = shortened(&"ä".repeat(100));
        assert!(short.len() <= 123 && short.as_str().ends_with('…'), "{short:?}");
        assert_eq!(shortened("short").as_str(), "short");
    }
}
