//! Runs the hub's stream: opens it, keeps the control plane's subscriptions in step with the followed tickets, hands out
//! what arrives, and opens it again when it breaks.

use std::{collections::HashSet, collections::VecDeque, sync::Arc, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use metrics::gauge;
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
use tonic::{Status, Streaming, transport::Channel};

use super::{TicketId, WatchHub};

/// How long the control plane may take to open the stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// A stream that lived this long was a good one: the next try comes soon.
const GOOD_LIFE: Duration = Duration::from_secs(1);

/// Requests on their way to the control plane.
const OUTBOX: usize = 256;

/// When a subscription that was refused as UNAVAILABLE is tried again.
const RETRY_REFUSED: Duration = Duration::from_secs(1);

/// The first and the longest pause between two streams.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Keeps the hub connected until `stop`.
pub(crate) async fn run(hub: WatchHub, channel: Channel, stop: CancellationToken) {
    let connected = gauge!("gateway_upstream_connected");
    connected.set(0);
    let mut pauses = None;
    let mut was_connected = None;
    loop {
        let opened_at = Instant::now();
        let ended = tokio::select! {
            ended = live_one_stream(&hub, &channel, || {
                connected.set(1);
                if was_connected.replace(true) != Some(true) {
                    tracing::info!("connected to the control plane");
                }
            }) => ended,
            () = stop.cancelled() => return,
        };
        connected.set(0);
        if was_connected.replace(false) != Some(false) {
            let why = ended.map_or_else(|status| status.to_string(), |()| "it ended the stream".to_owned());
            tracing::warn!(why, "not connected to the control plane; trying again until it is back");
        }
        if opened_at.elapsed() >= GOOD_LIFE {
            pauses = None;
        }
        let pauses = pauses.get_or_insert_with(|| {
            ExponentialBuilder::default()
                .with_min_delay(FIRST_PAUSE)
                .with_max_delay(LONGEST_PAUSE)
                .with_jitter()
                .without_max_times()
                .build()
        });
        let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// One stream from its opening to its end.
async fn live_one_stream(hub: &WatchHub, channel: &Channel, opened: impl FnOnce()) -> Result<(), Status> {
    let (to_upstream, requests) = mpsc::channel(OUTBOX);
    let mut client = MatchmakingClient::new(channel.clone());
    let open = client.watch(ReceiverStream::new(requests));
    let mut events = timeout(OPEN_TIMEOUT, open)
        .await
        .map_err(|_| Status::deadline_exceeded("the stream did not open in time"))??
        .into_inner();
    opened();
    hub.forget_upstream();
    pump(hub, &to_upstream, &mut events).await
}

/// Both directions at once: waiting to send must not keep it from receiving, or two full pipes would wait for each other.
async fn pump(
    hub: &WatchHub,
    to_upstream: &mpsc::Sender<WatchRequest>,
    events: &mut Streaming<WatchResponse>,
) -> Result<(), Status> {
    let mut outbox = VecDeque::new();
    let mut refused: HashSet<TicketId> = HashSet::new();
    let mut retry_at = Instant::now();
    loop {
        if outbox.is_empty() {
            outbox.extend(hub.take_requests(OUTBOX));
        }
        tokio::select! {
            permit = to_upstream.reserve(), if !outbox.is_empty() => {
                let Ok(permit) = permit else { return Ok(()) };
                if let Some(request) = outbox.pop_front() {
                    permit.send(request);
                }
            }
            () = hub.changed(), if outbox.is_empty() => {}
            event = events.message() => {
                let Some(event) = event? else { return Ok(()) };
                if let Some(ticket_id) = hand_out(hub, event) {
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

/// Hands an event to its followers. Returns the ticket where it should be asked for again.
fn hand_out(hub: &WatchHub, event: WatchResponse) -> Option<TicketId> {
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
        None => tracing::warn!("an event of a kind that this gateway doesn't know was ignored"),
    }
    None
}
