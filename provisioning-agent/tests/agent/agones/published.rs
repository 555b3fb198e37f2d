//! The SDKs as they are published, unmodified: each runs a game server's whole life against the agent, while this test plays the
//! control plane. What they do is in `tests/agones-sdks/`.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use proto::provisioning::v1::{Health, connect_request::Message as Up};
use tokio::{process::Command, time::timeout};

use super::grpc::GRPC;
use crate::{control_plane::ControlPlane, fixture::Agent};

/// How long it may take to fetch and build an SDK for the first time.
const BUILD: Duration = Duration::from_secs(15 * 60);
/// How long a whole life may take. It waits for a reservation and for its own health to run out.
const LIFE: Duration = Duration::from_secs(60);

#[tokio::test]
#[ignore = "builds a workspace of its own, from the registry; tests/run runs it"]
async fn the_rust_crate() {
    let sources = sources("rust");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("agones-sdks");
    let build = |package: &str| {
        let mut command = Command::new(env!("CARGO"));
        command.current_dir(&sources).args(["build", "--quiet", "--locked", "-p", package]);
        command.arg("--target-dir").arg(&target).env("PROTOC", target.join("debug/protoc"));
        command
    };
    done(build("protoc"), BUILD).await;
    done(build("life"), BUILD).await;
    lives(Command::new(target.join("debug/life"))).await;
}

#[tokio::test]
#[ignore = "needs node, npm and its registry; tests/run runs it"]
async fn the_npm_package() {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("agones-node");
    std::fs::create_dir_all(&place).unwrap();
    for file in ["package.json", "package-lock.json", "life.js"] {
        std::fs::copy(sources("node").join(file), place.join(file)).unwrap();
    }
    let mut fetch = Command::new("npm");
    fetch.current_dir(&place).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
    done(fetch, BUILD).await;
    let mut life = Command::new("node");
    life.current_dir(&place).arg("life.js");
    lives(life).await;
}

/// Gives the game server that `program` is one land, and sees its life from the other side.
async fn lives(mut program: Command) {
    let control_plane = ControlPlane::start().await;
    let mine =
        ["--capacity", "2", "--label", "tier=gold", "--sdk-counter", "rounds=10", "--sdk-list", "maps=2"];
    let health = ["--health-period", "3s", "--health-failures", "2"];
    let agent = Agent::start(control_plane.addr, &[&GRPC[..], &mine, &health].concat()).await;
    program.env("AGONES_SDK_GRPC_PORT", agent.grpc_addr.unwrap().port().to_string());
    let seen = async {
        control_plane.hello(1).await;
        agent.state("registered").await;
        control_plane.allocate("c-1", "arena:1", 60_000).await;
        assert_eq!(control_plane.answer("c-1").await, None);
    };
    tokio::join!(done(program, LIFE), seen);
    control_plane.heartbeat("the reservation", |heartbeat| heartbeat.draining).await;
    control_plane
        .heartbeat("its silence", |heartbeat| heartbeat.health == i32::from(Health::Unhealthy))
        .await;
    control_plane.heard("a goodbye", |_, message| matches!(message, Up::Goodbye(_)).then_some(())).await;
    agent.stop().await.unwrap();
}

fn sources(sdk: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agones-sdks").join(sdk)
}

/// Runs it to its end, which must be a good one.
async fn done(mut command: Command, within: Duration) {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let what = format!("{command:?}");
    let output = timeout(within, command.output()).await.unwrap_or_else(|_| panic!("{what} does not end"));
    let output = output.unwrap_or_else(|error| panic!("can't start {what}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {}\n{said}", output.status);
}
