//! Counters: numbers between zero and a capacity. `rooms` is the lands.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    super::{Machine, lands::Origin},
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
    /// What comes of it. A limit that sinks takes the number with it, as it does with Agones; a number that is asked for is
    /// refused where it doesn't fit.
    fn applied(self, to: Counter) -> Result<Counter, SdkError> {
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
        let count = if asked { count } else { count.min(capacity) };
        if !(0..=capacity).contains(&count) {
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
        let after = change.applied(before)?;
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
        Counter { count: number(self.lands.len()), capacity: number(self.terms.capacity) }
    }

    fn set_rooms(
        &mut self,
        now_ms: u64,
        before: Counter,
        after: Counter,
        mut own: impl FnMut() -> Uuid,
    ) -> Result<(), SdkError> {
        if after.capacity != before.capacity {
            return Err(SdkError::Precondition(
                "how many lands the server can hold is said to its agent at its start, with --capacity"
                    .to_owned(),
            ));
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
        assert_eq!(change(None, None, 3).applied(at(7)), Ok(at(10)));
        assert_eq!(change(Some(2), Some(4), 1).applied(at(7)), Ok(Counter { count: 3, capacity: 4 }));
        assert_eq!(change(None, Some(5), 0).applied(at(7)), Ok(Counter { count: 5, capacity: 5 }));
        for wrong in [
            change(None, None, 4),
            change(None, None, -8),
            change(None, None, i64::MIN),
            change(Some(11), None, 0),
            change(Some(6), Some(5), 0),
            change(None, Some(-1), 0),
        ] {
            assert!(matches!(wrong.applied(at(7)), Err(SdkError::OutOfRange(_))), "{wrong:?}");
        }
        assert!(matches!(change(None, None, 0).applied(at(7)), Err(SdkError::Invalid(_))));
    }
}
