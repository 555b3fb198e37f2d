//! A socket to `/realtime`.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use super::GatewayError;

/// How long the connection, and each message out, may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// A socket that speaks JSON: the gateway's `/realtime`, or a land on a game server.
#[derive(Debug)]
pub struct Realtime {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Realtime {
    /// Opens a socket to a `ws://` URL.
    pub async fn connect(url: &str) -> Result<Self, GatewayError> {
        // Small buffers: a load test holds thousands of sockets. No Nagle: it would be measured as latency.
        let config = WebSocketConfig::default().read_buffer_size(4 * 1024).write_buffer_size(0);
        let connect = connect_async_with_config(url, Some(config), true);
        let (socket, _) = timeout(SEND_TIMEOUT, connect).await.map_err(|_| timed_out())??;
        Ok(Self { socket })
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &Value) -> Result<(), GatewayError> {
        let send = self.socket.send(Message::text(message.to_string()));
        timeout(SEND_TIMEOUT, send).await.map_err(|_| timed_out())?.map_err(Into::into)
    }

    /// Waits for the next message. The end of the socket is an error with the code `CLOSED_<code>`. May be dropped and
    /// called again: no message is lost.
    pub async fn next(&mut self) -> Result<Value, GatewayError> {
        loop {
            let Some(message) = self.socket.next().await else {
                return Err(GatewayError::new("CLOSED", "the connection ended without a goodbye"));
            };
            match message? {
                Message::Text(text) => {
                    return serde_json::from_str(&text).map_err(|error| {
                        GatewayError::new("NOT_JSON", format!("a message is no JSON: {error}"))
                    });
                }
                Message::Close(Some(frame)) => {
                    return Err(GatewayError::new(
                        format!("CLOSED_{}", u16::from(frame.code)),
                        frame.reason.to_string(),
                    ));
                }
                Message::Close(None) => return Err(GatewayError::new("CLOSED_1005", "")),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Says goodbye, without waiting for the answer.
    pub async fn close(&mut self) {
        // A socket that is closed already needs no goodbye.
        timeout(SEND_TIMEOUT, self.socket.close(None)).await.ok();
    }
}

fn timed_out() -> GatewayError {
    GatewayError::new("TIMEOUT", format!("the connection took longer than {SEND_TIMEOUT:?}"))
}
