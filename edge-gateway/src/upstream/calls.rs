//! Calls to the control plane: each has a deadline that travels with it, carries the request's id, and goes on to another
//! replica where one can't answer.
//!
//! That is safe because every call of the contract may come twice with the same arguments.

use std::{error::Error, future::Future, time::Duration};

use metrics::counter;
use proto::{
    error::{Reason, Refusal},
    keys::v1::{
        GetJwksRequest, GetJwksResponse, IssueIdentityRequest, IssueIdentityResponse, keys_client::KeysClient,
    },
    matchmaking::v1::{
        CancelRequest, CancelResponse, EnqueueRequest, EnqueueResponse, ExplainTicketRequest,
        ExplainTicketResponse, GetTicketRequest, Ticket, matchmaking_client::MatchmakingClient,
    },
    provisioning::v1::{
        DeregisterServerRequest, DeregisterServerResponse, RegisterServerRequest, RegisterServerResponse,
        provisioning_client::ProvisioningClient,
    },
};
use runtime::control_plane;
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::{Origin, Pool, replica::Replica};
use crate::identity::PlayerId;

/// The pauses before a call that no replica could answer is tried again with all of them.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// An assignment for a hundred players is some 150 KiB.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// The id of a new ticket: in the order of time, which storage likes.
pub(crate) fn fresh_ticket_id() -> Uuid {
    Uuid::now_v7()
}

