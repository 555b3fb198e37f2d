//! A client's connection that is not waited for without end: the head of a request has to come, and what is sent has to be
//! read.
//!
//! hyper has one timeout for both a head that trickles in and a connection that is idle between two requests. The second
//! has to be long, longer than a proxy keeps connections; the first short. So hyper's is the second, and the first
//! is here, where bytes come in. What a request's body may take is the business of `http::body`, and a connection that
//! became a socket is `realtime`'s.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use runtime::tls::ServerStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How far a connection is: told by whoever serves its requests, read where its bytes come in. Cheap to clone.
///
/// Even: between two requests, or in a head. Odd: in a request. The last number: it is no HTTP any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<AtomicUsize>);

const UPGRADED: usize = usize::MAX;

impl Progress {
    /// A request begins or is answered.
    pub(super) fn next(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What comes now is no request.
    pub(super) fn upgraded(&self) {
        self.0.store(UPGRADED, Ordering::Relaxed);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// For the head of a request.
    pub(crate) header: Duration,
    /// Between two requests.
    pub(crate) idle: Duration,
    /// To read what it is sent.
    pub(crate) send: Duration,
}

/// A client's connection.
pub(super) struct Patient {
    inner: ServerStream,
    timeouts: Timeouts,
    progress: Progress,
    /// When the head that is coming in, of the request at this progress, has to be complete.
    head_due: Option<(usize, Pin<Box<Sleep>>)>,
    /// When what is being sent has to be read.
    read_due: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    /// The first head is due from now on.
    pub(super) fn new(inner: ServerStream, timeouts: Timeouts, progress: Progress) -> Self {
        let head_due = Some((progress.get(), Box::pin(sleep(timeouts.header))));
        Self { inner, timeouts, progress, head_due, read_due: None }
    }

    fn sent<T>(&mut self, sent: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if sent.is_ready() || self.progress.get() == UPGRADED {
            self.read_due = None;
            return sent;
        }
        let patience = self.timeouts.send;
        let due = self.read_due.get_or_insert_with(|| Box::pin(sleep(patience)));
        match due.as_mut().poll(context) {
            Poll::Ready(()) => late("the client does not read"),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn late<T>(what: &str) -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, what)))
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        let progress = self.progress.get();
        if progress % 2 == 1 {
            self.head_due = None;
            return read;
        }
        if self.head_due.as_ref().is_some_and(|(of, _)| *of != progress) {
            self.head_due = None;
        }
        if read.is_ready() {
            if buffer.filled().len() > before && self.head_due.is_none() {
                self.head_due = Some((progress, Box::pin(sleep(self.timeouts.header))));
            }
            return read;
        }
        let Some((_, due)) = &mut self.head_due else { return read };
        if due.as_mut().poll(context).is_ready() {
            return late("the head of a request did not come in time");
        }
        read
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.sent(sent, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.sent(sent, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
