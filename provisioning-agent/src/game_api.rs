//! What a game server may ask of its agent, whatever it speaks: the calls behind the HTTP API and the gRPC service.
//!
//! | where | what |
//! |---|---|
//! | `game_api/server.rs` | the server as a whole: ready, drain, capacity, status |
//! | `game_api/lands.rs` | one land: the answer to its command, its players, its end |
//! | `game_api/tokens.rs` | a player's token at the door: verified here, or used up |
//! | `game_api/feed.rs` | what the game server is told |
//! | `game_api/checks.rs`, `refused.rs` | what can't be taken, and how that is said |
//!
//! A call takes what came as it came, checks it, and asks the machine (see [`crate::handle`]), which decides. So no call can mean
//! two things; the doors (`local_api`, `local_grpc`) only translate. Fields are named here as in `agent.proto`.

mod checks;
mod feed;
mod lands;
mod refused;
mod server;
mod tokens;

use std::sync::Arc;

use crate::{
    config::Server,
    handle::Handle,
    ids::InstanceId,
    jwks::{Jwks, KeySet},
    redeem::Redeemer,
};

pub(crate) use feed::{Feed, Told};
pub(crate) use lands::Outcome;
pub(crate) use refused::{Code, FieldError, Refused};
pub(crate) use server::{LiveLand, ServerStatus};
pub(crate) use tokens::Admitted;

/// The largest request, in bytes, by whatever door.
pub(crate) const LARGEST: usize = 64 * 1024;

/// What the calls need of the rest of the agent. Cheap to clone.
#[derive(Clone)]
pub(crate) struct GameApi {
    pub(crate) agent: Handle,
    pub(crate) jwks: Jwks,
    pub(crate) redeemer: Redeemer,
    pub(crate) server: Arc<Server>,
    pub(crate) instance_id: InstanceId,
}

impl GameApi {
    /// What the game server is told from now on, in place of whoever was told before.
    pub(crate) async fn watch(&self) -> Result<Feed, Refused> {
        Ok(Feed::new(self.agent.watch().await?))
    }

    /// The keys of match tokens, with that of `kid` where it can be had.
    pub(crate) async fn keys(&self, kid: Option<&str>) -> Result<Arc<KeySet>, Refused> {
        if let Some(Err(error)) = kid.map(crate::ids::check) {
            return Err(Refused::field("kid", error));
        }
        let keys = self.jwks.get(kid).await;
        keys.ok_or_else(|| {
            Refused::unavailable("the keys were not fetched yet, because the control plane can't be reached")
        })
    }
}
