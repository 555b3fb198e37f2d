//! One connection.

use std::{io, time::Duration};

use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;
use tonic::{
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint as Transport, Uri},
};

use super::{Bearer, Way};
use crate::endpoints::Endpoint;

/// What clients are made of: a connection whose calls carry the key.
pub type Calls = InterceptedService<Channel, Bearer>;

/// As tonic takes it.
type Stream = TokioIo<Either<TcpStream, TlsStream<TcpStream>>>;

impl Way {
    /// Connects to `endpoint`, once: where the connection ends, its calls fail, and whoever needs another makes one. `tune` sets
    /// keepalive and windows. Takes at most `within`.
    ///
    /// # Errors
    /// Where it can't be reached, or isn't who it should be.
    pub async fn connect(
        &self,
        endpoint: &Endpoint,
        within: Duration,
        tune: impl FnOnce(Transport) -> Transport,
    ) -> anyhow::Result<Calls> {
        let connect = async {
            let mut stream = Some(self.dial(endpoint).await?);
            let once = tower::service_fn(move |_: Uri| {
                let stream = stream.take().ok_or_else(|| io::Error::other("the connection has ended"));
                std::future::ready(stream)
            });
            let channel = tune(transport(endpoint)?).connect_with_connector(once).await?;
            Ok::<_, anyhow::Error>(self.keyed(channel))
        };
        timeout(within, connect)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time"))?
    }

    /// Connects to `endpoint` when the first call needs it, and again when a call needs it after it broke, each time within
    /// `within`.
    ///
    /// # Errors
    /// Where the endpoint's name is none that can be told to the other side.
    pub fn connect_when_needed(&self, endpoint: &Endpoint, within: Duration) -> anyhow::Result<Calls> {
        let (way, to) = (self.clone(), endpoint.clone());
        let again = tower::service_fn(move |_: Uri| {
            let (way, to) = (way.clone(), to.clone());
            async move { way.dial(&to).await }
        });
        let transport = transport(endpoint)?.connect_timeout(within);
        Ok(self.keyed(transport.connect_with_connector_lazy(again)))
    }

    async fn dial(&self, endpoint: &Endpoint) -> io::Result<Stream> {
        let stream = TcpStream::connect(endpoint.addr).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(if endpoint.tls {
            Either::Right(self.tls.connect(endpoint.host(), stream).await?)
        } else {
            self.warn_of_plain(endpoint);
            Either::Left(stream)
        }))
    }

    fn keyed(&self, channel: Channel) -> Calls {
        InterceptedService::new(channel, self.bearer.clone())
    }
}

/// tonic is to open nothing by itself, so the scheme that it goes by stays `http`; what calls say of theirs is another matter.
fn transport(endpoint: &Endpoint) -> anyhow::Result<Transport> {
    let scheme = if endpoint.tls { "https" } else { "http" };
    let origin = format!("{scheme}://{}", endpoint.authority).parse()?;
    Ok(Transport::from_shared(format!("http://{}", endpoint.addr))?.origin(origin))
}
