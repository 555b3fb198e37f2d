//! Who may come in, and by what connection: read before the port opens, and again whenever the files change.

use std::sync::Arc;

use runtime::{
    Tasks,
    config::Invalid,
    files::{Named, Watched},
    tls::{Reload, ServerTls},
};

use super::serving::Door;
use crate::{access::Access, config};

/// A door whose files were read and are not watched yet.
#[derive(Debug)]
pub(super) struct Opening {
    access: Access,
    access_file: Option<(Named, Watched)>,
    tls: Option<(ServerTls, Reload)>,
}

impl Opening {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// Names the setting whose file can't be taken.
    pub(super) fn of(settings: &config::Access) -> Result<Self, Invalid> {
        let tls = settings.tls()?.map(|files| ServerTls::open(files, &["h2"])).transpose()?;
        let Some(file) = settings.file() else {
            return Ok(Self { access: Access::open(), access_file: None, tls });
        };
        let (access, watched) = Access::of_file(&file)?;
        Ok(Self { access, access_file: Some((file, watched)), tls })
    }

    /// Watches the files from now on.
    pub(super) fn keep(self, tasks: &Tasks) -> Door {
        let access = Arc::new(self.access);
        if let Some((file, watched)) = self.access_file {
            let stop = tasks.stopping().clone();
            tasks.spawn("access file", Arc::clone(&access).keep(file, watched, stop));
        }
        let tls = self.tls.map(|(tls, reload)| {
            tasks.spawn(
                "gRPC certificates",
                reload.run("the gRPC port's certificates", tasks.stopping().clone()),
            );
            tls
        });
        Door { access, tls }
    }
}
