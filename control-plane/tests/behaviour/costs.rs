//! What callers may cost: connections, streams, messages, and silence. Each limit has an answer.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

use control_plane::{Config, ControlPlane, Sections};
use proto::{matchmaking::v1 as mm, provisioning::v1 as pb};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, transport::Endpoint};

use crate::{
    agent::{Agent, hello},
    stack::{PATIENCE, Stack, config, keys, request},
};

/// A control plane whose connections are all the test's.
struct Alone {
    addr: SocketAddr,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    _keys: tempfile::TempDir,
}

impl Alone {
    async fn start(mut config: Config) -> Self {
        let keys = keys();
        config.keys_dir = keys.path().join("keys");
        let control_plane = ControlPlane::bind(config, Sections::default()).await.unwrap();
        let addr = control_plane.grpc_addr();
        let stop = CancellationToken::new();
        Self { addr, running: tokio::spawn(control_plane.run(stop.clone())), stop, _keys: keys }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
    }
}

/// How long it took until the other side left.
async fn left_after(stream: &mut TcpStream) -> Duration {
    let begun = Instant::now();
    let mut heard = Vec::new();
    match timeout(PATIENCE, stream.read_to_end(&mut heard)).await.expect("it stays") {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_connection_lives() {
    let mut config = config();
    config.grpc.grpc_max_message = 64 * 1024;
    config.grpc.grpc_max_report = 256 * 1024;
    let stack = Stack::with(config, &[]).await;
    let large = mm::EnqueueRequest { constraints_json: "x".repeat(70_000), ..request("demo:2", &["ann"]) };
    let refused = stack.matchmaking().enqueue(large).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    assert!(refused.message().contains("65536"), "it says how much may be: {}", refused.message());

    let land = |n: usize| pb::Land { land_id: format!("demo:{n:0>100}"), ..Default::default() };
    let report =
        |lands: usize| pb::Hello { capacity: 5_000, lands: (0..lands).map(land).collect(), ..hello("s-1") };
    let refused = Agent::try_start(&stack, report(3_000)).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    let _agent = Agent::start(&stack, report(2_000)).await;
    stack.servers_are(|servers| servers.len() == 1 && servers[0].lands_used == 2_000).await;
    stack.enqueue("demo:2", &["ann"]).await;
    stack.stop().await;
}

#[tokio::test]
async fn streams_beyond_those_of_a_connection_wait_and_other_connections_do_not() {
    let mut config = config();
    config.grpc.grpc_max_streams = 8;
    let stack = Stack::with(config, &[]).await;
    let mut open = Vec::new();
    for _ in 0..8 {
        let (say, requests) = mpsc::channel::<mm::WatchRequest>(1);
        open.push((say, stack.matchmaking().watch(ReceiverStream::new(requests)).await.unwrap()));
    }
    let mut calls = stack.matchmaking();
    let mut ninth = std::pin::pin!(calls.enqueue(request("demo:2", &["ann"])));
    assert!(timeout(Duration::from_millis(200), &mut ninth).await.is_err(), "there are eight");
    open.pop();
    timeout(PATIENCE, ninth).await.expect("there is room now").unwrap();
    stack.stop().await;
}

#[tokio::test]
async fn a_connection_too_many_is_closed_and_the_others_stay() {
    let mut config = config();
    config.grpc.grpc_max_connections = 2;
    let stack = Alone::start(config).await;
    let [mut first, mut second] = [stack.connect().await, stack.connect().await];
    left_after(&mut stack.connect().await).await;
    for stream in [&mut first, &mut second] {
        // The server has greeted it, and nothing more.
        let mut heard = Vec::new();
        let end = timeout(Duration::from_millis(50), stream.read_to_end(&mut heard)).await;
        assert!(end.is_err() && !heard.is_empty(), "it was closed: {end:?}");
    }
    drop(first);
    // A place is free as soon as the end was noticed.
    let endpoint = Endpoint::from_shared(format!("http://{}", stack.addr)).unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let channel = endpoint.connect_lazy();
        let request = tonic_health::pb::HealthCheckRequest::default();
        if tonic_health::pb::health_client::HealthClient::new(channel).check(request).await.is_ok() {
            break;
        }
        assert!(Instant::now() < deadline, "the place never became free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stack.stop().await;
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_cut_off() {
    let mut config = config();
    config.grpc.grpc_greeting_timeout = Duration::from_millis(200);
    let stack = Alone::start(config).await;
    let mut silent = stack.connect().await;
    let mut halting = stack.connect().await;
    halting.write_all(b"PRI * HTTP/2.0\r\n\r\nSM").await.unwrap();
    for stream in [&mut silent, &mut halting] {
        left_after(stream).await;
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_connection_that_does_not_answer_is_cut_off() {
    let mut config = config();
    config.grpc.grpc_keepalive_interval = Duration::from_millis(200);
    config.grpc.grpc_keepalive_timeout = Duration::from_millis(200);
    let stack = Stack::with(config, &[]).await;
    let (_say, requests) = mpsc::channel::<mm::WatchRequest>(1);
    let mut alive = stack.matchmaking().watch(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let addr = stack.addr;
    let mut dead = TcpStream::connect(addr).await.unwrap();
    // The preface and empty settings: it speaks HTTP/2, and then no more.
    dead.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let took = left_after(&mut dead).await;
    assert!(took >= Duration::from_millis(300), "{took:?}");
    let still = timeout(Duration::from_millis(500), alive.message()).await;
    assert!(still.is_err(), "who answers stays: {still:?}");
    stack.stop().await;
}

#[tokio::test]
async fn limits_that_cannot_work_are_named() {
    for (setting, change) in [
        ("grpc_max_connections", (|config| config.grpc.grpc_max_connections = 0) as fn(&mut Config)),
        ("grpc_max_streams", |config| config.grpc.grpc_max_streams = 7),
        ("grpc_max_message", |config| config.grpc.grpc_max_message = 1024),
        ("grpc_max_report", |config| config.grpc.grpc_max_report = usize::MAX),
        ("grpc_greeting_timeout", |config| config.grpc.grpc_greeting_timeout = Duration::ZERO),
        ("grpc_keepalive_interval", |config| config.grpc.grpc_keepalive_interval = Duration::ZERO),
        ("grpc_keepalive_timeout", |config| config.grpc.grpc_keepalive_timeout = Duration::ZERO),
    ] {
        let mut config = config();
        change(&mut config);
        let refused = ControlPlane::bind(config, Sections::default()).await.unwrap_err().to_string();
        assert!(refused.starts_with(setting), "{refused}");
    }
}
