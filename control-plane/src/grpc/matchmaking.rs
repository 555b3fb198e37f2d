//! `Matchmaking`: tickets come in here, and the news of them goes out.

mod convert;
mod enqueue;
mod explain;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod reload;
mod sessions;
mod watch;

use std::{collections::HashMap, pin::Pin, sync::Arc, time::Duration};

use matching::{TicketId, Time};
use proto::{
    error::Refusal,
    matchmaking::v1::{self as pb, matchmaking_server::Matchmaking},
};
use runtime::{Clock, Tasks};
use storage::{Cancelled, EnqueueError, Place, Status, Storage, TicketState};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Streaming};

pub(crate) use self::enqueue::Limits;
use super::{
    fields::{Fields, required_id},
    refusals,
};
use crate::{
    access::Caller,
    delivery::{self, Delivery},
    matchmaker,
    peers::Peers,
    presence::Presence,
    queues::Queues,
};

/// The longest `wait_ms`.
const MAX_WAIT_MS: u32 = 60_000;
/// Tickets waiting to be sent on one watch stream.
const WATCH_BUFFER: usize = 256;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct MatchmakingService(pub(crate) Arc<Shared>);

/// What the calls share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) delivery: Delivery,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) limits: Limits,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, tonic::Status>> + Send>>;

#[tonic::async_trait]
impl Matchmaking for MatchmakingService {
    async fn enqueue(
        &self,
        request: Request<pb::EnqueueRequest>,
    ) -> Result<Response<pb::EnqueueResponse>, tonic::Status> {
        let caller = Caller::of(&request)?;
        let answer = self.0.enqueue(&caller, request.into_inner()).await;
        let outcome = answer.as_ref().map_or_else(|refusal| refusal.reason.name(), |_| "OK");
        metrics::counter!("control_plane_enqueues_total", "outcome" => outcome).increment(1);
        Ok(Response::new(answer?))
    }

