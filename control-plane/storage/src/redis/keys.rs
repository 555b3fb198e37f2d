//! What everything is called in Redis.
//!
//! All that belongs to one queue has the hash tag `{q:<queue>}`, so that one script may touch all of it on Redis Cluster.
//! A claim (of a ticket id, a group or a player) stands alone: it is nobody's queue, and spreads over the cluster.

use matching::{GroupId, PlayerId, QueueKey, TicketId};

use crate::ReplicaId;

/// The names under one prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

/// The names of one queue.
#[derive(Debug, Clone)]
pub(super) struct QueueKeys {
    stem: String,
}

impl Keys {
    /// A prefix has no braces: they are what slots are found by.
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub(super) fn queue(&self, queue: &QueueKey) -> QueueKeys {
        QueueKeys { stem: format!("{}{{q:{}}}", self.prefix, escaped(queue.as_str())) }
    }

    /// Which queue a ticket is in, and by which attempt to enqueue it.
    pub(super) fn ticket_claim(&self, ticket: &TicketId) -> String {
        format!("{}ticket:{ticket}", self.prefix)
    }

    /// Which ticket a group has.
    pub(super) fn group_claim(&self, group: &GroupId) -> String {
        format!("{}group:{group}", self.prefix)
    }

    /// Which ticket a player is in.
    pub(super) fn player_claim(&self, player: &PlayerId) -> String {
        format!("{}player:{player}", self.prefix)
    }

    /// Hash: the registered queues, each with its generation.
    pub(super) fn queues(&self) -> String {
        format!("{}{{queues}}", self.prefix)
    }

    /// The newest generation.
    pub(super) fn generation(&self) -> String {
        format!("{}{{queues}}:generation", self.prefix)
    }

    /// The newest fence.
    pub(super) fn fence(&self) -> String {
        format!("{}{{queues}}:fence", self.prefix)
    }

    /// Set: the queues that have ended tickets.
    pub(super) fn queues_to_sweep(&self) -> String {
        format!("{}{{queues}}:ended", self.prefix)
    }

    /// Who sweeps.
    pub(super) fn sweeper(&self) -> String {
        format!("{}{{queues}}:sweeper", self.prefix)
    }

    /// Sorted set: the redeemed tokens by their expiry.
    pub(super) fn redeemed(&self) -> String {
        format!("{}redeemed", self.prefix)
    }

    /// Hash: which redemption each of them was used by. Its hash tag is the whole name of the sorted set, so that both lie in one slot.
    pub(super) fn redeemed_by(&self) -> String {
        format!("{{{}redeemed}}:by", self.prefix)
    }

    /// What allocations are kept in: a hash of them by their ids, a sorted set of the ids by when they are forgotten, and a hash
    /// of the ids by the lands that were made.
    pub(super) fn allocations(&self) -> [String; 3] {
        ["of", "by_expiry", "lands"].map(|part| format!("{}{{allocations}}:{part}", self.prefix))
    }

    /// Sorted set: the live replicas, and some that were, by when they are taken for gone.
    pub(super) fn live_replicas(&self) -> String {
        format!("{}{{replicas}}:live", self.prefix)
    }

    /// Hash: `number` (of its last announcement), and what a replica keeps announced, each name behind a `=`.
    pub(super) fn replica(&self, replica: &ReplicaId) -> String {
        format!("{}{{replicas}}:of:{replica}", self.prefix)
    }

    /// Hash: which replica holds a server, for which instance, and under which term.
    pub(super) fn held_servers(&self) -> String {
        format!("{}{{replicas}}:held", self.prefix)
    }

    /// The newest term.
    pub(super) fn held_term(&self) -> String {
        format!("{}{{replicas}}:term", self.prefix)
    }

    /// Sharded channel: what is for all replicas.
    pub(super) fn replicas_channel(&self) -> String {
        format!("{}{{replicas}}:all", self.prefix)
    }

    /// Sharded channel: what is for one.
    pub(super) fn replica_channel(&self, replica: &ReplicaId) -> String {
        format!("{}{{replicas}}:to:{replica}", self.prefix)
    }

    /// Channel: queues that have tickets and no owner.
    pub(super) fn unowned(&self) -> String {
        format!("{}unowned", self.prefix)
    }
}

impl QueueKeys {
    /// Hash: `seq` (the number of the newest change), `fence`, `until`, `worker` and `report` of the owner, `generation`
    /// of the registration, `dead` (the newest generation that is over).
    pub(super) fn meta(&self) -> String {
        format!("{}:meta", self.stem)
    }

    /// Sorted set: the queued tickets by their order.
    pub(super) fn queued(&self) -> String {
        format!("{}:queued", self.stem)
    }

    /// Sorted set: the ended tickets by when they may be forgotten.
    pub(super) fn ended(&self) -> String {
        format!("{}:ended", self.stem)
    }

    /// Sorted set: the queued tickets of which it was noted when their players were there, by that time.
    pub(super) fn seen(&self) -> String {
        format!("{}:seen", self.stem)
    }

    /// What the scripts that end tickets need before the tickets themselves.
    pub(super) fn of_ends(&self) -> Vec<String> {
        vec![self.meta(), self.queued(), self.ended(), self.seen()]
    }

    /// One ticket.
    pub(super) fn ticket(&self, ticket: &TicketId) -> String {
        format!("{}:t:{ticket}", self.stem)
    }

    /// Sharded channel: what comes into the queue, for its owner.
    pub(super) fn news(&self) -> String {
        format!("{}:news", self.stem)
    }

    /// Sharded channel: what leaves the queue, for its owner and for who follows tickets.
    pub(super) fn ends(&self) -> String {
        format!("{}:ends", self.stem)
    }
}

/// Without braces: a queue's name must not end its own hash tag. Two names never become the same.
fn escaped(queue: &str) -> String {
    queue.replace('%', "%25").replace('{', "%7B").replace('}', "%7D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_queue_has_its_tag() {
        let keys = Keys::new("muster:").queue(&QueueKey::new("a{b}:2%7D"));
        assert_eq!(keys.meta(), "muster:{q:a%7Bb%7D:2%257D}:meta");
        assert_eq!(keys.ticket(&TicketId::new("t")), "muster:{q:a%7Bb%7D:2%257D}:t:t");
    }
}
