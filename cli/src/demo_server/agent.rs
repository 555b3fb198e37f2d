//! The agent's local API, call by call. The agent is a small program beside every game server; it speaks plain HTTP on the
//! loopback, so a game server needs an HTTP client and a JSON parser, and no library of Muster's.
//!
//! | call | meaning |
//! |---|---|
//! | `POST /v1/ready` | this server can take lands now; these live on it already |
//! | `GET /v1/status` | what the agent knows, our `serverId` first of all |
//! | `GET /v1/lands/watch` | commands, one JSON object a line, for as long as the connection lives |
//! | `POST /v1/lands/{landId}/ready` | the land is made: let its players come |
//! | `POST /v1/lands/{landId}/refuse` | the land can't be made here: look elsewhere |
//! | `PUT /v1/lands/{landId}/players` | who is in the land now |
//! | `DELETE /v1/lands/{landId}` | the land is over |
//! | `GET /v1/jwks` | the public keys that tokens are verified with |
//! | `POST /v1/tokens/redeem` | this token is used now: true for the first who says so |

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ids::{LandId, PlayerId};

/// How long one call may take. The agent is on this machine: what takes longer is lost.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// The agent pings every 10 s; after three times that, the connection is taken for dead.
const SILENCE: Duration = Duration::from_secs(30);
/// A command names at most 1,000 players; this is far more than that takes.
const MAX_LINE: usize = 1024 * 1024;

/// Talks to the agent. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    base: Url,
    http: reqwest::Client,
}

/// A call that went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum AgentError {
    /// The agent can't be reached, or broke off.
    #[error("the agent can't be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// It answered with an error.
    #[error("the agent answered {status}: {body}")]
    Refused { status: StatusCode, body: String },
    /// It said nothing for [`SILENCE`].
    #[error("the agent has been silent for {SILENCE:?}")]
    Silent,
    /// It closed the watch.
    #[error("the agent closed the watch")]
    Closed,
    /// It speaks with another game server.
    #[error("another game server follows this agent; give each an agent of its own")]
    Replaced,
    /// It sent something else than a command.
    #[error("the agent sent a command that can't be read: {0}")]
    Unreadable(String),
}

/// What `GET /v1/status` tells. It holds more; this is what we need.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) server_id: String,
    /// `registered` once the control plane knows this server.
    #[serde(default)]
    pub(super) state: String,
    /// The lands that the agent knows.
    #[serde(default)]
    pub(super) lands: Vec<KnownLand>,
}

/// A land, as the agent knows it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KnownLand {
    pub(super) land_id: LandId,
    /// `ready` once we have answered, `allocating` before.
    pub(super) state: String,
}

/// A land, as the agent is told of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LivingLand {
    pub(super) land_id: LandId,
    pub(super) players: Vec<PlayerId>,
}

/// One line of `GET /v1/lands/watch`. Fields that this server has no use for are left out.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum Command {
    /// Make this land and answer ready or refuse.
    #[serde(rename = "land.allocate", rename_all = "camelCase")]
    Allocate {
        land_id: LandId,
        land_type: String,
        /// Everyone who will come with a token for this land.
        players: Vec<PlayerId>,
    },
    /// End this land.
    #[serde(rename = "land.release", rename_all = "camelCase")]
    Release { land_id: LandId, reason: String },
    /// These players never came; their seats count as free. They may come after all.
    #[serde(rename = "seats.freed", rename_all = "camelCase")]
    SeatsFreed { land_id: LandId, players: Vec<PlayerId> },
    /// Take no new lands; those that are there go on, for so long where that is said.
    #[serde(rename = "drain", rename_all = "camelCase")]
    Drain { reason: String, deadline_ms: Option<u64> },
    /// The drain's deadline has come.
    #[serde(rename = "shutdown")]
    Shutdown { reason: String },
    /// Another watch took this one's place.
    #[serde(rename = "replaced")]
    Replaced,
    /// The connection lives.
    #[serde(rename = "ping")]
    Ping,
    /// Something newer than this server.
    #[serde(other)]
    Unknown,
}

impl Agent {
    /// Fails where `base` is no `http://` URL.
    pub(super) fn new(base: &str) -> anyhow::Result<Self> {
        let invalid = |message: &str| runtime::config::Invalid::new("agent", format!("`{base}` {message}"));
        let url = Url::parse(base).map_err(|error| invalid(&format!("is no URL: {error}")))?;
        if url.scheme() != "http" {
            return Err(
                invalid("must begin with http://: the agent serves plain HTTP on the loopback").into()
            );
        }
        let http = reqwest::Client::builder().connect_timeout(CALL_TIMEOUT).build()?;
        Ok(Self { base: url, http })
    }

    pub(super) async fn ready(&self, lands: &[LivingLand]) -> Result<(), AgentError> {
        let request = self.request(Method::POST, &["ready"]).json(&json!({ "lands": lands }));
        self.call(request).await.map(drop)
    }

