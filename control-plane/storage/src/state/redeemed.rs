//! Which tokens were used, and by which redemption, until they expire anyway.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use matching::Time;

use crate::{RedemptionId, TokenId};

#[derive(Debug, Default)]
pub(super) struct Redeemed {
    used: HashMap<TokenId, RedemptionId>,
    by_expiry: BTreeSet<(Time, TokenId)>,
}

impl Redeemed {
    /// Whether it was used.
    pub(super) fn knows(&self, token: &TokenId) -> bool {
        self.used.contains_key(token)
    }

    /// False: it was used before, by another redemption.
    pub(super) fn insert(&mut self, token: &TokenId, by: &RedemptionId, expires_at: Time) -> bool {
        match self.used.entry(token.clone()) {
            Entry::Occupied(used) => used.get() == by,
            Entry::Vacant(unused) => {
                unused.insert(by.clone());
                self.by_expiry.insert((expires_at, token.clone()));
                true
            }
        }
    }

    /// Forgets expired tokens, at most `limit` of them: those are refused for their age.
    pub(super) fn sweep(&mut self, now: Time, limit: usize) -> Vec<(Time, TokenId, RedemptionId)> {
        let mut swept = Vec::new();
        while swept.len() < limit && self.by_expiry.first().is_some_and(|(at, _)| *at <= now) {
            let Some((expires_at, token)) = self.by_expiry.pop_first() else { break };
            swept.extend(self.used.remove(&token).map(|by| (expires_at, token, by)));
        }
        swept
    }
}
