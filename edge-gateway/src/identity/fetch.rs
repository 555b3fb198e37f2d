//! Reads a small document from an identity provider: over HTTP or HTTPS, within bounds, and from nowhere else than where it was
//! asked for.
//!
//! A connection for each document, because one is read every ten minutes. Redirects are not followed: an address that moved is
//! told to the operator, who knows whether to believe the new one. How long it all may take is the caller's to say.

use std::pin::pin;

use anyhow::{Context as _, bail};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderValue, Request, StatusCode, header},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use runtime::{address::Address, tls::ClientTls};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// The largest document, in bytes. A JWK Set of ten keys with their certificates has some 30 KiB.
const MAX_BYTES: usize = 256 * 1024;

/// Reads documents. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Fetcher {
    tls: ClientTls,
}

impl Fetcher {
    /// Believes the servers that `tls` believes.
    pub(crate) fn new(tls: ClientTls) -> Self {
        Self { tls }
    }

    /// The text at an address.
    pub(crate) async fn get(&self, address: &Address) -> anyhow::Result<String> {
        let stream = TcpStream::connect((address.host(), address.port())).await.context("no connection")?;
        if !address.is_https() {
            return exchange(stream, address).await;
        }
        let stream = self.tls.connect(address.host(), stream).await.context("no agreement by TLS")?;
        exchange(stream, address).await
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    address: &Address,
) -> anyhow::Result<String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(address.path())
        .header(header::HOST, address.authority())
        .header(header::ACCEPT, HeaderValue::from_static("application/json"))
        .header(header::USER_AGENT, HeaderValue::from_static("muster"))
        .body(Body::empty())?;
    let read = async {
        let answer = sender.send_request(request).await?;
        if answer.status() != StatusCode::OK {
            bail!("it was answered with the status {}", answer.status());
        }
        let body = to_bytes(Body::new(answer.into_body()), MAX_BYTES).await;
        let body = body.with_context(|| format!("not read to its end, or larger than {MAX_BYTES} bytes"))?;
        Ok(String::from_utf8(body.into())?)
    };
    // Nobody's task: the connection is driven by who reads, and ends with them.
    let mut read = pin!(read);
    tokio::select! {
        text = read.as_mut() => text,
        // What it delivered may not all have been read.
        _ended = connection => read.await,
    }
}
