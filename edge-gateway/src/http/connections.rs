//! A listener's connections: each is a task that somebody owns, none waits for ever for a request's head, and a shutdown
//! lets the requests in flight finish.
//!
//! `axum::serve` would do for the routes, but it has no timeout for a request's head and keeps no hold of its tasks.
//!
//! A connection for which there is no place is still served one request for a moment, so that its client reads why; how
//! that is said is the business of `door`. Where even that is too many, it is closed.

use std::{
    io,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::Request, http::StatusCode};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::counter;
use runtime::{
    Tasks,
    tls::{ServerTls, accept},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::patience::{Patient, Progress, Timeouts};
use crate::door::{AddressKey, Addresses, Arrival, Places};

/// How long a connection without a place may take to ask and to be refused.
const REFUSED_WITHIN: Duration = Duration::from_secs(2);

/// hyper reads nothing smaller than this.
const SMALLEST_BUFFER: usize = 8 * 1024;

/// How a listener treats its connections.
#[derive(Clone)]
pub(crate) struct Connections {
    /// `None`: connections are plain.
    pub(crate) tls: Option<ServerTls>,
    /// How long clients may take.
    pub(crate) timeouts: Timeouts,
    /// The largest head of a request, in bytes. What is a little larger is refused by `door`, with a reason.
    pub(crate) max_head: usize,
    /// Places for connections.
    pub(crate) places: Places<AddressKey>,
    /// Places for connections that are refused.
    pub(crate) refusals: Places<AddressKey>,
    /// What connections are counted by.
    pub(crate) addresses: Arc<Addresses>,
    /// Owns the tasks; its token begins the drain.
    pub(crate) tasks: Tasks,
    /// Ends what is left when the drain has lasted long enough.
    pub(crate) cut: CancellationToken,
    /// How many there are, upgraded ones not counted.
    pub(crate) open: Arc<AtomicUsize>,
}

/// Accepts connections until the drain begins.
pub(crate) async fn serve(listener: TcpListener, routes: Router, connections: Connections) {
    let stop = connections.tasks.stopping().clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => match connections.arrival(peer.ip()) {
                Some(arrival) => {
                    let connection = connection(stream, arrival, routes.clone(), connections.clone());
                    connections.tasks.spawn("connection", connection);
                }
                None => counter!("gateway_connections_closed_total").increment(1),
            },
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                // Most likely no file is free. Others close theirs in the meantime.
                tracing::warn!(%error, "can't accept a connection; trying again shortly");
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(100)) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }
}

/// Errors of one connection that never came to be, not of the listener.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

impl Connections {
    /// A place for a connection from `peer`, or one for being told that there is none.
    fn arrival(&self, peer: IpAddr) -> Option<Arrival> {
        let (place, turned_away) = match self.places.take(self.addresses.key_of_peer(peer)) {
            Ok(place) => (place, None),
            Err(full) => (self.refusals.take(None).ok()?, Some(full)),
        };
        Some(Arrival { peer, place: Arc::new(place), turned_away })
    }

    fn http(&self, is_refused: bool) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.timeouts.idle)
            .max_buf_size((self.max_head * 2).max(SMALLEST_BUFFER))
            .keep_alive(!is_refused);
        http
    }
}

async fn connection(stream: TcpStream, arrival: Arrival, routes: Router, connections: Connections) {
    let _counted = Counted::one_more(&connections.open);
    // Answers and pushes are small and each one counts.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended at once");
        return;
    }
    let is_refused = arrival.turned_away.is_some();
    let stopping = connections.tasks.stopping();
    let stream = match stopping.run_until_cancelled(accept(connections.tls.as_ref(), stream)).await {
        Some(Ok(stream)) => stream,
        Some(Err(error)) => {
            tracing::debug!(%error, "a client and this gateway don't agree on TLS");
            return;
        }
        None => return,
    };
    let progress = Progress::default();
    let stream = Patient::new(stream, connections.timeouts, progress.clone());
    let service =
        service_fn(move |request| answer(request, arrival.clone(), routes.clone(), progress.clone()));
    let served = connections.http(is_refused).serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = tokio::time::sleep(REFUSED_WITHIN), if is_refused => return,
        () = connections.tasks.stopping().cancelled() => {
            served.as_mut().graceful_shutdown();
            tokio::select! {
                ended = served.as_mut() => ended,
                () = connections.cut.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

async fn answer(
    mut request: Request<Incoming>,
    arrival: Arrival,
    routes: Router,
    progress: Progress,
) -> Result<axum::response::Response, std::convert::Infallible> {
    progress.next();
    request.extensions_mut().insert(arrival);
    let response = routes.oneshot(request).await;
    match &response {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => progress.upgraded(),
        _ => progress.next(),
    }
    response
}

/// One of a number, as long as it lives.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// Adds one to `number` until it is dropped.
    pub(crate) fn one_more(number: &Arc<AtomicUsize>) -> Self {
        number.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(number))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
