//! Tokens that were verified a moment ago: a client sends the same one with every request, and a signature is what costs most.
//!
//! What is kept is a token's hash, never the token. It is believed for a minute, and never longer than the token itself is good: so
//! long does a key that its issuer has withdrawn outlive its withdrawal here. There is room for so many tokens, and where more
//! come, those that were not used for longest are verified again.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest::{SHA256, digest};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{KnownPlayer, Secret};

/// For how long a verification is believed.
const BELIEVED: Duration = Duration::from_secs(60);

/// How many tokens a generation holds; there are two. Some 200 bytes each.
const GENERATION: usize = 32 * 1024;

/// A token's hash. Who can make another token with the same one could forge signatures as well.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    /// Of a token.
    pub(crate) fn of(token: &Secret) -> Self {
        let hash = digest(&SHA256, token.reveal().as_bytes());
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

/// The tokens that were verified a moment ago.
#[derive(Default)]
pub(crate) struct Remembered {
    // Held for a look or an insertion, never over an await.
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<TokenHash, Entry>,
    old: HashMap<TokenHash, Entry>,
}

#[derive(Clone)]
struct Entry {
    player: Arc<KnownPlayer>,
    verified_at: Instant,
}

impl Entry {
    fn is_good(&self) -> bool {
        self.verified_at.elapsed() < BELIEVED && SystemTime::now() < self.player.until
    }
}

impl Remembered {
    /// Whom the token of this hash proved, where that is not long ago.
    pub(crate) fn player(&self, hash: TokenHash) -> Option<Arc<KnownPlayer>> {
        let mut generations = self.generations.lock();
        if let Some(entry) = generations.young.get(&hash) {
            return entry.is_good().then(|| Arc::clone(&entry.player));
        }
        let entry = generations.old.remove(&hash).filter(Entry::is_good)?;
        let player = Arc::clone(&entry.player);
        generations.insert(hash, entry);
        Some(player)
    }

    /// The token of this hash has just been verified.
    pub(crate) fn insert(&self, hash: TokenHash, player: &Arc<KnownPlayer>) {
        let entry = Entry { player: Arc::clone(player), verified_at: Instant::now() };
        self.generations.lock().insert(hash, entry);
    }
}

impl Generations {
    fn insert(&mut self, hash: TokenHash, entry: Entry) {
        if self.young.len() >= GENERATION {
            // Both keep their room: nothing is moved again while they fill up.
            std::mem::swap(&mut self.old, &mut self.young);
            self.young.clear();
        }
        self.young.insert(hash, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::PlayerId;

    fn player(good_for: Duration) -> Arc<KnownPlayer> {
        let until = SystemTime::now() + good_for;
        Arc::new(KnownPlayer { id: PlayerId::new("ann").unwrap(), until })
    }

    fn hash(number: usize) -> TokenHash {
        TokenHash::of(&Secret::new(format!("token {number}")))
    }

    #[tokio::test(start_paused = true)]
    async fn a_verification_is_believed_for_a_minute_and_no_longer_than_the_token_is_good() {
        let remembered = Remembered::default();
        assert!(remembered.player(hash(1)).is_none());
        let ann = player(Duration::from_secs(3_600));
        remembered.insert(hash(1), &ann);
        remembered.insert(hash(2), &player(Duration::ZERO));
        tokio::time::advance(BELIEVED - Duration::from_secs(1)).await;
        assert_eq!(remembered.player(hash(1)), Some(ann));
        assert!(remembered.player(hash(2)).is_none(), "it has expired");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(remembered.player(hash(1)).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_used_stays() {
        let remembered = Remembered::default();
        let ann = player(Duration::from_secs(3_600));
        for number in 0..3 * GENERATION {
            remembered.insert(hash(number), &ann);
            if number % 1_000 == 0 {
                assert!(remembered.player(hash(0)).is_some(), "it is used again and again");
            }
        }
        let generations = remembered.generations.lock();
        assert!(generations.young.len() <= GENERATION && generations.old.len() <= GENERATION);
        assert!(!generations.young.contains_key(&hash(1)) && !generations.old.contains_key(&hash(1)));
    }
}
