//! A game client, as a test sees it: REST answers and socket messages as they are.

mod socket;

use reqwest::{Method, RequestBuilder, Response, header::CONTENT_TYPE};
use serde_json::{Value, json};

pub use self::socket::Socket;
use crate::PATIENCE;

/// Speaks to one gateway, or to whatever stands before it.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    token: Option<String>,
}

impl Client {
    /// `base` for example `http://127.0.0.1:3000`.
    pub fn new(base: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Self { base: base.into(), http, token: None }
    }

    /// The same client with a token or a key, which it sends with everything.
    #[must_use]
    pub fn bearing(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A request that a test makes its own way.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// The status and body of an answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        read(request.send().await.unwrap()).await
    }

    /// `POST path` with any text that claims to be JSON.
    pub async fn post_text(&self, path: &str, body: impl Into<String>) -> (u16, Value) {
        let request = self.request(Method::POST, path).header(CONTENT_TYPE, "application/json");
        read(request.body(body.into()).send().await.unwrap()).await
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

    /// Where a socket at `path` is opened.
    pub fn socket_url(&self, path: &str) -> String {
        format!("{}{path}", self.base.replacen("http", "ws", 1))
    }

    /// A socket at `path`, for example `/realtime`.
    pub async fn socket(&self, path: &str) -> Socket {
        let url = self.socket_url(path);
        let authorization = self.token.iter().map(|token| ("authorization", format!("Bearer {token}")));
        Socket::open_with(&url, authorization).await
    }
}

async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let path = answer.url().path();
    assert!(answer.headers().contains_key("x-request-id"), "{path} was answered without x-request-id");
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
