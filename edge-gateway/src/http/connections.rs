//! A listener's connections: each is a task that somebody owns, none waits for ever for a request's head, and a shutdown
//! lets the requests in flight finish.
//!
//! `axum::serve` would do for the routes, but it has no timeout for a request's head and keeps no hold of its tasks.

use std::{
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use runtime::Tasks;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How a listener treats its connections.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    /// How long the head of a request may take.
    pub(crate) header_timeout: Duration,
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
            Ok((stream, _)) => {
                let connection = connection(stream, routes.clone(), connections.clone());
                connections.tasks.spawn("connection", connection);
            }
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

async fn connection(stream: TcpStream, routes: Router, connections: Connections) {
    let _counted = Counted::one_more(&connections.open);
    // Answers and pushes are small and each one counts.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended at once");
        return;
    }
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(connections.header_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .with_upgrades();
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
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
