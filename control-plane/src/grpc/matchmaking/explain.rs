//! "Why am I waiting?"

use matching::{Exclusion, Explanation, TicketId};
use proto::{error::Refusal, matchmaking::v1 as pb};
use storage::{Status, TicketState};

use super::Shared;
use crate::{
    access::Caller,
    delivery,
    grpc::fields::required_id,
    matchmaker::{Outlook, Standing},
};

impl Shared {
    pub(super) async fn explain(
        &self,
        caller: &Caller,
        ticket_id: &str,
    ) -> Result<pb::ExplainTicketResponse, Refusal> {
        required_id("ticket_id", ticket_id)?;
        let state = self.seen(caller, &TicketId::new(ticket_id)).await?;
        let (ticket, queue) = (&state.record.ticket, &state.record.queue);
        let (place, explanation) = if state.status == Status::Queued {
            let (places, explanation) = tokio::join!(self.places([&state]), self.explanation(&state));
            (places.into_iter().next().flatten(), Some(explanation))
        } else {
            (None, None)
        };
        Ok(pb::ExplainTicketResponse {
            ticket_id: ticket.id.to_string(),
            queue_key: queue.to_string(),
            status: delivery::status(&state.status).into(),
            enqueued_at_unix_ms: ticket.enqueued_at.0,
            expires_at_unix_ms: ticket.expires_at.0,
            place: place.map(delivery::queue_place),
            explanation,
        })
    }

    async fn explanation(&self, state: &TicketState) -> pb::Explanation {
        let queue = &state.record.queue;
        let Some(outlook) = self.peers.outlook(queue, &state.record.ticket.id).await else {
            let summary = "The queue's owner did not say how the ticket stands; ask again in a moment.";
            let rules = self.queues.of(queue).shown_rules();
            return pb::Explanation { summary: summary.to_owned(), rules, ..Default::default() };
        };
        let summary = summary(&outlook.standing, &outlook.held_up_by);
        let Outlook { rules, held_up_by, standing } = outlook;
        pb::Explanation { summary, rules, held_up_by, outlook: Some(shown(standing)) }
    }
}

/// What is most in the way.
fn summary(standing: &Standing, held_up_by: &str) -> String {
    let told = match standing {
        Standing::BeingPlaced => return "Its match is being made.".to_owned(),
        Standing::Unfit(why) => return format!("No match can take it: {why}. Cancel it and enqueue again."),
        Standing::Waits(told) => told,
    };
    if told.players_missing == 0 && !held_up_by.is_empty() {
        return format!("Matches are held up: {held_up_by}.");
    }
    if told.candidates == 0 && told.players_missing > 0 {
        return "Nobody else waits in the queue.".to_owned();
    }
    if told.players_missing > 0 {
        let more = match told.players_missing {
            1 => "1 more player is".to_owned(),
            missing => format!("{missing} more players are"),
        };
        return match told.exclusions.first() {
            None => format!("{more} needed."),
            Some(most) => format!("{more} needed that fit; {}.", kept_away(most, told)),
        };
    }
    if told.players_needed <= 1 {
        return "Its match is about to be made.".to_owned();
    }
    "Enough players fit it, but they don't make a match with each other yet.".to_owned()
}

fn kept_away(most: &Exclusion, told: &Explanation) -> String {
    let what = if most.is_rule { format!("the rule `{}`", most.what) } else { most.what.clone() };
    let near = most.nearest_by.map(|by| format!(", the nearest by {}", rounded(by))).unwrap_or_default();
    format!("{what} keeps {} of {} away{near}", most.tickets, told.looked_at)
}

/// Three digits after the point at most.
fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

fn shown(standing: Standing) -> pb::Outlook {
    let told = match standing {
        Standing::BeingPlaced => return pb::Outlook { being_placed: true, ..Default::default() },
        Standing::Unfit(why) => return pb::Outlook { unfit: why, ..Default::default() },
        Standing::Waits(told) => told,
    };
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let nearest_miss = told.nearest_miss().map(|(what, by)| pb::Miss { what: what.to_owned(), by });
    pb::Outlook {
        candidates: count(told.candidates),
        looked_at: count(told.looked_at),
        fitting: count(told.fitting),
        fitting_players: count(told.fitting_players),
        nearest_miss,
        players_needed: count(told.players_needed),
        players_missing: count(told.players_missing),
        next_expansion_at_unix_ms: told.next_change.map_or(0, |at| at.0),
        exclusions: told
            .exclusions
            .into_iter()
            .map(|one| pb::Exclusion {
                what: one.what,
                is_rule: one.is_rule,
                tickets: count(one.tickets),
                nearest_by: one.nearest_by,
            })
            .collect(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits() -> Explanation {
        Explanation {
            candidates: 12,
            looked_at: 12,
            fitting: 3,
            fitting_players: 4,
            exclusions: vec![Exclusion {
                what: "FairSkill".to_owned(),
                is_rule: true,
                tickets: 9,
                nearest_by: Some(40.123_456),
            }],
            players_needed: 10,
            players_missing: 5,
            next_change: None,
        }
    }

    #[test]
    fn what_is_most_in_the_way_is_said_first() {
        let of = |told: Explanation, held_up: &str| summary(&Standing::Waits(told), held_up);
        assert_eq!(
            of(waits(), "no server"),
            "5 more players are needed that fit; the rule `FairSkill` keeps 9 of 12 away, the nearest by 40.123."
        );
        let enough = Explanation { players_missing: 0, ..waits() };
        assert!(of(enough.clone(), "").starts_with("Enough players fit it"));
        assert_eq!(of(enough, "no server is free"), "Matches are held up: no server is free.");
        let alone = Explanation { candidates: 0, looked_at: 0, exclusions: Vec::new(), ..waits() };
        assert_eq!(of(alone, ""), "Nobody else waits in the queue.");
        let one = Explanation { players_missing: 1, exclusions: Vec::new(), ..waits() };
        assert_eq!(of(one, ""), "1 more player is needed.");
        assert!(summary(&Standing::Unfit("it has 3 players".to_owned()), "").contains("3 players"));
    }
}
