//! Files that are read again when they change: certificates, keys, lists of who may do what.
//!
//! Their contents are compared, not their times: a file that is mounted from elsewhere is often a link that is turned to another
//! file. Two files that belong together are written one after the other, so that what is read in between may not fit; whoever
//! takes the contents says so, keeps what it has, and is given them again with the next change.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::Invalid;

/// How often the files are read. SIGHUP has them read at once.
const EVERY: Duration = Duration::from_secs(1);

/// The largest file that is read, in bytes: a hundred thousand lines of a list.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// A file, and the setting that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As the configuration file writes it.
    pub setting: &'static str,
    /// Where it is.
    pub path: PathBuf,
}

impl Named {
    /// The file at `path`, which `setting` names.
    pub fn new(setting: &'static str, path: impl Into<PathBuf>) -> Self {
        Self { setting, path: path.into() }
    }

    /// That something is wrong with it.
    pub fn invalid(&self, why: impl fmt::Display) -> Invalid {
        Invalid::new(self.setting, format!("{}: {why}", self.path.display()))
    }
}

/// Some files, as they were when they were read last. What is in them may be secret and isn't shown.
pub struct Watched {
    files: Vec<Named>,
    contents: Vec<Vec<u8>>,
}

impl Watched {
    /// Reads the files.
    ///
    /// # Errors
    /// Names the first that can't be read.
    pub fn open(files: Vec<Named>) -> Result<Self, Invalid> {
        let read = |file: &Named| read(&file.path).map_err(|why| file.invalid(why));
        let contents = files.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { files, contents })
    }

    /// The files' contents, in the order in which they were named.
    pub fn contents(&self) -> &[Vec<u8>] {
        &self.contents
    }

    /// Until `stop`, gives the contents to `take` whenever they have changed. What `take` refuses is logged, as it is where a file
    /// can't be read; `what` says in the log what these files are.
    pub async fn follow(
        mut self,
        what: &'static str,
        stop: CancellationToken,
        mut take: impl FnMut(&[Vec<u8>]) -> Result<(), Invalid>,
    ) {
        // Without it a change is noticed all the same.
        let mut hangups = signal(SignalKind::hangup()).ok();
        let mut said = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = hung_up(hangups.as_mut()) => {}
                () = stop.cancelled() => return,
            }
            let files = self.files.clone();
            // Where the runtime is ending, so is this.
            let Ok(read) = tokio::task::spawn_blocking(move || Self::open(files)).await else { return };
            let taken = read.and_then(|read| {
                if read.contents == self.contents {
                    return Ok(false);
                }
                self.contents = read.contents;
                take(&self.contents).map(|()| true)
            });
            match taken {
                Ok(true) => {
                    said = None;
                    tracing::info!(what, "files changed and were read again");
                }
                Ok(false) => {}
                Err(why) => {
                    let why = why.to_string();
                    if said.as_ref() != Some(&why) {
                        tracing::error!(
                            what,
                            why,
                            "files changed and can't be taken; the last good ones stay in use"
                        );
                        said = Some(why);
                    }
                }
            }
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("files", &self.files).finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map_err(|error| format!("can't be read: {error}"))?.len();
    if size > MAX_FILE {
        return Err(format!("has {size} bytes; at most {MAX_FILE} are read"));
    }
    std::fs::read(path).map_err(|error| format!("can't be read: {error}"))
}

async fn hung_up(hangups: Option<&mut Signal>) {
    match hangups {
        // `None` is the end of all signals: there is no more news.
        Some(hangups) => {
            if hangups.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_change_is_given_once_and_one_that_is_refused_is_followed_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        std::fs::write(&path, "one").unwrap();
        let watched = Watched::open(vec![Named::new("list", &path)]).unwrap();
        assert_eq!(watched.contents(), [b"one"]);
        let (seen, mut sees) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let following = tokio::spawn(watched.follow("a list", stop.clone(), move |contents| {
            seen.send(String::from_utf8(contents[0].clone()).unwrap()).unwrap();
            if contents[0] == b"bad" { Err(Invalid::new("list", "is bad")) } else { Ok(()) }
        }));
        let patience = Duration::from_secs(20);
        for text in ["bad", "two"] {
            std::fs::write(dir.path().join("new"), text).unwrap();
            std::fs::rename(dir.path().join("new"), &path).unwrap();
            let next = tokio::time::timeout(patience, sees.recv()).await.unwrap();
            assert_eq!(next.as_deref(), Some(text));
        }
        stop.cancel();
        following.await.unwrap();
        assert!(sees.try_recv().is_err(), "told twice");
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_its_setting() {
        let error = Watched::open(vec![Named::new("access_file", "/nowhere")]).unwrap_err().to_string();
        assert!(error.starts_with("access_file: /nowhere: can't be read"), "{error}");
    }
}
