//! The agent as a server of the Agones SDK: game servers that were built with it find here what they know.
//!
//! | where | what |
//! |---|---|
//! | `agones/sdk.rs` | the game server's life, by gRPC |
//! | `agones/beta.rs` | counters and lists, by gRPC |
//! | `agones/rest.rs` | both by HTTP, on the port of the local API |
//! | `agones/game_server.rs` | one picture of the game server, in the wire's words |
//!
//! What a call means is decided in `machine/sdk.rs`; here it is only translated. The two forms share everything: the HTTP form
//! calls the gRPC form's methods, so no call can mean two things. By gRPC it is served in [`crate::local_grpc`].

mod beta;
mod game_server;
mod rest;
mod sdk;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::{Stream, stream};
use proto::agones::sdk::GameServer;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    config::Server,
    handle::{Gone, Handle},
    ids::InstanceId,
    machine::{Machine, SdkError},
    shown::shortened,
};

pub(crate) use rest::routes;

/// What the SDK's calls need of the rest of the agent.
#[derive(Clone)]
pub(crate) struct SdkApi {
    agent: Handle,
    server: Arc<Server>,
    instance_id: InstanceId,
    /// When the agent started, in seconds since 1970.
    started_s: i64,
    /// The revision of what [`Machine::sdk_view`] shows.
    changes: watch::Receiver<u64>,
    stop: CancellationToken,
}

impl SdkApi {
    pub(crate) fn new(
        agent: Handle,
        server: Arc<Server>,
        instance_id: InstanceId,
        changes: watch::Receiver<u64>,
        stop: CancellationToken,
    ) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_s = i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX);
        Self { agent, server, instance_id, started_s, changes, stop }
    }

    /// Asks the machine on behalf of `call`, which is counted by that name.
    async fn ask<T: Send + 'static>(
        &self,
        call: &'static str,
        question: impl FnOnce(&mut Machine, u64) -> T + Send + 'static,
    ) -> Result<T, Status> {
        metrics::counter!("agent_sdk_calls_total", "call" => call).increment(1);
        self.agent.ask(question).await.map_err(|gone: Gone| Status::unavailable(gone.to_string()))
    }

    async fn game_server(&self, call: &'static str) -> Result<GameServer, Status> {
        let view = self.ask(call, |machine, _| machine.sdk_view()).await?;
        Ok(game_server::picture(&self.server, &self.instance_id, self.started_s, view))
    }

    /// The game server now and after every change, until the agent stops. Who reads slowly gets fewer pictures, and always
    /// the newest: nothing is kept for them.
    fn watch(&self) -> impl Stream<Item = Result<GameServer, Status>> + Send + use<> {
        let mut changes = self.changes.clone();
        changes.mark_changed();
        stream::unfold((self.clone(), changes), async |(api, mut changes)| {
            tokio::select! {
                () = api.stop.cancelled() => return None,
                changed = changes.changed() => changed.ok()?,
            }
            let picture = api.game_server("WatchGameServer").await;
            Some((picture, (api, changes)))
        })
    }
}

impl From<SdkError> for Status {
    fn from(error: SdkError) -> Self {
        match error {
            SdkError::NotFound(text) => Self::not_found(shortened(&text)),
            SdkError::AlreadyExists(text) => Self::already_exists(shortened(&text)),
            SdkError::OutOfRange(text) => Self::out_of_range(shortened(&text)),
            SdkError::Invalid(text) => Self::invalid_argument(shortened(&text)),
            SdkError::Precondition(text) => Self::failed_precondition(shortened(&text)),
            SdkError::Exhausted(text) => Self::resource_exhausted(shortened(&text)),
        }
    }
}
