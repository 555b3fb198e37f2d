//! `connect`: a player goes to their land.

use std::time::Duration;

use reqwest::Url;
use serde_json::Value;

use super::Stage;
use crate::{
    gateway::Realtime,
    scenario::{format::Connect, live::Live, report::Failure},
};

/// How long the first message of a land may take.
const FIRST_STATE: Duration = Duration::from_secs(10);

impl Stage {
    pub(super) async fn connect(&mut self, step: &Connect) -> Result<String, Failure> {
        let (url, land_id) = match (&step.ticket, &step.url) {
            (Some(ticket), _) => {
                let assignment = self.world.assignment(ticket)?;
                (invitation(&assignment, step)?, assignment["landId"].clone())
            }
            (None, url) => (url.clone().unwrap_or_default(), Value::Null),
        };
        let socket = Realtime::connect(&url).await;
        let socket = socket.map_err(|error| Failure::new("a connection", error.to_string()))?;
        let live = Live::start(socket, &self.tasks);
        let detail = match step.expect_close {
            Some(code) => {
                let expected = format!("to be closed with {code}");
                let view = live.wait(FIRST_STATE, &expected, |view| view.closed.is_some()).await?;
                let closed = view.closed.map(|closed| closed.to_string()).unwrap_or_default();
                if !closed.starts_with(&format!("CLOSED_{code}:")) {
                    return Err(Failure::new(expected, closed));
                }
                closed
            }
            None => {
                let view = live.wait(FIRST_STATE, "the land's state", |view| !view.latest.is_null()).await?;
                let reached = &view.latest["landId"];
                // The URL has to lead to its own land and to no other.
                if !land_id.is_null() && *reached != land_id {
                    return Err(Failure::new(format!("the land {land_id}"), reached.to_string()));
                }
                reached.as_str().unwrap_or_default().to_owned()
            }
        };
        self.world.add_connection(&step.name, live);
        Ok(detail)
    }
}

/// The assignment's URL with the player's token.
fn invitation(assignment: &Value, step: &Connect) -> Result<String, Failure> {
    let connect_url = assignment["connectUrl"].as_str().unwrap_or_default();
    let mut url = Url::parse(connect_url)
        .map_err(|error| Failure::new("a connectUrl that is a URL", format!("{connect_url:?}: {error}")))?;
    let token = match (&step.token, &step.player) {
        (Some(token), _) => token.as_str(),
        (None, Some(player)) => assignment["playerTokens"][player]
            .as_str()
            .ok_or_else(|| Failure::new(format!("a token for {player}"), token_owners(assignment)))?,
        (None, None) => {
            assignment["matchToken"].as_str().ok_or_else(|| Failure::new("a matchToken", "none"))?
        }
    };
    if !token.is_empty() {
        url.query_pairs_mut().append_pair("token", token);
    }
    Ok(url.into())
}

/// Whose tokens there are; the tokens themselves are nobody's business.
fn token_owners(assignment: &Value) -> String {
    let owners = assignment["playerTokens"].as_object();
    let owners: Vec<_> = owners.into_iter().flatten().map(|(player, _)| player.as_str()).collect();
    format!("tokens for {}", owners.join(", "))
}
