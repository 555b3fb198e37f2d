//! Which tokens were used, until they expire anyway.

use std::collections::{BTreeSet, HashSet};

use matching::Time;

use crate::TokenId;

#[derive(Debug, Default)]
pub(super) struct Redeemed {
    used: HashSet<TokenId>,
    by_expiry: BTreeSet<(Time, TokenId)>,
}

impl Redeemed {
    /// False: it was used before.
    pub(super) fn insert(&mut self, token: &TokenId, expires_at: Time) -> bool {
        let first = self.used.insert(token.clone());
        if first {
            self.by_expiry.insert((expires_at, token.clone()));
        }
        first
    }

    /// Forgets expired tokens: those are refused for their age.
    pub(super) fn sweep(&mut self, now: Time, limit: usize) -> usize {
        let mut swept = 0;
        while swept < limit && self.by_expiry.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, token)) = self.by_expiry.pop_first() {
                self.used.remove(&token);
                swept += 1;
            }
        }
        swept
    }
}
