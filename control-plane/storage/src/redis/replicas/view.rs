//! Which announcements are news, and where something was missed.
//!
//! Each replica numbers its announcements without gaps, except that one with everything may jump. What is read from Redis says
//! up to which number it goes, so whatever came over the channel before is known from then on, and what comes after
//! follows on. Where it doesn't, everything is read again: there is one way to recover, and it is the start.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::ReplicaId;

/// A message about what a replica announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: ReplicaId,
    pub(super) number: u64,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// Entries changed, or all are said anew; they are read when somebody takes them.
    Announced { all: bool, lasting: Duration, entries: String },
    /// All is gone.
    Left,
}

/// How much is known of what the others announce.
#[derive(Debug, Default)]
pub(super) enum View {
    /// Nothing is heard.
    #[default]
    Deaf,
    /// Something was missed: until everything is read, changes are of no use.
    Lost,
    /// Everything is being read. Changes wait.
    Reading,
    /// The others' last numbers.
    Open(HashMap<ReplicaId, Known>),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) number: u64,
    /// When it is taken for gone.
    pub(super) until: Instant,
}

/// What to do with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is news, or will be looked at when everything is read.
    Keep,
    /// It is known already, or of no use.
    Drop,
    /// Something before it was missed.
    Missed,
}

impl View {
    pub(super) fn judge(&mut self, change: &Change, now: Instant) -> Verdict {
        let known = match self {
            Self::Deaf | Self::Lost => return Verdict::Drop,
            Self::Reading => return Verdict::Keep,
            Self::Open(known) => known,
        };
        let last = known.get(&change.from).map(|known| known.number);
        if last.is_some_and(|last| change.number <= last) {
            return Verdict::Drop;
        }
        match change.what {
            What::Left => match known.remove(&change.from) {
                Some(_) => Verdict::Keep,
                None => Verdict::Drop,
            },
            What::Announced { all, lasting, .. } => {
                if !all && last.is_none_or(|last| last.saturating_add(1) != change.number) {
                    return Verdict::Missed;
                }
                let until = now + lasting;
                known.insert(change.from.clone(), Known { number: change.number, until });
                Verdict::Keep
            }
        }
    }

    /// Whether a replica should have said long ago that it lives.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        matches!(self, Self::Open(known) if known.values().any(|known| known.until <= now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTING: Duration = Duration::from_secs(8);

    fn announced(from: &str, number: u64, all: bool) -> Change {
        let what = What::Announced { all, lasting: LASTING, entries: String::new() };
        Change { from: ReplicaId::new(from), number, what }
    }

    fn left(from: &str, number: u64) -> Change {
        Change { from: ReplicaId::new(from), number, what: What::Left }
    }

    fn open(known: &[(&str, u64)]) -> View {
        let until = Instant::now() + LASTING;
        View::Open(known.iter().map(|&(id, number)| (ReplicaId::new(id), Known { number, until })).collect())
    }

    fn judge(view: &mut View, change: &Change) -> Verdict {
        view.judge(change, Instant::now())
    }

    #[test]
    fn what_was_read_is_known_and_what_follows_is_news() {
        let mut view = open(&[("a", 5)]);
        assert_eq!(judge(&mut view, &announced("a", 5, false)), Verdict::Drop);
        assert_eq!(judge(&mut view, &announced("a", 4, true)), Verdict::Drop, "older than what was read");
        assert_eq!(judge(&mut view, &announced("a", 6, false)), Verdict::Keep);
        assert_eq!(judge(&mut view, &announced("a", 6, false)), Verdict::Drop, "sent twice");
    }

    #[test]
    fn a_number_that_is_missing_is_noticed() {
        assert_eq!(judge(&mut open(&[("a", 5)]), &announced("a", 7, false)), Verdict::Missed);
        assert_eq!(judge(&mut open(&[]), &announced("a", 7, false)), Verdict::Missed);
        assert_eq!(judge(&mut open(&[("b", 6)]), &announced("a", 7, false)), Verdict::Missed);
    }

    #[test]
    fn whoever_says_everything_needs_no_past() {
        let mut view = open(&[("a", 5)]);
        for (from, number) in [("a", 90), ("b", 7)] {
            assert_eq!(judge(&mut view, &announced(from, number, true)), Verdict::Keep);
            assert_eq!(judge(&mut view, &announced(from, number + 1, false)), Verdict::Keep);
        }
    }

    #[test]
    fn who_leaves_is_gone_unless_it_is_back_already() {
        let mut view = open(&[("a", 5)]);
        assert_eq!(judge(&mut view, &left("a", 4)), Verdict::Drop, "it is back, and that was read");
        assert_eq!(judge(&mut view, &left("a", 6)), Verdict::Keep);
        assert_eq!(judge(&mut view, &left("a", 6)), Verdict::Drop);
        assert_eq!(judge(&mut view, &announced("a", 7, false)), Verdict::Missed);
        assert_eq!(judge(&mut view, &announced("a", 7, true)), Verdict::Keep);
    }

    #[test]
    fn before_everything_is_read_changes_are_of_no_use() {
        for mut view in [View::Deaf, View::Lost] {
            assert_eq!(judge(&mut view, &announced("a", 1, true)), Verdict::Drop);
        }
        assert_eq!(judge(&mut View::Reading, &announced("a", 7, false)), Verdict::Keep);
    }

    #[test]
    fn who_is_silent_for_too_long_is_overdue() {
        let now = Instant::now();
        let mut view = open(&[]);
        view.judge(&announced("a", 1, true), now);
        assert!(!view.is_overdue(now + LASTING / 2));
        view.judge(&announced("a", 2, false), now + LASTING / 2);
        assert!(!view.is_overdue(now + LASTING));
        assert!(view.is_overdue(now + LASTING * 2));
    }
}
