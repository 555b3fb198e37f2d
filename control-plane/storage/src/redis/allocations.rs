//! The transitions of allocations: one script each, all in one slot.

use ::redis::Value;
use async_trait::async_trait;
use matching::Time;

use super::{Redis, stored::unreadable};
use crate::{
    AllocationId, Allocations, AttemptId, Begun, KEEP_ATTEMPTS, LandId, MadeAllocation, NewAttempt,
    StorageError,
};

/// Allocations forgotten in one script: while it runs, nobody else is served.
const SWEPT_AT_ONCE: usize = 256;

#[async_trait]
impl Allocations for Redis {
    async fn begin(&self, new: NewAttempt, now: Time) -> Result<Begun, StorageError> {
        let until = now + new.lasting;
        let instead_of = new.instead_of.as_ref().map(to_line).unwrap_or_default();
        let args = [
            new.allocation.as_str(),
            &new.content,
            &to_line(&new.land),
            new.attempt.as_str(),
            &now.0.to_string(),
            &until.0.to_string(),
            &(until + KEEP_ATTEMPTS).0.to_string(),
            &instead_of,
            &new.limit.to_string(),
        ];
        let keys = self.keys.allocations();
        let answer: Vec<String> = self.link.run(&self.scripts.allocations_begin, &keys, &args).await?;
        let parts: Vec<&str> = answer.iter().map(String::as_str).collect();
        Ok(match parts.as_slice() {
            ["first", land, stage] => Begun::First { land: land_of(land)?, again: *stage == "A" },
            ["under way", until] => Begun::UnderWay(Time(until.parse().map_err(|_| unreadable(until))?)),
            ["made", land, answer] => {
                Begun::Made(MadeAllocation { land: land_of(land)?, answer: (*answer).to_owned() })
            }
            ["other"] => Begun::OtherContent,
            ["full"] => Begun::TooMany,
            _ => return Err(unreadable(&answer.join(" "))),
        })
    }

    async fn made(
        &self,
        allocation: &AllocationId,
        attempt: &AttemptId,
        made: &MadeAllocation,
        keep_until: Time,
    ) -> Result<bool, StorageError> {
        let (land, keep_until) = (to_line(&made.land), keep_until.0.to_string());
        let args = [allocation.as_str(), attempt.as_str(), &land, &made.answer, &keep_until];
        self.link.run(&self.scripts.allocations_made, &self.keys.allocations(), &args).await
    }

    async fn give_up(&self, allocation: &AllocationId, attempt: &AttemptId) -> Result<(), StorageError> {
        let args = [allocation.as_str(), attempt.as_str()];
        let keys = self.keys.allocations();
        self.link.run::<Value>(&self.scripts.allocations_give_up, &keys, &args).await.map(drop)
    }

    async fn forget(&self, land: &LandId) -> Result<Option<MadeAllocation>, StorageError> {
        let keys = self.keys.allocations();
        let answer: Option<String> =
            self.link.run(&self.scripts.allocations_forget, &keys, &[&to_line(land)]).await?;
        Ok(answer.map(|answer| MadeAllocation { land: land.clone(), answer }))
    }

    async fn ending(
        &self,
        until: Time,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<(AllocationId, LandId)>, StorageError> {
        let [all, expiry, _] = self.keys.allocations();
        let ids = self.due(&expiry, until, skip, limit).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut get = redis::cmd("HMGET");
        get.arg(all).arg(&ids);
        let values: Vec<Option<String>> = self.link.call(get).await?;
        let lands = ids.into_iter().zip(values).filter_map(|(id, value)| {
            let value = value?;
            let land = value.lines().nth(1).ok_or_else(|| unreadable(&value)).and_then(land_of);
            Some(land.map(|land| (AllocationId::new(id), land)))
        });
        lands.collect()
    }

    async fn keep(
        &self,
        allocation: &AllocationId,
        land: &LandId,
        until: Time,
    ) -> Result<bool, StorageError> {
        let args = [allocation.as_str(), &to_line(land), &until.0.to_string()];
        self.link.run(&self.scripts.allocations_keep, &self.keys.allocations(), &args).await
    }
}

impl Redis {
    pub(super) async fn sweep_allocations(&self, now: Time, limit: usize) -> Result<usize, StorageError> {
        let keys = self.keys.allocations();
        let due = self.due(&keys[1], now, 0, limit).await?;
        let mut swept = 0;
        for some in due.chunks(SWEPT_AT_ONCE) {
            let now = now.0.to_string();
            let args: Vec<&str> =
                std::iter::once(now.as_str()).chain(some.iter().map(String::as_str)).collect();
            swept += self.link.run::<usize>(&self.scripts.allocations_sweep, &keys, &args).await?;
        }
        Ok(swept)
    }

    async fn due(
        &self,
        expiry: &str,
        until: Time,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<String>, StorageError> {
        let mut due = redis::cmd("ZRANGE");
        due.arg(expiry).arg("-inf").arg(until.0).arg("BYSCORE").arg("LIMIT").arg(skip).arg(limit);
        self.link.call(due).await
    }
}

/// A land as one line: an allocation port that isn't ours may call it anything.
fn to_line(land: &LandId) -> String {
    // A string always can be written.
    serde_json::to_string(land).unwrap_or_default()
}

fn land_of(line: &str) -> Result<LandId, StorageError> {
    serde_json::from_str(line).map_err(|_| unreadable(line))
}
