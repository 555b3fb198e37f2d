//! The way to an agent: its open stream, and the commands on it that wait for an answer.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use matching::PlayerId;
use storage::{LandId, ServerId};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::land::LandOrder;

/// What is sent to an agent.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    Allocate {
        id: String,
        land: LandId,
        order: Arc<LandOrder>,
    },
    Release {
        land: LandId,
        reason: String,
    },
    Drain {
        /// For people.
        reason: String,
        /// After how long the lands that are left are ended. `None`: in their own time.
        deadline: Option<Duration>,
    },
    /// These players never came: their seats are free again.
    SeatsFreed {
        land: LandId,
        players: Vec<PlayerId>,
    },
    /// A newer instance took over; the stream ends with this.
    Superseded {
        by: String,
    },
}

/// What an agent says to a land that it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Ready,
    Refused(String),
}

/// The sending end of one agent's stream.
#[derive(Debug)]
pub(crate) struct Link {
    /// Tells this stream from an earlier one of the same server.
    pub(crate) id: u64,
    /// Bounded: an agent that doesn't read gets no commands, and its lands go to other servers.
    pub(crate) commands: mpsc::Sender<Command>,
}

/// All open links, and who waits for which answer.
#[derive(Debug, Default)]
pub(super) struct Links(HashMap<ServerId, OpenLink>);

#[derive(Debug)]
struct OpenLink {
    link: Link,
    /// By command id, which is the order in which they were asked: so they also learn that the stream is gone.
    waiting: BTreeMap<String, (LandId, oneshot::Sender<Answer>)>,
}

impl Links {
    /// Makes `link` the server's; the one before is told, and who waited on it learns that no answer will come.
    pub(super) fn replace(&mut self, server: &ServerId, instance: Option<String>, link: Link) {
        let open = OpenLink { link, waiting: BTreeMap::new() };
        if let Some(old) = self.0.insert(server.clone(), open) {
            old.close(server, instance.unwrap_or_default());
        }
    }

    /// Whether `link` is the server's present one.
    pub(super) fn is(&self, server: &ServerId, link: u64) -> bool {
        self.0.get(server).is_some_and(|open| open.link.id == link)
    }

    /// Closes `link` where it is the present one.
    pub(super) fn remove(&mut self, server: &ServerId, link: u64) -> bool {
        let present = self.is(server, link);
        if present {
            self.0.remove(server);
        }
        present
    }

    /// Closes the server's link, and tells who listens there that `by` took over.
    pub(super) fn supersede(&mut self, server: &ServerId, by: String) {
        if let Some(old) = self.0.remove(server) {
            old.close(server, by);
        }
    }

    pub(super) fn drop_link(&mut self, server: &ServerId) {
        self.0.remove(server);
    }

    /// Asks for a land. Where the stream is gone or full, the receiver ends at once.
    pub(super) fn ask(
        &mut self,
        server: &ServerId,
        land: &LandId,
        order: &Arc<LandOrder>,
    ) -> oneshot::Receiver<Answer> {
        let (waiter, answer) = oneshot::channel();
        if let Some(open) = self.0.get_mut(server) {
            let id = Uuid::now_v7().to_string();
            let command = Command::Allocate { id: id.clone(), land: land.clone(), order: Arc::clone(order) };
            if open.link.commands.try_send(command).is_ok() {
                open.waiting.insert(id, (land.clone(), waiter));
            }
        }
        answer
    }

    /// Takes the waiter of a command out. `None`: nobody waits.
    pub(super) fn answered(
        &mut self,
        server: &ServerId,
        command: &str,
    ) -> Option<(LandId, oneshot::Sender<Answer>)> {
        self.0.get_mut(server)?.waiting.remove(command)
    }

    /// Nobody waits for this land any more.
    pub(super) fn forget(&mut self, server: &ServerId, land: &LandId) {
        if let Some(open) = self.0.get_mut(server) {
            open.waiting.retain(|_, (waited_for, _)| waited_for != land);
        }
    }

    pub(super) fn send(&self, server: &ServerId, command: Command) {
        let Some(open) = self.0.get(server) else { return };
        if let Err(unsent) = open.link.commands.try_send(command) {
            let command = unsent.into_inner();
            // What it has in the end is in its next heartbeat, and counts.
            tracing::warn!(%server, ?command, "the agent doesn't read; a command was not sent");
        }
    }
}

impl OpenLink {
    fn close(self, server: &ServerId, by: String) {
        // Full or closed: the stream ends all the same, as its only sender is dropped here.
        if self.link.commands.try_send(Command::Superseded { by }).is_err() {
            tracing::debug!(%server, "the replaced stream could not be told");
        }
    }
}
