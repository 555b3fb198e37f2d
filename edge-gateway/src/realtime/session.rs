//! One socket's life: what its client asks for is done one thing after the other, and what its tickets do is pushed.
//!
//! While an action is under way nothing more is read from the client, so a client can't pile up work here; pushes go on.

use std::sync::Arc;

use proto::{
    error::{Reason, Refusal},
    matchmaking::v1 as pb,
};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::{
    pending::{self, Attempt, Outcome, Pending, ended},
    protocol::{Action, Close, Outgoing},
    socket::{End, Incoming, Socket},
    standing::Standing,
    subscription::Subscription,
    tickets::{MAX_TICKETS, Tickets},
};
use crate::{
    app::App,
    door::{Client, Pace, pace},
    http::RequestId,
    identity::{Caller, Secret},
    problem::bad_field,
    rest::cancel::Cancelled,
    upstream::{
        Origin,
        hub::{Event, Mailbox},
    },
    wire::{enqueue::EnqueueBody, ticket::TicketStatus},
};

/// Who is at the other end of a socket.
pub(super) struct Peer {
    /// Who they are.
    pub(super) caller: Caller,
    /// Where.
    pub(super) client: Client,
    /// The request with which the socket was opened.
    pub(super) id: RequestId,
}

/// One socket.
pub(super) struct Session {
    app: Arc<App>,
    socket: Socket,
    standing: Standing,
    client: Client,
    id: RequestId,
    pace: Option<Pace>,
    /// Where the client has sent faster than that.
    read_again_at: Option<Instant>,
    mailbox: Arc<Mailbox>,
    tickets: Tickets,
    /// The ticket of the address. A socket whose own ticket can't be followed is of no use and gets closed.
    own_ticket: Option<String>,
    pending: Option<Pending>,
    last_heard: Instant,
    next_ping: Instant,
}

impl Session {
    /// A session for a socket that has just been opened by `peer`.
    pub(super) fn new(app: Arc<App>, socket: Socket, peer: Peer) -> Self {
        let now = Instant::now();
        Self {
            mailbox: Arc::new(Mailbox::new(app.config.socket_queue)),
            tickets: Tickets::new(app.config.queue_update_interval),
            own_ticket: None,
            pending: None,
            last_heard: now,
            next_ping: now + app.config.ping_interval,
            pace: pace(app.config.limits.messages_per_socket),
            read_again_at: None,
            standing: Standing::new(peer.caller),
            client: peer.client,
            id: peer.id,
            app,
            socket,
        }
    }

    /// Runs it to its end.
    pub(super) async fn run(mut self, subscription: Subscription) {
        let end = match (self.settle().await, subscription) {
            (Err(end), _) => end,
            (Ok(()), Subscription::Bad) => End::Close(Close::BadSubscription),
            (Ok(()), Subscription::None) => self.serve().await,
            (Ok(()), Subscription::Ticket(ticket_id)) => {
                self.follow(&ticket_id);
                self.own_ticket = Some(ticket_id);
                self.serve().await
            }
        };
        tracing::debug!(request_id = self.id.as_str(), ?end, "a socket ends");
        let Self { socket, tickets, standing, .. } = self;
        // Nothing is told any more, so nothing needs to be followed while the client says goodbye.
        drop((tickets, standing));
        if let End::Close(close) = end {
            socket.close(close).await;
        }
    }

    /// Takes what a socket of its player takes.
    async fn settle(&mut self) -> Result<(), End> {
        let Err(refusal) = self.standing.settle(&self.app) else { return Ok(()) };
        self.refuse(&refusal).await?;
        Err(End::Close(Close::TryAgain))
    }

    fn follow(&mut self, ticket_id: &str) {
        self.tickets.follow(ticket_id, self.standing.caller(), &self.app.hub, &self.mailbox);
    }

