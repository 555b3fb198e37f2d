//! How a game server lets each token in only once.
//!
//! Whoever copied a token could enter in its player's place, for as long as it lives. So it is used up at the door: the agent
//! asks the control plane, which remembers. That comes last, after all that can be checked here, so that no token is used up by
//! a player who is sent away for another reason. A player who comes back reads their ticket, which has a new token.
//!
//! An answer can get lost. The question is therefore asked again under the same name (one for each connection), and the
//! control plane knows that it is the same. Where nobody answers at all, `--redeem` decides.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    agent::{Agent, AgentError},
    config::Redeem,
    ids::LandId,
    player::Close,
};

/// How often the question is asked, with a pause between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

/// Uses the token up, or says with what to send the player away.
pub(super) async fn redeem(agent: &Agent, policy: Redeem, token: &str, land: &LandId) -> Result<(), Close> {
    if policy == Redeem::Never {
        return Ok(());
    }
    let redemption = Uuid::new_v4().to_string();
    let mut tries = 1;
    loop {
        match agent.redeem(token, land, &redemption).await {
            Ok(()) => return Ok(()),
            Err(AgentError::Refused { status: StatusCode::CONFLICT, .. }) => {
                return Err(Close::new(
                    4401,
                    "the token was used before: ask for the ticket's status to get a new one",
                ));
            }
            Err(AgentError::Refused { status, body }) if status.is_client_error() => {
                tracing::warn!(%status, body, "a token that looked right can't be redeemed");
                return Err(Close::new(
                    4401,
                    "the token is not accepted: ask for the ticket's status to get a new one",
                ));
            }
            Err(_) if tries < TRIES => {
                tries += 1;
                sleep(PAUSE).await;
            }
            Err(error) if policy == Redeem::WhenReachable => {
                tracing::warn!(%error, "a token is accepted without being redeemed");
                return Ok(());
            }
            Err(error) => {
                tracing::warn!(%error, "a token can't be redeemed");
                return Err(Close::new(1013, "your token can't be redeemed now; try again"));
            }
        }
    }
}
