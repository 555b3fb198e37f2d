//! The machine's side of one stream after another: when to try, when to give up, when the next heartbeat is due.
//!
//! Holds no land and sends nothing; the machine asks it what time it is for.

/// How long opening a stream may take, and how long the welcome.
pub(super) const PATIENCE_MS: u64 = 5_000;
/// How long the control plane has to close the stream after a goodbye.
pub(super) const FAREWELL_MS: u64 = 1_000;
/// The first wait before another try, and the longest.
const FIRST_BACKOFF_MS: u64 = 200;
const LONGEST_BACKOFF_MS: u64 = 10_000;
/// A stream that lived this long was a good one: the next loss starts with the first wait again.
const GOOD_STREAM_MS: u64 = 10_000;
/// Where the control plane doesn't say how often it wants a heartbeat, and what is taken from it.
const DEFAULT_INTERVAL_MS: u64 = 2_000;
const INTERVALS_MS: (u64, u64) = (50, 60_000);
/// How long after the last heartbeat an early one may follow: what frees a place waits less than what people look at.
const URGENT_GAP_MS: u64 = 25;
const EARLY_GAP_MS: u64 = 250;

#[derive(Debug)]
pub(super) struct Link {
    pub(super) state: LinkState,
    /// How many replicas of the control plane there are to try, at least one.
    pub(super) replicas: usize,
    /// How many of them failed since the last wait or the last good stream.
    failed: usize,
    /// Waits since the last good stream.
    waits: u32,
    /// Whether there ever was a welcome.
    pub(super) ever_registered: bool,
    /// Whether the loss that lasts has been noted.
    pub(super) noted_lost: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            state: LinkState::default(),
            replicas: 1,
            failed: 0,
            waits: 0,
            ever_registered: false,
            noted_lost: false,
        }
    }
}

#[derive(Debug, Default)]
pub(super) enum LinkState {
    /// Nothing is wanted yet.
    #[default]
    Idle,
    /// The next try is at that time.
    Waiting { until_ms: u64 },
    /// A stream is being opened.
    Opening { give_up_ms: u64 },
    /// It is open, and hello was said.
    Greeting {
        give_up_ms: u64,
        /// Whether there is news since that hello.
        news: bool,
    },
    /// The control plane has welcomed us.
    Registered(Schedule),
    /// Goodbye was said.
    Leaving { give_up_ms: u64 },
    /// Goodbye was said for a game server that may come back.
    Parting { give_up_ms: u64 },
    /// There will be no more streams.
    Ended,
}

/// The heartbeats of one stream.
#[derive(Debug)]
pub(super) struct Schedule {
    since_ms: u64,
    interval_ms: u64,
    sequence: u64,
    last_ms: u64,
    due_ms: u64,
}

impl Link {
    pub(super) fn next_ms(&self) -> Option<u64> {
        match &self.state {
            LinkState::Idle | LinkState::Ended => None,
            LinkState::Waiting { until_ms } => Some(*until_ms),
            LinkState::Opening { give_up_ms }
            | LinkState::Greeting { give_up_ms, .. }
            | LinkState::Parting { give_up_ms }
            | LinkState::Leaving { give_up_ms } => Some(*give_up_ms),
            LinkState::Registered(schedule) => Some(schedule.due_ms),
        }
    }

    pub(super) fn is_registered(&self) -> bool {
        matches!(self.state, LinkState::Registered(_))
    }

    /// Whether a goodbye can still be heard.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, LinkState::Registered(_) | LinkState::Greeting { .. })
    }

    pub(super) fn is_stopping(&self) -> bool {
        matches!(self.state, LinkState::Leaving { .. } | LinkState::Ended)
    }

    pub(super) fn open(&mut self, now_ms: u64) {
        self.state = LinkState::Opening { give_up_ms: now_ms + PATIENCE_MS };
    }

    pub(super) fn opened(&mut self, now_ms: u64) {
        self.state = LinkState::Greeting { give_up_ms: now_ms + PATIENCE_MS, news: false };
    }

    pub(super) fn welcomed(&mut self, now_ms: u64, interval_ms: u64) {
        let news = matches!(self.state, LinkState::Greeting { news: true, .. });
        let interval_ms = match interval_ms {
            0 => DEFAULT_INTERVAL_MS,
            told => told.clamp(INTERVALS_MS.0, INTERVALS_MS.1),
        };
        self.state = LinkState::Registered(Schedule {
            since_ms: now_ms,
            interval_ms,
            sequence: 0,
            // Hello was as good as a heartbeat, unless there was news.
            last_ms: now_ms,
            due_ms: if news { now_ms } else { now_ms + interval_ms },
        });
    }

    /// The stream is lost: tries the other replicas at once, and waits when all of them have failed.
    pub(super) fn lost(&mut self, now_ms: u64, jitter: f64) {
        if let LinkState::Registered(schedule) = &self.state
            && now_ms.saturating_sub(schedule.since_ms) >= GOOD_STREAM_MS
        {
            self.waits = 0;
            self.failed = 0;
        }
        self.failed += 1;
        if self.failed < self.replicas {
            self.state = LinkState::Waiting { until_ms: now_ms };
        } else {
            self.failed = 0;
            self.back_off(now_ms, jitter);
        }
    }

    /// Waits for the next try: twice as long each time, up to a limit, and between half and all of it, as `jitter` (0 to 1) says,
    /// so that a thousand agents don't come back at the same moment.
    fn back_off(&mut self, now_ms: u64, jitter: f64) {
        let doubled = FIRST_BACKOFF_MS << self.waits.min(16);
        self.waits += 1;
        let longest = doubled.min(LONGEST_BACKOFF_MS);
        let share = 0.5 + jitter.clamp(0.0, 1.0) / 2.0;
        let wait_ms = (longest as f64 * share) as u64;
        self.state = LinkState::Waiting { until_ms: now_ms + wait_ms };
    }

    /// A place is free, or no new ones are wanted: the control plane should know at once.
    pub(super) fn hurry(&mut self, now_ms: u64) {
        self.heartbeat_within(now_ms, URGENT_GAP_MS);
    }

    /// People who look should see it soon.
    pub(super) fn soon(&mut self, now_ms: u64) {
        self.heartbeat_within(now_ms, EARLY_GAP_MS);
    }

    fn heartbeat_within(&mut self, now_ms: u64, gap_ms: u64) {
        match &mut self.state {
            LinkState::Registered(schedule) => {
                let at_ms = now_ms.max(schedule.last_ms + gap_ms);
                schedule.due_ms = schedule.due_ms.min(at_ms);
            }
            LinkState::Greeting { news, .. } => *news = true,
            _ => {}
        }
    }

    /// The number of the heartbeat that is due now, where one is.
    pub(super) fn due_heartbeat(&mut self, now_ms: u64) -> Option<u64> {
        let LinkState::Registered(schedule) = &mut self.state else {
            return None;
        };
        if schedule.due_ms > now_ms {
            return None;
        }
        schedule.sequence += 1;
        schedule.last_ms = now_ms;
        schedule.due_ms = now_ms + schedule.interval_ms;
        Some(schedule.sequence)
    }
}
