//! What each queue is: from the configuration file, or else from its key.

use std::{collections::HashMap, sync::Arc, time::Duration};

use matching::{QueueConfig, QueueKey, Rules};
use runtime::config::Invalid;

use crate::{
    config::{Config, QueueEntry, Sections},
    ids::{self, MAX_ID, MAX_LAND_TYPE},
};

/// One queue's settings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueueSettings {
    pub(crate) land_type: String,
    pub(crate) rules: Rules,
    pub(crate) ticket_lifetime: Duration,
}

/// The settings of all queues.
#[derive(Debug)]
pub(crate) struct Queues {
    configured: HashMap<QueueKey, Arc<QueueSettings>>,
    configured_only: bool,
    ticket_lifetime: Duration,
}

impl Queues {
    /// Checks every configured queue; the first that can't work is named.
    pub(crate) fn new(config: &Config, sections: &Sections) -> Result<Self, Invalid> {
        let mut queues = Self {
            configured: HashMap::new(),
            configured_only: config.configured_queues_only,
            ticket_lifetime: config.ticket_lifetime,
        };
        for (key, entry) in &sections.queues {
            // Quoted as in the file, and so without anything that garbles a terminal.
            let table = format!("queues.{key:?}");
            if let Some(problem) = ids::problem(key, MAX_ID) {
                return Err(Invalid::new(table, problem));
            }
            let invalid = |field, message: String| Invalid::new(format!("{table}.{field}"), message);
            let key = QueueKey::new(key);
            let settings =
                queues.settings(&key, entry).map_err(|error| invalid(error.field, error.message))?;
            if settings.land_type.is_empty() {
                return Err(invalid("land_type", "must not be empty".to_owned()));
            }
            if let Some(problem) = ids::problem(&settings.land_type, MAX_LAND_TYPE) {
                return Err(invalid("land_type", problem));
            }
            if settings.ticket_lifetime.is_zero() {
                return Err(invalid("ticket_lifetime", "must be longer than nothing".to_owned()));
            }
            queues.configured.insert(key, Arc::new(settings));
        }
        Ok(queues)
    }

    /// Whether tickets may be enqueued there: not in a queue without configuration, where only configured ones may be used.
    pub(crate) fn admits(&self, key: &QueueKey) -> bool {
        !self.configured_only || self.is_configured(key)
    }

    /// Whether the configuration file names it.
    pub(crate) fn is_configured(&self, key: &QueueKey) -> bool {
        self.configured.contains_key(key)
    }

    /// The settings of a queue, configured or by its key.
    pub(crate) fn of(&self, key: &QueueKey) -> Arc<QueueSettings> {
        if let Some(configured) = self.configured.get(key) {
            return Arc::clone(configured);
        }
        let by_key = self.settings(key, &QueueEntry::default());
        Arc::new(by_key.expect("every key without a configuration has rules"))
    }

    /// The keys of the configured queues.
    pub(crate) fn configured(&self) -> impl Iterator<Item = &QueueKey> {
        self.configured.keys()
    }

    fn settings(&self, key: &QueueKey, entry: &QueueEntry) -> Result<QueueSettings, matching::RuleError> {
        let config: QueueConfig = entry.matching();
        Ok(QueueSettings {
            land_type: entry.land_type.clone().unwrap_or_else(|| key.land_type().to_owned()),
            rules: Rules::new(key, &config)?,
            ticket_lifetime: entry.ticket_lifetime.unwrap_or(self.ticket_lifetime),
        })
    }
}
