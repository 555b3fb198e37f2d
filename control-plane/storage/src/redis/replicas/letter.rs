//! A message between replicas, as it stands in a channel.
//!
//! A line that says what it is and who it is from, then a text. What can't be read was written by a newer program, and is not
//! for this one.

use std::time::Duration;

use super::view::{Change, What};
use crate::ReplicaId;

/// What a message was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Letter {
    Post { from: ReplicaId, text: String },
    Change(Change),
}

impl Letter {
    /// `None`: it isn't for the replica `me`.
    pub(super) fn parse(message: &str, me: &ReplicaId) -> Option<Self> {
        let (head, text) = message.split_once('\n')?;
        let mut head = head.split(' ');
        let (kind, from) = (head.next()?, ReplicaId::new(head.next()?));
        // What is for all comes back to its sender too.
        if from == *me && kind != "post" {
            return None;
        }
        let mut number = || head.next()?.parse().ok();
        let (number, what) = match kind {
            "post" | "post-to-all" => return Some(Self::Post { from, text: text.to_owned() }),
            "left" => (number()?, What::Left),
            "announced" => {
                let (at, all, lasting) = (number()?, number()? == 1, Duration::from_millis(number()?));
                (at, What::Announced { all, lasting, entries: text.to_owned() })
            }
            _ => return None,
        };
        Some(Self::Change(Change { from, number, what }))
    }

    /// Bytes of its text.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Post { text, .. }
            | Self::Change(Change { what: What::Announced { entries: text, .. }, .. }) => text.len(),
            Self::Change(Change { what: What::Left, .. }) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(message: &str) -> Option<Letter> {
        Letter::parse(message, &ReplicaId::new("me"))
    }

    #[test]
    fn what_is_not_for_this_replica_is_left() {
        let ours = ["post-to-all me\ntext", "announced me 1 1 8000\n[]", "left me 1\n"];
        let unreadable = ["", "post", "post a", "left a\n", "left a b\n", "new-kind a\n", "announced a 1\n"];
        for message in ours.into_iter().chain(unreadable) {
            assert_eq!(parse(message), None, "{message:?}");
        }
    }

    #[test]
    fn a_letter_says_who_it_is_from() {
        let from = ReplicaId::new("a");
        for kind in ["post", "post-to-all"] {
            let post = Letter::Post { from: from.clone(), text: "b\nc".to_owned() };
            assert_eq!(parse(&format!("{kind} a\nb\nc")), Some(post));
        }
        let change = |number, what| Some(Letter::Change(Change { from: from.clone(), number, what }));
        assert_eq!(parse("left a 7\n"), change(7, What::Left));
        let lasting = Duration::from_secs(8);
        for all in [true, false] {
            let what = What::Announced { all, lasting, entries: "[]".to_owned() };
            assert_eq!(parse(&format!("announced a 7 {} 8000\n[]", u8::from(all))), change(7, what));
        }
    }
}
