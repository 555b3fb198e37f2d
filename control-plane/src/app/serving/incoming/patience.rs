//! A connection that has to begin to speak HTTP/2 in time.
//!
//! The server's keepalive asks a connection whether it lives only once it speaks. One that never does, or lets a byte trickle now and
//! then, would be kept for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// With so many bytes every connection of HTTP/2 begins.
const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

/// Reads fail where the first words did not come in time.
pub(super) struct Patient<S> {
    stream: S,
    /// What is missing of them, and until when; `None` once they are here.
    awaited: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, within: Duration) -> Self {
        Self { stream, awaited: Some((PREFACE, Box::pin(sleep(within)))) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, awaited } = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(stream).poll_read(cx, buf);
        let Some((missing, deadline)) = awaited else { return read };
        *missing = missing.saturating_sub(buf.filled().len() - before);
        if *missing == 0 {
            *awaited = None;
            return read;
        }
        // Only where nothing came: who returns bytes may not fail in the same breath. The missing ones are soon counted down.
        if read.is_pending() && deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const WITHIN: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn first_words_that_trickle_in_are_not_waited_for() {
        let (mut client, server) = duplex(64);
        let mut server = Patient::new(server, WITHIN);
        let begun = tokio::time::Instant::now();
        let trickle = async {
            while client.write_all(b"P").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        };
        let mut heard = Vec::new();
        // The trickle first: at the deadline a byte is there as well, and may not be lost.
        let failed = tokio::select! {
            biased;
            () = trickle => panic!("the server left"),
            read = server.read_to_end(&mut heard) => read.unwrap_err(),
        };
        assert_eq!((failed.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, WITHIN));
        assert!(heard.len() < PREFACE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_begun_may_be_silent_for_long() {
        let (mut client, server) = duplex(64);
        let mut server = Patient::new(server, WITHIN);
        client.write_all(&[7; PREFACE]).await.unwrap();
        server.read_exact(&mut [0; PREFACE]).await.unwrap();
        let later = async {
            sleep(WITHIN * 100).await;
            client.write_all(b"!").await.unwrap();
            std::future::pending::<()>().await;
        };
        let read = tokio::select! {
            read = server.read_u8() => read.unwrap(),
            () = later => unreachable!(),
        };
        assert_eq!(read, b'!');
    }
}
