//! How often an address, a player or a socket may ask: by the generic cell rate algorithm of `governor`.
//!
//! Its own stores for keys grow with whoever comes; [`Bounded`] doesn't. Whoever owes least is forgotten first: of a flood
//! of addresses that come once each, every one owes next to nothing, while those that ask without end stay known.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};
use parking_lot::Mutex;
use proto::error::{Reason, Refusal};

use super::Client;
use crate::{config::Limits, identity::Caller};

/// A burst is what may come in this many seconds, at once.
const BURST_S: u32 = 5;

/// For so many keys a rate is known, some megabytes at most.
const SHARDS: usize = 16;
const KEYS_PER_SHARD: usize = 4096;

/// The rates of addresses and players.
pub(crate) struct Rates {
    addresses: Option<Rate>,
    players: Option<Rate>,
    // Keys are kept as hashes: of one size, whatever a client calls itself, and nobody knows which two collide.
    hasher: RandomState,
}

struct Rate {
    per_second: u32,
    limiter: RateLimiter<u64, Bounded, MonotonicClock>,
}

impl Rates {
    /// As configured; 0 is no limit.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            addresses: Rate::new(limits.requests_per_address),
            players: Rate::new(limits.requests_per_player),
            hasher: RandomState::new(),
        }
    }

    /// Whether one more request of this client is too many.
    pub(crate) fn address(&self, client: Client) -> Result<(), Refusal> {
        match (&self.addresses, client.key) {
            (Some(rate), Some(key)) => rate.check(self.hasher.hash_one(key), "your address"),
            _ => Ok(()),
        }
    }

    /// Whether one more request, or action on a socket, is too many of a player who proved who they are.
    pub(crate) fn caller(&self, caller: &Caller) -> Result<(), Refusal> {
        caller.player().map_or(Ok(()), |player| self.player(player.as_str()))
    }

    /// Whether one more request of this player is too many.
    pub(crate) fn player(&self, player_id: &str) -> Result<(), Refusal> {
        match &self.players {
            Some(rate) => rate.check(self.player_key(player_id), "this player"),
            None => Ok(()),
        }
    }

    /// A player, for whoever counts something of theirs.
    pub(crate) fn player_key(&self, player_id: &str) -> u64 {
        self.hasher.hash_one(player_id)
    }
}

impl Rate {
    fn new(per_second: u32) -> Option<Self> {
        let quota = quota(per_second, BURST_S)?;
        let limiter = RateLimiter::new(quota, Bounded::default(), MonotonicClock);
        Some(Self { per_second, limiter })
    }

    fn check(&self, key: u64, whose: &str) -> Result<(), Refusal> {
        self.limiter.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.limiter.clock().now());
            let message = format!("{whose} may ask {} times a second; wait, then go on", self.per_second);
            Refusal::new(Reason::RateLimited, message).retry_after(wait)
        })
    }
}

/// `None` where there is no limit.
fn quota(per_second: u32, burst_s: u32) -> Option<Quota> {
    let burst = NonZeroU32::new(per_second.saturating_mul(burst_s))?;
    Some(Quota::per_second(NonZeroU32::new(per_second)?).allow_burst(burst))
}

/// The rate at which one socket's messages are read.
pub(crate) struct Pace(RateLimiter<NotKeyed, InMemoryState, MonotonicClock>);

/// The pace of a socket; `None` where there is no limit.
pub(crate) fn pace(per_second: u32) -> Option<Pace> {
    Some(Pace(RateLimiter::direct_with_clock(quota(per_second, 2)?, MonotonicClock)))
}

impl Pace {
    /// How long to wait after the message that has just been read.
    pub(crate) fn after_one(&self) -> Option<Duration> {
        self.0.check().err().map(|not_until| not_until.wait_time_from(self.0.clock().now()))
    }
}

/// Until when each key has used up its rate. Never more than a fixed number of keys.
#[derive(Debug, Default)]
struct Bounded {
    // Each held for one key's decision.
    shards: [Mutex<HashMap<u64, Nanos>>; SHARDS],
}

impl StateStore for Bounded {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut shard = self.shards[*key as usize % SHARDS].lock();
        let (outcome, until) = decide(shard.get(key).copied())?;
        if shard.len() >= KEYS_PER_SHARD && !shard.contains_key(key) {
            forget_a_quarter(&mut shard);
        }
        shard.insert(*key, until);
        Ok(outcome)
    }
}

/// Forgets those who owe least: mostly such that owe nothing any more. A quarter at a time, so that it is seldom.
fn forget_a_quarter(shard: &mut HashMap<u64, Nanos>) {
    let mut untils: Vec<Nanos> = shard.values().copied().collect();
    let (_, last, _) = untils.select_nth_unstable(KEYS_PER_SHARD / 4);
    let last = *last;
    shard.retain(|_, until| *until > last);
}

#[cfg(test)]
mod tests {
    use governor::{clock::FakeRelativeClock, middleware::NoOpMiddleware};

    use super::*;

    type Faked = RateLimiter<u64, Bounded, FakeRelativeClock, NoOpMiddleware<Nanos>>;

    fn limiter(clock: &FakeRelativeClock) -> Faked {
        RateLimiter::new(quota(10, BURST_S).unwrap(), Bounded::default(), clock.clone())
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let clock = FakeRelativeClock::default();
        let limiter = limiter(&clock);
        assert_eq!((0..100).filter(|_| limiter.check_key(&1).is_ok()).count(), 50);
        let wait = limiter.check_key(&1).unwrap_err().wait_time_from(clock.now());
        assert_eq!(wait, Duration::from_millis(100));
        limiter.check_key(&2).unwrap();
        clock.advance(Duration::from_secs(1));
        assert_eq!((0..100).filter(|_| limiter.check_key(&1).is_ok()).count(), 10);
    }

    #[test]
    fn a_million_addresses_take_bounded_room_and_hide_nobody() {
        let clock = FakeRelativeClock::default();
        let limiter = limiter(&clock);
        let abuser = u64::MAX;
        while limiter.check_key(&abuser).is_ok() {}
        for address in 0..1_000_000 {
            limiter.check_key(&address).unwrap();
        }
        limiter.check_key(&abuser).unwrap_err();
        let store = limiter.into_state_store();
        let known: usize = store.shards.iter().map(|shard| shard.lock().len()).sum();
        assert!(known <= SHARDS * KEYS_PER_SHARD, "{known}");
    }

    #[test]
    fn none_is_no_limit() {
        assert!(Rate::new(0).is_none() && pace(0).is_none());
        assert!(pace(1).unwrap().after_one().is_none());
    }
}
