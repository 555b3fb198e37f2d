//! What an idle socket costs the gateway in resident memory: `cargo bench -p tests --bench idle_sockets`.
//!
//! Real programs: a control plane, and a gateway whose `VmRSS` is read from /proc before and after 5,000 sockets are opened. First
//! sockets that do nothing, then sockets that each wait for a ticket. Fails where an idle socket costs 12 KiB or more.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the figures are what a bench is for")]

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tests::{Client, Program, Socket};

const SOCKETS: usize = 5_000;
const LIMIT_KIB: f64 = 12.0;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    rlimit::increase_nofile_limit(rlimit::INFINITY).unwrap();
    let keys = tempfile::tempdir().unwrap();
    let keys = keys.path().join("keys").display().to_string();
    let none = ["--metrics-addr", "127.0.0.1:0"];
    let control_plane = Program::start(
        "control-plane",
        &[&["--grpc-addr", "127.0.0.1:0", "--keys-dir", keys.as_str(), "--state", "memory"][..], &none]
            .concat(),
    );
    let url = format!("http://{}", control_plane.logged("addr").await);
    let gateway = Program::start(
        "edge-gateway",
        &[
            &[
                "--client-addr",
                "127.0.0.1:0",
                "--internal-addr",
                "127.0.0.1:0",
                "--control-plane",
                url.as_str(),
            ][..],
            &["--allow-client-player-id"],
            &none,
        ]
        .concat(),
    );
    let client = Client::new(format!("http://{}", gateway.logged("clients").await));
    // What every gateway pays once: its caches, its first connections.
    drop(open(&client, 100).await);
    settle().await;

    let before = rss_kib(gateway.id());
    let mut sockets = open(&client, SOCKETS).await;
    settle().await;
    let idle = per_socket(before, gateway.id());
    println!("{SOCKETS} idle sockets: {idle:.1} KiB of resident memory each (limit {LIMIT_KIB} KiB)");

    for (number, socket) in sockets.iter_mut().enumerate() {
        let player = format!("player-{number}");
        // Nobody fills a match of 1,000 twice over before the bench ends: no server is there.
        socket.send(&json!({ "action": "enqueue", "queueKey": "demo:1000", "members": [player] })).await;
        assert_eq!(socket.next_of("enqueued").await["data"]["status"], "queued");
    }
    settle().await;
    let waiting = per_socket(before, gateway.id());
    println!("{SOCKETS} sockets that wait for a ticket: {waiting:.1} KiB each");
    if idle >= LIMIT_KIB {
        println!("an idle socket costs too much");
        std::process::exit(1);
    }
}

async fn open(client: &Client, count: usize) -> Vec<Socket> {
    stream::iter(0..count).map(|_| client.socket("/realtime")).buffer_unordered(64).collect().await
}

/// Lets the gateway finish what it does in the background; nothing tells when an allocator is done.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

#[expect(clippy::cast_precision_loss, reason = "kibibytes of one process")]
fn per_socket(before: usize, pid: u32) -> f64 {
    (rss_kib(pid) - before) as f64 / SOCKETS as f64
}

fn rss_kib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