/// Calls the control plane. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Calls {
    pool: Pool,
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
    /// Calls the replicas of `pool`. Each call, with its repetitions, takes at most `timeout`.
    pub(crate) fn new(pool: Pool, timeout: Duration) -> Self {
        Self { pool, timeout }
    }

    /// `Matchmaking.Enqueue`. The request has its ticket's id; where the answer stays out, the refusal names it, because the
    /// ticket may exist.
    pub(crate) async fn enqueue(
        &self,
        origin: &Origin,
        request: EnqueueRequest,
    ) -> Result<EnqueueResponse, Refusal> {
        let ticket_id = request.ticket_id.clone();
        let answer = self.call(origin, request, |mut calls, request| async move {
            calls.matchmaking.enqueue(request).await
        });
        answer.await.map_err(|refusal| match refusal.reason {
            Reason::Unavailable | Reason::DeadlineExceeded => refusal.with("ticketId", ticket_id),
            _ => refusal,
        })
    }

    /// `Matchmaking.Cancel`.
    pub(crate) async fn cancel(&self, origin: &Origin, ticket_id: String) -> Result<CancelResponse, Refusal> {
        self.call(origin, CancelRequest { ticket_id }, |mut calls, request| async move {
            calls.matchmaking.cancel(request).await
        })
        .await
    }

    /// `Matchmaking.GetTicket`, at once.
    pub(crate) async fn ticket(&self, origin: &Origin, ticket_id: String) -> Result<Ticket, Refusal> {
        let request = GetTicketRequest { ticket_id, wait_ms: 0 };
        let answer = self.call(origin, request, |mut calls, request| async move {
            calls.matchmaking.get_ticket(request).await
        });
        answer.await?.ticket.ok_or_else(|| {
            tracing::error!(request_id = origin.request_id(), "GetTicket was answered without a ticket");
            Refusal::internal()
        })
    }

    /// `Matchmaking.ExplainTicket`.
    pub(crate) async fn explain(
        &self,
        origin: &Origin,
        ticket_id: String,
    ) -> Result<ExplainTicketResponse, Refusal> {
        self.call(origin, ExplainTicketRequest { ticket_id }, |mut calls, request| async move {
            calls.matchmaking.explain_ticket(request).await
        })
        .await
    }

    /// `Keys.GetJwks`.
    pub(crate) async fn jwks(&self, origin: &Origin) -> Result<GetJwksResponse, Refusal> {
        self.call(origin, GetJwksRequest {}, |mut calls, request| async move {
            calls.keys.get_jwks(request).await
        })
        .await
    }

    /// `Keys.IssueIdentity`, for as long as the control plane lets a token live.
    pub(crate) async fn issue_identity(
        &self,
        origin: &Origin,
        player: &PlayerId,
    ) -> Result<IssueIdentityResponse, Refusal> {
        let request = IssueIdentityRequest { player_id: player.as_str().to_owned(), lifetime_ms: 0 };
        self.call(
            origin,
            request,
            |mut calls, request| async move { calls.keys.issue_identity(request).await },
        )
        .await
    }

    /// `Provisioning.RegisterServer`.
    pub(crate) async fn register_server(
        &self,
        origin: &Origin,
        request: RegisterServerRequest,
    ) -> Result<RegisterServerResponse, Refusal> {
        self.call(origin, request, |mut calls, request| async move {
            calls.provisioning.register_server(request).await
        })
        .await
    }

    /// `Provisioning.DeregisterServer`.
    pub(crate) async fn deregister_server(
        &self,
        origin: &Origin,
        server_id: String,
    ) -> Result<DeregisterServerResponse, Refusal> {
        let request = DeregisterServerRequest { server_id };
        self.call(origin, request, |mut calls, request| async move {
            calls.provisioning.deregister_server(request).await
        })
        .await
    }

    async fn call<T, A, F>(
        &self,
        origin: &Origin,
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
            let failed = match self.try_all(origin, &message, &send, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let pause = match &failed {
                Failed::Broken(_) => pauses.next().filter(|pause| Instant::now() + *pause < deadline),
                Failed::Late | Failed::Refused(_) => None,
            };
            let Some(pause) = pause else {
                return Err(failed.into_refusal(origin));
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Tries one replica after the other, each once, until one answers.
    async fn try_all<T, A, F>(
        &self,
        origin: &Origin,
        message: &T,
        send: &impl Fn(Clients, Request<T>) -> F,
        deadline: Instant,
    ) -> Result<A, Failed>
    where
        T: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let mut tried = Vec::new();
        let mut failed = Failed::Broken(Status::unavailable("no control plane that serves clients is known"));
        while let Some(pick) = self.pool.pick(&tried) {
            if !tried.is_empty() {
                counter!("gateway_upstream_failovers_total", "what" => "call").increment(1);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            // One that is silent leaves time for another.
            let patience = if pick.others { left / 2 } else { left };
            let mut request = Request::new(message.clone());
            request.set_timeout(patience);
            origin.mark(&mut request);
            failed = match try_one(&pick.replica, patience, |clients| send(clients, request)).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if !failed.may_go_better_elsewhere() {
                break;
            }
            self.pool.doubt(&pick.replica);
            tried.push(pick.replica.endpoint().clone());
        }
        Err(failed)
    }
}

async fn try_one<A, F>(
    replica: &Replica,
    patience: Duration,
    send: impl FnOnce(Clients) -> F,
) -> Result<A, Failed>
where
    F: Future<Output = Result<Response<A>, Status>>,
{
    let _in_flight = replica.begin_call();
    let give_up = Instant::now() + patience;
    let connection = match timeout_at(give_up, replica.connection()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(why)) => return Err(Failed::Broken(Status::unavailable(&*why))),
        Err(_) => return Err(Failed::Late),
    };
    let failed = match timeout_at(give_up, send(Clients::of(&connection.channel()))).await {
        Ok(Ok(response)) => return Ok(response.into_inner()),
        Ok(Err(status)) => Failed::of(status),
        Err(_) => Failed::Late,
    };
    if matches!(failed, Failed::Broken(_) | Failed::Late) {
        connection.give_up();
    }
    Err(failed)
}

/// The services' clients, over one channel.
struct Clients {
    matchmaking: MatchmakingClient<control_plane::Calls>,
    provisioning: ProvisioningClient<control_plane::Calls>,
    keys: KeysClient<control_plane::Calls>,
}

impl Clients {
    fn of(channel: &control_plane::Calls) -> Self {
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

    /// Not where the control plane has decided.
    fn may_go_better_elsewhere(&self) -> bool {
        match self {
            Self::Broken(_) | Self::Late => true,
            // It is shutting down, or its store is away.
            Self::Refused(refusal) => refusal.reason == Reason::Unavailable,
        }
    }

    fn into_refusal(self, origin: &Origin) -> Refusal {
        match self {
            Self::Broken(status) => {
                tracing::debug!(request_id = origin.request_id(), %status, "the control plane can't be reached");
                Refusal::from_status(&Status::new(Code::Unavailable, ""))
            }
            Self::Late => Refusal::from_status(&Status::new(Code::DeadlineExceeded, "")),
            Self::Refused(refusal) => {
                let ours = !origin.has_own_credential();
                if ours && matches!(refusal.reason, Reason::Unauthenticated | Reason::Forbidden) {
                    // Not the client, whom we have looked at ourselves.
                    let why = refusal.message;
                    tracing::error!(why, "the control plane doesn't let this gateway do its work");
                    return Refusal::internal();
                }
                if refusal.reason == Reason::Internal {
                    tracing::error!(
                        request_id = origin.request_id(),
                        "the control plane failed; its log says how"
                    );
                }
                refusal
            }
        }
    }
}
