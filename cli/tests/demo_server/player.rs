//! A player's client, as a test needs it.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a game server.
pub(crate) struct Player {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Player {
    pub(crate) async fn connect(url: &str) -> Self {
        let (socket, _) = timeout(PATIENCE, tokio_tungstenite::connect_async(url)).await.unwrap().unwrap();
        Self { socket }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn say_binary(&mut self, bytes: &[u8]) {
        self.socket.send(Message::binary(bytes.to_vec())).await.unwrap();
    }

    /// The next message, or the code and reason of the close.
    pub(crate) async fn next_or_close(&mut self) -> Result<Value, (u16, String)> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                Message::Close(Some(frame)) => return Err((frame.code.into(), frame.reason.to_string())),
                Message::Close(None) => return Err((0, String::new())),
                _ => {}
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Value {
        self.next_or_close().await.unwrap()
    }

    /// The next message, which is a state.
    pub(crate) async fn state(&mut self) -> Value {
        let state = self.next().await;
        assert_eq!(state["type"], "state", "{state}");
        state
    }

    /// Reads states until one fits.
    pub(crate) async fn state_where(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let state = self.state().await;
            if fits(&state) {
                return state;
            }
        }
    }

    /// Reads to the end.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Err(closed) = self.next_or_close().await {
                return closed;
            }
        }
    }

    pub(crate) async fn leave(mut self) {
        self.socket.close(None).await.unwrap();
    }
}