    async fn cancel(
        &self,
        request: Request<pb::CancelRequest>,
    ) -> Result<Response<pb::CancelResponse>, tonic::Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.0.cancel(&caller, &request.into_inner().ticket_id).await?))
    }

    async fn get_ticket(
        &self,
        request: Request<pb::GetTicketRequest>,
    ) -> Result<Response<pb::GetTicketResponse>, tonic::Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let state = self.0.get(&caller, &request.ticket_id, request.wait_ms).await?;
        let ticket = self.0.shown(&state).await?;
        Ok(Response::new(pb::GetTicketResponse { ticket: Some(ticket) }))
    }

    type WatchTicketStream = Answers<pb::WatchTicketResponse>;

    async fn watch_ticket(
        &self,
        request: Request<pb::WatchTicketRequest>,
    ) -> Result<Response<Self::WatchTicketStream>, tonic::Status> {
        let caller = Caller::of(&request)?;
        let id = self.0.known(&caller, &request.into_inner().ticket_id).await?;
        let (answers, stream) = tokio::sync::mpsc::channel(4);
        let shared = Arc::clone(&self.0);
        self.0.tasks.spawn("watch ticket", async move {
            let task = watch::one(&shared, &id, &answers);
            tokio::select! {
                () = task => {}
                () = answers.closed() => {}
                () = shared.tasks.stopping().cancelled() => watch::say_goodbye(&answers),
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    type WatchStream = Answers<pb::WatchResponse>;

    async fn watch(
        &self,
        request: Request<Streaming<pb::WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, tonic::Status> {
        let (answers, stream) = tokio::sync::mpsc::channel(WATCH_BUFFER);
        let shared = Arc::clone(&self.0);
        let caller = Caller::of(&request)?;
        let requests = request.into_inner();
        self.0.tasks.spawn("watch", async move {
            let task = watch::many(&shared, &caller, requests, &answers);
            tokio::select! {
                () = task => {}
                () = answers.closed() => {}
                () = shared.tasks.stopping().cancelled() => watch::say_goodbye(&answers),
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn list_queues(
        &self,
        _request: Request<pb::ListQueuesRequest>,
    ) -> Result<Response<pb::ListQueuesResponse>, tonic::Status> {
        let reports = self.0.storage.reports(self.0.now()).await;
        let mut reports = reports.map_err(|error| refusals::storage(&error))?;
        for key in self.0.queues.configured() {
            if let Err(place) = reports.binary_search_by(|(known, _)| known.cmp(&key)) {
                let report = matchmaker::unknown(&self.0.queues.of(&key));
                reports.insert(place, (key, report));
            }
        }
        let queues = reports.into_iter().map(|(key, report)| convert::queue(&key, report)).collect();
        Ok(Response::new(pb::ListQueuesResponse { queues }))
    }

    async fn explain_ticket(
        &self,
        request: Request<pb::ExplainTicketRequest>,
    ) -> Result<Response<pb::ExplainTicketResponse>, tonic::Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.0.explain(&caller, &request.into_inner().ticket_id).await?))
    }

    async fn reload_queues(
        &self,
        _request: Request<pb::ReloadQueuesRequest>,
    ) -> Result<Response<pb::ReloadQueuesResponse>, tonic::Status> {
        Ok(Response::new(self.0.reload_queues().await))
    }
}

impl Shared {
    async fn enqueue(
        &self,
        caller: &Caller,
        request: pb::EnqueueRequest,
    ) -> Result<pb::EnqueueResponse, Refusal> {
        caller.enqueues(request.players.iter().map(|player| player.player_id.as_str()))?;
        let new = enqueue::check(request, &self.queues, self.limits)?;
        let enqueued = match self.storage.enqueue(new, self.now()).await {
            Err(EnqueueError::GroupQueued(ticket)) if caller.player.is_some() => {
                // Who guesses a group's name doesn't learn its ticket's id.
                let theirs = self.seen(caller, &ticket).await.is_ok();
                let refusal = refusals::enqueue(EnqueueError::GroupQueued(ticket));
                let metadata = if theirs { refusal.metadata } else { HashMap::new() };
                return Err(Refusal { metadata, ..refusal });
            }
            enqueued => enqueued.map_err(refusals::enqueue)?,
        };
        let state = enqueued.state();
        Ok(pb::EnqueueResponse {
            ticket_id: state.record.ticket.id.to_string(),
            status: delivery::status(&state.status).into(),
            group_id: state.record.ticket.group.to_string(),
        })
    }

    async fn cancel(&self, caller: &Caller, ticket_id: &str) -> Result<pb::CancelResponse, Refusal> {
        required_id("ticket_id", ticket_id)?;
        let id = TicketId::new(ticket_id);
        if caller.player.is_some() {
            // Whose a ticket is doesn't change, so nothing can come in between.
            self.seen(caller, &id).await?;
        }
        let cancelled = self.storage.cancel(&id, self.now()).await;
        match cancelled.map_err(|error| refusals::storage(&error))? {
            None => Err(refusals::ticket_not_found()),
            Some(Cancelled::Yes) => {
                Ok(pb::CancelResponse { cancelled: true, status: pb::TicketStatus::Cancelled.into() })
            }
            Some(Cancelled::No(status)) => {
                Ok(pb::CancelResponse { cancelled: false, status: delivery::status(&status).into() })
            }
        }
    }

    /// The ticket, after its status has changed or the wait is over.
    async fn get(&self, caller: &Caller, ticket_id: &str, wait_ms: u32) -> Result<TicketState, Refusal> {
        let mut fields = Fields::default();
        fields.id("ticket_id", ticket_id);
        if wait_ms > MAX_WAIT_MS {
            fields.wrong("wait_ms", format!("is {wait_ms}; at most {MAX_WAIT_MS} are allowed"));
        }
        fields.check()?;
        let id = TicketId::new(ticket_id);
        // Followed before it is read: a change in between is not missed.
        let mut inbox = self.storage.signals().inbox();
        inbox.follow(&id);
        let state = self.seen(caller, &id).await?;
        self.presence.asked_for(&state);
        if wait_ms == 0 || state.status != Status::Queued {
            return Ok(state);
        }
        tokio::select! {
            _ = inbox.woken() => {}
            () = tokio::time::sleep(Duration::from_millis(wait_ms.into())) => {}
            () = self.tasks.stopping().cancelled() => return Err(refusals::shutting_down()),
        }
        let state = self.read(&id).await?;
        self.presence.asked_for(&state);
        Ok(state)
    }

    /// The id of a ticket that is there, for this caller.
    async fn known(&self, caller: &Caller, ticket_id: &str) -> Result<TicketId, Refusal> {
        required_id("ticket_id", ticket_id)?;
        let id = TicketId::new(ticket_id);
        self.seen(caller, &id).await.map(|_| id)
    }

    /// A ticket that the caller may see. Others are not there for them, in the very same words.
    async fn seen(&self, caller: &Caller, id: &TicketId) -> Result<TicketState, Refusal> {
        let state = self.read(id).await?;
        if caller.sees(&state.record.ticket) { Ok(state) } else { Err(refusals::ticket_not_found()) }
    }

    async fn read(&self, id: &TicketId) -> Result<TicketState, Refusal> {
        let read = self.storage.read(std::slice::from_ref(id)).await;
        let state = read.map_err(|error| refusals::storage(&error))?.pop().flatten();
        state.ok_or_else(refusals::ticket_not_found)
    }

    /// A ticket as it is shown by itself.
    async fn shown(&self, state: &TicketState) -> Result<pb::Ticket, Refusal> {
        let place = self.places([state]).await.pop().flatten();
        self.delivery.ticket(state, place).await
    }

    /// The places of those that are queued, one for each ticket. What a ticket has become is told also where its place can't
    /// be had.
    async fn places(&self, tickets: impl IntoIterator<Item = &TicketState>) -> Vec<Option<Place>> {
        let queued = |ticket: &TicketState| ticket.status == Status::Queued;
        let tickets: Vec<_> = tickets.into_iter().map(|t| queued(t).then(|| Arc::clone(&t.record))).collect();
        let records: Vec<_> = tickets.iter().flatten().cloned().collect();
        if records.is_empty() {
            return vec![None; tickets.len()];
        }
        let found = self.storage.places(&records, self.now()).await;
        let found =
            found.inspect_err(|error| tracing::debug!(%error, "tickets are told without their places"));
        let mut found = found.unwrap_or_default().into_iter();
        tickets.iter().map(|queued| queued.as_ref().and_then(|_| found.next().flatten())).collect()
    }

    fn now(&self) -> Time {
        Time(self.clock.now_ms())
    }
}
