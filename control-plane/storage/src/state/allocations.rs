//! Lands that services asked for by an id of their own. What each transition means is said at the trait,
//! [`Allocations`](crate::Allocations).

use std::collections::{BTreeSet, HashMap};

use matching::Time;
use serde::{Deserialize, Serialize};

use super::{Changed, Entry, State};
use crate::{AllocationId, AttemptId, Begun, KEEP_ATTEMPTS, LandId, MadeAllocation, NewAttempt};

#[derive(Debug, Default)]
pub(super) struct Allocations {
    known: HashMap<AllocationId, KeptAllocation>,
    /// Those that were made, by their lands.
    by_land: HashMap<LandId, AllocationId>,
    by_expiry: BTreeSet<(Time, AllocationId)>,
}

/// An allocation as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptAllocation {
    id: AllocationId,
    content: String,
    land: LandId,
    stage: Stage,
    keep_until: Time,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// `again`: an attempt before it was not heard of to its end.
    UnderWay {
        attempt: AttemptId,
        until: Time,
        again: bool,
    },
    /// Nobody makes it now, and the land may be there.
    Open,
    Made {
        attempt: AttemptId,
        answer: String,
    },
}

impl KeptAllocation {
    pub(crate) fn id(&self) -> &AllocationId {
        &self.id
    }

    /// As it is for a process that comes after the one that wrote it: that one makes nothing any more.
    pub(super) fn of_the_dead(mut self) -> Self {
        if let Stage::UnderWay { .. } = self.stage {
            self.stage = Stage::Open;
        }
        self
    }

    fn is_made_by(&self, by: &AttemptId) -> bool {
        matches!(&self.stage, Stage::Made { attempt, .. } if attempt == by)
    }

    fn is_tried_by(&self, by: &AttemptId) -> bool {
        matches!(&self.stage, Stage::UnderWay { attempt, .. } if attempt == by)
    }
}

impl Allocations {
    pub(super) fn insert(&mut self, kept: KeptAllocation) {
        self.remove(&kept.id);
        self.by_expiry.insert((kept.keep_until, kept.id.clone()));
        if let Stage::Made { .. } = kept.stage {
            self.by_land.insert(kept.land.clone(), kept.id.clone());
        }
        self.known.insert(kept.id.clone(), kept);
    }

    fn remove(&mut self, id: &AllocationId) -> Option<KeptAllocation> {
        let kept = self.known.remove(id)?;
        self.by_expiry.remove(&(kept.keep_until, kept.id.clone()));
        if self.by_land.get(&kept.land) == Some(id) {
            self.by_land.remove(&kept.land);
        }
        Some(kept)
    }

    /// Forgets those whose time is over, at most `limit` of them.
    pub(super) fn sweep(&mut self, now: Time, limit: usize) -> Vec<AllocationId> {
        let mut swept = Vec::new();
        while swept.len() < limit
            && let Some((_, id)) = self.by_expiry.first().filter(|(at, _)| *at <= now).cloned()
        {
            self.remove(&id);
            swept.push(id);
        }
        swept
    }
}

impl State {
    pub(crate) fn begin_allocation(&mut self, new: NewAttempt, now: Time) -> (Begun, Changed) {
        let nothing = Changed::default();
        let (mut land, mut again) = (new.land, false);
        match self.allocations.known.get(&new.allocation) {
            None if self.allocations.known.len() >= new.limit => return (Begun::TooMany, nothing),
            None => {}
            Some(known) if known.content != new.content => return (Begun::OtherContent, nothing),
            Some(known) => match &known.stage {
                Stage::UnderWay { attempt, again, .. } if *attempt == new.attempt => {
                    return (Begun::First { land: known.land.clone(), again: *again }, nothing);
                }
                Stage::UnderWay { until, .. } if *until > now => return (Begun::UnderWay(*until), nothing),
                Stage::Made { answer, .. } if new.instead_of.as_ref() != Some(&known.land) => {
                    let made = MadeAllocation { land: known.land.clone(), answer: answer.clone() };
                    return (Begun::Made(made), nothing);
                }
                Stage::Made { .. } => {}
                Stage::UnderWay { .. } | Stage::Open => (land, again) = (known.land.clone(), true),
            },
        }
        let until = now + new.lasting;
        let changed = self.keep_allocation_as(KeptAllocation {
            id: new.allocation,
            content: new.content,
            land: land.clone(),
            stage: Stage::UnderWay { attempt: new.attempt, until, again },
            keep_until: until + KEEP_ATTEMPTS,
        });
        (Begun::First { land, again }, changed)
    }

