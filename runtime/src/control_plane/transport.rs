//! One connection.

use std::io;

use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tonic::{
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint as Transport, Uri},
};

use super::{Bearer, Way};
use crate::endpoints::Endpoint;

/// What clients are made of: a connection whose calls carry the key.
pub type Calls = InterceptedService<Channel, Bearer>;

impl Way {
    /// Connects to `endpoint`, once: where the connection ends, its calls fail, and whoever needs another makes one. `tune` sets
    /// keepalive and windows. Takes as long as the other side does.
    ///
    /// # Errors
    /// Where it can't be reached, or isn't who it should be.
    pub async fn connect(
        &self,
        endpoint: &Endpoint,
        tune: impl FnOnce(Transport) -> Transport,
    ) -> anyhow::Result<Calls> {
        let stream = TcpStream::connect(endpoint.addr).await?;
        stream.set_nodelay(true)?;
        let channel = if endpoint.tls {
            over(self.tls.connect(endpoint.host(), stream).await?, endpoint, tune).await?
        } else {
            over(stream, endpoint, tune).await?
        };
        Ok(InterceptedService::new(channel, self.bearer.clone()))
    }
}

async fn over<S>(
    stream: S,
    endpoint: &Endpoint,
    tune: impl FnOnce(Transport) -> Transport,
) -> anyhow::Result<Channel>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut stream = Some(TokioIo::new(stream));
    let once = tower::service_fn(move |_: Uri| {
        let stream = stream.take().ok_or_else(|| io::Error::other("the connection has ended"));
        std::future::ready(stream)
    });
    // tonic is to open nothing by itself, so the scheme that it goes by stays `http`; what calls say is another matter.
    let scheme = if endpoint.tls { "https" } else { "http" };
    let origin = format!("{scheme}://{}", endpoint.authority).parse()?;
    let transport = tune(Transport::from_shared(format!("http://{}", endpoint.authority))?.origin(origin));
    Ok(transport.connect_with_connector(once).await?)
}
