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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{
        Event, Metadata, Subscriber,
        field::{Field, Visit},
        span,
    };

    use super::*;

    /// Keeps what events of this name say.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl Subscriber for Heard {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, event: &Event<'_>) {
            if event.metadata().name() == "requeued" {
                let mut said = Said(event.metadata().level().to_string());
                event.record(&mut said);
                self.0.lock().unwrap().push(said.0);
            }
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    struct Said(String);

    impl Visit for Said {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            self.0.push_str(&format!(" {}={value:?}", field.name()));
        }
    }

    #[test]
    fn the_event_says_which_match_and_why() {
        let heard = Heard::default();
        let the_match = Match { records: Vec::new(), teams: Arc::from([]) };
        let id = MatchId::new("m-1");
        tracing::subscriber::with_default(heard.clone(), || {
            let land_type = || "hero".into();
            let error = AllocationError::NoneAnswered {
                land_type: land_type(),
                asked: 3,
                last: "no mood".to_owned(),
            };
            no_land(&the_match, &id, &error);
            no_land(&the_match, &id, &AllocationError::NoServer { land_type: land_type() });
        });
        let said = heard.0.lock().unwrap();
        let [failed, full] = &**said else { panic!("{said:?}") };
        for part in ["WARN", "match=m-1", "asked=3", "reason=\"none_answered\"", "no mood"] {
            assert!(failed.contains(part), "{failed} has no {part}");
        }
        assert!(full.contains("DEBUG") && full.contains("no_server"), "{full}");
    }
}
