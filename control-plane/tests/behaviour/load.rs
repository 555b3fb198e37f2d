//! Two thousand tickets at once, over the wire.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use crate::agent::{Agent, hello};
use crate::stack::{PATIENCE, Stack, request};
use proto::{
    matchmaking::v1::{self as mm, TicketStatus, watch_request::Action, watch_response::Event},
    provisioning::v1 as pb,
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_stream::wrappers::ReceiverStream;

const TICKETS: usize = 2_000;
const CALLERS: usize = 40;

/// The tickets, and which of them were cancelled for certain.
struct Enqueued {
    ids: Vec<String>,
    cancelled: HashSet<String>,
}

/// Enqueues from many callers at once; each `cancel_every`th ticket is cancelled by its caller right away.
async fn enqueue(
    stack: &Stack,
    queue: &'static str,
    players: fn(usize) -> usize,
    cancel_every: usize,
) -> Enqueued {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let mut client = stack.matchmaking();
        callers.spawn(async move {
            let (mut ids, mut cancelled) = (Vec::new(), Vec::new());
            for n in (caller..TICKETS).step_by(CALLERS) {
                let names: Vec<_> = (0..players(n)).map(|player| format!("p{n}-{player}")).collect();
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                let id = client.enqueue(request(queue, &names)).await.unwrap().into_inner().ticket_id;
                if n % cancel_every == 0 {
                    let request = mm::CancelRequest { ticket_id: id.clone() };
                    let answer = client.cancel(request).await.unwrap().into_inner();
                    cancelled.extend(answer.cancelled.then(|| id.clone()));
                }
                ids.push(id);
            }
            (ids, cancelled)
        });
    }
    let mut all = Enqueued { ids: Vec::new(), cancelled: HashSet::new() };
    for (ids, cancelled) in callers.join_all().await {
        all.ids.extend(ids);
        all.cancelled.extend(cancelled);
    }
    all
}

/// Follows all of them on one stream, until each has ended or only so many are left that may fit no match. Returns those that ended.
async fn watch_to_the_end(stack: &Stack, ids: &[String], may_wait: usize) -> BTreeMap<String, mm::Ticket> {
    let (subscribe, requests) = mpsc::channel(256);
    let mut news = stack.matchmaking().watch(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let subscriptions = ids.to_vec();
    let subscriber = tokio::spawn(async move {
        for id in subscriptions {
            subscribe.send(mm::WatchRequest { action: Some(Action::Subscribe(id)) }).await.unwrap();
        }
        subscribe
    });
    let mut ended = BTreeMap::new();
    while ended.len() + may_wait < ids.len() {
        let response =
            tokio::time::timeout(PATIENCE, news.message()).await.expect("nothing happens any more");
        let response = response.unwrap().unwrap();
        let Some(Event::Ticket(ticket)) = response.event else { panic!("{response:?}") };
        if ticket.status() != TicketStatus::Queued {
            let again = ended.insert(response.ticket_id, ticket);
            assert!(again.is_none(), "told again after its end: {again:?}");
        }
    }
    drop(subscriber.await.unwrap());
    ended
}

/// Gives every land back; then no place is used.
async fn release_all(stack: &Stack, lands: impl Iterator<Item = &String>) {
    let mut calls = JoinSet::new();
    for land in lands {
        let (mut client, land_id) = (stack.provisioning(), land.clone());
        calls.spawn(async move {
            client.release(pb::ReleaseRequest { land_id }).await.unwrap().into_inner().released
        });
    }
    assert!(calls.join_all().await.into_iter().all(|released| released), "a land had gone");
    stack.servers_are(|servers| servers.iter().all(|server| server.lands_used == 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_solos_get_a_land_each_or_their_cancel() {
    let stack = Stack::start().await;
    let mut servers = JoinSet::new();
    for n in 0..4 {
        let server = pb::Hello { capacity: 600, ..hello(&format!("s-{n}")) };
        servers.spawn(Agent::start(&stack, server).await.make_all_lands());
    }
    let all = enqueue(&stack, "demo", |_| 1, 3).await;
    let ended = watch_to_the_end(&stack, &all.ids, 0).await;
    let mut lands = HashSet::new();
    for (id, ticket) in &ended {
        let cancelled = all.cancelled.contains(id);
        assert_eq!(ticket.status() == TicketStatus::Cancelled, cancelled, "{ticket:?}");
        if let Some(assignment) = &ticket.assignment {
            assert!(lands.insert(assignment.land_id.clone()), "two tickets on {}", assignment.land_id);
        }
    }
    assert_eq!(lands.len() + all.cancelled.len(), TICKETS);
    let used: u32 = stack.servers().await.iter().map(|server| server.lands_used).sum();
    assert_eq!(usize::try_from(used), Ok(lands.len()), "what was made for a cancelled ticket was taken back");
    release_all(&stack, lands.iter()).await;
    stack.stop().await;
    servers.abort_all();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_parties_fill_teams_while_servers_refuse() {
    let stack = Stack::start().await;
    let rosters = Arc::new(parking_lot::Mutex::new(HashMap::new()));
    let mut servers = JoinSet::new();
    for n in 0..3 {
        let (rosters, mut asked) = (Arc::clone(&rosters), 0);
        let server = pb::Hello { capacity: 400, ..hello(&format!("s-{n}")) };
        // The first refuses everything, the others now and then.
        let likes = move |order: &pb::AllocateLand| {
            asked += 1;
            let likes = n > 0 && asked % 7 != 0;
            if likes {
                rosters.lock().insert(order.land_id.clone(), order.clone());
            }
            likes
        };
        servers.spawn(Agent::start(&stack, server).await.make_lands(likes));
    }
    let all = enqueue(&stack, "demo:3v3", |n| 1 + n % 3, 5).await;
    let ended = watch_to_the_end(&stack, &all.ids, 400).await;
    let mut players: HashMap<&String, HashSet<&String>> = HashMap::new();
    for (id, ticket) in &ended {
        assert_eq!(ticket.status() == TicketStatus::Cancelled, all.cancelled.contains(id), "{ticket:?}");
        let Some(assignment) = &ticket.assignment else { continue };
        assert_eq!(assignment.teams.iter().map(|team| team.player_ids.len()).collect::<Vec<_>>(), [3, 3]);
        let together =
            |team: &mm::Team| ticket.player_ids.iter().all(|player| team.player_ids.contains(player));
        assert!(assignment.teams.iter().any(together), "a party was split: {ticket:?}");
        for player in &ticket.player_ids {
            assert!(
                players.entry(&assignment.land_id).or_default().insert(player),
                "{player} is there twice"
            );
        }
    }
    assert!(!players.is_empty());
    // Every match is whole once all its tickets were heard of.
    let rosters = std::mem::take(&mut *rosters.lock());
    for (land, players) in &players {
        assert!(
            players.iter().all(|player| rosters[*land].player_ids.contains(player)),
            "not on the roster of {land}"
        );
    }
    for id in &all.ids {
        stack.cancel(id).await;
    }
    let settled = |servers: &[pb::Server]| {
        servers.iter().all(|server| server.lands.iter().all(|land| land.state() == pb::LandState::Ready))
    };
    let servers_now = stack.servers_are(settled).await;
    let lands: Vec<_> =
        servers_now.into_iter().flat_map(|server| server.lands).map(|land| land.land_id).collect();
    release_all(&stack, lands.iter()).await;
    stack.stop().await;
    servers.abort_all();
    tokio::time::timeout(Duration::from_secs(5), servers.join_all()).await.ok();
}