    async fn serve(&mut self) -> End {
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    /// Waits for one thing to happen and deals with it. The order matters where several have: what tickets do is told even to
    /// a client that sends without end, and a client that has sent something isn't taken for dead.
    async fn step(&mut self) -> Result<(), End> {
        let stopping = self.app.tasks.stopping().clone();
        let timers = [self.tickets.next_due(), self.read_again_at, self.standing.ends_at()];
        let timer = timers.into_iter().flatten().fold(self.next_ping, Instant::min);
        let may_read = self.pending.is_none() && self.read_again_at.is_none();
        tokio::select! {
            biased;
            event = self.mailbox.next() => match event {
                Ok(event) => self.tell(event).await,
                Err(_) => Err(End::Close(Close::TooSlow)),
            },
            outcome = ended(&mut self.pending) => {
                self.pending = None;
                // What the client said meanwhile was not read.
                self.last_heard = Instant::now();
                self.answer(outcome).await
            }
            () = self.standing.replaced() => Err(End::Close(Close::Replaced)),
            () = stopping.cancelled(), if self.pending.is_none() => Err(End::Close(Close::GoingAway)),
            incoming = self.socket.receive(), if may_read => {
                self.last_heard = Instant::now();
                let pause = self.pace.as_ref().and_then(Pace::after_one);
                self.read_again_at = pause.map(|pause| self.last_heard + pause);
                match incoming? {
                    Incoming::Text(text) => self.begin(&text).await,
                    Incoming::Binary => {
                        let message = "binary messages are not understood; send JSON as text";
                        self.refuse(&Refusal::new(Reason::InvalidRequest, message)).await
                    }
                    Incoming::Alive => Ok(()),
                }
            }
            () = sleep_until(timer) => self.keep_time().await,
        }
    }

    async fn send(&mut self, message: Outgoing) -> Result<(), End> {
        self.socket.send(message, &self.mailbox).await
    }

    async fn refuse(&mut self, refusal: &Refusal) -> Result<(), End> {
        self.send(Outgoing::error(refusal)).await
    }

    /// Begins what the client asks for.
    async fn begin(&mut self, text: &str) -> Result<(), End> {
        let pending = match Action::read(text) {
            Ok(Action::Heartbeat) => return self.send(Outgoing::heartbeat()).await,
            Ok(Action::Enqueue(value)) => self.enqueue(&value),
            Ok(Action::Cancel(ticket_id)) => self.cancel(ticket_id),
            Ok(Action::Authenticate(token)) => self.authenticate(token),
            Err(refusal) => Err(refusal),
        };
        match pending {
            Ok(pending) => {
                self.pending = Some(pending);
                Ok(())
            }
            Err(refusal) => self.refuse(&refusal).await,
        }
    }

    /// Counts an action as a request: a socket is no way round those limits.
    fn count(&self) -> Result<(), Refusal> {
        self.app.door.rates.address(self.client)?;
        self.app.door.rates.caller(self.standing.caller())
    }

    fn enqueue(&mut self, value: &Value) -> Result<Pending, Refusal> {
        self.count()?;
        let body = EnqueueBody::read_socket(value)?;
        if self.tickets.is_full() {
            let message = format!(
                "a socket may have {MAX_TICKETS} tickets at once; cancel one, or open another socket"
            );
            return Err(Refusal::new(Reason::RateLimited, message));
        }
        self.standing.enqueues(&self.app, body.first_player())?;
        let caller = self.standing.caller().clone();
        Ok(pending::enqueue(Arc::clone(&self.app), self.id.clone(), caller, body))
    }

    fn authenticate(&self, token: Secret) -> Result<Pending, Refusal> {
        self.count()?;
        Ok(pending::authenticate(Arc::clone(&self.app), token))
    }

    fn cancel(&self, ticket_id: Option<String>) -> Result<Pending, Refusal> {
        self.count()?;
        let ticket_ids = ticket_id.map_or_else(|| self.tickets.ids(), |id| vec![id]);
        if ticket_ids.is_empty() {
            return Err(bad_field("ticketId", "is missing, and this socket has no ticket that waits"));
        }
        let tickets = ticket_ids.into_iter().map(|id| (self.tickets.contains(&id), id));
        let tickets = tickets.map(|(followed, id)| (id, followed)).collect();
        Ok(pending::cancel(&self.app, &Origin::of(&self.id, self.standing.caller()), tickets))
    }

    /// Answers an action that is done.
    async fn answer(&mut self, outcome: Outcome) -> Result<(), End> {
        match outcome {
            Outcome::Enqueued(Ok(enqueued)) => {
                // First the answer, then the subscription: its first event is the present state, so nothing is missed.
                self.send(Outgoing::enqueued(&enqueued)).await?;
                self.follow(&enqueued.ticket_id);
                Ok(())
            }
            Outcome::Enqueued(Err(refusal)) => self.refuse(&refusal).await,
            Outcome::Authenticated(proved) => {
                let proved = proved.and_then(|player| {
                    self.standing.prove(&self.app, Arc::clone(&player))?;
                    Ok(player)
                });
                match proved {
                    Ok(player) => self.send(Outgoing::authenticated(&player)).await,
                    Err(refusal) => self.refuse(&refusal).await,
                }
            }
            Outcome::Cancelled(attempts) => {
                for attempt in attempts {
                    self.answer_cancel(attempt).await?;
                }
                Ok(())
            }
        }
    }

    async fn answer_cancel(&mut self, attempt: Attempt) -> Result<(), End> {
        let Attempt { ticket_id, was_followed, result } = attempt;
        match result {
            Ok(Cancelled { cancelled: true, .. }) => {
                // Where it was followed and no longer is, the push has been faster than the answer.
                if self.tickets.remove(&ticket_id) || !was_followed {
                    self.send(Outgoing::cancelled(&ticket_id, None)).await?;
                }
            }
            Ok(Cancelled { status: Some(status), .. }) if !status.is_final() => {
                let refusal =
                    bad_field("ticketId", "can't be cancelled at the moment: its match is being made");
                self.refuse(&refusal.with("ticketId", ticket_id)).await?;
            }
            // It is something else: its state is the answer, and comes by itself where it is followed.
            Ok(_) if was_followed => {}
            Ok(_) if self.tickets.is_full() => {
                let message = "this ticket is over and was not cancelled; read its status";
                self.refuse(&Refusal::new(Reason::RateLimited, message).with("ticketId", ticket_id)).await?;
            }
            Ok(_) => self.follow(&ticket_id),
            Err(refusal) => self.refuse(&refusal.with("ticketId", ticket_id)).await?,
        }
        Ok(())
    }

    /// Tells the client what became of a ticket.
    async fn tell(&mut self, event: Event) -> Result<(), End> {
        match event {
            // A ticket that was removed a moment ago.
            Event::State(ticket) if !self.tickets.contains(&ticket.ticket_id) => Ok(()),
            Event::State(ticket) if TicketStatus::from(ticket.status()).is_final() => {
                self.tickets.remove(&ticket.ticket_id);
                let ticket: pb::Ticket = Arc::unwrap_or_clone(ticket);
                self.send(Outgoing::final_state(ticket)).await
            }
            Event::State(ticket) => {
                self.tickets.set_place(&ticket.ticket_id, ticket.place);
                Ok(())
            }
            Event::Refused(ticket_id, refusal) => {
                if !self.tickets.remove(&ticket_id) {
                    return Ok(());
                }
                let is_own = self.own_ticket.as_deref() == Some(&*ticket_id);
                match Close::of_refused_subscription(refusal.reason).filter(|_| is_own) {
                    Some(close) => Err(End::Close(close)),
                    None => {
                        let refusal = Arc::unwrap_or_clone(refusal).with("ticketId", &*ticket_id);
                        self.refuse(&refusal).await
                    }
                }
            }
        }
    }

    /// Does what is due: messages about places, a ping, the end of a client that is silent.
    async fn keep_time(&mut self) -> Result<(), End> {
        while let Some((ticket_id, place)) = self.tickets.take_due() {
            self.send(Outgoing::queue_update(&ticket_id, place)).await?;
        }
        if self.standing.has_ended() {
            return Err(End::Close(Close::NotAuthenticated));
        }
        let now = Instant::now();
        self.read_again_at = self.read_again_at.filter(|at| now < *at);
        if now < self.next_ping {
            return Ok(());
        }
        self.next_ping = now + self.app.config.ping_interval;
        // While an action is under way its client isn't heard.
        if self.pending.is_none() && now.duration_since(self.last_heard) > self.app.config.ping_timeout {
            return Err(End::Gone);
        }
        self.socket.ping().await
    }
}
