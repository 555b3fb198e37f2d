//! A master that fails, a replica that takes its place, and the Sentinel that says so.

use std::fs;

use storage::{RedisSettings, RedisTopology, Status, Storage as _};

use crate::{
    eventually,
    fixture::{NOW, id, status, ticket},
    ground::{at, open},
    server::{Server, free_port},
};

#[tokio::test]
async fn after_a_failover_the_storage_goes_on_at_the_new_master() {
    let master = Server::start();
    let port = master.port.to_string();
    let replica =
        Server::start_with(&["--appendonly", "yes", "--save", "", "--replicaof", "127.0.0.1", &port]);
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("sentinel.conf");
    let lines = [
        format!("sentinel monitor games 127.0.0.1 {port} 1"),
        "sentinel down-after-milliseconds games 300".to_owned(),
        "sentinel failover-timeout games 2000".to_owned(),
    ];
    fs::write(&config, lines.join("\n")).unwrap();
    let sentinel = Server::start_sentinel(&config, free_port());
    let topology = RedisTopology::Sentinel { master: "games".to_owned() };
    let settings = RedisSettings { topology, ..at(sentinel.port) };
    let (storage, _upkeep) = open(&settings);
    storage.enqueue(ticket("t", &["p"]), NOW).await.unwrap();
    eventually("the replica has the ticket", || async {
        let mut replica = crate::raw(&at(replica.port)).await;
        let keys: i64 = redis::cmd("DBSIZE").query_async(&mut replica).await.unwrap();
        let mut master = crate::raw(&at(master.port)).await;
        let all: i64 = redis::cmd("DBSIZE").query_async(&mut master).await.unwrap();
        (keys == all).then_some(())
    })
    .await;
    // The Sentinel hears of replicas from the master, now and then.
    eventually("the Sentinel knows the replica", || async {
        let mut sentinel = crate::raw(&settings).await;
        let mut replicas = redis::cmd("SENTINEL");
        replicas.arg("REPLICAS").arg("games");
        let known: Vec<redis::Value> = replicas.query_async(&mut sentinel).await.unwrap();
        (!known.is_empty()).then_some(())
    })
    .await;

    drop(master);
    eventually("a ticket is taken in again", || async {
        storage.enqueue(ticket("u", &["q"]), NOW).await.ok()
    })
    .await;
    let storage: crate::fixture::Subject = storage;
    assert_eq!(status(&storage, "t").await, Some(Status::Queued));
    assert_eq!(storage.read(&[id("u")]).await.unwrap().len(), 1);
}
