//! Who listens for land commands.

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    control_plane::ControlPlane,
    fixture::{Agent, SOON},
};

#[tokio::test]
async fn a_newer_watcher_replaces_the_older_and_misses_nothing() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::registered(&control_plane, &[]).await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    let mut older = agent.watch().await;
    assert_eq!(older.next().await.unwrap()["landId"], "arena:1");
    agent.ok(Method::POST, "/v1/drain", None).await;
    assert_eq!(older.next().await.unwrap()["type"], "drain");
    let mut newer = agent.watch().await;
    assert_eq!(older.next().await.unwrap(), json!({"type": "replaced"}));
    assert_eq!(older.next().await, None, "its stream ends");
    assert_eq!(newer.next().await.unwrap()["landId"], "arena:1");
    assert_eq!(newer.next().await.unwrap()["type"], "drain");
    drop(newer);
    agent.ok(Method::POST, "/v1/lands/arena:1/ready", None).await;
    assert_eq!(control_plane.answer("c-1").await, None);
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_ends_the_watch() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::registered(&control_plane, &[]).await;
    let mut watch = agent.watch().await;
    agent.stop().await.unwrap();
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn a_watcher_that_does_not_read_is_cut_and_holds_nobody_up() {
    const RELEASES: usize = 600;
    let control_plane = ControlPlane::start().await;
    let agent = Agent::registered(&control_plane, &[]).await;
    let mut lazy = TcpStream::connect(agent.http_addr).await.unwrap();
    lazy.write_all(b"GET /v1/lands/watch HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut head = [0; 12];
    lazy.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    // More than any socket keeps.
    let reason = "x".repeat(64 * 1024);
    for n in 0..RELEASES {
        control_plane.release(&format!("arena:{n}"), &reason).await;
    }
    control_plane.allocate("c-1", "arena:last", 20).await;
    let refused = control_plane.answer("c-1").await;
    assert!(refused.is_some(), "nobody answers for the one who doesn't read");
    let mut all = Vec::new();
    let mut piece = vec![0; 1024 * 1024];
    // The last chunk of a response that has ended.
    while !all.ends_with(b"\r\n0\r\n\r\n") {
        let read = timeout(SOON, lazy.read(&mut piece)).await.unwrap().unwrap();
        assert!(read > 0, "closed before the end");
        all.extend_from_slice(&piece[..read]);
    }
    let lines = all.iter().filter(|byte| **byte == b'{').count();
    assert!((1..RELEASES).contains(&lines), "{lines} lines");
    let mut next = agent.watch().await;
    for n in (lines..RELEASES).map(|n| n.to_string()).chain(["last".to_owned()]) {
        let told = next.next().await.unwrap();
        assert_eq!((&told["type"], &told["landId"]), (&json!("land.release"), &json!(format!("arena:{n}"))));
    }
    assert_eq!(agent.status().await["lands"], json!([]));
    agent.stop().await.unwrap();
}
