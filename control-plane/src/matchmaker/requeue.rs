//! Says that a match did not happen, and its tickets wait in their queue again: with the age that they have.

use storage::MatchId;

use super::place::Match;
use crate::allocation::AllocationError;

/// No land was to be had within the budget of tries and time.
pub(super) fn no_land(the_match: &Match, id: &MatchId, error: &AllocationError) {
    let (reason, asked) = match error {
        AllocationError::NoServer { .. } => ("no_server", 0),
        AllocationError::NoneFits { .. } => ("none_fits", 0),
        AllocationError::NoneAnswered { asked, .. } => ("none_answered", *asked),
        AllocationError::Outside { kind, .. } => (*kind, 1),
    };
    count(reason);
    let tickets = the_match.records.len();
    let oldest = the_match.records.first().map(|record| record.ticket.id.as_str());
    if asked == 0 {
        // Tried again whenever there may be room: this is how a full fleet looks, and the queue's report says so.
        tracing::debug!(name: "requeued", r#match = %id, tickets, oldest, asked, reason, last = %error, "a match's tickets wait again");
    } else {
        tracing::warn!(name: "requeued", r#match = %id, tickets, oldest, asked, reason, last = %error, "a match's tickets wait again");
    }
}

/// Some of its tickets were cancelled meanwhile.
pub(super) fn cancelled(the_match: &Match, id: &MatchId, gone: usize) {
    count("cancelled");
    let tickets = the_match.records.len().saturating_sub(gone);
    tracing::debug!(name: "requeued", r#match = %id, tickets, reason = "cancelled", "a match's tickets wait again");
}

fn count(reason: &'static str) {
    metrics::counter!("control_plane_matches_requeued_total", "reason" => reason).increment(1);
}
