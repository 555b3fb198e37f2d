//! The connections of the gRPC port, plain or by TLS, as the gRPC server takes them.
//!
//! Agreeing on TLS takes round trips, and a stranger may take their time for it: each connection does so in a task of its own, and
//! so many at once at most.

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
    sync::{Semaphore, mpsc},
};
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::access::PeerNames;

/// Connections that may agree on TLS at the same time; more wait in the system's backlog.
const HANDSHAKES: usize = 512;
/// Connections that the server has not taken yet.
const READY: usize = 16;
/// After the listener failed: most likely no file is free, and others close theirs in the meantime.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `tasks` stop.
pub(super) fn incoming(
    listener: TcpListener,
    tls: Option<ServerTls>,
    tasks: &Tasks,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, stream) = mpsc::channel(READY);
    let owner = tasks.clone();
    tasks.spawn("gRPC connections", async move {
        let stop = owner.stopping().clone();
        stop.run_until_cancelled(accept(&listener, tls.as_ref(), &owner, &ready)).await;
    });
    ReceiverStream::new(stream)
}

async fn accept(
    listener: &TcpListener,
    tls: Option<&ServerTls>,
    tasks: &Tasks,
    ready: &mpsc::Sender<io::Result<Connection>>,
) {
    let room = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection can't be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Without this a push waits 40 ms for an ACK.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let Some(tls) = tls.cloned() else {
            if ready.send(Ok(Connection::Plain(stream))).await.is_err() {
                return;
            }
            continue;
        };
        let (ready, stop) = (ready.clone(), tasks.stopping().clone());
        tasks.spawn("TLS handshake", async move {
            match stop.run_until_cancelled(tls.accept(stream)).await {
                Some(Ok(stream)) => {
                    let names = PeerNames(peer_names(&stream).into());
                    // Nobody takes it where the server has stopped.
                    drop(ready.send(Ok(Connection::Tls(Box::new(stream), names))).await);
                }
                Some(Err(error)) => tracing::debug!(%error, "a client and this server don't agree on TLS"),
                None => {}
            }
            drop(place);
        });
    }
}

/// One connection.
pub(super) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>, PeerNames),
}

impl Connected for Connection {
    type ConnectInfo = PeerNames;

    fn connect_info(&self) -> PeerNames {
        match self {
            Self::Plain(_) => PeerNames::default(),
            Self::Tls(_, names) => names.clone(),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream, _) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream, _) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream, _) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream, _) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream, _) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream, _) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
