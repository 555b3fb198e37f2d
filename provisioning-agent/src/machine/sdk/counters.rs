//! Counters: numbers between zero and a capacity. `rooms` is the lands.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    super::{MOST_LANDS, Machine, lands::Origin},
    ROOMS, SdkError,
};

/// A number and its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// From 0 to `capacity`.
    pub count: i64,
    /// Not negative.
    pub capacity: i64,
}

impl Counter {
    pub(super) fn zero(capacity: i64) -> Self {
        Self { count: 0, capacity }
    }
}

/// What is to become of a counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CounterChange {
    /// Its number from now on.
    pub count: Option<i64>,
    /// Its limit from now on.
    pub capacity: Option<i64>,
    /// Added to the number.
    pub diff: i64,
}

impl CounterChange {
    /// What comes of it. A limit that sinks takes the number with it, as it does with Agones, except where `keep` forbids it; a
    /// number that is asked for is refused where it doesn't fit.
    fn applied(self, to: Counter, keep: bool) -> Result<Counter, SdkError> {
        if self == Self::default() {
            let nothing = "the change is empty; give count, capacity or countDiff";
            return Err(SdkError::Invalid(nothing.to_owned()));
        }
        let capacity = self.capacity.unwrap_or(to.capacity);
        if capacity < 0 {
            return Err(SdkError::OutOfRange(format!("a capacity can't be {capacity}; give 0 or more")));
        }
        let count = self.count.unwrap_or(to.count).saturating_add(self.diff);
        let asked = self.count.is_some() || self.diff != 0;
        let count = if asked || keep { count } else { count.min(capacity) };
        let most = if keep { capacity.max(to.count) } else { capacity };
        if !(0..=most).contains(&count) {
            return Err(SdkError::OutOfRange(format!(
                "the count would be {count}; it stays within 0 to {capacity}"
            )));
        }
        Ok(Counter { count, capacity })
    }
}

impl Machine {
    /// The counter of that name.
    pub fn sdk_counter(&self, name: &str) -> Result<Counter, SdkError> {
        if name == ROOMS {
            return Ok(self.rooms());
        }
        self.sdk.counters.get(name).copied().ok_or_else(|| no_counter(name))
    }

    /// Changes a counter, or nothing. More `rooms` are lands of the game server's own, with ids from `own`; fewer end its own
    /// lands first, and then the oldest: which ones ended, it says better with the annotation `muster-land-ended`.
    pub fn sdk_update_counter(
        &mut self,
        now_ms: u64,
        name: &str,
        change: CounterChange,
        own: impl FnMut() -> Uuid,
    ) -> Result<Counter, SdkError> {
        let before = self.sdk_counter(name)?;
        // Lands don't end because fewer fit.
        let after = change.applied(before, name == ROOMS)?;
        if name == ROOMS {
            self.set_rooms(now_ms, before, after, own)?;
        } else if before != after {
            self.sdk.counters.insert(name.to_owned(), after);
            self.sdk.revision += 1;
        }
        Ok(after)
    }

    pub(super) fn counters(&self) -> BTreeMap<String, Counter> {
        let mut counters = self.sdk.counters.clone();
        counters.insert(ROOMS.to_owned(), self.rooms());
        counters
    }

    fn rooms(&self) -> Counter {
        let number = |lands: usize| i64::try_from(lands).unwrap_or(i64::MAX);
        Counter { count: number(self.lands.len()), capacity: i64::from(self.terms.capacity) }
    }

    fn set_rooms(
        &mut self,
        now_ms: u64,
        before: Counter,
        after: Counter,
        mut own: impl FnMut() -> Uuid,
    ) -> Result<(), SdkError> {
        if after.capacity != before.capacity {
            let capacity = u32::try_from(after.capacity).ok().filter(|capacity| *capacity <= MOST_LANDS);
            let Some(capacity) = capacity else {
                return Err(SdkError::OutOfRange(format!(
                    "a server can't hold {} lands; give 0 to {MOST_LANDS}",
                    after.capacity
                )));
            };
            self.set_capacity(now_ms, Some(capacity), None);
        }
        for _ in before.count..after.count {
            self.give_itself_a_land(now_ms, own())?;
        }
        let fewer = usize::try_from(before.count - after.count).unwrap_or(0);
        let mut ids: Vec<_> = self.lands.by_age();
        // A stable sort: the oldest stay first among their own.
        ids.sort_by_key(|(_, land)| !matches!(land.origin, Origin::Own));
        let ending: Vec<_> = ids.into_iter().take(fewer).map(|(id, _)| id.clone()).collect();
        for id in ending {
            self.land_ended(now_ms, &id);
        }
        Ok(())
    }
}

fn no_counter(name: &str) -> SdkError {
    SdkError::NotFound(format!(
        "there is no counter `{name}`; the agent makes it with --sdk-counter {name}=CAPACITY"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_stays_within_its_limits() {
        let at = |count| Counter { count, capacity: 10 };
        let change = |count, capacity, diff| CounterChange { count, capacity, diff };
        assert_eq!(change(None, None, 3).applied(at(7), false), Ok(at(10)));
        assert_eq!(change(Some(2), Some(4), 1).applied(at(7), false), Ok(Counter { count: 3, capacity: 4 }));
        assert_eq!(change(None, Some(5), 0).applied(at(7), false), Ok(Counter { count: 5, capacity: 5 }));
        let fewer = Counter { count: 7, capacity: 5 };
        assert_eq!(change(None, Some(5), 0).applied(at(7), true), Ok(fewer));
        assert_eq!(change(None, None, -1).applied(fewer, true), Ok(Counter { count: 6, capacity: 5 }));
        assert!(change(None, None, 1).applied(fewer, true).is_err());
        for wrong in [
            change(None, None, 4),
            change(None, None, -8),
            change(None, None, i64::MIN),
            change(Some(11), None, 0),
            change(Some(6), Some(5), 0),
            change(None, Some(-1), 0),
        ] {
            assert!(matches!(wrong.applied(at(7), false), Err(SdkError::OutOfRange(_))), "{wrong:?}");
        }
        assert!(matches!(change(None, None, 0).applied(at(7), false), Err(SdkError::Invalid(_))));
    }
}
