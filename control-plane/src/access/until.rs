//! Answers that end when the credential does that they were given for: a stolen key that is taken out of the file has no streams
//! left a moment later.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll},
};

use http_body::Frame;
use proto::error::{Reason, Refusal};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{
    Status,
    body::Body,
    codegen::{Body as HttpBody, Bytes, http::HeaderMap},
};

/// A body that lasts until its credential is revoked.
pub(super) struct Until {
    /// `None` once it is revoked: what makes the answer learns at once that nobody reads it.
    body: Option<Body>,
    revoked: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Until {
    pub(super) fn new(body: Body, revoked: CancellationToken) -> Self {
        Self { body: Some(body), revoked: Box::pin(revoked.cancelled_owned()) }
    }
}

impl HttpBody for Until {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.body.is_some() && self.revoked.as_mut().poll(cx).is_ready() {
            self.body = None;
            return Poll::Ready(Some(revoked().map(Frame::trailers)));
        }
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}

/// How such an answer ends.
fn revoked() -> Result<HeaderMap, Status> {
    let refusal = Refusal::new(Reason::Unauthenticated, "the credential of this stream is no longer valid");
    let mut trailers = HeaderMap::new();
    refusal.into_status().add_header(&mut trailers)?;
    Ok(trailers)
}
