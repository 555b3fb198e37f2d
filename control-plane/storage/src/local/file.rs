//! The file of the embedded store: opening it, and refusing what can't be trusted.
//!
//! redb keeps a checksum of every page and commits by swapping roots, so that a half-written commit is no commit. It checks
//! them after a crash only; here they are checked at every opening, because a bit that turned over in a quiet file
//! would otherwise be believed.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use redb::{
    Builder, Database, DatabaseError, ReadableTable as _, StorageBackend, TableDefinition,
    backends::FileBackend,
};

use crate::{RedemptionId, TokenId};

/// The tickets by their order: old ones and new ones lie apart, which is how the tree likes it.
pub(super) const TICKETS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("tickets");
/// Redeemed tokens by their expiry (Unix milliseconds), `jti` and redemption (see [`redeemed`]).
pub(super) const REDEEMED: TableDefinition<'_, (u64, &str), ()> = TableDefinition::new("redeemed");
/// Between the two ids of a redemption; neither has a control character.
const BETWEEN: char = '\n';
/// What services allocated, by the ids that they chose.
pub(super) const ALLOCATIONS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("allocations");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// The version of what is written. One that reads an older file raises it; one that can't read a newer file says so.
const FORMAT: u64 = 1;
const FILE: &str = "state.redb";
/// Enough to keep the tree's inner pages; the state itself is in memory anyway.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// How a redeemed token is named in its table.
pub(super) fn redeemed(token: &TokenId, by: &RedemptionId) -> String {
    if by.as_str().is_empty() { token.to_string() } else { format!("{token}{BETWEEN}{by}") }
}

/// The reverse. Earlier programs didn't write down by whom; an empty name is nobody's.
pub(super) fn redemption(redeemed: &str) -> (TokenId, RedemptionId) {
    let (token, by) = redeemed.split_once(BETWEEN).unwrap_or((redeemed, ""));
    (TokenId::new(token), RedemptionId::new(by))
}

/// What "written" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On the disk: survives a power cut. A commit waits for the disk.
    Flush,
    /// In the operating system's hands: survives a crash of this program, not one of the machine.
    Os,
}

/// Why a store can't be opened. Each says what to do; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or the file can't be made, read or written.
    #[error("can't open the state in {path}: {cause}; the directory must be writable for this program", path = path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Another process has it open.
    #[error("the state in {path} is in use by another process; stop that one, or choose another directory", path = path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a newer program.
    #[error("the state in {path} has format {found}, and this program reads up to {FORMAT}; use the newer program, or another directory", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// What it holds can't be what was written.
    #[error(
        "the state in {path} is damaged: {cause}; restore it from a backup, or move the file away to begin without it",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        cause: String,
    },
}

/// The file of a directory, which is made where it isn't there.
pub(super) fn path_in(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Opens the file and checks all of it. Where there is none, makes one first.
pub(super) fn open(path: &Path, durability: Durability) -> Result<Database, OpenError> {
    if !path.try_exists().map_err(|cause| OpenError::Unusable { path: path.to_owned(), cause })? {
        make(path)?;
    }
    open_existing(path, durability)
}

/// Opens the file and checks all of it.
pub(super) fn open_existing(path: &Path, durability: Durability) -> Result<Database, OpenError> {
    let unusable = |cause| OpenError::Unusable { path: path.to_owned(), cause };
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(unusable)?;
    if file.metadata().map_err(unusable)?.len() == 0 {
        // redb would take it for a new one.
        return Err(OpenError::Damaged { path: path.to_owned(), cause: "it is empty".to_owned() });
    }
    let explain = |error: DatabaseError| explain(path, error.into());
    let (database, sound) = unless_it_panics(path, || {
        let mut database = builder(file, durability).map_err(explain)?;
        let sound = database.check_integrity().map_err(explain)?;
        prepare(&database, path)?;
        Ok((database, sound))
    })?;
    if !sound {
        tracing::warn!(path = %path.display(), "the state's bookkeeping was damaged and was made anew; its content is whole");
    }
    Ok(database)
}

/// Some damage that its checksums don't cover makes redb panic where it takes the file's word: that is damage too.
pub(super) fn unless_it_panics<T>(
    path: &Path,
    look: impl FnOnce() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(look)).unwrap_or_else(|_| {
        Err(OpenError::Damaged { path: path.to_owned(), cause: "it contradicts itself".to_owned() })
    })
}

