//! The gRPC services of the control plane that the tests play.

mod watch;

use std::sync::{Arc, atomic::Ordering};

use proto::{
    error::{FieldError, Reason, Refusal},
    keys::v1::{
        GetJwksRequest, GetJwksResponse, IssueIdentityRequest, IssueIdentityResponse, ListKeysRequest,
        ListKeysResponse, RedeemTokenRequest, RedeemTokenResponse, RotateKeysRequest, RotateKeysResponse,
        keys_server::{Keys, KeysServer},
    },
    matchmaking::v1::{
        self as pb,
        matchmaking_server::{Matchmaking, MatchmakingServer},
    },
    provisioning::v1::{
        self as prov,
        provisioning_server::{Provisioning, ProvisioningServer},
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming, transport::server::Router};

use self::watch::{Open, follow};
use super::{Seen, State};

/// Everything that it serves, until `stop`.
pub(super) async fn router(state: &Arc<State>, seen: Arc<Seen>, stop: CancellationToken) -> Router {
    let (reporter, health) = tonic_health::server::health_reporter();
    if seen.is_worker.load(Ordering::SeqCst) {
        reporter.set_not_serving::<MatchmakingServer<Service>>().await;
    } else {
        reporter.set_serving::<MatchmakingServer<Service>>().await;
    }
    let service = Service { state: Arc::clone(state), seen, stop };
    tonic::transport::Server::builder()
        .add_service(health)
        .add_service(MatchmakingServer::new(service.clone()))
        .add_service(ProvisioningServer::new(service.clone()))
        .add_service(KeysServer::new(service))
}

/// On whose behalf a call is made.
fn player<T>(request: &Request<T>) -> Option<String> {
    let value = request.metadata().get("muster-player")?;
    Some(percent_encoding::percent_decode(value.as_bytes()).decode_utf8().unwrap().into_owned())
}

fn no_client_calls() -> Status {
    Refusal::new(Reason::Unavailable, "this control plane forms matches and serves no calls").into_status()
}

#[derive(Clone)]
struct Service {
    state: Arc<State>,
    seen: Arc<Seen>,
    stop: CancellationToken,
}

impl Service {
    /// What is done first in every call.
    async fn receive<T>(&self, request: Request<T>) -> Result<T, Status> {
        self.seen.calls.fetch_add(1, Ordering::SeqCst);
        let text = |name: &str| {
            let value = request.metadata().get(name);
            value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
        };
        let brought = (text("x-request-id"), text("grpc-timeout"));
        self.state.metadata.lock().push(brought);
        if self.seen.is_worker.load(Ordering::SeqCst) {
            return Err(no_client_calls());
        }
        if self.state.silent.load(Ordering::SeqCst) {
            self.stop.cancelled().await;
        }
        let slowness = *self.state.slowness.lock();
        tokio::time::sleep(slowness).await;
        match self.state.refusals.lock().pop_front() {
            Some(refusal) => Err(refusal.into_status()),
            None => Ok(request.into_inner()),
        }
    }
}

#[tonic::async_trait]
impl Matchmaking for Service {
    async fn enqueue(
        &self,
        request: Request<pb::EnqueueRequest>,
    ) -> Result<Response<pb::EnqueueResponse>, Status> {
        self.state.enqueued_for.lock().push(player(&request));
        let request = self.receive(request).await?;
        self.state.enqueues.fetch_add(1, Ordering::SeqCst);
        let ticket = self.state.tickets.lock().enqueue(request)?;
        assert!(
            !self.state.lose_answer.swap(false, Ordering::SeqCst),
            "this call breaks on purpose, after its ticket was kept"
        );
        if self.state.assign_at_once.load(Ordering::SeqCst) {
            self.state.tickets.lock().change(&ticket.ticket_id, |ticket| {
                ticket.status = pb::TicketStatus::Assigned.into();
                ticket.assignment = Some(crate::support::tickets::assignment(&ticket.player_ids));
            });
            self.state.announce(&ticket.ticket_id);
        }
        Ok(Response::new(pb::EnqueueResponse {
            status: ticket.status,
            ticket_id: ticket.ticket_id,
            group_id: ticket.group_id,
        }))
    }

    async fn cancel(
        &self,
        request: Request<pb::CancelRequest>,
    ) -> Result<Response<pb::CancelResponse>, Status> {
        let player = player(&request);
        let id = self.receive(request).await?.ticket_id;
        self.state.tickets.lock().get_for(&id, player.as_deref())?;
        let ticket = {
            let mut tickets = self.state.tickets.lock();
            tickets.change(&id, |ticket| ticket.status = pb::TicketStatus::Cancelled.into());
            tickets.get(&id)?
        };
        self.state.announce(&id);
        Ok(Response::new(pb::CancelResponse {
            cancelled: ticket.status() == pb::TicketStatus::Cancelled,
            status: ticket.status,
        }))
    }

    async fn get_ticket(
        &self,
        request: Request<pb::GetTicketRequest>,
    ) -> Result<Response<pb::GetTicketResponse>, Status> {
        let player = player(&request);
        let id = self.receive(request).await?.ticket_id;
        let ticket = self.state.tickets.lock().get_for(&id, player.as_deref())?;
        Ok(Response::new(pb::GetTicketResponse { ticket: Some(ticket) }))
    }

    type WatchTicketStream = ReceiverStream<Result<pb::WatchTicketResponse, Status>>;

    async fn watch_ticket(
        &self,
        _request: Request<pb::WatchTicketRequest>,
    ) -> Result<Response<Self::WatchTicketStream>, Status> {
        Err(Status::unimplemented("a gateway follows all tickets on one stream"))
    }

    type WatchStream = ReceiverStream<Result<pb::WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<Streaming<pb::WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if self.seen.is_worker.load(Ordering::SeqCst) {
            return Err(no_client_calls());
        }
        let (events, answers) = mpsc::channel(16);
        let state = Arc::clone(&self.state);
        let seen = Arc::clone(&self.seen);
        let stop = self.stop.clone();
        let requests = request.into_inner();
        tokio::spawn(async move {
            let mut open = Open::new(&state, &seen);
            tokio::select! {
                () = follow(&state, requests, &events, &mut open.subscribed) => {}
                // As the real one does when it shuts down.
                () = stop.cancelled() => drop(events.try_send(Err(Status::unavailable("shutting down")))),
            }
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }

    async fn list_queues(
        &self,
        _request: Request<pb::ListQueuesRequest>,
    ) -> Result<Response<pb::ListQueuesResponse>, Status> {
        Err(Status::unimplemented("no gateway asks"))
    }

    async fn explain_ticket(
        &self,
        request: Request<pb::ExplainTicketRequest>,
    ) -> Result<Response<pb::ExplainTicketResponse>, Status> {
        let player = player(&request);
        let id = self.receive(request).await?.ticket_id;
        let ticket = self.state.tickets.lock().get_for(&id, player.as_deref())?;
        let explanation = self.state.explanation.lock().clone();
        Ok(Response::new(pb::ExplainTicketResponse {
            status: ticket.status,
            ticket_id: ticket.ticket_id,
            explanation,
            ..pb::ExplainTicketResponse::default()
        }))
    }

    async fn reload_queues(
        &self,
        _request: Request<pb::ReloadQueuesRequest>,
    ) -> Result<Response<pb::ReloadQueuesResponse>, Status> {
        Err(Status::unimplemented("no gateway asks"))
    }
}

#[tonic::async_trait]
impl Provisioning for Service {
    type ConnectStream = ReceiverStream<Result<prov::ConnectResponse, Status>>;

    async fn connect(
        &self,
        _request: Request<Streaming<prov::ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        Err(Status::unimplemented("for agents"))
    }

    async fn register_server(
        &self,
        request: Request<prov::RegisterServerRequest>,
    ) -> Result<Response<prov::RegisterServerResponse>, Status> {
        let request = self.receive(request).await?;
        if request.connect_scheme == "http" {
            let fault = FieldError::new("connect_scheme", "must be ws or wss");
            return Err(Refusal::invalid(vec![fault]).into_status());
        }
        if request.server_id == "agents-own" {
            let refusal = Refusal::new(Reason::ServerSuperseded, "an agent holds this server id");
            return Err(refusal.into_status());
        }
        Ok(Response::new(prov::RegisterServerResponse { heartbeat_interval_ms: 30_000, expiry_ms: 90_000 }))
    }

    async fn deregister_server(
        &self,
        request: Request<prov::DeregisterServerRequest>,
    ) -> Result<Response<prov::DeregisterServerResponse>, Status> {
        let removed = self.receive(request).await?.server_id == "known one";
        Ok(Response::new(prov::DeregisterServerResponse { removed }))
    }

    async fn list_servers(
        &self,
        _request: Request<prov::ListServersRequest>,
    ) -> Result<Response<prov::ListServersResponse>, Status> {
        Err(Status::unimplemented("no gateway asks"))
    }

    async fn allocate(
        &self,
        _request: Request<prov::AllocateRequest>,
    ) -> Result<Response<prov::AllocateResponse>, Status> {
        Err(Status::unimplemented("no gateway asks"))
    }

    async fn allocate_batch(
        &self,
        _request: Request<prov::AllocateBatchRequest>,
    ) -> Result<Response<prov::AllocateBatchResponse>, Status> {
        Err(Status::unimplemented("no gateway asks"))
    }

    async fn drain_server(
        &self,
        _request: Request<prov::DrainServerRequest>,
    ) -> Result<Response<prov::DrainServerResponse>, Status> {
        Err(Status::unimplemented("no gateway asks"))
    }

    async fn release(
        &self,
        _request: Request<prov::ReleaseRequest>,
    ) -> Result<Response<prov::ReleaseResponse>, Status> {
        Err(Status::unimplemented("no gateway asks"))
    }
}

#[tonic::async_trait]
impl Keys for Service {
    async fn get_jwks(&self, request: Request<GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        self.receive(request).await?;
        let reads = self.state.jwks_reads.fetch_add(1, Ordering::SeqCst);
        if let Some(signer) = &*self.state.signer.lock() {
            return Ok(Response::new(GetJwksResponse {
                jwks_json: signer.jwks().to_string(),
                max_age_s: 60,
            }));
        }
        Ok(Response::new(GetJwksResponse {
            jwks_json: format!("{{\"keys\":[{{\"kid\":\"k{reads}\"}}]}}"),
            max_age_s: 60,
        }))
    }

    async fn rotate_keys(
        &self,
        _request: Request<RotateKeysRequest>,
    ) -> Result<Response<RotateKeysResponse>, Status> {
        Err(Status::unimplemented("no gateway asks"))
    }

    async fn list_keys(
        &self,
        _request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        Err(Status::unimplemented("no gateway asks"))
    }

    async fn issue_identity(
        &self,
        request: Request<IssueIdentityRequest>,
    ) -> Result<Response<IssueIdentityResponse>, Status> {
        let player = self.receive(request).await?.player_id;
        let signer = self.state.signer.lock();
        let token = signer.as_ref().unwrap().identity(&player);
        Ok(Response::new(IssueIdentityResponse { token, expires_at_unix_ms: 1_752_831_300_000 }))
    }

    async fn redeem_token(
        &self,
        _request: Request<RedeemTokenRequest>,
    ) -> Result<Response<RedeemTokenResponse>, Status> {
        Err(Status::unimplemented("no gateway asks"))
    }
}
