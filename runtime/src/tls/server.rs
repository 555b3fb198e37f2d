//! The side of a listener.

use std::{io, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    pki_types::CertificateDer,
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{either::Either, sync::CancellationToken};

use super::{pem, provider};
use crate::{
    config::Invalid,
    files::{Named, Watched},
};

/// How long a new connection may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Whether clients have to show a certificate that the client authority signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ClientAuth {
    /// They may: one without a certificate has to prove itself in another way.
    Optional,
    /// They must, or there is no connection.
    #[default]
    Required,
}

/// The files of one listener, all PEM.
#[derive(Debug, Clone)]
pub struct ServerFiles {
    /// The certificate, with the intermediate ones behind it.
    pub certificate: Named,
    /// Its private key.
    pub key: Named,
    /// Who signs clients' certificates; without it clients aren't asked for any.
    pub clients: Option<(Named, ClientAuth)>,
}

/// A connection that was accepted, plain or by TLS.
pub type ServerStream = Either<TcpStream, TlsStream<TcpStream>>;

/// A listener's TLS. Cheap to clone; all clones change together.
#[derive(Debug, Clone)]
pub struct ServerTls(Arc<ArcSwap<ServerConfig>>);

/// Keeps a listener's TLS as its files are.
#[derive(Debug)]
pub struct Reload {
    files: ServerFiles,
    protocols: Vec<Vec<u8>>,
    watched: Watched,
    tls: ServerTls,
}

/// Agrees with a client that has just connected, where there is TLS to agree on.
///
/// # Errors
/// As [`ServerTls::accept`] has them.
pub async fn accept(tls: Option<&ServerTls>, stream: TcpStream) -> io::Result<ServerStream> {
    Ok(match tls {
        Some(tls) => Either::Right(tls.accept(stream).await?),
        None => Either::Left(stream),
    })
}

impl ServerTls {
    /// Reads the files. `protocols` are offered by ALPN, the best first: `h2`, `http/1.1`.
    ///
    /// # Errors
    /// Names the file that can't be taken.
    pub fn open(files: ServerFiles, protocols: &[&str]) -> Result<(Self, Reload), Invalid> {
        let mut all = vec![files.certificate.clone(), files.key.clone()];
        all.extend(files.clients.as_ref().map(|(authority, _)| authority.clone()));
        let watched = Watched::open(all)?;
        let protocols: Vec<_> = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let config = config(&files, watched.contents(), &protocols)?;
        let tls = Self(Arc::new(ArcSwap::from_pointee(config)));
        Ok((tls.clone(), Reload { files, protocols, watched, tls }))
    }

    /// Agrees with a client that has just connected.
    ///
    /// # Errors
    /// Where they don't agree, or not in time.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(self.0.load_full());
        timeout(HANDSHAKE, acceptor.accept(stream)).await?
    }
}

impl Reload {
    /// Reads the files again until `stop`. Ones that can't be taken change nothing.
    pub async fn run(self, what: &'static str, stop: CancellationToken) {
        let Self { files, protocols, watched, tls } = self;
        watched
            .follow(what, stop, |contents| {
                tls.0.store(Arc::new(config(&files, contents, &protocols)?));
                Ok(())
            })
            .await;
    }
}

/// The names of a client's certificate that stand for it: its DNS and URI names, as `dns:…` and `uri:…`. None where it
/// showed no certificate. The subject's common name is none of them: authorities don't agree on what it may hold.
pub fn peer_names(stream: &TlsStream<TcpStream>) -> Vec<String> {
    let (_, connection) = stream.get_ref();
    connection.peer_certificates().and_then(|chain| chain.first()).map_or_else(Vec::new, names)
}

fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else {
        return Vec::new();
    };
    let dns = certificate.valid_dns_names().map(|name| format!("dns:{}", name.to_ascii_lowercase()));
    dns.chain(certificate.valid_uri_names().map(|name| format!("uri:{name}"))).collect()
}

fn config(files: &ServerFiles, contents: &[Vec<u8>], protocols: &[Vec<u8>]) -> Result<ServerConfig, Invalid> {
    let chain = pem::chain(&files.certificate, &contents[0])?;
    let key = pem::key(&files.key, &contents[1])?;
    let verifier: Arc<dyn ClientCertVerifier> = match &files.clients {
        None => Arc::new(NoClientAuth),
        Some((authority, auth)) => {
            let roots = Arc::new(pem::roots(authority, &contents[2])?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            let verifier = match auth {
                ClientAuth::Optional => verifier.allow_unauthenticated(),
                ClientAuth::Required => verifier,
            };
            verifier.build().map_err(|error| authority.invalid(error))?
        }
    };
    // A new configuration has a new cache of sessions: who was let in under the old one isn't by a remembered session.
    let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = config.map_err(|error| files.certificate.invalid(error))?;
    let config = config.with_client_cert_verifier(verifier).with_single_cert(chain, key);
    let mut config = config.map_err(|error| files.key.invalid(error))?;
    config.alpn_protocols = protocols.to_vec();
    Ok(config)
}
