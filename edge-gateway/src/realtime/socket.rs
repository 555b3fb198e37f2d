//! A WebSocket with a sense of time: what is sent must be read, and what is closed is closed politely but not for ever.

use std::time::Duration;

use axum::{
    Error,
    body::Bytes,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
};
use metrics::counter;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite;

use super::protocol::{Close, Outgoing};
use crate::upstream::hub::Mailbox;

/// How long a closed socket's client may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The peer is no longer there, or said goodbye.
    Gone,
    /// We end it.
    Close(Close),
}

/// What a client sent.
pub(super) enum Incoming {
    /// A message.
    Text(Utf8Bytes),
    /// A message that no action can be.
    Binary,
    /// A sign of life.
    Alive,
}

/// One client's socket.
pub(super) struct Socket {
    inner: WebSocket,
    send_timeout: Duration,
    // After a read failed, another one could take the rest of a message for a new one.
    readable: bool,
}

impl Socket {
    /// Gives the client `send_timeout` to read each message.
    pub(super) fn new(inner: WebSocket, send_timeout: Duration) -> Self {
        Self { inner, send_timeout, readable: true }
    }

    /// The next thing that the client sends. Can be dropped while it waits without losing one.
    pub(super) async fn receive(&mut self) -> Result<Incoming, End> {
        match self.inner.recv().await {
            Some(Ok(Message::Text(text))) => Ok(Incoming::Text(text)),
            Some(Ok(Message::Binary(_))) => Ok(Incoming::Binary),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Incoming::Alive),
            Some(Ok(Message::Close(_))) | None => Err(End::Gone),
            Some(Err(error)) => {
                self.readable = false;
                Err(why(error))
            }
        }
    }

    /// Sends a message. Gives up where the client doesn't read it in time, or where `mailbox` overflows meanwhile.
    pub(super) async fn send(&mut self, message: Outgoing, mailbox: &Mailbox) -> Result<(), End> {
        let sent = tokio::select! {
            sent = timeout(self.send_timeout, self.inner.send(Message::Text(message.text.into()))) => sent,
            _ = mailbox.overflowed() => return Err(End::Close(Close::TooSlow)),
        };
        match sent {
            Ok(Ok(())) => {
                counter!("gateway_pushes_total", "type" => message.kind).increment(1);
                Ok(())
            }
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Close(Close::TooSlow)),
        }
    }

    /// Asks for a sign of life.
    pub(super) async fn ping(&mut self) -> Result<(), End> {
        match timeout(self.send_timeout, self.inner.send(Message::Ping(Bytes::new()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Close(Close::TooSlow)),
        }
    }

    /// Says why, and waits a moment for the client to have read it: a connection that is dropped with unread input is
    /// reset, and the reason with it.
    pub(super) async fn close(mut self, close: Close) {
        if close == Close::TooSlow {
            counter!("gateway_slow_sockets_total").increment(1);
        }
        let frame = Message::Close(Some(CloseFrame {
            code: close.code(),
            reason: Utf8Bytes::from_static(close.reason()),
        }));
        let Ok(Ok(())) = timeout(self.send_timeout, self.inner.send(frame)).await else {
            return;
        };
        if self.readable {
            let goodbye = async { while let Some(Ok(_)) = self.inner.recv().await {} };
            // However it ends, this is the end.
            let _said = timeout(GOODBYE, goodbye).await;
        } else {
            sleep(GOODBYE).await;
        }
    }
}

/// What a read that failed means for the session.
fn why(error: Error) -> End {
    use tungstenite::Error as E;
    match error.into_inner().downcast_ref::<E>() {
        Some(E::Capacity(_)) => End::Close(Close::TooLarge),
        Some(E::Utf8(_)) => End::Close(Close::NotUtf8),
        Some(E::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => End::Gone,
        Some(E::Protocol(_)) => End::Close(Close::ProtocolError),
        _ => End::Gone,
    }
}
