//! Records a history while it happens, from any number of tasks and threads.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use super::{Entry, Event, Op, Watcher};

/// A history that is being made: the entries of the present round, and all of them in a file.
#[derive(Debug)]
pub struct History {
    start: Instant,
    path: PathBuf,
    // Held to append one entry, so that the order of entries is the order of their times; never over an await.
    made: Mutex<Made>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Made {
    round: Vec<Entry>,
    file: BufWriter<File>,
}

impl History {
    /// Begins a history in a new file.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::new(File::create_new(path)?);
        Ok(Self {
            start: Instant::now(),
            path: path.to_owned(),
            made: Mutex::new(Made { round: Vec::new(), file }),
            next: AtomicU64::new(1),
        })
    }

    /// Reads the entries of a file, to check it once more.
    pub fn read(path: &Path) -> io::Result<Vec<Entry>> {
        let lines = BufReader::new(File::open(path)?).lines();
        lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Nanoseconds since its start.
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// An operation that is about to be asked for.
    pub fn op(&self) -> Op {
        Op(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// A client that is about to wait.
    pub fn watcher(&self) -> Watcher {
        Watcher(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Appends what happens now.
    pub fn record(&self, event: Event) {
        let mut made = self.made.lock().unwrap();
        let entry = Entry { at: self.now(), event };
        // A run on a full disk is of no use, but it is no finding either.
        let line = serde_json::to_string(&entry).unwrap();
        writeln!(made.file, "{line}").unwrap();
        made.round.push(entry);
    }

    /// The entries since the last time that this was asked for; all of them are in the file then.
    pub fn take(&self) -> Vec<Entry> {
        let mut made = self.made.lock().unwrap();
        made.file.flush().unwrap();
        std::mem::take(&mut made.round)
    }
}
