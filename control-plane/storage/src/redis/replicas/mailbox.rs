//! Where one replica takes what the others sent, and reads what they announce.
//!
//! Both are in one hand, because they belong together: what was read isn't delivered once more afterwards, so whoever reads has to
//! be the one who takes the mail.

use std::{collections::HashMap, fmt, sync::Arc};

use super::{
    Replicas,
    arrivals::{Arrivals, Next},
    letter::Letter,
    view::{Change, Known, What},
};
use crate::{Mail, ReplicaId, StorageError};

/// Takes mail for a replica; it is bounded, and says so where it overflowed ([`Mail::Missed`]). Dropped, nothing is heard any
/// more; the replica lives on until it leaves.
pub struct Mailbox {
    replicas: Arc<Replicas>,
    arrivals: Arc<Arrivals>,
}

impl Mailbox {
    pub(super) fn new(replicas: Arc<Replicas>, arrivals: Arc<Arrivals>) -> Self {
        Self { replicas, arrivals }
    }

    /// Waits for mail, for ever where none comes. Cancel-safe: what was not returned stays.
    pub async fn recv(&mut self) -> Mail {
        loop {
            match self.arrivals.next().await {
                Next::Missed => return Mail::Missed,
                Next::Letter(Letter::Post { from, text }) => return Mail::Post { from, text },
                Next::Letter(Letter::Change(Change { from, what, .. })) => match what {
                    What::Left => return Mail::Left { from },
                    What::Announced { all, entries, .. } => match serde_json::from_str(&entries) {
                        Ok(entries) => return Mail::Announced { from, all, entries },
                        Err(error) => {
                            tracing::warn!(%from, %error, "an announcement can't be read");
                            self.arrivals.lose();
                        }
                    },
                },
            }
        }
    }

    /// What every other live replica keeps announced. Mail of what is in the answer is not delivered any more, and all that
    /// changes after it is. Where it fails, and something had been missed, [`Mail::Missed`] comes again when there is
    /// hope. A round trip, and one for each replica.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn announced(&mut self) -> Result<Vec<(ReplicaId, HashMap<String, String>)>, StorageError> {
        self.arrivals.begin_reading();
        let read = self.replicas.read_others().await.inspect_err(|_| self.arrivals.give_up_reading())?;
        let known =
            read.iter().map(|one| (one.replica.clone(), Known { number: one.number, until: one.until }));
        self.arrivals.end_reading(known.collect());
        Ok(read.into_iter().map(|one| (one.replica, one.entries)).collect())
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("of", &self.replicas.me).finish_non_exhaustive()
    }
}
