//! What the game server is told, one thing after the other, with a sign of life in between.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior},
};

use crate::{handle::Watch, machine::Notice};

/// How often the game server hears that the connection lives.
const PING: Duration = Duration::from_secs(10);

/// What is next.
#[derive(Debug)]
pub(crate) enum Told {
    Notice(Notice),
    /// Nothing, but the connection lives.
    Ping,
}

/// What was missed, then what follows.
pub(crate) struct Feed {
    missed: VecDeque<Notice>,
    following: mpsc::Receiver<Notice>,
    pings: Interval,
}

impl Feed {
    pub(super) fn new(watch: Watch) -> Self {
        let mut pings = tokio::time::interval_at(Instant::now() + PING, PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { missed: watch.missed.into(), following: watch.following, pings }
    }

    /// `None` at the end: another watch took over, or the agent stops.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        if let Some(notice) = self.missed.pop_front() {
            return Some(Told::Notice(notice));
        }
        tokio::select! {
            // A command is never kept back by a ping.
            biased;
            notice = self.following.recv() => notice.map(Told::Notice),
            _ = self.pings.tick() => Some(Told::Ping),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Draining;

    #[tokio::test(start_paused = true)]
    async fn what_was_missed_comes_first_and_pings_fill_the_silence() {
        let drain = |reason: &str| Notice::Drain(Draining { reason: reason.to_owned(), deadline_ms: None });
        let reason = |told: Option<Told>| match told {
            Some(Told::Notice(Notice::Drain(draining))) => draining.reason,
            other => panic!("{other:?}"),
        };
        let (tell, following) = mpsc::channel(4);
        let mut feed = Feed::new(Watch { missed: vec![drain("before")], following });
        tell.send(drain("after")).await.unwrap();
        assert_eq!(reason(feed.next().await), "before");
        assert_eq!(reason(feed.next().await), "after");
        let silent_since = Instant::now();
        assert!(matches!(feed.next().await, Some(Told::Ping)));
        assert!(silent_since.elapsed() <= PING);
        drop(tell);
        assert!(feed.next().await.is_none(), "it ends with whoever feeds it");
    }
}
