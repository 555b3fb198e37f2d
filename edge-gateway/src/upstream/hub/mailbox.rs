//! Where a follower's events wait: bounded, without a task of its own, and without memory while it is empty.
//!
//! A channel would do, but reserves room for its messages ahead; there is one mailbox for each idle socket.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Event;

/// The follower is further behind than it may be. It has lost events and must start again from the present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overflowed;

/// Events for one follower, who alone takes them out.
#[derive(Debug)]
pub(crate) struct Mailbox {
    limit: usize,
    // Held to put or to take one event.
    contents: Mutex<Contents>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Contents {
    events: VecDeque<Event>,
    overflowed: bool,
}

impl Mailbox {
    /// Holds up to `limit` events.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, contents: Mutex::default(), arrived: Notify::new() }
    }

    /// Adds an event. Never waits: where there is no room, the follower has overflowed.
    pub(super) fn put(&self, event: Event) {
        let mut contents = self.contents.lock();
        if contents.overflowed {
            return;
        }
        if contents.events.len() < self.limit {
            contents.events.push_back(event);
        } else {
            contents.overflowed = true;
            contents.events = VecDeque::new();
        }
        drop(contents);
        self.arrived.notify_one();
    }

    /// The next event. Can be dropped while it waits without losing one.
    pub(crate) async fn next(&self) -> Result<Event, Overflowed> {
        loop {
            {
                let mut contents = self.contents.lock();
                if contents.overflowed {
                    return Err(Overflowed);
                }
                if let Some(event) = contents.events.pop_front() {
                    if contents.events.is_empty() {
                        contents.events = VecDeque::new();
                    }
                    return Ok(event);
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Waits until there is an overflow.
    pub(crate) async fn overflowed(&self) -> Overflowed {
        // The wake-ups that this takes are not missed: `next` looks before it waits.
        while !self.contents.lock().overflowed {
            self.arrived.notified().await;
        }
        Overflowed
    }
}
