//! The agent's gRPC port on the loopback: the Agones SDK, our own service `muster.agent.v1.GameServer`, and the standard health
//! check.
//!
//! | where | what |
//! |---|---|
//! | `local_grpc/service.rs` | our own service, call by call |
//! | `local_grpc/words.rs` | between the wire's words and the agent's |
//! | [`crate::agones`] | the SDK |
//!
//! What a call of ours means is in [`crate::game_api`], which the HTTP API shares. There is no reflection: its descriptors would
//! cost every game server more memory than they are worth on a port that only it reaches.

mod service;
mod words;

use std::time::Duration;

use proto::{
    agent::v1::game_server_server::GameServerServer,
    agones::{beta::sdk_server::SdkServer as BetaServer, sdk::sdk_server::SdkServer},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Server as Grpc, server::TcpIncoming};

use crate::{
    agones::SdkApi,
    game_api::{GameApi, LARGEST},
};
use service::Service;

/// How long open calls have at the end.
const GRACE: Duration = Duration::from_secs(1);
/// The most calls at once on one connection, watches included. A game server needs a handful.
const MOST_CALLS: u32 = 256;

/// Serves all of it on `listener` until `stop`.
pub(crate) async fn serve(listener: TcpListener, sdk: SdkApi, api: GameApi, stop: CancellationToken) {
    let own = GameServerServer::new(Service(api)).max_decoding_message_size(LARGEST);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<GameServerServer<Service>>().await;
    let stopped = stop.clone();
    let server = Grpc::builder()
        .max_concurrent_streams(Some(MOST_CALLS))
        .add_service(SdkServer::new(sdk.clone()))
        .add_service(BetaServer::new(sdk))
        .add_service(own)
        .add_service(health_service)
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), async move {
            stop.cancelled().await;
        });
    tokio::select! {
        served = server => if let Err(error) = served {
            tracing::error!(%error, "nothing is served by gRPC any more");
        },
        () = async { stopped.cancelled().await; tokio::time::sleep(GRACE).await } => {}
    }
}
