//! The transitions of allocations, each under the state's lock and answered when it is written.

use async_trait::async_trait;
use matching::Time;

use super::Local;
use crate::{
    AllocationId, Allocations, AttemptId, Begun, LandId, MadeAllocation, NewAttempt, StorageError,
    state::Changed,
};

#[async_trait]
impl Allocations for Local {
    async fn begin(&self, new: NewAttempt, now: Time) -> Result<Begun, StorageError> {
        self.make(|state| state.begin_allocation(new, now)).await
    }

    async fn made(
        &self,
        allocation: &AllocationId,
        attempt: &AttemptId,
        made: &MadeAllocation,
        keep_until: Time,
    ) -> Result<bool, StorageError> {
        self.make(|state| state.made_allocation(allocation, attempt, made, keep_until)).await
    }

    async fn give_up(&self, allocation: &AllocationId, attempt: &AttemptId) -> Result<(), StorageError> {
        self.make(|state| ((), state.give_up_allocation(allocation, attempt))).await
    }

    async fn forget(&self, land: &LandId) -> Result<Option<MadeAllocation>, StorageError> {
        self.make(|state| state.forget_allocation(land)).await
    }

    async fn ending(
        &self,
        until: Time,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<(AllocationId, LandId)>, StorageError> {
        self.make(|state| (state.ending_allocations(until, skip, limit), Changed::default())).await
    }

    async fn keep(
        &self,
        allocation: &AllocationId,
        land: &LandId,
        until: Time,
    ) -> Result<bool, StorageError> {
        self.make(|state| state.keep_allocation(allocation, land, until)).await
    }
}
