//! A connection to a service, plain or by TLS.

use std::{io, sync::Arc};

use hyper_util::rt::TokioIo;
use runtime::{address::Address, tls::ClientTls};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

/// As hyper and tonic take it.
pub(in crate::allocation) type Stream = TokioIo<Either<TcpStream, TlsStream<TcpStream>>>;

/// Where a service is, and who is believed to be it. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::allocation) struct Dial {
    pub(in crate::allocation) address: Arc<Address>,
    pub(super) tls: ClientTls,
}

impl Dial {
    /// Connects: to the first of the name's addresses that answers. How long it may take is the caller's to say.
    ///
    /// # Errors
    /// Where nobody answers, or who answers isn't who it should be.
    pub(in crate::allocation) async fn dial(&self) -> io::Result<Stream> {
        let Self { address, tls } = self;
        let stream = TcpStream::connect((address.host(), address.port())).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(if address.is_https() {
            Either::Right(tls.connect(address.host(), stream).await?)
        } else {
            Either::Left(stream)
        }))
    }
}
