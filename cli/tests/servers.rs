//! What operators do with game servers, against a control plane with an agent in the test's own hands.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::{
    net::SocketAddr,
    process::{Command, Output, Stdio},
    time::Duration,
};

use control_plane::{Config, ControlPlane, Sections, State};
use futures_util::stream;
use proto::provisioning::v1::{
    self as pb, connect_request::Message as Up, connect_response::Message as Down,
    provisioning_client::ProvisioningClient,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStdout},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Streaming,
    transport::{Channel, Endpoint},
};

const PATIENCE: Duration = Duration::from_secs(30);

struct World {
    addr: SocketAddr,
    url: String,
    client: ProvisioningClient<Channel>,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    _keys: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        Self::at(([127, 0, 0, 1], 0).into()).await
    }

    async fn at(grpc_addr: SocketAddr) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let config = Config {
            grpc_addr,
            keys_dir: keys.path().join("keys"),
            state: State::Memory,
            token_algorithm: control_plane::TokenAlgorithm::Es256,
            ..runtime::config::defaults(&[])
        };
        let control_plane = ControlPlane::bind(config, Sections::default()).await.unwrap();
        let addr = control_plane.grpc_addr();
        let url = format!("http://{addr}");
        let stop = CancellationToken::new();
        let running = tokio::spawn(control_plane.run(stop.clone()));
        let channel = Endpoint::from_shared(url.clone()).unwrap().connect().await.unwrap();
        Self { addr, url, client: ProvisioningClient::new(channel), stop, running, _keys: keys }
    }

    async fn muster(&self, args: &[&str]) -> Output {
        let args: Vec<String> = ["servers"]
            .iter()
            .chain(args)
            .chain(&["--control-plane", &self.url])
            .map(|arg| (*arg).to_owned())
            .collect();
        let run = move || Command::new(env!("CARGO_BIN_EXE_muster")).args(args).output().unwrap();
        timeout(PATIENCE, tokio::task::spawn_blocking(run)).await.unwrap().unwrap()
    }

    async fn said(&self, args: &[&str]) -> String {
        let output = self.muster(args).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    async fn refused(&self, args: &[&str]) -> String {
        let output = self.muster(args).await;
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    }

    /// A drain whose lines can be read while it waits.
    fn drain(&self, server: &str) -> Watched {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(["servers", "drain", server, "--control-plane", &self.url]);
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Watched { child, out }
    }

    /// Another control plane at the same address, which knows nothing of what this one knew.
    async fn restart(self) -> Self {
        let addr = self.addr;
        self.stop().await;
        Self::at(addr).await
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
    }
}

/// A command that runs.
struct Watched {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Watched {
    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(PATIENCE, self.out.read_line(&mut line)).await.unwrap().unwrap();
        line
    }

    /// What it says until it ends well.
    async fn end(mut self) -> String {
        let mut rest = String::new();
        timeout(PATIENCE, self.out.read_to_string(&mut rest)).await.unwrap().unwrap();
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}: {rest}");
        rest
    }
}

/// A game server's side of its stream.
struct Agent {
    up: mpsc::Sender<pb::ConnectRequest>,
    down: Streaming<pb::ConnectResponse>,
    sequence: u64,
}

impl Agent {
    /// Registered, with this land.
    async fn start(world: &World, server: &str, land: &str) -> Self {
        let (up, requests) = mpsc::channel(16);
        let requests =
            stream::unfold(requests, async |mut requests| Some((requests.recv().await?, requests)));
        let hello = pb::Hello {
            server_id: server.to_owned(),
            instance_id: "i-1".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 7001,
            land_types: vec!["demo".to_owned()],
            capacity: 4,
            lands: lands(&[land]),
            ..Default::default()
        };
        up.send(pb::ConnectRequest { message: Some(Up::Hello(hello)) }).await.unwrap();
        let mut down = world.client.clone().connect(requests).await.unwrap().into_inner();
        let welcome = down.message().await.unwrap().unwrap().message;
        assert!(matches!(welcome, Some(Down::Welcome(_))), "{welcome:?}");
        Self { up, down, sequence: 0 }
    }

    async fn beat(&mut self, draining: bool, present: &[&str]) {
        self.sequence += 1;
        let beat = pb::Heartbeat {
            sequence: self.sequence,
            health: pb::Health::Healthy.into(),
            draining,
            lands: lands(present),
            ..Default::default()
        };
        self.up.send(pb::ConnectRequest { message: Some(Up::Heartbeat(beat)) }).await.unwrap();
    }

