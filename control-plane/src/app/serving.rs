//! The gRPC port: which services a replica of some role has, and how it says how it is.
//!
//! A queue-worker has the services' names and nothing behind them: whoever calls one is told to ask elsewhere, as is
//! whoever asks for their health. So workers may stand behind the same name as the replicas that serve calls.

mod incoming;

use std::{
    convert::Infallible,
    marker::PhantomData,
    sync::Arc,
    task::{Context, Poll},
};

use anyhow::Context as _;
use proto::{
    error::{Reason, Refusal},
    keys::v1::keys_server::KeysServer,
    matchmaking::v1::matchmaking_server::MatchmakingServer,
    provisioning::v1::provisioning_server::ProvisioningServer,
};
use runtime::{Tasks, listen::within_open_files, tls::ServerTls};
use tokio::net::TcpListener;
use tonic::{
    body::Body,
    codegen::{
        Service,
        http::{Request, Response},
    },
    server::NamedService,
    service::{Routes, RoutesBuilder},
    transport::Server,
};
use tonic_health::{ServingStatus, server::HealthReporter};

use self::incoming::{Entrance, incoming};
use crate::{
    access::{Access, GuardLayer},
    config::Grpc,
    grpc::{keys::KeysService, matchmaking::MatchmakingService, provisioning::ProvisioningService},
};

/// Windows that hold thousands of streams with tiny frames: on h2's defaults such a connection is closed as an attack.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
/// The services, by the names that health is asked for.
const SERVICES: [&str; 3] = [
    MatchmakingServer::<MatchmakingService>::NAME,
    ProvisioningServer::<ProvisioningService>::NAME,
    KeysServer::<KeysService>::NAME,
];

/// What a replica that serves calls has.
#[derive(Debug)]
pub(super) struct Services {
    pub(super) matchmaking: MatchmakingService,
    pub(super) provisioning: ProvisioningService,
    pub(super) keys: KeysService,
}

/// What stands before the services.
#[derive(Debug)]
pub(super) struct Door {
    /// Who may call what.
    pub(super) access: Arc<Access>,
    /// `None`: connections are plain.
    pub(super) tls: Option<ServerTls>,
}

/// Serves until `tasks` stop, and says to who asks for health that it ends. Without services, calls of them are refused.
pub(super) async fn serve(
    listener: TcpListener,
    door: Door,
    limits: &Grpc,
    services: Option<Services>,
    tasks: &Tasks,
) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let mut routes = Routes::builder();
    if services.is_some() {
        set(&health, ServingStatus::Serving).await;
    } else {
        set(&health, ServingStatus::NotServing).await;
    }
    add(&mut routes, services, limits);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    routes
        .add_service(health_service)
        .add_service(reflection().build_v1().context("reflection")?)
        // grpcurl and older tools still ask for the alpha.
        .add_service(reflection().build_v1alpha().context("reflection")?);
    let router = Server::builder()
        .layer(GuardLayer(door.access))
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_concurrent_streams(limits.grpc_max_streams)
        .http2_keepalive_interval(Some(limits.grpc_keepalive_interval))
        .http2_keepalive_timeout(Some(limits.grpc_keepalive_timeout))
        .add_routes(routes.routes());
    let entrance = Entrance {
        listener,
        tls: door.tls,
        places: within_open_files("grpc_max_connections", limits.grpc_max_connections),
        greeting_timeout: limits.grpc_greeting_timeout,
    };
    let stop = tasks.stopping().clone();
    let served = router.serve_with_incoming_shutdown(incoming(entrance, tasks), async move {
        stop.cancelled().await;
        // Probes see it before connections end.
        health.set_service_status("", ServingStatus::NotServing).await;
        set(&health, ServingStatus::NotServing).await;
    });
    served.await.context("serving gRPC")
}

fn add(routes: &mut RoutesBuilder, services: Option<Services>, limits: &Grpc) {
    let Some(Services { matchmaking, provisioning, keys }) = services else {
        routes
            .add_service(Elsewhere::<MatchmakingServer<MatchmakingService>>::default())
            .add_service(Elsewhere::<ProvisioningServer<ProvisioningService>>::default())
            .add_service(Elsewhere::<KeysServer<KeysService>>::default());
        return;
    };
    routes
        .add_service(MatchmakingServer::new(matchmaking).max_decoding_message_size(limits.grpc_max_message))
        .add_service(ProvisioningServer::new(provisioning).max_decoding_message_size(limits.grpc_max_report))
        .add_service(KeysServer::new(keys).max_decoding_message_size(limits.grpc_max_message));
}

async fn set(health: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        health.set_service_status(service, status).await;
    }
}

/// The place of the service `S` on a replica that doesn't serve it.
struct Elsewhere<S>(PhantomData<fn() -> S>);

impl<S> Default for Elsewhere<S> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<S> Clone for Elsewhere<S> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<S: NamedService> NamedService for Elsewhere<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Elsewhere<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let message = "this replica is a queue-worker; ask one that serves calls (role `api` or `all`)";
        let refusal = Refusal::new(Reason::Unavailable, message);
        std::future::ready(Ok(refusal.into_status().into_http()))
    }
}
