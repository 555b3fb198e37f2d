//! A WebSocket, as a test sees it.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, protocol::CloseFrame},
};

use crate::PATIENCE;

/// One open WebSocket.
#[derive(Debug)]
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a socket.
    pub async fn open(url: &str) -> Self {
        let connected = tokio::time::timeout(PATIENCE, connect_async(url)).await.unwrap();
        Self(connected.unwrap().0)
    }

    /// Opens a socket with headers of its own.
    pub async fn open_with(url: &str, headers: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let connected = tokio::time::timeout(PATIENCE, connect_async(request)).await.unwrap();
        Self(connected.unwrap().0)
    }

    /// The game socket that an assignment leads to, as one of its players.
    pub async fn play(assignment: &Value, player: &str) -> Self {
        let token = assignment["playerTokens"][player].as_str().unwrap();
        Self::play_with(assignment, token).await
    }

    /// The game socket that an assignment leads to, with any token.
    pub async fn play_with(assignment: &Value, token: &str) -> Self {
        let url = assignment["connectUrl"].as_str().unwrap();
        Self::open(&format!("{url}&token={token}")).await
    }

    /// The same, where it isn't certain that the server is there and takes the token: `None` where it doesn't.
    pub async fn try_play_with(assignment: &Value, token: &str) -> Option<Self> {
        let url = format!("{}&token={token}", assignment["connectUrl"].as_str().unwrap());
        let connected = tokio::time::timeout(PATIENCE, connect_async(url)).await.unwrap();
        let mut socket = Self(connected.ok()?.0);
        (socket.frame().await.ok()?["type"] == "state").then_some(socket)
    }

    /// Sends JSON.
    pub async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Sends a frame of any kind.
    pub async fn send_raw(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// Sends this text again and again without reading what comes back, until the other side takes no more of it. True
    /// where that happened; false where the other side closed the socket first.
    pub async fn stuff(&mut self, text: &str) -> bool {
        loop {
            let sent = self.0.send(Message::text(text));
            match tokio::time::timeout(Duration::from_millis(300), sent).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return false,
                Err(_) => return true,
            }
        }
    }

    /// The next JSON message.
    pub async fn next(&mut self) -> Value {
        match self.frame().await {
            Ok(message) => message,
            Err(close) => panic!("the socket was closed: {close:?}"),
        }
    }

    /// The next message of this type; others are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// How the other side closes the socket; messages before it are passed over.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Err(close) = self.frame().await {
                return close
                    .map_or((1006, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
            }
        }
    }

    /// Whether nothing but pings comes for a moment.
    pub async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(300), self.frame()).await.is_err()
    }

    async fn frame(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("nothing came");
            match frame {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(close))) => return Err(close),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }
}
