//! A game client's side of the gateway, REST and realtime, for the tools that play players.
//!
//! Answers stay JSON: a tool that tests the gateway must see what is there, not what it expected.

mod error;
mod loopback;
mod realtime;

use std::time::Duration;

use reqwest::{RequestBuilder, Url};
use serde_json::{Value, json};

pub use error::GatewayError;
pub(crate) use loopback::check_loopback;
pub use realtime::Realtime;

/// How long an answer may take beside the wait that was asked for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Talks to one gateway. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Gateway {
    base: Url,
    http: reqwest::Client,
}

impl Gateway {
    /// Fails where `base` is no `http://` URL. Connects to nothing yet.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        let invalid = |message: &str| runtime::config::Invalid::new("gateway", format!("`{base}` {message}"));
        let url = Url::parse(base).map_err(|error| invalid(&format!("is no URL: {error}")))?;
        if url.scheme() != "http" || url.host_str().is_none() {
            return Err(invalid("must begin with http://, for example http://127.0.0.1:3000").into());
        }
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(ANSWER_TIMEOUT)
            .tcp_nodelay(true)
            .build()?;
        Ok(Self { base: url, http })
    }

    /// The gateway's URL.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// `POST /v1/matchmaking/enqueue`
    pub async fn enqueue(&self, body: &Value) -> Result<Value, GatewayError> {
        answer(self.http.post(self.url(&["v1", "matchmaking", "enqueue"])).json(body)).await
    }

    /// `GET /v1/matchmaking/status/{ticketId}`, held for up to `wait` (whole seconds) until the status changes.
    pub async fn status(&self, ticket_id: &str, wait: Duration) -> Result<Value, GatewayError> {
        let mut url = self.url(&["v1", "matchmaking", "status", ticket_id]);
        if wait.as_secs() > 0 {
            url.set_query(Some(&format!("wait={}", wait.as_secs())));
        }
        answer(self.http.get(url).timeout(wait + ANSWER_TIMEOUT)).await
    }

    /// `POST /v1/matchmaking/cancel`
    pub async fn cancel(&self, ticket_id: &str) -> Result<Value, GatewayError> {
        let request = self.http.post(self.url(&["v1", "matchmaking", "cancel"]));
        answer(request.json(&json!({ "ticketId": ticket_id }))).await
    }

    /// `GET /health`
    pub(crate) async fn health(&self) -> Result<Value, GatewayError> {
        answer(self.http.get(self.url(&["health"]))).await
    }

    /// `GET /realtime`, without a ticket.
    pub async fn realtime(&self) -> Result<Realtime, GatewayError> {
        let mut url = self.url(&["realtime"]);
        url.set_scheme("ws").expect("http and ws URLs have the same shape");
        Realtime::connect(url.as_str()).await
    }

    /// The base's path, where the gateway stands behind a proxy, and then `path`.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        url
    }
}

async fn answer(request: RequestBuilder) -> Result<Value, GatewayError> {
    let answer = request.send().await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    let json = serde_json::from_slice::<Value>(&body);
    if !status.is_success() {
        return Err(GatewayError::from_problem(status.as_u16(), &json.unwrap_or_default()));
    }
    json.map_err(|error| GatewayError::new("NOT_JSON", format!("the answer is no JSON: {error}")))
}