    pub(super) async fn status(&self) -> Result<Status, AgentError> {
        let answer = self.call(self.request(Method::GET, &["status"])).await?;
        Ok(answer.json().await?)
    }

    pub(super) async fn jwks(&self, kid: Option<&str>) -> Result<String, AgentError> {
        let mut url = self.url(&["jwks"]);
        url.query_pairs_mut().extend_pairs(kid.map(|kid| ("kid", kid)));
        let request = self.http.get(url).timeout(CALL_TIMEOUT);
        Ok(self.call(request).await?.text().await?)
    }

    /// Uses a token up. The same `redemption` again is the same use.
    pub(super) async fn redeem(
        &self,
        token: &str,
        land: &LandId,
        redemption: &str,
    ) -> Result<(), AgentError> {
        let asked = json!({ "token": token, "landId": land, "redemptionId": redemption });
        self.call(self.request(Method::POST, &["tokens", "redeem"]).json(&asked)).await.map(drop)
    }

    pub(super) async fn land_ready(&self, land: &LandId) -> Result<(), AgentError> {
        self.call(self.request(Method::POST, &["lands", land.as_str(), "ready"])).await.map(drop)
    }

    pub(super) async fn land_refused(&self, land: &LandId, reason: &str) -> Result<(), AgentError> {
        let request = self.request(Method::POST, &["lands", land.as_str(), "refuse"]);
        self.call(request.json(&json!({ "reason": reason }))).await.map(drop)
    }

    pub(super) async fn players(&self, land: &LandId, players: &[PlayerId]) -> Result<(), AgentError> {
        let request = self.request(Method::PUT, &["lands", land.as_str(), "players"]);
        self.call(request.json(&json!({ "players": players }))).await.map(drop)
    }

    pub(super) async fn land_ended(&self, land: &LandId) -> Result<(), AgentError> {
        self.call(self.request(Method::DELETE, &["lands", land.as_str()])).await.map(drop)
    }

    /// Opens the watch. It lives until either side breaks it off, so the call's timeout is for its start only.
    pub(super) async fn watch(&self) -> Result<Watch, AgentError> {
        let request = self.http.get(self.url(&["lands", "watch"])).send();
        let answer = tokio::time::timeout(CALL_TIMEOUT, request).await.map_err(|_| AgentError::Silent)??;
        Ok(Watch { answer: accepted(answer).await?, unread: Vec::new() })
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.http.request(method, self.url(path)).timeout(CALL_TIMEOUT)
    }

    /// `/v1/` and the path, whose parts may hold anything.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().push("v1").extend(path);
        url
    }

    async fn call(&self, request: RequestBuilder) -> Result<Response, AgentError> {
        accepted(request.send().await?).await
    }
}

async fn accepted(answer: Response) -> Result<Response, AgentError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let body = answer.text().await.unwrap_or_default();
    Err(AgentError::Refused { status, body })
}

/// The commands that the agent sends.
#[derive(Debug)]
pub(super) struct Watch {
    answer: Response,
    unread: Vec<u8>,
}

impl Watch {
    /// Waits for the next line.
    pub(super) async fn next(&mut self) -> Result<Command, AgentError> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return serde_json::from_slice(&line)
                    .map_err(|error| AgentError::Unreadable(error.to_string()));
            }
            if self.unread.len() > MAX_LINE {
                return Err(AgentError::Unreadable(format!("it is longer than {MAX_LINE} bytes")));
            }
            let more = tokio::time::timeout(SILENCE, self.answer.chunk()).await;
            let more = more.map_err(|_| AgentError::Silent)??;
            self.unread.extend_from_slice(&more.ok_or(AgentError::Closed)?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_the_agent_writes_them() {
        let line = r#"{"type":"land.allocate","landId":"demo:1","landType":"demo","matchId":"m","queueKey":"demo",
            "players":["a"],"teams":[],"constraints":null,"answerWithinMs":2000}"#;
        let Command::Allocate { land_id, players, .. } = serde_json::from_str(line).unwrap() else {
            panic!("another command");
        };
        assert_eq!((land_id.as_str(), players), ("demo:1", vec!["a".into()]));
        let newer = serde_json::from_str(r#"{"type":"land.resize","by":2}"#).unwrap();
        assert!(matches!(newer, Command::Unknown));
    }

    #[test]
    fn a_land_is_one_part_of_the_path() {
        let agent = Agent::new("http://127.0.0.1:9358").unwrap();
        let url = agent.url(&["lands", "demo:1/../2", "ready"]);
        assert_eq!(url.as_str(), "http://127.0.0.1:9358/v1/lands/demo:1%2F..%2F2/ready");
        let error = Agent::new("127.0.0.1:9358").unwrap_err().to_string();
        assert!(error.starts_with("agent: "), "{error}");
    }
}
