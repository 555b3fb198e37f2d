//! Calls to the control plane: each has a deadline that travels with it, carries the request's id, and is repeated where
//! the connection broke before an answer came.

use std::{error::Error, future::Future, time::Duration};

use proto::{
    error::{Reason, Refusal},
    keys::v1::{GetJwksRequest, GetJwksResponse, keys_client::KeysClient},
    matchmaking::v1::{
        CancelRequest, CancelResponse, EnqueueRequest, EnqueueResponse, GetTicketRequest, Ticket,
        matchmaking_client::MatchmakingClient,
    },
    provisioning::v1::{
        DeregisterServerRequest, DeregisterServerResponse, RegisterServerRequest, RegisterServerResponse,
        provisioning_client::ProvisioningClient,
    },
};
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status, transport::Channel};
use uuid::Uuid;

use crate::http::RequestId;

/// The pauses before a call is repeated. Every call of the contract may be repeated with the same arguments.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// An assignment for a hundred players is some 150 KiB.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// The id of a new ticket: in the order of time, which storage likes.
pub(crate) fn fresh_ticket_id() -> Uuid {
    Uuid::now_v7()
}

/// Calls the control plane. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    channel: Channel,
    timeout: Duration,
}

/// Why one try of a call failed.
enum Failed {
    /// No answer came, and none will.
    Broken(Status),
    /// The deadline is over.
    Late,
    /// The control plane said no.
    Refused(Refusal),
}

impl Calls {
    /// Each call, with its repetitions, takes at most `timeout`.
    pub(crate) fn new(channel: Channel, timeout: Duration) -> Self {
        Self { channel, timeout }
    }

    /// `Matchmaking.Enqueue`. The request has its ticket's id; where the answer stays out, the refusal names it, because the
    /// ticket may exist.
    pub(crate) async fn enqueue(
        &self,
        id: &RequestId,
        request: EnqueueRequest,
    ) -> Result<EnqueueResponse, Refusal> {
        let ticket_id = request.ticket_id.clone();
        let answer = self
            .call(id, request, |mut calls, request| async move { calls.matchmaking.enqueue(request).await });
        answer.await.map_err(|refusal| match refusal.reason {
            Reason::Unavailable | Reason::DeadlineExceeded => refusal.with("ticketId", ticket_id),
            _ => refusal,
        })
    }

    /// `Matchmaking.Cancel`.
    pub(crate) async fn cancel(&self, id: &RequestId, ticket_id: String) -> Result<CancelResponse, Refusal> {
        self.call(id, CancelRequest { ticket_id }, |mut calls, request| async move {
            calls.matchmaking.cancel(request).await
        })
        .await
    }

    /// `Matchmaking.GetTicket`, at once.
    pub(crate) async fn ticket(&self, id: &RequestId, ticket_id: String) -> Result<Ticket, Refusal> {
        let request = GetTicketRequest { ticket_id, wait_ms: 0 };
        let answer = self.call(id, request, |mut calls, request| async move {
            calls.matchmaking.get_ticket(request).await
        });
        answer.await?.ticket.ok_or_else(|| {
            tracing::error!(request_id = id.as_str(), "GetTicket was answered without a ticket");
            Refusal::internal()
        })
    }

    /// `Keys.GetJwks`.
    pub(crate) async fn jwks(&self, id: &RequestId) -> Result<GetJwksResponse, Refusal> {
        self.call(
            id,
            GetJwksRequest {},
            |mut calls, request| async move { calls.keys.get_jwks(request).await },
        )
        .await
    }

    /// `Provisioning.RegisterServer`.
    pub(crate) async fn register_server(
        &self,
        id: &RequestId,
        request: RegisterServerRequest,
    ) -> Result<RegisterServerResponse, Refusal> {
        self.call(id, request, |mut calls, request| async move {
            calls.provisioning.register_server(request).await
        })
        .await
    }

    /// `Provisioning.DeregisterServer`.
    pub(crate) async fn deregister_server(
        &self,
        id: &RequestId,
        server_id: String,
    ) -> Result<DeregisterServerResponse, Refusal> {
        let request = DeregisterServerRequest { server_id };
        self.call(id, request, |mut calls, request| async move {
            calls.provisioning.deregister_server(request).await
        })
        .await
    }

    async fn call<T, A, F>(
        &self,
        id: &RequestId,
        message: T,
        send: impl Fn(Clients, Request<T>) -> F,
    ) -> Result<A, Refusal>
    where
        T: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let deadline = Instant::now() + self.timeout;
        let mut pauses = PAUSES.into_iter();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut request = Request::new(message.clone());
            request.set_timeout(left);
            request.metadata_mut().insert("x-request-id", id.metadata_value());
            let sent = send(Clients::of(&self.channel), request);
            let failed = match tokio::time::timeout_at(deadline, sent).await {
                Ok(Ok(response)) => return Ok(response.into_inner()),
                Ok(Err(status)) => Failed::of(status),
                Err(_) => Failed::Late,
            };
            let pause = match &failed {
                Failed::Broken(_) => pauses.next().filter(|pause| Instant::now() + *pause < deadline),
                Failed::Late | Failed::Refused(_) => None,
            };
            let Some(pause) = pause else {
                return Err(failed.into_refusal(id));
            };
            tokio::time::sleep(pause).await;
        }
    }
}

/// The services' clients, over one channel.
struct Clients {
    matchmaking: MatchmakingClient<Channel>,
    provisioning: ProvisioningClient<Channel>,
    keys: KeysClient<Channel>,
}

impl Clients {
    fn of(channel: &Channel) -> Self {
        Self {
            matchmaking: MatchmakingClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER),
            provisioning: ProvisioningClient::new(channel.clone()),
            keys: KeysClient::new(channel.clone()),
        }
    }
}

impl Failed {
    /// A status that was made here, not sent by the peer, has a source.
    fn of(status: Status) -> Self {
        let mut source = status.source();
        let made_here = source.is_some();
        while let Some(cause) = source {
            if cause.is::<tonic::TimeoutExpired>() {
                return Self::Late;
            }
            source = cause.source();
        }
        if made_here { Self::Broken(status) } else { Self::Refused(Refusal::from_status(&status)) }
    }

    fn into_refusal(self, id: &RequestId) -> Refusal {
        match self {
            Self::Broken(status) => {
                tracing::debug!(request_id = id.as_str(), %status, "the control plane can't be reached");
                Refusal::from_status(&Status::new(Code::Unavailable, ""))
            }
            Self::Late => Refusal::from_status(&Status::new(Code::DeadlineExceeded, "")),
            Self::Refused(refusal) => {
                if refusal.reason == Reason::Internal {
                    tracing::error!(request_id = id.as_str(), "the control plane failed; its log says how");
                }
                refusal
            }
        }
    }
}
