//! Which channels are heard, for which feeds and followed tickets.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
};

use matching::{QueueKey, TicketId};

use super::super::{feeds::Feeds, replicas::Arrivals, stored::Stored};
use crate::{QueueChange, Signals};

#[derive(Debug, Default)]
pub(super) struct Table {
    channels: HashMap<String, Channel>,
    pub(super) feeds: Feeds,
    /// The queues of followed tickets.
    pub(super) homes: HashMap<TicketId, QueueKey>,
    /// Of the replicas that this process is; gone with their readers.
    pub(super) mailboxes: Vec<Weak<Arrivals>>,
}

#[derive(Debug)]
struct Channel {
    topic: Topic,
    /// Whether the server has confirmed it.
    heard: bool,
}

/// What a channel is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Topic {
    News(QueueKey),
    Ends(QueueKey),
    Unowned,
    /// What replicas say to each other.
    Mail,
}

/// Whom a message concerns besides the feeds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) ended: Vec<TicketId>,
    pub(super) unowned: bool,
}

impl Table {
    pub(super) fn is_heard(&self, channel: &str) -> bool {
        self.channels.get(channel).is_some_and(|channel| channel.heard)
    }

    pub(super) fn expect(&mut self, channel: String, topic: Topic) {
        self.channels.insert(channel, Channel { topic, heard: false });
    }

    pub(super) fn heard(&mut self, channel: &str) {
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.heard = true;
        }
        for mailbox in self.mailboxes() {
            if mailbox.channels().iter().all(|channel| self.is_heard(channel)) {
                mailbox.begin();
            }
        }
    }

    /// Nothing is heard any more.
    pub(super) fn cut(&mut self) {
        self.channels.clear();
        self.feeds.end_all();
        self.mailboxes().for_each(|mailbox| mailbox.cut());
    }

    fn mailboxes(&self) -> impl Iterator<Item = Arc<Arrivals>> {
        self.mailboxes.iter().filter_map(Weak::upgrade)
    }

    /// The channels of the replicas that this process is.
    pub(super) fn mail(&self) -> HashSet<String> {
        self.mailboxes().flat_map(|mailbox| mailbox.channels().clone()).collect()
    }

    pub(super) fn followed_queues(&self) -> HashSet<QueueKey> {
        self.homes.values().cloned().collect()
    }

    /// Forgets what nobody needs, and returns the channels that may end.
    pub(super) fn tidy(&mut self, signals: &Signals) -> Vec<String> {
        self.feeds.tidy();
        self.homes.retain(|ticket, _| signals.is_followed(ticket));
        self.mailboxes.retain(|mailbox| mailbox.strong_count() > 0);
        self.mailboxes().for_each(|mailbox| mailbox.look());
        let (followed, mail) = (self.followed_queues(), self.mail());
        let feeds = &self.feeds;
        let needed = |name: &String, channel: &Channel| match &channel.topic {
            Topic::News(queue) => feeds.has(queue),
            Topic::Ends(queue) => feeds.has(queue) || followed.contains(queue),
            Topic::Unowned => true,
            Topic::Mail => mail.contains(name),
        };
        self.channels.extract_if(|name, channel| !needed(name, channel)).map(|(channel, _)| channel).collect()
    }

    pub(super) fn take(&mut self, channel: &str, payload: &str) -> Told {
        let Some(Channel { topic, .. }) = self.channels.get(channel) else {
            return Told::default();
        };
        let (head, rest) = payload.split_once('\n').unwrap_or((payload, ""));
        match topic {
            Topic::Mail => {
                let mailboxes = self.mailboxes();
                mailboxes
                    .filter(|of| of.channels().iter().any(|its| its == channel))
                    .for_each(|of| of.take(payload));
                Told::default()
            }
            Topic::Unowned => Told { unowned: true, ..Told::default() },
            Topic::News(queue) => {
                match (head, head.parse(), rest.parse()) {
                    ("lease", _, Ok(fence)) => self.feeds.claimed(queue, fence),
                    (_, Ok(number), _) => {
                        // What can't be read is a gap.
                        let came = Stored::parse(Some(rest)).ok().flatten();
                        let changes = came.map(|ticket| QueueChange::Queued(ticket.state.record));
                        if let Some(change) = changes {
                            self.feeds.take(queue, number, vec![change]);
                        }
                    }
                    _ => {}
                }
                Told::default()
            }
            Topic::Ends(queue) => {
                let ended: Vec<TicketId> = serde_json::from_str(rest).unwrap_or_default();
                if let Ok(number) = head.parse() {
                    let gone = ended.iter().cloned().map(QueueChange::Gone).collect();
                    self.feeds.take(queue, number, gone);
                }
                for ticket in &ended {
                    self.homes.remove(ticket);
                }
                Told { ended, ..Told::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Lease;

    #[test]
    fn a_channel_ends_when_nobody_needs_it() {
        let signals = Arc::new(Signals::default());
        let (queue, ticket) = (QueueKey::new("q"), TicketId::new("t"));
        let mut table = Table::default();
        let mut inbox = signals.inbox();
        inbox.follow(&ticket);
        table.homes.insert(ticket, queue.clone());
        let reader = table.feeds.begin(&Lease { queue: queue.clone(), fence: 1 });
        for (channel, topic) in
            [("news", Topic::News(queue.clone())), ("ends", Topic::Ends(queue)), ("unowned", Topic::Unowned)]
        {
            table.expect(channel.to_owned(), topic);
        }
        assert!(table.tidy(&signals).is_empty());
        drop(reader);
        assert_eq!(table.tidy(&signals), ["news"]);
        drop(inbox);
        assert_eq!(table.tidy(&signals), ["ends"]);
        assert!(table.tidy(&signals).is_empty());
    }

    #[test]
    fn a_message_of_ends_names_whom_to_wake() {
        let mut table = Table::default();
        table.expect("ends".to_owned(), Topic::Ends(QueueKey::new("q")));
        let told = table.take("ends", "7\n[\"a\",\"b\"]");
        assert_eq!(told.ended, [TicketId::new("a"), TicketId::new("b")]);
        assert_eq!(table.take("other", "7\n[\"a\"]"), Told::default());
    }
}
