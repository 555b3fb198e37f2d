//! The listeners' certificates: read before a port opens, and again whenever their files change.

use runtime::{
    Tasks,
    config::Invalid,
    tls::{Reload, ServerFiles, ServerTls},
};

use crate::config::Tls;

/// A listener's TLS that was read and isn't watched yet; `None`: it is plain.
pub(crate) type Opened = Option<(ServerTls, Reload)>;

/// Both listeners' TLS.
pub(crate) struct Certificates {
    pub(crate) clients: Opened,
    pub(crate) internal: Opened,
}

impl Certificates {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// Names the setting whose file can't be taken.
    pub(crate) fn open(settings: &Tls) -> Result<Self, Invalid> {
        let open = |files: ServerFiles| ServerTls::open(files, &["http/1.1"]);
        Ok(Self {
            clients: settings.clients()?.map(open).transpose()?,
            internal: settings.internal()?.map(open).transpose()?,
        })
    }
}

/// Has certificates read again from now on; `what` says in the log whose they are.
pub(crate) fn keep(opened: Opened, what: &'static str, tasks: &Tasks) -> Option<ServerTls> {
    let (tls, reload) = opened?;
    tasks.spawn("certificates", reload.run(what, tasks.stopping().clone()));
    Some(tls)
}
