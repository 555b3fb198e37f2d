//! The same allocation again: at another replica, after a restart, after its maker was killed, after its release.

use std::time::Duration;

use control_plane::{Config, Role, State};
use proto::{
    error::Reason,
    provisioning::v1::{self as pb, land_answer::Outcome},
};
use tokio::task::JoinSet;
use tonic::Request;

use super::request;
use crate::{
    agent::{Agent, hello},
    process::Process,
    replicas::Shared,
    stack::{Stack, config, keys, refusal},
};

const READY: Outcome = Outcome::Ready(pb::LandReady {});

#[tokio::test]
async fn calls_at_once_with_one_id_get_one_land() {
    let stack = Stack::start().await;
    let mut server = Agent::start(&stack, hello("s-1")).await;
    stack.servers_are(|servers| servers.len() == 1).await;
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let mut client = stack.provisioning();
        calls.spawn(async move { client.allocate(request("a")).await.unwrap().into_inner() });
    }
    let order = server.make_land().await;
    let lands = calls.join_all().await;
    assert!(lands.iter().all(|land| land.land_id == order.land_id), "{lands:?}");
    assert!(server.is_left_alone().await);
    stack.stop().await;
}

#[tokio::test]
async fn the_same_id_with_other_content_is_refused() {
    let stack = Stack::start().await;
    let server = Agent::start(&stack, hello("s-1")).await.make_all_lands();
    stack.servers_are(|servers| servers.len() == 1).await;
    stack.provisioning().allocate(request("a")).await.unwrap();
    let other = pb::AllocateRequest { region: "eu".to_owned(), ..request("a") };
    let refused = refusal(stack.provisioning().allocate(other).await);
    assert_eq!(refused.reason, Reason::InvalidRequest);
    assert_eq!(refused.fields[0].field, "allocation_id");
    stack.stop().await;
    server.abort();
}

#[tokio::test]
async fn a_land_that_was_released_or_has_ended_is_not_given_again() {
    let stack = Stack::start().await;
    let mut server = Agent::start(&stack, hello("s-1")).await;
    stack.servers_are(|servers| servers.len() == 1).await;
    let allocate = async |server: &mut Agent| {
        let mut client = stack.provisioning();
        let call = tokio::spawn(async move { client.allocate(request("a")).await.unwrap().into_inner() });
        let order = server.make_land().await;
        assert_eq!(call.await.unwrap().land_id, order.land_id);
        order.land_id
    };
    let first = allocate(&mut server).await;
    let release = pb::ReleaseRequest { land_id: first.clone() };
    for released in [true, false] {
        let answer = stack.provisioning().release(release.clone()).await.unwrap();
        assert_eq!(answer.into_inner().released, released);
    }
    let second = allocate(&mut server).await;
    assert_ne!(first, second, "its release made the id free");
    server.beat(&[&second]).await;
    server.beat(&[]).await;
    stack.servers_are(|servers| servers[0].lands_used == 0).await;
    assert_ne!(second, allocate(&mut server).await, "its land has ended");
    stack.stop().await;
}

fn embedded(dir: &std::path::Path) -> Config {
    let (keys_dir, state_dir) = (dir.join("keys"), dir.join("state"));
    Config { state: State::Embedded, keys_dir, state_dir, ..config() }
}

#[tokio::test]
async fn a_restart_forgets_no_allocation_and_no_release() {
    let keys = keys();
    let config = || embedded(keys.path());
    let stack = Stack::with_own_keys(config(), &[]).await;
    let server = Agent::start(&stack, hello("s-1")).await.make_all_lands();
    stack.servers_are(|servers| servers.len() == 1).await;
    let first = stack.provisioning().allocate(request("a")).await.unwrap().into_inner();
    let gone = stack.provisioning().allocate(request("b")).await.unwrap().into_inner();
    let release = pb::ReleaseRequest { land_id: gone.land_id.clone() };
    assert!(stack.provisioning().release(release).await.unwrap().into_inner().released);
    stack.stop().await;
    server.abort();

    let stack = Stack::with_own_keys(config(), &[]).await;
    // Its server isn't back yet: nobody can tell whether the land lives.
    assert_eq!(stack.provisioning().allocate(request("a")).await.unwrap().into_inner(), first);
    let lands = vec![pb::Land { land_id: first.land_id.clone(), ..Default::default() }];
    let mut server = Agent::start(&stack, pb::Hello { lands, ..hello("s-1") }).await;
    stack.servers_are(|servers| servers.len() == 1).await;
    assert_eq!(stack.provisioning().allocate(request("a")).await.unwrap().into_inner(), first);
    let mut client = stack.provisioning();
    let call = tokio::spawn(async move { client.allocate(request("b")).await.unwrap().into_inner() });
    server.make_land().await;
    assert_ne!(call.await.unwrap().land_id, gone.land_id);
    stack.stop().await;
}

