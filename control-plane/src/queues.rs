//! What each queue is: from the configuration file, or else from its key.
//!
//! The file, and the rule sets that it names, can be read again while the program runs: all of it is taken or nothing. Who
//! works on a queue looks at [`Queues::changes`] and asks again; nobody holds an older state for longer than that.

mod absence;
mod function;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod placement;
mod rule_set;
mod table;

#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use matching::{QueueKey, Rules, judge::Judge};
use parking_lot::Mutex;
use runtime::config::{Invalid, sections};
use tokio::sync::watch;

use self::table::{Table, by_key};
pub(crate) use self::{
    absence::Absence,
    function::MatchFunction,
    placement::{MOST_SELECTORS, Placement},
    table::QueueChange,
};
use crate::config::{Config, Sections};

/// One queue's settings.
#[derive(Debug, Clone)]
pub(crate) struct QueueSettings {
    pub(crate) land_type: String,
    pub(crate) rules: Rules,
    /// What asks the rule set, where there is one.
    pub(crate) judge: Option<Arc<Judge>>,
    /// Who proposes its matches, where that is not our own engine.
    pub(crate) function: Option<Arc<MatchFunction>>,
    pub(crate) ticket_lifetime: Duration,
    /// Whether it drops tickets whose players are gone.
    pub(crate) absence: Option<Absence>,
    /// Which servers its matches are placed on.
    pub(crate) placement: Placement,
}

/// The settings of all queues.
#[derive(Debug)]
pub(crate) struct Queues {
    current: watch::Sender<Arc<Table>>,
    configured_only: bool,
    ticket_lifetime: Duration,
    /// `None`: there is nothing to read again.
    file: Option<PathBuf>,
    /// Held while files are read, on a thread that may block: of two reloads, the one that began later ends later.
    reloading: Mutex<()>,
}

/// What came of reading the file again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reloaded {
    pub(crate) changes: Vec<QueueChange>,
    /// What would surprise the authors of rule sets.
    pub(crate) warnings: Vec<String>,
}

/// What is done with a file that was read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reload {
    /// It is looked at, and nothing changes.
    Check,
    Apply,
}

impl Queues {
    /// Checks every configured queue, and reads the rule sets' files. All that can't work is named.
    pub(crate) fn new(config: &Config, sections: &Sections) -> Result<Self, Invalid> {
        let dir = dir(config.config.as_deref());
        let read = Table::read(sections, dir, config.ticket_lifetime);
        let (table, warnings) = read.map_err(table::Wrong::into_invalid)?;
        Reloaded { changes: Vec::new(), warnings }.tell();
        Ok(Self {
            current: watch::Sender::new(Arc::new(table)),
            configured_only: config.configured_queues_only,
            ticket_lifetime: config.ticket_lifetime,
            file: config.config.clone(),
            reloading: Mutex::new(()),
        })
    }

    /// Whether tickets may be enqueued there: not in a queue without configuration, where only configured ones may be used.
    pub(crate) fn admits(&self, key: &QueueKey) -> bool {
        !self.configured_only || self.is_configured(key)
    }

    /// Whether the configuration file names it.
    pub(crate) fn is_configured(&self, key: &QueueKey) -> bool {
        self.current.borrow().0.contains_key(key)
    }

    /// The settings of a queue, configured or by its key.
    pub(crate) fn of(&self, key: &QueueKey) -> Arc<QueueSettings> {
        let configured = self.current.borrow().0.get(key).cloned();
        configured.unwrap_or_else(|| Arc::new(by_key(key, self.ticket_lifetime)))
    }

    /// Whether a queue drops tickets whose players are gone; only configured ones do.
    pub(crate) fn absence(&self, key: &QueueKey) -> Option<Absence> {
        self.current.borrow().0.get(key)?.absence
    }

    /// The queues that do, in the order of their keys.
    pub(crate) fn absences(&self) -> Vec<(QueueKey, Absence)> {
        let table = self.current.borrow();
        table.0.iter().filter_map(|(key, settings)| Some((key.clone(), settings.absence?))).collect()
    }

    /// The keys of the configured queues.
    pub(crate) fn configured(&self) -> Vec<QueueKey> {
        self.current.borrow().0.keys().cloned().collect()
    }

    /// Wakes whenever settings may have changed.
    pub(crate) fn changes(&self) -> watch::Receiver<impl Sized + use<>> {
        self.current.subscribe()
    }

    /// Whether there is a file to read again.
    pub(crate) fn have_a_file(&self) -> bool {
        self.file.is_some()
    }

    /// Reads the file and its rule sets again, off the async threads.
    ///
    /// # Errors
    /// Everything that is wrong, a line each; nothing has changed then.
    pub(crate) async fn reload(self: &Arc<Self>, how: Reload) -> Result<Reloaded, Vec<String>> {
        let queues = Arc::clone(self);
        let reloaded = tokio::task::spawn_blocking(move || queues.reload_now(how)).await;
        // It has panicked, or the runtime is ending.
        reloaded.unwrap_or_else(|_| Err(vec!["the files could not be read; the log says more".to_owned()]))
    }

    fn reload_now(&self, how: Reload) -> Result<Reloaded, Vec<String>> {
        let _alone = self.reloading.lock();
        let Some(file) = &self.file else {
            return Err(vec!["there is no configuration file to read again; start with --config".to_owned()]);
        };
        let sections: Sections = sections::<Config, _>(file).map_err(|error| vec![error.to_string()])?;
        let read = Table::read(&sections, dir(Some(file)), self.ticket_lifetime);
        let (table, warnings) = read.map_err(table::Wrong::lines)?;
        let changes = table.changes(&self.current.borrow());
        if how == Reload::Apply && !changes.is_empty() {
            self.current.send_replace(Arc::new(table));
        }
        Ok(Reloaded { changes, warnings })
    }
}

impl Reloaded {
    /// Says it in the log.
    pub(crate) fn tell(&self) {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
        for change in &self.changes {
            tracing::info!(queue = %change.queue, what = change.what, "a queue's configuration has changed");
        }
    }
}

impl QueueSettings {
    /// Its rules, for people.
    pub(crate) fn shown_rules(&self) -> String {
        let by = if self.function.is_some() { ", by a match function" } else { "" };
        format!("{}{by}", self.rules)
    }

    /// Whether they say the same.
    pub(crate) fn are(&self, other: &Self) -> bool {
        self.land_type == other.land_type
            && self.ticket_lifetime == other.ticket_lifetime
            && self.absence == other.absence
            && self.rules == other.rules
            && self.function == other.function
            && self.placement == other.placement
    }
}

/// Where a relative path in the configuration file starts.
fn dir(file: Option<&Path>) -> &Path {
    file.and_then(Path::parent).unwrap_or(Path::new(""))
}
