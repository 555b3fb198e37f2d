//! `GET /realtime`: sockets on which clients enqueue, and are told what becomes of their tickets.
//!
//! A socket is one task with little state: [`session`] decides what happens, [`socket`] moves bytes and knows about
//! timeouts and closing, [`protocol`] is the wording. What tickets do comes from the watch hub.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod greeting;
mod pending;
mod protocol;
mod session;
mod socket;
mod standing;
mod subscription;
mod tickets;

use std::sync::Arc;

use axum::{
    Extension,
    extract::{
        Query, State, WebSocketUpgrade, rejection::QueryRejection, ws::rejection::WebSocketUpgradeRejection,
    },
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use metrics::gauge;
use proto::error::{Reason, Refusal};

use crate::{
    app::App,
    config::MAX_SOCKET_MESSAGE,
    door::{Arrival, Client, Full},
    http::{Counted, RequestId},
    identity::{Credentials, SUBPROTOCOL},
    problem::{Problem, ProblemBody},
};
use greeting::greet;
use session::{Peer, Session};
use socket::{End, Socket};
use subscription::Subscription;

/// Most clients send little: their buffer is as small as one read.
const READ_BUFFER: usize = 4 * 1024;

/// Room for the largest message, which is an assignment with the tokens of a hundred players. A limit, not a reservation.
const MAX_WRITE_BUFFER: usize = 256 * 1024;

/// Follow tickets as they change (WebSocket)
///
/// With `ticketId`, the socket follows that ticket; where it is over already, it is told so at once. Without, send an enqueue.
/// Messages are JSON text of at most 16 KiB.
///
/// Who you are is proved by an identity token: in the `Authorization` header of the handshake; or, for browsers, as a subprotocol,
/// `new WebSocket(url, ["muster.v1", "bearer." + token])`; or as the first message, within 5 seconds. Never in the address. A
/// socket is closed with 4401 a few seconds after its token has expired, unless it was sent a newer one; tickets stay.
///
/// To the gateway:
///
/// | message | answer |
/// |---|---|
/// | `{"action":"enqueue", …the body of POST /v1/matchmaking/enqueue…}` | `enqueued`, then pushes; at most 16 tickets at once |
/// | `{"action":"cancel","ticketId"?}` | `ticket.cancelled`, or what the ticket is instead; without `ticketId`, all tickets of this socket |
/// | `{"action":"heartbeat"}` | `{"type":"heartbeat","v":1}` |
/// | `{"action":"authenticate","token":…}` | `authenticated`; the first message of a client that could not send its token with the handshake, and again with a newer token |
///
/// From the gateway:
///
/// | type | message |
/// |---|---|
/// | `enqueued` | `{"type":"enqueued","v":1,"data":{"ticketId","status":"queued"}}`, before any push of that ticket |
/// | `authenticated` | `{"type":"authenticated","v":1,"data":{"playerId","expiresAt"}}` |
/// | `match.assigned` | `{"type":"match.assigned","v":1,"data":{"ticketId","assignment":{…}}}` |
/// | `ticket.cancelled` | `{"type":"ticket.cancelled","v":1,"data":{"ticketId","reason"?}}`; the reason is `absent` where its players were gone for too long |
/// | `ticket.expired` | `{"type":"ticket.expired","v":1,"data":{"ticketId"}}` |
/// | `queue.update` | `{"type":"queue.update","v":1,"data":{"ticketId","position","estimatedWaitMs"?}}`, at most every 5 s |
/// | `error` | `{"type":"error","message","code","errors"?,"ticketId"?,"playerId"?}`; the socket stays open |
///
/// Messages are read at a pace, 20 a second; what comes faster waits. A refusal that names a time has it as `retryAfter`, in
/// seconds.
///
/// Close codes: 1001 going away, 1009 message too large, 1013 too slow to read, 4000 replaced by a newer session, 4400 bad
/// subscription, 4401 not authenticated, 4404 no such ticket.
/// After 1001 and 1013, connect again with `ticketId`: nothing is missed.
#[utoipa::path(
    get,
    path = "/realtime",
    tag = "matchmaking",
    security((), ("player" = [])),
    params(("ticketId" = Option<String>, Query, description = "A ticket to follow.",
        example = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55")),
    responses(
        (status = 101, description = "The socket is open. A bad or unknown `ticketId` closes it with 4400 or 4404."),
        (status = 400, description = "`INVALID_REQUEST`: this was no WebSocket handshake.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "`RATE_LIMITED`, with `Retry-After`: too many sockets, or too many requests.",
            body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn realtime(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    client: Client,
    arrival: Option<Extension<Arrival>>,
    id: RequestId,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let message = "this address speaks WebSocket; open it with a WebSocket client";
        return Problem::from(Refusal::new(Reason::InvalidRequest, message)).into_response();
    };
    let place = match app.door.sockets.take(client.key) {
        Ok(place) => place,
        Err(full) => return Problem::from(no_place(&app, full)).into_response(),
    };
    let subscription = Subscription::of(query.ok().map(|Query(query)| query));
    let credentials = Credentials::of_handshake(&headers);
    upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(MAX_SOCKET_MESSAGE)
        .max_frame_size(MAX_SOCKET_MESSAGE)
        .on_upgrade(async move |inner| {
            // The task that waited for the upgrade is axum's; the one that lives with the socket is ours.
            let tasks = app.tasks.clone();
            // Boxed: a task that is moved into its wrapper leaves its room behind there, a quarter of what a socket costs.
            let socket = Box::pin(async move {
                let open = OpenSocket::new(&app);
                // Of the socket, and of the connection that it was.
                let places = (place, arrival);
                let cut = app.cut.clone();
                let socket = Socket::new(inner, app.config.send_timeout);
                tokio::select! {
                    () = live(app, socket, credentials, client, id, subscription) => {}
                    () = cut.cancelled() => {}
                }
                drop((open, places));
            });
            tasks.spawn("socket", socket);
        })
}

/// A socket from its greeting to its end.
async fn live(
    app: Arc<App>,
    mut socket: Socket,
    credentials: Credentials,
    client: Client,
    id: RequestId,
    subscription: Subscription,
) {
    // Boxed: it is over soon, and an idle socket should not hold room for it.
    match Box::pin(greet(&app, &mut socket, credentials)).await {
        Ok(caller) => Session::new(app, socket, Peer { caller, client, id }).run(subscription).await,
        Err(End::Close(close)) => socket.close(close).await,
        Err(End::Gone) => {}
    }
}

/// Why a socket can't be opened.
fn no_place(app: &App, full: Full) -> Refusal {
    match full {
        Full::Key => {
            let message = "your address has as many sockets open as it may; close some";
            Refusal::new(Reason::RateLimited, message)
        }
        Full::All => app.door.load.shed("there are as many sockets open as there may be"),
    }
}

/// Counts a socket as long as it is open.
struct OpenSocket {
    _counted: Counted,
}

impl OpenSocket {
    fn new(app: &App) -> Self {
        gauge!("gateway_sockets").increment(1);
        Self { _counted: Counted::one_more(&app.sockets) }
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        gauge!("gateway_sockets").decrement(1);
    }
}
