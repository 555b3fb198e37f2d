//! How a program comes to the control plane: by which key or certificate it is known there, and how the connection is made.
//!
//! Gateways, agents and tools are all clients of the same gRPC port, and are all told about it by the same settings. Files are
//! read again when they change: a key or a certificate is replaced without a restart, for the calls and connections that come.

mod bearer;
mod transport;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio_util::sync::CancellationToken;

pub use bearer::{Bearer, Key};
pub use transport::Calls;

use crate::{
    config::Invalid,
    endpoints::Endpoint,
    files::{Named, Watched},
    tls::{ClientFiles, ClientTls},
};

/// gRPC is HTTP/2.
const PROTOCOL: &str = "h2";

/// By what the control plane knows this program, and by what this program knows it.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Control plane")]
pub struct Credentials {
    /// The key by which the control plane knows this program, as `muster access new` makes it. Others on this machine see a
    /// command line: the environment or a file is a better place.
    #[arg(
        long,
        visible_alias = "key",
        env = "CONTROL_PLANE_KEY",
        hide_env_values = true,
        value_name = "KEY",
        conflicts_with = "control_plane_key_file"
    )]
    pub control_plane_key: Option<Key>,
    /// A file with that key and nothing else.
    #[arg(long, env = "CONTROL_PLANE_KEY_FILE", value_name = "FILE")]
    pub control_plane_key_file: Option<PathBuf>,
    /// With `https://`: who signs the control plane's certificate (PEM). Without it, who the machine believes.
    #[arg(long, env = "CONTROL_PLANE_CA", value_name = "FILE")]
    pub control_plane_ca: Option<PathBuf>,
    /// With `https://`: the certificate by which the control plane knows this program (PEM, with the intermediate ones).
    #[arg(long, env = "CONTROL_PLANE_CERTIFICATE", value_name = "FILE")]
    pub control_plane_certificate: Option<PathBuf>,
    /// The private key of that certificate (PEM).
    #[arg(long, env = "CONTROL_PLANE_CERTIFICATE_KEY", value_name = "FILE")]
    pub control_plane_certificate_key: Option<PathBuf>,
}

/// The way to the control plane. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Way {
    bearer: Bearer,
    tls: ClientTls,
    files: Arc<Files>,
}

#[derive(Debug)]
struct Files {
    key: Option<Named>,
    tls: ClientFiles,
    /// Whether it was said that the key travels unencrypted.
    warned: AtomicBool,
}

impl Credentials {
    /// Reads what they name.
    ///
    /// # Errors
    /// Names the setting that can't be taken.
    pub fn open(&self) -> Result<Way, Invalid> {
        let pair = ("control_plane_certificate", "control_plane_certificate_key");
        let identity = match (&self.control_plane_certificate, &self.control_plane_certificate_key) {
            (Some(certificate), Some(key)) => {
                Some((Named::new(pair.0, certificate), Named::new(pair.1, key)))
            }
            (None, None) => None,
            (Some(_), None) => {
                return Err(Invalid::new(pair.1, "is needed beside control_plane_certificate"));
            }
            (None, Some(_)) => {
                return Err(Invalid::new(pair.0, "is needed beside control_plane_certificate_key"));
            }
        };
        let named = |setting, path: &Option<PathBuf>| path.as_ref().map(|path| Named::new(setting, path));
        let authority = named("control_plane_ca", &self.control_plane_ca);
        let key_file = named("control_plane_key_file", &self.control_plane_key_file);
        let tls = ClientFiles { authority, identity };
        let files = Files { key: key_file, tls, warned: AtomicBool::default() };
        let bearer = match (&self.control_plane_key, &files.key) {
            (Some(key), None) => Bearer::new("control_plane_key", key)?,
            (_, Some(file)) => {
                let watched = Watched::open(vec![file.clone()])?;
                Bearer::of_file(file, &watched.contents()[0])?
            }
            (None, None) => Bearer::default(),
        };
        let watched = Watched::open(files.tls.all())?;
        let tls = ClientTls::new(&files.tls, watched.contents(), PROTOCOL)?;
        Ok(Way { bearer, tls, files: Arc::new(files) })
    }
}

impl Way {
    /// For where nobody is asked who they are: no key, no certificate, and the machine's own authorities.
    ///
    /// # Errors
    /// Where TLS can't be had at all.
    pub fn unknown() -> Result<Self, Invalid> {
        Credentials::default().open()
    }

    /// Says once that a key is sent where others may read it.
    fn warn_of_plain(&self, endpoint: &Endpoint) {
        let danger = self.bearer.is_set() && !endpoint.addr.ip().is_loopback();
        if danger && !self.files.warned.swap(true, Ordering::Relaxed) {
            let addr = endpoint.addr;
            tracing::warn!(%addr, "the key for the control plane travels unencrypted; use https:// or encrypt it on the way");
        }
    }

    /// Reads the files again until `stop`; ends at once where there are none.
    pub async fn keep_fresh(self, stop: CancellationToken) {
        tokio::join!(self.keep_key_fresh(stop.clone()), self.keep_tls_fresh(stop));
    }

    async fn keep_key_fresh(&self, stop: CancellationToken) {
        let Some(file) = &self.files.key else { return };
        match Watched::open(vec![file.clone()]) {
            Ok(watched) => {
                // It may have changed since it was read first.
                let take = |contents: &[Vec<u8>]| self.bearer.change(file, &contents[0]);
                drop(take(watched.contents()));
                watched.follow("the key for the control plane", stop, take).await;
            }
            Err(error) => tracing::error!(%error, "this key is not read again"),
        }
    }

    async fn keep_tls_fresh(&self, stop: CancellationToken) {
        let files = &self.files.tls;
        let all = files.all();
        if all.is_empty() {
            return;
        }
        match Watched::open(all) {
            Ok(watched) => {
                let take = |contents: &[Vec<u8>]| self.tls.change(files, contents, PROTOCOL);
                drop(take(watched.contents()));
                watched.follow("certificates for the control plane", stop, take).await;
            }
            Err(error) => tracing::error!(%error, "these certificates are not read again"),
        }
    }
}
