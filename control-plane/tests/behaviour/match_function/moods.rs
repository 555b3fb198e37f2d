//! A function that does well, badly and nothing by turns, while tickets come and are cancelled.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use proto::{match_function::v1 as pb, matchmaking::v1::TicketStatus};
use tonic::Status;

use super::{
    server::{Function, good, nothing, proposals},
    stack_with,
};

/// Whatever it says, every match is whole and no ticket is in two.
#[tokio::test]
async fn a_function_with_moods_breaks_no_invariant() {
    const TICKETS: usize = 120;
    let queue_key = "demo:2v2";
    let function = Function::start().await;
    let dice = Mutex::new(0x9E37_79B9_7F4A_7C15_u64);
    let (calm, is_calm) = tokio::sync::watch::channel(false);
    function.answers(move |round, tickets| {
        let below = |end: usize| {
            let mut dice = dice.lock();
            *dice ^= *dice << 13;
            *dice ^= *dice >> 7;
            *dice ^= *dice << 17;
            usize::try_from(*dice % end as u64).unwrap()
        };
        let mood = if *is_calm.borrow() { 0 } else { below(8) };
        let mut made = good(round, tickets);
        match mood {
            1 => return Err(Status::resource_exhausted("no mood")),
            2 => made.iter_mut().for_each(|one| one.teams.swap(0, 1)),
            3 => made = made.iter().flat_map(|one| [one.clone(), one.clone()]).collect(),
            // Any tickets, in any teams.
            4..8 => {
                let id = || tickets[below(tickets.len())].ticket_id.clone();
                let team = |name: &str| pb::Team {
                    name: name.to_owned(),
                    ticket_ids: (0..1 + below(3)).map(|_| id()).collect(),
                };
                let any = |_| pb::Proposal { teams: vec![team("team-1"), team("team-2")], score: 1.0 };
                made = (0..tickets.len() / 2).map(any).collect();
            }
            _ => {}
        }
        if made.len() > tickets.len() { Ok(nothing()) } else { Ok(proposals(made)) }
    });
    let stack = stack_with(&[(queue_key, function.queue())]).await;
    let mut ids = Vec::new();
    let mut cancelled = Vec::new();
    for n in 0..TICKETS {
        let id = stack.enqueue(queue_key, &[&format!("p-{n}")]).await;
        // Every fifth changes its mind, as long as it is not matched.
        if n % 5 == 4 && stack.cancel(&id).await.cancelled { cancelled.push(id) } else { ids.push(id) }
    }
    calm.send_replace(true);
    // So that the last four are a match.
    for n in 0..4 - ids.len() % 4 {
        ids.push(stack.enqueue(queue_key, &[&format!("q-{n}")]).await);
    }
    let mut matches: BTreeMap<String, usize> = BTreeMap::new();
    for id in &ids {
        let assignment = stack.assignment(id).await;
        assert_eq!(assignment.teams.iter().map(|team| team.player_ids.len()).collect::<Vec<_>>(), [2, 2]);
        *matches.entry(assignment.match_id).or_default() += 1;
    }
    assert!(matches.values().all(|tickets| *tickets == 4), "{matches:?}");
    for id in &cancelled {
        assert_eq!(stack.ticket(id).await.status(), TicketStatus::Cancelled);
    }
    assert_eq!(function.most_at_once(), 1);
    stack.stop().await;
}
