//! What is refused at the start, and in which words; and the ways in.

use std::time::{Duration, Instant};

use storage::{Announce, RedisOpenError, RedisPassword, RedisSettings, Storage as _};
use tokio::time::timeout;

use crate::{
    PATIENCE,
    fixture::{NOW, id, ticket},
    ground::{at, open, try_open},
    server::{Server, free_port},
};

fn refusal(settings: &RedisSettings) -> String {
    match try_open(settings) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_password_is_needed_where_there_is_one() {
    let server = Server::start_with(&["--appendonly", "yes", "--requirepass", "right"]);
    let with =
        |password: &str| RedisSettings { password: Some(RedisPassword::new(password)), ..at(server.port) };
    assert!(refusal(&at(server.port)).contains("NOAUTH"), "{}", refusal(&at(server.port)));
    let wrong = refusal(&with("wrong-one"));
    assert!(wrong.contains("WRONGPASS") || wrong.contains("uthentication"), "{wrong}");
    assert!(!wrong.contains("wrong-one"), "{wrong}");
    open(&with("right")).0.enqueue(ticket("t", &["p"]), NOW).await.unwrap();
}

#[tokio::test]
async fn a_user_needs_only_what_has_the_prefix() {
    let server = Server::start_with(&[
        "--appendonly",
        "yes",
        "--user",
        "muster",
        "on",
        ">secret",
        "~mine:*",
        "&mine:*",
        "+@all",
        "-@admin",
        "-@dangerous",
        "+info",
    ]);
    let settings = RedisSettings {
        username: Some("muster".to_owned()),
        password: Some(RedisPassword::new("secret")),
        prefix: "mine:".to_owned(),
        ..at(server.port)
    };
    let (storage, _upkeep) = open(&settings);
    storage.enqueue(ticket("t", &["p"]), NOW).await.unwrap();
    storage.cancel(&id("t"), NOW).await.unwrap();
    storage.sweep(NOW, 1).await.unwrap();
    let (replica, mut mailbox) = storage.join(Duration::from_secs(60));
    timeout(PATIENCE, mailbox.recv()).await.unwrap();
    assert_eq!(replica.announce(Vec::new(), true).await, Ok(Announce::Done));
    assert!(mailbox.announced().await.is_ok());
    let (elsewhere, _upkeep) = open(&RedisSettings { prefix: "other:".to_owned(), ..settings });
    assert!(elsewhere.enqueue(ticket("t", &["p"]), NOW).await.is_err());
}

#[test]
fn a_server_that_may_evict_is_refused() {
    let server = Server::start_with(&["--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"]);
    let refused = try_open(&at(server.port)).map(drop).unwrap_err();
    assert_eq!(refused, RedisOpenError::Evicts { found: "allkeys-lru".to_owned() });
}

#[test]
fn a_server_that_keeps_nothing_is_refused_unless_that_is_wanted() {
    let server = Server::start_with(&["--appendonly", "no", "--save", ""]);
    assert_eq!(try_open(&at(server.port)).map(drop), Err(RedisOpenError::Volatile));
    let wanted = RedisSettings { require_persistence: false, ..at(server.port) };
    drop(open(&wanted));
    let snapshots = Server::start_with(&["--appendonly", "no", "--save", "60 1"]);
    drop(open(&at(snapshots.port)));
}

#[test]
fn nobody_there_is_said_at_once_and_with_the_address() {
    let port = free_port();
    let begun = Instant::now();
    let refused = refusal(&at(port));
    assert!(refused.contains(&format!("127.0.0.1:{port}")), "{refused}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn a_server_that_is_no_cluster_is_refused_as_one() {
    let server = Server::start();
    let settings = RedisSettings { topology: storage::RedisTopology::Cluster, ..at(server.port) };
    assert!(refusal(&settings).contains("can't use Redis at 127.0.0.1"), "{}", refusal(&settings));
}

#[tokio::test]
async fn prefixes_and_databases_are_apart() {
    let server = Server::start();
    let settings = at(server.port);
    let other_database = RedisSettings { database: 1, ..settings.clone() };
    let stores = [open(&settings), open(&at(server.port)), open(&other_database)];
    for (storage, _) in &stores {
        storage.enqueue(ticket("t", &["p"]), NOW).await.unwrap();
    }
    stores[0].0.cancel(&id("t"), NOW).await.unwrap();
    for (storage, _) in &stores[1..] {
        let read = storage.read(&[id("t")]).await.unwrap();
        assert_eq!(read[0].as_ref().unwrap().status, storage::Status::Queued);
    }
}
