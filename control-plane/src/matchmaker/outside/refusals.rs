//! Proposals that were refused: counted by reason, and said once for all of a kind.

use std::collections::BTreeMap;

use matching::QueueKey;

/// Why a proposal is no match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    UnknownTicket,
    TicketTwice,
    /// It is in a better proposal.
    TicketTaken,
    /// It was when it was sent.
    NotQueued,
    Expired,
    Teams,
    Size,
    TooYoung,
    Rule,
    Score,
}

/// A reason, and the case for people.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) reason: Reason,
    pub(super) case: String,
}

/// The refusals of one look at proposals.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<Reason, (u64, String)>);

impl Refused {
    pub(super) fn new(reason: Reason, case: String) -> Self {
        Self { reason, case }
    }
}

impl Reason {
    /// As metrics name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::UnknownTicket => "unknown_ticket",
            Self::TicketTwice => "ticket_twice",
            Self::TicketTaken => "ticket_taken",
            Self::NotQueued => "not_queued",
            Self::Expired => "expired",
            Self::Teams => "teams",
            Self::Size => "size",
            Self::TooYoung => "min_wait",
            Self::Rule => "rule",
            Self::Score => "score",
        }
    }

    /// Whether a function that makes no mistake has such refusals too: meanwhile a ticket was cancelled, expired, or taken by the last
    /// answer, or it meant the second proposal for the case that the first fails.
    fn is_usual(self) -> bool {
        matches!(self, Self::NotQueued | Self::Expired | Self::TicketTaken)
    }
}

impl Refusals {
    pub(super) fn add(&mut self, refused: Refused) {
        self.0.entry(refused.reason).or_insert_with(|| (0, refused.case)).0 += 1;
    }

    /// How many there are of each kind.
    #[cfg(test)]
    pub(super) fn counts(&self) -> Vec<(Reason, u64)> {
        self.0.iter().map(|(reason, (count, _))| (*reason, *count)).collect()
    }

    /// Counts them, and says one of each kind.
    pub(super) fn tell(self, queue: &QueueKey) {
        for (reason, (count, case)) in self.0 {
            proposals(reason.name(), count);
            let reason_name = reason.name();
            if reason.is_usual() {
                tracing::debug!(%queue, reason = reason_name, count, case, "proposals of the queue's match function are refused");
            } else {
                tracing::warn!(%queue, reason = reason_name, count, case, "proposals of the queue's match function are refused");
            }
        }
    }
}

/// Counts proposals by what became of them.
pub(super) fn proposals(outcome: &'static str, count: u64) {
    metrics::counter!("control_plane_match_function_proposals_total", "outcome" => outcome).increment(count);
}
