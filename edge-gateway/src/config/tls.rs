//! TLS of the gateway's two listeners. Without it a proxy before the gateway is to speak TLS.

use std::path::PathBuf;

use runtime::{
    config::Invalid,
    files::Named,
    tls::{ClientAuth, ServerFiles},
};

/// Certificates of the listeners. All files are read again when they change.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "TLS")]
pub struct Tls {
    /// Serve clients by TLS with this certificate (PEM, with the intermediate ones).
    #[arg(long, env = "GATEWAY_CLIENT_TLS_CERTIFICATE", value_name = "FILE")]
    pub client_tls_certificate: Option<PathBuf>,
    /// The private key of that certificate (PEM).
    #[arg(long, env = "GATEWAY_CLIENT_TLS_KEY", value_name = "FILE")]
    pub client_tls_key: Option<PathBuf>,
    /// Let in only who has a certificate that this authority signed (PEM): a balancer before the gateway, not players.
    #[arg(long, env = "GATEWAY_CLIENT_TLS_CA", value_name = "FILE")]
    pub client_tls_ca: Option<PathBuf>,
    /// Serve the internal listener by TLS with this certificate (PEM, with the intermediate ones).
    #[arg(long, env = "GATEWAY_INTERNAL_TLS_CERTIFICATE", value_name = "FILE")]
    pub internal_tls_certificate: Option<PathBuf>,
    /// The private key of that certificate (PEM).
    #[arg(long, env = "GATEWAY_INTERNAL_TLS_KEY", value_name = "FILE")]
    pub internal_tls_key: Option<PathBuf>,
    /// Let in only who has a certificate that this authority signed (PEM). Then the listener may be on any address.
    #[arg(long, env = "GATEWAY_INTERNAL_TLS_CA", value_name = "FILE")]
    pub internal_tls_ca: Option<PathBuf>,
}

impl Tls {
    /// The clients' listener, where it has TLS.
    pub(crate) fn clients(&self) -> Result<Option<ServerFiles>, Invalid> {
        files(
            ("client_tls_certificate", &self.client_tls_certificate),
            ("client_tls_key", &self.client_tls_key),
            ("client_tls_ca", &self.client_tls_ca),
        )
    }

    /// The internal listener, where it has TLS.
    pub(crate) fn internal(&self) -> Result<Option<ServerFiles>, Invalid> {
        files(
            ("internal_tls_certificate", &self.internal_tls_certificate),
            ("internal_tls_key", &self.internal_tls_key),
            ("internal_tls_ca", &self.internal_tls_ca),
        )
    }

    /// Whether strangers can't use the internal listener, wherever it is.
    pub(crate) fn internal_keeps_strangers_out(&self) -> bool {
        self.internal_tls_ca.is_some()
    }
}

type Setting<'a> = (&'static str, &'a Option<PathBuf>);

fn files(
    certificate: Setting<'_>,
    key: Setting<'_>,
    authority: Setting<'_>,
) -> Result<Option<ServerFiles>, Invalid> {
    let named = |(setting, path): Setting<'_>| path.as_ref().map(|path| Named::new(setting, path));
    match (named(certificate), named(key), named(authority)) {
        (Some(certificate), Some(key), authority) => {
            let clients = authority.map(|authority| (authority, ClientAuth::Required));
            Ok(Some(ServerFiles { certificate, key, clients }))
        }
        (None, None, None) => Ok(None),
        (None, ..) => {
            Err(Invalid::new(certificate.0, "is needed beside the other settings of this listener's TLS"))
        }
        (Some(_), None, _) => Err(Invalid::new(key.0, format!("is needed beside {}", certificate.0))),
    }
}
