//! The game server's health as it is heard: well, suspect, dead.
//!
//! This is the game server's clock, and no other: how the control plane judges the agent is the control plane's affair. It
//! starts with the first contact, so that a game server may load for as long as it likes.

/// How a game server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It was never heard of, or health isn't judged.
    Unknown,
    /// It was heard of within the period.
    Well,
    /// It is silent for longer than the period: no new lands, and nothing else.
    Suspect,
    /// It missed as many periods as it may.
    Dead,
}

impl Standing {
    /// Whether the control plane should leave it alone.
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::Suspect | Self::Dead)
    }
}

/// When a game server counts as silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthTerms {
    /// How often it is to be heard of, in milliseconds. Zero: health isn't judged.
    pub period_ms: u64,
    /// How many periods of silence make it dead, at least two: it is suspect before.
    pub failures: u32,
}

#[derive(Debug)]
pub(super) struct Health {
    terms: HealthTerms,
    /// When it was heard of last.
    last_ms: Option<u64>,
    /// What was said of it last.
    told: Standing,
}

impl Health {
    pub(super) fn new(terms: HealthTerms) -> Self {
        Self { terms, last_ms: None, told: Standing::Unknown }
    }

    pub(super) fn terms(&self) -> HealthTerms {
        self.terms
    }

    /// How it stands, as was said last.
    pub(super) fn told(&self) -> Standing {
        self.told
    }

    /// It was heard of. Returns how it stood before, where that has changed.
    pub(super) fn heard(&mut self, now_ms: u64) -> Option<Standing> {
        if self.terms.period_ms == 0 {
            return None;
        }
        self.last_ms = Some(now_ms);
        self.changed(Standing::Well)
    }

    /// It has ended: nothing is expected of it until it is heard of again.
    pub(super) fn forget(&mut self) {
        self.last_ms = None;
        self.told = Standing::Unknown;
    }

    /// When it changes by silence, at the soonest.
    pub(super) fn next_ms(&self) -> Option<u64> {
        let last_ms = self.last_ms?;
        match self.told {
            Standing::Well => Some(last_ms.saturating_add(self.terms.period_ms)),
            Standing::Suspect => Some(last_ms.saturating_add(self.longest_ms())),
            Standing::Unknown | Standing::Dead => None,
        }
    }

    /// How it stands now, where that has changed.
    pub(super) fn time_passed(&mut self, now_ms: u64) -> Option<Standing> {
        let silent_ms = now_ms.saturating_sub(self.last_ms?);
        let standing = if silent_ms < self.terms.period_ms {
            return None;
        } else if silent_ms < self.longest_ms() {
            Standing::Suspect
        } else {
            Standing::Dead
        };
        self.changed(standing).map(|_| standing)
    }

    fn longest_ms(&self) -> u64 {
        self.terms.period_ms.saturating_mul(self.terms.failures.max(2).into())
    }

    fn changed(&mut self, standing: Standing) -> Option<Standing> {
        let before = std::mem::replace(&mut self.told, standing);
        (before != standing).then_some(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspect_comes_before_dead_and_the_clock_starts_at_first_contact() {
        let mut health = Health::new(HealthTerms { period_ms: 100, failures: 3 });
        assert_eq!((health.next_ms(), health.time_passed(1_000_000)), (None, None), "never heard of");
        assert_eq!(health.heard(1_000_000), Some(Standing::Unknown));
        assert_eq!(health.time_passed(1_000_099), None);
        assert_eq!(health.next_ms(), Some(1_000_100));
        assert_eq!(health.time_passed(1_000_100), Some(Standing::Suspect));
        assert_eq!(health.time_passed(1_000_200), None, "said once");
        assert_eq!(health.next_ms(), Some(1_000_300));
        assert_eq!(health.time_passed(1_000_300), Some(Standing::Dead));
        assert_eq!(health.next_ms(), None);
        assert_eq!(health.heard(1_000_301), Some(Standing::Dead), "who returns is well again");
        assert_eq!(
            health.time_passed(2_000_000),
            Some(Standing::Dead),
            "a driver that was late says what is so"
        );
        health.forget();
        assert_eq!((health.told(), health.next_ms()), (Standing::Unknown, None));
    }

    #[test]
    fn health_that_is_not_judged_stays_unknown() {
        let mut health = Health::new(HealthTerms { period_ms: 0, failures: 3 });
        assert_eq!(health.heard(5), None);
        assert_eq!((health.told(), health.next_ms()), (Standing::Unknown, None));
    }
}
