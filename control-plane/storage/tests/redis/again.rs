//! A script that ran, and whose answer was lost, is sent again by a cluster's connection: the second run has the outcome of the
//! first, and changes nothing.

use redis::{Value, aio::MultiplexedConnection};
use storage::{Redis, Status, Storage as _};

use crate::{
    fixture::{LEASE, NOW, a_match, id, queue, ticket},
    ground::{open, settings},
};

/// The scripts that Redis was asked to run meanwhile. Its log cuts long arguments short: a second run has no use for them.
struct Recorded(Vec<Vec<String>>);

/// Has the server note every call.
async fn record(behind: &mut MultiplexedConnection) {
    for setting in ["slowlog-log-slower-than", "slowlog-max-len"] {
        let value = if setting.ends_with("len") { "10000" } else { "0" };
        redis::cmd("CONFIG").arg("SET").arg(setting).arg(value).exec_async(behind).await.unwrap();
    }
    redis::cmd("SLOWLOG").arg("RESET").exec_async(behind).await.unwrap();
}

impl Recorded {
    async fn take(behind: &mut MultiplexedConnection) -> Self {
        let log: Vec<Vec<Value>> =
            redis::cmd("SLOWLOG").arg("GET").arg(-1).query_async(behind).await.unwrap();
        let calls = log.into_iter().rev().map(|entry| redis::from_redis_value(entry[3].clone()).unwrap());
        Self(calls.filter(|call: &Vec<String>| call[0] == "EVALSHA").collect())
    }

    /// Runs the newest of these scripts again.
    async fn run_last(&self, behind: &mut MultiplexedConnection) -> Value {
        let mut again = redis::cmd(&self.0.last().unwrap()[0]);
        again.arg(&self.0.last().unwrap()[1..]);
        again.query_async(behind).await.unwrap()
    }
}

async fn seq(behind: &mut MultiplexedConnection, prefix: &str) -> u64 {
    let meta = format!("{prefix}{{q:{}}}:meta", queue());
    redis::cmd("HGET").arg(meta).arg("seq").query_async(behind).await.unwrap()
}

fn texts(value: Value) -> Vec<String> {
    redis::from_redis_value(value).unwrap()
}

#[tokio::test]
async fn a_transition_that_is_sent_again_has_the_same_outcome() {
    // A server of its own, for its log of calls is everybody's.
    let server = crate::server::Server::start();
    let settings =
        storage::RedisSettings { addresses: vec![("127.0.0.1".to_owned(), server.port)], ..settings() };
    let (storage, _upkeep) = open(&settings);
    let storage: &Redis = &storage;
    let behind = &mut crate::raw(&settings).await;
    let lease = storage.claim(&queue(), &storage::WorkerId::new("w"), LEASE, NOW).await.unwrap().unwrap();
    // The texts of all scripts are known to the server from here on.
    storage.enqueue(ticket("warm", &["warm"]), NOW).await.unwrap();
    storage.assign(&lease, a_match(&["warm"]), NOW).await.unwrap();
    storage.enqueue(ticket("cold", &["cold"]), NOW).await.unwrap();
    storage.cancel(&id("cold"), NOW).await.unwrap();

    record(behind).await;
    storage.enqueue(ticket("t", &["p"]), NOW).await.unwrap();
    let (before, enqueue) = (seq(behind, &settings.prefix).await, Recorded::take(behind).await);
    let again = texts(enqueue.run_last(behind).await);
    assert_eq!(again[0], "known", "its own nonce says that it is this call's ticket: {again:?}");
    assert_eq!(seq(behind, &settings.prefix).await, before);

    storage.assign(&lease, a_match(&["t"]), NOW).await.unwrap();
    let (before, assign) = (seq(behind, &settings.prefix).await, Recorded::take(behind).await);
    assert_eq!(texts(assign.run_last(behind).await), ["done", "0"]);
    assert_eq!(seq(behind, &settings.prefix).await, before);
    // Not so another call with the same match.
    let other = storage.assign(&lease, a_match(&["t"]), NOW).await.unwrap();
    assert_eq!(other, storage::Fenced::NotQueued(vec![id("t")]));

    storage.enqueue(ticket("u", &["q"]), NOW).await.unwrap();
    storage.cancel(&id("u"), NOW).await.unwrap();
    let (before, cancel) = (seq(behind, &settings.prefix).await, Recorded::take(behind).await);
    assert!(texts(cancel.run_last(behind).await)[0].starts_with("C "));
    assert_eq!(seq(behind, &settings.prefix).await, before);
    assert_eq!(storage.read(&[id("u")]).await.unwrap()[0].as_ref().unwrap().status, Status::Cancelled);

    storage.release(&lease).await.unwrap();
    storage.claim(&queue(), &storage::WorkerId::new("w"), LEASE, NOW).await.unwrap().unwrap();
    let claim = Recorded::take(behind).await;
    assert_eq!(texts(claim.run_last(behind).await), ["claimed"]);
}
