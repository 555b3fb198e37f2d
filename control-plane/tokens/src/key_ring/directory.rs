//! The key directory: who may read it, one writer at a time, and files that are whole or absent.
//!
//! A private key is written to a hidden file of mode 0600, flushed, renamed, and the directory is flushed: a crash leaves
//! either no key or a whole one. Hidden files are never read, and what a crash left of them is removed by the next writer,
//! because it may hold half of a secret. All work happens under one lock (`flock` on `.lock`, which the system frees when
//! a process dies), so two processes that start on an empty directory make one key between them.
//!
//! What a key file means is the business of `file_name` and `signing_key`.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rsa::pkcs8::der::zeroize::Zeroizing;

use super::KeyError;
use super::file_name::KeyFileName;
use super::timeline::Period;

/// How long to wait for another process: it holds the lock for one key generation, a second or two on a slow machine.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);
/// How often to ask for the lock meanwhile.
const LOCK_POLL: Duration = Duration::from_millis(20);
/// More than any PEM file of one key; a larger file is not read into memory.
const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;
const LOCK_FILE: &str = ".lock";
const UNFINISHED: &str = ".unfinished-";

/// A directory that exists and that not everybody can write into.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
}

/// The directory while this process alone works on it.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    path: &'a Path,
    // The lock ends when the file is closed.
    _lock: File,
}

/// One key file: where it is and what its name says.
#[derive(Debug, Clone)]
pub(crate) struct KeyFile {
    pub(crate) path: PathBuf,
    pub(crate) name: KeyFileName,
}

impl Directory {
    /// Makes the directory with mode 0700 where it is missing. One that exists keeps its mode.
    pub(crate) fn prepare(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Directory { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o002 != 0 {
            return Err(KeyError::WorldWritable { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Waits until no other process works on the directory. Blocks the thread.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, KeyError> {
        self.lock_within(LOCK_PATIENCE)
    }

    /// The names of all key files, sorted. Takes no lock, and is all that it takes to see whether anything has changed: a
    /// name says everything about a key but its numbers.
    pub(crate) fn key_file_names(&self) -> Result<Vec<String>, KeyError> {
        let mut names = file_names(&self.path)?;
        names.retain(|name| KeyFileName::is_key_file(name));
        names.sort();
        Ok(names)
    }

    fn lock_within(&self, patience: Duration) -> Result<Locked<'_>, KeyError> {
        let not_writable = |source| KeyError::NotWritable { path: self.path.clone(), source };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let lock = options.open(self.path.join(LOCK_FILE)).map_err(not_writable)?;
        let give_up_at = Instant::now() + patience;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < give_up_at => std::thread::sleep(LOCK_POLL),
                Err(TryLockError::WouldBlock) => {
                    return Err(KeyError::Locked { path: self.path.clone() });
                }
                Err(TryLockError::Error(source)) => return Err(not_writable(source)),
            }
        }
        let locked = Locked { path: &self.path, _lock: lock };
        locked.remove_unfinished()?;
        Ok(locked)
    }
}

impl Locked<'_> {
    /// Every key file, in no particular order. `newcomer` is the place that a key of unknown place could take, for the
    /// error that asks for it.
    pub(crate) fn key_files(&self, newcomer: Period) -> Result<Vec<KeyFile>, KeyError> {
        let mut found = Vec::new();
        for file_name in file_names(self.path)? {
            if KeyFileName::is_key_file(&file_name) {
                let path = self.path.join(&file_name);
                let Some(name) = KeyFileName::parse(&file_name) else {
                    let example = KeyFileName::for_newcomer(newcomer, &file_name).to_file_name();
                    return Err(KeyError::FileName { path, example });
                };
                found.push(KeyFile { path, name });
            }
        }
        Ok(found)
    }

    /// Writes a new key so that it is there whole, and still there after a power cut, or not at all.
    pub(crate) fn add(&self, name: KeyFileName, pem: &str) -> Result<KeyFile, KeyError> {
        let path = self.path.join(name.to_file_name());
        let unfinished = self.path.join(format!("{UNFINISHED}{}", uuid::Uuid::now_v7()));
        let written = write_private(&unfinished, pem)
            .and_then(|()| fs::rename(&unfinished, &path))
            .and_then(|()| self.flush());
        match written {
            Ok(()) => Ok(KeyFile { path, name }),
            Err(source) => Err(KeyError::Write { path, source }),
        }
    }

    /// Gives a key file another name.
    pub(crate) fn rename(&self, file: &KeyFile, name: &KeyFileName) -> Result<(), KeyError> {
        let path = self.path.join(name.to_file_name());
        let renamed = fs::rename(&file.path, &path).and_then(|()| self.flush());
        renamed.map_err(|source| KeyError::Write { path, source })
    }

    /// Removes a key file for good.
    pub(crate) fn remove(&self, file: &KeyFile) -> Result<(), KeyError> {
        remove(&file.path)
    }

    fn remove_unfinished(&self) -> Result<(), KeyError> {
        let names = file_names(self.path)?;
        let mut unfinished = names.iter().filter(|name| name.starts_with(UNFINISHED));
        unfinished.try_for_each(|name| remove(&self.path.join(name)))
    }

    fn flush(&self) -> io::Result<()> {
        File::open(self.path)?.sync_all()
    }
}

/// Reads a private key's file, if nobody but its owner can. The text is wiped from memory when it is dropped.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let unreadable = |source| KeyError::Unreadable { path: path.to_owned(), source };
    let broken = |reason: &str| KeyError::Broken { path: path.to_owned(), reason: reason.to_owned() };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    if metadata.len() > MAX_KEY_FILE_BYTES {
        return Err(broken("it is larger than any key"));
    }
    // The whole room at once: a buffer that grew would leave copies of the key behind.
    let capacity = usize::try_from(metadata.len()).unwrap_or_default() + 1;
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    match file.take(MAX_KEY_FILE_BYTES).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(source) if source.kind() == io::ErrorKind::InvalidData => Err(broken("it is not text")),
        Err(source) => Err(unreadable(source)),
    }
}

fn file_names(directory: &Path) -> Result<Vec<String>, KeyError> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    match entries {
        // A name that is no UTF-8 is none of ours.
        Ok(entries) => {
            Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
        }
        Err(source) => Err(KeyError::Directory { path: directory.to_owned(), source }),
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn remove(path: &Path) -> Result<(), KeyError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(KeyError::Write { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_never_given_back_is_an_error_and_no_hang() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::prepare(temporary.path()).unwrap();
        let held = directory.lock().unwrap();
        let refused = directory.lock_within(Duration::from_millis(50)).unwrap_err();
        assert!(matches!(refused, KeyError::Locked { .. }));
        drop(held);
        directory.lock_within(Duration::ZERO).unwrap();
    }

    #[test]
    fn a_failed_write_leaves_what_the_next_writer_clears_away() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::prepare(temporary.path()).unwrap();
        let locked = directory.lock().unwrap();
        // A directory in the key's place makes the rename fail, as a crash before it would.
        let name = KeyFileName::parse("1-60-k.pem").unwrap();
        fs::create_dir(temporary.path().join("1-60-k.pem")).unwrap();
        assert!(matches!(locked.add(name, "secret"), Err(KeyError::Write { .. })));
        drop(locked);
        drop(directory.lock().unwrap());
        let mut left = file_names(temporary.path()).unwrap();
        left.sort();
        assert_eq!(left, [".lock", "1-60-k.pem"]);
    }
}
