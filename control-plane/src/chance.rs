//! What is left to chance: which branch of a `select!` is looked at first, so that none that is always ready keeps the others
//! waiting.
//!
//! In tests the choice comes from numbers that a seed decides, so that a simulation that found something finds it again. Ids
//! are chance as well, but nothing may depend on more than their order of making (UUIDv7).

#[cfg(not(test))]
pub(crate) use tokio::select;

#[cfg(test)]
pub(crate) use self::seeded::{seed, select};

#[cfg(test)]
pub(crate) mod seeded {
    //! Numbers that look random; each thread has its own.

    use std::cell::Cell;

    thread_local! {
        static STATE: Cell<u64> = const { Cell::new(1) };
    }

    /// From now on, this thread's numbers are those of the seed.
    pub(crate) fn seed(seed: u64) {
        STATE.set(seed);
    }

    /// The next number of this thread, below `end`.
    pub(crate) fn below(end: u32) -> u32 {
        // SplitMix64.
        let state = STATE.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        STATE.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed >> 32) % u64::from(end)) as u32
    }

    /// `tokio::select!`, entered where it has chosen its first branch.
    macro_rules! select {
        ($($branches:tt)*) => {
            tokio::select!(@{ start={ $crate::chance::seeded::below(BRANCHES) }; () } $($branches)*)
        };
    }

    pub(crate) use select;
}
