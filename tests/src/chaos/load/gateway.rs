//! One gateway's REST calls, as a client makes them that expects to be let down.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::group::Group;
use crate::chaos::history::{Assignment, LandId, PlayerId, Seen, TicketId};

/// How long a client waits for an answer that should come at once.
const PATIENCE: Duration = Duration::from_secs(4);

/// Where a client connects.
#[derive(Debug, Clone)]
pub(super) struct Gateway {
    pub(super) name: String,
    url: String,
    http: reqwest::Client,
}

/// What a call came to that wasn't done for sure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// It was refused with this code: it was not done.
    Refused(String),
    /// It may have been done or not.
    Unknown(String),
}

impl Gateway {
    pub(super) fn new(url: &str) -> Self {
        let http = reqwest::Client::builder().connect_timeout(PATIENCE).build().unwrap();
        let name = url.rsplit(':').next().unwrap_or_default();
        Self { name: format!("at gateway :{name}"), url: url.to_owned(), http }
    }

    /// The URL of a socket at `path`.
    pub(super) fn socket_url(&self, path: &str) -> String {
        format!("{}{path}", self.url.replacen("http", "ws", 1))
    }

    pub(super) async fn enqueue(&self, group: &Group) -> Result<TicketId, Failure> {
        let request = self.http.post(format!("{}/v1/matchmaking/enqueue", self.url)).json(&group.body());
        let answer = answer(request, PATIENCE).await?;
        Ok(answer["ticketId"].as_str().unwrap_or_default().into())
    }

    /// Whether the ticket is cancelled, and where not, what it is.
    pub(super) async fn cancel(&self, ticket: &TicketId) -> Result<(bool, Option<String>), Failure> {
        let body = json!({ "ticketId": ticket });
        let request = self.http.post(format!("{}/v1/matchmaking/cancel", self.url)).json(&body);
        let answer = answer(request, PATIENCE).await?;
        Ok((answer["cancelled"] == true, answer["status"].as_str().map(str::to_owned)))
    }

    /// The ticket, at once or when its status changes within `wait` seconds; and its assignment as it was sent.
    pub(super) async fn status(&self, ticket: &TicketId, wait: u64) -> Result<(Seen, Value), Failure> {
        let request = self.http.get(format!("{}/v1/matchmaking/status/{ticket}?wait={wait}", self.url));
        match answer(request, PATIENCE + Duration::from_secs(wait)).await {
            Ok(answer) => Ok((seen(&answer["status"], &answer["assignment"])?, answer["assignment"].clone())),
            Err(Failure::Refused(code)) if code == "TICKET_NOT_FOUND" => Ok((Seen::Missing, Value::Null)),
            Err(failure) => Err(failure),
        }
    }
}

async fn answer(request: reqwest::RequestBuilder, patience: Duration) -> Result<Value, Failure> {
    let answer = request.timeout(patience).send().await.map_err(unknown)?;
    let status = answer.status();
    let body: Value = answer.json().await.map_err(unknown)?;
    if status.is_success() {
        return Ok(body);
    }
    Err(failure(&body, status.is_client_error()))
}

/// A call without an answer, and the reason at its root.
fn unknown(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut root: &dyn std::error::Error = &error;
    while let Some(deeper) = root.source() {
        root = deeper;
    }
    Failure::Unknown(if error.is_timeout() { "no answer in time".to_owned() } else { root.to_string() })
}

/// What an error says: only an answer that blames the client promises that nothing was done.
pub(super) fn failure(problem: &Value, blames_the_client: bool) -> Failure {
    let code = problem["code"].as_str().unwrap_or("no code").to_owned();
    if blames_the_client { Failure::Refused(code) } else { Failure::Unknown(code) }
}

/// What a status and an assignment say.
fn seen(status: &Value, assignment: &Value) -> Result<Seen, Failure> {
    match status.as_str() {
        Some("queued") => Ok(Seen::Queued),
        Some("cancelled") => Ok(Seen::Cancelled),
        Some("expired") => Ok(Seen::Expired),
        Some("assigned") => Ok(Seen::Assigned(read(assignment))),
        _ => Err(Failure::Unknown(format!("the status is {status}"))),
    }
}

/// The assignment; what it lacks is empty, which no assignment may be.
pub(super) fn read(assignment: &Value) -> Assignment {
    let text = |name: &str| assignment[name].as_str().unwrap_or_default();
    let team = |team: &Value| {
        let players = team["players"].as_array().into_iter().flatten();
        players.filter_map(Value::as_str).map(PlayerId::from).collect()
    };
    let tokens = assignment["playerTokens"].as_object().into_iter().flatten();
    Assignment {
        assignment: text("assignmentId").into(),
        match_id: text("matchId").into(),
        land: text("landId").into(),
        server: text("serverId").into(),
        teams: assignment["teams"].as_array().into_iter().flatten().map(team).collect(),
        tokens: tokens.map(|(player, token)| (player.as_str().into(), land_of(player, token))).collect(),
    }
}

/// The land that a player's token is for; a token of somebody else is for none.
fn land_of(player: &str, token: &Value) -> LandId {
    let claims = token.as_str().and_then(|token| token.split('.').nth(1));
    let claims = claims.and_then(|claims| BASE64_URL_SAFE_NO_PAD.decode(claims).ok());
    let claims: Value = claims.and_then(|claims| serde_json::from_slice(&claims).ok()).unwrap_or_default();
    let land = claims["landId"].as_str().filter(|_| claims["playerId"] == player);
    land.unwrap_or("nowhere").into()
}
