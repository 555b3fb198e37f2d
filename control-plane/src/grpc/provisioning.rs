//! `Provisioning`: game servers come and go here, and services ask for lands.

mod connect;
mod convert;
mod deadline;
mod direct;
mod drain;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;

use std::{pin::Pin, sync::Arc, time::Duration};

use proto::provisioning::v1::{self as pb, provisioning_server::Provisioning};
use runtime::{Clock, Tasks};
use storage::{LandId, ServerId, Storage};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Streaming};

#[cfg(test)]
pub(crate) use self::connect::serve as serve_agent;
pub(crate) use self::direct::keep_those_that_live;
use super::fields::required_id;
use crate::{access::Caller, allocation::Allocation, peers::Peers, queues::Queues, registry::Registry};

/// Messages on their way to one agent; what comes after them waits in the stream's task.
const ANSWERS: usize = 16;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct ProvisioningService(pub(crate) Arc<Shared>);

/// What the calls share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) registry: Arc<Registry>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) allocation: Arc<dyn Allocation>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    /// Ends the agents' streams: later than everything else, which may wait for an agent's answer.
    pub(crate) agents_stop: CancellationToken,
    /// What agents and servers without one are told to keep to.
    pub(crate) agent_pace: Pace,
    pub(crate) rest_pace: Pace,
    /// How long a land is kept for players who have not come.
    pub(crate) assignment_lifetime: Duration,
    /// How long an allocation may take whose caller has all the time there is.
    pub(crate) allocation_patience: Duration,
}

/// How often a server is heard of, and after how much silence it is lost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) interval: Duration,
    pub(crate) expiry: Duration,
}

impl Pace {
    fn interval_ms(self) -> u32 {
        u32::try_from(self.interval.as_millis()).unwrap_or(u32::MAX)
    }

    fn expiry_ms(self) -> u32 {
        u32::try_from(self.expiry.as_millis()).unwrap_or(u32::MAX)
    }
}

#[tonic::async_trait]
impl Provisioning for ProvisioningService {
    type ConnectStream = Pin<Box<dyn Stream<Item = Result<pb::ConnectResponse, tonic::Status>> + Send>>;

    async fn connect(
        &self,
        request: Request<Streaming<pb::ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, tonic::Status> {
        let (answers, stream) = tokio::sync::mpsc::channel(ANSWERS);
        let shared = Arc::clone(&self.0);
        let caller = Caller::of(&request)?;
        let messages = request.into_inner();
        self.0.tasks.spawn("agent stream", async move {
            connect::serve(&shared, &caller, messages, answers).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn register_server(
        &self,
        request: Request<pb::RegisterServerRequest>,
    ) -> Result<Response<pb::RegisterServerResponse>, tonic::Status> {
        let caller = Caller::of(&request)?;
        let registration = convert::plain_server(request.into_inner())?;
        caller.speaks_for(registration.server.as_str())?;
        let pace = self.0.rest_pace;
        self.0.peers.register(registration, pace.expiry).await.map_err(convert::not_held)?;
        Ok(Response::new(pb::RegisterServerResponse {
            heartbeat_interval_ms: pace.interval_ms(),
            expiry_ms: pace.expiry_ms(),
        }))
    }

    async fn deregister_server(
        &self,
        request: Request<pb::DeregisterServerRequest>,
    ) -> Result<Response<pb::DeregisterServerResponse>, tonic::Status> {
        let caller = Caller::of(&request)?;
        let server = request.into_inner().server_id;
        required_id("server_id", &server)?;
        caller.deregisters(&server)?;
        let removed = self.0.peers.deregister(&ServerId::new(server)).await.map_err(convert::not_held)?;
        Ok(Response::new(pb::DeregisterServerResponse { removed }))
    }

    async fn list_servers(
        &self,
        request: Request<pb::ListServersRequest>,
    ) -> Result<Response<pb::ListServersResponse>, tonic::Status> {
        let land_type = request.into_inner().land_type;
        let servers = self.0.peers.servers((!land_type.is_empty()).then_some(land_type.as_str())).await;
        let servers = servers.into_iter().map(convert::server).collect();
        Ok(Response::new(pb::ListServersResponse { servers }))
    }

    async fn allocate(
        &self,
        request: Request<pb::AllocateRequest>,
    ) -> Result<Response<pb::AllocateResponse>, tonic::Status> {
        let deadline = deadline::of(&request, self.0.allocation_patience);
        Ok(Response::new(direct::allocate(&self.0, request.get_ref(), deadline).await?))
    }

    async fn allocate_batch(
        &self,
        request: Request<pb::AllocateBatchRequest>,
    ) -> Result<Response<pb::AllocateBatchResponse>, tonic::Status> {
        let deadline = deadline::of(&request, self.0.allocation_patience);
        Ok(Response::new(direct::allocate_batch(&self.0, request.get_ref(), deadline).await?))
    }

    async fn release(
        &self,
        request: Request<pb::ReleaseRequest>,
    ) -> Result<Response<pb::ReleaseResponse>, tonic::Status> {
        let land = request.into_inner().land_id;
        required_id("land_id", &land)?;
        let released = direct::release(&self.0, &LandId::new(land)).await?;
        Ok(Response::new(pb::ReleaseResponse { released }))
    }

    async fn drain_server(
        &self,
        request: Request<pb::DrainServerRequest>,
    ) -> Result<Response<pb::DrainServerResponse>, tonic::Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(drain::drain(&self.0, &caller, request.into_inner()).await?))
    }
}
