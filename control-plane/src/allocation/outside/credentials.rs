//! Who is believed to be the service, and by what the service knows us. Files are read again when they change, for the calls and
//! connections that come.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use hyper::header::HeaderValue;
use runtime::{
    config::Invalid,
    files::{Named, Watched},
    tls::{ClientFiles, ClientTls},
};
use tokio_util::sync::CancellationToken;

use super::Dial;
use crate::config::AllocationSettings;

/// What is in the files. Cheap to clone; all clones change together.
#[derive(Clone)]
pub(in crate::allocation) struct Credentials {
    tls: ClientTls,
    /// As a header has it.
    key: Arc<ArcSwapOption<HeaderValue>>,
    files: Arc<Files>,
}

struct Files {
    tls: ClientFiles,
    key: Option<Named>,
    /// What is agreed on by ALPN.
    protocol: &'static str,
}

impl Credentials {
    /// Reads the files.
    ///
    /// # Errors
    /// Names the setting whose file can't be taken.
    pub(in crate::allocation) fn open(
        settings: &AllocationSettings,
        protocol: &'static str,
    ) -> Result<Self, Invalid> {
        let files = Files { tls: settings.files()?, key: settings.key_file(), protocol };
        let watched = Watched::open(files.tls.all())?;
        let tls = ClientTls::new(&files.tls, watched.contents(), protocol)?;
        let key = Arc::new(ArcSwapOption::empty());
        if let Some(file) = &files.key {
            let watched = Watched::open(vec![file.clone()])?;
            key.store(Some(Arc::new(header(file, &watched.contents()[0])?)));
        }
        Ok(Self { tls, key, files: Arc::new(files) })
    }

    /// The way to the service that the settings name.
    ///
    /// # Errors
    /// Where they name none.
    pub(in crate::allocation) fn dial(&self, settings: &AllocationSettings) -> Result<Dial, Invalid> {
        Ok(Dial { address: Arc::new(settings.address()?), tls: self.tls.clone() })
    }

    /// What a request says of who sends it.
    pub(in crate::allocation) fn key(&self) -> Option<HeaderValue> {
        self.key.load().as_deref().cloned()
    }

    /// Reads the files again until `stop`; ends at once where there are none.
    pub(in crate::allocation) async fn keep_fresh(self, stop: CancellationToken) {
        let Files { tls, key, protocol } = &*self.files;
        let keep_tls = async {
            let change = |contents: &[Vec<u8>]| self.tls.change(tls, contents, protocol);
            follow("certificates for the allocation service", tls.all(), stop.clone(), change).await;
        };
        let keep_key = async {
            let Some(file) = key else { return };
            let change = |contents: &[Vec<u8>]| {
                self.key.store(Some(Arc::new(header(file, &contents[0])?)));
                Ok(())
            };
            follow("the key for the allocation service", vec![file.clone()], stop.clone(), change).await;
        };
        tokio::join!(keep_tls, keep_key);
    }
}

async fn follow(
    what: &'static str,
    files: Vec<Named>,
    stop: CancellationToken,
    mut change: impl FnMut(&[Vec<u8>]) -> Result<(), Invalid>,
) {
    if files.is_empty() {
        return;
    }
    match Watched::open(files) {
        Ok(watched) => {
            // They may have changed since they were read first; what can't be taken now is told with the next change.
            drop(change(watched.contents()));
            watched.follow(what, stop, change).await;
        }
        Err(error) => tracing::error!(%error, "{what} are not read again"),
    }
}

/// The words of an error hold nothing of the key.
fn header(file: &Named, text: &[u8]) -> Result<HeaderValue, Invalid> {
    let wrong = || file.invalid("must be one key, without spaces");
    let key = std::str::from_utf8(text).map_err(|_| wrong())?.trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong());
    }
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| wrong())?;
    // Not into anybody's log.
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("has_key", &self.key.load().is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let file = Named::new("allocation_key_file", "k");
        assert_eq!(format!("{:?}", header(&file, b"secret\n").unwrap()), "Sensitive");
        for bad in [&b""[..], b"secret key", b"secret\xff"] {
            let error = header(&file, bad).unwrap_err().to_string();
            assert_eq!(error, "allocation_key_file: k: must be one key, without spaces");
        }
    }
}
