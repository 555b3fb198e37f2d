//! Queues whose matches a function outside proposes: one that does well, and every way to do badly.

mod failing;
mod moods;
mod server;

use std::{sync::Arc, time::Duration};

use control_plane::{Config, QueueEntry};
use parking_lot::Mutex;
use proto::{
    match_function::v1 as pb,
    matchmaking::v1::{self as mm, TicketStatus, attribute_value::Kind},
    provisioning::v1 as pv,
};
use tonic::Status;

use self::server::{Function, good, proposal, proposals};
use crate::{
    agent::{Agent, hello},
    stack::{PATIENCE, Stack, config, keys, request},
};

const QUEUE: &str = "demo:1v1";

/// A stack with a server for very many lands, whose queue `demo:1v1` the function matches.
async fn stack(function: &Function) -> Stack {
    stack_with(&[(QUEUE, function.queue())]).await
}

async fn stack_with(queues: &[(&str, QueueEntry)]) -> Stack {
    let stack = Stack::with(config(), queues).await;
    let server = Agent::start(&stack, pv::Hello { capacity: 10_000, ..hello("s-1") }).await;
    drop(server.make_all_lands());
    stack
}

#[tokio::test]
async fn what_it_proposes_is_played() {
    let function = Function::start().await;
    let stack = stack(&function).await;
    let skilled = |player: &str, skill: f64| {
        let mut request = request(QUEUE, &[player]);
        let kind = Some(Kind::Number(skill));
        request.players[0].attributes.insert("skill".to_owned(), mm::AttributeValue { kind });
        request.players[0].latencies.insert("eu".to_owned(), 20);
        request.region = "eu".to_owned();
        request
    };
    let ann = stack.matchmaking().enqueue(skilled("ann", 7.5)).await.unwrap().into_inner();
    let bob = stack.enqueue(QUEUE, &["bob"]).await;
    let call = function.call(|call| call.tickets.len() == 2).await;
    assert_eq!((call.round.queue_key.as_str(), call.round.rules.as_str()), (QUEUE, "teams 1v1"));
    let team = |name: &str| pb::TeamShape { name: name.to_owned(), min_players: 1, max_players: 1 };
    assert_eq!(call.round.teams, [team("team-1"), team("team-2")]);
    assert_eq!((call.round.min_players, call.round.max_players), (2, 2));
    assert_eq!((call.round.waiting_tickets, call.round.sent_tickets), (2, 2));
    assert_eq!((call.round.max_proposals, call.round.max_names), (2, 64));
    assert_eq!(call.timeout, "1000000u", "it knows its deadline");
    let sent = &call.tickets[0];
    assert_eq!(
        (&sent.ticket_id, &sent.group_id, sent.region.as_str()),
        (&ann.ticket_id, &ann.group_id, "eu")
    );
    assert_eq!(sent.players, skilled("ann", 7.5).players);
    assert!(
        sent.enqueued_at_unix_ms <= call.round.now_unix_ms
            && sent.expires_at_unix_ms > call.round.now_unix_ms
    );
    assert_eq!(stack.ticket(&bob).await.status(), TicketStatus::Queued, "our own engine keeps out of it");

    let (first, second) = (bob.clone(), ann.ticket_id.clone());
    function
        .answers(move |_, _| Ok(proposals(vec![proposal(&[("team-2", &[&second]), ("team-1", &[&first])])])));
    // It is called again when something changes.
    stack.enqueue(QUEUE, &["cat"]).await;
    let (of_ann, of_bob) = (stack.assignment(&ann.ticket_id).await, stack.assignment(&bob).await);
    let team =
        |name: &str, player: &str| mm::Team { name: name.to_owned(), player_ids: vec![player.to_owned()] };
    assert_eq!(of_ann.teams, [team("team-1", "bob"), team("team-2", "ann")]);
    assert_eq!(of_ann.match_id, of_bob.match_id);
    stack.stop().await;
}

