//! Tickets over gRPC: how they come in, what is refused, and what becomes of them.

use std::time::Duration;

use crate::agent::{Agent, hello};
use crate::stack::{PATIENCE, Stack, config, refusal, request};
use control_plane::QueueEntry;
use proto::{
    error::Reason,
    matchmaking::v1::{self as mm, attribute_value::Kind},
};

#[tokio::test]
async fn a_ticket_that_needs_nobody_else_is_assigned_at_once() {
    let stack = Stack::start().await;
    let mut server = Agent::start(&stack, hello("s-1")).await;
    let id = stack.enqueue("hero-defense", &["p", "q"]).await;
    let order = server.make_land().await;
    assert_eq!(
        (order.player_ids.as_slice(), order.queue_key.as_str()),
        (&["p".to_owned(), "q".to_owned()][..], "hero-defense")
    );

    let assignment = stack.assignment(&id).await;
    assert_eq!((assignment.server_id.as_str(), &assignment.land_id), ("s-1", &order.land_id));
    assert!(assignment.land_id.starts_with("hero-defense:"));
    assert_eq!(
        assignment.connect_url,
        format!("ws://127.0.0.1:7001/game/hero-defense?landId={}", order.land_id)
    );
    assert_eq!(assignment.match_token, assignment.player_tokens["p"]);
    assert_ne!(assignment.player_tokens["p"], assignment.player_tokens["q"]);
    stack.stop().await;
}

#[tokio::test]
async fn solos_fill_two_teams_and_a_party_stays_together() {
    let stack = Stack::start().await;
    let mut server = Agent::start(&stack, hello("s-1")).await;
    let party = stack.enqueue("hero-defense:3v3", &["a", "b"]).await;
    let mut tickets = vec![party];
    for solo in ["c", "d", "e", "f"] {
        assert_eq!(stack.ticket(&tickets[0]).await.status(), mm::TicketStatus::Queued);
        tickets.push(stack.enqueue("hero-defense:3v3", &[solo]).await);
    }
    let order = server.make_land().await;
    assert_eq!(order.player_ids.len(), 6);
    let mut assignments = Vec::new();
    for ticket in &tickets {
        assignments.push(stack.assignment(ticket).await);
    }
    assert!(assignments.iter().all(|one| one.land_id == order.land_id && one.match_id == order.match_id));
    let teams = &assignments[0].teams;
    assert_eq!(teams.iter().map(|team| team.player_ids.len()).collect::<Vec<_>>(), [3, 3]);
    let party_team = teams.iter().find(|team| team.player_ids.contains(&"a".to_owned())).unwrap();
    assert!(party_team.player_ids.contains(&"b".to_owned()), "a party is never split: {teams:?}");
    stack.stop().await;
}