    async fn hears<T>(&mut self, wanted: impl Fn(Down) -> Option<T>) -> T {
        loop {
            let message = timeout(PATIENCE, self.down.message()).await.unwrap().unwrap().unwrap();
            if let Some(found) = message.message.and_then(&wanted) {
                return found;
            }
        }
    }
}

fn lands(ids: &[&str]) -> Vec<pb::Land> {
    let land = |id: &&str| pb::Land {
        land_id: (*id).to_owned(),
        player_ids: vec!["ann".to_owned()],
        ..Default::default()
    };
    ids.iter().map(land).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_are_listed_and_shown() {
    let world = World::start().await;
    assert_eq!(world.said(&["list"]).await.lines().count(), 1, "the head alone");
    let _agent = Agent::start(&world, "s-1", "demo:1").await;
    let listed = world.said(&["list"]).await;
    assert!(listed.lines().nth(1).unwrap().starts_with("s-1     ready  1/4    1"), "{listed}");
    assert_eq!(world.said(&["list", "--land-type", "chess"]).await.lines().count(), 1);
    let document: Value = serde_json::from_str(&world.said(&["list", "--json"]).await).unwrap();
    assert_eq!(document["servers"][0]["lands"][0]["landId"], "demo:1");
    let shown = world.said(&["show", "s-1"]).await;
    assert!(shown.contains("lands       1 of 4\n") && shown.contains("demo:1  ann"), "{shown}");
    let refused = world.refused(&["show", "s-2"]).await;
    assert!(refused.contains("there is no server `s-2`"), "{refused}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_is_watched_until_nothing_is_left() {
    let world = World::start().await;
    let mut agent = Agent::start(&world, "s-1", "demo:1").await;
    let told = world.said(&["drain", "s-1", "--no-wait"]).await;
    assert_eq!(told, "s-1: draining, 1 land, 1 player\n");
    let draining = async {
        let drain = agent.hears(|down| if let Down::Drain(drain) = down { Some(drain) } else { None }).await;
        assert_eq!((drain.reason.is_empty(), drain.deadline_ms), (false, 0));
        agent.beat(true, &["demo:1"]).await;
        agent.hears(|down| if let Down::Drain(_) = down { Some(()) } else { None }).await;
        agent.beat(true, &[]).await;
        agent
    };
    let (said, _agent) = tokio::join!(world.said(&["drain", "s-1"]), draining);
    let expected = "s-1: draining, 0 lands, 0 players\ns-1 has no lands left: it can be stopped\n";
    assert!(said.ends_with(expected), "{said}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_with_a_deadline_ends_what_is_left() {
    let world = World::start().await;
    let mut agent = Agent::start(&world, "s-1", "demo:1").await;
    let draining = async {
        let land = agent.hears(|down| if let Down::ReleaseLand(it) = down { Some(it.land_id) } else { None });
        assert_eq!(land.await, "demo:1");
        agent
            .up
            .send(pb::ConnectRequest { message: Some(Up::Goodbye(pb::Goodbye::default())) })
            .await
            .unwrap();
    };
    let args = ["drain", "s-1", "--deadline", "2s", "--reason", "v2"];
    let (said, ()) = tokio::join!(world.said(&args), draining);
    assert!(said.starts_with("s-1: draining, 1 land, 1 player; ended in 2s\n"), "{said}");
    let end = said.lines().last().unwrap();
    assert!(end.contains("it can be stopped") || end.contains("has gone"), "{said}");
    let refused = world.refused(&["drain", "s-1"]).await;
    assert!(refused.contains("SERVER_NOT_FOUND"), "{refused}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_outlives_a_control_plane_that_forgot_the_server() {
    let world = World::start().await;
    let agent = Agent::start(&world, "s-1", "demo:1").await;
    let mut drain = world.drain("s-1");
    assert_eq!(drain.line().await, "s-1: draining, 1 land, 1 player\n");
    drop(agent);
    let world = world.restart().await;
    let mut line = drain.line().await;
    if line.starts_with("s-1: lost") {
        // It saw the last moment of the first one.
        line = drain.line().await;
    }
    assert!(line.starts_with("s-1 is not known to the control plane"), "{line}");
    let mut agent = Agent::start(&world, "s-1", "demo:1").await;
    assert_eq!(
        drain.line().await,
        "s-1: draining, 1 land, 1 player\n",
        "it was told anew, and its match lives"
    );
    agent.hears(|down| if let Down::Drain(_) = down { Some(()) } else { None }).await;
    agent.beat(true, &[]).await;
    let said = drain.end().await;
    assert!(said.ends_with("s-1 has no lands left: it can be stopped\n"), "{said}");
    world.stop().await;
}
