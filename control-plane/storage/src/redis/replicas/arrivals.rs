//! What has come for one replica and waits to be taken.
//!
//! It is written where the connection is read, so nothing here waits, and what is long is read by whoever takes it. It is
//! bounded: where it overflows, announcements are thrown away, because they can be read again; a post that finds no room is
//! lost, as posts may be.

use std::collections::{HashMap, VecDeque};

use parking_lot::{Mutex, MutexGuard};
use tokio::{sync::Notify, time::Instant};

use super::{
    letter::Letter,
    view::{Known, Verdict, View},
};
use crate::ReplicaId;

/// Letters that may wait.
const LETTERS: usize = 4_096;
/// Bytes of text that may wait.
const BYTES: usize = 64 * 1024 * 1024;

/// See the file's header.
#[derive(Debug)]
pub(in crate::redis) struct Arrivals {
    me: ReplicaId,
    /// Everybody's, and this replica's own.
    channels: [String; 2],
    // Held for a short hand-over, never over an await.
    inner: Mutex<Inner>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    view: View,
    letters: VecDeque<Letter>,
    /// How much text waits.
    bytes: usize,
    /// Somebody is still to be told that something was missed.
    missed: bool,
}

/// What is there to take.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Missed,
    Letter(Letter),
}

impl Arrivals {
    pub(super) fn new(me: ReplicaId, channels: [String; 2]) -> Self {
        Self { me, channels, inner: Mutex::default(), news: Notify::new() }
    }

    pub(in crate::redis) fn channels(&self) -> &[String; 2] {
        &self.channels
    }

    /// The channels are heard from here on.
    pub(in crate::redis) fn begin(&self) {
        self.change(|inner| {
            if matches!(inner.view, View::Deaf) {
                inner.view = View::Lost;
                inner.missed = true;
            }
        });
    }

    /// The channels are heard no more.
    pub(in crate::redis) fn cut(&self) {
        self.change(|inner| {
            inner.view = View::Deaf;
            inner.drop_changes();
        });
    }

    /// A message came.
    pub(in crate::redis) fn take(&self, message: &str) {
        if let Some(letter) = Letter::parse(message, &self.me) {
            self.change(|inner| inner.take(letter));
        }
    }

    /// Looks, now and then, whether a replica fell silent, and reminds of what was missed.
    pub(in crate::redis) fn look(&self) {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        if inner.view.is_overdue(now) || matches!(inner.view, View::Lost) && !inner.missed {
            inner.lose();
            self.tell(inner);
        }
    }

    /// Everything begins to be read: what waits is in there, what comes meanwhile may not be.
    pub(super) fn begin_reading(&self) {
        self.change(|inner| {
            inner.drop_changes();
            if !matches!(inner.view, View::Deaf) {
                inner.view = View::Reading;
                inner.missed = false;
            }
        });
    }

    /// Everything was read, up to these numbers.
    pub(super) fn end_reading(&self, known: HashMap<ReplicaId, Known>) {
        self.change(|inner| {
            if matches!(inner.view, View::Reading) {
                inner.view = View::Open(known);
                inner.bytes = 0;
                for letter in std::mem::take(&mut inner.letters) {
                    inner.take(letter);
                }
            }
        });
    }

    /// It could not be read.
    pub(super) fn give_up_reading(&self) {
        let mut inner = self.inner.lock();
        if matches!(inner.view, View::Reading) {
            // Reminded of by `look`, so that nobody tries again at once and for ever.
            inner.lose();
            inner.missed = false;
        }
    }

    /// What waits can't be used.
    pub(super) fn lose(&self) {
        self.change(Inner::lose);
    }

    /// Waits until something is there. Cancel-safe: what was not returned stays.
    pub(super) async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.inner.lock().next() {
                return next;
            }
            self.news.notified().await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.inner.lock();
        change(&mut inner);
        self.tell(inner);
    }

    fn tell(&self, inner: MutexGuard<'_, Inner>) {
        let is_there = inner.missed || !inner.letters.is_empty();
        drop(inner);
        if is_there {
            self.news.notify_one();
        }
    }
}

impl Inner {
    fn take(&mut self, letter: Letter) {
        let verdict = match &letter {
            Letter::Post { .. } => Verdict::Keep,
            Letter::Change(change) => self.view.judge(change, Instant::now()),
        };
        match verdict {
            Verdict::Keep if self.letters.len() < LETTERS && self.bytes + letter.size() <= BYTES => {
                self.bytes += letter.size();
                self.letters.push_back(letter);
            }
            Verdict::Keep | Verdict::Missed => self.lose(),
            Verdict::Drop => {}
        }
    }

    fn lose(&mut self) {
        self.drop_changes();
        // While nothing is heard, that is told when something is.
        if !matches!(self.view, View::Deaf) {
            self.view = View::Lost;
            self.missed = true;
        }
    }

