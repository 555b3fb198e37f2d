//! One ticket of the load: it enqueues at its time and waits for its assignment.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::plan::{Arrival, Way};
use crate::gateway::{Gateway, GatewayError, Realtime};

/// The longest wait that the gateway grants one status request.
const WAIT: Duration = Duration::from_secs(20);
/// How long taking an unmatched ticket back may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// The players of one ticket.
pub(super) struct Client {
    pub(super) gateway: Gateway,
    pub(super) ticket: Arrival,
    pub(super) body: Value,
    pub(super) scheduled: Instant,
    pub(super) timeout: Duration,
}

/// What became of one ticket. All times are counted from its scheduled moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) players: u32,
    pub(super) way: Way,
    /// When it was scheduled, and when it was really sent: how late the load itself was.
    pub(super) scheduled: Instant,
    pub(super) sent: Option<Duration>,
    /// When the gateway had taken the ticket.
    pub(super) enqueued: Option<Duration>,
    /// When it had told the assignment.
    pub(crate) assigned: Option<Duration>,
    /// The code of what went wrong.
    pub(crate) error: Option<String>,
}

impl Client {
    /// Plays the ticket to its assignment, its timeout, or `stop`.
    pub(super) async fn run(&self, stop: &CancellationToken) -> Outcome {
        let mut outcome = Outcome {
            players: self.ticket.players,
            way: self.ticket.way,
            scheduled: self.scheduled,
            sent: None,
            enqueued: None,
            assigned: None,
            error: None,
        };
        let ended = match self.ticket.way {
            Way::Websocket => self.over_websocket(&mut outcome, stop).await,
            Way::Rest => self.over_rest(&mut outcome, stop).await,
        };
        outcome.error = ended.err().map(|error| error.code);
        outcome
    }

    async fn over_websocket(
        &self,
        outcome: &mut Outcome,
        stop: &CancellationToken,
    ) -> Result<(), GatewayError> {
        // Before its time: what this takes too long is part of the latency.
        let mut socket = self.in_time(stop, self.gateway.realtime()).await?;
        let played = self.in_time(stop, self.enqueue_and_wait(&mut socket, outcome)).await;
        if played.is_err() && outcome.enqueued.is_some() {
            // Nobody waits any more: the ticket should not be matched with others.
            let cancel = json!({ "action": "cancel" });
            timeout(CANCEL_TIMEOUT, socket.send(&cancel)).await.ok();
        }
        socket.close().await;
        played
    }

    async fn enqueue_and_wait(
        &self,
        socket: &mut Realtime,
        outcome: &mut Outcome,
    ) -> Result<(), GatewayError> {
        let mut enqueue = self.body.clone();
        enqueue["action"] = "enqueue".into();
        sleep_until(self.scheduled).await;
        outcome.sent = Some(self.scheduled.elapsed());
        socket.send(&enqueue).await?;
        loop {
            let message = socket.next().await?;
            match message["type"].as_str() {
                Some("enqueued") => outcome.enqueued = Some(self.scheduled.elapsed()),
                Some("match.assigned") => {
                    outcome.assigned = Some(self.scheduled.elapsed());
                    return Ok(());
                }
                Some("ticket.cancelled" | "ticket.expired") => return Err(over(&message["type"])),
                Some("error") => return Err(GatewayError::from_message(&message)),
                _ => {}
            }
        }
    }

    async fn over_rest(&self, outcome: &mut Outcome, stop: &CancellationToken) -> Result<(), GatewayError> {
        sleep_until(self.scheduled).await;
        outcome.sent = Some(self.scheduled.elapsed());
        let answer = self.in_time(stop, self.gateway.enqueue(&self.body)).await?;
        outcome.enqueued = Some(self.scheduled.elapsed());
        let ticket_id = answer["ticketId"]
            .as_str()
            .ok_or_else(|| GatewayError::new("NO_TICKET_ID", "the answer to enqueue has no ticketId"))?;
        let waited = self.in_time(stop, self.wait_by_rest(ticket_id)).await;
        match waited {
            Ok(()) => outcome.assigned = Some(self.scheduled.elapsed()),
            Err(_) => drop(timeout(CANCEL_TIMEOUT, self.gateway.cancel(ticket_id)).await),
        }
        waited
    }

    async fn wait_by_rest(&self, ticket_id: &str) -> Result<(), GatewayError> {
        loop {
            let ticket = self.gateway.status(ticket_id, WAIT).await?;
            match ticket["status"].as_str() {
                Some("assigned") => return Ok(()),
                Some("cancelled" | "expired") => return Err(over(&ticket["status"])),
                _ => {}
            }
        }
    }

    /// Bounds a step by the ticket's timeout and by `stop`.
    async fn in_time<T>(
        &self,
        stop: &CancellationToken,
        step: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        match stop.run_until_cancelled(timeout_at(self.scheduled + self.timeout, step)).await {
            Some(Ok(done)) => done,
            Some(Err(_)) => Err(GatewayError::new("TIMEOUT", format!("nothing after {:?}", self.timeout))),
            None => Err(GatewayError::new("STOPPED", "the load was stopped")),
        }
    }
}

fn over(how: &Value) -> GatewayError {
    GatewayError::new("TICKET_OVER", format!("the ticket ended: {how}"))
}