#[tokio::test]
async fn a_maker_that_is_killed_costs_no_second_land() {
    let keys = keys();
    let (keys_dir, state_dir) = (keys.path().join("keys"), keys.path().join("state"));
    let settings = ["--keys-dir", keys_dir.to_str().unwrap(), "--state-dir", state_dir.to_str().unwrap()];
    let process = Process::start(&settings).await;
    let mut server = Agent::connect(process.provisioning(), hello("s-1")).await.unwrap();
    let ask = |process: &Process, id: &'static str| {
        let mut client = process.provisioning();
        tokio::spawn(async move { client.allocate(request(id)).await.map(tonic::Response::into_inner) })
    };
    // One land is made and one isn't, and nobody is told of either.
    let calls = [ask(&process, "made"), ask(&process, "not made")];
    let mut orders = [server.order().await, server.order().await];
    process.kill();
    for call in calls {
        assert!(call.await.unwrap().is_err());
    }
    let process = Process::start(&settings).await;
    let calls = [ask(&process, "made"), ask(&process, "not made")];
    orders.sort_by(|a, b| a.land_id.cmp(&b.land_id));
    let lands = vec![pb::Land { land_id: orders[0].land_id.clone(), ..Default::default() }];
    let mut server =
        Agent::connect(process.provisioning(), pb::Hello { lands, ..hello("s-1") }).await.unwrap();
    let order = server.order().await;
    assert_eq!(order.land_id, orders[1].land_id, "the same land");
    assert_eq!(order.match_id, orders[1].match_id, "and the same match");
    server.answer(&order, READY).await;
    let mut answered = Vec::new();
    for call in calls {
        answered.push(call.await.unwrap().unwrap().land_id);
    }
    answered.sort();
    assert_eq!(answered, orders.map(|order| order.land_id));
    assert!(server.is_left_alone().await);
    process.kill();
}

#[tokio::test]
async fn any_replica_repeats_the_answer_and_releases_the_land() {
    let shared = Shared::new();
    let (one, two) = (shared.replica(Role::Api).await, shared.replica(Role::Api).await);
    let server = Agent::start(&one, hello("s-1")).await.make_all_lands();
    for replica in [&one, &two] {
        replica.servers_are(|servers| servers.len() == 1).await;
    }
    let first = two.provisioning().allocate(request("a")).await.unwrap().into_inner();
    for replica in [&one, &two] {
        assert_eq!(replica.provisioning().allocate(request("a")).await.unwrap().into_inner(), first);
    }
    let release = pb::ReleaseRequest { land_id: first.land_id.clone() };
    for released in [true, false] {
        let answer = two.provisioning().release(release.clone()).await.unwrap();
        assert_eq!(answer.into_inner().released, released);
    }
    let next = one.provisioning().allocate(request("a")).await.unwrap().into_inner();
    assert_ne!(next.land_id, first.land_id);
    one.stop().await;
    two.stop().await;
    server.abort();
}

#[tokio::test]
async fn another_replica_goes_on_where_a_maker_was_killed() {
    let shared = Shared::new();
    let two = shared.replica(Role::Api).await;
    let keys_dir = shared.keys().join("keys");
    let (redis, keys_dir) = (shared.redis_url(), keys_dir.to_str().unwrap().to_owned());
    let settings = ["--state", "redis", "--redis-url", &redis, "--keys-dir", &keys_dir];
    let maker =
        Process::start(&[&settings[..], &["--heartbeat-expiry", "2s", "--queue-lease", "2s"]].concat()).await;
    let mut server = Agent::start(&two, hello("s-1")).await;
    two.servers_are(|servers| servers.len() == 1).await;
    let mut client = maker.provisioning();
    let call = tokio::spawn(async move {
        // Its server is the other replica's, of which it may not have heard yet.
        loop {
            let mut request = Request::new(request("a"));
            request.set_timeout(Duration::from_secs(3));
            match client.allocate(request).await {
                Err(refused) if refused.code() == tonic::Code::ResourceExhausted => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                other => return other,
            }
        }
    });
    let order = server.order().await;
    maker.kill();
    assert!(call.await.unwrap().is_err());
    // Whoever waited for the land at its own replica still does, and so it is there.
    server.answer(&order, READY).await;
    let mut client = two.provisioning();
    let again = client.allocate(request("a"));
    let beating = async {
        loop {
            server.beat(&[&order.land_id]).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let answer = tokio::select! {
        answer = again => answer.unwrap().into_inner(),
        () = beating => panic!("it beats for ever"),
    };
    assert_eq!((&*answer.land_id, &*answer.server_id), (&*order.land_id, "s-1"));
    assert!(server.is_left_alone().await);
    assert_eq!(two.servers().await[0].lands_used, 1);
    two.stop().await;
}