#[tokio::test]
async fn a_group_starts_smaller_when_it_has_waited() {
    let relaxed = QueueEntry {
        min_players: Some(2),
        max_players: Some(4),
        relax_after: Some(Duration::from_millis(300)),
        ..QueueEntry::default()
    };
    let stack = Stack::with(config(), &[("demo:any", relaxed)]).await;
    let server = Agent::start(&stack, hello("s-1")).await.make_all_lands();
    let first = stack.enqueue("demo:any", &["a"]).await;
    let second = stack.enqueue("demo:any", &["b"]).await;
    let (first, second) = (stack.assignment(&first).await, stack.assignment(&second).await);
    assert_eq!(first.land_id, second.land_id);
    stack.stop().await;
    server.abort();
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let stack = Stack::start().await;
    type Spoil = dyn Fn(&mut mm::EnqueueRequest);
    let cases: &[(&Spoil, &[&str])] = &[
        (&|r| r.queue_key.clear(), &["queue_key"]),
        (&|r| r.queue_key = "q".repeat(129), &["queue_key"]),
        (&|r| r.queue_key = "a\u{7}b".to_owned(), &["queue_key"]),
        (&|r| r.ticket_id = "not-a-uuid".to_owned(), &["ticket_id"]),
        (&|r| r.players.clear(), &["players"]),
        (&|r| r.players[0].player_id.clear(), &["players[0].player_id"]),
        (&|r| r.players.push(r.players[0].clone()), &["players[1].player_id"]),
        (&|r| r.players[0].player_id = "x".repeat(129), &["players[0].player_id"]),
        (&|r| r.group_size = Some(2), &["group_size"]),
        (&|r| r.group_id = "g\n".to_owned(), &["group_id"]),
        (&|r| r.constraints_json = "[1]".to_owned(), &["constraints_json"]),
        (&|r| r.players[0].latencies = [("eu".to_owned(), 60_001)].into(), &["players[0].latencies.eu"]),
        (
            &|r| {
                let nan = mm::AttributeValue { kind: Some(Kind::Number(f64::NAN)) };
                r.players[0].attributes = [("skill".to_owned(), nan)].into();
            },
            &["players[0].attributes.skill"],
        ),
        (&|r| r.players = (0..101).map(|n| player(&format!("p{n}"))).collect(), &["players"]),
        (
            &|r| {
                r.queue_key.clear();
                r.group_size = Some(9);
            },
            &["queue_key", "group_size"],
        ),
    ];
    for (spoil, expected) in cases {
        let mut bad = request("hero-defense:3v3", &["p"]);
        spoil(&mut bad);
        let refused = stack.refused(bad).await;
        let named: Vec<_> = refused.fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!((refused.reason, named.as_slice()), (Reason::InvalidRequest, *expected), "{refused:?}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_party_that_fits_no_match_is_refused() {
    let stack = Stack::start().await;
    let refused = stack.refused(request("hero-defense:3v3", &["a", "b", "c", "d"])).await;
    assert_eq!(refused.fields[0].field, "players");
    assert!(refused.message.contains("at most 3"), "{}", refused.message);
    stack.stop().await;
}

#[tokio::test]
async fn the_same_request_again_is_the_same_ticket() {
    let stack = Stack::start().await;
    let mut first = request("hero-defense:3v3", &["a"]);
    first.group_id = "party".to_owned();
    let made = stack.matchmaking().enqueue(first.clone()).await.unwrap().into_inner();
    let again = stack.matchmaking().enqueue(first.clone()).await.unwrap().into_inner();
    assert_eq!(made, again);

    let mut other = first.clone();
    other.region = "eu".to_owned();
    let refused = stack.refused(other).await;
    assert_eq!(
        (refused.reason, &refused.metadata["ticketId"]),
        (Reason::GroupAlreadyQueued, &made.ticket_id)
    );
    let refused = stack.refused(request("elsewhere:2", &["a"])).await;
    assert_eq!((refused.reason, refused.metadata["playerId"].as_str()), (Reason::PlayerAlreadyQueued, "a"));

    // A retry under the ticket's own id finds it, whatever became of it.
    let mut retry = request("hero-defense:3v3", &["b"]);
    retry.ticket_id = "0190b6a0-0000-7000-8000-000000000001".to_owned();
    let made = stack.matchmaking().enqueue(retry.clone()).await.unwrap().into_inner();
    stack.cancel(&made.ticket_id).await;
    let again = stack.matchmaking().enqueue(retry).await.unwrap().into_inner();
    assert_eq!((again.ticket_id, again.status), (made.ticket_id, mm::TicketStatus::Cancelled.into()));
    stack.stop().await;
}

#[tokio::test]
async fn only_configured_queues_where_the_operator_wants_it() {
    let config = control_plane::Config { configured_queues_only: true, ..config() };
    let stack = Stack::with(config, &[("demo:2", QueueEntry::default())]).await;
    assert_eq!(stack.refused(request("demo:3", &["a"])).await.reason, Reason::QueueNotFound);
    stack.enqueue("demo:2", &["a"]).await;
    stack.stop().await;
}

#[tokio::test]
async fn made_up_queues_have_a_limit_and_keep_nobody_out_of_configured_ones() {
    let config =
        control_plane::Config { max_queues: 3, ticket_lifetime: Duration::from_millis(500), ..config() };
    let stack = Stack::with(config, &[("configured:2", QueueEntry::default())]).await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..40 {
        let mut client = stack.matchmaking();
        calls.spawn(
            async move { client.enqueue(request(&format!("made-up-{n}:2"), &[&format!("p{n}")])).await },
        );
    }
    let mut taken = Vec::new();
    for answer in calls.join_all().await {
        match answer {
            Ok(answer) => taken.push(answer.into_inner().ticket_id),
            Err(status) => assert_eq!(proto::error::Refusal::from_status(&status).reason, Reason::QueueFull),
        }
    }
    assert_eq!(taken.len(), 3, "however many come at once");
    stack.enqueue("configured:2", &["a"]).await;
    for id in &taken {
        assert_eq!(stack.ended(id).await.status(), mm::TicketStatus::Expired, "every queue has an owner");
    }
    stack.stop().await;
}

#[tokio::test]
async fn cancel_twice_and_cancel_after_the_assignment() {
    let stack = Stack::start().await;
    let unknown = mm::CancelRequest { ticket_id: "nobody".to_owned() };
    assert_eq!(refusal(stack.matchmaking().cancel(unknown).await).reason, Reason::TicketNotFound);
    let id = stack.enqueue("demo:2", &["a"]).await;
    for _ in 0..2 {
        let answer = stack.cancel(&id).await;
        assert_eq!((answer.cancelled, answer.status()), (true, mm::TicketStatus::Cancelled));
    }
    let server = Agent::start(&stack, hello("s-1")).await.make_all_lands();
    let id = stack.enqueue("demo", &["a"]).await;
    stack.assignment(&id).await;
    let answer = stack.cancel(&id).await;
    assert_eq!((answer.cancelled, answer.status()), (false, mm::TicketStatus::Assigned));
    stack.stop().await;
    server.abort();
}

#[tokio::test]
async fn a_partner_of_a_cancelled_ticket_matches_with_its_age() {
    let stack = Stack::start().await;
    let (old, gone) = (stack.enqueue("demo:2", &["old"]).await, stack.enqueue("demo:2", &["gone"]).await);
    // Without a server the two wait; one leaves, another comes, then a server.
    stack.cancel(&gone).await;
    let new = stack.enqueue("demo:2", &["new"]).await;
    let late = stack.enqueue("demo:2", &["late"]).await;
    let mut server = Agent::start(&stack, hello("s-1")).await;
    let order = server.make_land().await;
    assert_eq!(order.player_ids, ["old", "new"]);
    assert_eq!(stack.assignment(&old).await.match_id, stack.assignment(&new).await.match_id);
    assert_eq!(stack.ticket(&late).await.status(), mm::TicketStatus::Queued);
    stack.stop().await;
}

#[tokio::test]
async fn a_ticket_expires_at_the_end_of_its_lifetime() {
    let short = QueueEntry { ticket_lifetime: Some(Duration::from_millis(300)), ..QueueEntry::default() };
    let stack = Stack::with(config(), &[("demo:2", short)]).await;
    let id = stack.enqueue("demo:2", &["a"]).await;
    let ticket = stack.ended(&id).await;
    assert_eq!(ticket.status(), mm::TicketStatus::Expired);
    assert_eq!(ticket.expires_at_unix_ms, ticket.enqueued_at_unix_ms + 300);
    // Its player is free again.
    stack.enqueue("demo:2", &["a"]).await;
    stack.stop().await;
}

#[tokio::test]
async fn queues_are_listed_with_what_waits_in_them() {
    let stack = Stack::with(config(), &[("configured:2", QueueEntry::default())]).await;
    stack.enqueue("demo:9", &["a", "b"]).await;
    let wanted = |queues: &[mm::Queue]| queues.iter().any(|queue| queue.queued_players == 2);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let queues = loop {
        let answer = stack.matchmaking().list_queues(mm::ListQueuesRequest {}).await.unwrap().into_inner();
        if wanted(&answer.queues) {
            break answer.queues;
        }
        assert!(tokio::time::Instant::now() < deadline, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let shown: Vec<_> =
        queues.iter().map(|q| (q.queue_key.as_str(), q.land_type.as_str(), q.rules.as_str())).collect();
    assert_eq!(shown, [("configured:2", "configured", "group of 2"), ("demo:9", "demo", "group of 9")]);
    assert_eq!(queues[1].queued_tickets, 1);
    stack.stop().await;
}

fn player(id: &str) -> mm::Player {
    mm::Player { player_id: id.to_owned(), ..Default::default() }
}
