//! What has come for one replica and waits to be taken.
//!
//! It is written where the connection is read, so nothing here waits, and what is long is read by whoever takes it. It is
//! bounded: where it overflows, announcements are thrown away, because they can be read again; a post that finds no room is
//! lost, as posts may be.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{sync::Notify, time::Instant};

use super::view::{Change, Known, Verdict, View, What};
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

/// What a message was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Letter {
    Post { from: ReplicaId, text: String },
    Change(Change),
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

    /// A message came. What can't be read was written by a newer program, and not for this one.
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

impl Letter {
    /// A line that says what it is and who from, then a text.
    fn parse(message: &str, me: &ReplicaId) -> Option<Self> {
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

    fn size(&self) -> usize {
        match self {
            Self::Post { text, .. }
            | Self::Change(Change { what: What::Announced { entries: text, .. }, .. }) => text.len(),
            Self::Change(Change { what: What::Left, .. }) => 0,
        }
    }
}
