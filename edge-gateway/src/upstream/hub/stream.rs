//! Runs the hub's stream: opens it, keeps the control plane's subscriptions in step with the followed tickets, tells it of
//! sessions, hands out what arrives, and opens it again, on another replica if it can, when it breaks.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use metrics::{counter, gauge};
use proto::{
    error::{Reason, Refusal},
    matchmaking::v1::{WatchRequest, WatchResponse, matchmaking_client::MatchmakingClient, watch_response},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{
    super::{Pool, replica::Replica},
    Sessions, TicketId, WatchHub,
};

/// How long a replica may take to open the stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);

/// A stream that lived this long was a good one: when it ends, all other replicas are tried at once.
const GOOD_LIFE: Duration = Duration::from_secs(1);

/// Requests on their way to the control plane.
const OUTBOX: usize = 256;

/// When a subscription that was refused as UNAVAILABLE is tried again.
const RETRY_REFUSED: Duration = Duration::from_secs(1);

/// The first and the longest pause after no replica could be followed.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Keeps the hub and the sessions connected until `stop`.
pub(crate) async fn run(hub: WatchHub, sessions: Sessions, pool: Pool, stop: CancellationToken) {
    let connected = gauge!("gateway_upstream_connected");
    connected.set(0);
    stop.run_until_cancelled(stay_connected(&hub, &sessions, &pool)).await;
    connected.set(0);
}

async fn stay_connected(hub: &WatchHub, sessions: &Sessions, pool: &Pool) {
    let connected = gauge!("gateway_upstream_connected");
    let mut pauses = None;
    // Those that failed since the last pause or the last good stream.
    let mut tried = Vec::new();
    let mut said = None;
    let mut last = None;
    let mut why = "no control plane that serves clients is known".to_owned();
    loop {
        let Some(pick) = pool.pick(&tried) else {
            if said.replace(false) != Some(false) {
                tracing::warn!(why, "not connected to the control plane; trying again until it is back");
            }
            let pauses = pauses.get_or_insert_with(|| {
                ExponentialBuilder::default()
                    .with_min_delay(FIRST_PAUSE)
                    .with_max_delay(LONGEST_PAUSE)
                    .with_jitter()
                    .without_max_times()
                    .build()
            });
            tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
            tried.clear();
            continue;
        };
        let endpoint = pick.replica.endpoint().clone();
        let mut opened_at = None;
        let ended = live_one_stream(hub, sessions, &pick.replica, || {
            opened_at = Some(Instant::now());
            connected.set(1);
            let moved = last.replace(endpoint.addr).is_some_and(|last| last != endpoint.addr);
            if moved {
                counter!("gateway_upstream_failovers_total", "what" => "watch").increment(1);
            }
            if said.replace(true) != Some(true) || moved {
                tracing::info!(addr = %endpoint.addr, "connected to the control plane");
            }
        });
        why = ended.await.map_or_else(|status| status.to_string(), |()| "it ended the stream".to_owned());
        connected.set(0);
        pool.doubt(&pick.replica);
        if opened_at.is_some_and(|at| at.elapsed() >= GOOD_LIFE) {
            pauses = None;
            tried.clear();
        }
        tried.push(endpoint);
    }
}

/// One stream from its opening to its end.
async fn live_one_stream(
    hub: &WatchHub,
    sessions: &Sessions,
    replica: &Replica,
    opened: impl FnOnce(),
) -> Result<(), Status> {
    let connection = replica.connection().await.map_err(|why| Status::unavailable(&*why))?;
    let (to_upstream, requests) = mpsc::channel(OUTBOX);
    let mut client = MatchmakingClient::new(connection.channel());
    let open = timeout(OPEN_TIMEOUT, client.watch(ReceiverStream::new(requests)));
    let mut events = match open.await {
        Ok(Ok(response)) => response.into_inner(),
        Ok(Err(status)) => {
            connection.give_up();
            return Err(status);
        }
        Err(_) => {
            connection.give_up();
            return Err(Status::deadline_exceeded("the stream did not open in time"));
        }
    };
    opened();
    hub.forget_upstream();
    sessions.tell_all_again();
    let ended = pump(hub, sessions, &to_upstream, &mut events).await;
    connection.give_up();
    ended
}

/// Both directions at once: waiting to send must not keep it from receiving, or two full pipes would wait for each other.
async fn pump(
    hub: &WatchHub,
    sessions: &Sessions,
    to_upstream: &mpsc::Sender<WatchRequest>,
    events: &mut Streaming<WatchResponse>,
) -> Result<(), Status> {
    let mut outbox = VecDeque::new();
    let mut refused: HashSet<TicketId> = HashSet::new();
    let mut retry_at = Instant::now();
    loop {
        if outbox.is_empty() {
            outbox.extend(hub.take_requests(OUTBOX));
            outbox.extend(sessions.take_requests(OUTBOX));
        }
        tokio::select! {
            permit = to_upstream.reserve(), if !outbox.is_empty() => {
                let Ok(permit) = permit else { return Ok(()) };
                if let Some(request) = outbox.pop_front() {
                    permit.send(request);
                }
            }
            () = hub.changed(), if outbox.is_empty() => {}
            () = sessions.due(), if outbox.is_empty() => {}
            event = events.message() => {
                let Some(event) = event? else { return Ok(()) };
                if let Some(ticket_id) = hand_out(hub, sessions, event) {
                    if refused.is_empty() {
                        retry_at = Instant::now() + RETRY_REFUSED;
                    }
                    refused.insert(ticket_id);
                }
            }
            () = tokio::time::sleep_until(retry_at), if !refused.is_empty() => {
                hub.ask_again(refused.drain());
            }
        }
    }
}

/// Hands an event to whom it is for. Returns the ticket where it should be asked for again.
fn hand_out(hub: &WatchHub, sessions: &Sessions, event: WatchResponse) -> Option<TicketId> {
    match event.event {
        Some(watch_response::Event::Ticket(ticket)) => hub.tell(ticket),
        Some(watch_response::Event::Refused(refused)) => {
            let reason = Reason::from_name(&refused.reason).unwrap_or(Reason::Internal);
            if reason == Reason::Unavailable {
                return Some(Arc::from(event.ticket_id));
            }
            let refusal = match reason {
                Reason::Internal => Refusal::internal(),
                _ => Refusal::new(reason, refused.message),
            };
            hub.refuse(&event.ticket_id, refusal);
        }
        Some(watch_response::Event::Session(session)) => sessions.heard(session),
        None => tracing::warn!("an event of a kind that this gateway doesn't know was ignored"),
    }
    None
}
