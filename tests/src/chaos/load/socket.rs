//! A client's `/realtime` socket, which may break at any moment.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::CloseFrame},
};

use super::{
    gateway::{Failure, Gateway, failure, read},
    group::Group,
};
use crate::chaos::history::{Seen, TicketId};

/// How long a client waits for a socket to open, or for the answer to its enqueue.
const PATIENCE: Duration = Duration::from_secs(4);

/// An open socket.
#[derive(Debug)]
pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// Why a socket tells nothing more.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) code: u16,
    pub(super) reason: String,
}

/// A final state, and where an assignment leads.
#[derive(Debug)]
pub(super) struct News {
    pub(super) seen: Seen,
    pub(super) assignment: Value,
}

impl Socket {
    pub(super) async fn open(url: &str) -> Result<Self, String> {
        match timeout(PATIENCE, connect_async(url)).await {
            Ok(Ok((socket, _))) => Ok(Self(socket)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the socket did not open in time".to_owned()),
        }
    }

    /// Opens a socket and enqueues on it.
    pub(super) async fn enqueue(gateway: &Gateway, group: &Group) -> Result<(TicketId, Self), Failure> {
        let mut socket = Self::open(&gateway.socket_url("/realtime")).await.map_err(Failure::Unknown)?;
        let mut body = group.body();
        body["action"] = "enqueue".into();
        let sent = socket.0.send(Message::text(body.to_string())).await;
        sent.map_err(|error| Failure::Unknown(error.to_string()))?;
        let answered = timeout(PATIENCE, socket.next()).await;
        let answer = answered.map_err(|_| Failure::Unknown("no answer in time".to_owned()))?;
        let answer = answer.map_err(|broken| Failure::Unknown(broken.reason))?;
        match answer["type"].as_str() {
            Some("enqueued") => Ok((answer["data"]["ticketId"].as_str().unwrap_or_default().into(), socket)),
            Some("error") => {
                let code = answer["code"].as_str().unwrap_or_default();
                let nobody_knows = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL"].contains(&code);
                Err(failure(&answer, !nobody_knows))
            }
            _ => Err(Failure::Unknown(format!("the answer to an enqueue was {answer}"))),
        }
    }

    /// Waits for the end of a ticket, for as long as the socket lives.
    pub(super) async fn told(&mut self, ticket: &TicketId) -> Result<News, Broken> {
        loop {
            let message = self.next().await?;
            let data = &message["data"];
            let about = |holder: &Value| holder["ticketId"] == ticket.as_str();
            let seen = match message["type"].as_str() {
                Some("match.assigned") if about(data) => Seen::Assigned(read(&data["assignment"])),
                Some("ticket.cancelled") if about(data) => Seen::Cancelled,
                Some("ticket.expired") if about(data) => Seen::Expired,
                Some("error") if about(&message) && message["code"] == "TICKET_NOT_FOUND" => Seen::Missing,
                // The subscription was refused for another reason: it has to be asked for again.
                Some("error") if about(&message) => {
                    return Err(Broken { code: 0, reason: message["code"].to_string() });
                }
                _ => continue,
            };
            return Ok(News { seen, assignment: data["assignment"].clone() });
        }
    }

    /// The next JSON message.
    pub(super) async fn next(&mut self) -> Result<Value, Broken> {
        let closed = |close: Option<CloseFrame>| match close {
            Some(frame) => Broken { code: frame.code.into(), reason: frame.reason.to_string() },
            None => Broken { code: 1005, reason: "closed without a word".to_owned() },
        };
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap_or_default()),
                Some(Ok(Message::Close(close))) => return Err(closed(close)),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Broken { code: 1006, reason: error.to_string() }),
                None => return Err(closed(None)),
            }
        }
    }
}