    pub(crate) fn made_allocation(
        &mut self,
        id: &AllocationId,
        attempt: &AttemptId,
        made: &MadeAllocation,
        keep_until: Time,
    ) -> (bool, Changed) {
        let Some(known) = self.allocations.known.get(id) else { return (false, Changed::default()) };
        if !known.is_tried_by(attempt) {
            return (known.is_made_by(attempt), Changed::default());
        }
        let stage = Stage::Made { attempt: attempt.clone(), answer: made.answer.clone() };
        let kept = KeptAllocation { land: made.land.clone(), stage, keep_until, ..known.clone() };
        (true, self.keep_allocation_as(kept))
    }

    pub(crate) fn give_up_allocation(&mut self, id: &AllocationId, attempt: &AttemptId) -> Changed {
        match self.allocations.known.get(id).filter(|known| known.is_tried_by(attempt)) {
            Some(known) if matches!(known.stage, Stage::UnderWay { again: true, .. }) => {
                let kept = KeptAllocation { stage: Stage::Open, ..known.clone() };
                self.keep_allocation_as(kept)
            }
            Some(_) => {
                self.allocations.remove(id);
                Changed { entries: vec![Entry::AllocationOver(id.clone())], ..Changed::default() }
            }
            None => Changed::default(),
        }
    }

    pub(crate) fn forget_allocation(&mut self, land: &LandId) -> (Option<MadeAllocation>, Changed) {
        let id = self.allocations.by_land.get(land).cloned();
        let Some(KeptAllocation { id, land, stage: Stage::Made { answer, .. }, .. }) =
            id.and_then(|id| self.allocations.remove(&id))
        else {
            return (None, Changed::default());
        };
        let changed = Changed { entries: vec![Entry::AllocationOver(id)], ..Changed::default() };
        (Some(MadeAllocation { land, answer }), changed)
    }

    pub(crate) fn ending_allocations(
        &self,
        until: Time,
        skip: usize,
        limit: usize,
    ) -> Vec<(AllocationId, LandId)> {
        let ending = self.allocations.by_expiry.iter().take_while(|(at, _)| *at <= until);
        let ending = ending.skip(skip).take(limit).filter_map(|(_, id)| self.allocations.known.get(id));
        ending.map(|known| (known.id.clone(), known.land.clone())).collect()
    }

    pub(crate) fn keep_allocation(
        &mut self,
        id: &AllocationId,
        land: &LandId,
        until: Time,
    ) -> (bool, Changed) {
        match self.allocations.known.get(id) {
            Some(known) if known.land == *land && matches!(known.stage, Stage::Made { .. }) => {
                if known.keep_until >= until {
                    return (true, Changed::default());
                }
                let kept = KeptAllocation { keep_until: until, ..known.clone() };
                (true, self.keep_allocation_as(kept))
            }
            _ => (false, Changed::default()),
        }
    }

    /// Puts an allocation back that was written down.
    pub(crate) fn restore_allocation(&mut self, kept: KeptAllocation) {
        self.allocations.insert(kept.of_the_dead());
    }

    fn keep_allocation_as(&mut self, kept: KeptAllocation) -> Changed {
        let entries = vec![Entry::Allocation(kept.clone())];
        self.allocations.insert(kept);
        Changed { entries, ..Changed::default() }
    }
}
