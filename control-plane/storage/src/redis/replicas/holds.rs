//! Which replica has which server.
//!
//! A server id is held by one live replica. An agent's instances grow, so the newest one wins wherever it connects; a server
//! without an agent stays where it is for as long as that replica lives. What a dead replica held is free, and is swept when
//! the replica has been gone for ten minutes: until then one that was only away finds it again, if nobody took it.

use std::{collections::HashSet, sync::atomic::Ordering};

use super::Replicas;
use crate::{
    Hold, ReplicaId, ServerId, StorageError,
    redis::{Redis, stored::unreadable},
};

impl Replicas {
    /// Takes a server id for this replica; `instance` is its agent's. Also says that this replica lives.
    ///
    /// # Errors
    /// Redis is away; it may have been taken.
    pub async fn hold(&self, server: &ServerId, instance: Option<&str>) -> Result<Hold, StorageError> {
        let [live, held, term] = [self.keys.live_replicas(), self.keys.held_servers(), self.keys.held_term()];
        let keys = [live, held, term, self.keys.replica(&self.me)];
        let instance = instance.map_or_else(|| "-".to_owned(), |instance| format!("+{instance}"));
        let args = [server.as_str(), self.me.as_str(), &instance, &self.lasting];
        let answer: (String, String) = self.link.run(&self.scripts.replicas_hold, &keys, &args).await?;
        match (answer.0.as_str(), answer.1) {
            ("held", term) => Ok(Hold::Held { term: term.parse().map_err(|_| unreadable(&term))? }),
            ("superseded", by) => Ok(Hold::Superseded { by }),
            ("elsewhere", replica) => Ok(Hold::Elsewhere(ReplicaId::new(replica))),
            (other, _) => Err(unreadable(other)),
        }
    }

    /// Gives a server id back, where `term` is still the newest; else it is another's.
    ///
    /// # Errors
    /// Redis is away; it may have been given back.
    pub async fn let_go(&self, server: &ServerId, term: u64) -> Result<(), StorageError> {
        let args = [server.as_str(), &term.to_string()];
        self.link.run(&self.scripts.replicas_let_go, &[self.keys.held_servers()], &args).await
    }

    /// Which live replica holds a server; it may be this one.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn holder(&self, server: &ServerId) -> Result<Option<ReplicaId>, StorageError> {
        let keys = [self.keys.live_replicas(), self.keys.held_servers()];
        let holder: Option<String> =
            self.link.run(&self.scripts.replicas_holder, &keys, &[server.as_str()]).await?;
        Ok(holder.map(ReplicaId::new))
    }
}

impl Redis {
    /// Forgets what replicas hold that nobody remembers. Looks at about `limit` servers, and goes on there next time.
    pub(in crate::redis) async fn sweep_held(&self, limit: usize) -> Result<usize, StorageError> {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(self.keys.held_servers())
            .arg(self.sweeping.load(Ordering::Relaxed))
            .arg("COUNT")
            .arg(limit.max(1));
        let (next, held): (u64, Vec<(String, String)>) = self.link.call(scan).await?;
        self.sweeping.store(next, Ordering::Relaxed);
        if held.is_empty() {
            return Ok(0);
        }
        // Read after the servers: whoever held one of them then is in here.
        let mut known = redis::cmd("ZRANGE");
        known.arg(self.keys.live_replicas()).arg(0).arg(-1);
        let known: HashSet<String> = self.link.call(known).await?;
        let mut forget = Vec::new();
        for (server, held) in &held {
            let mut parts = held.split(' ');
            if let (Some(term), Some(replica)) = (parts.next(), parts.next())
                && !known.contains(replica)
            {
                let let_go = &self.scripts.replicas_let_go;
                forget.push(let_go.by_text(&[self.keys.held_servers()], &[server, term]));
            }
        }
        let count = forget.len();
        self.link.all(forget).await?;
        Ok(count)
    }
}
