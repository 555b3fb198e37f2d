//! Writes entries to the file, many at a time: whoever comes while the disk is busy shares the next flush.
//!
//! Entries are appended in the order in which the state changed, by whoever changed it and while the state is still locked, so that
//! what is on disk is always a state that was. A thread of its own takes all that has come, writes it in one
//! transaction, and only then is anybody told: the caller, and whoever follows a ticket.
//!
//! Where the disk fails, nothing that was appended is given up: it is tried again until it succeeds. Until then new
//! transitions are refused, so that memory doesn't run ahead of the disk, and who waits for one that was appended is told that
//! nobody can tell: the same call may be repeated.

use std::{collections::HashMap, path::PathBuf, sync::Arc, thread::JoinHandle, time::Duration};

use matching::TicketId;
use parking_lot::{Condvar, Mutex};
use redb::Database;
use tokio::sync::watch;

use super::file::{self, ALLOCATIONS, Durability, REDEEMED, TICKETS};
use crate::{
    StorageError,
    state::{Changed, Entry},
};

/// Transitions that may wait for the disk; more are refused.
const MAX_WAITING: usize = 65_536;
/// How long to wait before a failed write is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Told what has been written.
pub(super) type Publish = Box<dyn Fn(&Changed) + Send>;

/// The way to the disk. Dropping it writes what is left and closes the file.
#[derive(Debug)]
pub(super) struct Journal {
    shared: Arc<Shared>,
    /// `None` once it is closed.
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    /// There is something to write, or the end has come.
    work: Condvar,
    progress: watch::Sender<Progress>,
}

/// How far the writer has come.
#[derive(Debug, Default)]
struct Progress {
    /// The number of the newest batch that is written.
    written: u64,
    /// The disk took nothing the last time.
    failing: bool,
    /// The writer has ended: nothing more is written.
    over: Option<Over>,
}

/// How the writer has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Closed,
    /// It panicked.
    Died,
}

#[derive(Debug, Default)]
struct Inner {
    /// What the next batch will hold, and its number.
    waiting: Vec<Changed>,
    next: u64,
    /// Tickets with changes that aren't written yet, and the newest batch that has one.
    unwritten: HashMap<TicketId, u64>,
    /// Why the disk took nothing the last time.
    failing: Option<String>,
    closed: bool,
}

impl Journal {
    pub(super) fn start(
        database: Database,
        path: PathBuf,
        durability: Durability,
        publish: Publish,
    ) -> std::io::Result<Self> {
        let inner = Inner { next: 1, ..Inner::default() };
        let shared = Arc::new(Shared {
            inner: Mutex::new(inner),
            work: Condvar::new(),
            progress: watch::Sender::default(),
        });
        let writer =
            Writer { shared: Arc::clone(&shared), database: Some(database), path, durability, publish };
        let writer =
            std::thread::Builder::new().name("state writer".to_owned()).spawn(move || writer.run())?;
        Ok(Self { shared, writer: Mutex::new(Some(writer)) })
    }

    /// Whether a transition may be made now.
    pub(super) fn check(&self) -> Result<(), StorageError> {
        let inner = self.shared.inner.lock();
        if inner.closed {
            return Err(StorageError::Unavailable("the state is closed".to_owned()));
        }
        match &inner.failing {
            Some(cause) => Err(StorageError::Unavailable(format!("the disk takes nothing: {cause}"))),
            None if inner.waiting.len() >= MAX_WAITING => {
                Err(StorageError::Unavailable("too many changes wait for the disk".to_owned()))
            }
            None => Ok(()),
        }
    }

    /// Appends what a transition changed. To be called while the state is still locked. Returns the batch to wait for.
    pub(super) fn append(&self, changed: Changed) -> u64 {
        let mut inner = self.shared.inner.lock();
        if changed.is_empty() {
            // What the transition found may not be written yet: it is known no earlier than all that came before it.
            return if inner.waiting.is_empty() { inner.next - 1 } else { inner.next };
        }
        let batch = inner.next;
        for ticket in changed.written_tickets() {
            inner.unwritten.insert(ticket.clone(), batch);
        }
        inner.waiting.push(changed);
        self.shared.work.notify_one();
        batch
    }

    /// The batch to wait for before these tickets may be shown.
    pub(super) fn newest_of(&self, tickets: &[TicketId]) -> u64 {
        let inner = self.shared.inner.lock();
        tickets.iter().filter_map(|ticket| inner.unwritten.get(ticket)).max().copied().unwrap_or(0)
    }

