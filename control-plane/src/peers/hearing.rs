//! Hearing what the other replicas say.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use runtime::Tasks;
use storage::{Mail, Mailbox, ReplicaId, ServerId};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{Peers, Post, answering, letter::Letter};
use crate::registry::Notice;

/// Hears until `stop`.
pub(super) async fn run(peers: Arc<Peers>, mut mailbox: Mailbox, tasks: Tasks, stop: CancellationToken) {
    let Some(post) = &peers.post else { return };
    let mut hearing = Hearing { peers: &peers, post, tasks: &tasks, heard: HashMap::new() };
    // Nothing is known yet; later: something was missed.
    let mut read = true;
    let mut tick = tokio::time::interval(post.pace.interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            mail = mailbox.recv() => match mail {
                Mail::Missed => read = true,
                mail => {
                    hearing.take(mail);
                    continue;
                }
            },
            // Changes don't build on what was forgotten: where such a replica is heard of again, all of it has to be read.
            _ = tick.tick() => read |= hearing.forget_silent(),
            () = stop.cancelled() => return,
        }
        if read {
            match mailbox.announced().await {
                Ok(all) => {
                    hearing.read(all);
                    read = false;
                }
                Err(error) => tracing::debug!(%error, "the other replicas' servers can't be read"),
            }
        }
    }
}

struct Hearing<'a> {
    peers: &'a Arc<Peers>,
    post: &'a Post,
    tasks: &'a Tasks,
    /// When each was heard last.
    heard: HashMap<ReplicaId, Instant>,
}

impl Hearing<'_> {
    fn take(&mut self, mail: Mail) {
        match mail {
            Mail::Post { from, text } => match serde_json::from_str(&text) {
                Ok(letter) => self.letter(from, letter),
                Err(error) => tracing::debug!(%error, replica = %from, "a letter can't be read"),
            },
            Mail::Announced { from, all, entries } => self.announced(&from, all, entries),
            Mail::Left { from } => self.gone(&from),
            Mail::Missed => {}
        }
    }

    fn letter(&self, from: ReplicaId, letter: Letter) {
        match letter {
            Letter::Question { number, question } => {
                answering::question(self.peers, from, number, question, self.tasks);
            }
            Letter::Answer { number, answer } => self.post.questions.answered(&from, number, answer),
            Letter::Sessions(sessions) => {
                sessions.iter().for_each(|session| self.peers.own.sessions.heard(session));
            }
            Letter::Release { land, reason } => {
                self.peers.registry.release(&land, &reason);
            }
        }
    }

    fn announced(&mut self, from: &ReplicaId, all: bool, entries: Vec<(String, Option<String>)>) {
        let registry = &self.peers.registry;
        if self.heard.insert(from.clone(), Instant::now()).is_none() {
            self.post.live.lock().insert(from.clone());
            tracing::info!(replica = %from, "a replica is there");
        }
        registry.replica_heard(from);
        if all {
            let kept: HashSet<_> = entries.iter().map(|(server, _)| ServerId::new(server)).collect();
            registry.withdrawn_others(from, &kept);
        }
        for (server, notice) in entries {
            match notice.as_deref().map(serde_json::from_str::<Notice>) {
                Some(Ok(notice)) => registry.announced(from, notice),
                Some(Err(error)) => {
                    tracing::warn!(%error, replica = %from, server, "what is said of a server can't be read");
                }
                None => registry.withdrawn(from, &ServerId::new(server)),
            }
        }
    }

    /// What is true of all replicas that live.
    fn read(&mut self, all: Vec<(ReplicaId, HashMap<String, String>)>) {
        let live: HashSet<_> = all.iter().map(|(replica, _)| replica.clone()).collect();
        let gone: Vec<_> = self.heard.keys().filter(|replica| !live.contains(*replica)).cloned().collect();
        for replica in gone {
            self.gone(&replica);
        }
        for (replica, servers) in all {
            let servers = servers.into_iter().map(|(server, notice)| (server, Some(notice)));
            self.announced(&replica, true, servers.collect());
        }
    }

    fn gone(&mut self, replica: &ReplicaId) {
        if self.heard.remove(replica).is_some() {
            self.post.live.lock().remove(replica);
            tracing::info!(%replica, "a replica is gone");
        }
        self.peers.registry.replica_gone(replica);
        self.post.questions.gone(replica);
    }

    /// Whether any was.
    fn forget_silent(&mut self) -> bool {
        let expiry = self.post.pace.expiry;
        let silent = self.heard.iter().filter(|(_, at)| at.elapsed() > expiry);
        let silent: Vec<_> = silent.map(|(replica, _)| replica.clone()).collect();
        for replica in &silent {
            tracing::warn!(%replica, "a replica fell silent; its servers get no lands until they are heard of again");
            self.gone(replica);
        }
        !silent.is_empty()
    }
}