    fn drop_changes(&mut self) {
        self.letters.retain(|letter| matches!(letter, Letter::Post { .. }));
        self.bytes = self.letters.iter().map(Letter::size).sum();
    }

    fn next(&mut self) -> Option<Next> {
        // Whoever was reading everything stopped half-way.
        if matches!(self.view, View::Reading) {
            self.lose();
        }
        if std::mem::take(&mut self.missed) {
            return Some(Next::Missed);
        }
        let letter = self.letters.pop_front()?;
        self.bytes -= letter.size();
        Some(Next::Letter(letter))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;

    fn arrivals() -> Arrivals {
        Arrivals::new(ReplicaId::new("me"), ["all".to_owned(), "mine".to_owned()])
    }

    /// One that has read that nothing is announced.
    fn open() -> Arrivals {
        let arrivals = arrivals();
        arrivals.begin();
        assert_eq!(next(&arrivals), Some(Next::Missed));
        arrivals.begin_reading();
        arrivals.end_reading(HashMap::new());
        arrivals
    }

    fn next(arrivals: &Arrivals) -> Option<Next> {
        arrivals.next().now_or_never()
    }

    fn announced(from: &str, number: u64, all: u8, entries: &str) -> String {
        format!("announced {from} {number} {all} 8000\n{entries}")
    }

    /// The number of a change, 0 for a post.
    fn number(next: Option<Next>) -> Option<u64> {
        match next? {
            Next::Missed => None,
            Next::Letter(Letter::Post { .. }) => Some(0),
            Next::Letter(Letter::Change(change)) => Some(change.number),
        }
    }

    #[test]
    fn what_comes_while_everything_is_read_waits_and_posts_keep_their_place() {
        let arrivals = open();
        arrivals.take(&announced("a", 3, 1, "[]"));
        arrivals.begin_reading();
        for number in 4..7 {
            arrivals.take(&announced("a", number, 0, "[]"));
            arrivals.take("post a\n");
        }
        let known = Known { number: 4, until: Instant::now() + Duration::from_secs(8) };
        arrivals.end_reading(HashMap::from([(ReplicaId::new("a"), known)]));
        let heard: Vec<_> = std::iter::from_fn(|| number(next(&arrivals))).collect();
        assert_eq!(heard, [0, 5, 0, 6, 0], "3 and 4 were read");
        assert_eq!(arrivals.inner.lock().bytes, 0);
    }

    #[test]
    fn a_gap_takes_announcements_away_and_leaves_posts() {
        let arrivals = open();
        arrivals.take(&announced("a", 1, 1, "[]"));
        arrivals.take("post a\n");
        arrivals.take(&announced("a", 3, 0, "[]"));
        arrivals.take(&announced("a", 4, 0, "[]"));
        assert_eq!(next(&arrivals), Some(Next::Missed));
        assert_eq!(number(next(&arrivals)), Some(0));
        assert_eq!(next(&arrivals), None);
    }

    #[test]
    fn a_reading_that_was_given_up_is_reminded_of_and_not_at_once() {
        let arrivals = open();
        arrivals.begin_reading();
        arrivals.give_up_reading();
        assert_eq!(next(&arrivals), None);
        arrivals.look();
        assert_eq!(next(&arrivals), Some(Next::Missed));
        arrivals.begin_reading();
        // Whoever read it was dropped.
        assert_eq!(next(&arrivals), Some(Next::Missed));
    }

    #[test]
    fn a_connection_that_is_lost_while_everything_is_read_leaves_it_to_be_read_again() {
        let arrivals = open();
        arrivals.begin_reading();
        arrivals.cut();
        arrivals.begin();
        arrivals.end_reading(HashMap::new());
        assert_eq!(next(&arrivals), Some(Next::Missed));
    }

    #[test]
    fn while_nothing_is_heard_nothing_is_missed() {
        let arrivals = open();
        arrivals.take(&announced("a", 1, 1, "[]"));
        arrivals.cut();
        arrivals.look();
        assert_eq!(next(&arrivals), None);
        arrivals.begin_reading();
        arrivals.end_reading(HashMap::new());
        arrivals.begin();
        assert_eq!(next(&arrivals), Some(Next::Missed), "what was read before is of no use");
    }

    #[test]
    fn what_nobody_takes_is_bounded() {
        let arrivals = open();
        let long = format!("\"{}\"", "x".repeat(BYTES / 4));
        for number in 1..=5 {
            arrivals.take(&announced("a", number, 1, &long));
        }
        assert_eq!(next(&arrivals), Some(Next::Missed));
        assert_eq!(next(&arrivals), None);
        assert_eq!(arrivals.inner.lock().bytes, 0);
        for _ in 0..=LETTERS {
            arrivals.take("post a\n");
        }
        assert_eq!(next(&arrivals), Some(Next::Missed));
        assert_eq!(std::iter::from_fn(|| next(&arrivals)).count(), LETTERS);
    }
}
