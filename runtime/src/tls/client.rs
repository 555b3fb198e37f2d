//! The side of whoever connects.

use std::{io, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{InvalidDnsNameError, ServerName},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{pem, provider};
use crate::{config::Invalid, files::Named};

/// The files of who connects, all PEM.
#[derive(Debug, Clone, Default)]
pub struct ClientFiles {
    /// Who signs servers' certificates; without it the machine's own authorities are believed.
    pub authority: Option<Named>,
    /// The own certificate with the intermediate ones behind it, and its private key; for servers that ask for one.
    pub identity: Option<(Named, Named)>,
}

/// How to connect by TLS. Cheap to clone; all clones change together.
#[derive(Debug, Clone)]
pub struct ClientTls(Arc<ArcSwap<ClientConfig>>);

impl ClientFiles {
    /// The files there are, in an order of their own.
    pub fn all(&self) -> Vec<Named> {
        let identity = self.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        self.authority.iter().chain(identity).cloned().collect()
    }
}

impl ClientTls {
    /// Takes the contents of [`ClientFiles::all`].
    ///
    /// # Errors
    /// Names the file that can't be taken.
    pub fn new(files: &ClientFiles, contents: &[Vec<u8>], protocol: &str) -> Result<Self, Invalid> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(config(files, contents, protocol)?))))
    }

    /// Takes new contents, for the connections that come.
    ///
    /// # Errors
    /// Names the file that can't be taken; nothing has changed then.
    pub fn change(&self, files: &ClientFiles, contents: &[Vec<u8>], protocol: &str) -> Result<(), Invalid> {
        self.0.store(Arc::new(config(files, contents, protocol)?));
        Ok(())
    }

    /// Agrees with the server `host`, whose certificate must have this name or address. Takes as long as the server does.
    ///
    /// # Errors
    /// Where they don't agree.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error: InvalidDnsNameError| io::Error::other(error))?;
        TlsConnector::from(self.0.load_full()).connect(name, stream).await
    }
}

fn config(files: &ClientFiles, contents: &[Vec<u8>], protocol: &str) -> Result<ClientConfig, Invalid> {
    let mut contents = contents.iter();
    let mut next = || contents.next().map_or(&[][..], Vec::as_slice);
    let roots = match &files.authority {
        Some(authority) => pem::roots(authority, next())?,
        None => machine_roots(),
    };
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config =
        config.map_err(|error| Invalid::new("tls", error.to_string()))?.with_root_certificates(roots);
    let mut config = match &files.identity {
        Some((certificate, key)) => {
            let (chain, secret) = (pem::chain(certificate, next())?, pem::key(key, next())?);
            config.with_client_auth_cert(chain, secret).map_err(|error| key.invalid(error))?
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    Ok(config)
}

/// None where the machine has none: then nobody is believed.
fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