/// Makes an empty store under another name and links it to its own when it is whole: a file that is there is never half made.
fn make(path: &Path) -> Result<(), OpenError> {
    let unusable = |cause| OpenError::Unusable { path: path.to_owned(), cause };
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(unusable)?;
    let unfinished = dir.join(format!(".unfinished-{}", std::process::id()));
    let made = (|| {
        let mut options = OpenOptions::new();
        let file =
            options.read(true).write(true).create(true).truncate(true).open(&unfinished).map_err(unusable)?;
        let database = builder(file, Durability::Flush).map_err(|error| explain(path, error.into()))?;
        prepare(&database, path)?;
        drop(database);
        match fs::hard_link(&unfinished, path) {
            // Another process was first; it has the file open, and says so.
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(unusable(cause)),
            _ => File::open(dir).and_then(|dir| dir.sync_all()).map_err(unusable),
        }
    })();
    match fs::remove_file(&unfinished) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => made.and(Err(unusable(cause))),
        _ => made,
    }
}

fn builder(file: File, durability: Durability) -> Result<Database, DatabaseError> {
    let backend = Backend { file: FileBackend::new(file)?, durability };
    Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend)
}

/// Looks at the format, and makes the tables of a new file.
fn prepare(database: &Database, path: &Path) -> Result<(), OpenError> {
    let damaged = |error: redb::Error| explain(path, error);
    let transaction = database.begin_write().map_err(|error| damaged(error.into()))?;
    let found = {
        let mut meta = transaction.open_table(META).map_err(|error| damaged(error.into()))?;
        let found = meta.get("format").map_err(|error| damaged(error.into()))?.map(|format| format.value());
        if found.is_none() {
            meta.insert("format", FORMAT).map_err(|error| damaged(error.into()))?;
        }
        found.unwrap_or(FORMAT)
    };
    if found > FORMAT {
        return Err(OpenError::Newer { path: path.to_owned(), found });
    }
    transaction.open_table(TICKETS).map_err(|error| damaged(error.into()))?;
    transaction.open_table(REDEEMED).map_err(|error| damaged(error.into()))?;
    transaction.open_table(ALLOCATIONS).map_err(|error| damaged(error.into()))?;
    transaction.commit().map_err(|error| damaged(error.into()))
}

fn explain(path: &Path, error: redb::Error) -> OpenError {
    let path = path.to_owned();
    match error {
        redb::Error::DatabaseAlreadyOpen => OpenError::InUse { path },
        // What the system refuses is one thing; what redb itself misses, such as the rest of the file, is another.
        redb::Error::Io(cause) if cause.raw_os_error().is_some() => OpenError::Unusable { path, cause },
        other => OpenError::Damaged { path, cause: other.to_string() },
    }
}

/// The file as redb sees it, which waits for the disk only where that is wanted.
#[derive(Debug)]
struct Backend {
    file: FileBackend,
    durability: Durability,
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.durability {
            Durability::Flush => self.file.sync_data(),
            Durability::Os => Ok(()),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<bool, redb::BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<bool, redb::BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<(), redb::BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<(), redb::BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<(), redb::BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<bool, redb::BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_gone_is_made_anew_only_where_nothing_was_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = path_in(dir.path());
        let again = open_existing(&path, Durability::Os);
        assert!(matches!(again, Err(OpenError::Unusable { .. })) && !path.exists());
        assert!(open(&path, Durability::Os).is_ok() && path.exists());
    }
}
