//! What every storage does, whatever it is made of: the rules in the crate's header, one test each.
//!
//! A new backend adds a line to `backends!` and passes all of it unchanged.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

#[path = "conformance/allocations.rs"]
mod allocations;
#[path = "redis/cluster.rs"]
mod cluster;
#[path = "conformance/fixture.rs"]
mod fixture;
#[path = "redis/ground.rs"]
mod ground;
#[path = "conformance/model.rs"]
mod model;
#[path = "conformance/presence.rs"]
mod presence;
#[path = "conformance/properties.rs"]
mod properties;
#[path = "conformance/queues.rs"]
mod queues;
#[path = "conformance/races.rs"]
mod races;
#[path = "conformance/reports.rs"]
mod reports;
#[expect(dead_code, reason = "here nobody stops a server")]
#[path = "redis/server.rs"]
mod server;
#[path = "conformance/tickets.rs"]
mod tickets;
#[path = "conformance/tokens.rs"]
mod tokens;

macro_rules! backends {
    ($($backend:ident: $new:expr, $histories:expr;)+) => { $( mod $backend {
        cases!($new;
            tickets: an_enqueued_ticket_is_queued_and_readable;
            tickets: the_same_request_again_is_the_same_ticket;
            tickets: a_ticket_id_with_other_content_is_refused;
            tickets: a_group_with_other_content_is_refused;
            tickets: a_player_is_in_one_active_ticket;
            tickets: a_full_queue_takes_no_more;
            tickets: one_queue_more_than_there_may_be_is_refused;
            tickets: cancel_is_final_and_repeatable;
            tickets: an_assigned_ticket_is_not_cancelled;
            tickets: ended_tickets_free_their_group_and_players;
            tickets: a_known_ticket_id_tells_what_became_of_it;
            tickets: ended_tickets_are_kept_and_then_forgotten;
            tickets: what_is_read_comes_in_the_order_asked;
            tickets: followers_are_woken_after_the_change_is_readable;
            queues: a_queue_has_one_owner;
            queues: a_lease_that_ran_out_can_be_taken_over;
            queues: an_older_fence_changes_nothing;
            queues: a_renewed_lease_holds;
            queues: a_feed_has_no_gap;
            queues: a_feed_begins_with_what_is_queued_in_order;
            queues: assign_takes_all_or_none;
            queues: a_ticket_of_another_queue_is_not_assigned;
            queues: only_what_is_due_expires;
            queues: queues_without_an_owner_are_found;
            queues: an_owner_that_is_over_leaves_no_queue_behind;
            reports: the_newest_report_of_a_queue_is_read;
            reports: a_report_ends_with_its_lease;
            reports: an_older_fence_reports_nothing;
            reports: reports_come_in_the_order_of_their_keys;
            reports: a_queue_that_is_over_is_not_reported;
            reports: a_place_is_counted_from_the_oldest;
            reports: a_place_is_one_of_its_own_queue;
            reports: a_place_comes_with_what_the_owner_estimates;
            tokens: a_token_is_redeemed_once;
            tokens: a_redemption_may_be_repeated;
            tokens: of_many_redemptions_at_once_one_is_it;
            tokens: redeemed_tokens_are_forgotten_when_they_expire;
            allocations: an_allocation_is_made_once_and_its_answer_repeated;
            allocations: an_allocation_with_other_content_is_refused;
            allocations: an_attempt_that_came_to_nothing_leaves_nothing;
            allocations: an_attempt_whose_maker_died_is_taken_over_with_its_land;
            allocations: a_land_that_is_gone_is_made_anew_once;
            allocations: an_allocation_is_forgotten_by_its_land;
            allocations: no_more_allocations_are_remembered_than_may_be;
            allocations: allocations_are_forgotten_at_their_time_unless_they_are_kept;
            allocations: of_many_attempts_at_once_one_is_first;
            presence: who_was_seen_the_longest_ago_is_absent_first;
            presence: only_what_is_queued_there_is_noted;
            presence: a_ticket_takes_its_note_along_however_it_ends;
            presence: absent_tickets_are_dropped_and_others_are_not;
            presence: many_are_dropped_at_once;
            presence: an_older_fence_drops_nobody;
            races: cancel_and_assign_never_both_win;
            races: an_absent_ticket_is_dropped_or_assigned_or_cancelled;
            races: one_of_many_enqueues_of_a_player_wins;
            races: one_of_many_claims_wins;
        );

        #[test]
        fn random_transitions_keep_the_rules() {
            crate::properties::random_transitions_keep_the_rules(|| $new, $histories);
        }

        #[test]
        fn random_steps_come_to_the_same_everywhere() {
            crate::allocations::random_steps_come_to_the_same_everywhere(|| $new, $histories);
        }
    } )+ };
}

macro_rules! cases {
    ($new:expr; $($suite:ident: $case:ident;)+) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            // What a storage stands on goes after it.
            let (storage, _ground): (std::sync::Arc<dyn storage::Storage>, _) = $new;
            crate::$suite::$case(storage).await;
        }
    )+ };
}

// With how many random histories: each step of one is several ways to a Redis.
backends! {
    memory: crate::fixture::memory(), 300;
    embedded: crate::fixture::embedded(), 300;
    redis: crate::ground::subject(), 100;
    redis_cluster: crate::ground::cluster_subject(), 100;
}