    /// Writes what is left and closes the file; no transition is taken from now on. Blocks until it is done.
    pub(super) fn close(&self) {
        self.shared.inner.lock().closed = true;
        self.shared.work.notify_one();
        let writer = self.writer.lock().take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the writer of the state panicked");
        }
    }

    /// Waits until a batch is written, or can't be for now.
    pub(super) async fn written(&self, batch: u64) -> Result<(), StorageError> {
        let mut progress = self.shared.progress.subscribe();
        let is_told =
            |progress: &Progress| progress.written >= batch || progress.failing || progress.over.is_some();
        match progress.wait_for(is_told).await {
            Ok(progress) if progress.written >= batch => Ok(()),
            Ok(progress) if progress.failing => {
                Err(StorageError::Unavailable("the disk takes nothing".to_owned()))
            }
            _ => Err(StorageError::Unavailable("the state is closed".to_owned())),
        }
    }

    /// Ends when the writer has died; never, where it is closed as it should be.
    pub(super) fn died(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut progress = self.shared.progress.subscribe();
        async move {
            if progress.wait_for(|progress| progress.over == Some(Over::Died)).await.is_err() {
                // It was closed, and nobody is left to look at it.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

struct Writer {
    shared: Arc<Shared>,
    /// `None` after a failure, until it could be opened again.
    database: Option<Database>,
    path: PathBuf,
    durability: Durability,
    publish: Publish,
}

/// However the writer ends, a panic included, nobody waits for it any more.
impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.inner.lock().closed = true;
        let over = if std::thread::panicking() { Over::Died } else { Over::Closed };
        self.shared.progress.send_modify(|progress| progress.over = Some(over));
    }
}

impl Writer {
    fn run(mut self) {
        while let Some((number, batch)) = self.next() {
            while let Err(cause) = self.write(&batch) {
                let mut inner = self.shared.inner.lock();
                if inner.failing.replace(cause.clone()).is_none() {
                    tracing::error!(path = %self.path.display(), cause, "the state can't be written; trying again until it can");
                    // Who is told now finds new transitions refused already.
                    self.shared.progress.send_modify(|progress| progress.failing = true);
                }
                if inner.closed {
                    tracing::error!(
                        changes = batch.len(),
                        "closing without changes that nobody was promised"
                    );
                    return;
                }
                self.shared.work.wait_for(&mut inner, RETRY);
            }
            self.done(number, &batch);
        }
    }

    /// The next batch; `None` at the end, when nothing is left.
    fn next(&self) -> Option<(u64, Vec<Changed>)> {
        let mut inner = self.shared.inner.lock();
        while inner.waiting.is_empty() {
            if inner.closed {
                return None;
            }
            self.shared.work.wait(&mut inner);
        }
        let number = inner.next;
        inner.next += 1;
        Some((number, std::mem::take(&mut inner.waiting)))
    }

    fn write(&mut self, batch: &[Changed]) -> Result<(), String> {
        // After a failed write redb wants its file opened anew, which also shows whether what was written is whole. One that
        // has gone is not made anew: it would hold what comes, and nothing of what was.
        let database = match self.database.take() {
            Some(database) => database,
            None => file::open_existing(&self.path, self.durability).map_err(|error| error.to_string())?,
        };
        commit(&database, batch).map_err(|error| error.to_string())?;
        self.database = Some(database);
        Ok(())
    }

    fn done(&self, number: u64, batch: &[Changed]) {
        // First, so that who comes as soon as transitions are made again isn't told that they can't be.
        self.shared.progress.send_modify(|progress| {
            progress.written = number;
            progress.failing = false;
        });
        {
            let mut inner = self.shared.inner.lock();
            if inner.failing.take().is_some() {
                tracing::info!(path = %self.path.display(), "the state is written again");
            }
            for ticket in batch.iter().flat_map(Changed::written_tickets) {
                if inner.unwritten.get(ticket).is_some_and(|newest| *newest <= number) {
                    inner.unwritten.remove(ticket);
                }
            }
        }
        for changed in batch {
            (self.publish)(changed);
        }
    }
}

fn commit(database: &Database, batch: &[Changed]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut tickets = transaction.open_table(TICKETS)?;
        let mut redeemed = transaction.open_table(REDEEMED)?;
        let mut allocations = transaction.open_table(ALLOCATIONS)?;
        for entry in batch.iter().flat_map(|changed| &changed.entries) {
            match entry {
                Entry::Ticket(kept) => {
                    tickets.insert(kept.record.ticket.order, text(kept)?.as_slice())?;
                }
                Entry::Forgotten(order) => {
                    tickets.remove(order)?;
                }
                Entry::Redeemed(token, by, expires_at) => {
                    redeemed.insert((expires_at.0, file::redeemed(token, by).as_str()), ())?;
                }
                Entry::RedemptionOver(token, by, expires_at) => {
                    redeemed.remove((expires_at.0, file::redeemed(token, by).as_str()))?;
                }
                Entry::Allocation(kept) => {
                    allocations.insert(kept.id().as_str(), text(kept)?.as_slice())?;
                }
                Entry::AllocationOver(id) => {
                    allocations.remove(id.as_str())?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

fn text(kept: &impl serde::Serialize) -> Result<Vec<u8>, std::io::Error> {
    serde_json::to_vec(kept).map_err(|error| std::io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> Changed {
        Changed { tickets: vec![TicketId::new("t")], ..Changed::default() }
    }

    #[tokio::test]
    async fn nobody_waits_for_a_writer_that_died() {
        let dir = tempfile::tempdir().unwrap();
        let path = file::path_in(dir.path());
        let database = file::open(&path, Durability::Os).unwrap();
        let publish = Box::new(|_: &Changed| panic!("as a bug would"));
        let journal = Journal::start(database, path, Durability::Os, publish).unwrap();
        let first = journal.append(change());
        assert_eq!(journal.written(first).await, Ok(()));
        tokio::time::timeout(Duration::from_secs(20), journal.died()).await.expect("nobody hears of it");
        let second = journal.append(change());
        let waited = tokio::time::timeout(Duration::from_secs(20), journal.written(second)).await;
        assert!(waited.expect("it waits for ever").is_err());
        assert!(journal.check().is_err(), "nothing more is taken");
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_is_closed_has_not_died() {
        let dir = tempfile::tempdir().unwrap();
        let path = file::path_in(dir.path());
        let database = file::open(&path, Durability::Os).unwrap();
        let journal = Journal::start(database, path, Durability::Os, Box::new(|_: &Changed| ())).unwrap();
        let died = journal.died();
        journal.close();
        drop(journal);
        assert!(tokio::time::timeout(Duration::from_secs(3600), died).await.is_err());
    }
}
