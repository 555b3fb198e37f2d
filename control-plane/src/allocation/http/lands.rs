//! The lands that the service gave lately: one that it gives twice would hold the players of two matches.
//!
//! Each replica knows those that it was given itself.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use storage::LandId;
use tokio::time::Instant;

/// Lands that are remembered at most.
const MOST: usize = 100_000;

/// By land, for what it was given.
#[derive(Debug, Default)]
pub(super) struct Lands {
    given: HashMap<LandId, Given>,
    /// The oldest first; some may have been given back.
    order: VecDeque<(Instant, LandId)>,
}

#[derive(Debug)]
struct Given {
    key: String,
    until: Instant,
}

impl Lands {
    /// Notes a land that was given under `key`, for as long as it lasts. `false`: it was given under another one.
    pub(super) fn take(&mut self, land: &LandId, key: &str, lasting: Duration) -> bool {
        let now = Instant::now();
        while self.order.front().is_some_and(|(until, _)| *until <= now) || self.order.len() >= MOST {
            let Some((until, land)) = self.order.pop_front() else { break };
            // It may have been given back and given again since.
            if self.given.get(&land).is_some_and(|given| given.until == until) {
                self.given.remove(&land);
            }
        }
        match self.given.get(land) {
            Some(known) => known.key == key,
            None => {
                let until = now + lasting;
                self.given.insert(land.clone(), Given { key: key.to_owned(), until });
                self.order.push_back((until, land.clone()));
                true
            }
        }
    }

    /// It was given back, and may be given again.
    pub(super) fn forget(&mut self, land: &LandId) {
        self.given.remove(land);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTING: Duration = Duration::from_secs(300);

    #[tokio::test(start_paused = true)]
    async fn a_land_is_one_matchs_for_as_long_as_it_lasts() {
        let mut lands = Lands::default();
        let (land, one, other) = (LandId::new("a:1"), "one", "other");
        assert!(lands.take(&land, one, LASTING));
        tokio::time::advance(LASTING / 2).await;
        assert!(lands.take(&land, one, LASTING), "its answer was repeated");
        assert!(!lands.take(&land, other, LASTING));
        lands.forget(&land);
        assert!(lands.take(&land, other, LASTING), "it was given back");
        tokio::time::advance(LASTING / 2).await;
        assert!(!lands.take(&land, one, LASTING), "the other one lasts");
        tokio::time::advance(LASTING / 2).await;
        assert!(lands.take(&land, one, LASTING), "it is over");
        assert_eq!((lands.given.len(), lands.order.len()), (1, 1));
    }

    #[test]
    fn no_more_are_remembered_than_may() {
        let mut lands = Lands::default();
        for n in 0..=MOST {
            lands.take(&LandId::new(format!("a:{n}")), "one", LASTING);
        }
        assert_eq!((lands.given.len(), lands.order.len()), (MOST, MOST));
    }
}