/// The ids of two tickets that wait and of one in another queue, and what is proposed of them.
type Wrong = (&'static str, fn(&str, &str, &str) -> Vec<pb::Proposal>);

const WRONG: &[Wrong] = &[
    ("a made-up id", |a, _, _| vec![proposal(&[("team-1", &[a]), ("team-2", &["nobody"])])]),
    ("an id of another queue", |a, _, other| vec![proposal(&[("team-1", &[a]), ("team-2", &[other])])]),
    ("an id without end", |a, _, _| vec![proposal(&[("team-1", &[a]), ("team-2", &[&"x".repeat(100_000)])])]),
    ("a ticket twice", |a, _, _| vec![proposal(&[("team-1", &[a]), ("team-2", &[a])])]),
    ("one team", |a, b, _| vec![proposal(&[("team-1", &[a, b])])]),
    ("a full and an empty team", |a, b, _| vec![proposal(&[("team-1", &[a, b]), ("team-2", &[])])]),
    ("half a match", |a, _, _| vec![proposal(&[("team-1", &[a]), ("team-2", &[])])]),
    ("nobody", |_, _, _| vec![proposal(&[("team-1", &[]), ("team-2", &[])]), proposal(&[])]),
    ("a team that isn't there", |a, b, _| vec![proposal(&[("team-1", &[a]), ("team-3", &[b])])]),
    ("a team twice", |a, b, _| vec![proposal(&[("team-1", &[a]), ("team-1", &[b])])]),
    ("no names", |a, b, _| vec![proposal(&[("", &[a]), ("", &[b])])]),
    ("a score of infinity", |a, b, _| {
        vec![pb::Proposal { score: f64::INFINITY, ..proposal(&[("team-1", &[a]), ("team-2", &[b])]) }]
    }),
];

#[tokio::test]
async fn what_is_no_match_is_refused_and_its_tickets_wait_on() {
    let function = Function::start().await;
    let stack = stack_with(&[(QUEUE, function.queue())]).await;
    let other = stack.enqueue("demo:2", &["other"]).await;
    let (a, b) = (stack.enqueue(QUEUE, &["a"]).await, stack.enqueue(QUEUE, &["b"]).await);
    for &(what, wrong) in WRONG {
        let ids = (a.clone(), b.clone(), other.clone());
        let given = Arc::new(Mutex::new(0));
        let giving = Arc::clone(&given);
        function.answers(move |_, _| {
            *giving.lock() += 1;
            Ok(proposals(wrong(&ids.0, &ids.1, &ids.2)))
        });
        // What comes and goes makes for calls.
        for n in 0..100 {
            let ended = function.ended();
            let id = stack.enqueue(QUEUE, &[&format!("p-{n}")]).await;
            function.ended_after(ended).await;
            assert!(stack.cancel(&id).await.cancelled);
            if *given.lock() >= 2 {
                break;
            }
        }
        assert!(*given.lock() >= 2, "{what}");
        for id in [&a, &b, &other] {
            assert_eq!(stack.ticket(id).await.status(), TicketStatus::Queued, "{what}");
        }
    }
    function.behaves();
    stack.enqueue(QUEUE, &["c"]).await;
    assert_eq!(stack.assignment(&a).await.match_id, stack.assignment(&b).await.match_id);
    assert_eq!(function.most_at_once(), 1);
    stack.stop().await;
}

/// A good proposal, of what there is.
fn first_two(tickets: &[pb::Ticket]) -> pb::ProposeResponse {
    let proposals = match tickets {
        [a, b, ..] => vec![proposal(&[("team-1", &[&a.ticket_id]), ("team-2", &[&b.ticket_id])])],
        _ => Vec::new(),
    };
    pb::ProposeResponse { proposals, again_in_ms: 0 }
}

#[tokio::test]
async fn a_ticket_that_is_cancelled_while_it_thinks_stays_cancelled() {
    let function = Function::start().await;
    let (thinks, done) = tokio::sync::watch::channel(false);
    function.answers(move |_, tickets| {
        let (message, mut done) = (first_two(tickets), done.clone());
        let later = async move {
            drop(done.wait_for(|done| *done).await);
            Ok(message)
        };
        Ok(Box::pin(futures_util::stream::once(later)))
    });
    let queue = QueueEntry { match_function_deadline: Some(PATIENCE), ..function.queue() };
    let stack = stack_with(&[(QUEUE, queue)]).await;
    let a = stack.enqueue(QUEUE, &["a"]).await;
    function.call(|call| call.tickets.len() == 1).await;
    let b = stack.enqueue(QUEUE, &["b"]).await;
    thinks.send_replace(true);
    function.call(|call| call.tickets.len() == 2).await;
    stack.assignment(&a).await;
    stack.assignment(&b).await;
    thinks.send_replace(false);
    let c = stack.enqueue(QUEUE, &["c"]).await;
    let d = stack.enqueue(QUEUE, &["d"]).await;
    function.call(|call| call.tickets.iter().any(|ticket| ticket.ticket_id == c)).await;
    assert!(stack.cancel(&c).await.cancelled);
    thinks.send_replace(true);
    let e = stack.enqueue(QUEUE, &["e"]).await;
    assert_eq!(stack.assignment(&d).await.match_id, stack.assignment(&e).await.match_id);
    assert_eq!(stack.ticket(&c).await.status(), TicketStatus::Cancelled);
    stack.stop().await;
}

#[tokio::test]
async fn its_proposals_keep_the_hard_rules_of_a_rule_set() {
    let rules = r#"{
      "name": "ranked", "ruleLanguageVersion": "1.0",
      "playerAttributes": [{ "name": "skill", "type": "number" }],
      "teams": [{ "name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2 }],
      "rules": [{ "name": "Fair", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 50 }]
    }"#;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ranked.json");
    std::fs::write(&file, rules).unwrap();
    let function = Function::start().await;
    function.behaves();
    let stack = stack_with(&[(QUEUE, QueueEntry { rule_set: Some(file), ..function.queue() })]).await;
    let skilled = async |player: &str, skill: f64| {
        let mut request = request(QUEUE, &[player]);
        let kind = Some(Kind::Number(skill));
        request.players[0].attributes.insert("skill".to_owned(), mm::AttributeValue { kind });
        stack.matchmaking().enqueue(request).await.unwrap().into_inner().ticket_id
    };
    let far = skilled("far", 500.0).await;
    let near = [skilled("a", 100.0).await, skilled("b", 140.0).await];
    let call = function.call(|call| call.tickets.len() == 3).await;
    assert_eq!((call.round.rule_set.as_str(), call.round.teams[1].name.as_str()), ("ranked", "side_2"));
    // It takes the tickets as they came, and so two that are too far apart. The next call comes after that was refused.
    skilled("c", 900.0).await;
    function.call(|call| call.tickets.len() == 4).await;
    assert_eq!(stack.ticket(&near[0]).await.status(), TicketStatus::Queued);
    function.answers(|round, tickets| Ok(proposals(good(round, &tickets[1..]))));
    skilled("d", 2_000.0).await;
    assert_eq!(stack.assignment(&near[0]).await.match_id, stack.assignment(&near[1]).await.match_id);
    assert_eq!(stack.ticket(&far).await.status(), TicketStatus::Queued);
    stack.stop().await;
}

#[tokio::test]
async fn our_own_engine_stands_in_where_it_may() {
    let function = Function::start().await;
    function.answers(|_, _| Err(Status::unimplemented("")));
    let queue = QueueEntry { match_function_fallback: Some(true), ..function.queue() };
    let stack = stack_with(&[(QUEUE, queue)]).await;
    let (a, b) = (stack.enqueue(QUEUE, &["a"]).await, stack.enqueue(QUEUE, &["b"]).await);
    assert_eq!(stack.assignment(&a).await.match_id, stack.assignment(&b).await.match_id);
    assert_eq!(function.called(), 3, "not before it failed three times");
    stack.stop().await;
}

#[tokio::test]
async fn a_queue_gets_and_loses_one_while_tickets_wait() {
    let function = Function::start().await;
    function.answers(|_, _| Ok(Box::pin(tokio_stream::pending())));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("muster.toml");
    let file = |text: &str| std::fs::write(&path, format!("[queues.'{QUEUE}']\n{text}")).unwrap();
    let with_it = format!("match_function = '{}'\nmatch_function_interval = '10ms'\n", function.url);
    file(&with_it);
    let sections = runtime::config::sections::<Config, _>(&path).unwrap();
    let keys = keys();
    let config = Config { config: Some(path.clone()), keys_dir: keys.path().join("keys"), ..config() };
    let stack = Stack::with_sections(config, sections).await.and_keys(keys);
    drop(Agent::start(&stack, hello("s-1")).await.make_all_lands());
    let reload = async || {
        let answer =
            stack.matchmaking().reload_queues(mm::ReloadQueuesRequest {}).await.unwrap().into_inner();
        answer.changes.into_iter().map(|change| change.what).collect::<Vec<_>>()
    };
    let (a, b) = (stack.enqueue(QUEUE, &["a"]).await, stack.enqueue(QUEUE, &["b"]).await);
    function.call(|_| true).await;
    file("");
    assert_eq!(reload().await, [format!("match function: {} → none", function.url)]);
    assert_eq!(stack.assignment(&a).await.match_id, stack.assignment(&b).await.match_id);
    function.ended_after(0).await;
    let c = stack.enqueue(QUEUE, &["c"]).await;
    function.behaves();
    file(&with_it);
    assert_eq!(reload().await, [format!("match function: none → {}", function.url)]);
    let d = stack.enqueue(QUEUE, &["d"]).await;
    assert_eq!(stack.assignment(&c).await.match_id, stack.assignment(&d).await.match_id);
    function.call(|call| call.tickets.iter().any(|ticket| ticket.ticket_id == c)).await;
    stack.stop().await;
}

#[tokio::test]
async fn of_many_tickets_the_oldest_are_sent_and_the_others_move_up() {
    let function = Function::start().await;
    let queue = QueueEntry { match_function_tickets: Some(4), ..function.queue() };
    let stack = stack_with(&[(QUEUE, queue)]).await;
    let mut ids = Vec::new();
    for n in 0..10 {
        ids.push(stack.enqueue(QUEUE, &[&format!("p-{n}")]).await);
    }
    let call = function.call(|call| call.round.waiting_tickets == 10).await;
    let sent: Vec<_> = call.tickets.iter().map(|ticket| ticket.ticket_id.clone()).collect();
    assert_eq!((sent.as_slice(), call.round.sent_tickets), (&ids[..4], 4));
    function.behaves();
    stack.enqueue(QUEUE, &["last"]).await;
    for id in &ids {
        stack.assignment(id).await;
    }
    assert_eq!(function.most_at_once(), 1);
    stack.stop().await;
}

#[tokio::test]
async fn the_end_of_the_program_does_not_wait_for_it() {
    let function = Function::start().await;
    function.answers(|_, _| Ok(Box::pin(tokio_stream::pending())));
    let queue = QueueEntry { match_function_deadline: Some(Duration::from_secs(60)), ..function.queue() };
    let stack = stack_with(&[(QUEUE, queue)]).await;
    stack.enqueue(QUEUE, &["a"]).await;
    function.call(|_| true).await;
    let (ended, ()) = tokio::join!(tokio::time::timeout(PATIENCE, function.ended_after(0)), stack.stop());
    assert!(ended.is_ok(), "its call was broken off");
}
