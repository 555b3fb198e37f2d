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

    /// Forgets expired tokens, at most `limit` of them: those are refused for their age.
    pub(super) fn sweep(&mut self, now: Time, limit: usize) -> Vec<(Time, TokenId)> {
        let mut swept = Vec::new();
        while swept.len() < limit && self.by_expiry.first().is_some_and(|(at, _)| *at <= now) {
            let over = self.by_expiry.pop_first();
            swept.extend(over.inspect(|(_, token)| {
                self.used.remove(token);
            }));
        }
        swept
    }
}
