//! A game client, as a test sees it: REST answers and socket messages as they are.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::CloseFrame},
};

use crate::PATIENCE;

/// Speaks to one gateway, or to whatever stands before it.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
}

impl Client {
    /// `base` for example `http://127.0.0.1:3000`.
    pub fn new(base: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Self { base: base.into(), http }
    }

    /// The status and body of an answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert!(answer.headers().contains_key("x-request-id"), "{path} was answered without x-request-id");
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// `GET path`
    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    /// `POST path`
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Enqueues players into a queue; the ticket's id.
    pub async fn enqueue(&self, queue: &str, members: &[&str]) -> String {
        let body = json!({ "queueKey": queue, "members": members });
        let (status, answer) = self.post("/v1/matchmaking/enqueue", &body).await;
        assert_eq!(status, 201, "{answer}");
        answer["ticketId"].as_str().unwrap().to_owned()
    }

    /// The ticket now.
    pub async fn status(&self, ticket: &str) -> Value {
        let (status, answer) = self.get(&format!("/v1/matchmaking/status/{ticket}")).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The ticket's assignment, once it has one.
    pub async fn assignment(&self, ticket: &str) -> Value {
        let (status, answer) = self.get(&format!("/v1/matchmaking/status/{ticket}?wait=20")).await;
        assert_eq!((status, &answer["status"]), (200, &json!("assigned")), "{answer}");
        answer["assignment"].clone()
    }

    /// `POST /v1/matchmaking/cancel`
    pub async fn cancel(&self, ticket: &str) -> Value {
        let (status, answer) = self.post("/v1/matchmaking/cancel", &json!({ "ticketId": ticket })).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// A socket at `path`, for example `/realtime`.
    pub async fn socket(&self, path: &str) -> Socket {
        Socket::open(&format!("{}{path}", self.base.replacen("http", "ws", 1))).await
    }
}

/// One open WebSocket.
#[derive(Debug)]
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a socket.
    pub async fn open(url: &str) -> Self {
        let connected = tokio::time::timeout(PATIENCE, connect_async(url)).await.unwrap();
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

    /// Sends JSON.
    pub async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
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
