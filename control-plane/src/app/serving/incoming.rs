//! The connections of the gRPC port, plain or by TLS, as the gRPC server takes them.
//!
//! Agreeing on TLS takes round trips, and a stranger may take their time for it: each connection does so in a task of its own, and
//! so many at once at most. Whether a connection lives once it speaks is for the server to ask.

mod patience;

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use runtime::{
    Tasks,
    tls::{ServerTls, peer_names},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

use self::patience::Patient;
use crate::access::PeerNames;

/// Connections that may agree on TLS at the same time; more wait in the system's backlog.
const HANDSHAKES: usize = 512;
/// Connections that the server has not taken yet.
const READY: usize = 16;
/// After the listener failed: most likely no file is free, and others close theirs in the meantime.
const PAUSE: Duration = Duration::from_millis(100);

/// Who may come in.
pub(super) struct Entrance {
    pub(super) listener: TcpListener,
    /// `None`: connections are plain.
    pub(super) tls: Option<ServerTls>,
    /// How many connections may be open.
    pub(super) places: usize,
    /// How long a connection may take to begin to speak HTTP/2.
    pub(super) greeting_timeout: Duration,
}

/// Accepts connections until `tasks` stop.
pub(super) fn incoming(entrance: Entrance, tasks: &Tasks) -> ReceiverStream<io::Result<Connection>> {
    let (ready, stream) = mpsc::channel(READY);
    let owner = tasks.clone();
    tasks.spawn("gRPC connections", async move {
        let stop = owner.stopping().clone();
        stop.run_until_cancelled(accept(&entrance, &owner, &ready)).await;
    });
    ReceiverStream::new(stream)
}

async fn accept(entrance: &Entrance, tasks: &Tasks, ready: &mpsc::Sender<io::Result<Connection>>) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let places = Arc::new(Semaphore::new(entrance.places));
    let within = entrance.greeting_timeout;
    loop {
        // The semaphore is never closed.
        let Ok(handshake) = Arc::clone(&handshakes).acquire_owned().await else { return };
        let stream = match entrance.listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection can't be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            metrics::counter!("control_plane_connections_refused_total").increment(1);
            continue;
        };
        // Without this a push waits 40 ms for an ACK.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let Some(tls) = entrance.tls.clone() else {
            let stream = Patient::new(Either::Left(stream), within);
            let connection = Connection { stream, names: PeerNames::default(), _place: place };
            if ready.send(Ok(connection)).await.is_err() {
                return;
            }
            continue;
        };
        let (ready, stop) = (ready.clone(), tasks.stopping().clone());
        tasks.spawn("TLS handshake", async move {
            match stop.run_until_cancelled(tls.accept(stream)).await {
                Some(Ok(stream)) => {
                    let names = PeerNames(peer_names(&stream).into());
                    let stream = Patient::new(Either::Right(Box::new(stream)), within);
                    // Nobody takes it where the server has stopped.
                    drop(ready.send(Ok(Connection { stream, names, _place: place })).await);
                }
                Some(Err(error)) => tracing::debug!(%error, "a client and this server don't agree on TLS"),
                None => {}
            }
            drop(handshake);
        });
    }
}

/// One connection.
pub(super) struct Connection {
    stream: Patient<Either<TcpStream, Box<TlsStream<TcpStream>>>>,
    names: PeerNames,
    /// Free again when the connection ends.
    _place: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = PeerNames;

    fn connect_info(&self) -> PeerNames {
        self.names.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
